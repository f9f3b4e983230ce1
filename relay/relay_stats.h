/*
 * relay_stats.h - the books of a tap that hands over to a broker
 *
 *   offered   = requests + responses = shed.* + published
 *   published = acked + duplicate + refused.* + unknown
 *
 * the latter once nothing is in flight. What is offered, and shed for want of a
 * connection or of room, the loop counts; the rest the publisher's thread does:
 * each counter has one writer.
 */
#ifndef RELAY_RELAY_STATS_H
#define RELAY_RELAY_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/counter.h"

/*      id            name, as reports count it */
#define RELAY_SHEDS(X)                                                                                       \
	X(DISCONNECTED, "disconnected") /* there is no connection to the broker */                           \
	X(BUFFER,       "buffer")       /* as many bytes wait as --relay-buffer or --max-memory allows */    \
	X(INFLIGHT,     "inflight")     /* as many wait, or wait for the broker's word, as can be followed */ \
	X(TOO_LARGE,    "too_large")    /* the broker takes no message of this size */                       \
	X(STALE,        "stale")        /* it waited for a connection or for room, and is too old to be sent now */

enum relay_shed {
#define X(id, name) RELAY_SHED_##id,
	RELAY_SHEDS(X)
#undef X
	RELAY_SHED_COUNT
};

/*      id                 group, name: what the broker said of a record */
#define RELAY_RESULTS(X)                                                                                     \
	X(ACKED,             "acked", NULL)        /* it has it */                                           \
	X(DUPLICATE,         "duplicate", NULL)    /* it had it already, of another tap */                   \
	X(REFUSED_FULL,      "refused", "full")    /* the stream is full, and refuses what is new */         \
	X(REFUSED_TOO_LARGE, "refused", "too_large") /* the stream takes no message of this size */          \
	X(REFUSED_DENIED,    "refused", "denied")  /* we may not publish there */                            \
	X(REFUSED_NO_STREAM, "refused", "no_stream")                                                         \
	X(REFUSED_BUSY,      "refused", "busy")    /* it has too much to do, or its cluster has no leader */ \
	X(REFUSED_STORAGE,   "refused", "storage") /* it cannot write it */                                  \
	X(REFUSED_OTHER,     "refused", "other")                                                             \
	X(UNKNOWN,           "unknown", NULL)      /* nothing, in RELAY_ACK_NS */

enum relay_result {
#define X(id, group, name) RELAY_##id,
	RELAY_RESULTS(X)
#undef X
	RELAY_RESULT_COUNT
};

static inline bool relay_is_refused(enum relay_result r)
{
	return r >= RELAY_REFUSED_FULL && r <= RELAY_REFUSED_OTHER;
}

/* See base/counter.h for the columns. */
#define RELAY_COUNTERS(X, PARTS)                                                                             \
	X(offered, offered, REPORT, COUNTER, "shadowtap_relay_offered_total",                                \
	  "Requests and responses to be handed over to the broker.")                                         \
	X(requests, requests, REPORT, COUNTER, NULL, "Of these, requests.")                                  \
	X(responses, responses, REPORT, COUNTER, NULL, "Of these, responses of production, with --compare.") \
	PARTS(relay_shed, RELAY_SHED_COUNT)                                                                  \
	X(published, published, REPORT, COUNTER, "shadowtap_relay_published_total", "Written to the broker.") \
	PARTS(relay_result, RELAY_RESULT_COUNT)                                                              \
	X(late, late, REPORT, COUNTER, NULL, "What was unknown for a while, before the broker's word came.") \
	X(in_flight, in_flight, REPORT, GAUGE, "shadowtap_relay_in_flight",                                  \
	  "Written to the broker, which has not said yet what became of it.")                                \
	X(buffered_bytes, buffered_bytes, REPORT, GAUGE, "shadowtap_relay_buffered_bytes",                   \
	  "Bytes that wait for the broker now, of --relay-buffer at most.")                                  \
	X(bytes, bytes, REPORT, COUNTER, "shadowtap_relay_bytes_total", "Bytes of what was written to the broker, without its headers.") \
	X(connects, connects, REPORT, COUNTER, "shadowtap_relay_connects_total", "Connections made to the broker.") \
	X(heartbeats, heartbeats, REPORT, COUNTER, NULL, "Times that this tap told the replayers how it does.") \
	X(is_up, is_up, ASIDE, GAUGE, "shadowtap_relay_up", "1 while there is a connection to the broker.")

struct relay_stats {
	RELAY_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

#endif
