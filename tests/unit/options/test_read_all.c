/* test_read_all.c - files and pipes to their end, up to a limit */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/options/read_all.h"

#define LONG_TEXT (300 * 1000) /* more than a pipe holds */

static char *text;

static int make_text(void **state)
{
	(void)state;
	text = malloc(LONG_TEXT);
	for (size_t i = 0; text && i < LONG_TEXT; i++)
		text[i] = (char)(i * i % 251);
	return text ? 0 : -1;
}

static int free_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

static int file_of(size_t len)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, len, 0), (ssize_t)len);
	return fd;
}

/* Lengths about the size of a piece, and the limit to the byte; what is in the buffer already counts for nothing. */
static void test_files(void **state)
{
	static const size_t lengths[] = { 0, 1, 4095, 4096, 4097, 8192, 8193, LONG_TEXT };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct buffer out = { 0 };
		size_t len = lengths[i];
		int fd = file_of(len);

		buffer_add_str(&out, "before");
		assert_int_equal(read_all(fd, len, &out), 0);
		assert_int_equal(out.len, 6 + len);
		assert_memory_equal(out.bytes, "before", 6);
		if (len > 0) {
			assert_memory_equal(out.bytes + 6, text, len);
			lseek(fd, 0, SEEK_SET);
			assert_int_equal(read_all(fd, len - 1, &out), -EFBIG);
		}
		buffer_deinit(&out);
		close(fd);
	}
}

static void *write_in_pieces(void *arg)
{
	int fd = *(int *)arg;

	for (size_t at = 0, n = 1; at < LONG_TEXT; at += n, n = n * 3 % 5000 + 1) {
		size_t len = LONG_TEXT - at < n ? LONG_TEXT - at : n;

		if (write(fd, text + at, len) != (ssize_t)len)
			break;
	}
	close(fd);
	return NULL;
}

/* What comes in pieces is one text. */
static void test_pipe(void **state)
{
	struct buffer out = { 0 };
	pthread_t writer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_in_pieces, &ends[1]), 0);
	assert_int_equal(read_all(ends[0], LONG_TEXT, &out), 0);
	pthread_join(writer, NULL);
	assert_int_equal(out.len, LONG_TEXT);
	assert_memory_equal(out.bytes, text, LONG_TEXT);
	buffer_deinit(&out);
	close(ends[0]);
}

/* Something without an end is not read for ever. */
static void test_endless(void **state)
{
	struct buffer out = { 0 };
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(read_all(fd, 10 * 1000, &out), -EFBIG);
	assert_true(out.len < 40 * 1000);
	buffer_deinit(&out);
	close(fd);
}

static void test_errors(void **state)
{
	struct buffer out = { 0 };
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(read_all(fd, 100, &out), -EISDIR);
	close(fd);
	assert_int_equal(read_all(fd, 100, &out), -EBADF);
	assert_int_equal(out.len, 0);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
