/*
 * end_command.h - --on-end: a command of the user's, run once the report is written
 *
 * The run itself may execute nothing by then, so a second process is made at the
 * very start, before anything is captured, and waits. It has become the user of
 * the command by the time it waits: whom -Z names, else who called sudo (whose the
 * report is), else whom root becomes anyway. It has no capability and can get
 * none back. Before, not later: what is opened for the capture, and the filter
 * that keeps packet sockets from sending by the numbers of their descriptors,
 * would be the command's too.
 *
 * What it is told is two numbers, the decision and the exit status. Paths are
 * those of the command line. So nothing that came from the traffic can get into
 * the command's line or its environment.
 *
 * If the run dies, the command is not run.
 */
#ifndef APP_RUN_END_COMMAND_H
#define APP_RUN_END_COMMAND_H

#include <stdbool.h>

#include "base/buffer.h"
#include "report/decision.h"

/** struct end_command_settings - see stages_end_command(); borrowed during end_command_start() */
struct end_command_settings {
	const char *command; /* for /bin/sh -c; NULL: none */
	const char *report;  /* the path of the first report; NULL: there is none */
	const char *user;    /* whom root becomes; NULL: stays who he is */
	bool prefers_caller; /* if root was called by sudo, that caller rather than @user */
};

struct end_command {
	int fd; /* -1: there is none */
};

/**
 * end_command_start() - make the process that waits; before threads, and before anything is captured
 * Return: 0, also without a command, or a negative errno with one sentence in @error (no such user). end_command_close()
 * in every case.
 */
int end_command_start(struct end_command_settings set, struct end_command *out, struct buffer *error);

/**
 * end_command_run() - run it, and wait for its end
 * @status:  the exit status of the run
 * @trouble: appended: one sentence, if it could not be run or did not end with 0
 */
void end_command_run(struct end_command *c, enum decision_state decision, int status, struct buffer *trouble);

/** end_command_close() - if it has not been run, it never will be */
void end_command_close(struct end_command *c);

#endif
