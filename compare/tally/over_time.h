/*
 * over_time.h - how a comparison went in the course of the run
 *
 * Theory of operation. Time is that of the capture, so a recording gives what the live run gave. A bin is as wide as a
 * power of two of seconds and begins at a multiple of its width, counted from 1970: bins of two taps are the same bins.
 * They begin a second wide; when what was seen no longer lies in OVER_TIME_BINS of them, all become twice as wide, two
 * and two are added, and nothing is forgotten. The width in the end is the least in which everything fits, whatever the
 * order of the pairs, so reports that are added up are the report of one run over both.
 *
 * Latencies are kept in 4 buckets a power of two of microseconds: wide enough that a bin is small, and within 13 % of
 * the truth, which shows a warm-up or a bad minute. A count of a bucket stops at 2^32 - 1.
 */
#ifndef COMPARE_TALLY_OVER_TIME_H
#define COMPARE_TALLY_OVER_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_doc.h"

#define OVER_TIME_BINS       240
#define OVER_TIME_BUCKETS    112 /* up to 2^29 microseconds, nine minutes; what took longer is in the last */
#define OVER_TIME_POWER_MAX  34  /* of a width in seconds: all of time is one bin */

enum over_time_side { OVER_TIME_PRODUCTION, OVER_TIME_SHADOW, OVER_TIME_SIDES };

struct over_time_bin {
	uint64_t pairs, compared, mismatch;
	uint64_t generated; /* of @mismatch: texts of language models that differ */
	uint64_t errors_of; /* pairs of which it is known whether either side's response was good */
	uint64_t errors[OVER_TIME_SIDES];
	uint64_t timeouts; /* of the shadow: above all its latencies */
	uint32_t latency[OVER_TIME_SIDES][OVER_TIME_BUCKETS];
};

/** struct over_time - zero is empty; 220 KiB */
struct over_time {
	uint64_t first; /* of the first bin: its beginning in widths since 1970 */
	unsigned count, power;
	struct over_time_bin bin[OVER_TIME_BINS];
};

/** struct over_time_pair - what a bin is told of a pair; microseconds to the last byte, -1: not known */
struct over_time_pair {
	struct wall at; /* of the request; before 1970 is 1970 */
	bool is_compared, is_mismatch, is_generated;
	bool has_health, is_bad[OVER_TIME_SIDES];
	bool is_timeout;
	int64_t us[OVER_TIME_SIDES];
};

void over_time_add(struct over_time *t, const struct over_time_pair *pair);

void over_time_merge(struct over_time *into, const struct over_time *from);

/** over_time_quantile() - microseconds; NaN if nothing was measured or it lies among @timeouts */
double over_time_quantile(const uint32_t latency[OVER_TIME_BUCKETS], uint64_t timeouts, double q);

/** over_time_json() - the member "over_time"; without a control texts that differ are no mismatch */
void over_time_json(const struct over_time *t, bool has_control, struct json *j);

/** over_time_read() - add what over_time_json() wrote to @t, which is empty; false if @node is no such object */
bool over_time_read(struct over_time *t, bool has_control, const struct json_doc *d, uint32_t node);

#endif
