/* jetstream_read.c - see jetstream_read.h */
#include "relay/jetstream_read.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/json_doc.h"
#include "base/lines.h"
#include "relay/nats_client.h"

/* ---- members ---- */

static uint32_t member(const struct json_doc *d, uint32_t node, const char *name)
{
	return json_doc_member(d, node, span_str(name));
}

static bool read_uint(const struct json_doc *d, uint32_t in, const char *name, uint64_t *out)
{
	uint32_t node = member(d, in, name);

	return node && json_doc_uint(d, node, out);
}

/** limit_of() - a number of which -1, what is left out and 0 all mean that there is none */
static uint64_t limit_of(const struct json_doc *d, uint32_t in, const char *name)
{
	uint64_t n;

	return read_uint(d, in, name, &n) ? n : 0;
}

/** ns_of() - likewise of a duration */
static int64_t ns_of(const struct json_doc *d, uint32_t in, const char *name)
{
	uint64_t n = limit_of(d, in, name);

	return n <= INT64_MAX ? (int64_t)n : INT64_MAX;
}

static bool is_true(const struct json_doc *d, uint32_t in, const char *name)
{
	uint32_t node = member(d, in, name);

	return node && d->nodes[node].type == JSON_TRUE;
}

static bool says(const struct json_doc *d, uint32_t in, const char *name, const char *what)
{
	uint32_t node = member(d, in, name);

	return node && d->nodes[node].type == JSON_STRING && json_doc_says(d, node, span_str(what));
}

static bool read_time(const struct json_doc *d, uint32_t in, const char *name, struct wall *out)
{
	uint32_t node = member(d, in, name);

	return node && d->nodes[node].type == JSON_STRING && time_read(json_doc_text(d, node), out);
}

/* ---- errors ---- */

/* clang-format off: a table reads best as one */
static const struct {
	uint64_t number;
	int err;
} errors[] = {
	{ 10014, -ENOENT },  /* consumer not found */
	{ 10037, -ENOENT },  /* no message found */
	{ 10039, -ENOTSUP }, /* JetStream not enabled for the account */
	{ 10047, -EDQUOT },  /* insufficient storage resources available */
	{ 10058, -EEXIST },  /* stream name already in use with a different configuration */
	{ 10059, -ENOENT },  /* stream not found */
	{ 10076, -ENOTSUP }, /* JetStream not enabled */
};
/* clang-format on */

static int error_of(const struct json_doc *d, uint32_t error, struct buffer *why)
{
	uint32_t words = member(d, error, "description");
	uint64_t number = 0, code = 0;

	if (why && words && d->nodes[words].type == JSON_STRING)
		json_doc_unescape(d, words, why);
	if (read_uint(d, error, "err_code", &number))
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			if (errors[i].number == number)
				return errors[i].err;
	return number == 0 && read_uint(d, error, "code", &code) && code == 404 ? -ENOENT : -EREMOTEIO;
}

/** parse() - an object that is no error */
static int parse(struct json_doc *d, struct span text, struct buffer *why)
{
	int err = json_doc_parse(d, text);
	uint32_t error;

	if (err < 0)
		return err == -ENOMEM ? err : -EBADMSG;
	if (d->nodes[0].type != JSON_OBJECT)
		return -EBADMSG;
	error = member(d, 0, "error");
	return error ? error_of(d, error, why) : 0;
}

/* ---- streams ---- */

static bool takes(const struct json_doc *d, uint32_t subjects, const char *subject)
{
	uint32_t at = subjects + 1;

	if (!subjects || d->nodes[subjects].type != JSON_ARRAY)
		return false;
	for (uint32_t i = 0; i < d->nodes[subjects].count; i++, at = d->nodes[at].next)
		if (d->nodes[at].type == JSON_STRING &&
		    (json_doc_says(d, at, span_str(subject)) || json_doc_says(d, at, SPAN_LITERAL(">"))))
			return true;
	return false;
}

static void read_config(const struct json_doc *d, uint32_t config, const char *subject, struct jetstream_stream *out)
{
	uint64_t replicas = limit_of(d, config, "num_replicas");

	out->max_bytes = limit_of(d, config, "max_bytes");
	out->max_age_ns = ns_of(d, config, "max_age");
	out->duplicates_ns = ns_of(d, config, "duplicate_window");
	out->replicas = replicas < UINT32_MAX ? (uint32_t)replicas : UINT32_MAX;
	out->discards_new = says(d, config, "discard", "new");
	out->in_memory = says(d, config, "storage", "memory");
	out->allows_direct = is_true(d, config, "allow_direct");
	out->takes_subject = takes(d, member(d, config, "subjects"), subject);
}

static int read_stream(const struct json_doc *d, const char *subject, struct jetstream_stream *out)
{
	uint32_t config = member(d, 0, "config"), state = member(d, 0, "state");

	if (!config || !state || !read_time(d, 0, "created", &out->created) || !read_uint(d, state, "first_seq", &out->first) ||
	    !read_uint(d, state, "last_seq", &out->last))
		return -EBADMSG;
	out->messages = limit_of(d, state, "messages");
	out->bytes = limit_of(d, state, "bytes");
	if (out->last == 0 || !read_time(d, state, "last_ts", &out->last_at)) /* of an empty one: of the year 1 */
		out->last_at.ns = 0;
	read_config(d, config, subject, out);
	return 0;
}

int jetstream_read_stream(struct span text, const char *subject, struct jetstream_stream *out, struct buffer *why)
{
	struct json_doc d = { 0 };
	int err = parse(&d, text, why);

	*out = (struct jetstream_stream){ 0 };
	if (err == 0)
		err = read_stream(&d, subject, out);
	json_doc_deinit(&d);
	return err;
}

/* ---- consumers ---- */

/** is_word() - of a subject: it goes into one */
static bool is_word(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f || strchr(".*>\\", name.at[i]))
			return false;
	return name.len > 0 && name.len < JETSTREAM_NAME_MAX;
}

static int read_consumer(const struct json_doc *d, struct jetstream_consumer *out)
{
	uint32_t node = member(d, 0, "name"), delivered = member(d, 0, "delivered");
	struct span name;

	if (!node || d->nodes[node].type != JSON_STRING || !delivered || !read_uint(d, delivered, "stream_seq", &out->delivered) ||
	    !read_uint(d, 0, "num_pending", &out->pending))
		return -EBADMSG;
	name = json_doc_text(d, node);
	if (!is_word(name))
		return -EBADMSG;
	memcpy(out->name, name.at, name.len);
	out->name[name.len] = '\0';
	return 0;
}

int jetstream_read_consumer(struct span text, struct jetstream_consumer *out, struct buffer *why)
{
	struct json_doc d = { 0 };
	int err = parse(&d, text, why);

	*out = (struct jetstream_consumer){ 0 };
	if (err == 0)
		err = read_consumer(&d, out);
	json_doc_deinit(&d);
	return err;
}

/* ---- messages ---- */

/** read_bytes() - what is left out has none */
static int read_bytes(const struct json_doc *d, uint32_t in, const char *name, struct buffer *out)
{
	uint32_t node = member(d, in, name);

	buffer_clear(out);
	if (!node)
		return 0;
	if (d->nodes[node].type != JSON_STRING || !base64_decode(json_doc_text(d, node), out))
		return -EBADMSG;
	return buffer_ok(out) ? 0 : -ENOMEM;
}

/** erases() - does a message with these headers take its key away? */
static bool erases(struct span headers)
{
	struct span line, name, value;

	line_take(&headers, &line); /* the version */
	while (nats_header_take(&headers, &name, &value))
		if (span_equal(name, SPAN_LITERAL(JETSTREAM_OPERATION)))
			return true;
	return false;
}

static int read_message(const struct json_doc *d, struct jetstream_message *out)
{
	uint32_t message = member(d, 0, "message");
	struct buffer headers = { 0 };
	int err;

	if (!message || !read_uint(d, message, "seq", &out->place) || out->place == 0 || !read_time(d, message, "time", &out->stored))
		return -EBADMSG;
	err = read_bytes(d, message, "hdrs", &headers);
	out->is_erased = err == 0 && erases(buffer_span(&headers));
	buffer_deinit(&headers);
	return err < 0 ? err : read_bytes(d, message, "data", &out->data);
}

int jetstream_read_message(struct span text, struct jetstream_message *out, struct buffer *why)
{
	struct json_doc d = { 0 };
	int err = parse(&d, text, why);

	out->place = 0;
	if (err == 0)
		err = read_message(&d, out);
	json_doc_deinit(&d);
	return err;
}

void jetstream_message_deinit(struct jetstream_message *m)
{
	buffer_deinit(&m->data);
}

/* ---- the account, and the rest ---- */

int jetstream_read_account(struct span text, struct jetstream_account *out, struct buffer *why)
{
	struct json_doc d = { 0 };
	int err = parse(&d, text, why);
	uint32_t limits;

	*out = (struct jetstream_account){ 0 };
	if (err == 0) {
		limits = member(&d, 0, "limits");
		out->storage_limit = limits ? limit_of(&d, limits, "max_storage") : 0;
		out->storage_used = limit_of(&d, 0, "storage");
	}
	json_doc_deinit(&d);
	return err;
}

int jetstream_read_done(struct span text, struct buffer *why)
{
	struct json_doc d = { 0 };
	int err = parse(&d, text, why);

	json_doc_deinit(&d);
	return err;
}
