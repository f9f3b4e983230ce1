/*
 * reassembly_stats.h - what became of every request and connection that was seen
 *
 * requests.seen = requests.complete + requests.lost.* once the lane has
 * finished; before that the difference is the requests in the making. One
 * writer: the lane.
 */
#ifndef REASSEMBLY_REASSEMBLY_STATS_H
#define REASSEMBLY_REASSEMBLY_STATS_H

#include "base/counter.h"

/*      id          name          what the user should understand by it */
#define LOST_REASONS(X)                                                                                      \
	X(GAP,        "gap")        /* bytes of the head or body were never captured */                      \
	X(TRUNCATED,  "truncated")  /* the snaplen cut bytes off */                                          \
	X(RESET,      "reset")      /* the connection was reset or closed before the request was whole */    \
	X(IDLE,       "idle")       /* nothing came for longer than the idle limit */                        \
	X(TOO_LARGE,  "too_large")  /* longer than --max-body */                                             \
	X(MALFORMED,  "malformed")  /* not HTTP as servers agree on it */                                    \
	X(UPGRADED,   "upgraded")   /* the connection became another protocol in the middle of it */         \
	X(MEMORY,     "memory")     /* dropped to keep --max-memory */                                       \
	X(MULTIPATH,  "multipath")  /* Multipath TCP: its bytes may have come over several connections */    \
	X(URGENT,     "urgent")     /* TCP urgent data in it: nobody can see which bytes the service read */ \
	X(CUT_AT_END, "cut_at_end") /* the capture ended first */

enum lost_reason {
#define X(id, name) LOST_##id,
	LOST_REASONS(X)
#undef X
	LOST_REASON_COUNT
};

/** lost_reason_name() - "gap", ... */
const char *lost_reason_name(enum lost_reason reason);

/* See base/counter.h for the columns. */
#define REQUEST_COUNTERS(X, PARTS)                                                                           \
	X(seen, seen, REPORT, COUNTER, "shadowtap_requests_seen_total",                                      \
	  "Requests whose first bytes were seen, those in the making included.")                             \
	X(complete, complete, REPORT, COUNTER, NULL, "Requests that were seen whole.")                       \
	PARTS(lost, LOST_REASON_COUNT)

#define CONNECTION_COUNTERS(X)                                                                               \
	X(connections, seen, REPORT, COUNTER, "shadowtap_connections_total", "TCP connections seen.")        \
	X(midstream, midstream, REPORT, TRAIT, "midstream", "Connections begun before the capture.")         \
	X(one_way, one_way, REPORT, TRAIT, "one_way", "Connections closed with only the client's direction seen.") \
	X(outgoing, outgoing, REPORT, TRAIT, "outgoing",                                                     \
	  "Connections from the service's port to another service, by their SYN; not read.")                 \
	X(proxied, proxied, REPORT, TRAIT, "proxied", "Connections with a PROXY header before the first request.") \
	X(proxy_unread, proxy_unread, REPORT, TRAIT, "proxy_unread",                                         \
	  "Connections that begin with a malformed PROXY header; in not_http as well.")                      \
	X(not_http, not_http, REPORT, TRAIT, "not_http", "Connections whose first bytes are no HTTP request.") \
	X(tls, tls, REPORT, TRAIT, "tls", "Of not_http, those that begin with a TLS ClientHello.")           \
	X(http2, http2, REPORT, TRAIT, "http2", "Connections with HTTP/2: its preface, or an upgrade to h2c.") \
	X(upgraded, upgraded, REPORT, TRAIT, "upgraded", "Connections that left HTTP/1 by a 101 or CONNECT.") \
	X(copies, copies, REPORT, TRAIT, "copies",                                                           \
	  "Connections seen once more, in another VLAN or tunnel, and followed as one.")                     \
	X(multipath, multipath, REPORT, TRAIT, "multipath",                                                  \
	  "Connections of Multipath TCP, not followed since others carry some of their bytes.")              \
	X(duplicate_segments, duplicate_segments, REPORT, COUNTER, "shadowtap_duplicate_segments_total",     \
	  "Segments with data seen in another VLAN or tunnel than the first data of their direction.")       \
	X(gaps, gaps, REPORT, COUNTER, "shadowtap_stream_gaps_total", "Holes in streams that were given up.") \
	X(gap_bytes, gap_bytes, REPORT, COUNTER, "shadowtap_stream_gap_bytes_total",                         \
	  "Bytes missing in those holes.")                                                                   \
	X(retransmitted_bytes, retransmitted_bytes, REPORT, COUNTER, "shadowtap_stream_retransmitted_bytes_total", \
	  "Bytes seen again and dropped.")                                                                   \
	X(flows_open, open, REPORT, GAUGE, "shadowtap_flows_open", "TCP connections followed now.")          \
	X(flows_evicted, evicted, REPORT, COUNTER, "shadowtap_flows_evicted_total",                          \
	  "Connections forgotten to keep --max-memory.")                                                     \
	X(held_bytes, held_bytes, ASIDE, GAUGE, "shadowtap_stream_held_bytes",                               \
	  "Bytes that wait for a hole before them to close.")

struct reassembly_stats {
	REQUEST_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
	CONNECTION_COUNTERS(COUNTER_FIELD)
};

#endif
