/*
 * reassembly_stats.h - what was seen of connections, and of the bytes in them
 *
 * What protocols count of them stands between the two lists in the report
 * (http/http_stats.h). One writer: the lane.
 */
#ifndef REASSEMBLY_REASSEMBLY_STATS_H
#define REASSEMBLY_REASSEMBLY_STATS_H

#include "base/counter.h"

/* See base/counter.h for the columns. */
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
	X(tls, tls, REPORT, TRAIT, "tls", "Of not_http, those that begin with a TLS ClientHello.")

#define STREAM_COUNTERS(X)                                                                                   \
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
	CONNECTION_COUNTERS(COUNTER_FIELD)
	STREAM_COUNTERS(COUNTER_FIELD)
};

#endif
