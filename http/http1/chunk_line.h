/*
 * chunk_line.h - the line before each chunk: its size, and extensions, which have no effect (RFC 9112, 7.1)
 *
 * Theory of operation. Parsers differ here: llhttp 8 refuses a second extension,
 * llhttp 9 takes it; servers take blanks after the size, llhttp doesn't. So the
 * line is read here, the same with every llhttp, and llhttp is given the size
 * and the end of the line alone. Tried on nginx 1.22, Node 20, uvicorn with h11
 * and aiohttp: wherever they differ, some refuse the request, and all who take
 * it see the same bytes. So what most of them take is taken:
 *
 *   size [blanks] [";" anything] CRLF
 *
 * What a server could see another end of the line in is not: CR or LF alone,
 * anywhere, also in quotes; NUL and the other controls but the tab; quotes that
 * the line's end leaves open; and a line that is longer than servers read.
 */
#ifndef HTTP_HTTP1_CHUNK_LINE_H
#define HTTP_HTTP1_CHUNK_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define CHUNK_LINE_MAX 4096 /* what Go reads; others read more */

enum chunk_part {
	CHUNK_SIZE,   /* digits */
	CHUNK_BLANKS, /* ... are over: blanks, ";" or the line's end */
	CHUNK_EXTENSION,
	CHUNK_QUOTED,
	CHUNK_ESCAPED, /* in quotes, after a backslash */
	CHUNK_LF,      /* after the CR */
};

/** struct chunk_line - how far one was read; zero: its first byte comes next */
struct chunk_line {
	enum chunk_part part;
	uint16_t len;
	bool has_size;
};

enum chunk_take {
	CHUNK_MORE,  /* go on with what is left in @in, or with the next bytes */
	CHUNK_DONE,  /* the line is over: @line is as new */
	CHUNK_WRONG, /* see the top */
};

/**
 * chunk_line_take() - read on in @in; what was read is gone from it
 * @feed: what llhttp is to be given of that: digits or, with CHUNK_DONE, the end of the line with or without digits before it
 */
enum chunk_take chunk_line_take(struct chunk_line *line, struct span *in, struct span *feed);

#endif
