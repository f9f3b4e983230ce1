/* test_json_scan.c - a walk over JSON goes as far as the text does, and never further */
#include "tests/rig/unit.h"

#include <string.h>

#include "base/json_scan.h"
#include "tests/rig/guard_page.h"

/* What stands at "model" at the top, as it is written; NULL: the walk ends before. */
static const struct {
	const char *text, *model;
} rows[] = {
	{ "{\"model\":\"m\"}", "m" },
	{ " { \"a\" : [1, {\"model\":\"no\"}], \"model\" : \"m\\\"n\" , ", "m\\\"n" },
	{ "{\"a\":\"}\\\\\",\"b\":\"\\\"\",\"c\":[[],{}],\"d\":-1.5e3,\"e\":true,\"model\":\"\"}", "" },
	{ "{\"model\":\"cut", NULL },
	{ "{\"model\":", NULL },
	{ "{\"model\"", NULL },
	{ "{\"a\":\"no end, \\\"model\\\":\\\"m\\\"", NULL },
	{ "{\"a\":[1,2", NULL },
	{ "{\"a\":12", NULL },
	{ "{\"a\":]", NULL },
	{ "{\"a\":,\"model\":\"m\"}", NULL },
	{ "{\"a\":1 \"model\":\"m\"}", NULL },
	{ "[\"model\"]", NULL },
	{ "{}", NULL },
	{ "{", NULL },
	{ "", NULL },
	{ "\"\\", NULL },
};

static void test_member(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_scan s = { guarded_copy(*state, rows[i].text, strlen(rows[i].text)), 0 };
		struct json_scan_string string;
		bool found = json_scan_member(&s, SPAN_LITERAL("model")) && json_scan_string(&s, &string);

		if (found != (rows[i].model != NULL) || (found && !span_equal(string.text, span_str(rows[i].model))))
			fail_msg("%s: %.*s", rows[i].text, found ? (int)string.text.len : 7,
				 found ? (const char *)string.text.at : "nothing");
		if (found)
			assert_int_equal(string.escaped, strchr(rows[i].model, '\\') != NULL);
	}
}

/* A value that is skipped ends where it ends; cut anywhere before, it is not skipped. */
static void test_skip(void **state)
{
	static const char *const values[] = { "{\"a\":[1,\"]\",{\"b\":\"\\\\\"}],\"c\":null}", "\"\\\"\"", "[[[]],[]]", "{}" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (size_t len = 0; len <= strlen(values[i]); len++) {
			struct json_scan s = { guarded_copy(*state, values[i], len), 0 };
			bool whole = len == strlen(values[i]);

			assert_int_equal(json_scan_skip(&s), whole);
			assert_true(s.at <= len && (!whole || s.at == len));
		}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t count;
		size_t at;
	} lists[] = {
		{ "1,-2.5e+3, 4,5]", 3, 13 }, { "1,2,3,4,5,6", 4, 8 }, { "1", 0, 0 }, { "]", 0, 0 }, { "", 0, 0 },
		{ "1,\"a\",2", 1, 2 }, { "1,[2,3]", 1, 2 }, { "1\n,2", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct json_scan s = { guarded_copy(*state, lists[i].text, strlen(lists[i].text)), 0 };

		assert_int_equal(json_scan_numbers(&s, 4), lists[i].count);
		assert_int_equal(s.at, lists[i].at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_member),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
