/*
 * arrivals.h - when a byte of a response's body came
 */
#ifndef COMPARE_ARRIVALS_H
#define COMPARE_ARRIVALS_H

#include "message/response.h"

/**
 * arrival_us() - when the byte before @end came; -1: not known
 * @hint:  0 before the first question; questions ascend
 */
static inline int64_t arrival_us(const struct response *from, uint64_t end, size_t *hint)
{
	const struct arrival *a = from->arrivals;
	size_t i = *hint;

	while (i + 1 < from->arrival_count && a[i + 1].offset < end)
		i++;
	*hint = i;
	if (i >= from->arrival_count || a[i].offset >= end ||
	    i + 1 == ARRIVALS_MAX) /* behind the last one anything may be */
		return -1;
	return a[i].us;
}

#endif
