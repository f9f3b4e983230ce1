/* test_response_parser.c - what a response says besides its status: arrivals, trailers, how long to keep the connection */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "message/header_list.h"
#include "message/response.h"
#include "replay/response_parser.h"

static void test_arrivals(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} pieces[] = {
		{ 5, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r" },
		{ 9, "\n1\r\n" }, { 11, "c\r\n" }, { 14, "2\r\nd" }, { 20, "e\r\n0\r\n\r\n" },
	};
	static const struct arrival expected[] = { { 0, 5 }, { 2, 11 }, { 3, 14 }, { 4, 20 } };
	struct budget budget;
	struct response_parser_keeping keeping = { 1 << 20, &budget };
	struct response_parser a = { 0 };
	struct response *r;

	budget_init(&budget, 1 << 20);
	response_parser_begin(&a, false, &keeping);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		a.now_us = pieces[i].us;
		response_parser_feed(&a, span_str(pieces[i].text));
	}
	assert_int_equal(a.state, RESPONSE_PARSER_WHOLE);
	r = response_parser_take(&a);
	assert_non_null(r);
	assert_int_equal(r->body_len, 5);
	assert_memory_equal(r->body, "abcde", 5);
	assert_int_equal(r->arrival_count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < r->arrival_count; i++) {
		assert_int_equal(r->arrivals[i].offset, expected[i].offset);
		assert_int_equal(r->arrivals[i].us, expected[i].us);
	}
	response_free(r);
	response_parser_deinit(&a);
	assert_int_equal(budget_used(&budget), 0);
}

/* Trailers are aside: where there is no room for them, the response is as good without. */
static void test_trailers_that_cannot_be_kept(void **state)
{
	static const struct {
		size_t value_len;
		uint64_t memory;
		size_t trailers;
	} rows[] = { { 10, 1 << 20, 1 }, { RESPONSE_HEAD_MAX - 100, 1 << 20, 1 }, { RESPONSE_HEAD_MAX, 1 << 20, 0 },
		     { 5000, 5000, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct response_parser a = { 0 };
		struct buffer bytes = { 0 };
		struct budget budget;
		const struct response_parser_keeping keeping = { 100, &budget };
		struct response *r;

		budget_init(&budget, rows[i].memory);
		buffer_add_str(&bytes, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ");
		for (size_t n = 0; n < rows[i].value_len; n++)
			buffer_add(&bytes, "v", 1);
		buffer_add_str(&bytes, "\r\n\r\n");
		response_parser_begin(&a, false, &keeping);
		assert_int_equal(response_parser_feed(&a, buffer_span(&bytes)), RESPONSE_PARSER_WHOLE);
		assert_true(a.keep_alive);
		r = response_parser_take(&a);
		assert_int_equal(r->result, RESPONSE_WHOLE);
		assert_int_equal(r->body_len, 1);
		assert_int_equal(r->trailer_count, rows[i].trailers);
		assert_true(rows[i].trailers == 0 || r->trailers[0].value.len == rows[i].value_len);
		response_free(r);
		response_parser_deinit(&a);
		buffer_deinit(&bytes);
		assert_int_equal(budget_used(&budget), 0);
	}
}

static void test_keep_alive_is_read(void **state)
{
	static const struct {
		const char *fields;
		int64_t keep_s;
	} rows[] = {
		{ "", -1 },
		{ "Keep-Alive: timeout=5, max=100\r\n", 5 },
		{ "keep-alive:timeout=0\r\n", 0 },
		{ "KEEP-ALIVE: max=3 ,\t Timeout=72\r\n", 72 },
		{ "X-Keep-Alive: timeout=5\r\nKeep-Aliv: timeout=6\r\nKeep-Alive-2: timeout=7\r\n", -1 },
		{ "X-Empty:\r\nKeep-Alive: timeout=5\r\n", 5 },
		{ "Keep-Alive:\r\n", -1 },
		{ "Keep-Alive: notimeout=5\r\n", -1 },
		{ "Keep-Alive: timeout=, timeout=9\r\n", -1 },
		{ "Keep-Alive: timeout=-1\r\n", -1 },
		{ "Keep-Alive: timeout=99999999999999999999\r\n", 999999999 },
		{ "Keep-Alive: timeout=9\r\nKeep-Alive: timeout=4\r\nKeep-Alive: timeout=8\r\n", 4 },
		{ "Keep-Alive: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, timeout=4\r\n", -1 },
	};
	struct budget budget;
	struct response_parser_keeping keeping = { 1 << 20, &budget };
	struct response_parser a = { 0 };
	char text[512];

	budget_init(&budget, 1 << 20);
	for (size_t i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool bytewise = i % 2;
		int len = snprintf(text, sizeof(text),
				   "HTTP/1.1 103 Early Hints\r\nKeep-Alive: timeout=1\r\n\r\n"
				   "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\nKeep-Alive: timeout=2\r\n\r\n",
				   rows[i / 4].fields);

		response_parser_begin(&a, false, i % 4 < 2 ? &keeping : NULL);
		for (int at = 0; at < len; at += bytewise ? 1 : len)
			response_parser_feed(&a, span_of(text + at, bytewise ? 1 : (size_t)len));
		assert_int_equal(a.state, RESPONSE_PARSER_WHOLE);
		if (a.keep_s != rows[i / 4].keep_s)
			fail_msg("\"%s\": %lld", rows[i / 4].fields, (long long)a.keep_s);
	}
	response_parser_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrivals),
		cmocka_unit_test(test_trailers_that_cannot_be_kept),
		cmocka_unit_test(test_keep_alive_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
