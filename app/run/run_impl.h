/*
 * run_impl.h - one run, for the files that share the work
 *
 *   run.c         the wiring: what the stages tell us, setting up, stopping in order, closing down
 *   run_admin.c   what --admin asks, and what moves the sample
 *   run_books.c   the books on demand, and all that is said at the end
 *   run_reload.c  SIGHUP: the configuration again
 *
 * Everything here is the loop's, on the main thread.
 */
#ifndef APP_RUN_RUN_IMPL_H
#define APP_RUN_RUN_IMPL_H

#include <uv.h>

#include "app/admin/admin.h"
#include "app/run/comparing.h"
#include "app/run/explain.h"
#include "app/run/lanes.h"
#include "app/run/outputs.h"
#include "app/run/recording.h"
#include "app/run/rules.h"
#include "app/run/sample_control.h"
#include "app/run/progress.h"
#include "app/process/process_usage.h"
#include "replay/intake.h"
#include "replay/replay.h"
#include "report/events.h"
#include "report/fail_log.h"

/*
 * CAPTURING: the lanes capture, the loop sends.
 * STOPPING:  the lanes were told to stop; what they still yield is handled as before.
 * DRAINING:  nothing comes any more; queued and in-flight requests end.
 * COMPARING: all exchanges have ended; what waits for the comparer is compared (--compare).
 * CLOSING:   the books are final; handles close, the loop runs out.
 */
enum run_state { RUN_CAPTURING, RUN_STOPPING, RUN_DRAINING, RUN_COMPARING, RUN_CLOSING };

/** struct head_builder - whose rules make a request's head: looked up for each, since SIGHUP replaces them */
struct head_builder {
	struct run *run;
	size_t target;
};

struct run {
	const struct options *o; /* of the start: what cannot change */
	struct options reread;   /* of the last SIGHUP; owns nothing before the first */
	const struct options *current; /* o or reread: what can change */
	struct outputs outputs;
	struct recording recording;
	struct budget budget;
	struct source *sources[SOURCE_LANES_MAX]; /* until the lanes take them */
	size_t lane_count;
	int *held_fds;         /* of the recordings, with --loop */
	size_t held_count;
	struct rules rules; /* the loop's; their policies are the lanes' to free once they are open */
	struct head_builder builders[TARGETS_MAX];
	struct sample_control sample;
	uint64_t config_read, config_refused;
	struct intake *intake;
	struct replay *replay; /* NULL in a dry run */
	struct comparing *comparing; /* NULL without --compare */
	struct lanes *lanes;
	bool lanes_open;
	struct event_options event_options;
	struct event_lines *events; /* in the making; NULL: none */
	struct fail_log fail_log;
	struct explain *explain; /* NULL without --explain */
	struct progress progress;
	struct admin *admin; /* NULL without --admin */
	struct process_usage process_usage;
	uv_loop_t loop;
	uv_signal_t signals[4];
	uv_async_t lanes_ended;
	uv_timer_t duration;
	uv_prepare_t before_wait;
	size_t signal_count;
	bool rules_ready, loop_ready, handles_ready, lanes_joined, live, interrupted, at_once;
	enum run_state state;
	size_t refused;    /* targets that are the service being watched */
	bool is_refused[TARGETS_MAX];
	uint64_t leftover; /* chosen messages that the end of the run left in the ring */
	struct mono started;
	struct wall started_at;
	int status; /* exit status */
};

/** struct facts_store - what struct document_facts points to */
struct facts_store {
	char started[TIME_TEXT_MAX];
	struct pace pace;
	struct sample_facts sample;
	struct document_recording recording;
	struct document_comparison comparison;
};

/* run_books.c */

/** run_take_books() - all counters as they are now */
void run_take_books(struct run *r, struct books *b);

/** run_facts_now() - what is known while the run goes on: complaints, -w and why nothing was sent are told at its end */
struct document_facts run_facts_now(struct run *r, const struct books *b, struct facts_store *store);

/** run_refresh() - progress.h's: the books and how far a recording is */
void run_refresh(void *ctx, struct books *b, uint64_t *done, uint64_t *total);

/** run_report() - write and print all that is said at the end; the exit status */
int run_report(struct run *r);

/* run_reload.c */

/** run_make_rules() - rules.h's, for this run's lanes */
int run_make_rules(struct run *r, const struct options *o, uint64_t share, struct rules *out, struct buffer *error);

/** run_reload() - the same command line, the configuration file as it is now; a bad one changes nothing and is told */
void run_reload(struct run *r);

/* run_admin.c */

/** run_start_admin() - answer --admin, if there is one; 0 or a negative errno with one sentence */
int run_start_admin(struct run *r, struct buffer *error);

/** run_open_sample_control() - the ramp and the governor, which look at the targets and move the sample */
void run_open_sample_control(struct run *r);

#endif
