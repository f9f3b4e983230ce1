/*
 * test_write_all.c - all of it, however little write() takes at a time; and when that is given up
 *
 * The linker sends poll() and write() here (--wrap), so that each story says what they return.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/write_all.h"

#define FD 1234
#define LONG (2 * WRITE_PIECE + 1)
#define STEPS_MAX 8

/** struct step - one call of write(), or one of poll() that is not ready */
struct step {
	enum { END, TAKES, FAILS, WAITS } what;
	int n;    /* TAKES: bytes at most; FAILS: errno; WAITS: so many calls of poll() in a row */
	int poll; /* WAITS: what they return: 0, or -1 for a signal */
};

static const struct story {
	const char *name;
	size_t len;
	bool waits, closing;
	struct step steps[STEPS_MAX];
	int result;
	size_t written;
} stories[] = {
	{ "nothing to write", 0, false, false, { { END } }, 0, 0 },
	{ "at once", 10, false, false, { { TAKES, 10 } }, 0, 10 },
	{ "at once, however long", LONG, false, false, { { TAKES, LONG } }, 0, LONG },
	{ "in pieces", 10, false, false, { { TAKES, 1 }, { TAKES, 7 }, { TAKES, 2 } }, 0, 10 },
	{ "a signal", 10, false, false, { { FAILS, EINTR }, { TAKES, 4 }, { FAILS, EINTR }, { TAKES, 6 } }, 0, 10 },
	{ "a full disk", 10, false, false, { { TAKES, 3 }, { FAILS, ENOSPC } }, -ENOSPC, 3 },
	{ "a file does not wait", 10, false, false, { { FAILS, EAGAIN } }, -EAGAIN, 0 },

	{ "pipe: nothing to write", 0, true, true, { { END } }, 0, 0 },
	{ "pipe: no piece is longer", LONG, true, false, { { TAKES, LONG }, { TAKES, LONG }, { TAKES, LONG } }, 0, LONG },
	{ "pipe: in pieces", 10, true, false, { { TAKES, 1 }, { TAKES, 7 }, { TAKES, 2 } }, 0, 10 },
	{ "pipe: a signal", 10, true, false, { { FAILS, EINTR }, { TAKES, 4 }, { WAITS, 1, -1 }, { TAKES, 6 } }, 0, 10 },
	{ "pipe: another has filled it", 10, true, false, { { FAILS, EAGAIN }, { TAKES, 10 } }, 0, 10 },
	{ "pipe: the reader is gone", 10, true, false, { { TAKES, 3 }, { FAILS, EPIPE } }, -EPIPE, 3 },
	{ "pipe: a reader may hang during a run", 10, true, false, { { TAKES, 1 }, { WAITS, 1000 }, { TAKES, 9 } }, 0, 10 },
	{ "pipe: closing, it is slow", 10, true, true, { { WAITS, 10 }, { TAKES, 4 }, { WAITS, 9 }, { TAKES, 6 } }, 0, 10 },
	{ "pipe: closing, it hangs", 10, true, true, { { TAKES, 4 }, { WAITS, 20 } }, -ETIMEDOUT, 4 },
	{ "pipe: closing, all waits add up", 10, true, true, { { WAITS, 10 }, { TAKES, 4 }, { WAITS, 10 } }, -ETIMEDOUT, 4 },
};

static const struct step *step;
static int waits_left;
static uint8_t out[LONG];
static size_t written;
static bool pipe_like;

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_write(int fd, const void *bytes, size_t len);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int result = step->poll;

	assert_true(pipe_like);
	assert_int_equal(count, 1);
	assert_int_equal(fds->fd, FD);
	assert_int_equal(fds->events, POLLOUT);
	assert_int_equal(timeout_ms, WRITE_POLL_MS);
	if (step->what != WAITS)
		return 1;
	if (waits_left == 0)
		waits_left = step->n;
	if (--waits_left == 0)
		step++;
	errno = EINTR;
	return result;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	const struct step *now = step;

	if (fd != FD) /* cmocka's own */
		return __real_write(fd, bytes, len);
	assert_true(now->what == TAKES || now->what == FAILS);
	assert_true(!pipe_like || len <= WRITE_PIECE);
	step++;
	if (now->what == FAILS) {
		errno = now->n;
		return -1;
	}
	len = len < (size_t)now->n ? len : (size_t)now->n;
	assert_true(written + len <= sizeof(out));
	memcpy(out + written, bytes, len);
	written += len;
	return (ssize_t)len;
}

static bool is_closing(void *ctx)
{
	return *(const bool *)ctx;
}

static void test_stories(void **state)
{
	uint8_t in[LONG];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i % 251);
	for (const struct story *s = stories; s < stories + sizeof(stories) / sizeof(stories[0]); s++) {
		struct span bytes = span_of(in, s->len);
		bool closing = s->closing;
		int result;

		step = s->steps;
		waits_left = 0;
		written = 0;
		pipe_like = s->waits;
		result = s->waits ? write_all_unless_closing(FD, bytes, is_closing, &closing) : write_all(FD, bytes);
		if (result != s->result || written != s->written || memcmp(out, in, written) != 0 || step->what != END)
			fail_msg("%s: %d with %zu bytes written, not %d with %zu; or not all steps were taken", s->name, result, written,
				 s->result, s->written);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stories) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
