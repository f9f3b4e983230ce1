/*
 * test_block_writer.c - what blocks cost, in which order they are written, and what happens when they cannot be
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/record/block_writer.h"

#define LONG_BLOCK (300 * 1024) /* longer than what is written at once */

static struct budget shared;
static struct block_memory memory;

static int reset_memory(void **state)
{
	budget_init(&shared, 64 << 20);
	memory.shared = &shared;
	budget_init(&memory.own, 32 << 20);
	return 0;
}

static int temporary_file(void)
{
	char path[] = "/tmp/test_block_writer.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static void add(struct block_writer *w, uint8_t file, bool counts, char byte, size_t bytes)
{
	struct block *b = block_new(&memory, bytes);

	assert_non_null(b);
	assert_int_equal(b->bytes, bytes);
	b->file = file;
	b->counts = counts;
	memset(b->data, byte, bytes);
	block_writer_add(w, b);
}

/* Does @fd hold, from @at, @n times @byte? */
static void expect_bytes(int fd, off_t at, char byte, size_t n)
{
	char *got = malloc(n), *want = malloc(n);

	assert_non_null(got);
	assert_non_null(want);
	memset(want, byte, n);
	assert_int_equal(pread(fd, got, n, at), (ssize_t)n);
	assert_memory_equal(got, want, n);
	free(got);
	free(want);
}

static off_t length(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

static void expect_nothing_held(void)
{
	assert_int_equal(budget_used(&memory.own), 0);
	assert_int_equal(budget_used(&shared), 0);
}

static void test_budgets(void **state)
{
	struct block *a, *b;

	(void)state;
	a = block_new(&memory, 1000);
	assert_non_null(a);
	assert_true(budget_used(&memory.own) > 1000);
	assert_int_equal(budget_used(&memory.own), budget_used(&shared));
	memory.own.limit = 2 * budget_used(&memory.own) - 1;
	assert_null(block_new(&memory, 1000)); /* one byte short of its own bound */
	memory.own.limit++;
	b = block_new(&memory, 1000);
	assert_non_null(b);
	block_free(b);
	shared.limit = 2 * budget_used(&shared) - 1;
	assert_null(block_new(&memory, 1000)); /* and of the shared one: nothing stays charged to its own */
	assert_int_equal(budget_used(&memory.own), budget_used(&shared));
	block_free(a);
	expect_nothing_held();
	assert_null(block_new(&memory, (size_t)UINT32_MAX + 1));
	expect_nothing_held();
}

/* Small and long blocks, of two files in turn; heads are written and do not count. */
static void test_order(void **state)
{
	const int fds[2] = { temporary_file(), temporary_file() };
	struct block_writer *w;
	struct block_totals totals;

	(void)state;
	assert_int_equal(block_writer_new(fds, 2, &w), 0);
	add(w, 0, false, 'h', 10);
	add(w, 1, false, 'H', 20);
	add(w, 0, true, 'a', 100);
	add(w, 0, true, 'b', LONG_BLOCK);
	add(w, 1, true, 'A', 7);
	add(w, 0, true, 'c', 5);
	for (unsigned i = 0; i < 3; i++)
		add(w, 1, true, (char)('B' + i), 100 * 1024); /* the stage is full within the third */
	totals = block_writer_close(w);
	assert_int_equal(totals.error, 0);
	assert_int_equal(totals.written, 7);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(totals.bytes, length(fds[0]) + length(fds[1]));
	assert_int_equal(length(fds[0]), 10 + 100 + LONG_BLOCK + 5);
	expect_bytes(fds[0], 0, 'h', 10);
	expect_bytes(fds[0], 10, 'a', 100);
	expect_bytes(fds[0], 110, 'b', LONG_BLOCK);
	expect_bytes(fds[0], 110 + LONG_BLOCK, 'c', 5);
	assert_int_equal(length(fds[1]), 20 + 7 + 3 * 100 * 1024);
	expect_bytes(fds[1], 0, 'H', 20);
	expect_bytes(fds[1], 20, 'A', 7);
	for (unsigned i = 0; i < 3; i++)
		expect_bytes(fds[1], 27 + i * 100 * 1024, (char)('B' + i), 100 * 1024);
	expect_nothing_held();
	close(fds[0]);
	close(fds[1]);
}

/* The disk is full in the middle of a block: the file ends after the one before, and what follows is lost. */
static void check_full_disk(size_t bytes)
{
	const int fd = temporary_file();
	struct rlimit before, small;
	struct block_writer *w;
	struct block_totals totals;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ .rlim_cur = bytes + bytes / 2, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(block_writer_new(&fd, 1, &w), 0);
	add(w, 0, true, 'a', bytes);
	while (block_writer_wait(w))
		;
	assert_int_equal(length(fd), bytes);
	add(w, 0, true, 'b', bytes);
	while (block_writer_wait(w))
		;
	add(w, 0, true, 'c', 1);
	add(w, 0, true, 'd', LONG_BLOCK);
	totals = block_writer_close(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(totals.error, -EFBIG);
	assert_int_equal(totals.error_file, 0);
	assert_int_equal(totals.written, 1);
	assert_int_equal(totals.bytes, bytes);
	assert_int_equal(totals.lost, 3);
	assert_int_equal(length(fd), bytes);
	expect_bytes(fd, 0, 'a', bytes);
	expect_nothing_held();
	close(fd);
}

static void test_full_disk(void **state)
{
	(void)state;
	check_full_disk(1000);
	check_full_disk(LONG_BLOCK);
}

static void test_pipe_without_reader(void **state)
{
	struct block_writer *w;
	struct block_totals totals;
	int ends[2], fds[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fds[0] = temporary_file();
	fds[1] = ends[1];
	close(ends[0]);
	assert_int_equal(block_writer_new(fds, 2, &w), 0);
	add(w, 1, true, 'a', 10);
	while (block_writer_wait(w))
		;
	totals = block_writer_close(w);
	assert_int_equal(totals.error, -EPIPE);
	assert_int_equal(totals.error_file, 1);
	assert_int_equal(totals.written, 0);
	assert_int_equal(totals.lost, 1);
	close(fds[0]);
	close(ends[1]);
}

static void *drain(void *arg)
{
	static char got[65536];
	uintptr_t sum = 0;
	ssize_t n;

	while ((n = read(*(int *)arg, got, sizeof(got))) > 0)
		sum += (uintptr_t)n;
	return (void *)sum;
}

/* A wait for a reader that takes nothing ends when it is interrupted; what was added is written all the same. */
static void test_interrupt(void **state)
{
	struct block_writer *w;
	struct block_totals totals;
	pthread_t reader;
	void *sum;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(block_writer_new(&ends[1], 1, &w), 0);
	assert_false(block_writer_wait(w)); /* nothing was added */
	add(w, 0, true, 'a', 1 << 20);      /* more than a pipe takes */
	block_writer_interrupt(w);
	assert_false(block_writer_wait(w));
	assert_int_not_equal(budget_used(&memory.own), 0);
	assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
	totals = block_writer_close(w);
	close(ends[1]);
	pthread_join(reader, &sum);
	assert_int_equal((uintptr_t)sum, 1 << 20);
	assert_int_equal(totals.error, 0);
	assert_int_equal(totals.written, 1);
	expect_nothing_held();
	close(ends[0]);
}

static void test_bounds(void **state)
{
	int fds[17] = { 0 };
	struct block_writer *w = NULL;

	(void)state;
	assert_int_equal(block_writer_new(fds, 17, &w), -E2BIG);
	assert_null(w);
	assert_int_equal(block_writer_close(NULL).written, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_budgets, reset_memory),
		cmocka_unit_test_setup(test_order, reset_memory),
		cmocka_unit_test_setup(test_full_disk, reset_memory),
		cmocka_unit_test_setup(test_pipe_without_reader, reset_memory),
		cmocka_unit_test_setup(test_interrupt, reset_memory),
		cmocka_unit_test_setup(test_bounds, reset_memory),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
