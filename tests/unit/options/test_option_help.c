/* test_option_help.c - --help has a place for each option, in its group, and fits a page */
#include "tests/rig/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "app/options/option_table.h"
#include "app/options/options.h"
#include "base/lines.h"

#define LEFT 31 /* columns of how an option is written */

static struct buffer help;

static int make_help(void **state)
{
	(void)state;
	options_help(&help);
	return buffer_ok(&help) ? 0 : -1;
}

static int free_help(void **state)
{
	(void)state;
	buffer_deinit(&help);
	return 0;
}

/* how a row begins: "  -p, --port PORT[,PORT...]" */
static void left_side(const struct option_row *row, char *out, size_t size)
{
	if (row->letter)
		snprintf(out, size, "\n  -%c, --%s%s%s", row->letter, row->name, row->value ? " " : "", row->value ? row->value : "");
	else
		snprintf(out, size, "\n      --%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
}

/* That of doctor names the options that matter to it, and no others. */
static void test_doctor(void **state)
{
	struct buffer text = { 0 };

	(void)state;
	options_help_doctor(&text);
	assert_memory_equal(buffer_text(&text), "usage: shadowtap doctor ", 24);
	assert_non_null(strstr(buffer_text(&text), "--json "));
	assert_non_null(strstr(buffer_text(&text), "--interface IF"));
	assert_non_null(strstr(buffer_text(&text), "--max-time TIME"));
	assert_null(strstr(buffer_text(&text), "--fail-on"));
	assert_null(strstr(buffer_text(&text), "--report"));
	buffer_deinit(&text);
}

/* Each option once, in the table's order within its group, and a long left side alone on its line. */
static void test_rows(void **state)
{
	static const char *const titles[] = {
#define X(id, title) "\n\n" title ":\n",
		OPTION_GROUPS(X)
#undef X
	};
	const char *text = buffer_text(&help), *at = text;

	(void)state;
	for (size_t group = 0; group < OPTION_GROUP_COUNT; group++) {
		at = strstr(at, titles[group]);
		assert_non_null(at);
		for (size_t i = 0; i < option_row_count; i++) {
			char left[120];
			size_t len;

			if (option_rows[i].group != group)
				continue;
			left_side(&option_rows[i], left, sizeof(left));
			at = strstr(at, left);
			if (!at)
				fail_msg("%s", left);
			len = strlen(left);
			assert_true(at[len] == (len <= LEFT ? ' ' : '\n'));
			assert_null(strstr(at + 1, left));
		}
	}
}

/* No line goes past the hundredth column or ends in blanks, and what is wrapped stands in the second column. */
static void test_lines(void **state)
{
	struct span rest = buffer_span(&help), line;
	char blanks[LEFT + 1];
	size_t wrapped = 0;

	(void)state;
	memset(blanks, ' ', LEFT);
	blanks[LEFT] = '\0';
	assert_int_equal(help.bytes[help.len - 1], '\n');
	while (line_take_whole(&rest, &line)) {
		const char *text = (const char *)line.at;

		assert_true(line.len <= 101); /* with its newline */
		if (line.len < 2)
			continue;
		assert_int_not_equal(text[line.len - 2], ' ');
		if (line.len > LEFT && strncmp(text, blanks, LEFT) == 0) {
			assert_int_not_equal(text[LEFT], ' ');
			wrapped++;
		}
	}
	assert_int_equal(rest.len, 0);
	assert_true(wrapped > 20);
}

/* Defaults in their own unit; where there is none, nothing is said of it. */
static void test_defaults(void **state)
{
	const char *text = buffer_text(&help);

	(void)state;
	assert_non_null(strstr(text, "the kernel's buffer for each interface (default: 64M)\n"));
	assert_non_null(strstr(text, "60 needs a unit: 300ms or 300s (default: 300ms, or"));
	assert_non_null(strstr(text, "(default: 100%)\n"));
	assert_non_null(strstr(text, "most connections to each target (default: 64)\n"));
	assert_non_null(strstr(text, "stop after so many chosen requests\n"));
	assert_null(strstr(text, "(default: )"));
}

/* Before the options what it is for, behind them what its exit says. */
static void test_frame(void **state)
{
	(void)state;
	assert_memory_equal(help.bytes, "usage: shadowtap ", 17);
	assert_non_null(strstr(buffer_text(&help), "\nExit status: 0 done, 1 could not do it, 2 wrong usage, 3 the condition of --fail-on"));
	assert_non_null(strstr(buffer_text(&help), "\nExamples:\n  shadowtap -i eth0 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doctor),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_frame),
	};

	return cmocka_run_group_tests(tests, make_help, free_help);
}
