/*
 * fail_log.h - failures of the shadow, and only failures, on standard error
 *
 * Success is counted, never logged: logs of every exchange are what filled
 * disks. At most FAIL_LOG_PER_SECOND lines are written in a second; the next
 * line after a quiet moment says how many were held back ("suppressed").
 */
#ifndef REPORT_FAIL_LOG_H
#define REPORT_FAIL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "message/message.h"
#include "replay/outcome.h"

#define FAIL_LOG_PER_SECOND 10

struct fail_log {
	struct mono window; /* begin of the second that is being counted */
	uint32_t in_window;
	uint64_t suppressed; /* since the last line that was written */
	bool json;           /* else one line of text */
	bool show_query;
	struct buffer line; /* reused */
};

static inline struct fail_log fail_log_new(bool json, bool show_query)
{
	return (struct fail_log){ .json = json, .show_query = show_query };
}

/** fail_log_deinit() - say what is still held back, free the line */
void fail_log_deinit(struct fail_log *f, struct wall now);

/**
 * fail_log_outcome() - write the line of a failure, or hold it back; does nothing for a success
 * @m:      its request target is logged as captured, without the query unless show_query
 * @shown:  the target's URL, safe to log
 * @now:    for the rate; @wall dates the line
 */
void fail_log_outcome(struct fail_log *f, const struct message *m, const char *shown, const struct outcome *o,
		      struct mono now, struct wall wall);

#endif
