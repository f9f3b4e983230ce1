/*
 * test_record_faults.c - what is no record is refused by name, and another producer's is taken
 *
 * Each row changes one thing of a good record. The last byte of the data is in front of a page that cannot be read.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/record_read.h"
#include "tests/rig/guard_page.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ID "0123456789abcdef0123456789abcdef"
#define HEAD "POST /p HTTP/1.1\r\nHost: a\r\n"
#define SOME HEAD "Content-Length: 2\r\n\r\nab"

/* A row of attributes that is left out is as in a good record; "-" is one that is not there. */
struct row {
	const char *what;
	enum record_fault why; /* RECORD_FINE: it is taken */
	const char *data;      /* NULL: SOME; of an answer: "HTTP/1.1 200 OK" and no body */
	const char *tap, *content_type, *http_version, *type, *id, *specversion, *source, *sequence, *time;
};

#define BAD(fault) RECORD_FAULT_##fault

static const struct row requests[] = {
	{ "good", RECORD_FINE, NULL },
	/* the envelope */
	{ "no id", BAD(NOT_CLOUDEVENTS), .id = "-" },
	{ "no type", BAD(NOT_CLOUDEVENTS), .type = "-" },
	{ "no source", BAD(NOT_CLOUDEVENTS), .source = "-" },
	{ "no version", BAD(NOT_CLOUDEVENTS), .specversion = "-" },
	{ "another version", BAD(VERSION), .specversion = "1.1" },
	{ "an old one", BAD(VERSION), .specversion = "0.3" },
	{ "an answer", BAD(TYPE), .type = RECORD_ANSWER_TYPE, .id = ID "a" },
	{ "a tap's word", BAD(TYPE), .type = RECORD_TAP_TYPE },
	{ "another type", BAD(TYPE), .type = "com.example.order" },
	{ "a later one", BAD(TYPE), .type = "io.shadowtap.request.v2" },
	{ "an empty id", BAD(ID), .id = "" },
	{ "a badly encoded id", BAD(ID), .id = "a%2" },
	{ "an id of another form", RECORD_FINE, .id = "550e8400-e29b-41d4-a716-446655440000" },
	{ "an empty source", BAD(SOURCE), .source = "" },
	{ "a badly encoded source", BAD(SOURCE), .source = "a%zz" },
	{ "an encoded source", RECORD_FINE, .source = "/caf%C3%A9%20%22b%22" },
	{ "no sequence", RECORD_FINE, .sequence = "-" },
	{ "a sequence of words", BAD(SEQUENCE), .sequence = "first" },
	{ "an empty sequence", BAD(SEQUENCE), .sequence = "" },
	{ "a sequence below 0", BAD(SEQUENCE), .sequence = "-1" },
	{ "a sequence beyond 18 digits", BAD(SEQUENCE), .sequence = "1234567890123456789" },
	{ "no time", RECORD_FINE, .time = "-" },
	{ "a time with an offset", RECORD_FINE, .time = "2026-11-29T22:00:00+01:00" },
	{ "a time in seconds", BAD(TIME), .time = "1764450000" },
	{ "a day", BAD(TIME), .time = "2026-11-29" },
	{ "no content type", RECORD_FINE, .content_type = "-" },
	{ "JSON", BAD(CONTENT_TYPE), .content_type = "application/json" },
	{ "a response", BAD(CONTENT_TYPE), .content_type = "application/http;msgtype=response" },
	{ "no msgtype", RECORD_FINE, .content_type = "application/http" },
	{ "another form of it", RECORD_FINE, .content_type = "Application/HTTP ; version=1.1; MsgType=\"Request\"" },
	{ "encoded", RECORD_FINE, .content_type = "application/http;%20msgtype=%22request%22" },
	{ "HTTP/2", RECORD_FINE, .http_version = "2" },
	{ "HTTP/1.1 by name", RECORD_FINE, .http_version = "1.1" },
	{ "HTTP/3", BAD(HTTP_VERSION), .http_version = "3" },
	{ "HTTP/2 with a line of 1.0", BAD(HTTP_VERSION), "POST /p HTTP/1.0\r\n\r\n", .http_version = "2" },
	/* what only shadowtap reads */
	{ "nothing of a tap", RECORD_FINE, .tap = "-" },
	{ "keys of another time", RECORD_FINE, .tap = "new=1;first=5;newer" },
	{ "no address", BAD(TAP), .tap = "client=here" },
	{ "an address without a port", BAD(TAP), .tap = "server=10.0.0.1" },
	{ "a time of words", BAD(TAP), .tap = "first=now" },
	{ "a short id", BAD(TAP), .tap = "local=abc" },
	{ "a flag that is none", BAD(TAP), .tap = "answer=yes" },
	{ "arrivals", RECORD_FINE, .tap = "arrivals=0:5,1:9,2:9" },
	{ "arrivals behind the end", BAD(TAP), .tap = "arrivals=0:5,3:9" },
	{ "arrivals that go back", BAD(TAP), .tap = "arrivals=2:5,1:9" },
	{ "arrivals before the first", BAD(TAP), .tap = "arrivals=1:5,2:4" },
	{ "arrivals below 0", BAD(TAP), .tap = "arrivals=0:-5" },
	{ "no arrivals", BAD(TAP), .tap = "arrivals=" },
	{ "an arrival too few", BAD(TAP), .tap = "arrivals=0:5," },
	{ "arrivals beyond 64 bits", BAD(TAP), .tap = "arrivals=18446744073709551616:1" },
	{ "a time beyond 63 bits", BAD(TAP), .tap = "arrivals=0:9223372036854775808" },
	/* one request */
	{ "nothing", BAD(HEAD), "" },
	{ "no end", BAD(HEAD), "POST /p HTTP/1.1\r\nHost: a\r\n" },
	{ "no end of the line", BAD(HEAD), "POST /p HTTP/1.1" },
	{ "an answer's data", BAD(START_LINE), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
	{ "a line feed alone", BAD(START_LINE), "POST /p HTTP/1.1\nHost: a\n\n" },
	{ "an empty line first", BAD(START_LINE), "\r\nPOST /p HTTP/1.1\r\n\r\n" },
	{ "two blanks", BAD(START_LINE), "POST  /p HTTP/1.1\r\n\r\n" },
	{ "a tab", BAD(START_LINE), "POST\t/p HTTP/1.1\r\n\r\n" },
	{ "a blank in the target", BAD(START_LINE), "POST /p q HTTP/1.1\r\n\r\n" },
	{ "a blank at the end", BAD(START_LINE), "POST /p HTTP/1.1 \r\n\r\n" },
	{ "no target", BAD(START_LINE), "POST HTTP/1.1\r\n\r\n" },
	{ "no version", BAD(START_LINE), "GET /p\r\n\r\n" },
	{ "no method", BAD(START_LINE), " /p HTTP/1.1\r\n\r\n" },
	{ "a method that is no token", BAD(START_LINE), "PO(ST /p HTTP/1.1\r\n\r\n" },
	{ "HTTP/2 in the line", BAD(HTTP_VERSION), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
	{ "HTTP/1.2", BAD(HTTP_VERSION), "GET /p HTTP/1.2\r\n\r\n" },
	{ "HTTP/1.10", BAD(START_LINE), "GET /p HTTP/1.10\r\n\r\n" },
	{ "lower case", BAD(START_LINE), "GET /p http/1.1\r\n\r\n" },
	{ "HTTP/1.0", RECORD_FINE, "GET /p HTTP/1.0\r\n\r\n" },
	{ "a whole address", RECORD_FINE, "GET http://a/p HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "bytes above 127", RECORD_FINE, "GET /\xc3\xa9 HTTP/1.1\r\nX: \xff\r\n\r\n" },
	{ "a folded line", BAD(FIELD), HEAD "X: a\r\n b\r\n\r\n" },
	{ "a folded line with a tab", BAD(FIELD), HEAD "X: a\r\n\tb\r\n\r\n" },
	{ "a fold first", BAD(FIELD), "GET /p HTTP/1.1\r\n X: a\r\n\r\n" },
	{ "a blank before the colon", BAD(FIELD), HEAD "Content-Length : 2\r\n\r\nab" },
	{ "a blank before the name", BAD(FIELD), HEAD "X: a\r\n Content-Length: 2\r\n\r\nab" },
	{ "no colon", BAD(FIELD), HEAD "X\r\n\r\n" },
	{ "no name", BAD(FIELD), HEAD ": a\r\n\r\n" },
	{ "a CR alone", BAD(FIELD), HEAD "X: a\rContent-Length: 2\r\n\r\nab" },
	{ "an LF alone", BAD(FIELD), HEAD "X: a\nContent-Length: 2\r\n\r\nab" },
	{ "two CR", BAD(FIELD), HEAD "X: a\r\r\n\r\n" },
	{ "an odd name", BAD(FIELD), HEAD "X[a]: b\r\n\r\n" },
	{ "an empty value", RECORD_FINE, HEAD "X:\r\n\r\n" },
	{ "blanks around a value", RECORD_FINE, HEAD "X: \t a b \t\r\n\r\n" },
	/* where it ends */
	{ "no body and no length", RECORD_FINE, "POST /p HTTP/1.1\r\n\r\n" },
	{ "a body and no length", BAD(LENGTH), HEAD "\r\nab" },
	{ "too short", BAD(LENGTH), HEAD "Content-Length: 3\r\n\r\nab" },
	{ "two in one", BAD(LENGTH), SOME SOME },
	{ "a byte behind it", BAD(LENGTH), SOME "\n" },
	{ "a length twice", BAD(LENGTH), HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab" },
	{ "two lengths", BAD(LENGTH), HEAD "Content-Length: 2\r\ncontent-length: 0\r\n\r\nab" },
	{ "two in one field", BAD(LENGTH), HEAD "Content-Length: 2, 2\r\n\r\nab" },
	{ "a sign", BAD(LENGTH), HEAD "Content-Length: +2\r\n\r\nab" },
	{ "hexadecimal", BAD(LENGTH), HEAD "Content-Length: 0x2\r\n\r\nab" },
	{ "empty", BAD(LENGTH), HEAD "Content-Length:\r\n\r\n" },
	{ "beyond 64 bits", BAD(LENGTH), HEAD "Content-Length: 18446744073709551618\r\n\r\nab" },
	{ "zeros in front", RECORD_FINE, HEAD "Content-Length: 0002\r\n\r\nab" },
	{ "chunks", BAD(ENCODING), HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" },
	{ "chunks and a length", BAD(ENCODING), HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab" },
	{ "a coding that is unknown", BAD(ENCODING), HEAD "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nab" },
	{ "identity", BAD(ENCODING), HEAD "transfer-encoding: identity\r\nContent-Length: 2\r\n\r\nab" },
};

#define OK "HTTP/1.1 200 OK\r\n"

static const struct row answers[] = {
	{ "good", RECORD_FINE, OK "Content-Length: 2\r\n\r\nab", .tap = "result=whole;first_us=5;last_us=6" },
	{ "no reason", RECORD_FINE, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n" },
	{ "a request", BAD(TYPE), SOME, .type = RECORD_REQUEST_TYPE },
	{ "a request's data", BAD(START_LINE), SOME },
	{ "a request's type", BAD(CONTENT_TYPE), .content_type = RECORD_REQUEST_CONTENT },
	{ "an id without its a", BAD(ID), .id = "0123456789abcdef0123456789abcdeb" },
	{ "nothing but an a", BAD(ID), .id = "a" },
	{ "an id of another form", RECORD_FINE, .id = "order-1a" },
	{ "an interim one", BAD(START_LINE), "HTTP/1.1 100 Continue\r\n\r\n" },
	{ "a status of two digits", BAD(START_LINE), "HTTP/1.1 20 OK\r\n\r\n" },
	{ "a status of four", BAD(START_LINE), "HTTP/1.1 2000 OK\r\n\r\n" },
	{ "another version", BAD(HTTP_VERSION), "HTTP/3.0 200 OK\r\n\r\n" },
	{ "not whole", RECORD_FINE, "", .tap = "result=gap;status=200" },
	{ "not whole, with data", BAD(RESULT), OK "\r\n", .tap = "result=gap" },
	{ "not whole, with arrivals", BAD(RESULT), "", .tap = "result=gap;arrivals=0:1" },
	{ "whole, without data", BAD(RESULT), "", .tap = "result=whole" },
	{ "nothing said, without data", BAD(RESULT), "", .tap = "-" },
	{ "a result of another time", BAD(TAP), "", .tap = "result=eaten" },
	{ "a status that is none", BAD(TAP), "", .tap = "result=gap;status=20" },
	{ "a time below 0", BAD(TAP), .tap = "result=whole;first_us=-1" },
	{ "too long", BAD(LENGTH), OK "Content-Length: 1\r\n\r\nab" },
	{ "no length", BAD(LENGTH), OK "\r\nab" },
	{ "no length, and nothing behind", BAD(LENGTH), OK "\r\n" },
	{ "no length, and no body by its status", RECORD_FINE, "HTTP/1.1 204 \r\n\r\n" },
	{ "a chunk", RECORD_FINE, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n" },
	{ "three chunks", RECORD_FINE, OK "Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\nA\r\n0123456789\r\n0\r\n\r\n" },
	{ "chunks and a length", BAD(ENCODING), OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
	{ "chunked twice", BAD(ENCODING), OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
	{ "gzip", BAD(ENCODING), OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
	{ "no last chunk", BAD(CHUNKS), OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n" },
	{ "a chunk too short", BAD(CHUNKS), OK "Transfer-Encoding: chunked\r\n\r\n3\r\nab\r\n0\r\n\r\n" },
	{ "a chunk too long", BAD(CHUNKS), OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" },
	{ "a huge chunk", BAD(CHUNKS), OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab\r\n0\r\n\r\n" },
	{ "no digits", BAD(CHUNKS), OK "Transfer-Encoding: chunked\r\n\r\n\r\n\r\n" },
	{ "an extension", BAD(CHUNKS), OK "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n0\r\n\r\n" },
	{ "no end of trailers", BAD(HEAD), OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n" },
	{ "a folded trailer", BAD(FIELD), OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n z\r\n\r\n" },
	{ "bytes behind trailers", BAD(LENGTH), OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nX" },
	{ "arrivals", RECORD_FINE, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", .tap = "arrivals=0:1,2:3" },
	{ "arrivals behind the end", BAD(TAP), OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", .tap = "arrivals=0:1,3:3" },
};

static struct span attribute(const char *given, const char *usual)
{
	if (!given)
		return usual ? span_str(usual) : (struct span){ 0 };
	return strcmp(given, "-") == 0 ? (struct span){ 0 } : span_str(given);
}

static struct record_fields fields_of(const struct row *row, struct guarded *g, bool is_answer)
{
	const char *data = row->data ? row->data : is_answer ? OK "Content-Length: 0\r\n\r\n" : SOME;

	return (struct record_fields){
		.id = attribute(row->id, is_answer ? ID "a" : ID),
		.specversion = attribute(row->specversion, "1.0"),
		.type = attribute(row->type, is_answer ? RECORD_ANSWER_TYPE : RECORD_REQUEST_TYPE),
		.source = attribute(row->source, "shadowtap://a/b"),
		.sequence = attribute(row->sequence, "0000000000000007"),
		.time = attribute(row->time, "2026-11-29T21:00:00.123456789Z"),
		.content_type = attribute(row->content_type, is_answer ? RECORD_ANSWER_CONTENT : RECORD_REQUEST_CONTENT),
		.tap = attribute(row->tap, NULL),
		.http_version = attribute(row->http_version, NULL),
		.data = guarded_copy(g, data, strlen(data)),
	};
}

static void check(const struct row *row, int err, enum record_fault why)
{
	if (why != row->why || err != (row->why == RECORD_FINE ? 0 : -EBADMSG))
		fail_msg("%s: %s (%d), not %s", row->what, record_fault_name(why), err, record_fault_name(row->why));
}

static void test_requests(void **state)
{
	struct record_request r = { 0 };

	for (size_t i = 0; i < COUNT(requests); i++) {
		struct record_fields in = fields_of(&requests[i], *state, false);
		enum record_fault why = RECORD_FINE;

		int err = record_read_request(&in, &r, &why);

		check(&requests[i], err, why);
	}
	record_request_deinit(&r);
}

static void test_answers(void **state)
{
	struct budget budget;

	budget_init(&budget, 1 << 20);
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct record_fields in = fields_of(&answers[i], *state, true);
		enum record_fault why = RECORD_FINE;
		struct record_answer a;
		int err = record_read_answer(&in, &budget, 1 << 20, &a, &why);

		check(&answers[i], err, why);
		assert_true((a.response != NULL) == (why == RECORD_FINE));
		response_free(a.response);
	}
	assert_int_equal(budget_used(&budget), 0);
}

/* The four attributes that CloudEvents demands, and the data: no more is needed. */
static void test_other_producers(void **state)
{
	static const struct row row = { .what = "bare", .id = "7", .source = "https://example.com/recorder",
					.content_type = "-", .sequence = "-", .time = "-" };
	struct record_fields in = fields_of(&row, *state, false);
	enum record_fault why = RECORD_FINE;
	struct record_request r = { 0 }, other = { 0 };
	struct budget budget;
	struct message *m;

	assert_int_equal(record_read_request(&in, &r, &why), 0);
	assert_string_equal(r.event.source, "https://example.com/recorder");
	assert_true(wire_id_is_set(r.event.id) && r.origin.id == r.event.id.high);
	assert_false(r.event.has_sequence || r.event.has_time || r.expects_answer);
	assert_true(r.origin.client.family == 0 && r.origin.ts_first.ns == 0);
	assert_true(r.head.version_major == 1 && r.head.version_minor == 1);
	assert_true(span_equal(r.body, SPAN_LITERAL("ab")) && r.head.header_count == 2);
	budget_init(&budget, 1 << 20);
	m = record_request_message(&r, &budget);
	assert_non_null(m);
	message_unref(m);
	assert_int_equal(budget_used(&budget), 0);
	in.source = SPAN_LITERAL("https://example.com/other"); /* source and id together name an event */
	assert_int_equal(record_read_request(&in, &other, &why), 0);
	assert_true(other.event.id.low != r.event.id.low);
	record_request_deinit(&r);
	record_request_deinit(&other);
}

/* A head of 8 MiB is refused, and not looked at beyond what is a head's; a great body is none of that. */
static void test_sizes(void **state)
{
	static const struct row row = { .what = "long" };
	struct record_fields in = fields_of(&row, *state, false);
	struct record_request r = { 0 };
	enum record_fault why = RECORD_FINE;
	struct buffer data = { 0 };

	buffer_add_str(&data, HEAD);
	while (data.len < 8 << 20)
		buffer_add_str(&data, "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	buffer_add_str(&data, "\r\n");
	in.data = buffer_span(&data);
	assert_int_equal(record_read_request(&in, &r, &why), -EBADMSG);
	assert_int_equal(why, RECORD_FAULT_HEAD);
	buffer_clear(&data);
	buffer_add_str(&data, HEAD "X: ");
	for (size_t i = 0; i < 8 << 20; i++)
		buffer_add(&data, "a", 1);
	in.data = buffer_span(&data);
	assert_int_equal(record_read_request(&in, &r, &why), -EBADMSG);
	assert_int_equal(why, RECORD_FAULT_HEAD);
	buffer_clear(&data);
	buffer_add_str(&data, HEAD "Content-Length: 8388608\r\n\r\n");
	for (size_t i = 0; i < 8 << 20; i++)
		buffer_add(&data, "\n", 1);
	in.data = buffer_span(&data);
	assert_int_equal(record_read_request(&in, &r, &why), 0);
	assert_int_equal(r.body.len, 8 << 20);
	buffer_deinit(&data);
	record_request_deinit(&r);
}

/* Each fault has a name of its own, which counters and logs use. */
static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < RECORD_FAULT_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(record_fault_name((enum record_fault)i), record_fault_name((enum record_fault)k));
	assert_string_equal(record_fault_name(RECORD_FINE), "fine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_answers), cmocka_unit_test(test_other_producers),
		cmocka_unit_test(test_sizes),    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
