/* test_lines.c - a text taken line by line, with and without newlines */
#include "tests/rig/unit.h"

#include "base/buffer.h"
#include "base/lines.h"

static const struct {
	const char *text, *lines, *whole; /* each line in brackets */
} cases[] = {
	{ "", "", "" },
	{ "a", "[a]", "[a]" },
	{ "a\n", "[a]", "[a\n]" },
	{ "\n", "[]", "[\n]" },
	{ "a\n\nbc\nd", "[a][][bc][d]", "[a\n][\n][bc\n][d]" },
	{ "a\r\n\n", "[a\r][]", "[a\r\n][\n]" },
};

static void check_lines(const char *text, bool (*take)(struct span *, struct span *), const char *expected)
{
	struct span rest = span_str(text), line;
	struct buffer got = { 0 };

	while (take(&rest, &line))
		buffer_printf(&got, "[%.*s]", (int)line.len, (const char *)line.at);
	assert_string_equal(buffer_text(&got), expected);
	assert_int_equal(rest.len, 0);
	buffer_deinit(&got);
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_lines(cases[i].text, line_take, cases[i].lines);
		check_lines(cases[i].text, line_take_whole, cases[i].whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
