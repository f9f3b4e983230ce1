/*
 * test_head_scan.c - which heads are plain, and what is read from them
 *
 * That a plain head means what llhttp makes of it is shown by the stories of
 * test_http1.c, which run both ways, and by fuzz_head_scan.c. Here: that the
 * plain ones are not left to llhttp for nothing, that the others are, and that
 * no byte behind the span is read or matters, whatever its length modulo the
 * width of a vector.
 */
#include "tests/rig/unit.h"
#include "tests/rig/guard_page.h"

#include <stdio.h>

#include "base/buffer.h"
#include "http/http1/head_scan.h"

#define LINE "POST /v1/models/m:predict HTTP/1.1\r\n"
#define END "\r\n"
#define LONG "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

/** struct request_row - @want: "method|target|minor|length|name=value;..."; NULL: not plain */
struct request_row {
	const char *text, *want;
};

static const struct request_row requests[] = {
	{ LINE END, "POST|/v1/models/m:predict|1|0|" },
	{ "GET / HTTP/1.0\r\n\r\n", "GET|/|0|0|" },
	{ "PUT /a?b=%20&c=[\"{}|\\^`<>] HTTP/1.1\r\nHost: h\r\n\r\n", "PUT|/a?b=%20&c=[\"{}|\\^`<>]|1|0|Host=h;" },
	{ "HEAD /" LONG " HTTP/1.1\r\nA: b\r\n\r\n", "HEAD|/" LONG "|1|0|A=b;" },
	{ "PATCH /x HTTP/1.1\r\n\r\n", "PATCH|/x|1|0|" },
	{ "DELETE /x HTTP/1.1\r\n\r\n", "DELETE|/x|1|0|" },
	{ "OPTIONS /x HTTP/1.1\r\n\r\n", "OPTIONS|/x|1|0|" },
	{ LINE "A:b\r\nB:\r\nC: \t \r\nD: \t d e\t \r\n\r\n", "POST|/v1/models/m:predict|1|0|A=b;B=;C=;D=d e;" },
	{ LINE "Content-Length: 5\r\n\r\n", "POST|/v1/models/m:predict|1|5|Content-Length=5;" },
	{ LINE "cONTENT-lENGTH:0007\r\n\r\n", "POST|/v1/models/m:predict|1|7|cONTENT-lENGTH=0007;" },
	{ LINE "Content-Length: 999999999999999999\r\n\r\n",
	  "POST|/v1/models/m:predict|1|999999999999999999|Content-Length=999999999999999999;" },
	{ LINE "Connection: Keep-Alive\r\nConnection: CLOSE\r\n\r\n",
	  "POST|/v1/models/m:predict|1|0|Connection=Keep-Alive;Connection=CLOSE;" },
	{ LINE "!#$%&'*+-.^_`|~09azAZ: rare\r\n\r\n", "POST|/v1/models/m:predict|1|0|!#$%&'*+-.^_`|~09azAZ=rare;" },
	{ LINE LONG LONG ": " LONG LONG "\r\n\r\n", "POST|/v1/models/m:predict|1|0|" LONG LONG "=" LONG LONG ";" },
	{ LINE "Utf: \xc3\xa9\xff\x80\r\n\r\n", "POST|/v1/models/m:predict|1|0|Utf=\xc3\xa9\xff\x80;" },
	{ LINE "Content-Lengthy: x\r\nXontent-Length: y\r\nContent-Lengtj: z\r\n\r\n",
	  "POST|/v1/models/m:predict|1|0|Content-Lengthy=x;Xontent-Length=y;Content-Lengtj=z;" },
	/* lines of one length, so that those behind one that differs stay where they were (test_pairs()) */
	{ LINE "X-Id-of-it-all: 1\r\nContent-Length: 5\r\nA: b\r\n\r\n",
	  "POST|/v1/models/m:predict|1|5|X-Id-of-it-all=1;Content-Length=5;A=b;" },
	{ LINE "X-Id-of-it-all: 2\r\nContent-Length: 5\r\nA: c\r\n\r\n",
	  "POST|/v1/models/m:predict|1|5|X-Id-of-it-all=2;Content-Length=5;A=c;" },
	{ LINE "X-Id-of-it-all: 2\r\nContent-Length: 7\r\nA: b\r\n\r\n",
	  "POST|/v1/models/m:predict|1|7|X-Id-of-it-all=2;Content-Length=7;A=b;" },
	{ LINE "X-Id-of-it-all: 2\r\nContent-Lengtj: 7\r\nA: b\r\n\r\n",
	  "POST|/v1/models/m:predict|1|0|X-Id-of-it-all=2;Content-Lengtj=7;A=b;" },
	{ LINE "Content-Length: 8\r\nX-Id-of-it-all: 2\r\n\r\n",
	  "POST|/v1/models/m:predict|1|8|Content-Length=8;X-Id-of-it-all=2;" },
	{ LINE "Content-Length:  5\r\nContent-Lengtj: 5\r\nA: b\r\n\r\n",
	  "POST|/v1/models/m:predict|1|5|Content-Length=5;Content-Lengtj=5;A=b;" },
	{ "POST /v2/models/m:predict HTTP/1.0\r\nContent-Length:  5\r\nContent-Lengtj: 5\r\nA: d\r\n\r\n",
	  "POST|/v2/models/m:predict|0|5|Content-Length=5;Content-Lengtj=5;A=d;" },
	{ LINE "Content-Length:  5\r\nContent-Length: 5\r\nA: b\r\n\r\n", NULL },
	{ LINE "Transfer-Encoding: 1\r\nA: b\r\n\r\n", NULL },

	{ "\r\n" LINE END, NULL },
	{ "post / HTTP/1.1\r\n\r\n", NULL },
	{ "CONNECT a:1 HTTP/1.1\r\n\r\n", NULL },
	{ "PRI * HTTP/2.0\r\n\r\n", NULL },
	{ "OPTIONS * HTTP/1.1\r\n\r\n", NULL },
	{ "GET http://h/ HTTP/1.1\r\n\r\n", NULL },
	{ "GET  / HTTP/1.1\r\n\r\n", NULL },
	{ "GET /a b HTTP/1.1\r\n\r\n", NULL },
	{ "GET /a#b HTTP/1.1\r\n\r\n", NULL },
	{ "GET /\xc3\xa9 HTTP/1.1\r\n\r\n", NULL },
	{ "GET /\x7f HTTP/1.1\r\n\r\n", NULL },
	{ "GET /\t HTTP/1.1\r\n\r\n", NULL },
	{ "GET / HTTP/1.1 \r\n\r\n", NULL },
	{ "GET / HTTP/1.2\r\n\r\n", NULL },
	{ "GET / HTTP/2.0\r\n\r\n", NULL },
	{ "GET /\r\n\r\n", NULL },
	{ "GET / HTTP/1.1\n\n", NULL },
	{ LINE "A: b\n\r\n", NULL },
	{ LINE "A: b\r\n\n", NULL },
	{ LINE "A: b\rc\r\n\r\n", NULL },
	{ LINE " A: b\r\n\r\n", NULL },
	{ LINE "A: b\r\n c\r\n\r\n", NULL },
	{ LINE "A: b\r\n\tc\r\n\r\n", NULL },
	{ LINE "A : b\r\n\r\n", NULL },
	{ LINE "A\r\n\r\n", NULL },
	{ LINE ": b\r\n\r\n", NULL },
	{ LINE "A\xc3: b\r\n\r\n", NULL },
	{ LINE "A: \x01\r\n\r\n", NULL },
	{ LINE "A: aaaaaaaaaaaaaaaaaaaa\x7f\r\n\r\n", NULL },
	{ LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", NULL },
	{ LINE "Content-Length:\r\n\r\n", NULL },
	{ LINE "Content-Length: +1\r\n\r\n", NULL },
	{ LINE "Content-Length: 1 \r\n\r\n", NULL },
	{ LINE "Content-Length: 1,1\r\n\r\n", NULL },
	{ LINE "Content-Length: 0x1\r\n\r\n", NULL },
	{ LINE "Content-Length: 1000000000000000000\r\n\r\n", NULL },
	{ LINE "Transfer-Encoding: chunked\r\n\r\n", NULL },
	{ LINE "tRANSFER-eNCODING: x\r\n\r\n", NULL },
	{ LINE "Expect: 100-continue\r\n\r\n", NULL },
	{ LINE "eXPECT: \r\n\r\n", NULL },
	{ LINE "Upgrade: h2c\r\n\r\n", NULL },
	{ LINE "Proxy-Connection: close\r\n\r\n", NULL },
	{ LINE "Connection: keep-alive, upgrade\r\n\r\n", NULL },
	{ LINE "Connection:\r\n\r\n", NULL },
};

/** struct response_row - @want: "status|length", with "-" for none; NULL: not plain */
struct response_row {
	const char *text, *want;
};

static const struct response_row responses[] = {
	{ "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\n", "200|2" },
	{ "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "404|0" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", "204|-" },
	{ "HTTP/1.1 100 \r\n\r\n", "100|-" },
	{ "HTTP/1.1 599 \xc3\xa9\r\n\r\n", "599|-" },
	{ "HTTP/1.1 200\r\n\r\n", NULL },
	{ "HTTP/1.1  200 OK\r\n\r\n", NULL },
	{ "HTTP/1.1 20 OK \r\n\r\n", NULL },
	{ "HTTP/1.1 2000 OK\r\n\r\n", NULL },
	{ "HTTP/1.1 600 OK\r\n\r\n", NULL },
	{ "HTTP/1.1 099 OK\r\n\r\n", NULL },
	{ "HTTP/1.2 200 OK\r\n\r\n", NULL },
	{ "HTTP/2 200 OK\r\n\r\n", NULL },
	{ "ICY 200 OK\r\n\r\n", NULL },
	{ "HTTP/1.1 200 OK\n\r\n", NULL },
	{ "HTTP/1.1 200 O\x01K\r\n\r\n", NULL },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", NULL },
	{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", NULL },
};

/* Every test goes on with what the ones before left in these: a memo must make no difference. */
static struct scan_memo request_memo, response_memo;

static void request_text(struct span in, struct buffer *out)
{
	const struct scanned_head *s = scan_request(in, &request_memo);

	buffer_clear(out);
	if (!s)
		return;
	buffer_add_span(out, s->head.method);
	buffer_add_str(out, "|");
	buffer_add_span(out, s->head.target);
	buffer_printf(out, "|%u|%llu|", s->head.version_minor, (unsigned long long)s->content_length);
	for (size_t i = 0; i < s->head.header_count; i++) {
		buffer_add_span(out, s->head.headers[i].name);
		buffer_add_str(out, "=");
		buffer_add_span(out, s->head.headers[i].value);
		buffer_add_str(out, ";");
	}
	buffer_printf(out, "%zu", s->len);
}

static void response_parser_text(struct span in, struct buffer *out)
{
	const struct scanned_head *s = scan_response(in, &response_memo);

	buffer_clear(out);
	if (!s)
		return;
	buffer_printf(out, "%d|", s->status);
	if (s->has_length)
		buffer_printf(out, "%llu", (unsigned long long)s->content_length);
	else
		buffer_add_str(out, "-");
	buffer_printf(out, "%zu", s->len);
}

/** check() - @text right before an unreadable page, with up to 40 bytes behind it, and cut anywhere */
static void check(struct guarded *g, const char *text, const char *want, void (*scan)(struct span, struct buffer *))
{
	char bytes[2048], wanted[1024] = "";
	struct buffer is = { 0 };
	size_t len = strlen(text);

	if (want)
		snprintf(wanted, sizeof(wanted), "%s%zu", want, len);
	memcpy(bytes, text, len);
	for (size_t more = 0; more <= 40; more++) {
		memset(bytes + len, "x\r\n:"[more % 4], more);
		scan(guarded_copy(g, bytes, len + more), &is);
		if (strcmp(buffer_text(&is), wanted) != 0)
			fail_msg("%s\n  with %zu more:\n  is:     %s\n  wanted: %s", text, more, buffer_text(&is), wanted);
	}
	for (size_t n = 0; n < len; n++) {
		scan(guarded_copy(g, text, n), &is);
		if (is.len != 0)
			fail_msg("the first %zu bytes of %s are taken for a head", n, text);
	}
	buffer_deinit(&is);
}

static void test_requests(void **state)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		check(*state, requests[i].text, requests[i].want, request_text);
}

static void test_responses(void **state)
{
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
		check(*state, responses[i].text, responses[i].want, response_parser_text);
}

/** test_fields() - SCAN_FIELDS_MAX of them, and one more */
static void test_fields(void **state)
{
	for (size_t count = SCAN_FIELDS_MAX - 1; count <= SCAN_FIELDS_MAX + 1; count++) {
		struct buffer request = { 0 }, response = { 0 };

		buffer_add_str(&request, LINE);
		buffer_add_str(&response, "HTTP/1.1 200 OK\r\n");
		for (size_t i = 0; i < count; i++) {
			buffer_printf(&request, "Field-%zu: %zu\r\n", i, i);
			buffer_printf(&response, "Field-%zu: %zu\r\n", i, i);
		}
		buffer_add_str(&request, END);
		buffer_add_str(&response, END);
		assert_int_equal(scan_request(buffer_span(&request), &request_memo) != NULL, count <= SCAN_FIELDS_MAX);
		assert_int_equal(scan_response(buffer_span(&response), &response_memo) != NULL, count <= SCAN_FIELDS_MAX);
		buffer_deinit(&request);
		buffer_deinit(&response);
	}
}

/** test_every_byte() - each of the 256 in a name, a value and a target, where vectors look and where bytes do */
static void test_every_byte(void **state)
{
	for (int c = 0; c < 256; c++) {
		static const char tail[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
		bool token = c && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') ||
				   ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
		bool value = c == '\t' || (c >= 0x20 && c != 0x7f), target = c > 0x20 && c < 0x7f && c != '#';
		char text[256];

		for (size_t more = 0; more < sizeof(tail); more += sizeof(tail) - 1) {
			size_t n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nA?B: c\r\n\r\n%.*s", (int)more, tail);

			text[17] = (char)c;
			assert_int_equal(scan_request(guarded_copy(*state, text, n), &request_memo) != NULL, token || c == ':');
			text[17] = 'x';
			text[20] = (char)c;
			assert_int_equal(scan_request(guarded_copy(*state, text, n), &request_memo) != NULL, value);
			text[20] = ' ';
			n = (size_t)snprintf(text, sizeof(text), "GET /? HTTP/1.1\r\n\r\n%.*s", (int)more, tail);
			text[5] = (char)c;
			assert_int_equal(scan_request(guarded_copy(*state, text, n), &request_memo) != NULL, target);
		}
	}
}

/** test_pairs() - after each head each other one: whatever is remembered, the same comes out */
static void test_pairs(void **state)
{
	const size_t n = sizeof(requests) / sizeof(requests[0]), m = sizeof(responses) / sizeof(responses[0]);
	struct buffer is = { 0 };
	char wanted[1024];

	for (size_t i = 0; i < n * n; i++) {
		const struct request_row *row = &requests[i % n];

		request_text(span_str(requests[i / n].text), &is);
		request_text(span_str(row->text), &is);
		snprintf(wanted, sizeof(wanted), "%s%zu", row->want ? row->want : "", strlen(row->text));
		assert_string_equal(buffer_text(&is), row->want ? wanted : "");
	}
	for (size_t i = 0; i < m * m; i++) {
		const struct response_row *row = &responses[i % m];

		response_parser_text(span_str(responses[i / m].text), &is);
		response_parser_text(span_str(row->text), &is);
		snprintf(wanted, sizeof(wanted), "%s%zu", row->want ? row->want : "", strlen(row->text));
		assert_string_equal(buffer_text(&is), row->want ? wanted : "");
	}
	buffer_deinit(&is);
}

/** test_numbers() - heads that are equal have one number, and no others have it; nor has one of another memo */
static void test_numbers(void **state)
{
	static struct scan_memo memos[2] = { { .number = 0 }, { .number = 1 } };
	static const char *const texts[] = { LINE "A: b\r\n\r\n", LINE "A: c\r\n\r\n", LINE "A: b\r\n\r\nbody",
					     LINE "A: b\r\n\r\n" };
	uint64_t numbers[2][4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t m = 0; m < 2; m++)
			numbers[m][i] = scan_request(span_str(texts[i]), &memos[m])->head.same;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			assert_int_not_equal(numbers[0][i], 0);
			assert_int_not_equal(numbers[0][i], numbers[1][k]);
			if (i != k) /* the last two follow each other */
				assert_int_equal(numbers[0][i] == numbers[0][k], i + k == 5);
		}
	assert_null(scan_request(span_str("POST"), &memos[0]));
	assert_int_equal(scan_request(span_str(LINE "A: " LONG LONG LONG LONG LONG LONG LONG LONG "\r\n\r\n"), &memos[0])->head.same, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
