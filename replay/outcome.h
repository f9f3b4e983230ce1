/*
 * outcome.h - how an exchange with a shadow ended
 *
 * sent = answered.* + failed.* + cancelled_at_exit: every exchange that was
 * begun ends in exactly one of these.
 */
#ifndef REPLAY_OUTCOME_H
#define REPLAY_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/grpc.h"

/*      id                 group        name        as users read it in logs; those of group "answered" come first */
#define OUTCOMES(X)                                                                                          \
	X(ANSWERED_2XX,      "answered", "2xx",      "status")                                               \
	X(ANSWERED_3XX,      "answered", "3xx",      "status")                                               \
	X(ANSWERED_4XX,      "answered", "4xx",      "status")                                               \
	X(ANSWERED_5XX,      "answered", "5xx",      "status")                                               \
	X(FAILED_TIMEOUT,    "failed",   "timeout",  "timeout")                                              \
	X(FAILED_CONNECT,    "failed",   "connect",  "connect")                                              \
	X(FAILED_DNS,        "failed",   "dns",      "dns")                                                  \
	X(FAILED_TLS,        "failed",   "tls",      "tls")                                                  \
	X(FAILED_RESET,      "failed",   "reset",    "reset")                                                \
	X(FAILED_STALE,      "failed",   "stale",    "stale") /* a kept connection that the server had closed */ \
	X(FAILED_PROTOCOL,   "failed",   "protocol", "protocol")                                             \
	X(FAILED_REFUSED,    "failed",   "refused",  "refused") /* HTTP/2: the server took the stream for none */ \
	X(FAILED_GOAWAY,     "failed",   "goaway",   "goaway")  /* ... or goes away, and had not begun it */ \
	X(FAILED_STREAM_RESET, "failed", "stream_reset", "stream_reset")                                     \
	X(CANCELLED_AT_EXIT, "cancelled_at_exit", NULL, "cancelled at exit")

enum outcome_kind {
#define X(id, group, name, reason) OUTCOME_##id,
	OUTCOMES(X)
#undef X
	OUTCOME_COUNT
};

/*      id         name: requests that a target was given and never began to send */
#define SHEDS(X)                                                                                             \
	X(RATE,    "rate")    /* over --rate */                                                              \
	X(QUEUE,   "queue")   /* --queue requests were already waiting */                                    \
	X(STALE,   "stale")   /* waited longer than --max-time, or was still waiting at exit */              \
	X(BREAKER, "breaker") /* the target is left alone after --breaker failures to connect */             \
	X(PRODUCTION, "production") /* the target is the service that is watched */                          \
	X(NEEDS_HTTP2, "needs_http2") /* a call of gRPC, and --http-version is 1 for the target */           \
	X(PLAIN,       "plain")       /* it was read from TLS, and would leave this host as plain text */

enum shed_reason {
#define X(id, name) SHED_##id,
	SHEDS(X)
#undef X
	SHED_COUNT
};

struct response;

/** struct outcome - one ended exchange; times in microseconds, -1 when that point was not reached, but for idle_us */
struct outcome {
	enum outcome_kind kind;
	int status_code;           /* 0 when there was no response */
	int64_t connect_us;        /* 0 on a connection that was open already */
	int64_t first_byte_us;     /* from the last byte written to the first of the response */
	int64_t total_us;          /* from the first attempt (connect or write) to the end */
	const char *detail;        /* static text or libuv's error name, for the log; may be NULL */
	struct response *response; /* with keep_responses, of an answered one: taken by on_outcome; NULL: no memory for it */
	int64_t idle_us;           /* on a connection that was used before: for how long it lay idle, at least 1; else 0 */
	enum grpc_status grpc_status; /* of an answered call of gRPC: as told, or as HTTP's status means; else GRPC_STATUS_NONE */
};

/** outcome_is_answered() - did a response with a status come? */
static inline bool outcome_is_answered(enum outcome_kind kind)
{
	return kind <= OUTCOME_ANSWERED_5XX;
}

/** outcome_is_http_failure() - failed.*, or answered with a status of 400 or more */
static inline bool outcome_is_http_failure(enum outcome_kind kind)
{
	return kind >= OUTCOME_ANSWERED_4XX && kind < OUTCOME_CANCELLED_AT_EXIT;
}

/** outcome_is_failure() - that, or a call of gRPC that was answered with another status than OK */
static inline bool outcome_is_failure(const struct outcome *o)
{
	return outcome_is_http_failure(o->kind) || (outcome_is_answered(o->kind) && o->grpc_status > GRPC_OK);
}

const char *outcome_group(enum outcome_kind kind);  /* "answered" */
const char *outcome_name(enum outcome_kind kind);   /* "2xx", "timeout"; NULL for cancelled_at_exit */
const char *outcome_reason(enum outcome_kind kind); /* "status", "timeout", ... */
const char *shed_name(enum shed_reason reason);

#endif
