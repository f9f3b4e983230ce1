/*
 * nats_engine.c - see nats_engine.h
 *
 * Theory of operation: each message is published with a reply subject of our own
 * inbox whose last word is its number, so that one subscription brings the word
 * of all. Inboxes are new with each connection: what is said of a message of the
 * one before goes nowhere, and would not come anyway. libnats' own asynchronous
 * publishing is not used: it keeps a copy of each message until its word comes,
 * and waits when there are too many.
 *
 * A user who may not publish gets no word but an error on the side, which names the
 * subject; one who may not read the inbox gets no word at all.
 */
#include "relay/nats_engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "relay/pub_ack.h"

struct nats_engine {
	struct engine base;
	struct nats_link *link;
	struct stream_limits stream;
	char service[RELAY_NAME_MAX + 1];
	char inbox[SUBJECT_MAX + 64]; /* of this connection, with its last dot */
	natsSubscription *words;
	pthread_mutex_t lock; /* of doc: callbacks of two connections may overlap */
	struct json_doc doc;
};

static struct nats_engine *nats_engine_of(const struct engine *e)
{
	return (struct nats_engine *)e;
}

/* ---- words ---- */

static bool number_of(const char *subject, uint64_t *out)
{
	const char *dot = strrchr(subject, '.');
	char *end;

	if (!dot || dot[1] < '0' || dot[1] > '9')
		return false;
	*out = strtoull(dot + 1, &end, 10);
	return *end == '\0';
}

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	struct nats_engine *n = closure;
	uint64_t number;
	enum relay_result result;

	(void)nc, (void)sub;
	if (number_of(natsMsg_GetSubject(msg), &number)) {
		pthread_mutex_lock(&n->lock);
		result = natsMsg_IsNoResponders(msg)
				 ? RELAY_REFUSED_NO_STREAM
				 : pub_ack_read(&n->doc, span_of(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)));
		pthread_mutex_unlock(&n->lock);
		n->base.on_word(n->base.ctx, number, result);
	}
	natsMsg_Destroy(msg);
}

static void subscribe(struct nats_engine *n)
{
	natsConnection *nc = nats_link_connection(n->link);
	natsInbox *inbox = NULL;
	char all[sizeof(n->inbox) + 2];

	natsSubscription_Destroy(n->words);
	n->words = NULL;
	if (natsInbox_Create(&inbox) != NATS_OK)
		return;
	/* libnats makes no inbox with the connection's own prefix for us; what is random in its own is */
	snprintf(n->inbox, sizeof(n->inbox), "%s.%s.", nats_link_inbox(n->link), strrchr(inbox, '.') + 1);
	natsInbox_Destroy(inbox);
	snprintf(all, sizeof(all), "%s*", n->inbox);
	if (natsConnection_Subscribe(&n->words, nc, all, on_message, n) == NATS_OK)
		natsSubscription_SetPendingLimits(n->words, -1, -1);
}

/* ---- the engine ---- */

static int tend(struct engine *e, struct mono now)
{
	struct nats_engine *n = nats_engine_of(e);
	int up = nats_link_tend(n->link, now);

	if (up == 1)
		subscribe(n);
	return up;
}

static bool is_up(const struct engine *e)
{
	return nats_link_is_up(nats_engine_of(e)->link);
}

static uint64_t limit(const struct engine *e)
{
	return nats_link_max_payload(nats_engine_of(e)->link);
}

static int errno_of(natsStatus s)
{
	switch (s) {
	case NATS_OK:
		return 0;
	case NATS_MAX_PAYLOAD:
		return -EMSGSIZE;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	case NATS_CONNECTION_CLOSED:
		return -ENOTCONN;
	default: /* the write failed, of this message or of those before it in the library's buffer */
		return -EIO;
	}
}

static int publish(struct engine *e, const struct engine_message *m)
{
	struct nats_engine *n = nats_engine_of(e);
	natsConnection *nc = nats_link_connection(n->link);
	char reply[sizeof(n->inbox) + 24];
	natsMsg *msg = NULL;
	natsStatus s;

	if (!nc)
		return -ENOTCONN;
	snprintf(reply, sizeof(reply), "%s%llu", n->inbox, (unsigned long long)m->number);
	s = natsMsg_Create(&msg, m->subject, m->wants_word ? reply : NULL, (const char *)m->data.at, (int)m->data.len);
	for (size_t i = 0; i < m->headers->count && s == NATS_OK; i++)
		s = natsMsgHeader_Add(msg, m->headers->at[i].name, m->headers->at[i].value);
	if (s == NATS_OK)
		s = natsConnection_PublishMsg(nc, msg);
	natsMsg_Destroy(msg);
	return errno_of(s);
}

static bool trouble(struct engine *e, int *denied, struct buffer *text)
{
	static const char publish_to[] = "Publish to \"";
	struct nats_engine *n = nats_engine_of(e);
	const char *subject;

	*denied = -1;
	if (!nats_link_trouble(n->link, text))
		return false;
	subject = strcasestr(buffer_text(text), publish_to);
	if (subject) {
		subject += strlen(publish_to);
		*denied = subject_partition_of(n->service, span_of(subject, strcspn(subject, "\"")));
	}
	return true;
}

static const char *lost(const struct engine *e)
{
	return nats_link_lost(nats_engine_of(e)->link);
}

static int prepare(struct engine *e, uint32_t *partitions, struct buffer *error)
{
	struct nats_engine *n = nats_engine_of(e);

	return nats_link_make_stream(n->link, &n->stream, partitions, error);
}

static void close_engine(struct engine *e, int64_t limit_ns)
{
	struct nats_engine *n = nats_engine_of(e);

	nats_link_flush(n->link, limit_ns);
	natsSubscription_Destroy(n->words);
	n->words = NULL;
	nats_link_close(n->link, 0);
}

static void free_engine(struct engine *e)
{
	struct nats_engine *n = nats_engine_of(e);

	natsSubscription_Destroy(n->words);
	nats_link_free(n->link);
	json_doc_deinit(&n->doc);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static const struct engine_ops ops = { tend, is_up, limit, publish, trouble, lost, prepare, close_engine, free_engine };

int nats_engine_new(const struct broker_options *broker, const struct stream_limits *stream, struct engine **out, struct buffer *error)
{
	struct nats_engine *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	pthread_mutex_init(&n->lock, NULL);
	n->base.ops = &ops;
	n->stream = *stream;
	snprintf(n->service, sizeof(n->service), "%s", broker->url->service);
	err = nats_link_new(broker, &n->link, error);
	if (err < 0)
		free_engine(&n->base);
	else
		*out = &n->base;
	return err;
}

int nats_engine_connect(struct engine *e, int64_t limit_ns, struct buffer *error)
{
	struct nats_engine *n = nats_engine_of(e);
	int err = nats_link_connect(n->link, limit_ns, error);

	if (err == 0)
		subscribe(n);
	return err;
}

bool nats_engine_is_own(const struct engine *e, uint16_t client, uint16_t server)
{
	return nats_link_is_own(nats_engine_of(e)->link, client, server);
}
