/*
 * record.c - see record.h
 *
 * A record is written in one pass, into memory for the most that it can be: the
 * head's bytes are counted as if every field travelled. What that is too much is
 * a few hundred bytes, while the body, which is copied once, is counted exactly.
 */
#include "relay/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "message/http_text.h"
#include "relay/record_tap.h"
#include "relay/subjects.h"

#define FIELD_EXTRA 4 /* ": " and CRLF */
/* First line without method and target; Content-Length, or Transfer-Encoding and the lines of a chunk; empty line. */
#define LINE_EXTRA 128

#define PUT_STR(at, s) put_bytes(at, s, strlen(s))

/* ---- memory ---- */

/** record_new() - with room for @tap bytes of ce-tap and @data of the data; the writers say how many they took */
static struct record *record_new(enum record_kind kind, size_t tap, size_t data, char **tap_at, char **data_at)
{
	struct record *r = malloc(sizeof(*r) + data + tap + 1);

	if (!r)
		return NULL;
	*data_at = (char *)(r + 1);
	*tap_at = *data_at + data;
	*r = (struct record){ .kind = kind, .http_version = 1, .tap = *tap_at, .data = (const uint8_t *)*data_at };
	return r;
}

/** record_trim() - to what was written: there was room for fields that do not travel, and for a target all of which is escaped */
static struct record *record_trim(struct record *r)
{
	char *data = (char *)(r + 1);
	size_t tap_len = strlen(r->tap);
	struct record *smaller;

	memmove(data + r->data_len, r->tap, tap_len + 1);
	r->size = sizeof(*r) + r->data_len + tap_len + 1;
	smaller = realloc(r, r->size);
	if (smaller)
		r = smaller;
	r->data = (const uint8_t *)(r + 1);
	r->tap = (const char *)r->data + r->data_len;
	return r;
}

void record_free(struct record *r)
{
	free(r);
}

/* ---- lines ---- */

static char *put_span(char *at, struct span s)
{
	return s.len > 0 ? put_bytes(at, s.at, s.len) : at;
}

static char *put_field(char *at, struct span name, struct span value)
{
	at = PUT_LITERAL(put_span(at, name), ": ");
	return PUT_LITERAL(put_span(at, value), "\r\n");
}

static char *put_length(char *at, uint64_t bytes)
{
	at = put_uint(PUT_LITERAL(at, "Content-Length: "), bytes);
	return PUT_LITERAL(at, "\r\n");
}

/** is_ours() - a field that is made anew, or that says how the bytes of one exchange were framed */
static bool is_ours(struct span name)
{
	static const struct span names[] = { SPAN_LITERAL("host"), SPAN_LITERAL("content-length"), SPAN_LITERAL("transfer-encoding"),
					     SPAN_LITERAL("connection"), SPAN_LITERAL("trailer") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_equal_nocase(name, names[i]))
			return true;
	return false;
}

/** may_stand() - whatever the rules say, each line is one field, and none changes where the message ends */
static bool may_stand(const struct header *f)
{
	return http_is_token(f->name) && http_is_field_value(f->value) && !is_ours(f->name);
}

static size_t fields_max(const struct header *fields, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += fields[i].name.len + fields[i].value.len + FIELD_EXTRA;
	return bytes;
}

/* ---- requests ---- */

/** put_target() - with spaces and controls, which only HTTP/2 can have there, escaped */
static char *put_target(char *at, struct span target)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < target.len; i++) {
		uint8_t c = target.at[i];

		if (c > ' ' && c != 0x7f) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return at;
}

/** says_length() - RFC 9110, 8.6: a body's, and that there is none where the method has one */
static bool says_length(const struct message *m)
{
	struct span method = m->head.method;

	return m->body_len > 0 || span_equal(method, SPAN_LITERAL("POST")) || span_equal(method, SPAN_LITERAL("PUT")) ||
	       span_equal(method, SPAN_LITERAL("PATCH"));
}

static char *put_request_head(char *at, const struct message *m, const struct header_list *fields)
{
	const struct request_head *head = &m->head;
	const struct span *host = request_head_find(head, SPAN_LITERAL("host"));

	at = PUT_LITERAL(put_span(at, head->method), " ");
	at = PUT_LITERAL(put_target(at, head->target), " HTTP/1.");
	*at++ = head->version_major == 1 && head->version_minor == 0 ? '0' : '1';
	at = PUT_LITERAL(at, "\r\n");
	if (host && http_is_visible(*host))
		at = put_field(at, SPAN_LITERAL("Host"), *host);
	for (size_t i = 0; i < fields->count; i++)
		if (may_stand(&fields->at[i]))
			at = put_field(at, fields->at[i].name, fields->at[i].value);
	if (says_length(m))
		at = put_length(at, m->body_len);
	return PUT_LITERAL(at, "\r\n");
}

struct record *record_of_request(const struct message *m, bool has_answer, const struct record_rules *rules,
				 struct header_list *fields)
{
	size_t tap_max = record_tap_request_max(m, rules->sample);
	size_t line_max = m->head.method.len + 3 * m->head.target.len + LINE_EXTRA;
	size_t head_max = line_max + fields_max(m->head.headers, m->head.header_count);
	char *tap, *data, *at;
	struct record *r;

	header_list_clear(fields);
	rules->fields(rules->ctx, &m->head, fields);
	if (!header_list_ok(fields) || !http_is_token(m->head.method))
		return NULL;
	r = record_new(RECORD_REQUEST, tap_max, head_max + (size_t)m->body_len, &tap, &data);
	if (!r)
		return NULL;
	*record_tap_put_request(tap, m, has_answer, rules->sample) = '\0';
	at = put_request_head(data, m, fields);
	at = put_span(at, span_of(m->body, (size_t)m->body_len));
	r->data_len = (size_t)(at - data);
	r->http_version = m->head.version_major == 2 ? 2 : 1;
	r->id = m->origin.wire;
	r->time = m->origin.ts_last;
	return record_trim(r);
}

/* ---- answers ---- */

static char *put_answer_fields(char *at, const struct header *fields, size_t count, const struct record_rules *rules)
{
	for (size_t i = 0; i < count; i++) {
		const struct header *f = &fields[i];

		if (may_stand(f) && rules->answer_field(rules->ctx, f->name))
			at = put_field(at, f->name, f->value);
	}
	return at;
}

/** put_chunked() - the body as one chunk, and the trailers */
static char *put_chunked(char *at, const struct response *r, const struct record_rules *rules)
{
	static const char hex[] = "0123456789abcdef";
	int shift = 60;

	if (r->body_len > 0) {
		while (shift > 0 && r->body_len >> shift == 0)
			shift -= 4;
		for (; shift >= 0; shift -= 4)
			*at++ = hex[r->body_len >> shift & 15];
		at = PUT_LITERAL(at, "\r\n");
		at = PUT_LITERAL(put_span(at, span_of(r->body, (size_t)r->body_len)), "\r\n");
	}
	at = PUT_LITERAL(at, "0\r\n");
	at = put_answer_fields(at, r->trailers, r->trailer_count, rules);
	return PUT_LITERAL(at, "\r\n");
}

static char *put_answer(char *at, const struct response *r, const struct record_rules *rules)
{
	bool bodiless = r->status_code == 204 || r->status_code == 304;

	at = put_uint(PUT_LITERAL(at, "HTTP/1.1 "), (uint64_t)r->status_code);
	at = PUT_LITERAL(at, " \r\n");
	at = put_answer_fields(at, r->headers, r->header_count, rules);
	if (r->trailer_count > 0)
		return put_chunked(PUT_LITERAL(at, "Transfer-Encoding: chunked\r\n\r\n"), r, rules);
	if (r->body_len > 0 || !bodiless)
		at = put_length(at, r->body_len);
	at = PUT_LITERAL(at, "\r\n");
	return put_span(at, span_of(r->body, (size_t)r->body_len));
}

struct record *record_of_response(struct wire_id id, const struct response *response, struct wall at,
				  const struct record_rules *rules)
{
	bool is_whole = response && response->result == RESPONSE_WHOLE;
	size_t data_max = 0;
	char *tap, *data;
	struct record *r;

	if (is_whole)
		data_max = (size_t)response->body_len + fields_max(response->headers, response->header_count) +
			   fields_max(response->trailers, response->trailer_count) + LINE_EXTRA;
	r = record_new(RECORD_ANSWER, record_tap_answer_max(response), data_max, &tap, &data);
	if (!r)
		return NULL;
	*record_tap_put_answer(tap, response) = '\0';
	if (is_whole)
		r->data_len = (size_t)(put_answer(data, response, rules) - data);
	r->id = id;
	r->time = at;
	return record_trim(r);
}

struct record *record_of_tap(struct span json, struct wall at)
{
	char *tap, *data;
	struct record *r = record_new(RECORD_TAP, 0, json.len, &tap, &data);

	if (!r)
		return NULL;
	*tap = '\0';
	put_span(data, json);
	r->data_len = json.len;
	r->time = at;
	return record_trim(r);
}

/* ---- the fields of the message ---- */

#define ID_MAX 40       /* bytes of an id */
#define HEADERS_MAX 512 /* bytes of all of them, but for ce-source and ce-tap */

static const struct {
	struct span type, content;
} kinds[] = {
	[RECORD_REQUEST] = { SPAN_LITERAL(RECORD_REQUEST_TYPE), SPAN_LITERAL(RECORD_REQUEST_CONTENT) },
	[RECORD_ANSWER] = { SPAN_LITERAL(RECORD_ANSWER_TYPE), SPAN_LITERAL(RECORD_ANSWER_CONTENT) },
	[RECORD_TAP] = { SPAN_LITERAL(RECORD_TAP_TYPE), SPAN_LITERAL(RECORD_TAP_CONTENT) },
	[RECORD_OTHER] = { { 0 }, { 0 } }, /* none is made */
};

/** put_id() - what is told of a tap has its time for an id, which is one of its run's */
static char *put_id(char *at, const struct record *r)
{
	if (r->kind == RECORD_TAP)
		return put_int(at, r->time.ns);
	at = wire_id_put(at, r->id);
	if (r->kind == RECORD_ANSWER)
		*at++ = 'a';
	return at;
}

/** put_sequence() - 16 digits, so that the order of texts is that of numbers; in more than a life there are not more */
static char *put_sequence(char *at, uint64_t sequence)
{
	at = put_eight(at, (uint32_t)(sequence / 100000000 % 100000000));
	return put_eight(at, (uint32_t)(sequence % 100000000));
}

void record_headers(const struct record *r, const char *source, uint64_t sequence, struct buffer *out)
{
	size_t source_len = strlen(source), tap_len = strlen(r->tap);
	char id[ID_MAX], *at = buffer_room(out, HEADERS_MAX + source_len + tap_len);
	size_t id_len = (size_t)(put_id(id, r) - id);

	if (!at)
		return;
	if (r->kind != RECORD_TAP) {
		at = put_bytes(PUT_LITERAL(at, "Nats-Msg-Id: "), id, id_len);
		at = PUT_LITERAL(at, "\r\n");
	}
	at = put_bytes(PUT_LITERAL(at, "ce-id: "), id, id_len);
	at = PUT_LITERAL(at, "\r\nce-specversion: " RECORD_SPECVERSION "\r\nce-type: ");
	at = PUT_LITERAL(put_span(at, kinds[r->kind].type), "\r\nce-source: ");
	at = PUT_LITERAL(put_bytes(at, source, source_len), "\r\nce-sequence: ");
	at = PUT_LITERAL(put_sequence(at, sequence), "\r\nce-time: ");
	at = PUT_LITERAL(time_put(at, r->time), "\r\n");
	if (r->data_len > 0)
		at = put_field(at, SPAN_LITERAL("ce-datacontenttype"), kinds[r->kind].content);
	if (r->http_version == 2)
		at = PUT_LITERAL(at, "ce-httpversion: 2\r\n");
	if (tap_len > 0)
		at = put_field(at, SPAN_LITERAL("ce-tap"), span_of(r->tap, tap_len));
	buffer_end(out, at);
}

const char *record_source_text(const char *tap, const char *run, char out[RECORD_SOURCE_TEXT_MAX])
{
	char *at = PUT_LITERAL(out, "shadowtap://");
	size_t tap_len = strnlen(tap, RELAY_NAME_MAX), run_len = strnlen(run, RELAY_NAME_MAX);

	at = put_bytes(at, tap, tap_len);
	*at++ = '/';
	at = put_bytes(at, run, run_len);
	*at = '\0';
	return out;
}
