/*
 * chunk.h - what a stream hands upward: bytes in order, and where they lie
 *
 * Theory of operation. A position is an offset: a 64-bit number that grows by
 * one with each byte of a direction and never wraps. Offsets of one direction
 * are compared with < and subtracted; where they start means nothing, for the
 * first byte of a stream may never be seen.
 *
 * Of a TCP stream (stream.c) the lower half of an offset is the sequence number,
 * so that translating one costs a subtraction, and a byte that was mentioned
 * before the stream's start was known has the same offset afterwards. A filter
 * between TCP and a reader (TLS) hands on offsets of its own stream and
 * translates @peer_read to the last byte that the sender had read whole.
 */
#ifndef REASSEMBLY_CHUNK_H
#define REASSEMBLY_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"

/** struct chunk - bytes that are next in order, all from one segment, and what that segment said */
struct chunk {
	struct span bytes;  /* borrowed: the packet, or the held copy */
	struct wall at;     /* when the segment was captured */
	uint64_t offset;    /* of the first byte */
	uint64_t peer_read; /* with peer_known: how far the sender had read the other direction, in its offsets */
	bool peer_known;
};

/** chunk_skip() - drop the first @n bytes, or all */
static inline void chunk_skip(struct chunk *c, size_t n)
{
	if (n > c->bytes.len)
		n = c->bytes.len;
	span_skip(&c->bytes, n);
	c->offset += n;
}

/** struct stream_place - how far a direction was handed on, for who reads the other one; kept by its stream */
struct stream_place {
	uint64_t next;       /* with synced: the byte that the reader waits for */
	uint64_t base;       /* ... and the one with which it began */
	uint32_t held_count; /* segments that wait behind a gap */
	bool synced;         /* it is known where the direction begins, or from where it is read */
	bool seen;           /* some segment of it was captured, with bytes or without */
};

#endif
