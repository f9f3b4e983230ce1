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
	X(URGENT,     "urgent")     /* TCP urgent data in it: nobody can see which bytes the service read */       \
	X(CUT_AT_END, "cut_at_end") /* the capture ended first */

enum lost_reason {
#define X(id, name) LOST_##id,
	LOST_REASONS(X)
#undef X
	LOST_REASON_COUNT
};

/** lost_reason_name() - "gap", ... */
const char *lost_reason_name(enum lost_reason reason);

struct reassembly_stats {
	struct counter seen, complete, lost[LOST_REASON_COUNT];
	struct counter connections;      /* TCP connections seen */
	struct counter midstream;        /* ... of which the beginning was not */
	struct counter one_way;          /* ... closed with only the client's direction seen */
	struct counter outgoing;         /* ... from the service's port to another service, by their SYN: not read */
	struct counter proxied;          /* ... before whose first request a PROXY header was read */
	struct counter proxy_unread;     /* ... or came that is malformed; in not_http as well */
	struct counter not_http;         /* ... whose client's first bytes are no HTTP request */
	struct counter tls;              /* ... of these, a TLS ClientHello */
	struct counter http2;            /* ... that speak HTTP/2 (preface, or upgraded to h2c) */
	struct counter upgraded;         /* ... that left HTTP/1 by a 101 or CONNECT */
	struct counter multipath;        /* ... of Multipath TCP, whose bytes cannot be followed, as others carry some */
	struct counter copies;           /* ... seen once more, in another VLAN or tunnel, and followed as one */
	struct counter gaps, gap_bytes;  /* gaps declared lost */
	struct counter retransmitted_bytes; /* seen again, dropped */
	struct counter flows_open;       /* gauge */
	struct counter held_bytes;       /* gauge: waiting for a gap to close */
	struct counter flows_evicted;    /* dropped to keep --max-memory */
};

#endif
