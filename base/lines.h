/*
 * lines.h - memory that shares no cache line with anything else
 *
 * What a lane writes for every packet must not lie in a line of which another
 * lane uses a part, or each write takes the line away from the other. Two such
 * structs that were taken one after the other do share one; on two cores that
 * made two lanes slower than one.
 */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINES_BYTES 128 /* two lines of 64: processors fetch the neighbour as well */

/** lines_calloc() - @bytes of zeros on lines of their own; NULL when out of memory; free() */
static inline void *lines_calloc(size_t bytes)
{
	size_t whole = (bytes + LINES_BYTES - 1) / LINES_BYTES * LINES_BYTES;
	void *p = aligned_alloc(LINES_BYTES, whole);

	return p ? memset(p, 0, whole) : NULL;
}

#endif
