/*
 * test_http1_head.c - the head of a request as bytes of HTTP/1.1
 */
#include "tests/rig/unit.h"

#include "replay/http1_head.h"

static void test_lines(void **state)
{
	struct outgoing o = { 0 };
	struct buffer out = { 0 };

	for (int turn = 0; turn < 2; turn++) { /* used again, it says nothing of the request before */
		outgoing_clear(&o);
		buffer_clear(&out);
		o.method = SPAN_LITERAL("POST");
		o.target = SPAN_LITERAL("/a?b");
		outgoing_add(&o, SPAN_LITERAL("Host"), SPAN_LITERAL("h:1"));
		outgoing_add(&o, SPAN_LITERAL("x-empty"), span_of(NULL, 0));
		outgoing_add(&o, SPAN_LITERAL("x"), SPAN_LITERAL("1\xff"));
		outgoing_add(&o, SPAN_LITERAL("x"), SPAN_LITERAL("2"));
		outgoing_add_length(&o, UINT64_MAX);
		buffer_add_str(&out, "before");
		http1_head_write(&o, &out);
		assert_true(outgoing_ok(&o));
		assert_string_equal(buffer_text(&out), "beforePOST /a?b HTTP/1.1\r\nHost: h:1\r\nx-empty: \r\nx: 1\xff\r\nx: 2\r\n"
						       "Content-Length: 18446744073709551615\r\n\r\n");
	}
	outgoing_deinit(&o);
	buffer_deinit(&out);
}

static void test_many_fields(void **state)
{
	struct outgoing o = { .method = SPAN_LITERAL("GET"), .target = SPAN_LITERAL("*") };
	struct buffer out = { 0 };

	for (int i = 0; i < 1000; i++)
		outgoing_add(&o, SPAN_LITERAL("a"), SPAN_LITERAL("b"));
	http1_head_write(&o, &out);
	assert_int_equal(out.len, strlen("GET * HTTP/1.1\r\n") + 1000 * strlen("a: b\r\n") + strlen("\r\n"));
	outgoing_deinit(&o);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_many_fields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
