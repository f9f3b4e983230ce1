/* test_diff_command.c - shadowtap diff: verdicts and exit statuses of pairs of files, and what it refuses */
#include "tests/rig/run_rig.h"

#include <stdio.h>
#include <string.h>

#include "app/cases/diff_command.h"

#define ARGUMENTS_MAX 8
#define SAYS(text) "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"" text "\"},\"finish_reason\":\"stop\"}]}"
#define HTTP(status, type, body) "HTTP/1.1 " status "\r\nContent-Type: " type "\r\n\r\n" body

static struct told told, printed;

static const char *file_of(const char *text, char *path, size_t size)
{
	int fd = memfd_create("side", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return path;
}

/** run() - with standard output and standard error caught */
static int run(int argc, char **argv)
{
	int out = dup(STDOUT_FILENO), status;

	told_start(&told);
	printed.fd = memfd_create("printed", 0);
	dup2(printed.fd, STDOUT_FILENO);
	status = diff_command(argc, argv);
	dup2(out, STDOUT_FILENO);
	close(out);
	told_end(&told);
	printed.text[pread(printed.fd, printed.text, sizeof(printed.text) - 1, 0)] = '\0';
	close(printed.fd);
	return status;
}

struct row {
	const char *a, *b;
	const char *arguments[ARGUMENTS_MAX]; /* behind A and B; RULES, REQUEST: files */
	int status;
	const char *printed[3]; /* parts of what is printed */
	const char *told;
};

static const struct row rows[] = {
	{ "{\"a\":1}", "{ \"a\": 1.0 }", { NULL }, EXIT_DONE, { "equal: ", "compared as json" }, "" },
	{ "{\"a\":1}", "{\"a\":1.000001}", { NULL }, EXIT_DONE, { "close: " }, "" },
	{ "{\"a\":1}", "{\"a\":2}", { NULL }, EXIT_DIFFERS, { "value: ", "  /a    value       1           2       by up to 1, 100 %\n" }, "" },
	{ "{\"a\":1}", "{\"a\":1,\"b\":\"\\u001b[1m\"}", { NULL }, EXIT_DIFFERS, { "schema: ", "(absent)", "extra" }, "" },
	{ "{\"a\":1}", "{\"a\":2}", { "--rtol=1", }, EXIT_DONE, { "close: " }, "" },
	{ "{\"a\":1}", "{\"a\":2}", { "--ignore", "/a" }, EXIT_DONE, { "close (ignored)", "by --ignore /a" }, "" },
	{ "{\"a\":1}", "{\"a\":2}", { "--rules", "RULES" }, EXIT_DONE, { "close (ignored)" }, "" },
	{ "{\"a\":[1,2]}", "{\"a\":[2,1]}", { NULL }, EXIT_DIFFERS, { NULL }, "" },
	{ "{\"a\":[1,2]}", "{\"a\":[2,1]}", { "--unordered", "/a" }, EXIT_DONE, { NULL }, "" },
	{ "{\"predictions\":[[0.9,0.1]]}", "{\"predictions\":[[0.2,0.8]]}", { NULL }, EXIT_DIFFERS, { "decision: ", "0 of 1 agree" }, "" },
	{ "{\"id\":\"x\",\"outputs\":[]}", "{\"id\":\"y\",\"outputs\":[]}", { "--preset", "v2" }, EXIT_DONE, { "by --preset v2" }, "" },
	/* whole responses: status first; what a body alone does not say is the other's */
	{ HTTP("200 OK", "application/json", "[1]"), HTTP("503 No", "application/json", "[1]"), { NULL }, EXIT_DIFFERS, { "status (class)" }, "" },
	{ "[1]", HTTP("503 No", "application/json", "[1]"), { NULL }, EXIT_DONE, { "equal" }, "" },
	{ "abc", HTTP("200 OK", "text/plain", "abc"), { NULL }, EXIT_DONE, { "compared as text" }, "" },
	{ "abc", "abd", { "--content-type", "image/png" }, EXIT_DIFFERS, { "compared as bytes" }, "" },
	{ "[1]", "", { NULL }, EXIT_DIFFERS, { "encoding (empty_body)" }, "" },
	{ HTTP("200 OK", "application/json\r\nContent-Encoding: zz", "[1]"), "[1]", { NULL }, EXIT_COULD_NOT, { "not_comparable (unknown_coding)" }, "" },
	/* what the request asks of the form of a reply is held against it */
	{ SAYS("{}"), SAYS("a word"), { NULL }, EXIT_DIFFERS, { "value: ", "what a language model said" }, "" },
	{ SAYS("{}"), SAYS("a word"), { "--request", "REQUEST" }, EXIT_DIFFERS, { "decision (no_json)" }, "" },
	/* machines */
	{ "{\"a\":1}", "{\"a\":2}", { "--json" }, EXIT_DIFFERS,
	  { "{\"verdict\":\"value\",\"reason\":null,\"kind\":\"json\"", "{\"path\":\"/a\",\"kind\":\"value\",\"count\":1,\"production\":\"1\",\"shadow\":\"2\"", "\"differences_more\":0}\n" }, "" },
	/* refused */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1]", "[1]", { NULL }, EXIT_COULD_NOT, { NULL }, "it is cut" },
	{ "[1]", "[1]", { "third" }, EXIT_USAGE, { NULL }, "name two files" },
	{ "[1]", "[1]", { "--rtol", "x" }, EXIT_USAGE, { NULL }, "--rtol \"x\"" },
	{ "[1]", "[1]", { "--rtol", "-1" }, EXIT_USAGE, { NULL }, "--rtol \"-1\"" },
	{ "[1]", "[1]", { "--preset", "no" }, EXIT_USAGE, { NULL }, "no preset of this name" },
	{ "[1]", "[1]", { "--ignore", "a" }, EXIT_USAGE, { NULL }, "--ignore" },
	{ "[1]", "[1]", { "--rules", "/nonexistent/rules" }, EXIT_COULD_NOT, { NULL }, "/nonexistent/rules" },
	{ "[1]", "[1]", { "--rules" }, EXIT_USAGE, { NULL }, "lacks its value" },
	{ "[1]", "[1]", { "--json=yes" }, EXIT_USAGE, { NULL }, "takes no value" },
	{ "[1]", "[1]", { "--nonsense" }, EXIT_USAGE, { NULL }, "unknown option" },
};

static void test_rows(void **state)
{
	char a[40], b[40], rules[40], request[40];

	(void)state;
	file_of("/a ignore\n", rules, sizeof(rules));
	file_of("{\"response_format\":{\"type\":\"json_object\"}}", request, sizeof(request));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *argv[ARGUMENTS_MAX + 4] = { (char *)"diff", a, b };
		int argc = 3, status;

		file_of(rows[i].a, a, sizeof(a));
		file_of(rows[i].b, b, sizeof(b));
		for (const char *const *arg = rows[i].arguments; *arg; arg++)
			argv[argc++] = strcmp(*arg, "RULES") == 0   ? rules :
				       strcmp(*arg, "REQUEST") == 0 ? request :
								      (char *)*arg;
		status = run(argc, argv);
		if (status != rows[i].status || !strstr(told.text, rows[i].told) || (!rows[i].told[0] && told.text[0]))
			fail_msg("row %zu: status %d, told: %s, printed: %s", i, status, told.text, printed.text);
		for (size_t k = 0; k < 3 && rows[i].printed[k]; k++)
			if (!strstr(printed.text, rows[i].printed[k]))
				fail_msg("row %zu: it does not print \"%s\" but: %s", i, rows[i].printed[k], printed.text);
		if (strchr(printed.text, '\033'))
			fail_msg("row %zu: an escape was printed", i);
	}
}

static void test_standard_input(void **state)
{
	char a[40], *argv[] = { (char *)"diff", NULL, (char *)"-", NULL }, *twice[] = { (char *)"diff", (char *)"-", (char *)"-", NULL };
	int saved = dup(STDIN_FILENO), pipes[2];

	(void)state;
	argv[1] = (char *)file_of("[1]", a, sizeof(a));
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "[2]", 3), 3);
	close(pipes[1]);
	dup2(pipes[0], STDIN_FILENO);
	close(pipes[0]);
	assert_int_equal(run(3, argv), EXIT_DIFFERS);
	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(run(3, twice), EXIT_USAGE);
	assert_non_null(strstr(told.text, "only once"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_standard_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
