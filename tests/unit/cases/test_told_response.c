/* test_told_response.c - what is taken for a response, what for its body, and what for neither */
#include "tests/rig/unit.h"

#include <errno.h>
#include <string.h>

#include "app/cases/told_response.h"

struct row {
	const char *text;
	int err, status;
	const char *body, *type; /* @type NULL: no field says it */
};

static const struct row rows[] = {
	{ "", 0, 0, "", NULL },
	{ "{\"a\":1}\n", 0, 0, "{\"a\":1}\n", NULL },
	{ "HTTP is a protocol", 0, 0, "HTTP is a protocol", NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nabc", 0, 200, "abc", "text/plain" },
	{ "HTTP/2 404\ncontent-type:  a/b \n\nabc", 0, 404, "abc", "a/b" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", 0, 204, "", NULL },
	/* lengths: what is behind them is no body; less is a body that was cut */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\n", 0, 200, "abc", NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", -EINVAL, 200, NULL, NULL },
	/* interim ones go before it, and what they say is not said of it */
	{ "HTTP/1.1 100 Continue\r\nContent-Type: no/no\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc", 0, 200, "abc", NULL },
	/* chunks, as they come, and as curl leaves them */
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: u\r\n\r\n", 0, 200, "abc", NULL },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc", 0, 200, "abc", NULL },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", 0, 200, "3\r\nab", NULL },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab", 0, 200, "ffffffffffffffffff\r\nab", NULL },
	/* no responses */
	{ "HTTP/1.1\r\n\r\n", -EINVAL, 0, NULL, NULL },
	{ "HTTP/1.1 20 OK\r\n\r\n", -EINVAL, 0, NULL, NULL },
	{ "HTTP/1.1 2000 OK\r\n\r\n", -EINVAL, 0, NULL, NULL },
	{ "HTTP/1.1 999 OK\r\n\r\n", -EINVAL, 0, NULL, NULL },
	{ "HTTP/1.1 200 OK", -EINVAL, 0, NULL, NULL },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n", -EINVAL, 200, NULL, NULL },
	{ "HTTP/1.1 200 OK\r\nno field\r\n\r\n", -EINVAL, 200, NULL, NULL },
	{ "HTTP/1.1 200 OK\r\n folded\r\n\r\n", -EINVAL, 200, NULL, NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct told_response r = { 0 };
		const char *error;
		int err = told_response_read(&r, span_str(rows[i].text), &error);

		if (err != rows[i].err)
			fail_msg("row %zu: %d, %s", i, err, err < 0 ? error : "");
		if (err == 0 && (r.status_code != rows[i].status || !span_equal(r.body, span_str(rows[i].body))))
			fail_msg("row %zu: %d \"%.*s\"", i, r.status_code, (int)r.body.len, (const char *)r.body.at);
		if (err == 0 && !span_equal(r.has_type ? r.type : span_of(NULL, 0), span_str(rows[i].type ? rows[i].type : "")))
			fail_msg("row %zu: its type", i);
		told_response_deinit(&r);
	}
}

static void test_guess(void **state)
{
	static const struct {
		struct span body;
		const char *type;
	} guesses[] = {
		{ SPAN_LITERAL(" \n[1]"), "application/json" },
		{ SPAN_LITERAL("data: {}\n\n"), "text/event-stream" },
		{ SPAN_LITERAL("event: x\n"), "text/event-stream" },
		{ SPAN_LITERAL("caf\xc3\xa9"), "text/plain" },
		{ SPAN_LITERAL("caf\xe9"), "application/octet-stream" },
		{ SPAN_LITERAL("a\0b"), "application/octet-stream" },
		{ SPAN_LITERAL(""), "text/plain" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++)
		if (!span_equal(told_response_guess(guesses[i].body), span_str(guesses[i].type)))
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
