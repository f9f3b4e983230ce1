/*
 * nats_engine.c - see nats_engine.h
 *
 * Theory of operation: each message is published with a reply subject of our own
 * inbox whose last word is its number, so that one subscription brings the word
 * of all. Inboxes are new with each connection: what is said of a message of the
 * one before goes nowhere, and would not come anyway.
 *
 * A user who may not publish gets no word but an error on the side, which names the
 * subject; one who may not read the inbox gets no word at all.
 */
#include "relay/nats_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/hash.h"
#include "relay/nats_client.h"
#include "relay/pub_ack.h"

#define NO_RESPONDERS 503 /* status of a message: no stream has the subject */
#define INBOX_MAX (SUBJECT_MAX + 32)

struct nats_engine {
	struct engine base;
	struct nats_link *link;
	struct stream_limits stream;
	char service[RELAY_NAME_MAX + 1];
	char inbox[INBOX_MAX]; /* of this connection, with its last dot */
	size_t inbox_len;
	struct buffer headers;
	struct json_doc doc;
};

static struct nats_engine *nats_engine_of(const struct engine *e)
{
	return (struct nats_engine *)e;
}

/* ---- words ---- */

static void subscribe(struct nats_engine *n)
{
	char all[INBOX_MAX + 2];

	snprintf(n->inbox, sizeof(n->inbox), "%s.%016" PRIx64 ".", nats_link_inbox(n->link), hash_key_random().k0);
	n->inbox_len = strlen(n->inbox);
	snprintf(all, sizeof(all), "%s*", n->inbox);
	nats_client_subscribe(nats_link_client(n->link), all);
}

/** number_of() - the last word of a subject of our inbox */
static bool number_of(const struct nats_engine *n, struct span subject, uint64_t *out)
{
	return span_starts(subject, span_of(n->inbox, n->inbox_len)) && span_skip(&subject, n->inbox_len) &&
	       digits_read(subject, out);
}

/** tell_word() - false: @m is none */
static bool tell_word(struct nats_engine *n, const struct nats_message *m)
{
	uint64_t number;

	if (!number_of(n, m->subject, &number))
		return false;
	n->base.on_word(n->base.ctx, number, m->status == NO_RESPONDERS ? RELAY_REFUSED_NO_STREAM : pub_ack_read(&n->doc, m->data));
	return true;
}

static size_t take(struct engine *e)
{
	struct nats_engine *n = nats_engine_of(e);
	struct nats_client *c = nats_link_client(n->link);
	struct nats_message *m;
	size_t words = 0;

	while (c && (m = nats_client_take(c))) {
		words += tell_word(n, m);
		nats_message_free(m);
	}
	return words;
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

static int publish(struct engine *e, const struct engine_message *m)
{
	struct nats_engine *n = nats_engine_of(e);
	struct nats_client *c = nats_link_client(n->link);
	char reply[INBOX_MAX + DIGITS_UINT_MAX + 1];

	if (!c)
		return -ENOTCONN;
	*put_uint(put_bytes(reply, n->inbox, n->inbox_len), m->number) = '\0';
	buffer_clear(&n->headers);
	record_headers(m->record, m->source, m->number, &n->headers);
	if (!buffer_ok(&n->headers))
		return -ENOMEM;
	return nats_client_publish(c, m->subject, m->wants_word ? reply : NULL, buffer_span(&n->headers),
				   span_of(m->record->data, m->record->data_len));
}

static bool send_written(struct engine *e)
{
	struct nats_client *c = nats_link_client(nats_engine_of(e)->link);

	return c && nats_client_send(c, 0) == 1;
}

static void wait_for(struct engine *e, int wake_fd, int64_t limit_ns)
{
	struct nats_client *c = nats_link_client(nats_engine_of(e)->link);
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	if (c && nats_client_is_up(c))
		nats_client_wait(c, wake_fd, limit_ns);
	else
		poll(&fd, 1, (int)((limit_ns + NS_PER_MS - 1) / NS_PER_MS));
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
	nats_link_close(nats_engine_of(e)->link, limit_ns);
}

static void free_engine(struct engine *e)
{
	struct nats_engine *n = nats_engine_of(e);

	nats_link_free(n->link);
	json_doc_deinit(&n->doc);
	buffer_deinit(&n->headers);
	free(n);
}

static const struct engine_ops ops = {
	.tend = tend,
	.is_up = is_up,
	.limit = limit,
	.publish = publish,
	.send = send_written,
	.take = take,
	.wait = wait_for,
	.trouble = trouble,
	.lost = lost,
	.prepare = prepare,
	.close = close_engine,
	.free = free_engine,
};

int nats_engine_new(const struct broker_options *broker, const struct stream_limits *stream, struct engine **out,
		    struct buffer *error)
{
	struct nats_engine *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
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
