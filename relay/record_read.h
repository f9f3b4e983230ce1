/*
 * record_read.h - records that came from a broker, checked
 *
 * Theory of operation. Whoever may publish may write anything, and what is read here is sent to a shadow:
 * a record is taken if it is exactly one HTTP message in the strict form, and refused by
 * name if not. Strict means what no two parsers read in two ways: lines end with CRLF, and neither
 * byte is anywhere else in the head; names are tokens with the colon right behind; no line is folded; a request has
 * no Transfer-Encoding; one Content-Length at most, and it is the number of the bytes behind
 * the head. Other producers need not be shadowtap: the four attributes that CloudEvents demands
 * are enough.
 */
#ifndef RELAY_RECORD_READ_H
#define RELAY_RECORD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/span.h"
#include "message/header_list.h"
#include "message/message.h"
#include "message/response.h"
#include "relay/record.h"
#include "relay/record_tap.h"

/*      id                 name, as it is counted */
#define RECORD_FAULTS(X)                                                                                             \
	X(NOT_CLOUDEVENTS, "not_cloudevents")     /* specversion, type, source or id is missing */                    \
	X(VERSION,         "version")             /* specversion is not 1.0 */                                       \
	X(TYPE,            "type")                /* another one than was expected */                                \
	X(ID,              "id")                  /* badly encoded, or too long */                                   \
	X(SOURCE,          "source")              /* likewise */                                                     \
	X(SEQUENCE,        "sequence")            /* not a number */                                                 \
	X(TIME,            "time")                /* not of RFC 3339 */                                              \
	X(CONTENT_TYPE,    "content_type")        /* not application/http, or of the other kind of message */        \
	X(HTTP_VERSION,    "http_version")        /* httpversion is neither 1.0, 1.1 nor 2, or the data's is neither of the first two */ \
	X(TAP,             "tap")                 /* see record_tap.h */                                             \
	X(START_LINE,      "start_line")          /* no request line, or status line */                              \
	X(FIELD,           "field")               /* a line of the head is no field */                               \
	X(HEAD,            "head")                /* it has no end, or not within RESPONSE_HEAD_MAX */               \
	X(ENCODING,        "transfer_encoding")   /* there is one, which an answer alone may have: chunked */        \
	X(LENGTH,          "length")              /* Content-Length is no number, there twice, not that of the rest, or wanting */ \
	X(CHUNKS,          "chunks")              /* the body of an answer with trailers is not in the form of RFC 9112, 7.1 */ \
	X(RESULT,          "result")              /* of an answer: unknown, or with data and not whole, or whole and without */

enum record_fault {
	RECORD_FINE,
#define X(id, name) RECORD_FAULT_##id,
	RECORD_FAULTS(X)
#undef X
	RECORD_FAULT_COUNT
};

/** record_fault_name() - "fine" of none */
const char *record_fault_name(enum record_fault fault);

/** struct record_fields - what came, borrowed: values as they are in the message, at NULL where there is no such field */
struct record_fields {
	struct span id, specversion, type, source, sequence, time, content_type, tap, http_version;
	struct span data;
};

/** record_fields_set() - a field of the message, by its name in letters of any case; the first counts, others are stepped over */
void record_fields_set(struct record_fields *f, struct span name, struct span value);

/** record_kind_of() - by its type alone */
enum record_kind record_kind_of(const struct record_fields *in);

/** RECORD_SOURCE_MAX - bytes of a source, or an id, when decoded */
#define RECORD_SOURCE_MAX 256

/** struct record_event - the attributes of any record; own memory */
struct record_event {
	struct wire_id id; /* of a producer that is no tap: made from its source and id (wire_id.h) */
	char source[RECORD_SOURCE_MAX + 1];
	size_t source_len; /* a NUL follows, and may be in it */
	uint64_t sequence;
	struct wall time;
	bool has_sequence, has_time;
};

/** record_read_event() - of any kind, which is not looked at. Return: 0, or -EBADMSG with *@why */
int record_read_event(const struct record_fields *in, struct record_event *out, enum record_fault *why);

/**
 * struct record_request - a request that was read; the zero value is ready, and may be used again
 * @head:    borrowed from the record's data and from @fields
 * @body:    likewise
 * @origin:  as the tap says. Without that, no ends, and both times are ce-time, 0 if there is none either;
 *           id is that on the tap, or, where there is none, the upper half of the wire id
 */
struct record_request {
	struct record_event event;
	struct request_head head;
	struct span body;
	struct request_origin origin;
	struct span arrivals; /* as in struct record_tap; none is behind the body's end */
	uint32_t grpc_messages; /* of a call of gRPC: how many are in its body */
	bool expects_answer;
	struct header_list fields; /* own memory */
};

/**
 * record_read_request() - all of it is checked, as said at the top
 * Return: 0; -EBADMSG with *@why; -ENOMEM.
 */
int record_read_request(const struct record_fields *in, struct record_request *out, enum record_fault *why);

/** record_request_deinit() - free the memory; usable again */
void record_request_deinit(struct record_request *r);

/**
 * record_request_message() - the message that the record was made of, with its body
 * Return: given; NULL when out of memory or over the budget.
 */
struct message *record_request_message(const struct record_request *r, struct budget *budget);

/** struct record_answer - production's response to the request of event.id; @response is given */
struct record_answer {
	struct record_event event;
	struct response *response;
};

/**
 * record_read_answer() - likewise
 * @max:  a longer body makes it RESPONSE_TOO_LARGE
 * Return: 0; -EBADMSG with *@why; -ENOMEM, also when over the budget.
 */
int record_read_answer(const struct record_fields *in, struct budget *budget, uint64_t max, struct record_answer *out,
		       enum record_fault *why);

#endif
