/*
 * sequence.h - TCP sequence numbers, which wrap at 2^32
 *
 * Two numbers are compared by their signed distance (RFC 9293, 3.4), so half
 * of the space lies ahead of a number and half behind it. Nothing in this
 * floor compares them in another way.
 */
#ifndef REASSEMBLY_SEQUENCE_H
#define REASSEMBLY_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/** seq_distance() - how many bytes @to lies ahead of @from; negative if behind */
static inline int32_t seq_distance(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return seq_distance(a, b) > 0;
}

static inline uint32_t seq_later(uint32_t a, uint32_t b)
{
	return seq_before(a, b) ? b : a;
}

#endif
