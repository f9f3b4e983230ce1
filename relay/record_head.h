/*
 * record_head.h - the head of a record's data, in the strict form (record_read.h)
 */
#ifndef RELAY_RECORD_HEAD_H
#define RELAY_RECORD_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digits.h"
#include "base/span.h"
#include "message/header_list.h"
#include "relay/record_read.h"

/** struct record_head - borrowed from the data */
struct record_head {
	struct span line;     /* the first, without its CRLF */
	struct span encoding; /* with has_encoding: the value of Transfer-Encoding */
	uint64_t length;      /* with has_length: Content-Length */
	bool has_length, has_encoding;
};

/** struct record_request_line - what the first line of a request says */
struct record_request_line {
	struct span method, target;
	uint8_t version_minor;
};

/** record_number_read() - of at most 18 digits, so that nothing that is counted from it overflows */
static inline bool record_number_read(struct span text, uint64_t *out)
{
	return text.len <= 18 && digits_read(text, out);
}

/** record_content_check() - is the data of type application/http, and @kind "request" or "response" (record_read.c)? */
enum record_fault record_content_check(const struct record_fields *in, struct span kind);

/**
 * record_head_read() - take the head from the front of @data
 * @fields:  all of them are added, in order; it may fail to (header_list_ok())
 */
enum record_fault record_head_read(struct span *data, struct record_head *out, struct header_list *fields);

/** record_trailers_read() - likewise the lines behind the last chunk, to the empty one */
enum record_fault record_trailers_read(struct span *data, struct header_list *fields);

/** record_line_take() - a line without its CRLF from the front of @in; false if there is none, or CR, LF or NUL in it */
bool record_line_take(struct span *in, struct span *line);

/** record_request_line_read() - METHOD SP target SP HTTP/1.x, with one space each */
enum record_fault record_request_line_read(struct span line, struct record_request_line *out);

/** record_status_line_read() - HTTP/1.x SP status, and a reason, which is stepped over; the status is 200 or above */
enum record_fault record_status_line_read(struct span line, int *status);

#endif
