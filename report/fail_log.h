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

/** fail_log_admits() - may the line of one more failure be written now? If not, it is held back, and counted */
bool fail_log_admits(struct fail_log *f, struct mono now);

/** struct failed_exchange - everything borrowed */
struct failed_exchange {
	const struct message *request;
	const struct outcome *outcome;
	const char *shown; /* the target's URL with its prefix, safe to log */
	struct span asked; /* what was asked of it, behind that prefix; shown without the query unless show_query */
};

/** fail_log_write() - the line of a failure that was admitted; @wall dates it */
void fail_log_write(struct fail_log *f, const struct failed_exchange *e, struct wall wall);

#endif
