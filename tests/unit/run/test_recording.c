/* test_recording.c - -w: its files, and what is said of them at the end */
#include "tests/rig/run_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/run/recording.h"
#include "tests/rig/memory_capture.h"
#include "app/run/stages.h"

static char folder[] = "/tmp/test_recording_XXXXXX";

/* The file is there at once, and holds a header at the end even if nothing was chosen. */
static void test_nothing_chosen(void **state)
{
	struct recording r = { 0 };
	struct buffer error = { 0 };
	struct memory_capture c;
	struct source *source;
	struct budget budget;
	struct options o;
	struct told told;
	struct stat st;
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/out.pcapng", folder);
	memory_capture_init(&c);
	source = memory_capture_source(&c);
	budget_init(&budget, 1 << 24);
	OPTIONS_OF(&o, "-r", c.path, "--dry-run", "-w", path);
	assert_int_equal(recording_open(&r, stages_recording(&o), source, &error), 0);
	assert_true(recording_is_on(&r));
	assert_string_equal(r.path[0], path); /* one link type: the name as it was given */
	assert_true(r.recorder_options.waits);
	assert_int_equal(recording_start(&r, 3, &budget, &error), 0);
	for (size_t lane = 0; lane < 3; lane++)
		assert_non_null(r.recorder[lane]);
	assert_null(r.recorder[3]);
	told_start(&told);
	assert_int_equal(recording_finish(&r), 0);
	told_end(&told);
	assert_non_null(strstr(told.text, "wrote 0 packets of 0 flows to \""));
	assert_non_null(strstr(told.text, path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size > 0);
	assert_int_equal(recording_finish(&r), 0); /* once */
	recording_close(&r);
	source_close(source);
	memory_capture_deinit(&c);
	options_deinit(&o);
	unlink(path);
}

static void test_off_and_refused(void **state)
{
	struct recording off = { 0 }, refused = { 0 };
	struct buffer error = { 0 };
	struct memory_capture c;
	struct source *source;
	struct options o;

	(void)state;
	memory_capture_init(&c);
	source = memory_capture_source(&c);
	OPTIONS_OF(&o, "-r", c.path, "--dry-run");
	assert_int_equal(recording_open(&off, stages_recording(&o), source, &error), 0);
	assert_false(recording_is_on(&off));
	assert_int_equal(recording_start(&off, 1, NULL, &error), 0);
	assert_null(off.recorder[0]);
	assert_int_equal(recording_finish(&off), 0);
	recording_close(&off);
	options_deinit(&o);
	OPTIONS_OF(&o, "-r", c.path, "--dry-run", "-w", "/nonexistent/x.pcapng");
	assert_true(recording_open(&refused, stages_recording(&o), source, &error) < 0);
	assert_memory_equal(buffer_text(&error), "cannot write packets to \"/nonexistent/x.pcapng\"", 47);
	recording_close(&refused);
	options_deinit(&o);
	source_close(source);
	memory_capture_deinit(&c);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_chosen),
		cmocka_unit_test(test_off_and_refused),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
