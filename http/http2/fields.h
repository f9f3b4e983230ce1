/*
 * fields.h - what the fields of a header block say: the head of a request, its trailers, or a response (RFC 9113, 8)
 */
#ifndef HTTP_HTTP2_FIELDS_H
#define HTTP_HTTP2_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http2/hpack.h"
#include "message/message.h"

enum fields_kind {
	FIELDS_REQUEST,
	FIELDS_TRAILERS,  /* no pseudo-header is among them */
	FIELDS_TUNNEL,    /* CONNECT, extended or not (RFC 9113, 8.5; RFC 8441) */
	FIELDS_UNKNOWN,   /* :method or :path may be among what is not known, or the head is larger than is kept */
	FIELDS_MALFORMED, /* a server must refuse it (8.1.1, 8.2, 8.3) */
};

#define FIELDS_HEADS 16 /* that one lane has; a power of two */

/** struct fields_head - a head as the floors above know it; spans borrowed as those of struct hpack_head are */
struct fields_head {
	enum fields_kind kind;
	struct request_head head;
	uint64_t content_length;
	bool has_length;
	bool is_whole;   /* every field is known */
	uint64_t number; /* of the hpack_head that it was made of; 0: of none */
	unsigned place;  /* which of the lane's it is: set before the first use, so that no two give a head the same number */
	struct header headers[HPACK_FIELDS_MAX + 1];
};

/**
 * fields_of_request() - judge what a client has sent
 * @h:    as hpack_decode() has left it
 * @out:  zero but for @place, or used before for @h alone: where @h did not change nothing is done again
 *
 * The regular fields stand as they came, behind a field "host" with the value of :authority if they have none.
 * Where a field is unknown, what may be missing is not held against the head.
 */
void fields_of_request(const struct hpack_head *h, struct fields_head *out);

/** struct fields_response - of a response's head */
struct fields_response {
	int status_code; /* 0: unknown, or malformed */
	bool is_part;    /* not all fields are known */
};

/** fields_of_response() - :status, and whether there is more */
struct fields_response fields_of_response(const struct hpack_head *h);

#endif
