/* test_case_writer.c - cases in a folder: with which rights, under which names, and whose folder is refused */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cases/case_folder.h"
#include "app/cases/case_writer.h"

static char folder[64], path[200];

static int make_folder(void **state)
{
	(void)state;
	unsetenv("SUDO_UID"); /* or the writer would be that user, whose folder this is not */
	strcpy(folder, "/tmp/test_case_writer.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	return stat(in_folder(name), &st) < 0 ? 0 : st.st_mode & 07777;
}

static void check_content(const char *name, const char *text)
{
	char got[64] = "";
	int fd = open(in_folder(name), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static struct case_file file_of(const char *name, bool is_program, const char *text)
{
	struct case_file file = { .name = name, .is_program = is_program };

	buffer_add_str(&file.content, text);
	return file;
}

static void test_writer(void **state)
{
	struct case_file files[CASE_FILES_MAX] = { file_of("request.bin", false, "first"), file_of("run.sh", true, "#!/bin/sh\n") };
	struct buffer error = { 0 };
	struct case_writer *w;
	mode_t before = umask(0);

	(void)state;
	for (int round = 0; round < 2; round++) { /* a second run writes into the same folder */
		in_folder("cases");
		if (case_writer_start(path, &w, &error) < 0)
			fail_msg("%s", buffer_text(&error));
		assert_int_equal(case_writer_put(w, "00aa", files, round ? 1 : 2), 0);
		assert_int_equal(case_writer_put(w, "00bb-new", files, 2), 0);
		assert_int_equal(case_writer_finish(w), 0);
		case_writer_free(w);
	}
	umask(before);
	assert_int_equal(mode_of("cases"), 0700);
	assert_int_equal(mode_of("cases/00aa"), 0700);
	assert_int_equal(mode_of("cases/00aa/request.bin"), 0600);
	assert_int_equal(mode_of("cases/00bb-new/run.sh"), 0700);
	check_content("cases/00aa/request.bin", "first");
	assert_int_equal(mode_of("cases/00aa/run.sh"), 0); /* of the first run, which this case has not any more */
	case_files_deinit(files);
}

static void test_refused(void **state)
{
	struct buffer error = { 0 };
	struct case_writer *w = NULL;
	char other[200];

	(void)state;
	assert_int_equal(case_writer_start(in_folder("no/such"), &w, &error), -ENOENT);
	assert_non_null(strstr(buffer_text(&error), "no/such"));
	buffer_clear(&error);
	assert_int_equal(mkdir(in_folder("open"), 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(case_writer_start(path, &w, &error), -EPERM);
	buffer_clear(&error);
	strcpy(other, in_folder("real"));
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(other, in_folder("link")), 0);
	assert_true(case_writer_start(path, &w, &error) < 0);
	assert_null(w);
	buffer_deinit(&error);
}

/* What is not the name of a case, or of one of its files, is never a path. */
static void test_names(void **state)
{
	static const char *const names[] = { "", ".", "..", ".x", "-x", "a/b", "/x", "a b", "\xff", "a\n" };
	static const char *const files[] = { "", "..", "x", "../run.sh", "token", "run.sh/" };
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(case_folder_begin(fd, names[i]), -EINVAL);
		assert_int_equal(case_folder_write(fd, names[i], "run.sh", true, SPAN_LITERAL("x")), -EINVAL);
	}
	assert_int_equal(case_folder_begin(fd, "ok"), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(case_folder_write(fd, "ok", files[i], false, SPAN_LITERAL("x")), -EINVAL);
	assert_int_equal(symlinkat("/dev/null", fd, "ok/run.sh"), 0);
	assert_int_equal(case_folder_write(fd, "ok", "run.sh", true, SPAN_LITERAL("x")), -EEXIST);
	assert_int_equal(case_folder_begin(fd, "ok"), 0);
	assert_int_equal(case_folder_write(fd, "ok", "run.sh", true, SPAN_LITERAL("x")), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_writer, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_names, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
