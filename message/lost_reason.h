/*
 * lost_reason.h - why a request that was seen was not read to its end
 *
 * A word of all floors: reassembly says why bytes are missing, http why a
 * request ends before its last byte, and the report how many did for which.
 */
#ifndef MESSAGE_LOST_REASON_H
#define MESSAGE_LOST_REASON_H

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
	X(URGENT,     "urgent")     /* TCP urgent data in it: no packet shows which bytes were read */     \
	X(HEAD_UNKNOWN, "head_unknown") /* HTTP/2: its head refers to what was sent before the capture, or in a gap */ \
	X(FRAMING,    "framing")    /* HTTP/2: its frames, or its messages of gRPC, break their framing */   \
	X(STREAM_RESET, "stream_reset") /* HTTP/2: its stream was reset before it was whole */               \
	X(STREAM_LONG, "stream_long") /* a call of gRPC that was open for longer than --max-stream-time */   \
	X(REFUSED,    "refused")    /* HTTP/2: production refused the stream and did not process it */       \
	X(CUT_AT_END, "cut_at_end") /* the capture ended first */

enum lost_reason {
#define X(id, name) LOST_##id,
	LOST_REASONS(X)
#undef X
	LOST_REASON_COUNT
};

/** lost_reason_name() - "gap", ... */
const char *lost_reason_name(enum lost_reason reason);

#endif
