/*
 * pace.h - how fast a recording was replayed, beside how fast it was meant to be
 *
 * For recordings that are paced by a schedule (-x N). The seconds go from the
 * schedule's zero to the last request: when it was due, and when it was handed
 * to the targets.
 */
#ifndef REPORT_PACE_H
#define REPORT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "report/books.h"

struct pace {
	uint64_t requests, bytes; /* that were sent, to all targets together */
	int64_t actual_ns, rated_ns;
};

/** pace_of() - from final books; false if nothing was paced */
bool pace_of(const struct books *b, const struct intake_stats *intake, struct pace *out);

/** pace_text() - append "replayed 39 requests, 12,345 bytes in 4.00 s (rated 4.00 s): 9.7 requests/s (rated 9.7)\n" */
void pace_text(const struct pace *p, struct buffer *out);

/** pace_json() - an object; @p NULL: null */
void pace_json(const struct pace *p, struct json *j);

#endif
