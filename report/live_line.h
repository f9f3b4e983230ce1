/*
 * live_line.h - one line that is redrawn while the run goes on
 *
 * Live: rates, sample, in flight, latency, failures, drops. For a recording of
 * known size: a bar with the time that is left. On a terminal it is redrawn in
 * place; --stats-every writes the same facts as plain lines.
 *
 * What does not fit a narrow terminal is left out by whole facts, the least
 * important first, so that failures and drops are still told at 40 columns.
 */
#ifndef REPORT_LIVE_LINE_H
#define REPORT_LIVE_LINE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "report/books.h"

struct live_line {
	struct mono started, last;
	uint64_t last_complete, last_sent;
	uint64_t sample_share;
	char differ[48];   /* "0.60% of 3,324 differ"; "" without --compare */
	char decision[80]; /* "keep watching, about 3,100 pairs (21 min) to go"; "" without --compare, or where it is not shown */
};

static inline struct live_line live_line_new(struct mono now, uint64_t sample_share)
{
	return (struct live_line){ .started = now, .last = now, .sample_share = sample_share };
}

/**
 * live_line_text() - append the status, without newline
 * @done, @total:  progress of a recording in bytes; @total 0 when there is no end to measure
 * @columns:       of the terminal, whose last column stays free; 0: a plain line, without a bar, of any length
 */
void live_line_text(struct live_line *l, const struct books *b, struct mono now, uint64_t done, uint64_t total,
		    unsigned columns, struct buffer *out);

#endif
