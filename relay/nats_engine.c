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
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "relay/pub_ack.h"

#define JOINING_VERSION 0x0304ff /* the last that was tried, 3.4, and its patches */

#define SPENT_MAX 64
#define SPENT_BYTES 4096 /* of one that is kept for a while */

/** struct spent - messages of libnats that are done with. It frees them on a thread of its own, which each would wake */
struct spent {
	natsMsg *msg[SPENT_MAX];
	size_t count;
};

struct nats_engine {
	struct engine base;
	struct nats_link *link;
	struct stream_limits stream;
	char service[RELAY_NAME_MAX + 1];
	char inbox[SUBJECT_MAX + 64]; /* of this connection, with its last dot */
	natsSubscription *words;
	bool joins_fields; /* see add_headers() */
	struct buffer fields;
	struct spent published;
	pthread_mutex_t lock; /* of what follows, and of base.on_word: callbacks of two connections may overlap */
	struct json_doc doc;
	struct spent heard;
	struct nats_engine *next_freed;
};

/* A callback may still be on its way when an engine is freed: it stays, without effect, as links do (nats_link.c). */
static _Atomic(struct nats_engine *) freed;

static struct nats_engine *nats_engine_of(const struct engine *e)
{
	return (struct nats_engine *)e;
}

static void free_spent(struct spent *s)
{
	while (s->count > 0)
		natsMsg_Destroy(s->msg[--s->count]);
}

static void spend(struct spent *s, natsMsg *msg)
{
	if (!msg || natsMsg_GetDataLength(msg) > SPENT_BYTES) {
		natsMsg_Destroy(msg);
		return;
	}
	s->msg[s->count++] = msg;
	if (s->count == SPENT_MAX)
		free_spent(s);
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
	pthread_mutex_lock(&n->lock);
	if (number_of(natsMsg_GetSubject(msg), &number)) {
		result = natsMsg_IsNoResponders(msg)
				 ? RELAY_REFUSED_NO_STREAM
				 : pub_ack_read(&n->doc, span_of(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)));
		if (n->base.on_word)
			n->base.on_word(n->base.ctx, number, result);
	}
	spend(&n->heard, msg);
	pthread_mutex_unlock(&n->lock);
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

/*
 * Each field costs libnats several allocations and a place in a hash, which together are more than the rest of publishing. It
 * writes a field's name as it is given, so all fields go as the name of the last one, where that is known to be so.
 */
static natsStatus add_headers(struct nats_engine *n, natsMsg *msg, const struct record_headers *h)
{
	natsStatus s = NATS_OK;

	if (!n->joins_fields || h->count == 0) {
		for (size_t i = 0; i < h->count && s == NATS_OK; i++)
			s = natsMsgHeader_Add(msg, h->at[i].name, h->at[i].value);
		return s;
	}
	buffer_clear(&n->fields);
	for (size_t i = 0; i < h->count; i++) {
		buffer_add_str(&n->fields, h->at[i].name);
		if (i + 1 == h->count)
			break;
		buffer_add_str(&n->fields, ": ");
		buffer_add_str(&n->fields, h->at[i].value);
		buffer_add_str(&n->fields, "\r\n");
	}
	s = natsMsgHeader_Add(msg, buffer_text(&n->fields), h->at[h->count - 1].value);
	return buffer_ok(&n->fields) ? s : NATS_NO_MEMORY;
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
	if (s == NATS_OK)
		s = add_headers(n, msg, m->headers);
	if (s == NATS_OK)
		s = natsConnection_PublishMsg(nc, msg);
	spend(&n->published, msg);
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
	n->words = NULL;
	nats_link_free(n->link);
	pthread_mutex_lock(&n->lock);
	n->base.on_word = NULL;
	free_spent(&n->published);
	free_spent(&n->heard);
	json_doc_deinit(&n->doc);
	buffer_deinit(&n->fields);
	pthread_mutex_unlock(&n->lock);
	n->next_freed = atomic_load(&freed);
	while (!atomic_compare_exchange_weak(&freed, &n->next_freed, n))
		;
}

static const struct engine_ops ops = { tend, is_up, limit, publish, trouble, lost, prepare, close_engine, free_engine };

int nats_engine_new(const struct broker_options *broker, const struct stream_limits *stream, struct engine **out,
		    struct buffer *error)
{
	struct nats_engine *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	pthread_mutex_init(&n->lock, NULL);
	n->base.ops = &ops;
	n->joins_fields = nats_GetVersionNumber() <= JOINING_VERSION;
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
