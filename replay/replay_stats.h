/*
 * replay_stats.h - the books of one target
 *
 * chosen = unsampled + shed.* + sent, where sent counts exchanges that were
 * begun and sent = answered.* + failed.* + cancelled_at_exit once none is in
 * flight. One writer: the replay loop.
 */
#ifndef REPLAY_REPLAY_STATS_H
#define REPLAY_REPLAY_STATS_H

#include "base/counter.h"
#include "base/histogram.h"
#include "replay/outcome.h"

struct target_stats {
	struct counter chosen, unsampled, sent;
	struct counter shed[SHED_COUNT];
	struct counter outcome[OUTCOME_COUNT];
	struct counter first_status;   /* the first one of 300 or above; 0: none */
	struct counter other_statuses; /* answers of 300 or above with another status than that */
	struct counter connects;      /* connections opened */
	struct counter bytes_sent;
	struct counter dns_failures;  /* a lookup failed; the last addresses stay in use */
	struct counter breaker_opened; /* times */
	struct counter in_flight, queued, open_connections; /* gauges */
	struct histogram total_us;      /* of answered exchanges; loop only */
	struct histogram first_byte_us;
};

struct intake_stats {
	struct counter taken;    /* messages taken from the ring and handed to the targets */
	struct counter leftover; /* items of any kind still in the ring when the run ended; how many were chosen, who drops them knows */
	struct counter rated_ns;  /* paced replay: from the schedule's zero to when the last message taken was due */
	struct counter actual_ns; /* ... and to when it was handed over */
	struct histogram lateness_us; /* paced replay: how far behind its schedule a request was handed to the targets */
};

#endif
