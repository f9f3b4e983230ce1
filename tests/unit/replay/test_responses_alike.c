/*
 * test_responses_alike.c - production's responses and the shadow's are read by two readers with one judgement
 *
 * Each row goes through both, in pieces of several sizes: through the tracker
 * as what a service sends, and through response_parser.c as what a shadow sends.
 */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "http/http1/llhttp_rules.h"
#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"
#include "replay/response_parser.h"

struct row {
	const char *bytes;
	const char *is;   /* "200 body", "malformed", or "unfinished" */
	bool is_to_head, closes;
	size_t padding;   /* so many "x" in the place of a "~" */
};

#define LENGTH_1 "Content-Length: 1\r\n\r\na"
#define CHUNKED  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct row rows[] = {
	{ "HTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.0 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 500 Oh\r\n" LENGTH_1, "500 a" },
#if HTTP_READS_BARE_LF
	/* lines that end in LF alone */
	{ "HTTP/1.1 200 OK\nContent-Length: 1\n\na", "200 a" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\n\na", "200 a" },
	{ "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\na", "200 a" },
	{ "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\r\na\r\n0\r\nT: x\n\n", "200 a" },
	{ "HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\na", "200 a" },
#endif
	/* status lines */
	{ "HTTP/1.1 200\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200 \r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200 Caf\xc3\xa9\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200OK\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 1000 OK\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 099 OK\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 999 OK\r\n" LENGTH_1, "999 a" },
	{ "HTTP/1.2 200 OK\r\n" LENGTH_1, "malformed" },
	{ "http/1.1 200 OK\r\n" LENGTH_1, "malformed" },
	{ "RTSP/1.0 200 OK\r\n" LENGTH_1, "malformed" },
	{ "ICE/1.0 200 OK\r\n" LENGTH_1, "malformed" },
	{ "ICY 200 OK\r\n" LENGTH_1, "malformed" },
	{ "hello\r\n\r\n", "malformed" },
	{ "\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	/* interim ones */
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "malformed" },
	{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", "unfinished" },
	/* no body, whatever the fields say */
	{ "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 " },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 " },
	{ "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "304 " },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 ", .is_to_head = true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 ", .is_to_head = true },
	{ "HTTP/1.1 200 OK\r\n\r\n", "200 ", .is_to_head = true },
	{ "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 ", .is_to_head = true },
	/* until the end of the connection */
	{ "HTTP/1.1 200 OK\r\n\r\nabc", "200 abc", .closes = true },
	{ "HTTP/1.1 200 OK\r\n\r\nabc", "unfinished" },
	{ "HTTP/1.0 200 OK\r\n\r\nabc", "200 abc", .closes = true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", "200 abc", .closes = true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc", "200 abc", .closes = true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "unfinished", .closes = true },
	{ "HTTP/1.1 200 OK\r\nConnection: close\r\n" LENGTH_1, "200 a", .closes = true },
	{ "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 20", "unfinished", .closes = true },
	/* lengths */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "malformed" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n", "malformed" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na", "malformed" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", "malformed" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1 \r\n\r\na", "200 a" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\na", "malformed" },
	/* fields */
	{ "HTTP/1.1 200 OK\r\nFold: a\r\n b\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200 OK\r\nFold: a\r\n\tb\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200 OK\r\nX: a\x01z\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200 OK\r\nX: caf\xe9\r\n" LENGTH_1, "200 a" },
	{ "HTTP/1.1 200 OK\r\nX: a\r\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 200 OK\r\nno colon\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 200 OK\r\n\tX: a\r\n" LENGTH_1, "malformed" },
	{ "HTTP/1.1 200 OK\r\nX: ~\r\n" LENGTH_1, "200 a", .padding = 200000 },
	{ "HTTP/1.1 200 OK\r\nX: ~\r\n" LENGTH_1, "malformed", .padding = RESPONSE_HEAD_MAX },
	{ "HTTP/1.1 200 ~\r\n" LENGTH_1, "malformed", .padding = RESPONSE_HEAD_MAX },
	{ "HTTP/1.1 100 ~\r\n\r\nHTTP/1.1 200 ~\r\n" LENGTH_1, "malformed", .padding = RESPONSE_HEAD_MAX / 2 },
	/* chunks */
	{ CHUNKED "1\r\na\r\n0\r\n\r\n", "200 a" },
	{ CHUNKED "1;x=y\r\na\r\n0\r\n\r\n", "200 a" },
	{ CHUNKED "1\r\na\r\n0\r\nTrailer: x\r\n\r\n", "200 a" },
	{ CHUNKED "1;x=y;z=\"a b,c;d\"\r\na\r\n2;a=b;c=d\r\nbc\r\n0;e;f=g\r\n\r\n", "200 abc" },
	{ CHUNKED "1 \r\na\r\n0 \r\n\r\n", "200 a" },
	{ CHUNKED "1\na\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "1;x=\"\r\na\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "1;x=\n\r\na\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "\r\na\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "1", "unfinished", .closes = true },
	{ "HTTP/1.1 100 C\r\n\r\n" CHUNKED "1;a;b=c\r\na\r\n0\r\n\r\n", "200 a" },
	{ CHUNKED "0x1\r\na\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "1\r\nab\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "fffffffffffffffff\r\na\r\n0\r\n\r\n", "malformed" },
	{ CHUNKED "1\r\na\r\n0\r\n", "unfinished", .closes = true },
};

/* ---- production's ---- */

struct production {
	struct buffer is;
};

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	(void)ctx;
	(void)head;
	(void)origin;
	return (struct head_decision){ .keep = KEEP_WHOLE, .response = true };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	(void)ctx;
	(void)decision;
	(void)out_of_memory;
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	(void)ctx;
	(void)reason;
	(void)origin;
	(void)head;
}

static void say(struct buffer *out, const struct response *r)
{
	assert_non_null(r);
	if (r->result == RESPONSE_WHOLE) {
		buffer_printf(out, "%d ", r->status_code);
		buffer_add(out, r->body, (size_t)r->body_len);
	} else {
		buffer_add_str(out, r->result == RESPONSE_MALFORMED || r->result == RESPONSE_OUT_OF_STEP ? "malformed" : "unfinished");
	}
}

static void on_response(void *ctx, uint64_t token, struct response *r)
{
	struct production *p = ctx;

	(void)token;
	say(&p->is, r);
	response_free(r);
}

static void send_segment(struct tracker *r, bool client, uint8_t flags, uint32_t seq, uint32_t ack, struct span payload)
{
	static const struct endpoint ends[2] = { { .family = 4, .port = 40000, .addr = { [15] = 1 } },
						 { .family = 4, .port = 8000, .addr = { [15] = 2 } } };
	static int64_t now = NS_PER_S;
	struct segment s = { .src = ends[!client], .dst = ends[client], .flags = flags, .seq = seq, .ack = ack, .payload = payload,
			     .ts = { now += 1000 } };

	tracker_feed(r, &s);
}

static void read_production(const struct row *row, struct span bytes, size_t size, struct buffer *is)
{
	static const uint16_t port = 8000;
	struct production p = { 0 };
	struct protocol_sink sink = { &p, on_head, on_request, on_lost, on_response };
	struct budget budget;
	struct http_stats stats = { 0 };
	struct http_tracker_options options = { .tracker.server_ports = &port, .tracker.server_port_count = 1,
					      .tracker.hold_bytes = 65536, .http.max_body = 65536,
					      .http.max_response = 1 << 20, .tracker.idle_ns = 3600 * NS_PER_S,
					      .tracker.budget = &budget, .http.stats = &stats,
					      .http.keep_responses = true };
	struct span request = span_str(row->is_to_head ? "HEAD / HTTP/1.1\r\n\r\n" : "POST / HTTP/1.1\r\n\r\n");
	struct tracker *r;
	uint32_t at = 1;

	budget_init(&budget, 1 << 30);
	r = http_tracker_new(&options, &sink);
	assert_non_null(r);
	send_segment(r, true, TCP_SYN, 0, 0, (struct span){ 0 });
	send_segment(r, false, TCP_SYN | TCP_ACK, 0, 1, (struct span){ 0 });
	send_segment(r, true, TCP_ACK, 1, 1, request);
	while (bytes.len > 0) {
		struct span piece;

		span_take(&bytes, bytes.len < size ? bytes.len : size, &piece);
		send_segment(r, false, TCP_ACK, at, 1 + (uint32_t)request.len, piece);
		at += (uint32_t)piece.len;
	}
	if (row->closes)
		send_segment(r, false, TCP_FIN | TCP_ACK, at, 1 + (uint32_t)request.len, (struct span){ 0 });
	tracker_finish(r);
	tracker_free(r);
	*is = p.is;
}

/* ---- the shadow's ---- */

static void read_shadow(const struct row *row, struct span bytes, size_t size, struct buffer *is)
{
	struct budget budget;
	struct response_parser_keeping keeping = { .max = 1 << 20, .budget = &budget };
	struct response_parser a = { 0 };
	enum response_parser_state state = RESPONSE_PARSER_HEAD;
	struct response *r;

	budget_init(&budget, 1 << 30);
	response_parser_begin(&a, row->is_to_head, &keeping);
	while (bytes.len > 0) {
		struct span piece;

		span_take(&bytes, bytes.len < size ? bytes.len : size, &piece);
		state = response_parser_feed(&a, piece);
	}
	if (row->closes)
		state = response_parser_eof(&a);
	r = response_parser_take(&a);
	if (state == RESPONSE_PARSER_WHOLE)
		say(is, r);
	else
		buffer_add_str(is, state == RESPONSE_PARSER_BAD ? "malformed" : "unfinished");
	response_free(r);
	response_parser_deinit(&a);
}

/* ---- both ---- */

static void bytes_of(const struct row *row, struct buffer *out)
{
	for (const char *at = row->bytes; *at; at++) {
		for (size_t i = 0; *at == '~' && i < row->padding; i++)
			buffer_add_str(out, "x");
		if (*at != '~')
			buffer_add(out, at, 1);
	}
	assert_true(buffer_ok(out));
}

static void test_alike(void **state)
{
	static const size_t sizes[] = { 1, 7, 1448, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i / 4];
		struct buffer bytes = { 0 }, production = { 0 }, shadow = { 0 };

		bytes_of(row, &bytes);
		read_production(row, buffer_span(&bytes), sizes[i % 4], &production);
		read_shadow(row, buffer_span(&bytes), sizes[i % 4], &shadow);
		if (strcmp(buffer_text(&production), row->is) != 0 || strcmp(buffer_text(&shadow), row->is) != 0)
			fail_msg("\"%.60s\" in pieces of %zu: production's is \"%s\", the shadow's \"%s\", not \"%s\"", row->bytes,
				 sizes[i % 4], buffer_text(&production), buffer_text(&shadow), row->is);
		buffer_deinit(&bytes);
		buffer_deinit(&production);
		buffer_deinit(&shadow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_alike) };

	return cmocka_run_group_tests_name("answers_alike", tests, NULL, NULL);
}
