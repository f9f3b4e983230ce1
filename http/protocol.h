/*
 * protocol.h - what every protocol reports to: requests that are complete, requests that are lost, their responses
 *
 * Theory of operation. The user of a protocol hands in a sink. For each request the
 * sink is asked once, when the head is complete, what is to be kept of it. It gets the
 * request when the last byte is here, or is told why that will never be. Which response
 * belongs to which request is the protocol's own business: the sink sees a token. So
 * HTTP/1, where one request follows another, and a protocol with many at a time report
 * alike.
 */
#ifndef HTTP_PROTOCOL_H
#define HTTP_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"
#include "message/response.h"
#include "reassembly/reader.h"
#include "message/lost_reason.h"

enum keep {
	KEEP_NOTHING,  /* count it; on_request gets no message */
	KEEP_BORROWED, /* as KEEP_HEAD, to be looked at: on_request may do nothing with it but message_unref() */
	KEEP_HEAD,     /* a message without its body */
	KEEP_WHOLE,    /* head and body */
};

struct head_decision {
	enum keep keep;
	bool digest;      /* also the SHA-256 of the body, kept or not */
	uint8_t decision; /* handed back with the request, not looked at */
	bool response;    /* with KEEP_WHOLE and keep_responses: on_response is called for it, later and once */
	bool needs_whole; /* a head of which fields are unknown (is_part) will not do: the request is LOST_HEAD_UNKNOWN */
	bool limited;     /* a body longer than max_body makes it LOST_TOO_LARGE; always so with KEEP_WHOLE */
};

/**
 * struct protocol_sink - what a protocol reports to; all called on the lane's thread
 * @on_head:     the head is complete: decide. Everything is borrowed. There is no id yet: what is not kept gets none
 * @on_request:  the request is complete. @m is taken, and NULL with KEEP_NOTHING or when @out_of_memory (the bytes
 *               could not be kept under --max-memory); with KEEP_BORROWED its bytes may be the segment's
 * @on_lost:     a request that had begun will never be complete; @head: at least its method and target, if they are
 *               known and the sink wanted to keep it, else NULL; borrowed, as @origin
 * @on_response: the response to a request that on_request got with this response_token, or why there is none:
 *               taken; NULL when out of memory. Never before on_request, but perhaps long after it.
 */
struct protocol_sink {
	void *ctx;
	struct head_decision (*on_head)(void *ctx, const struct request_head *head,
					const struct request_origin *origin);
	void (*on_request)(void *ctx, uint8_t decision, struct message *m, bool out_of_memory);
	void (*on_lost)(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head);
	void (*on_response)(void *ctx, uint64_t token, struct response *response);
};

/** enum next_place - where the bytes lie with which another protocol takes a connection over */
enum next_place {
	NEXT_AT_START,      /* its first ones */
	NEXT_AFTER_PREFACE, /* ... behind the preface */
	NEXT_SOMEWHERE,     /* in its middle */
};

/** struct next_start - a connection that is taken over; borrowed for the call but for @server */
struct next_start {
	const struct request_origin *origin;
	const struct stream_place *server; /* as in struct reader_start */
	enum next_place place;             /* of the client */
	bool is_upgraded;                  /* by a request that was told of */
	bool server_followed;              /* the next bytes of the server are its first of the protocol */
};

/**
 * struct next_protocol - a protocol to which connections of another one may change, filled by its reader's open()
 * @claims: as in struct reader_ops
 * @make:   a reader for the rest of a connection, given; NULL when out of memory or over the budget
 */
struct next_protocol {
	void *shared; /* NULL: there is none */
	enum claim (*claims)(struct span bytes, enum stream_side side, bool at_start);
	struct reader *(*make)(void *shared, const struct next_start *start);
};

#endif
