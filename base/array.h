/*
 * array.h - arrays that grow one element at a time
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST 32

/** array_room() - for one more element of @size bytes in @array of @count, with room for @cap; false when out of memory */
static inline bool array_room(void **array, size_t *cap, size_t count, size_t size)
{
	size_t larger = *cap ? *cap * 2 : ARRAY_FIRST;
	void *grown;

	if (count < *cap)
		return true;
	grown = realloc(*array, larger * size);
	if (!grown)
		return false;
	*array = grown;
	*cap = larger;
	return true;
}

#endif
