/*
 * tls_stats.h - what became of connections that speak TLS, where there are secrets for some
 *
 * One writer: the lane.
 */
#ifndef TLS_TLS_STATS_H
#define TLS_TLS_STATS_H

#include "base/counter.h"

/* Connections, by what could be read of them */
#define TLS_FATES(X)                                                                                         \
	X(READ,        "read")                                                                               \
	X(NO_KEYS,     "no_keys")     /* no secret was known in time, or those that were do not fit */       \
	X(UNSUPPORTED, "unsupported") /* a version or a cipher suite that cannot be read */                  \
	X(MIDSTREAM,   "midstream")   /* the handshake was not captured */                                   \
	X(ECH,         "ech")         /* no secret was known, and the ClientHello may cover another one */   \
	X(LOST,        "lost")        /* a gap took the handshake, or records could not be found again */

enum tls_fate {
#define X(id, name) TLS_##id,
	TLS_FATES(X)
#undef X
	TLS_FATE_COUNT
};

/* See base/counter.h for the columns. seen = the parts of tls_fate, at any time: a connection is seen when that is known. */
#define TLS_COUNTERS(X, PARTS)                                                                               \
	X(tls_seen, seen, REPORT, COUNTER, "shadowtap_tls_connections_total",                                \
	  "Connections with TLS of which is known whether they can be read.")                                \
	PARTS(tls_fate, TLS_FATE_COUNT)                                                                      \
	X(tls_misfit, misfit, REPORT, COUNTER, NULL, "Of no_keys, connections whose secrets were known and open nothing.") \
	X(tls_no_room, no_room, REPORT, COUNTER, NULL,                                                       \
	  "Of no_keys, connections for which there was no memory to wait for their secrets, or to use them.") \
	X(tls_after_wait, after_wait, REPORT, COUNTER, NULL,                                                  \
	  "Of read, connections whose secrets came when they were not waited for any more: what had come before is not read.") \
	X(tls_early_dropped, early_dropped, REPORT, COUNTER, NULL,                                            \
	  "Records of early data (0-RTT) that there was no memory for until the server had taken them.")      \
	X(tls_records, records, REPORT, COUNTER, "shadowtap_tls_records_total", "Records of TLS that were opened.") \
	X(tls_refound, refound, REPORT, COUNTER, NULL, "Times that records were found again behind a gap.")

struct tls_stats {
	TLS_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

#endif
