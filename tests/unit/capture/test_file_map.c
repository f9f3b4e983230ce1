/*
 * test_file_map.c - windows of a file that is cut, grows, or is somewhere else
 *
 * Byte number i of a file of n pages is i / page + 1, so that zeros are never its own. What a signal does to a
 * process that does not survive it is watched in a child.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/file_map.h"

#define WINDOW ((size_t)1024 * 1024)

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void append_pages(int fd, size_t first, size_t count)
{
	uint8_t *bytes = malloc(page());

	assert_non_null(bytes);
	for (size_t i = first; i < first + count; i++) {
		memset(bytes, (int)(i % 255) + 1, page());
		assert_int_equal(write(fd, bytes, page()), (ssize_t)page());
	}
	free(bytes);
}

static int file_of_pages(const char *folder, size_t count)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/shadowtap-map-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	append_pages(fd, 0, count);
	return fd;
}

/* The file system of the machine and that of memory; what is at which offset, and how much of it the window shows. */
static void test_what_a_window_shows(void **state)
{
	static const char *const folders[] = { "/tmp", "/dev/shm" };
	static const size_t parts[] = { 0, 1, 24, 100 };
	size_t pages = 2 * WINDOW / page() + 3;

	for (size_t f = 0; f < 2; f++) {
		int fd = file_of_pages(folders[f], pages);

		for (size_t begin = 0; begin <= page() + 7; begin += page() + 7) {
			struct file_map *m = file_map_new(fd, (off_t)begin);

			assert_non_null(m);
			for (size_t n = 0; n < pages; n += 5) {
				for (size_t k = 0; k < 4; k++) {
					size_t offset = n * page() + parts[k], at = begin + offset,
					       left = pages * page() - at;
					struct span s = { 0 };

					if (at >= pages * page())
						continue;
					assert_int_equal(file_map_move(m, offset, left < 100 ? left : 100, &s),
							 1);
					assert_true(s.len == left || (s.len < left && s.len > WINDOW - page()));
					assert_int_equal(s.at[0], at / page() % 255 + 1);
					assert_int_equal(s.at[s.len - 1], (at + s.len - 1) / page() % 255 + 1);
					assert_true(file_map_holds(m, s.at + s.len));
				}
			}
			file_map_free(m);
		}
		close(fd);
	}
}

/* At the end there is nothing to map, however it is asked; later there may be. */
static void test_the_end_and_growth(void **state)
{
	int fd = file_of_pages("/tmp", 2);
	struct file_map *m = file_map_new(fd, 0);
	struct span s = { 0 };

	assert_non_null(m);
	assert_int_equal(file_map_move(m, 0, 2 * page() + 1, &s), 0);
	assert_int_equal(file_map_move(m, 2 * page(), 1, &s), 0);
	assert_int_equal(file_map_move(m, 2 * page() + 1, 1, &s), 0);
	assert_int_equal(file_map_move(m, UINT64_C(1) << 40, 1, &s), 0);
	assert_int_equal(file_map_move(m, 0, 2 * page(), &s), 1);
	assert_int_equal(s.len, 2 * page());
	append_pages(fd, 2, 3);
	assert_int_equal(s.at[0], 1);
	assert_int_equal(file_map_move(m, page(), 3 * page(), &s), 1);
	assert_int_equal(s.len, 4 * page());
	assert_int_equal(s.at[s.len - 1], 5);
	file_map_free(m);
	close(fd);
	fd = file_of_pages("/tmp", 0);
	m = file_map_new(fd, 0);
	assert_non_null(m);
	assert_int_equal(file_map_move(m, 0, 1, &s), 0);
	file_map_free(m);
	close(fd);
}

static void test_beyond_4_gigabytes(void **state)
{
	int fd = file_of_pages("/tmp", 0);
	struct file_map *m = file_map_new(fd, 0);
	uint64_t far = (UINT64_C(5) << 30) + 4095;
	struct span s = { 0 };

	assert_non_null(m);
	assert_int_equal(pwrite(fd, "far", 3, (off_t)far), 3);
	assert_int_equal(file_map_move(m, far, 3, &s), 1);
	assert_true(span_equal(s, SPAN_LITERAL("far")));
	assert_int_equal(file_map_move(m, far, 4, &s), 0);
	file_map_free(m);
	close(fd);
}

/*
 * Of a window over ten pages, the file keeps so much; then a page is touched. Is it the file's? The window
 * holds up to where it was cut, and reads as zeros from there.
 */
static const struct cut {
	size_t kept_pages, kept_bytes, touched_page;
	bool lost;
} cuts[] = {
	{ 10, 0, 9, false }, { 5, 0, 4, false }, { 5, 0, 5, true },   { 5, 1, 5, false }, { 5, 1, 6, true },
	{ 0, 0, 0, true },   { 0, 0, 9, true },  { 0, 24, 0, false }, { 0, 24, 1, true }, { 9, 4095, 9, false },
};

static void test_cuts(void **state)
{
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		const struct cut *c = &cuts[i];
		int fd = file_of_pages("/tmp", 10);
		struct file_map *m = file_map_new(fd, 0);
		size_t kept = c->kept_pages * page() + c->kept_bytes;
		struct span s = { 0 };

		assert_non_null(m);
		assert_int_equal(file_map_move(m, 0, 1, &s), 1);
		assert_int_equal(ftruncate(fd, (off_t)kept), 0);
		assert_int_equal(s.at[c->touched_page * page()], c->lost ? 0 : c->touched_page + 1);
		assert_true(file_map_holds(m, s.at + kept));
		if (kept < s.len)
			assert_false(file_map_holds(m, s.at + kept + 1));
		for (size_t n = 0; n < s.len; n++)
			assert_true(s.at[n] == (n < kept ? n / page() + 1 : 0));
		/* that it grows again does not bring back what was there */
		assert_int_equal(ftruncate(fd, (off_t)(10 * page())), 0);
		assert_true(file_map_holds(m, s.at + kept));
		if (kept < 9 * page()) /* all was touched above */
			assert_int_equal(file_map_move(m, page(), 1, &s), FILE_MAP_LOST);
		file_map_free(m);
		close(fd);
	}
}

/* A window that was left is not asked about its bytes, but the file must not be shorter than it was. */
static void test_a_cut_behind_and_before(void **state)
{
	for (int before = 0; before < 2; before++) {
		int fd = file_of_pages("/tmp", 10);
		struct file_map *m = file_map_new(fd, 0);
		struct span s = { 0 };

		assert_non_null(m);
		assert_int_equal(file_map_move(m, 5 * page(), 1, &s), 1);
		assert_int_equal(ftruncate(fd, (off_t)((before ? 2 : 9) * page())), 0);
		assert_int_equal(file_map_move(m, 6 * page(), 1, &s), FILE_MAP_LOST);
		assert_int_equal(file_map_move(m, 6 * page(), 1, &s), FILE_MAP_LOST);
		file_map_free(m);
		close(fd);
	}
}

/* So many at once, and no more; each given back can be had again. */
static void test_how_many(void **state)
{
	struct file_map *m[FILE_MAPS_MAX];
	int fd = file_of_pages("/tmp", 1);

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < FILE_MAPS_MAX; i++) {
			m[i] = file_map_new(fd, 0);
			assert_non_null(m[i]);
		}
		assert_null(file_map_new(fd, 0));
		for (size_t i = 0; i < FILE_MAPS_MAX; i++)
			file_map_free(m[i]);
	}
	file_map_free(NULL);
	close(fd);
}

/* Threads each lose their own file, again and again, beside one that loses nothing. */
#define THREADS 4
#define ROUNDS 100

static void *lose(void *ctx)
{
	int fd = *(int *)ctx;

	for (size_t round = 0; round < ROUNDS; round++) {
		struct file_map *m = file_map_new(fd, 0);
		struct span s = { 0 };
		bool wrong;

		if (!m || lseek(fd, 0, SEEK_SET) != 0)
			return NULL;
		append_pages(fd, 0, 4);
		if (file_map_move(m, 0, 4 * page(), &s) != 1)
			return NULL;
		wrong = s.at[3 * page()] != 4 || !file_map_holds(m, s.at + s.len);
		if (fd % 2) {
			if (wrong || ftruncate(fd, (off_t)page()) != 0 || s.at[2 * page()] != 0 || s.at[0] != 1)
				return NULL;
			wrong = file_map_holds(m, s.at + page() + 1);
		}
		file_map_free(m);
		if (wrong)
			return NULL;
	}
	return ctx;
}

static void test_threads(void **state)
{
	pthread_t thread[THREADS];
	int fd[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		fd[i] = file_of_pages("/tmp", 4);
		assert_int_equal(pthread_create(&thread[i], NULL, lose, &fd[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(thread[i], &result);
		assert_ptr_equal(result, &fd[i]);
		close(fd[i]);
	}
}

/* A page of our own whose file is gone, which no map knows. */
static volatile uint8_t *lost_page(void)
{
	int fd = file_of_pages("/tmp", 1);
	uint8_t *at = mmap(NULL, page(), PROT_READ, MAP_SHARED, fd, 0);

	assert_true(at != MAP_FAILED && ftruncate(fd, 0) == 0);
	close(fd);
	return at;
}

static volatile uint8_t *expected_at;

static void on_foreign(int signum, siginfo_t *info, void *context)
{
	_exit(info->si_code > 0 && info->si_addr != (void *)expected_at ? 5 : 7);
}

/* How a child ends that has a map and gets a SIGBUS that isn't the map's: 7 by a handler of its own. */
static void child(bool own_handler, bool sent)
{
	struct sigaction action = { .sa_sigaction = on_foreign, .sa_flags = SA_SIGINFO };
	struct file_map *m;
	struct span s;
	int fd = file_of_pages("/tmp", 4);

	if (own_handler)
		sigaction(SIGBUS, &action, NULL);
	else
		signal(SIGBUS, SIG_DFL);
	m = file_map_new(fd, 0);
	if (file_map_move(m, 0, 1, &s) != 1 || ftruncate(fd, 0) != 0 || s.at[page()] != 0 ||
	    file_map_holds(m, s.at + 1))
		_exit(3);
	expected_at = lost_page();
	if (sent)
		raise(SIGBUS);
	else
		(void)*expected_at;
	_exit(4); /* it must not get here */
}

static void test_signals_of_others(void **state)
{
	for (int i = 0; i < 4; i++) {
		bool own_handler = i & 1;
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			child(own_handler, i & 2);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (own_handler)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_window_shows),
		cmocka_unit_test(test_the_end_and_growth),
		cmocka_unit_test(test_beyond_4_gigabytes),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_a_cut_behind_and_before),
		cmocka_unit_test(test_how_many),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_signals_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
