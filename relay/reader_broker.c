/*
 * reader_broker.c - what a reader asks the broker
 *
 * Theory of operation: what happens for each batch is answered to the inbox, so that
 * nothing waits for it: pulls, and claims. They are sent once a turn, together. The rest
 * is asked seldom, and waits. The inbox's last words say what a message there is about:
 *
 *   INBOX.ID.of.pull.PP.NUMBER   what the broker says about a pull; its messages come under their own subjects
 *   INBOX.ID.of.claim.PP.NONCE   a claim's response
 *   INBOX.ID.member, .tap        what the two watches deliver
 *
 * A watch is a consumer that the broker delivers to by itself, which it does only while somebody subscribes to that very
 * subject, not to a wildcard in which it is: so these have subscriptions of their own.
 *
 * Keys of the bucket are read as the last message of their subject in its stream,
 * whose place there is the key's revision; a key that was erased has one, too. Its leader
 * is asked, since what another server has may be old.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "relay/reader_impl.h"

#define CREDIT (8u << 20) /* of open pulls, shared by our partitions */
#define PULL_BYTES_LEAST (256u << 10)

static const char *watch_subject(const struct relay_reader *r, const char *word, char *out)
{
	snprintf(out, 2 * SUBJECT_MAX, "%s.%s", r->inbox, word);
	return out;
}

int broker_up(struct relay_reader *r)
{
	struct nats_client *c = nats_link_client(r->link);
	char all[2 * SUBJECT_MAX];

	if (!c)
		return -ENOTCONN;
	r->inbox_sub = nats_client_subscribe(c, watch_subject(r, "of.>", all));
	r->member_sub = nats_client_subscribe(c, watch_subject(r, "member", all));
	r->tap_sub = nats_client_subscribe(c, watch_subject(r, "tap", all));
	if (r->inbox_sub && r->member_sub && r->tap_sub) {
		r->client = c;
		return 0;
	}
	log_warn("the broker at %s: cannot read from it: %s", r->service, nats_client_is_up(c) ? "out of memory" : nats_client_lost(c));
	broker_down(r);
	return -EIO;
}

void broker_down(struct relay_reader *r)
{
	struct nats_client *c = nats_link_client(r->link);
	uint32_t subs[] = { r->inbox_sub, r->member_sub, r->tap_sub };

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (c && subs[i])
			nats_client_unsubscribe(c, subs[i]);
	r->inbox_sub = r->member_sub = r->tap_sub = 0;
	r->client = NULL;
}

struct record_fields reader_fields(const struct nats_message *message)
{
	struct record_fields fields = { .data = message->data };
	struct span lines = message->headers, name, value;

	while (nats_header_take(&lines, &name, &value))
		record_fields_set(&fields, name, value);
	return fields;
}

/* ---- keys --------------------------------------------------------------------- */

int broker_get(struct relay_reader *r, const char *key, struct buffer *out, uint64_t *revision)
{
	char stream[JETSTREAM_SUBJECT_MAX], subject[JETSTREAM_SUBJECT_MAX];
	struct jetstream_message m = { 0 };
	int err;

	*revision = 0;
	jetstream_bucket(r->bucket, stream);
	err = jetstream_last_message(r->client, stream, jetstream_key(r->bucket, key, subject), &m);
	if (err == 0) {
		*revision = m.place;
		reader_saw(r, m.stored);
		buffer_add_span(out, buffer_span(&m.data));
		err = m.is_erased ? -ENOENT : buffer_ok(out) ? 0 : -ENOMEM;
	} else if (err != -ENOENT) {
		err = -EIO;
	}
	jetstream_message_deinit(&m);
	return err;
}

enum claim_result broker_put(struct relay_reader *r, const char *key, struct span value, uint64_t expected, uint64_t *revision)
{
	return jetstream_put(r->client, r->bucket, key, value, expected, revision);
}

bool broker_put_claim(struct relay_reader *r, struct partition *p)
{
	char subject[JETSTREAM_SUBJECT_MAX], reply[2 * SUBJECT_MAX], key[SUBJECT_MAX], condition[JETSTREAM_CONDITION_MAX];
	struct buffer value = { 0 };
	bool put;

	claim_write(&p->put, &value);
	snprintf(reply, sizeof(reply), "%s.of.claim.%02u.%" PRIu64, r->inbox, p->number, p->put.nonce);
	jetstream_key(r->bucket, key_claim(r->group, p->number, key), subject);
	put = buffer_ok(&value) &&
	      nats_client_publish(r->client, subject, reply, jetstream_condition(p->revision, condition), buffer_span(&value)) == 0;
	buffer_deinit(&value);
	return put;
}

void broker_say(struct relay_reader *r, const char *key, struct span value)
{
	char subject[JETSTREAM_SUBJECT_MAX];

	nats_client_publish(r->client, jetstream_key(r->bucket, key, subject), NULL, span_of(NULL, 0), value);
}

void broker_erase(struct relay_reader *r, const char *key)
{
	char subject[JETSTREAM_SUBJECT_MAX];

	jetstream_key(r->bucket, key, subject);
	nats_client_publish(r->client, subject, NULL, SPAN_LITERAL(JETSTREAM_OPERATION ": DEL\r\n"), span_of(NULL, 0));
}

/* ---- consumers and pulls ---------------------------------------------------- */

static int add_consumer(struct relay_reader *r, const char *stream, const struct jetstream_consumer_options *options,
			struct jetstream_consumer *out)
{
	return jetstream_make_consumer(r->client, stream, options, out) < 0 ? -EIO : 0;
}

int broker_consume(struct relay_reader *r, struct partition *p)
{
	char subject[SUBJECT_MAX];
	struct jetstream_consumer_options options = {
		.filter = subject_partition(r->service, p->number, subject),
		.from = p->known.upto + 1,
	};
	struct jetstream_consumer made;
	int err = add_consumer(r, r->stream, &options, &made);

	if (err < 0)
		return err;
	memcpy(p->consumer, made.name, sizeof(p->consumer));
	p->pending = made.pending;
	return 0;
}

int broker_watch(struct relay_reader *r, const char *stream, const char *subjects, const char *word, char *consumer)
{
	char to[2 * SUBJECT_MAX];
	struct jetstream_consumer_options options = { .filter = subjects, .delivered_to = watch_subject(r, word, to) };
	struct jetstream_consumer made;
	int err = add_consumer(r, stream, &options, &made);

	if (err == 0)
		memcpy(consumer, made.name, sizeof(made.name));
	return err;
}

void broker_forget(struct relay_reader *r, const char *stream, char *consumer)
{
	if (r->client && consumer[0])
		jetstream_forget_consumer(r->client, stream, consumer);
	consumer[0] = '\0';
}

static uint64_t share_of_credit(const struct relay_reader *r)
{
	uint32_t owned = partition_set_count(&r->ownership.mine);
	uint64_t share = CREDIT / (owned ? owned : 1);

	return share < PULL_BYTES_LEAST ? PULL_BYTES_LEAST : share > BATCH_BYTES ? BATCH_BYTES
										 : share;
}

bool broker_pull(struct relay_reader *r, struct partition *p, uint32_t records, uint64_t bytes)
{
	char subject[2 * SUBJECT_MAX], reply[2 * SUBJECT_MAX], body[160];
	uint64_t share = share_of_credit(r);
	int len;

	snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.MSG.NEXT.%s.%s", r->stream, p->consumer);
	snprintf(reply, sizeof(reply), "%s.of.pull.%02u.%u", r->inbox, p->number, ++p->pull_number);
	if (bytes == 0) /* one, of any length */
		len = snprintf(body, sizeof(body), "{\"batch\":1,\"expires\":%" PRId64 "}", (int64_t)PULL_NS);
	else
		len = snprintf(body, sizeof(body), "{\"batch\":%u,\"max_bytes\":%" PRIu64 ",\"expires\":%" PRId64 "}", records,
			       bytes < share ? bytes : share, (int64_t)PULL_NS);
	return nats_client_publish(r->client, subject, reply, span_of(NULL, 0), span_of(body, (size_t)len)) == 0;
}

/* ---- the stream ---------------------------------------------------------------- */

int broker_state(struct relay_reader *r, struct stream_state *out)
{
	struct jetstream_stream s;

	if (jetstream_stream(r->client, r->stream, "", &s, NULL) < 0)
		return -EIO;
	*out = (struct stream_state){ s.created.ns, s.first, s.last };
	return 0;
}

int broker_pending(struct relay_reader *r, struct partition *p)
{
	struct jetstream_consumer is;
	int err = jetstream_consumer(r->client, r->stream, p->consumer, &is);

	if (err == 0)
		p->pending = is.pending;
	return err == 0 || err == -ENOENT ? err : -EIO;
}

/** ask_consumer() - what the broker says of a consumer that is made for it, and is not there afterwards */
static int ask_consumer(struct relay_reader *r, const struct jetstream_consumer_options *options, struct jetstream_consumer *is)
{
	int err = add_consumer(r, r->stream, options, is);

	if (err == 0)
		broker_forget(r, r->stream, is->name);
	return err;
}

int broker_unread(struct relay_reader *r, uint32_t p, uint64_t upto, uint64_t *unread)
{
	char subject[SUBJECT_MAX];
	struct jetstream_consumer_options options = { .filter = subject_partition(r->service, p, subject), .from = upto + 1 };
	struct jetstream_consumer is;
	int err = ask_consumer(r, &options, &is);

	if (err == 0)
		*unread = is.pending;
	return err;
}

int broker_place_at(struct relay_reader *r, struct wall time, uint64_t *place)
{
	struct jetstream_consumer_options options = { .since = time };
	struct jetstream_consumer is;
	int err = ask_consumer(r, &options, &is);

	if (err == 0)
		*place = is.delivered;
	return err;
}
