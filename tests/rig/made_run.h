/*
 * made_run.h - a run made of a command line and a recording in memory, whose lanes are still
 *
 * It is set up as every run is (run_open()), but nothing is started: what comes of
 * the lanes is made by the test and put into the first ring, and the loop turns
 * when the test says so. Nothing of the process is given away: no user is
 * changed and no system call forbidden.
 */
#ifndef TESTS_RIG_MADE_RUN_H
#define TESTS_RIG_MADE_RUN_H

#include "app/run/run_impl.h"
#include "tests/rig/memory_capture.h"

struct made_run {
	struct memory_capture capture; /* to be filled between made_run_init() and made_run_open() */
	int events_fd;
	char events_path[32]; /* of a file in memory, for -o */
	char events[16384];   /* after made_run_end() */
	struct options o;
	struct run r;
};

void made_run_init(struct made_run *g);

/** made_run_open() - "-r CAPTURE" and @args (NULL at the end; borrowed) */
void made_run_open(struct made_run *g, const char *const *args);

#define MADE_RUN_OPEN(g, ...) made_run_open((g), (const char *const[]){ __VA_ARGS__, NULL })

/** made_run_request() - a whole POST @target to 127.0.0.2:9, with this @decision; a response will come if @token; given */
struct message *made_run_request(struct made_run *g, const char *target, enum decision decision, uint64_t token);

/** made_run_push() - a lane's item, taken: the loop turns until it was handed up */
void made_run_push(struct made_run *g, struct item *item);

/** made_run_end() - nothing comes any more: the loop turns until all has ended, and g->events are whole */
void made_run_end(struct made_run *g);

/** made_run_run() - the lanes read the recording, instead: the loop turns until all has ended by itself */
void made_run_run(struct made_run *g);

/** made_run_close() - free everything; the run has ended */
void made_run_close(struct made_run *g);

#endif
