/*
 * test_record.c - a message goes into a record and comes out of it, byte for byte in what travels
 *
 * Made by chance: requests of each version, calls of gRPC with arrivals, odd bytes in targets, names and
 * values, bodies with NUL and whole requests in them; responses, whole or not, with trailers and arrivals.
 *
 * With RECORDS_TO=FILE, each record is written there, as a line of JSON: cloudevents.py looks at them.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "message/http_text.h"
#include "relay/record.h"
#include "relay/record_read.h"
#include "relay/subjects.h"
#include "relay/wire_id.h"
#include "tests/rig/dice.h"
#include "tests/rig/record_lines.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS 100000 /* unless PROPERTY_ROUNDS says otherwise, as ./test --long does */
#define SOURCE "shadowtap://tap-1/20261129T210000Z-abc"
#define FIELDS 12
#define ROOM 4096

static uint64_t rounds(void)
{
	const char *wish = getenv("PROPERTY_ROUNDS");

	return wish ? strtoull(wish, NULL, 10) : ROUNDS;
}

/* ---- by chance ---- */

/** struct made - a message and the memory that it points into */
struct made {
	struct message message;
	struct header fields[FIELDS];
	struct arrival arrivals[FIELDS];
	uint8_t room[ROOM];
	size_t used;
	bool is_plain; /* nothing in its head but visible ASCII */
};

static uint64_t any(struct dice *d)
{
	return (uint64_t)below(d, 1u << 31) << 33 ^ (uint64_t)below(d, 1u << 31) << 3 ^ below(d, 8);
}

/** some_bytes() - up to @max of them, in @m's memory */
static struct span some_bytes(struct made *m, struct dice *d, uint32_t max)
{
	static const char *const whole[] = { "\r\n\r\n", "POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\n", "0\r\n\r\n",
					     "HTTP/1.1 200 OK\r\n", "\n", "\0" };
	size_t from = m->used;

	for (uint32_t n = below(d, max + 1); n > 0; n--) {
		const char *word = whole[below(d, COUNT(whole))];
		size_t len = strlen(word);

		if (one_in(d, 30) && m->used + len < ROOM) {
			memcpy(m->room + m->used, word, len);
			m->used += len;
		} else if (m->used < ROOM) {
			m->room[m->used++] = (uint8_t)below(d, 256);
		}
	}
	return span_of(m->room + from, m->used - from);
}

/** text() - bytes that may stand in a value: none of CR, LF, NUL, but for one in @odd */
static struct span text(struct made *m, struct dice *d, uint32_t max, uint32_t odd)
{
	struct span s = some_bytes(m, d, max);

	for (size_t i = 0; i < s.len; i++) {
		uint8_t *c = (uint8_t *)s.at + i;

		if (m->is_plain)
			*c = (uint8_t)('!' + *c % 94);
		else if ((*c == '\r' || *c == '\n' || *c == '\0') && !one_in(d, odd))
			*c = 'x';
	}
	return span_trim(s);
}

/** visible() - as a parser takes it for a target: of HTTP/2 with blanks and controls in it */
static struct span visible(struct made *m, struct dice *d, bool is_http2)
{
	struct span s = text(m, d, 40, 1000000);

	for (size_t i = 0; i < s.len; i++) {
		uint8_t *c = (uint8_t *)s.at + i;

		if ((*c <= ' ' || *c == 0x7f) && !(is_http2 && one_in(d, 2)))
			*c = '/';
	}
	return s.len > 0 ? s : SPAN_LITERAL("/v1/models/m:predict?a=%20b");
}

static struct span name(struct made *m, struct dice *d)
{
	static const char *const names[] = { "content-type", "Accept", "host", "Host", "ce-id", "X-1", "content-length",
					     "Transfer-Encoding", "connection", "te", "grpc-encoding", "a!#$%&'*+-.^_`|~z", "trailer" };
	struct span odd;

	if (!one_in(d, 20))
		return span_str(names[below(d, COUNT(names))]);
	odd = text(m, d, 3, 4);
	return odd.len > 0 ? odd : SPAN_LITERAL("x");
}

static struct endpoint some_end(struct dice *d)
{
	struct endpoint e = { .family = one_in(d, 2) ? 6 : 4, .port = (uint16_t)below(d, 65536) };

	for (int i = e.family == 4 ? 12 : 0; i < 16; i++)
		e.addr[i] = (uint8_t)below(d, one_in(d, 3) ? 256 : 1);
	return e;
}

static void make_arrivals(struct made *m, struct dice *d)
{
	uint64_t offset = 0;
	int64_t us = 0;

	m->message.arrivals = m->arrivals;
	for (uint32_t n = below(d, FIELDS); n > 0; n--) {
		m->arrivals[m->message.arrival_count++] = (struct arrival){ offset, us };
		offset += below(d, (uint32_t)(m->message.body_len - offset) + 1);
		us += below(d, 1000000);
	}
}

static void make_request(struct made *m, struct dice *d)
{
	static const char *const methods[] = { "POST", "PUT", "GET", "DELETE", "PATCH", "OPTIONS", "M-SEARCH", "x!" };
	struct message *msg = &m->message;
	bool is_http2 = one_in(d, 3), is_call = is_http2 && one_in(d, 2);
	uint32_t count = below(d, FIELDS);
	struct span body;

	m->used = 0;
	m->is_plain = one_in(d, 2);
	*msg = (struct message){ .head = { .version_major = is_http2 ? 2 : 1 } };
	msg->head.version_minor = !is_http2 && !one_in(d, 5);
	msg->head.is_part = is_http2 && one_in(d, 5);
	msg->head.method = is_call ? SPAN_LITERAL("POST") : span_str(methods[below(d, COUNT(methods))]);
	msg->head.target = visible(m, d, is_http2);
	msg->head.headers = m->fields;
	for (uint32_t i = 0; i < count; i++)
		m->fields[msg->head.header_count++] = (struct header){ name(m, d), text(m, d, 30, 10) };
	if (is_call)
		m->fields[msg->head.header_count++] = (struct header){ SPAN_LITERAL("content-type"), SPAN_LITERAL("application/grpc+proto") };
	body = some_bytes(m, d, one_in(d, 4) ? 0 : 300);
	msg->body = (uint8_t *)body.at;
	msg->body_len = body.len;
	msg->body_kept = true;
	if (is_call)
		make_arrivals(m, d);
	msg->response_token = below(d, 2);
	msg->origin = (struct request_origin){ .client = some_end(d),
					       .server = some_end(d),
					       .id = any(d),
					       .wire = { any(d) | 1, any(d) },
					       .ts_first = { (int64_t)(any(d) >> 2) },
					       .ts_last = { (int64_t)(any(d) >> 2) } };
	if (one_in(d, 3))
		msg->origin.proxied = some_end(d);
}

/* ---- the rules of these tests: a field may travel if its name's bytes add up to an even number ---- */

static bool is_even(struct span s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum += s.at[i];
	return sum % 2 == 0;
}

static void even_fields(void *ctx, const struct request_head *head, struct header_list *out)
{
	(void)ctx;
	for (size_t i = 0; i < head->header_count; i++)
		if (is_even(head->headers[i].name))
			header_list_add(out, head->headers[i].name, head->headers[i].value);
}

static bool even_answer(void *ctx, struct span field)
{
	(void)ctx;
	return is_even(field);
}

static const struct record_rules rules = { .fields = even_fields,
					   .answer_field = even_answer,
					   .sample = "sample=0.05;by=id" };

/* ---- what is expected ---- */

static bool is_one_of(struct span field, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal_nocase(field, span_str(names[i])))
			return true;
	return false;
}

static bool travels(const struct header *f)
{
	static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection", "trailer" };

	return http_is_token(f->name) && http_is_field_value(f->value) && is_even(f->name) &&
	       !is_one_of(f->name, ours, COUNT(ours));
}

static void show_field(struct buffer *out, struct span field, struct span value)
{
	buffer_add_span(out, field);
	buffer_add_str(out, "=");
	buffer_add_span(out, value);
	buffer_add_str(out, "\n");
}

static void expect_fields(struct buffer *out, const struct header *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (travels(&fields[i]))
			show_field(out, fields[i].name, fields[i].value);
}

static void show_fields(struct buffer *out, const struct header *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		show_field(out, fields[i].name, fields[i].value);
}

static void expect_target(struct buffer *out, struct span target)
{
	for (size_t i = 0; i < target.len; i++) {
		if (target.at[i] <= ' ' || target.at[i] == 0x7f)
			buffer_printf(out, "%%%02X", target.at[i]);
		else
			buffer_add(out, target.at + i, 1);
	}
}

/** write_record() - to the file of RECORDS_TO; @to is NULL if there is none */
static void write_record(FILE *to, const struct record *r, struct span lines)
{
	struct span name, value;
	const char *before = "";

	if (!to)
		return;
	fputs("{\"headers\":{", to);
	for (; record_line_cut(&lines, &name, &value); before = ",") /* values have no quote and no backslash in them */
		fprintf(to, "%s\"%.*s\":\"%.*s\"", before, (int)name.len, name.at, (int)value.len, value.at);
	fputs("},\"data\":\"", to);
	for (size_t i = 0; i < r->data_len; i++)
		fprintf(to, "%02x", r->data[i]);
	fputs("\"}\n", to);
}

static FILE *records_to(const char *mode)
{
	const char *path = getenv("RECORDS_TO");
	FILE *to = path ? fopen(path, mode) : NULL;

	assert_true(to || !path);
	return to;
}

#define MUST(condition)                                                                    \
	do {                                                                               \
		if (!(condition))                                                          \
			fail_msg("seed %" PRIu64 ": %s", seed, #condition);                \
	} while (0)

static void check_origin(const struct request_origin *got, const struct request_origin *want, uint64_t seed)
{
	MUST(memcmp(&got->client, &want->client, sizeof(got->client)) == 0);
	MUST(memcmp(&got->server, &want->server, sizeof(got->server)) == 0);
	MUST(memcmp(&got->proxied, &want->proxied, sizeof(got->proxied)) == 0);
	MUST(got->id == want->id && got->wire.high == want->wire.high && got->wire.low == want->wire.low);
	MUST(got->ts_first.ns == want->ts_first.ns && got->ts_last.ns == want->ts_last.ns);
}

static void check_request(const struct message *got, const struct message *want, uint64_t seed)
{
	const struct span *host = request_head_find(&want->head, SPAN_LITERAL("host"));
	struct buffer a = { 0 }, b = { 0 };
	bool says_length = want->body_len > 0 || span_starts(want->head.method, SPAN_LITERAL("P"));

	MUST(span_equal(got->head.method, want->head.method));
	expect_target(&a, want->head.target);
	MUST(span_equal(got->head.target, buffer_span(&a)));
	buffer_clear(&a);
	if (host && http_is_visible(*host))
		show_field(&a, SPAN_LITERAL("Host"), *host);
	expect_fields(&a, want->head.headers, want->head.header_count);
	if (says_length)
		buffer_printf(&a, "Content-Length=%" PRIu64 "\n", want->body_len);
	show_fields(&b, got->head.headers, got->head.header_count);
	MUST(span_equal(buffer_span(&a), buffer_span(&b)));
	MUST(got->head.version_major == want->head.version_major && got->head.version_minor == want->head.version_minor);
	MUST(got->head.is_part == want->head.is_part);
	MUST(got->body_len == want->body_len && memcmp(want->body, got->body ? got->body : (uint8_t *)"", want->body_len) == 0);
	MUST(got->arrival_count == want->arrival_count);
	for (uint32_t i = 0; i < got->arrival_count; i++)
		MUST(got->arrivals[i].offset == want->arrivals[i].offset && got->arrivals[i].us == want->arrivals[i].us);
	check_origin(&got->origin, &want->origin, seed);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void test_requests(void **state)
{
	struct budget budget;
	struct header_list scratch = { 0 };
	struct record_request in = { 0 };
	struct buffer lines = { 0 };
	FILE *to = records_to("w");
	static struct made made;

	(void)state;
	budget_init(&budget, 1 << 20);
	for (uint64_t seed = 1; seed <= rounds(); seed++) {
		struct dice d = dice_of_seed(seed);
		enum record_fault why = RECORD_FINE;
		struct record_fields f;
		struct message *got;
		struct record *r;

		make_request(&made, &d);
		r = record_of_request(&made.message, made.message.response_token != 0, &rules, &scratch);
		MUST(r);
		f = record_fields_of(r, SOURCE, seed, &lines);
		write_record(to, r, buffer_span(&lines));
		MUST(record_kind_of(&f) == RECORD_REQUEST && relay_partition(r->id.low, 16) == made.message.origin.wire.low % 16);
		if (record_read_request(&f, &in, &why) != 0)
			fail_msg("seed %" PRIu64 ": %s of\n%s\n%.*s", seed, record_fault_name(why), r->tap, (int)r->data_len, r->data);
		MUST(in.event.sequence == seed && in.event.has_sequence && in.event.has_time);
		MUST(strcmp(in.event.source, SOURCE) == 0);
		MUST(in.expects_answer == (made.message.response_token != 0));
		got = record_request_message(&in, &budget);
		MUST(got);
		check_request(got, &made.message, seed);
		message_unref(got);
		record_free(r);
	}
	assert_int_equal(budget_used(&budget), 0);
	record_request_deinit(&in);
	header_list_deinit(&scratch);
	buffer_deinit(&lines);
	if (to)
		fclose(to);
}

/* ---- responses ---- */

static void add_field(struct response_head *h, struct span field, struct span value)
{
	response_head_name(h, field);
	response_head_value(h, value);
	response_head_end_field(h);
}

static void add_fields(struct response_head *h, struct made *m, struct dice *d, uint32_t most)
{
	for (uint32_t n = below(d, most); n > 0; n--)
		add_field(h, name(m, d), text(m, d, 20, 10));
}

static struct response *make_response(struct made *m, struct dice *d, struct budget *budget)
{
	static const int statuses[] = { 200, 201, 204, 304, 400, 404, 500, 503, 599 };
	struct response_head head = { 0 };
	struct response *r;
	struct span body, piece;
	int64_t us = 0;

	m->used = 0;
	m->is_plain = one_in(d, 2);
	add_fields(&head, m, d, 6);
	r = response_new(statuses[below(d, COUNT(statuses))], &head, budget);
	assert_non_null(r);
	r->first_byte_us = one_in(d, 4) ? -1 : (int64_t)below(d, 1000000);
	r->last_byte_us = one_in(d, 4) ? -1 : (int64_t)below(d, 1000000);
	r->is_part = one_in(d, 5);
	for (body = some_bytes(m, d, 200); body.len > 0;) {
		span_take(&body, 1 + below(d, (uint32_t)body.len), &piece);
		if (one_in(d, 2))
			response_add_arrival(r, us += below(d, 99));
		response_add_body(r, piece, 0, 1 << 20);
	}
	response_head_clear(&head);
	add_fields(&head, m, d, one_in(d, 2) ? 5 : 1);
	response_set_trailers(r, &head);
	response_head_deinit(&head);
	if (one_in(d, 5))
		response_invalidate(r, (enum response_result)(1 + below(d, RESPONSE_RESULT_COUNT - 1)));
	return r;
}

static void check_response(const struct response *got, const struct response *want, uint64_t seed)
{
	struct buffer a = { 0 }, b = { 0 };

	MUST(got->result == want->result && got->status_code == want->status_code && got->is_part == want->is_part);
	MUST(got->first_byte_us == want->first_byte_us && got->last_byte_us == want->last_byte_us);
	if (want->result == RESPONSE_WHOLE) {
		expect_fields(&a, want->headers, want->header_count);
		if (want->trailer_count == 0 && (want->body_len > 0 || (want->status_code != 204 && want->status_code != 304)))
			buffer_printf(&a, "Content-Length=%" PRIu64 "\n", want->body_len);
		buffer_add_str(&a, "--\n");
		expect_fields(&a, want->trailers, want->trailer_count);
		show_fields(&b, got->headers, got->header_count);
		buffer_add_str(&b, "--\n");
		show_fields(&b, got->trailers, got->trailer_count);
		MUST(span_equal(buffer_span(&a), buffer_span(&b)));
	}
	MUST(span_equal(span_of(got->body, got->body_len), span_of(want->body, want->body_len)));
	MUST(got->arrival_count == want->arrival_count);
	for (size_t i = 0; i < got->arrival_count; i++)
		MUST(got->arrivals[i].offset == want->arrivals[i].offset && got->arrivals[i].us == want->arrivals[i].us);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void test_answers(void **state)
{
	struct budget budget;
	struct buffer lines = { 0 };
	FILE *to = records_to("a");
	static struct made made;

	(void)state;
	budget_init(&budget, 1 << 20);
	for (uint64_t seed = 1; seed <= rounds(); seed++) {
		struct dice d = dice_of_seed(seed);
		struct wire_id id = { any(&d), any(&d) | 1 };
		struct response *want = make_response(&made, &d, &budget);
		struct record *r = record_of_response(id, want, (struct wall){ (int64_t)(any(&d) >> 2) }, &rules);
		enum record_fault why = RECORD_FINE;
		struct record_answer in;
		struct record_fields f;

		MUST(r && relay_partition(r->id.low, 16) == id.low % 16);
		f = record_fields_of(r, SOURCE, seed, &lines);
		write_record(to, r, buffer_span(&lines));
		MUST(record_kind_of(&f) == RECORD_ANSWER);
		if (record_read_answer(&f, &budget, 1 << 20, &in, &why) != 0)
			fail_msg("seed %" PRIu64 ": %s of\n%s\n%.*s", seed, record_fault_name(why), r->tap, (int)r->data_len, r->data);
		MUST(in.event.id.high == id.high && in.event.id.low == id.low && in.event.time.ns == r->time.ns);
		check_response(in.response, want, seed);
		response_free(in.response);
		response_free(want);
		record_free(r);
	}
	buffer_deinit(&lines);
	assert_int_equal(budget_used(&budget), 0);
	if (to)
		fclose(to);
}

/* ---- fields ---- */

/* As other programs read them: docs/fleet.md shows them so. */
static void test_headers(void **state)
{
	static const char request[] = "Nats-Msg-Id: 000000000000000a000000000000000b\r\n"
				      "ce-id: 000000000000000a000000000000000b\r\n"
				      "ce-specversion: 1.0\r\n"
				      "ce-type: io.shadowtap.request.v1\r\n"
				      "ce-source: shadowtap://t/r\r\n"
				      "ce-sequence: 0000001234567890\r\n"
				      "ce-time: 1970-01-01T00:00:01.000000002Z\r\n"
				      "ce-datacontenttype: application/http;msgtype=request\r\n"
				      "ce-httpversion: 2\r\n"
				      "ce-tap: first=7\r\n";
	static const char answer[] = "Nats-Msg-Id: 000000000000000a000000000000000ba\r\n"
				     "ce-id: 000000000000000a000000000000000ba\r\n"
				     "ce-specversion: 1.0\r\n"
				     "ce-type: io.shadowtap.answer.v1\r\n"
				     "ce-source: shadowtap://t/r\r\n"
				     "ce-sequence: 9999999999999999\r\n"
				     "ce-time: 1970-01-01T00:00:01.000000002Z\r\n";
	static const char tap[] = "ce-id: 1000000002\r\n"
				  "ce-specversion: 1.0\r\n"
				  "ce-type: io.shadowtap.tap.v1\r\n"
				  "ce-source: shadowtap://t/r\r\n"
				  "ce-sequence: 0000000000000000\r\n"
				  "ce-time: 1970-01-01T00:00:01.000000002Z\r\n"
				  "ce-datacontenttype: application/json\r\n";
	struct record r = {
		.kind = RECORD_REQUEST,
		.http_version = 2,
		.id = { 10, 11 },
		.time = { NS_PER_S + 2 },
		.tap = "first=7",
		.data_len = 1,
	};
	struct buffer lines = { 0 };

	(void)state;
	record_headers(&r, "shadowtap://t/r", 1234567890, &lines);
	assert_string_equal(buffer_text(&lines), request);
	buffer_clear(&lines);
	r = (struct record){ .kind = RECORD_ANSWER, .http_version = 1, .id = r.id, .time = r.time, .tap = "" };
	record_headers(&r, "shadowtap://t/r", 9999999999999999, &lines);
	assert_string_equal(buffer_text(&lines), answer);
	buffer_clear(&lines);
	r = (struct record){ .kind = RECORD_TAP, .http_version = 1, .time = r.time, .tap = "", .data_len = 2 };
	record_headers(&r, "shadowtap://t/r", 0, &lines);
	assert_string_equal(buffer_text(&lines), tap);
	buffer_deinit(&lines);
}

/* ---- ids ---- */

/*
 * Taps of different versions have to agree, so the ids stay as they are. Computed with OpenSSL's SIPHASH of size 16, as
 * wire_id.h says it. A time, ends and what a request is to one tap have no part in it, and of HTTP/2 no fields.
 */
/* By their names in any case; the first of a name counts, also if it says nothing; what is not there has no bytes at all. */
static void test_fields(void **state)
{
	struct record_fields f = { 0 };

	record_fields_set(&f, SPAN_LITERAL("CE-Id"), SPAN_LITERAL("one"));
	record_fields_set(&f, SPAN_LITERAL("ce-id"), SPAN_LITERAL("two"));
	record_fields_set(&f, SPAN_LITERAL("ce-type"), SPAN_LITERAL(""));
	record_fields_set(&f, SPAN_LITERAL("ce-type"), SPAN_LITERAL("three"));
	record_fields_set(&f, SPAN_LITERAL("ce-tim"), SPAN_LITERAL("four"));
	record_fields_set(&f, SPAN_LITERAL("ce-timed"), SPAN_LITERAL("five"));
	assert_true(span_equal(f.id, SPAN_LITERAL("one")));
	assert_true(f.type.at && f.type.len == 0);
	assert_null(f.time.at);
	assert_null(f.tap.at);
}

static void test_wire_ids(void **state)
{
	static const struct header fields[] = { { SPAN_LITERAL("Host"), SPAN_LITERAL("a") },
						{ SPAN_LITERAL("Content-Length"), SPAN_LITERAL("2") } };
	struct request_head one = { SPAN_LITERAL("POST"), SPAN_LITERAL("/v1/models/m:predict"), fields, 2, 1, 1 };
	struct request_head two = { SPAN_LITERAL("POST"), SPAN_LITERAL("/p.S/M"), fields, 2, 2, 0 };
	struct request_origin o = { .sequence = 0x01020304, .acknowledgement = 0xfffffffe };
	struct dice d = dice_of_seed(1);
	char text[WIRE_ID_TEXT_MAX], again[WIRE_ID_TEXT_MAX];
	struct wire_id id;

	(void)state;
	assert_string_equal(wire_id_text(wire_id_of(&one, &o), text), "ea8a97df7b74f60eb8e5257e67c384d5");
	o.client = some_end(&d);
	o.server = some_end(&d);
	o.proxied = some_end(&d);
	o.id = o.connection = any(&d);
	o.ts_first.ns = o.ts_last.ns = (int64_t)(any(&d) >> 1);
	assert_string_equal(wire_id_text(wire_id_of(&one, &o), text), "ea8a97df7b74f60eb8e5257e67c384d5");
	assert_true(wire_id_parse(span_str(text), &id));
	assert_string_equal(wire_id_text(id, again), text);
	o.stream = 5;
	assert_string_equal(wire_id_text(wire_id_of(&two, &o), text), "8e754d61a32ec93ca230d52d20f9d6eb");
	two.header_count = 0;
	two.is_part = true;
	assert_string_equal(wire_id_text(wire_id_of(&two, &o), text), "8e754d61a32ec93ca230d52d20f9d6eb");
	id = wire_id_of_event(SPAN_LITERAL("https://example.com/recorder"), SPAN_LITERAL("7"));
	assert_string_equal(wire_id_text(id, text), "a91111430f7bb513ef6369fa2279beff");
	assert_false(wire_id_parse(SPAN_LITERAL("00000000000000000000000000000000"), &id));
	assert_false(wire_id_parse(SPAN_LITERAL("0123456789abcdef0123456789abcde"), &id));
	assert_false(wire_id_parse(SPAN_LITERAL("0123456789abcdef0123456789abcdeg"), &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_wire_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
