/* test_repro_command.c - shadowtap repro: a case out of a report, and what it says where the report has not enough */
#include "tests/rig/run_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cases/repro_command.h"

#define BEGIN "{\"requests\":{},\"comparison\":{\"options\":{\"rtol\":0.01,\"atol\":1e-8,\"preset\":\"any\",\"rules\":null,\"ignore\":[\"/i\",\"/k\"]," \
	      "\"unordered\":[]},\"targets\":{\"new\":{\"examples\":["
#define EXAMPLE(id, path, bodies) "{\"id\":\"" id "\",\"verdict\":\"value\",\"request_path\":\"" path "\",\"status\":[200,200]" bodies "}"
#define BODIES(request, production, shadow) \
	",\"request_body\":\"" request "\",\"production_body\":\"" production "\",\"shadow_body\":\"" shadow "\""
#define END "]}}}}"
#define GOOD BODIES("{\\\"x\\\":[1]}", "{\\\"a\\\":1,\\\"i\\\":1}", "{\\\"a\\\":2,\\\"i\\\":2}")

static struct told told;
static char folder[64];

struct row {
	const char *report, *id;
	const char *arguments[3];
	int status;
	const char *told;
};

static char long_body[4100];

static const struct row rows[] = {
	{ BEGIN EXAMPLE("aa", "/v1", GOOD) END, "aa", { NULL }, EXIT_DONE, "a case in" },
	{ BEGIN EXAMPLE("aa", "/v1", GOOD) END, "bb", { NULL }, EXIT_COULD_NOT, "no example in" },
	{ BEGIN EXAMPLE("aa", "/v1", "") END, "aa", { NULL }, EXIT_COULD_NOT, "made without --show-bodies; repeat the run with --repro DIR" },
	{ BEGIN EXAMPLE("aa", "/v1", BODIES("LONG", "x", "x")) END, "aa", { NULL }, EXIT_COULD_NOT, "a part of the request_body only" },
	{ BEGIN EXAMPLE("aa", "/v1", BODIES("x", "x\\ufffd", "x")) END, "aa", { NULL }, EXIT_COULD_NOT, "a part of the production_body only" },
	{ BEGIN EXAMPLE("aa", "", GOOD) END, "aa", { NULL }, EXIT_COULD_NOT, "a part of the request_path only" },
	{ BEGIN EXAMPLE("../aa", "/v1", GOOD) END, "../aa", { NULL }, EXIT_COULD_NOT, "cannot write the case" },
	{ BEGIN EXAMPLE("aa", "/v1", BODIES("x", "{\\\"a\\\":1}", "{\\\"a\\\":\\\"b\\\"}")) END, "aa", { NULL }, EXIT_DONE,
	  "compared again it is schema, and the report says value" },
	{ "{\"requests\":{},\"comparison\":{\"options\":{\"rules\":\"r.txt\"}}}", "aa", { NULL }, EXIT_COULD_NOT,
	  "in \"r.txt\"; name the file with --rules" },
	{ BEGIN EXAMPLE("aa", "/v1", GOOD) END, "aa", { "--rules", "/nonexistent/r" }, EXIT_COULD_NOT, "/nonexistent/r" },
	{ "{}", "aa", { NULL }, EXIT_COULD_NOT, "no report of shadowtap" },
	{ "{}", "aa", { "third" }, EXIT_USAGE, "name a report and the id" },
};

static void write_report(int fd, const char *text)
{
	const char *hole = strstr(text, "LONG");
	size_t before = hole ? (size_t)(hole - text) : strlen(text);

	assert_int_equal(write(fd, text, before), (ssize_t)before);
	if (!hole)
		return;
	memset(long_body, 'x', sizeof(long_body));
	assert_int_equal(write(fd, long_body, sizeof(long_body)), (ssize_t)sizeof(long_body));
	assert_int_equal(write(fd, hole + 4, strlen(hole + 4)), (ssize_t)strlen(hole + 4));
}

static int run(const struct row *row)
{
	char path[40], cases[80];
	char *argv[8] = { (char *)"repro", path, (char *)row->id, (char *)"-o", cases };
	int fd = memfd_create("report", 0), argc = 5, status;

	write_report(fd, row->report);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(cases, sizeof(cases), "%s/cases", folder);
	for (const char *const *arg = row->arguments; *arg; arg++)
		argv[argc++] = (char *)*arg;
	told_start(&told);
	status = repro_command(argc, argv);
	told_end(&told);
	close(fd);
	return status;
}

static void test_rows(void **state)
{
	char command[300];

	(void)state;
	strcpy(folder, "/tmp/test_repro_command.XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = run(&rows[i]);

		if (status != rows[i].status || !strstr(told.text, rows[i].told))
			fail_msg("row %zu: status %d, told %s", i, status, told.text);
	}
	run(&rows[0]);
	snprintf(command, sizeof(command), "cd %s/cases && test \"$(ls)\" = aa && cd aa && cat request.bin headers diff.txt run.sh >../../all", folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -q '^{\"x\":\\[1\\]}X-Shadowtap: aa$' %s/all", folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -q '^Content-Type: application/json$' %s/all", folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -q '/i *ignored .*by --ignore /i' %s/all", folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -q \" '--rtol' '0.01' '--ignore' '/i' '--ignore' '/k' \" %s/all", folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
