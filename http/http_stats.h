/*
 * http_stats.h - what became of every request that was seen
 *
 * requests.seen = requests.complete + requests.lost.* once the lane has
 * finished; before that the difference is the requests in the making. All
 * protocols of a lane count here. One writer: the lane.
 */
#ifndef HTTP_HTTP_STATS_H
#define HTTP_HTTP_STATS_H

#include "base/counter.h"
#include "message/lost_reason.h"

/* See base/counter.h for the columns. */
#define REQUEST_COUNTERS(X, PARTS)                                                                           \
	X(seen, seen, REPORT, COUNTER, "shadowtap_requests_seen_total",                                      \
	  "Requests whose first bytes were seen, those in the making included.")                             \
	X(complete, complete, REPORT, COUNTER, NULL, "Requests that were seen whole.")                       \
	PARTS(lost, LOST_REASON_COUNT)

/* Of connections, what only who reads them knows */
#define HTTP_CONNECTION_COUNTERS(X)                                                                          \
	X(http2, http2, REPORT, TRAIT, "http2", "Connections with HTTP/2: its preface, or an upgrade to h2c.") \
	X(upgraded, upgraded, REPORT, TRAIT, "upgraded", "Connections that left HTTP/1 by a 101 or CONNECT.")

struct http_stats {
	REQUEST_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
	HTTP_CONNECTION_COUNTERS(COUNTER_FIELD)
};

#endif
