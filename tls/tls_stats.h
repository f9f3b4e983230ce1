/*
 * tls_stats.h - what became of connections that speak TLS, where there are secrets for some
 *
 * One writer: the lane.
 */
#ifndef TLS_TLS_STATS_H
#define TLS_TLS_STATS_H

#include <stdint.h>

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
	X(tls_joined, joined, REPORT, COUNTER, NULL,                                                          \
	  "Of read, connections whose handshake was not captured, found by --tls-join: what went by before is not read.") \
	X(tls_early_dropped, early_dropped, REPORT, COUNTER, NULL,                                            \
	  "Records of early data (0-RTT) that there was no memory for until the server had taken them.")      \
	X(tls_records, records, REPORT, COUNTER, "shadowtap_tls_records_total", "Records of TLS that were opened.") \
	X(tls_refound, refound, REPORT, COUNTER, NULL, "Times that records were found again behind a gap.")

struct tls_stats {
	TLS_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

/*
 * Of which versions and suites the connections were that cannot be read. The first few that are met have a row each, which is
 * all that there are at a service; what comes behind them is in tls.unsupported alone.
 */
#define UNSUPPORTED_MAX 8

struct unsupported {
	struct {
		struct counter what, connections; /* what: 0 where the rows end */
	} row[UNSUPPORTED_MAX];
};

/** UNSUPPORTED() - what a ServerHello chose, in one number; never 0 */
#define UNSUPPORTED(version, suite, compresses) ((uint64_t)(compresses) << 32 | (uint32_t)(version) << 16 | (uint16_t)(suite))
#define UNSUPPORTED_VERSION(what)    ((uint16_t)((what) >> 16))
#define UNSUPPORTED_SUITE(what)      ((uint16_t)(what))
#define UNSUPPORTED_COMPRESSES(what) ((what) >> 32 != 0)

/** unsupported_add() - owner only */
static inline void unsupported_add(struct unsupported *u, uint64_t what, uint64_t connections)
{
	for (int i = 0; what && connections && i < UNSUPPORTED_MAX; i++) {
		uint64_t is = counter_get(&u->row[i].what);

		if (is != 0 && is != what)
			continue;
		counter_set(&u->row[i].what, what);
		counter_add(&u->row[i].connections, connections);
		return;
	}
}

#endif
