/* test_report_command.c - shadowtap report: what it joins, what it refuses, and the exit status of each */
#include "tests/rig/run_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run/report_command.h"

#define REPORT(seen, equal)                                                                                        \
	"{\"shadowtap\":\"0.1.0\",\"started\":\"2026-11-22T10:00:00.500000000Z\",\"seconds\":60,\"requests\":{\"seen\":" #seen \
	"},\"comparison\":{\"options\":{},\"targets\":{\"default\":{\"role\":\"shadow\",\"verdicts\":{\"equal\":" #equal \
	",\"value\":1}}}}}"

#define ARGUMENTS_MAX 8

static struct told told;
static char drawn[16384]; /* the file that -o OUT names */

/* a report in memory, with a path */
static const char *file_of(const char *text, char *path, size_t size)
{
	int fd = memfd_create("report", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return path;
}

struct row {
	const char *name;
	const char *arguments[ARGUMENTS_MAX]; /* A, B, NOT: the files; OUT: one to write to */
	int status;
	const char *drawn; /* a part of OUT; NULL: nothing was written */
	const char *told;  /* a part of standard error */
};

static const struct row rows[] = {
	{ "one, unchanged", { "A", "-o", "OUT" }, EXIT_DONE, "\"seen\":5}", "" },
	{ "joined", { "A", "B", "-o", "OUT" }, EXIT_DONE, "\"seen\":55", "" },
	{ "--output=", { "A", "B", "--output=OUT" }, EXIT_DONE, "\"seen\":55", "" },
	/* 10 equal and one that is not, of each */
	{ "a gate that passes", { "A", "-o", "OUT", "--fail-on", "compared < 11" }, EXIT_DONE, "\"gate\":", "" },
	{ "a gate that fails", { "A", "-o", "OUT", "--fail-on", "compared < 12" }, EXIT_GATE, "\"gate\":", "" },
	{ "a gate over both", { "A", "B", "-o", "OUT", "--fail-on=compared < 12" }, EXIT_DONE, "\"gate\":", "" },
	{ "a wrong gate", { "A", "-o", "OUT", "--fail-on", "compared <" }, EXIT_USAGE, NULL, "--fail-on" },
	{ "against another", { "A", "--against", "B", "-o", "OUT" }, EXIT_DONE, ",\"against\":{\"started\":\"2026-11-22T10:00:00.5", "" },
	{ "against none", { "A", "--against", "NOT", "-o", "OUT" }, EXIT_COULD_NOT, NULL, "lacks the member \"requests\"" },
	{ "no report", { "NOT", "-o", "OUT" }, EXIT_COULD_NOT, NULL, "lacks the member \"requests\"" },
	{ "one of two is none", { "A", "NOT", "-o", "OUT" }, EXIT_COULD_NOT, NULL, "lacks the member \"requests\"" },
	{ "no file", { "/nonexistent/r.json", "-o", "OUT" }, EXIT_COULD_NOT, NULL, "\"/nonexistent/r.json\"" },
	{ "no argument", { NULL }, EXIT_USAGE, NULL, "name the JSON file" },
	{ "an unknown option", { "A", "--colour" }, EXIT_USAGE, NULL, "\"--colour\"" },
	{ "an option after --", { "--", "-o" }, EXIT_COULD_NOT, NULL, "cannot read the report \"-o\"" },
	{ "an unknown form", { "A", "-o", "x.doc" }, EXIT_USAGE, NULL, "x.doc" },
};

static void read_drawn(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, drawn, sizeof(drawn) - 1);

	assert_true(len >= 0);
	drawn[len] = '\0';
	if (fd >= 0)
		close(fd);
	unlink(path);
}

static void test_rows(void **state)
{
	char folder[] = "/tmp/test_report_command.XXXXXX", out[80], long_out[100], a[40], b[40], not_one[40];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(out, sizeof(out), "%s/r.json", folder);
	snprintf(long_out, sizeof(long_out), "--output=%s", out);
	file_of(REPORT(5, 10), a, sizeof(a));
	file_of(REPORT(50, 10), b, sizeof(b));
	file_of("{\"a\":1}", not_one, sizeof(not_one));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *names[][2] = { { "A", a }, { "B", b }, { "NOT", not_one }, { "OUT", out }, { "--output=OUT", long_out } };
		char *argv[ARGUMENTS_MAX + 1] = { (char *)"report" };
		int argc = 1, status;

		for (const char *const *arg = rows[i].arguments; *arg; arg++) {
			argv[argc] = (char *)*arg;
			for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
				if (strcmp(*arg, names[k][0]) == 0)
					argv[argc] = (char *)names[k][1];
			argc++;
		}
		told_start(&told);
		status = report_command(argc, argv);
		told_end(&told);
		read_drawn(out);
		if (status != rows[i].status || !strstr(told.text, rows[i].told) ||
		    (rows[i].drawn ? !strstr(drawn, rows[i].drawn) : drawn[0] != '\0'))
			fail_msg("%s: status %d, told: %s, drawn: %s", rows[i].name, status, told.text, drawn);
	}
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
