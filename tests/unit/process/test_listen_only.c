/*
 * test_listen_only.c - what a descriptor that may only listen refuses, and what it leaves alone
 *
 * A pair of Unix sockets stands for a packet socket, so that no privilege is needed. Each call is made by a child
 * that has entered; what the other end of the pair hears is looked at as well.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/process/listen_only.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PASSED 0
#define FAILED 1
#define CANNOT 2 /* this kernel has no seccomp */

static char byte = 'x';
static struct iovec piece = { &byte, 1 };

static bool by_write(int fd)
{
	return write(fd, &byte, 1) == 1;
}

/* The kernel takes the lower half of the argument for the descriptor. */
static bool by_write_high(int fd)
{
	return syscall(SYS_write, (unsigned long)fd | (sizeof(long) > 4 ? 1UL << (8 * sizeof(long) - 8) : 0), &byte, 1L) == 1;
}

static bool by_writev(int fd)
{
	return writev(fd, &piece, 1) == 1;
}

static bool by_send(int fd)
{
	return send(fd, &byte, 1, 0) == 1;
}

static bool by_sendto(int fd)
{
	return sendto(fd, &byte, 1, 0, NULL, 0) == 1;
}

static bool by_sendmsg(int fd)
{
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	return sendmsg(fd, &message, 0) == 1;
}

static bool by_sendmmsg(int fd)
{
	struct mmsghdr message = { .msg_hdr = { .msg_iov = &piece, .msg_iovlen = 1 } };

	return sendmmsg(fd, &message, 1, 0) == 1;
}

static bool by_pwritev2(int fd)
{
	return pwritev2(fd, &piece, 1, -1, 0) == 1;
}

static bool by_splice(int fd)
{
	int ends[2];

	return pipe(ends) == 0 && write(ends[1], &byte, 1) == 1 && splice(ends[0], NULL, fd, NULL, 1, 0) == 1;
}

static bool by_sendfile(int fd)
{
	int file = open("/proc/self/exe", O_RDONLY);

	return file >= 0 && sendfile(fd, file, NULL, 1) == 1;
}

static bool by_dup(int fd)
{
	int other = dup(fd);

	return other >= 0 && write(other, &byte, 1) == 1;
}

static bool by_dup2(int fd)
{
	return dup2(fd, fd + 10) >= 0 && write(fd + 10, &byte, 1) == 1;
}

static bool by_dup3(int fd)
{
	return dup3(fd, fd + 10, O_CLOEXEC) >= 0 && write(fd + 10, &byte, 1) == 1;
}

static bool by_fcntl(int fd)
{
	int other = fcntl(fd, F_DUPFD, 0);

	return other >= 0 && write(other, &byte, 1) == 1;
}

static bool by_fcntl_cloexec(int fd)
{
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return other >= 0 && write(other, &byte, 1) == 1;
}

static const struct {
	const char *name;
	bool (*send)(int fd);
} ways[] = {
	{ "write", by_write },     { "write, upper half", by_write_high }, { "writev", by_writev },
	{ "send", by_send },       { "sendto", by_sendto },                { "sendmsg", by_sendmsg },
	{ "sendmmsg", by_sendmmsg }, { "pwritev2", by_pwritev2 },          { "splice", by_splice },
	{ "sendfile", by_sendfile }, { "dup", by_dup },                    { "dup2", by_dup2 },
	{ "dup3", by_dup3 },       { "fcntl", by_fcntl },                  { "fcntl, cloexec", by_fcntl_cloexec },
};

/* A child closes @closed for sending and tries @send on @fd. Return: as waitpid() says. */
static int status_of(bool (*send)(int fd), int fd, const int *closed, size_t count)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct buffer error = { 0 };
		int err;

		signal(SIGSYS, SIG_DFL);
		err = listen_only_enter(closed, count, &error);
		buffer_deinit(&error);
		_exit(err < 0 ? CANNOT : send(fd) ? PASSED : FAILED);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void open_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

static ssize_t heard(int fd)
{
	char got[16];

	return read(fd, got, sizeof(got));
}

static void nothing_is_sent(void **state)
{
	int first[2], second[2], last[2], closed[3];

	open_pair(first);
	open_pair(second);
	open_pair(last);
	closed[0] = first[0];
	closed[1] = second[0];
	closed[2] = last[0];
	for (size_t way = 0; way < COUNT(ways); way++) {
		for (size_t i = 0; i < COUNT(closed); i++) {
			int status = status_of(ways[way].send, closed[i], closed, COUNT(closed));

			if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
				skip();
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("%s on descriptor %zu: status %d", ways[way].name, i, status);
		}
	}
	assert_int_equal(heard(first[1]), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(heard(second[1]), -1);
	assert_int_equal(heard(last[1]), -1);
	for (size_t i = 0; i < 2; i++) {
		close(first[i]);
		close(second[i]);
		close(last[i]);
	}
}

/* All these calls on a descriptor beside: they work, so what was refused above was refused for the descriptor. */
static void others_send(void **state)
{
	for (size_t way = 0; way < COUNT(ways); way++) {
		int closed[2], open[2], status;

		open_pair(closed);
		open_pair(open);
		status = status_of(ways[way].send, open[0], closed, 1);
		if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
			skip();
		if (!WIFEXITED(status) || WEXITSTATUS(status) != PASSED)
			fail_msg("%s on another descriptor: status %d", ways[way].name, status);
		assert_int_equal(heard(open[1]), 1);
		for (size_t i = 0; i < 2; i++) {
			close(closed[i]);
			close(open[i]);
		}
	}
}

static bool by_listening(int fd)
{
	char got;

	return read(fd, &got, 1) == 1 && recv(fd, &got, 1, 0) == 1 && fcntl(fd, F_SETFL, 0) == 0 && fcntl(fd, F_GETFD) >= 0 &&
	       close(fd) == 0;
}

static void it_still_listens(void **state)
{
	int pair[2], status;

	open_pair(pair);
	assert_int_equal(write(pair[1], "ab", 2), 2);
	status = status_of(by_listening, pair[0], pair, 1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != FAILED);
	close(pair[0]);
	close(pair[1]);
}

static bool by_nothing(int fd)
{
	return true;
}

/* As many as fit; one more is refused with a sentence. */
static void many(void **state)
{
	int fds[LISTEN_ONLY_MAX + 1], pair[2], status;
	struct buffer error = { 0 };

	open_pair(pair);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = 1000 + (int)i;
	fds[LISTEN_ONLY_MAX - 1] = pair[0];
	status = status_of(by_nothing, pair[0], fds, LISTEN_ONLY_MAX);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != FAILED);
	if (WEXITSTATUS(status) == PASSED) {
		status = status_of(by_write, pair[0], fds, LISTEN_ONLY_MAX);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
	assert_int_equal(listen_only_enter(fds, COUNT(fds), &error), -E2BIG);
	assert_non_null(strstr(buffer_text(&error), "1025 packet sockets"));
	buffer_deinit(&error);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent),
		cmocka_unit_test(others_send),
		cmocka_unit_test(it_still_listens),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
