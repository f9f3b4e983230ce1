/*
 * end_command.c - see end_command.h
 *
 * The command's standard input is empty, and its standard output is the run's
 * standard error: the run's own standard output may be events for a program. All
 * else of it, folder and environment, is the run's.
 */
#include "app/run/end_command.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/process/privileges.h"
#include "app/process/second_process.h"
#include "app/record/output_file.h"
#include "base/write_all.h"

/* The two ends are one program. */
struct order {
	int32_t decision, status;
};

struct result {
	int32_t err;  /* 0, or a negative errno: it could not be run */
	int32_t wait; /* waitpid()'s status */
};

/* ---- the process ---- */

static int become_user(const struct end_command_settings *set, struct buffer *error)
{
	const char *user = set->user;
	uid_t uid;
	gid_t gid;

	if (set->prefers_caller && output_file_caller(&uid, &gid)) {
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0) {
			buffer_printf(error, "cannot become who called sudo: %s; name another user with -Z", strerror(errno));
			return -errno;
		}
		user = NULL;
	}
	return privileges_drop(user, error);
}

static int set_standard_streams(void)
{
	int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (empty < 0 || dup2(empty, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return -errno;
	return 0;
}

static int set_environment(const struct end_command_settings *set, const struct order *o)
{
	char status[16];

	snprintf(status, sizeof(status), "%d", (int)o->status);
	if (setenv("SHADOWTAP_REPORT", set->report ? set->report : "", 1) < 0 ||
	    setenv("SHADOWTAP_DECISION", decision_state_name((enum decision_state)o->decision), 1) < 0 ||
	    setenv("SHADOWTAP_STATUS", status, 1) < 0)
		return -errno;
	return 0;
}

static struct result run_command(const struct end_command_settings *set, const struct order *o)
{
	struct result result = { .err = set_environment(set, o) };
	int status = 0;
	pid_t pid = result.err < 0 ? -1 : fork();

	if (pid == 0) {
		second_process_signals(SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		execl("/bin/sh", "sh", "-c", set->command, (char *)NULL);
		_exit(127); /* as a shell says it */
	}
	if (result.err == 0 && pid < 0)
		result.err = -errno;
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			result.err = -errno;
			break;
		}
	result.wait = status;
	return result;
}

static void process(int fd, const struct end_command_settings *set)
{
	struct buffer error = { 0 };
	struct result ready = { .err = set_standard_streams() };
	struct order o;

	second_process_signals(SIG_IGN);
	if (ready.err == 0)
		ready.err = become_user(set, &error);
	if (write_all(fd, span_of(&ready, sizeof(ready))) < 0 || write_all(fd, buffer_span(&error)) < 0 || ready.err < 0)
		_exit(1);
	if (second_process_read(fd, &o, sizeof(o)) == 0 && o.decision >= DECISION_NONE && o.decision <= DECISION_REJECT) {
		struct result result = run_command(set, &o);

		write_all(fd, span_of(&result, sizeof(result)));
	}
	_exit(0);
}

/* ---- the run's end ---- */

static void read_sentence(int fd, struct buffer *error)
{
	char text[200];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		buffer_add(error, text, (size_t)n);
}

int end_command_start(struct end_command_settings set, struct end_command *out, struct buffer *error)
{
	struct result ready = { 0 };
	int ends[2], err;
	pid_t pid;

	out->fd = -1;
	if (!set.command)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		err = -errno;
		buffer_printf(error, "cannot make the process of --on-end: %s", strerror(-err));
		return err;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]); /* or it would never see that the run is gone */
		process(ends[1], &set);
	}
	err = pid < 0 ? -errno : 0;
	close(ends[1]);
	out->fd = ends[0];
	if (err == 0)
		err = second_process_read(out->fd, &ready, sizeof(ready));
	if (err == 0 && ready.err < 0) {
		read_sentence(out->fd, error);
		err = ready.err;
	}
	if (err < 0 && error->len == 0)
		buffer_printf(error, "cannot make the process of --on-end: %s", strerror(-err));
	return err;
}

static void say_result(const struct result *result, struct buffer *trouble)
{
	if (result->err < 0)
		buffer_printf(trouble, "the command of --on-end could not be run: %s", strerror(-result->err));
	else if (WIFSIGNALED(result->wait))
		buffer_printf(trouble, "the command of --on-end was ended by signal %d", WTERMSIG(result->wait));
	else if (WEXITSTATUS(result->wait) != 0)
		buffer_printf(trouble, "the command of --on-end ended with exit status %d", WEXITSTATUS(result->wait));
}

void end_command_run(struct end_command *c, enum decision_state decision, int status, struct buffer *trouble)
{
	struct order o = { .decision = decision, .status = status };
	struct result result = { 0 };

	if (c->fd < 0)
		return;
	result.err = write_all(c->fd, span_of(&o, sizeof(o)));
	if (result.err == 0)
		result.err = second_process_read(c->fd, &result, sizeof(result));
	say_result(&result, trouble);
	end_command_close(c);
}

void end_command_close(struct end_command *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
