/*
 * message.h - one complete HTTP request, as it was captured (its response: response.h)
 *
 * A message has one owner at a time: the lane that made it, then the ring, then
 * the replay loop. Several targets share one message by reference; only the
 * loop touches the reference count, so it needs no atomics.
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/endpoint.h"
#include "base/span.h"
#include "message/arrival.h"
#include "message/header_list.h"
#include "message/item.h"
#include "message/tls_session.h"

/** struct request_head - request line and fields as captured; spans are borrowed from the owner of the head */
struct request_head {
	struct span method, target;
	const struct header *headers;
	size_t header_count;
	uint8_t version_major, version_minor;
	bool is_grpc; /* a call of gRPC: message/grpc.h */
	/*
	 * HTTP/2: there were more fields, of which nothing is known. A field of which only the value is known does not
	 * count: it is left out, and no head is refused for it, since what travels is chosen by name.
	 */
	bool is_part;
	uint64_t same; /* heads of one lane with the same number are equal to the byte; 0: nothing is known */
};

/** request_head_find() - value of the first field called @name (any case), or NULL */
const struct span *request_head_find(const struct request_head *head, struct span name);

/** struct wire_id - who a request is wherever it is captured (relay/wire_id.h); zero: it has none */
struct wire_id {
	uint64_t high, low;
};

/** struct request_origin - where and when a request was seen */
struct request_origin {
	struct endpoint client, server;
	uint64_t id;          /* the same for the same packets on every run: hash of ends, ts_first, ordinal; 0 in on_head */
	uint64_t connection;  /* number of the connection in this run and lane, from 1 */
	struct wall ts_first, ts_last; /* packets with the first / last byte; ts_last is 0 until complete */
	struct endpoint proxied; /* the client, as a proxy says before the connection's first request; family 0: none did */
	/*
	 * Where its first byte lies, in numbers that are the same wherever the connection is captured: of TCP its sequence
	 * number and what its segment acknowledged; HTTP/2: of its HEADERS frame's first byte, and the stream.
	 */
	uint32_t sequence, acknowledgement, stream;
	struct wire_id wire; /* where requests are handed to other hosts, or come from them */
	struct tls_session *tls; /* it was read from TLS; NULL: from plain bytes. Borrowed, but a message has a reference */
};

struct message {
	struct item item; /* first: see message_of() */
	struct request_origin origin;
	struct request_head head; /* spans into this message's own memory */
	uint8_t *body;            /* de-chunked; NULL when body_kept is false */
	uint64_t body_len;        /* also when the body was not kept */
	uint8_t body_sha256[DIGEST_SHA256_BYTES];
	uint32_t grpc_messages;   /* of a call of gRPC: how many are in its body */
	struct arrival *arrivals; /* of a call of gRPC whose messages came apart, after its first byte; own memory, or NULL */
	uint32_t arrival_count, arrival_cap;
	uint64_t response_token;  /* ties it to its response (on_response); 0: none will come */
	struct budget *budget; /* to which @charged was charged */
	size_t charged;
	_Atomic uint64_t *ended; /* borrowed; one is added when the last reference goes; NULL: nobody counts */
	uint32_t references; /* loop only */
	uint8_t decision;    /* the lane's, an enum decision of the policy floor */
	bool body_kept, has_sha256;
};

/**
 * message_new() - a message with a copy of @head and no body yet
 * @head:    borrowed
 * @origin:  borrowed
 * @budget:  charged for the message; message_unref() releases that, and what its owner adds to @charged for a body
 *
 * Return: given to the caller, with one reference; NULL when out of memory or over the budget.
 */
struct message *message_new(const struct request_head *head, const struct request_origin *origin,
			    struct budget *budget);

_Static_assert(offsetof(struct message, item) == 0, "the item is first");

/**
 * message_add_arrival() - the bytes of the body from @offset on came @us after the request's first byte
 *
 * Offsets and times ascend. Above ARRIVALS_MAX they are taken to have come with the last one.
 * Return: false when out of memory or over the budget.
 */
bool message_add_arrival(struct message *m, uint64_t offset, int64_t us);

/** message_drop_body() - what was kept of it, for which @bytes of @charged stand, is freed; the head stays */
void message_drop_body(struct message *m, size_t bytes);

/** message_of() - the whole of an ITEM_REQUEST */
static inline struct message *message_of(struct item *item)
{
	return (struct message *)item;
}

/** message_ref() - one more user on the loop; returns @m */
struct message *message_ref(struct message *m);

/** message_unref() - the last one frees the message and releases its charge; NULL allowed */
void message_unref(struct message *m);

/** MESSAGE_ID_TEXT_MAX - 16 hexadecimal digits and the NUL */
#define MESSAGE_ID_TEXT_MAX 17

/** message_id_text() - the id as users see it (X-Shadowtap, events, logs); returns @out */
const char *message_id_text(uint64_t id, char *out);

/** message_id_put() - the same without the NUL, as in base/digits.h */
char *message_id_put(char *at, uint64_t id);

static inline bool wire_id_is_set(struct wire_id id)
{
	return (id.high | id.low) != 0;
}

/** WIRE_ID_TEXT_MAX - 32 hexadecimal digits and the NUL */
#define WIRE_ID_TEXT_MAX 33

/** wire_id_text() - returns @out */
const char *wire_id_text(struct wire_id id, char *out);

/** wire_id_put() - the same without the NUL */
char *wire_id_put(char *at, struct wire_id id);

#endif
