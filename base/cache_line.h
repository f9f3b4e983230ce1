/*
 * cache_line.h - memory that shares no cache line with anything else
 *
 * What a lane writes for every packet must not lie in a line of which another
 * lane uses a part, or each write takes the line away from the other. Two such
 * structs that were taken one after the other do share one; on two cores that
 * made two lanes slower than one.
 */
#ifndef BASE_CACHE_LINE_H
#define BASE_CACHE_LINE_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

/** cache_line_calloc() - @bytes of zeros on lines of their own; NULL when out of memory; free() */
static inline void *cache_line_calloc(size_t bytes)
{
	const size_t pair = 2 * CACHE_LINE; /* processors fetch the neighbour as well */
	size_t whole = (bytes + pair - 1) / pair * pair;
	void *p = aligned_alloc(pair, whole);

	return p ? memset(p, 0, whole) : NULL;
}

#endif
