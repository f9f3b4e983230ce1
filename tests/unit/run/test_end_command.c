/* test_end_command.c - what the command of --on-end is told, who it is, what its end is called, and when it is never run */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/options/exit_status.h"
#include "app/run/end_command.h"

static char folder[64], out_path[128];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_end_command.XXXXXX");
	if (!mkdtemp(folder) || chmod(folder, 01777) < 0)
		return -1;
	snprintf(out_path, sizeof(out_path), "%s/out", folder);
	setenv("OUT", out_path, 1);
	return 0;
}

static int remove_folder(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *content(void)
{
	static char text[512];
	int fd = open(out_path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	unlink(out_path);
	return text;
}

/* the process that waits is a child of ours: nothing is over before it has ended */
static void reap(void)
{
	assert_true(wait(NULL) > 0);
	assert_int_equal(wait(NULL), -1);
}

static void run(struct end_command_settings set, enum decision_state decision, int status, struct buffer *trouble)
{
	struct end_command c;
	struct buffer error = { 0 };

	assert_int_equal(end_command_start(set, &c, &error), 0);
	assert_int_equal(error.len, 0);
	end_command_run(&c, decision, status, trouble);
	assert_int_equal(c.fd, -1);
	reap();
}

struct told_row {
	const char *report;
	enum decision_state decision;
	int status;
	const char *told;
};

static const struct told_row told[] = {
	{ "totals.json", DECISION_PROMOTE, EXIT_DONE, "totals.json|promote|0\n" },
	{ "totals.json", DECISION_REJECT, EXIT_GATE, "totals.json|reject|3\n" },
	{ "/x/y.html", DECISION_KEEP_WATCHING, EXIT_GATE, "/x/y.html|keep_watching|3\n" },
	{ NULL, DECISION_NONE, EXIT_COULD_NOT, "|none|1\n" },
	{ "a b'\"$(touch x);`touch x`.json", DECISION_NONE, EXIT_DONE, "a b'\"$(touch x);`touch x`.json|none|0\n" },
};

static void test_told(void **state)
{
	struct buffer trouble = { 0 };

	(void)state;
	setenv("SHADOWTAP_DECISION", "of the caller", 1);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct end_command_settings set = {
			.command = "printf '%s|%s|%s\\n' \"$SHADOWTAP_REPORT\" \"$SHADOWTAP_DECISION\" \"$SHADOWTAP_STATUS\" >$OUT",
			.report = told[i].report,
		};

		run(set, told[i].decision, told[i].status, &trouble);
		assert_string_equal(content(), told[i].told);
	}
	assert_int_equal(trouble.len, 0);
}

struct end_row {
	const char *command, *trouble;
};

static const struct end_row ends[] = {
	{ "exit 0", "" },
	{ "exit 7", "the command of --on-end ended with exit status 7" },
	{ "no-such-program-anywhere 2>&-", "the command of --on-end ended with exit status 127" },
	{ "kill -KILL $$", "the command of --on-end was ended by signal 9" },
	/* the signals that the waiting process ignores are as ever in the command */
	{ "kill -TERM $$", "the command of --on-end was ended by signal 15" },
	{ "kill -INT $$", "the command of --on-end was ended by signal 2" },
	/* the process that waits is gone */
	{ "kill -KILL $PPID", "the command of --on-end could not be run: Broken pipe" },
	/* nothing to read, and what it prints is for standard error */
	{ "test -z \"$(cat)\" && test /dev/fd/1 -ef /dev/fd/2", "" },
};

static void test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct buffer trouble = { 0 };

		run((struct end_command_settings){ .command = ends[i].command }, DECISION_NONE, 0, &trouble);
		assert_string_equal(buffer_text(&trouble), ends[i].trouble);
		buffer_deinit(&trouble);
	}
}

static void test_never(void **state)
{
	struct end_command c;
	struct buffer error = { 0 };

	(void)state;
	/* a run that failed at its start, or died */
	assert_int_equal(end_command_start((struct end_command_settings){ .command = "touch $OUT" }, &c, &error), 0);
	end_command_close(&c);
	reap();
	assert_int_equal(access(out_path, F_OK), -1);
	/* no command: no process */
	assert_int_equal(end_command_start((struct end_command_settings){ 0 }, &c, &error), 0);
	end_command_run(&c, DECISION_PROMOTE, 0, &error);
	end_command_close(&c);
	assert_int_equal(wait(NULL), -1);
	assert_int_equal(error.len, 0);
	/* a user who is not there */
	assert_int_equal(end_command_start((struct end_command_settings){ .command = "touch $OUT", .user = "nobody-of-this-name" }, &c, &error),
			 -ENOENT);
	assert_string_equal(buffer_text(&error), "cannot become user \"nobody-of-this-name\": no such user; name another with -Z");
	end_command_close(&c);
	reap();
	assert_int_equal(access(out_path, F_OK), -1);
	buffer_deinit(&error);
}

/* ^C goes to all processes of a terminal: the run ends in order, and its command comes after that */
static void test_outlives_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct buffer trouble = { 0 }, error = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct end_command c;

		assert_int_equal(end_command_start((struct end_command_settings){ .command = "echo ran >$OUT" }, &c, &error), 0);
		signal(signals[i], SIG_IGN);
		kill(0, signals[i]);
		signal(signals[i], SIG_DFL);
		end_command_run(&c, DECISION_NONE, 0, &trouble);
		reap();
		assert_string_equal(content(), "ran\n");
	}
	assert_int_equal(trouble.len, 0);
}

struct who_row {
	const char *sudo_uid, *user;
	bool prefers_caller;
	const char *who;
};

/* 65534 is nobody's. The bounding set stays where a user may not lower it; no_new_privs is what counts then. */
static const struct who_row whos[] = {
	{ NULL, NULL, false, "0 0 0" },
	{ NULL, "nobody", false, "65534 65534 65534" },
	{ NULL, "nobody", true, "65534 65534 65534" },
	{ "12345", "nobody", true, "12345 23456 23456" },
	{ "12345", "nobody", false, "65534 65534 65534" },
	{ "0", "nobody", true, "65534 65534 65534" },
};

static void test_who(void **state)
{
	struct buffer trouble = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root becomes somebody else */
	for (size_t i = 0; i < sizeof(whos) / sizeof(whos[0]); i++) {
		struct end_command_settings set = {
			.command = "{ echo $(id -u) $(id -g) $(id -G); grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs):' /proc/self/status; } >$OUT",
			.user = whos[i].user,
			.prefers_caller = whos[i].prefers_caller,
		};
		char line[64];
		const char *text;

		if (whos[i].sudo_uid) {
			setenv("SUDO_UID", whos[i].sudo_uid, 1);
			setenv("SUDO_GID", "23456", 1);
		} else {
			unsetenv("SUDO_UID");
		}
		run(set, DECISION_NONE, 0, &trouble);
		text = content();
		snprintf(line, sizeof(line), "%s\n", whos[i].who);
		assert_memory_equal(text, line, strlen(line));
		assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
		for (const char *cap = text; (cap = strstr(cap, "\nCap")); cap++)
			assert_int_equal(strtoull(strchr(cap, ':') + 1, NULL, 16), 0);
	}
	unsetenv("SUDO_UID");
	assert_int_equal(trouble.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_outlives_signals),
		cmocka_unit_test(test_who),
	};

	setpgid(0, 0); /* for kill(0) */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
