/*
 * grpc.h - the words of gRPC over HTTP/2: is it a call, of which method, in how many messages, with which status
 *
 * From the gRPC project's PROTOCOL-HTTP2 document: a call is a POST whose path is /SERVICE/METHOD and
 * whose content-type starts with application/grpc. Its body is a row of messages, each
 * behind five bytes: a flag (1: compressed as grpc-encoding says) and the length in
 * network order. Where DATA frames end means nothing.
 */
#ifndef MESSAGE_GRPC_H
#define MESSAGE_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define GRPC_PREFIX_BYTES 5

/* The codes and their names, in order from 0. */
#define GRPC_STATUSES(X)       \
	X(OK)                  \
	X(CANCELLED)           \
	X(UNKNOWN)             \
	X(INVALID_ARGUMENT)    \
	X(DEADLINE_EXCEEDED)   \
	X(NOT_FOUND)           \
	X(ALREADY_EXISTS)      \
	X(PERMISSION_DENIED)   \
	X(RESOURCE_EXHAUSTED)  \
	X(FAILED_PRECONDITION) \
	X(ABORTED)             \
	X(OUT_OF_RANGE)        \
	X(UNIMPLEMENTED)       \
	X(INTERNAL)            \
	X(UNAVAILABLE)         \
	X(DATA_LOSS)           \
	X(UNAUTHENTICATED)

enum grpc_status {
	GRPC_STATUS_NONE = -1, /* not a call of gRPC, or no status was seen */
#define X(id) GRPC_##id,
	GRPC_STATUSES(X)
#undef X
		GRPC_STATUS_COUNT
};

/** grpc_status_name() - "OK", ...; of what is no code "UNKNOWN" */
const char *grpc_status_name(enum grpc_status status);

/** grpc_status_named() - the status of this name; false if there is none */
bool grpc_status_named(struct span name, enum grpc_status *out);

/** grpc_status_parse() - the value of a grpc-status field; digits that are no code are UNKNOWN, other text is NONE */
enum grpc_status grpc_status_parse(struct span value);

/** grpc_status_of_http() - what an HTTP status without grpc-status means (http-grpc-status-mapping.md) */
enum grpc_status grpc_status_of_http(int status_code);

/** grpc_status_is_unwell() - does it say that the server is at fault, as 5xx does (google/rpc/code.proto)? */
bool grpc_status_is_unwell(enum grpc_status status);

/** grpc_content_type() - is it application/grpc, alone or with a + or ; behind? Not grpc-web, whose trailers are in the body */
bool grpc_content_type(struct span value);

/** GRPC_TIMEOUT_TEXT_MAX - eight digits, the unit and the NUL */
#define GRPC_TIMEOUT_TEXT_MAX 10

/** grpc_timeout_ns() - the value of a grpc-timeout field; -1 if it is none */
int64_t grpc_timeout_ns(struct span value);

/** grpc_timeout_text() - @ns, at least 1, as such a value, rounded down; returns @out */
const char *grpc_timeout_text(int64_t ns, char out[GRPC_TIMEOUT_TEXT_MAX]);

/** struct grpc_route - /SERVICE/METHOD; borrowed */
struct grpc_route {
	struct span service, method;
};

/** grpc_route_of() - the parts of a path; false if it does not have that form */
bool grpc_route_of(struct span path, struct grpc_route *out);

/** enum grpc_framing - what a row of messages is so far */
enum grpc_framing {
	GRPC_BETWEEN, /* it ends with a whole message, or none has begun */
	GRPC_INSIDE,  /* the last message isn't whole */
	GRPC_BROKEN,  /* a flag that is neither 0 nor 1: what follows cannot be read */
};

/** struct grpc_messages - counts the messages of a body that comes in pieces; zero before the first */
struct grpc_messages {
	uint32_t count;      /* that have begun, with their whole prefix */
	uint32_t compressed; /* of those, with flag 1 */
	uint32_t left;       /* bytes of the last one still to come */
	uint8_t prefix[GRPC_PREFIX_BYTES];
	uint8_t have; /* bytes of the next prefix */
	bool broken;
};

/** grpc_messages_add() - the next bytes of the body */
void grpc_messages_add(struct grpc_messages *g, struct span bytes);

/** grpc_messages_state() - what the row is so far */
enum grpc_framing grpc_messages_state(const struct grpc_messages *g);

/** struct grpc_message - one message of a body that is whole; borrowed */
struct grpc_message {
	struct span bytes; /* without the prefix, as it came */
	bool compressed;
};

/**
 * grpc_message_take() - the next message of @body
 * Return: 1; 0 when @body is empty; -EBADMSG if it is not the start of a whole message.
 */
int grpc_message_take(struct span *body, struct grpc_message *out);

#endif
