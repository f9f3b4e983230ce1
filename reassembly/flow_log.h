/*
 * flow_log.h - what happens to connections, with -v: a line each, at most FLOW_LOG_PER_SECOND of them
 *
 *   flow 17: HTTP from 10.0.0.7:51234 to 10.0.0.9:8501, its beginning was not seen
 *   flow 17: ended: reset
 *
 * The number is that of request_origin.connection, unique within a lane. A line
 * that was held back is counted, and the next one says how many were; seconds
 * are those of the capture, so that a recording says the same each time.
 */
#ifndef REASSEMBLY_FLOW_LOG_H
#define REASSEMBLY_FLOW_LOG_H

#include "base/clock.h"
#include "base/log.h"
#include "reassembly/flow.h"

#define FLOW_LOG_PER_SECOND 50

struct flow_log {
	struct wall window;
	uint32_t in_window;
	uint64_t held_back;
};

/** flow_log_write() - what flow_log() does with -v */
void flow_log_write(struct flow_log *log, struct wall now, const struct flow *f, const char *what, const char *detail);

/**
 * flow_log() - @what happened to @f; static texts
 * @detail:  NULL, or what follows the colon; FLOW_LOG_ENDS: who talks to whom
 */
#define FLOW_LOG_ENDS ""
static inline void flow_log(struct flow_log *log, struct wall now, const struct flow *f, const char *what, const char *detail)
{
	if (log_enabled(LOG_DEBUG))
		flow_log_write(log, now, f, what, detail);
}

#endif
