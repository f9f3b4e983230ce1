/*
 * http_stats.h - what became of every request that was seen
 *
 * requests.seen = requests.complete + requests.lost.* once the lane has
 * finished; before that the difference is the requests still on their way. All
 * protocols of a lane count here. One writer: the lane.
 */
#ifndef HTTP_HTTP_STATS_H
#define HTTP_HTTP_STATS_H

#include "base/counter.h"
#include "message/lost_reason.h"

/* See base/counter.h for the columns. */
#define REQUEST_COUNTERS(X, PARTS)                                                                           \
	X(seen, seen, REPORT, COUNTER, "shadowtap_requests_seen_total",                                      \
	  "Requests whose first bytes were seen, those still on their way included.")                             \
	X(complete, complete, REPORT, COUNTER, NULL, "Requests that were seen whole.")                       \
	PARTS(lost, LOST_REASON_COUNT)

/* Of connections, what only who reads them knows */
#define HTTP_CONNECTION_COUNTERS(X)                                                                          \
	X(http2, http2, REPORT, TRAIT, "http2", "Connections with HTTP/2: its preface, or an upgrade to h2c.") \
	X(upgraded, upgraded, REPORT, TRAIT, "upgraded", "Connections that left HTTP/1 by a 101 or CONNECT.")

/* Connections of HTTP/2, by how they were met */
#define HTTP2_STARTS(X)                                                                                      \
	X(PREFACE,  "preface")  /* by the client's preface */                                                \
	X(UPGRADED, "upgraded") /* by an upgrade from HTTP/1 */                                              \
	X(JOINED,   "joined")   /* in their middle: they began before the capture, or in a gap */

/* Heads of requests and tunnels, by how much of them is known */
#define HTTP2_HEADS(X)                                                                                       \
	X(WHOLE,   "whole")                                                                                  \
	X(PART,    "part")    /* the method and the path, but not every field */                             \
	X(UNKNOWN, "unknown") /* the method or the path is not known */

/* Gaps in the client's direction */
#define HTTP2_GAPS(X)                                                                                        \
	X(IN_DATA,  "in_data")  /* inside a frame that is no header block: they cost one request at most */  \
	X(IN_HEADS, "in_heads") /* those that may hide a header block */

/* Streams that are no request */
#define HTTP2_SKIPS(X)                                                                                       \
	X(MIDWAY, "midway") /* their start was not captured, or is not sure to be one */                     \
	X(PUSHED, "pushed") /* by the server */                                                              \
	X(TUNNEL, "tunnel") /* CONNECT */                                                                    \
	X(OVER,   "over")   /* beyond what is followed at once on a connection, or in memory */

enum http2_start {
#define X(id, name) HTTP2_##id,
	HTTP2_STARTS(X)
	HTTP2_START_COUNT
};

enum http2_head {
	HTTP2_HEADS(X)
	HTTP2_HEAD_COUNT
};

enum http2_gap {
	HTTP2_GAPS(X)
	HTTP2_GAP_COUNT
};

enum http2_skip {
	HTTP2_SKIPS(X)
#undef X
	HTTP2_SKIP_COUNT
};

/* streams = requests + skipped.*; heads.* = requests + skipped.tunnel */
#define HTTP2_COUNTERS(X, PARTS)                                                                             \
	PARTS(http2_start, HTTP2_START_COUNT)                                                                \
	X(http2_streams, streams, REPORT, COUNTER, "shadowtap_http2_streams_total", "Streams of HTTP/2 that were met.") \
	X(http2_requests, requests, REPORT, COUNTER, NULL, "Of requests.seen, those that came by HTTP/2.")   \
	PARTS(http2_head, HTTP2_HEAD_COUNT)                                                                  \
	PARTS(http2_skip, HTTP2_SKIP_COUNT)                                                                  \
	PARTS(http2_gap, HTTP2_GAP_COUNT)                                                                    \
	X(http2_epochs, epochs, REPORT, COUNTER, "shadowtap_http2_epochs_total",                             \
	  "Times that a gap made a table of header fields unknown.")                                         \
	X(http2_refound, refound, REPORT, COUNTER, NULL, "Times that frames were found again behind a gap.") \
	X(http2_unproved, unproved, REPORT, COUNTER, NULL,                                                   \
	  "Requests found so, or on connections that were joined, to which no response was seen; in requests.lost.") \
	X(http2_foreign, foreign, REPORT, COUNTER, NULL,                                                     \
	  "Connections that start with the preface of HTTP/2 and go on in another protocol.")                \
	X(http2_malformed, malformed, REPORT, COUNTER, NULL,                                                 \
	  "Frames and header blocks for which a peer must end the connection.")                              \
	X(http2_goaway, goaway, REPORT, COUNTER, NULL, "GOAWAY frames of servers.")

struct http_stats {
	REQUEST_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
	HTTP_CONNECTION_COUNTERS(COUNTER_FIELD)
	HTTP2_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

#endif
