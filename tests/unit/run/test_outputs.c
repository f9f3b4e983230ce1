/* test_outputs.c - files that a run writes: whose they are, what becomes of what was in them, which are refused */
#include "tests/rig/run_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/run/outputs.h"
#include "app/run/stages.h"

static char folder[] = "/tmp/test_outputs_XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[4][64];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static const char *content(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(len >= 0);
	text[len] = '\0';
	return text;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

/* Only the user reads a new file; one that was there is kept from strangers, not from its group. */
static void test_modes(void **state)
{
	const char *events = path_of("events"), *report = path_of("report.json");
	struct buffer error = { 0 };
	struct options o;
	struct outputs out;

	(void)state;
	write_file(report, "of the run before", 0664);
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "-o", events, "--report", report);
	assert_int_equal(outputs_open(&out, stages_outputs(&o), &error), 0);
	assert_int_equal(mode_of(events), 0600);
	assert_int_equal(mode_of(report), 0660);
	outputs_close(&out);
	options_deinit(&o);
}

/* Events start anew; a report replaces the one before only once it is there. */
static void test_before(void **state)
{
	const char *events = path_of("events"), *report = path_of("report.json");
	static const struct books books;
	struct document_facts facts = { .version = "v", .started = "s", .books = &books };
	struct buffer error = { 0 };
	struct options o;
	struct outputs out;

	(void)state;
	write_file(events, "old", 0600);
	write_file(report, "of the run before, which was a long one: ....................................", 0600);
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "-o", events, "--report", report);
	assert_int_equal(outputs_open(&out, stages_outputs(&o), &error), 0);
	assert_string_equal(content(events), "");
	assert_non_null(strstr(content(report), "of the run before"));
	assert_int_equal(outputs_start(&out, true), 0);
	assert_int_equal(outputs_finish_events(&out), 0);
	assert_int_equal(outputs_report(&out, &facts, NULL), 0);
	assert_memory_equal(content(report), "{\"shadowtap\":\"v\"", 16);
	assert_null(strstr(content(report), "of the run before"));
	outputs_close(&out);
	options_deinit(&o);
}

/* A file that is read in the same run is not emptied, by whatever path it is named. */
static void test_what_is_read(void **state)
{
	const char *capture = path_of("x.pcap"), *other = path_of("link");
	struct buffer error = { 0 };
	struct options o;
	struct outputs out;

	(void)state;
	write_file(capture, "packets", 0600);
	assert_int_equal(link(capture, other), 0);
	OPTIONS_OF(&o, "-r", capture, "--dry-run", "-o", other);
	assert_int_equal(outputs_open(&out, stages_outputs(&o), &error), -EBUSY);
	assert_non_null(strstr(buffer_text(&error), "it is read by this run"));
	assert_string_equal(content(capture), "packets");
	outputs_close(&out);
	options_deinit(&o);
	buffer_deinit(&error);
	unlink(other);
}

static void test_refused(void **state)
{
	struct buffer error = { 0 };
	struct options o;
	struct outputs out;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "--report", path_of("no/such/x.json"));
	assert_int_equal(outputs_open(&out, stages_outputs(&o), &error), -ENOENT);
	assert_memory_equal(buffer_text(&error), "cannot write the report to \"", 28);
	outputs_close(&out);
	options_deinit(&o);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_refused),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (const char *const *name = (const char *const[]){ "events", "report.json", "x.pcap", "link", NULL }; *name; name++)
		unlink(path_of(*name));
	rmdir(folder);
	return failed;
}
