/* test_commands.c - how the line of a command is read, and its help */
#include "tests/rig/run_rig.h"

#include <string.h>

#include "app/options/commands.h"

static void test_line(void **state)
{
	static struct told told;
	char *argv[] = { (char *)"report", (char *)"a", (char *)"-ox.md", (char *)"-o", (char *)"y.md", (char *)"--fail-on=z > 1",
			 (char *)"-", (char *)"--output", (char *)"-o", (char *)"--", (char *)"--help", (char *)"-h" };
	static const struct {
		int option;
		const char *value;
	} expected[] = {
		{ COMMAND_LINE_WORD, "a" }, { REPORT_OUTPUT, "x.md" }, { REPORT_OUTPUT, "y.md" }, { REPORT_FAIL_ON, "z > 1" },
		{ COMMAND_LINE_WORD, "-" }, { REPORT_OUTPUT, "-o" }, { COMMAND_LINE_WORD, "--help" }, { COMMAND_LINE_WORD, "-h" },
	};
	struct command_line l = { command_find("report"), (int)(sizeof(argv) / sizeof(argv[0])), argv, 1, false, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(command_line_next(&l), expected[i].option);
		assert_string_equal(l.value, expected[i].value);
	}
	assert_int_equal(command_line_next(&l), COMMAND_LINE_END);

	static const char *const wrong[] = { "--fail-on", "--helpful", "--help=x", "-q", "-", "--fail" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *one[] = { (char *)"report", (char *)wrong[i] };

		l = (struct command_line){ command_find("report"), 2, one, 1, false, NULL };
		told_start(&told);
		assert_int_equal(command_line_next(&l), strcmp(wrong[i], "-") == 0 ? COMMAND_LINE_WORD : COMMAND_LINE_WRONG);
		told_end(&told);
		assert_true(strcmp(wrong[i], "-") == 0 || strstr(told.text, wrong[i]));
	}
}

static void test_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		struct buffer text = { 0 };
		size_t column = 0;

		command_help(&commands[i], &text);
		for (size_t k = 0; k < commands[i].option_count; k++)
			assert_non_null(strstr(buffer_text(&text), commands[i].options[k].name));
		for (const char *c = buffer_text(&text); *c; c++)
			if ((column = *c == '\n' ? 0 : column + 1) > 100)
				fail_msg("a line of the help of %s is too long", commands[i].name);
		buffer_deinit(&text);
	}
	assert_null(command_find("reports"));
}

static const struct {
	const char *word, *said; /* NULL: it is no unknown command */
} words[] = {
	{ "report", NULL },
	{ "doctor", NULL },
	{ "dokter", "did you mean doctor?" },
	{ "Doctor", "did you mean doctor?" },
	{ "repot", "did you mean report?" },
	{ "frobnicate", "there are doctor, report, " },
	{ "port", NULL }, /* two edits from report, and the beginning of a filter */
	{ "src", NULL },
	{ "tcp and port 80", NULL }, /* more than a word */
	{ "ip6", NULL },
	{ "-p", NULL },
	{ "(tcp)", NULL },
	{ "", NULL },
};

/* A first word that is no command and begins no filter is told, with what it was meant to be. */
static void test_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct buffer error = { 0 };
		bool unknown = command_is_unknown(words[i].word, &error);

		if (unknown != (words[i].said != NULL) || (unknown && !strstr(buffer_text(&error), words[i].said)) ||
		    (!unknown && error.len > 0))
			fail_msg("\"%s\": %d, %s", words[i].word, unknown, buffer_text(&error));
		buffer_deinit(&error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
