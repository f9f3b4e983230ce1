/*
 * response.h - one HTTP response, of production or of a shadow, or what is known of it
 *
 * Kept only where responses are compared. Production's is made by the http
 * floor, the shadow's by the replay floor; both bodies are de-chunked and
 * otherwise as they came. A response of which something is missing has no body:
 * its result says why, and it is never compared.
 */
#ifndef MESSAGE_RESPONSE_H
#define MESSAGE_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/budget.h"
#include "base/span.h"
#include "message/arrival.h"

/*      id             name, as reports count it */
#define RESPONSE_RESULTS(X)                                                                                  \
	X(WHOLE,       "whole")                                                                              \
	X(UNSEEN,      "unseen")       /* no byte of it was captured: one direction only, or none was sent */ \
	X(OUT_OF_STEP, "out_of_step")  /* after a gap it is not known which response belongs to the request */ \
	X(GAP,         "gap")          /* bytes of it were not captured */                                   \
	X(TRUNCATED,   "truncated")    /* packets were cut by the snaplen */                                 \
	X(BROKEN_OFF,  "broken_off")   /* the connection ended, or was reset, before its end */              \
	X(CUT_AT_END,  "cut_at_end")   /* the capture ended before it did */                                 \
	X(TOO_LARGE,   "too_large")    /* longer than --max-answer */                                        \
	X(MEMORY,      "memory")       /* --max-memory was reached */                                        \
	X(MALFORMED,   "malformed")                                                                          \
	X(UPGRADED,    "upgraded")     /* 101, or 2xx to CONNECT */

enum response_result {
#define X(id, name) RESPONSE_##id,
	RESPONSE_RESULTS(X)
#undef X
	RESPONSE_RESULT_COUNT
};

struct header;

struct response {
	enum response_result result;
	int status_code;              /* 0: not known */
	const struct header *headers; /* of the final response; borrowed from this response's own memory */
	size_t header_count;
	const struct header *trailers; /* the fields after the body (RFC 9110, 6.5); own memory; only with RESPONSE_WHOLE */
	size_t trailer_count;
	bool is_part; /* HTTP/2: there were more fields, before or after the body, of which nothing is known */
	uint8_t *body;     /* own memory; only with RESPONSE_WHOLE */
	uint64_t body_len;
	size_t body_cap;
	int64_t first_byte_us, last_byte_us; /* after the request's last byte; -1: not known. Below 0 never. */
	struct arrival *arrivals; /* of event streams (text/event-stream) and gRPC; after the request's last byte; own memory */
	size_t arrival_count, arrival_cap;
	struct budget *budget; /* to which @charged was charged */
	size_t charged;
};

#define RESPONSE_HEAD_MAX (256u << 10)

const char *response_result_name(enum response_result result);

/** response_header() - value of the first field called @name (any case), or NULL */
const struct span *response_header(const struct response *r, struct span name);

/** struct response_head - the fields of a response while they come in, in pieces of any size; zero is empty */
struct response_head {
	struct buffer text;           /* names and values, one after the other */
	struct buffer lengths;        /* a pair of uint32_t for each field */
	uint32_t name_len, value_len; /* of the field at hand */
};

/* False when out of memory or above RESPONSE_HEAD_MAX. */
bool response_head_name(struct response_head *h, struct span piece);
bool response_head_value(struct response_head *h, struct span piece);
bool response_head_end_field(struct response_head *h);
void response_head_clear(struct response_head *h);
void response_head_deinit(struct response_head *h);

/**
 * response_new() - a response with a copy of @head (NULL: none is known), whole so far, without a body
 * Return: given to the caller; NULL when out of memory or over the budget.
 */
struct response *response_new(int status_code, const struct response_head *head, struct budget *budget);

/**
 * response_add_body() - more of the body, de-chunked; @expected: its whole length if that is known, else 0
 *
 * What cannot be kept (longer than @max, refused by the budget) changes the result and drops the body; later calls do nothing then.
 */
void response_add_body(struct response *r, struct span bytes, uint64_t expected, uint64_t max);

/**
 * response_set_trailers() - the fields that came after the body, copied; once, of a response that is whole
 * Trailers that cannot be kept are left out: what they say is aside from the response.
 */
void response_set_trailers(struct response *r, const struct response_head *trailers);

/** response_add_arrival() - the bytes of the body from here on come at @us; what cannot be kept is left out */
void response_add_arrival(struct response *r, int64_t us);

/** response_is_stream() - of events, whose arrivals are worth keeping? */
bool response_is_stream(const struct response *r);

/** response_invalidate() - it will not be whole: drop the body; the first result stays */
void response_invalidate(struct response *r, enum response_result result);

/** response_free() - NULL allowed; releases the charge */
void response_free(struct response *r);

#endif
