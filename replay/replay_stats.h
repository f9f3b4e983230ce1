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

/* See base/counter.h for the columns. */
#define TARGET_COUNTERS(X, PARTS)                                                                            \
	X(chosen, chosen, REPORT, COUNTER, NULL, "Chosen requests handed to the target.")                    \
	X(unsampled, unsampled, REPORT, COUNTER, NULL, "Left out by the target's own share of the sample.")  \
	PARTS(shed, SHED_COUNT)                                                                              \
	X(sent, sent, REPORT, COUNTER, NULL, "Exchanges with the target that were begun.")                   \
	PARTS(outcome, OUTCOME_COUNT)                                                                        \
	PARTS(grpc, GRPC_STATUS_COUNT)                                                                       \
	X(grpc_failed, grpc_failed, ASIDE, COUNTER, NULL,                                                    \
	  "Answered with an HTTP status below 400, and a status of gRPC that is not OK.")                    \
	X(grpc_unwell, grpc_unwell, ASIDE, COUNTER, NULL,                                                    \
	  "Answered with an HTTP status below 500, and a status of gRPC that says what 5xx does.")           \
	X(in_flight, in_flight, REPORT, GAUGE, "shadowtap_target_in_flight_requests", "Exchanges under way now.") \
	X(queued, queued, REPORT, GAUGE, "shadowtap_target_queued_requests",                                 \
	  "Requests that wait for the target now.")                                                          \
	X(open_connections, open_connections, ASIDE, GAUGE, "shadowtap_target_open_connections",             \
	  "Connections to the target now.")                                                                  \
	X(connects, connects, REPORT, COUNTER, "shadowtap_target_connects_total", "Connections opened.")     \
	X(bytes_sent, bytes_sent, REPORT, COUNTER, "shadowtap_target_sent_bytes_total",                      \
	  "Bytes of requests written, heads included.")                                                      \
	X(dns_failures, dns_failures, REPORT, COUNTER, "shadowtap_target_dns_failures_total",                \
	  "Lookups of the target's name that failed (the last addresses stay in use).")                      \
	X(breaker_opened, breaker_opened, ASIDE, COUNTER, "shadowtap_target_breaker_opened_total",           \
	  "Times the target was left alone after --breaker failures to connect.")                            \
	X(first_status, first_status, ASIDE, COUNTER, NULL, "The first status of 300 or above; 0: none.")    \
	X(other_statuses, other_statuses, ASIDE, COUNTER, NULL,                                              \
	  "Responses of 300 or above with another status than that.")

struct target_stats {
	TARGET_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
	struct histogram total_us;      /* of answered exchanges; loop only */
	struct histogram first_byte_us;
};

struct intake_stats {
	struct counter taken;         /* messages taken from the ring and handed to the targets */
	struct counter leftover;      /* items of any kind still in the ring when the run ended: the chosen are in the books */
	struct counter rated_ns;      /* paced replay: from the schedule's zero to when the last message taken was due */
	struct counter actual_ns;     /* ... and to when it was handed over */
	struct histogram lateness_us; /* paced replay: how far behind its schedule a request was handed to the targets */
};

#endif
