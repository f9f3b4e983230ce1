/*
 * proxy_header.h - the PROXY protocol: who the client is, said by a proxy before a connection's first byte
 *
 * HAProxy's "The PROXY protocol, versions 1 & 2". Version 1 is a line of at most
 * 107 bytes, version 2 is binary and says how long it is. A reader of one in
 * pieces keeps PROXY_HEADER_MAX bytes at most: what is longer is of no
 * interest, and is only counted off.
 */
#ifndef REASSEMBLY_PROXY_HEADER_H
#define REASSEMBLY_PROXY_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/span.h"

#define PROXY_HEADER_MAX  107
#define PROXY_HEADER_SURE 6 /* what goes on like a header after so many bytes is no HTTP */

enum proxy_match {
	PROXY_NONE,  /* these bytes begin with no such header */
	PROXY_WRONG, /* ... with one that is malformed */
	PROXY_MORE,  /* all bytes fit, but they are too few to say */
	PROXY_WHOLE, /* all that matters of it is here */
};

struct proxy_header {
	uint32_t len;           /* may be more than was looked at: addresses come first */
	struct endpoint client; /* family 0: it names none (UNKNOWN, LOCAL, a UNIX socket) */
};

/** proxy_header_read() - does a connection whose first bytes are @s begin with a header? @out is set with PROXY_WHOLE */
enum proxy_match proxy_header_read(struct span s, struct proxy_header *out);

/** struct proxy_reader - a header of which more may come; zero: its first byte comes next */
struct proxy_reader {
	struct proxy_header header; /* after PROXY_WHOLE */
	uint32_t left;              /* ... so many of its bytes are still to come, and to be passed over */
	bool is_over;               /* ... and none is left; or it was none */
	uint8_t len;
	uint8_t bytes[PROXY_HEADER_MAX];
};

/**
 * proxy_reader_feed() - the next bytes of the connection; what belongs to the header is gone from @in
 *
 * Return: as proxy_header_read(). With PROXY_NONE @in is untouched, and what was kept in @bytes before belongs to it.
 */
enum proxy_match proxy_reader_feed(struct proxy_reader *p, struct span *in);

/** proxy_reader_gap() - @bytes are missing here: as many as belong to the header are taken off */
void proxy_reader_gap(struct proxy_reader *p, uint32_t *bytes);

/** proxy_header_possible() - quick, for every connection: false is the response for nearly all */
static inline bool proxy_header_possible(struct span s)
{
	return s.len > 0 && ((s.at[0] == 'P' && (s.len == 1 || s.at[1] == 'R')) ||
			     (s.at[0] == '\r' && (s.len == 1 || s.at[1] == '\n')));
}

#endif
