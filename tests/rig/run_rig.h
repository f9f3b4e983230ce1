/*
 * run_rig.h - for the tests of app/run/: options from a command line, and what goes to standard error
 */
#ifndef TESTS_RIG_RUN_RIG_H
#define TESTS_RIG_RUN_RIG_H

#include <sys/mman.h>
#include <unistd.h>

#include "app/options/options.h"
#include "tests/rig/unit.h"

#define RIG_ARGS_MAX 32

/** options_of() - parse @args (NULL at the end); they are borrowed until options_deinit() */
static inline void options_of(struct options *out, const char *const *args)
{
	static char *argv[RIG_ARGS_MAX];
	struct buffer error = { 0 };
	int argc = 0;

	argv[argc++] = (char *)"shadowtap";
	for (; *args; args++)
		argv[argc++] = (char *)*args;
	if (options_parse(argc, argv, out, &error) < 0)
		fail_msg("%s", buffer_text(&error));
}

#define OPTIONS_OF(out, ...) options_of((out), (const char *const[]){ __VA_ARGS__, NULL })

/** struct told - standard error, caught in memory between told_start() and told_end() */
struct told {
	int saved, fd;
	char text[8192]; /* after told_end() */
};

static inline void told_start(struct told *t)
{
	t->saved = dup(STDERR_FILENO);
	t->fd = memfd_create("told", 0);
	assert_true(t->saved >= 0 && t->fd >= 0);
	dup2(t->fd, STDERR_FILENO);
}

static inline const char *told_end(struct told *t)
{
	ssize_t len = pread(t->fd, t->text, sizeof(t->text) - 1, 0);

	dup2(t->saved, STDERR_FILENO);
	close(t->saved);
	close(t->fd);
	assert_true(len >= 0);
	t->text[len] = '\0';
	return t->text;
}

#endif
