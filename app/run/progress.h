/*
 * progress.h - what a person sees on standard error while a run goes on, and at its end
 *
 * The start in one line, a status line that is redrawn on a terminal, plain
 * lines with --stats-every, the totals at the end. -q leaves only warnings.
 */
#ifndef APP_RUN_PROGRESS_H
#define APP_RUN_PROGRESS_H

#include <stdbool.h>
#include <uv.h>

#include "app/options/target_settings.h"
#include "capture/decode.h"
#include "report/books.h"
#include "report/live_line.h"

/** refresh_fn - the numbers now, and how far a recording was read */
typedef void refresh_fn(void *ctx, struct books *b, uint64_t *done, uint64_t *total);

/** struct progress_settings - what the options say, see stages_progress(); what it points to is borrowed */
struct progress_settings {
	struct texts files, interfaces;
	const char *broker, *group; /* that requests come from; NULL: none */
	const struct port_set *ports;
	const struct target_settings *targets;
	size_t target_count;
	const char *to_broker; /* that requests are handed over to; NULL: none */
	uint64_t sample_share;
	double speed;   /* of a recording */
	bool speed_max; /* ... or as fast as the targets allow */
	int64_t stats_every_ns; /* 0: no plain lines */
	bool sends;             /* false: a dry run */
	bool has_events;        /* -o */
	bool quiet;
};

struct progress {
	struct progress_settings set;
	refresh_fn *refresh;
	void *ctx;
	uv_timer_t redraw, plain;
	struct live_line drawn_line, plain_line;
	struct buffer text; /* reused */
	bool terminal, open;
};

/** progress_open() - set up the timers on @loop */
void progress_open(struct progress *s, uv_loop_t *loop, struct progress_settings set, refresh_fn *refresh, void *ctx);

/** progress_begin() - say what begins; the capture is active now */
void progress_begin(struct progress *s);

/** progress_set_sample() - the share that the status line shows */
void progress_set_sample(struct progress *s, uint64_t share);

/** progress_set_comparison() - what the status line says of the comparison, "" for nothing; copied */
void progress_set_comparison(struct progress *s, const char *differ, const char *decision);

/** progress_print_books() - the totals, line by line */
void progress_print_books(struct progress *s, const struct books *b);

/** progress_close() - clear the status line, close the timers; totals can still be printed */
void progress_close(struct progress *s);

void progress_deinit(struct progress *s);

#endif
