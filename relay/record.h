/*
 * record.h - a request, or production's response to one, as what a broker carries
 *
 * Theory of operation. A record is a CloudEvent 1.0 in the binary mode of its NATS
 * binding: attributes are fields of the message, ce-NAME, and the data is one HTTP
 * message in the media type that is registered for one (RFC 9112, 10.2). So other
 * programs can route it by its attributes, and read it with any parser of HTTP.
 *
 *   Nats-Msg-Id, ce-id     the wire id (wire_id.h), 32 hexadecimal digits; of an answer with an "a" behind
 *   ce-specversion         1.0
 *   ce-type                io.shadowtap.request.v1, .answer.v1, .tap.v1 (a tap says how it does: JSON)
 *   ce-source              shadowtap://TAP/RUN
 *   ce-sequence            of the run, from 0, 16 digits, so that their order is that of texts
 *   ce-time                with the last byte of the request
 *   ce-datacontenttype     application/http;msgtype=request, or =response
 *   ce-httpversion         2, if the request came so; its data is HTTP/1.1 all the same
 *   ce-tap                 what only shadowtap needs: KEY=VALUE, joined by ";" (record_tap.h)
 *
 * A request's data: its line as captured, Host, the fields that may be forwarded, byte
 * for byte and in order, a Content-Length made anew, and the body, whose chunks are
 * joined and whose content encoding is untouched. Nothing else of the head is in it,
 * so credentials stay on the tap's host. Spaces and controls in a target of HTTP/2 are escaped, as
 * they would be where it is sent (policy/rewrite.h).
 *
 * An answer's data: a response of HTTP/1.1, likewise. Where it has trailers, its body is one chunk.
 * One that is not whole has none, and ce-tap says why.
 *
 * Reading is in record_read.h.
 */
#ifndef RELAY_RECORD_H
#define RELAY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/span.h"
#include "message/header_list.h"
#include "message/message.h"
#include "message/response.h"

#define RECORD_SPECVERSION "1.0"
#define RECORD_REQUEST_TYPE "io.shadowtap.request.v1"
#define RECORD_ANSWER_TYPE "io.shadowtap.answer.v1"
#define RECORD_TAP_TYPE "io.shadowtap.tap.v1"
#define RECORD_REQUEST_CONTENT "application/http;msgtype=request"
#define RECORD_ANSWER_CONTENT "application/http;msgtype=response"
#define RECORD_TAP_CONTENT "application/json"

enum record_kind {
	RECORD_REQUEST,
	RECORD_ANSWER,
	RECORD_TAP,
	RECORD_OTHER, /* of a type that is not known here: to be stepped over */
};

/**
 * struct record - one, ready to be published
 *
 * One allocation; made on the loop, published and freed on any thread.
 */
struct record {
	enum record_kind kind;
	uint8_t http_version; /* 1 or 2: as the request came */
	struct wire_id id;    /* zero of a tap */
	struct wall time;
	const char *tap;      /* ce-tap, as it is sent; "" if there is nothing to be said */
	const uint8_t *data;
	size_t data_len;
	size_t size;          /* bytes that all of it takes */
};

/**
 * struct record_rules - what of messages may travel
 * @fields:       append to @out those of @head that may be forwarded (allow_list_forwarded()); borrowed from @head
 * @answer_field: may this field of a response travel? Those that frame it never do
 * @sample:       for ce-tap: "sample=0.05;by=id", or NULL
 */
struct record_rules {
	void *ctx;
	void (*fields)(void *ctx, const struct request_head *head, struct header_list *out);
	bool (*answer_field)(void *ctx, struct span name);
	const char *sample;
};

/**
 * record_of_request() - of a message that is whole, with its body and its origin's wire id
 * @has_answer:  its response will be a record of its own, or the reason why there is none
 * @fields:      scratch memory of the caller's, kept from one to the next
 * Return: given; NULL when out of memory, or if the method is no token, so that no line could be written.
 */
struct record *record_of_request(const struct message *m, bool has_answer, const struct record_rules *rules,
				 struct header_list *fields);

/**
 * record_of_response() - production's response to the request of @id
 * @r:   NULL: it was lost to memory
 * @at:  when it ended, or that became known
 */
struct record *record_of_response(struct wire_id id, const struct response *r, struct wall at,
				  const struct record_rules *rules);

/** record_of_tap() - how a tap does, in JSON */
struct record *record_of_tap(struct span json, struct wall at);

/** record_free() - any thread; NULL allowed */
void record_free(struct record *r);

/* ---- the fields of the message ---- */

/**
 * record_headers() - append the fields of the message that carries @r, a line each: "ce-id: 5bd1...\r\n"
 * @source:  as record_source_text() writes it
 */
void record_headers(const struct record *r, const char *source, uint64_t sequence, struct buffer *out);

#define RECORD_SOURCE_TEXT_MAX 160

/** record_source_text() - "shadowtap://TAP/RUN", both names as in subjects.h; returns @out */
const char *record_source_text(const char *tap, const char *run, char out[RECORD_SOURCE_TEXT_MAX]);

#endif
