/*
 * policy_stats.h - the decisions on complete requests, and what became of them at the hand-over
 *
 * requests.complete = filtered.* + unsampled + shed.{handover,memory,stopped} + chosen.
 * handover: live, the ring was full. stopped: the end of the run came before the
 * request's time. One writer: the lane. (Chosen ones that the loop does not send
 * after all, app/run/run_items.c counts; the report moves them from chosen to
 * shed.stopped or shed.memory.)
 */
#ifndef POLICY_POLICY_STATS_H
#define POLICY_POLICY_STATS_H

#include "base/counter.h"

/*      id               decision (events)  reason (events), NULL if none */
#define DECISIONS(X)                                                                                         \
	X(CHOSEN,          "chosen",         NULL)                                                           \
	X(FILTERED_METHOD, "filtered",       "method")                                                       \
	X(FILTERED_DENIED, "filtered",       "denied")                                                       \
	X(FILTERED_PATH,   "filtered",       "path")                                                         \
	X(FILTERED_HOST,   "filtered",       "host")                                                         \
	X(FILTERED_HEADER, "filtered",       "header")                                                       \
	X(FILTERED_LOOP,   "filtered",       "loop")                                                         \
	X(UNSAMPLED,       "unsampled",      NULL)                                                           \
	X(SHED_HANDOVER,   "shed",           "handover")                                                     \
	X(SHED_MEMORY,     "shed",           "memory")                                                       \
	X(SHED_STOPPED,    "shed",           "stopped")

enum decision {
#define X(id, name, reason) DECISION_##id,
	DECISIONS(X)
#undef X
	DECISION_COUNT
};

/* See base/counter.h for the columns; match_limit is counted in rule.c, and then the request counts as unwanted. */
#define POLICY_COUNTERS(X, PARTS)                                                                            \
	PARTS(decision, DECISION_COUNT)                                                                      \
	X(grpc_retried, grpc_retried, REPORT, COUNTER, "shadowtap_grpc_retried_total",                       \
	  "Calls of gRPC that production's client sent again (grpc-previous-rpc-attempts).")                 \
	X(match_limit, match_limit, REPORT, COUNTER, "shadowtap_match_limit_total",                          \
	  "Times a rule's pattern gave up on a text (treated as no match).")

struct policy_stats {
	POLICY_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

/** decision_name() / decision_reason() - as events say it; the reason may be NULL */
const char *decision_name(enum decision v);
const char *decision_reason(enum decision v);

#endif
