/*
 * test_output_file.c - what is opened for writing, by root and by others, and what root refuses
 *
 * The folder of the test belongs to who runs it, so that only the code under test decides. What only root can set up
 * (files and links of other users) is skipped for others.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/record/output_file.h"

#define STRANGER 12345
#define CALLER   23456

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void expect_text(const char *path, const char *text)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

/* Opens @path, which has to succeed, and writes @text. */
static void put(const char *path, const char *text)
{
	int fd = output_file_open(path);

	assert_true(fd >= 0);
	assert_int_equal(output_file_check(fd), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void expect_open(const char *path, int err)
{
	int fd = output_file_open(path);

	if (fd >= 0)
		close(fd);
	if (fd != err && !(err == 0 && fd >= 0))
		fail_msg("%s: %d instead of %d", path, fd, err);
}

static void test_new_file(void **state)
{
	char path[4096];
	struct stat st;
	int fd;

	assert_int_equal(mkdir("folder", 0700), 0);
	assert_non_null(getcwd(path, sizeof(path) - 32));
	strcat(path, "//folder/./new");
	fd = output_file_open(path);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	put("folder/../folder/new", "text");
	expect_text("folder/new", "text");
}

static void test_existing_file_is_not_emptied(void **state)
{
	struct stat st;

	write_file("old", "0123456789");
	assert_int_equal(chmod("old", 0644), 0);
	put("old", "abc");
	expect_text("old", "abc3456789");
	assert_int_equal(stat("old", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void test_refused_paths(void **state)
{
	char longest[5000];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	write_file("file", "");
	assert_int_equal(mkdir("directory", 0700), 0);
	assert_int_equal(symlink("circle", "circle"), 0);
	expect_open("none/file", -ENOENT);
	expect_open("file/file", -ENOTDIR);
	expect_open("directory", -EISDIR);
	expect_open("/", -EISDIR);
	expect_open("circle", -ELOOP);
	expect_open(longest, -ENAMETOOLONG);
}

static void test_own_links_are_followed(void **state)
{
	assert_int_equal(mkdir("real", 0700), 0);
	assert_int_equal(symlink("real", "alias"), 0);
	assert_int_equal(symlink("../alias/end", "real/link"), 0);
	put("alias/link", "through");
	expect_text("real/end", "through");
}

/* /proc/self/fd/N is a link whose text need be no path: what this process has open is meant. */
static void test_descriptors_of_proc(void **state)
{
	int ends[2];
	char path[32], got[8] = "";

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	put(path, "piped");
	assert_int_equal(read(ends[0], got, sizeof(got) - 1), 5);
	assert_string_equal(got, "piped");
	close(ends[0]);
	close(ends[1]);
}

static void *open_in_thread(void *arg)
{
	*(int *)arg = output_file_open("fifo");
	return NULL;
}

static void test_fifo_waits_for_its_reader(void **state)
{
	pthread_t thread;
	int reader, writer = -1;
	char got[4] = "";

	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, open_in_thread, &writer), 0);
	usleep(10000); /* most likely it has found no reader by now; if not, the test says less */
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	pthread_join(thread, NULL);
	assert_true(writer >= 0);
	assert_int_equal(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(write(writer, "abc", 3), 3);
	assert_int_equal(read(reader, got, 3), 3);
	assert_string_equal(got, "abc");
	close(writer);
	close(reader);
}

static void test_socket_is_refused(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	expect_open("socket", -ENXIO);
	close(fd);
}

static void test_hard_links(void **state)
{
	int fd;

	write_file("one", "");
	assert_int_equal(link("one", "two"), 0);
	fd = output_file_open("two");
	assert_true(fd >= 0);
	assert_int_equal(output_file_check(fd), geteuid() == 0 ? -EMLINK : 0);
	assert_int_equal(unlink("one"), 0);
	assert_int_equal(output_file_check(fd), 0);
	close(fd);
	assert_int_equal(output_file_check(fd), -EBADF);
}

static void set_caller(const char *uid, const char *gid)
{
	assert_int_equal(setenv("SUDO_UID", uid, 1), 0);
	assert_int_equal(setenv("SUDO_GID", gid, 1), 0);
}

static void expect_owner(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	put(path, "");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, gid);
}

static void test_new_file_is_the_callers(void **state)
{
	gid_t group = getegid();

	if (geteuid() != 0)
		skip();
	write_file("kept", "");
	assert_int_equal(chown("kept", STRANGER, STRANGER), 0);
	set_caller("23456", "23457");
	expect_owner("callers", CALLER, CALLER + 1);
	expect_owner("kept", STRANGER, STRANGER);
	set_caller("0", "0");
	expect_owner("roots", 0, group);
	set_caller("4294967295", "1"); /* -1 to chown() */
	expect_owner("minus_one", 0, group);
	set_caller("23456 ", "1");
	expect_owner("blank", 0, group);
	set_caller("+23456", "1");
	expect_owner("sign", 0, group);
	set_caller("", "1");
	expect_owner("empty", 0, group);
}

static void test_links_of_others(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("target", 0700), 0);
	assert_int_equal(symlink("target", "strangers_folder"), 0);
	assert_int_equal(lchown("strangers_folder", STRANGER, STRANGER), 0);
	assert_int_equal(symlink("target/x", "strangers_file"), 0);
	assert_int_equal(lchown("strangers_file", STRANGER, STRANGER), 0);
	assert_int_equal(symlink("target/y", "callers_file"), 0);
	assert_int_equal(lchown("callers_file", CALLER, CALLER), 0);
	expect_open("strangers_folder/x", -ELOOP);
	expect_open("strangers_file", -ELOOP);
	expect_open("callers_file", -ELOOP);
	assert_int_equal(access("target/x", F_OK), -1);
	set_caller("23456", "23456");
	expect_open("strangers_file", -ELOOP);
	put("callers_file", "his");
	expect_text("target/y", "his");
}

static void test_advice(void **state)
{
	assert_non_null(strstr(output_file_advice(-ELOOP), "symbolic link"));
	assert_non_null(strstr(output_file_advice(-EMLINK), "hard link"));
	assert_non_null(strstr(output_file_advice(-ENXIO), "FIFO"));
	assert_non_null(strstr(output_file_advice(-EACCES), "permissions"));
}

/* ---- each test has a folder of its own ---- */

static char directory[64];

static int enter_directory(void **state)
{
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	strcpy(directory, "/tmp/test_output_file.XXXXXX");
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return chdir("/") < 0 ? -1 : system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_file),
		TEST(test_existing_file_is_not_emptied),
		TEST(test_refused_paths),
		TEST(test_own_links_are_followed),
		TEST(test_descriptors_of_proc),
		TEST(test_fifo_waits_for_its_reader),
		TEST(test_socket_is_refused),
		TEST(test_hard_links),
		TEST(test_new_file_is_the_callers),
		TEST(test_links_of_others),
		TEST(test_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
