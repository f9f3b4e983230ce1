/*
 * sse.h - a body of server-sent events, taken apart
 *
 * As a browser reads them (WHATWG HTML, 9.2.6), but for one thing: what stands
 * behind the last blank line is lost to a browser, and here it is handed out
 * and marked, since a stream that broke off must not look like a shorter one.
 */
#ifndef COMPARE_SSE_H
#define COMPARE_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

/** struct event - one event with data; the spans are borrowed until the next one is asked for */
struct event {
	struct span type; /* of its "event:" line; empty: "message" */
	struct span data; /* its "data:" lines, with a line feed between them */
	uint64_t end;     /* offset in the body behind its last byte */
	bool unfinished;  /* the body ends before the blank line */
};

struct sse_reader {
	struct span rest;
	uint64_t at;         /* offset of rest in the body */
	struct buffer lines; /* data of several lines */
	bool unfinished;     /* the body ended within an event or a comment */
};

/** sse_reader_begin() - read @body (borrowed); a zeroed reader or one that has been used */
void sse_reader_begin(struct sse_reader *r, struct span body);

/** sse_next() - 1 with an event, 0 at the end, -ENOMEM */
int sse_next(struct sse_reader *r, struct event *out);

void sse_reader_deinit(struct sse_reader *r);

#endif
