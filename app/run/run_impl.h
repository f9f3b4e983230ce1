/*
 * run_impl.h - one run, for the files that share the work
 *
 *   run.c         the wiring: setting up, running, closing down
 *   run_items.c   what comes of the lanes, and its lines of -o
 *   run_targets.c what the targets say of each request
 *   run_broker.c  what is handed over to a broker
 *   run_stop.c    stopping, in the order that stopping.c has
 *   run_admin.c   what --admin asks, and what moves the sample
 *   run_decision.c what the pairs so far have shown, and ending once it is enough
 *   run_books.c   the books on demand, and all that is said at the end
 *   run_reload.c  SIGHUP: the configuration again
 *   run_cases.c   --repro: what failed, as files
 *
 * Everything here is the loop's, on the main thread.
 */
#ifndef APP_RUN_RUN_IMPL_H
#define APP_RUN_RUN_IMPL_H

#include <uv.h>

#include "app/admin/admin.h"
#include "app/cases/case_writer.h"
#include "app/options/options.h"
#include "app/run/comparing.h"
#include "app/run/end_command.h"
#include "app/run/explain.h"
#include "app/run/handing_over.h"
#include "app/run/inputs.h"
#include "app/run/key_logs.h"
#include "app/run/lanes.h"
#include "app/run/outputs.h"
#include "app/run/recording.h"
#include "app/run/rules.h"
#include "app/run/sample_control.h"
#include "app/run/progress.h"
#include "app/run/stopping.h"
#include "app/process/process_usage.h"
#include "replay/intake.h"
#include "replay/replay.h"
#include "report/events.h"
#include "report/fail_log.h"

/** struct head_builder - whose rules make a request's head: looked up for each, since SIGHUP replaces them */
struct head_builder {
	struct run *run;
	size_t target;
};

#define HOST_TEXT 65
#define USER_TEXT 64

struct run {
	const struct options *o;       /* of the start: what cannot change */
	struct options reread;         /* of the last SIGHUP; owns nothing before the first */
	const struct options *current; /* o or reread: what can change */
	struct outputs outputs;
	struct recording recording;
	struct end_command end_command;
	struct budget budget;
	struct key_logs key_logs;
	struct inputs inputs;
	struct nats_link *broker; /* of -r nats://, until the lane has it */
	struct fleet_facts fleet; /* as they were when books were taken last, which borrow them */
	struct histogram tls_late_us; /* likewise */
	size_t lane_count;
	struct rules rules; /* the loop's; their policies are the lanes' to free once they are open */
	struct head_builder builders[TARGETS_MAX];
	struct sample_control sample;
	uint64_t config_read, config_refused;
	struct intake *intake;
	struct replay *replay; /* NULL in a dry run */
	struct handing_over *handing_over; /* NULL without -t nats:// */
	struct comparing *comparing; /* NULL without --compare */
	struct case_writer *case_writer; /* NULL without --repro */
	struct lanes *lanes;
	bool lanes_open;
	struct event_options event_options;
	struct event_lines *events; /* being gathered; NULL: none */
	struct fail_log fail_log;
	struct explain *explain; /* NULL without --explain */
	struct progress progress;
	struct admin *admin; /* NULL without --admin */
	struct process_usage process_usage;
	uv_loop_t loop;
	uv_signal_t signals[4];
	uv_async_t lanes_ended;
	uv_timer_t duration, watch;
	uv_prepare_t before_wait;
	size_t signal_count;
	bool rules_ready, loop_ready, handles_ready, live;
	struct stopping stop;
	struct decision_made decision; /* as it was at decided_at; NONE before the first look */
	struct mono decided_at;
	struct buffer figures;    /* that it was made of; reused */
	struct buffer page;       /* at --admin, as it was at page_at; empty before anybody asked */
	struct mono page_at;
	size_t refused;    /* targets that are the service being watched */
	bool is_refused[TARGETS_MAX];
	uint64_t stopped, no_memory; /* chosen, and not given to the targets: the run ended first; no room for their pair */
	struct mono started;
	struct wall started_at;
	struct wall first_request, last_request; /* handed to the targets; 0: none */
	char host[HOST_TEXT], user[USER_TEXT];   /* who runs it; "": not known */
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

/* run.c */

/**
 * run_open() - set up and check everything, in the order of a run; nothing runs yet
 * @r:        zero
 * @options:  borrowed until run_close()
 * Return: 0, or a negative errno with one sentence in @error; then, too, run_close() is to be called.
 */
int run_open(struct run *r, const struct options *options, struct buffer *error);

/** run_start() - signals, --admin and the lanes, from now on; 0, or a negative errno with one sentence in @error */
int run_start(struct run *r, struct buffer *error);

/** run_close() - free all that run_open() made; a run that was begun has come to its end by then */
void run_close(struct run *r);

/* run_items.c */

/** run_begin_event() - a line of -o; NULL without -o, and when out of memory. Else run_end_event() when it is whole */
struct buffer *run_begin_event(struct run *r);
void run_end_event(struct run *r);

/** run_on_prepare() - loop: what was noted since it last waited goes to be written before it waits again */
void run_on_prepare(uv_prepare_t *handle);

/** run_shows_header() - event_options': may the field be shown in events? */
bool run_shows_header(void *ctx, struct span name, bool is_grpc);

/** run_take_response() - production's, taken */
void run_take_response(struct run *r, struct response_item *item);

/** run_drop_item() - an item, taken, that the run ended before */
void run_drop_item(void *ctx, struct item *item);

/** run_loop_is_busy() - a lane: does the loop hold requests whose memory will come back? */
bool run_loop_is_busy(void *ctx);

enum intake_pace run_pace(const struct run *r);

/** run_make_intake() / run_start_comparing() - 0, or a negative errno with one sentence; the latter also without --compare */
int run_make_intake(struct run *r, struct buffer *error);
int run_start_comparing(struct run *r, struct buffer *error);

/** run_sends() - is what is chosen given to targets, or to a broker? */
static inline bool run_sends(const struct run *r)
{
	return r->replay || r->handing_over;
}

/* run_targets.c */

/** run_open_broker(), run_connect_broker(), run_start_broker() - -t nats://; 0, also without, or an errno with a sentence */
int run_open_broker(struct run *r, struct buffer *error);
int run_connect_broker(struct run *r, struct buffer *error);
int run_start_broker(struct run *r, struct buffer *error);

/** run_make_replay() - the targets, but for a dry run; 0, or a negative errno with one sentence */
int run_make_replay(struct run *r, struct buffer *error);

/** run_log_failure() - a line about an exchange with @target that failed, unless there are too many; everything borrowed */
void run_log_failure(struct run *r, size_t target, const struct message *m, const struct outcome *o);

/** run_on_room() - one more request may go */
void run_on_room(void *ctx);

/* run_stop.c */

/** run_stop_capture() - the first signal, --duration, or no point in going on: end in order */
void run_stop_capture(struct run *r);

/** run_on_lanes_end() - a lane, the last: its end; run_on_lanes_ended() - loop, after that */
void run_on_lanes_end(void *ctx);
void run_on_lanes_ended(uv_async_t *handle);

/** run_on_intake_end() - loop: nothing comes any more */
void run_on_intake_end(void *ctx);

void run_on_stop_signal(uv_signal_t *handle, int signum);
void run_on_duration(uv_timer_t *handle);
void run_close_handles(struct run *r);

/* run_books.c */

/** run_take_books() - all counters as they are now */
void run_take_books(struct run *r, struct books *b);

/** run_facts_now() - what is known while the run goes on: complaints, -w and why nothing was sent are told at its end */
struct document_facts run_facts_now(struct run *r, const struct books *b, struct facts_store *store);

/** run_refresh() - progress.h's: the books and how far a recording is */
void run_refresh(void *ctx, struct books *b, uint64_t *done, uint64_t *total);

/** run_report() - write and print all that is said at the end; the exit status */
int run_report(struct run *r);

/* run_cases.c */

/** run_open_cases() - before threads and the drop of privileges; 0, or a negative errno with one sentence; also without --repro */
int run_open_cases(struct run *r, struct buffer *error);

/** run_write_cases() - at the end, told in the log; 0 or a negative errno */
int run_write_cases(struct run *r);
/* run_decision.c */

/** run_decide() - what the pairs have shown, at most a second ago; with --compare only */
const struct decision_made *run_decide(struct run *r);

/** run_decide_at_end() - the same of all pairs, when no more come */
const struct decision_made *run_decide_at_end(struct run *r, const struct document_facts *facts);

/** run_on_watch() - each second with --stop-when decided: ends the run once it is */
void run_on_watch(uv_timer_t *handle);
#define RUN_WATCH_MS 1000

/* run_reload.c */

/** run_make_rules() - rules.h's, for this run's lanes */
int run_make_rules(struct run *r, const struct options *o, uint64_t share, struct rules *out, struct buffer *error);

/**
 * run_reload() - the same command line, the configuration file as it is now
 * @said: what was logged, a line each
 * Return: false if it is a bad one, which changes nothing
 */
bool run_reload(struct run *r, struct buffer *said);

/* run_admin.c */

/** run_admin_routes() - what --admin responds with; @r is borrowed by them */
struct admin_routes run_admin_routes(struct run *r);

/** run_start_admin() - answer --admin, if there is one; 0 or a negative errno with one sentence */
int run_start_admin(struct run *r, struct buffer *error);

/** run_open_sample_control() - the ramp and the governor, which look at the targets and move the sample */
void run_open_sample_control(struct run *r);

#endif
