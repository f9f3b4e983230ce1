/*
 * jetstream.c - see jetstream.h
 *
 * What a user may do is tried with requests that change nothing. A message is published with an expected last sequence that
 * no stream has reached: a broker that lets it pass refuses it for that and stores nothing. A stream is made of an empty
 * description, which is refused as such by who would take a full one.
 */
#include "relay/jetstream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"

#define ASK_NS NS_PER_S
#define ABANDONED_NS (30 * NS_PER_S) /* after which the broker forgets a consumer that nobody asks */
#define NO_SEQUENCE (UINT64_C(1) << 62)

const char *jetstream_bucket(const char *bucket, char *out)
{
	snprintf(out, JETSTREAM_SUBJECT_MAX, "KV_%s", bucket);
	return out;
}

const char *jetstream_key(const char *bucket, const char *key, char *out)
{
	snprintf(out, JETSTREAM_SUBJECT_MAX, "$KV.%s.%s", bucket, key);
	return out;
}

struct span jetstream_condition(uint64_t expected, char out[JETSTREAM_CONDITION_MAX])
{
	int len = snprintf(out, JETSTREAM_CONDITION_MAX, "Nats-Expected-Last-Subject-Sequence: %" PRIu64 "\r\n", expected);

	return span_of(out, (size_t)len);
}

/* ---- asking ---- */

/** request() - @out is given; nobody there who could respond is no JetStream */
static int request(struct nats_client *c, const char *subject, struct span headers, struct span data, struct nats_message **out)
{
	int err = nats_client_request(c, subject, headers, data, ASK_NS, out);

	return err == -ENOENT ? -ENOTSUP : err;
}

/** ask() - $JS.API.WHAT, and .NAME and .MORE where there are any; @body is freed */
static int ask(struct nats_client *c, const char *what, const char *name, const char *more, struct buffer *body,
	       struct nats_message **out)
{
	char subject[JETSTREAM_SUBJECT_MAX];
	struct span none = { 0 };
	int len = snprintf(subject, sizeof(subject), "$JS.API.%s%s%s%s%s", what, name ? "." : "", name ? name : "", more ? "." : "",
			   more ? more : "");
	int err = body && !buffer_ok(body) ? -ENOMEM : (size_t)len >= sizeof(subject) ? -ENAMETOOLONG : 0;

	if (err == 0)
		err = request(c, subject, none, body ? buffer_span(body) : none, out);
	if (body)
		buffer_deinit(body);
	return err;
}

static void member_text(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	json_str(j, text);
}

static void member_true(struct json *j, const char *name)
{
	json_key(j, name);
	json_bool(j, true);
}

/* ---- streams ---- */

int jetstream_stream(struct nats_client *c, const char *stream, const char *subject, struct jetstream_stream *out,
		     struct buffer *why)
{
	struct nats_message *m = NULL;
	int err = ask(c, "STREAM.INFO", stream, NULL, NULL, &m);

	if (err == 0)
		err = jetstream_read_stream(m->data, subject, out, why);
	nats_message_free(m);
	return err;
}

static void describe(struct json *j, const char *name, const char *subject)
{
	json_open(j, '{');
	member_text(j, "name", name);
	json_key(j, "subjects");
	json_open(j, '[');
	json_str(j, subject);
	json_close(j, ']');
	member_text(j, "retention", "limits");
	member_text(j, "storage", "file");
	json_count(j, "num_replicas", 1);
}

static int make(struct nats_client *c, const char *name, struct buffer *body, struct buffer *why)
{
	struct nats_message *m = NULL;
	int err = ask(c, "STREAM.CREATE", name, NULL, body, &m);

	if (err == 0)
		err = jetstream_read_done(m->data, why);
	nats_message_free(m);
	return err;
}

int jetstream_make_stream(struct nats_client *c, const struct jetstream_stream_options *options, struct buffer *why)
{
	struct buffer body = { 0 };
	struct json j = json_to(&body);

	describe(&j, options->name, options->subject);
	member_text(&j, "discard", "old");
	json_count(&j, "max_bytes", options->max_bytes);
	json_count(&j, "max_age", (uint64_t)options->max_age_ns);
	json_count(&j, "duplicate_window", (uint64_t)options->duplicates_ns);
	json_close(&j, '}');
	return make(c, options->name, &body, why);
}

int jetstream_make_bucket(struct nats_client *c, const char *bucket, struct buffer *why)
{
	char stream[JETSTREAM_SUBJECT_MAX], keys[JETSTREAM_SUBJECT_MAX];
	struct buffer body = { 0 };
	struct json j = json_to(&body);

	describe(&j, jetstream_bucket(bucket, stream), jetstream_key(bucket, ">", keys));
	member_text(&j, "discard", "new");
	json_count(&j, "max_msgs_per_subject", 1);
	member_true(&j, "deny_delete");
	member_true(&j, "allow_rollup_hdrs");
	member_true(&j, "allow_direct");
	json_close(&j, '}');
	return make(c, stream, &body, why);
}

/* ---- consumers ---- */

static void describe_consumer(struct json *j, const struct jetstream_consumer_options *o)
{
	char time[TIME_TEXT_MAX];

	member_text(j, "ack_policy", "none");
	member_text(j, "replay_policy", "instant");
	if (o->from > 0) {
		member_text(j, "deliver_policy", "by_start_sequence");
		json_count(j, "opt_start_seq", o->from);
	} else if (o->since.ns != 0) {
		member_text(j, "deliver_policy", "by_start_time");
		member_text(j, "opt_start_time", time_text(o->since, time));
	} else {
		member_text(j, "deliver_policy", "last_per_subject");
	}
	if (o->filter)
		member_text(j, "filter_subject", o->filter);
	if (o->delivered_to)
		member_text(j, "deliver_subject", o->delivered_to);
	json_count(j, "inactive_threshold", ABANDONED_NS);
	member_true(j, "mem_storage"); /* it is of no use to the next connection: no broker has to recover it */
}

int jetstream_make_consumer(struct nats_client *c, const char *stream, const struct jetstream_consumer_options *options,
			    struct jetstream_consumer *out)
{
	struct buffer body = { 0 };
	struct json j = json_to(&body);
	struct nats_message *m = NULL;
	int err;

	json_open(&j, '{');
	member_text(&j, "stream_name", stream);
	json_key(&j, "config");
	json_open(&j, '{');
	describe_consumer(&j, options);
	json_close(&j, '}');
	json_close(&j, '}');
	err = ask(c, "CONSUMER.CREATE", stream, NULL, &body, &m);
	if (err == 0)
		err = jetstream_read_consumer(m->data, out, NULL);
	nats_message_free(m);
	return err;
}

int jetstream_consumer(struct nats_client *c, const char *stream, const char *consumer, struct jetstream_consumer *out)
{
	struct nats_message *m = NULL;
	int err = ask(c, "CONSUMER.INFO", stream, consumer, NULL, &m);

	if (err == 0)
		err = jetstream_read_consumer(m->data, out, NULL);
	nats_message_free(m);
	return err;
}

void jetstream_forget_consumer(struct nats_client *c, const char *stream, const char *consumer)
{
	struct nats_message *m = NULL;

	ask(c, "CONSUMER.DELETE", stream, consumer, NULL, &m);
	nats_message_free(m);
}

/* ---- messages and keys ---- */

int jetstream_last_message(struct nats_client *c, const char *stream, const char *subject, struct jetstream_message *out)
{
	struct buffer body = { 0 };
	struct json j = json_to(&body);
	struct nats_message *m = NULL;
	int err;

	json_open(&j, '{');
	member_text(&j, "last_by_subj", subject);
	json_close(&j, '}');
	err = ask(c, "STREAM.MSG.GET", stream, NULL, &body, &m);
	if (err == 0)
		err = jetstream_read_message(m->data, out, NULL);
	nats_message_free(m);
	return err;
}

/** direct_value() - in place of JSON a message as it is stored, of any server that has the stream (ADR-31) */
static int direct_value(struct nats_client *c, const char *stream, const char *subject, struct buffer *out)
{
	struct nats_message *m = NULL;
	struct span value;
	int err = ask(c, "DIRECT.GET", stream, subject, NULL, &m);

	if (err == 0 && (m->status == 404 || nats_message_header(m, SPAN_LITERAL(JETSTREAM_OPERATION), &value)))
		err = -ENOENT;
	else if (err == 0 && (m->status != 0 || !nats_message_header(m, SPAN_LITERAL("Nats-Sequence"), &value)))
		err = -EREMOTEIO;
	if (err == 0)
		buffer_add_span(out, m->data);
	nats_message_free(m);
	return err;
}

int jetstream_value(struct nats_client *c, const char *bucket, const char *key, struct buffer *out)
{
	char stream[JETSTREAM_SUBJECT_MAX], subject[JETSTREAM_SUBJECT_MAX];
	struct jetstream_stream is;
	struct jetstream_message m = { 0 };
	int err;

	jetstream_bucket(bucket, stream);
	jetstream_key(bucket, key, subject);
	err = jetstream_stream(c, stream, subject, &is, NULL);
	if (err < 0)
		return err;
	if (is.allows_direct)
		return direct_value(c, stream, subject, out);
	err = jetstream_last_message(c, stream, subject, &m);
	if (err == 0 && m.is_erased)
		err = -ENOENT;
	if (err == 0)
		buffer_add_span(out, buffer_span(&m.data));
	jetstream_message_deinit(&m);
	return err;
}

enum claim_result jetstream_put(struct nats_client *c, const char *bucket, const char *key, struct span value, uint64_t expected,
				uint64_t *revision)
{
	char subject[JETSTREAM_SUBJECT_MAX], condition[JETSTREAM_CONDITION_MAX];
	enum claim_result result = CLAIM_UNKNOWN;
	struct nats_message *m = NULL;

	if (request(c, jetstream_key(bucket, key, subject), jetstream_condition(expected, condition), value, &m) == 0)
		result = claim_result_read(m->data, revision);
	nats_message_free(m);
	return result;
}

/* ---- who we are ---- */

int jetstream_account(struct nats_client *c, struct jetstream_account *out)
{
	struct nats_message *m = NULL;
	int err = ask(c, "INFO", NULL, NULL, NULL, &m);

	*out = (struct jetstream_account){ 0 };
	if (err == 0)
		err = jetstream_read_account(m->data, out, NULL);
	nats_message_free(m);
	return err;
}

/** may() - a response of any kind means that the request was let pass */
static int may(int err, struct nats_message *m)
{
	nats_message_free(m);
	return err == 0 ? 1 : err == -ETIMEDOUT ? 0 : err;
}

int jetstream_may_publish(struct nats_client *c, const char *subject)
{
	struct nats_message *m = NULL;
	char header[JETSTREAM_CONDITION_MAX];
	int len = snprintf(header, sizeof(header), "Nats-Expected-Last-Sequence: %" PRIu64 "\r\n", NO_SEQUENCE);
	int err = request(c, subject, span_of(header, (size_t)len), span_of(NULL, 0), &m);

	return may(err, m);
}

int jetstream_may_make(struct nats_client *c, const char *stream)
{
	struct nats_message *m = NULL;
	int err = ask(c, "STREAM.CREATE", stream, NULL, NULL, &m);

	return may(err, m);
}
