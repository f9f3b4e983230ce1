/*
 * header_list.h - fields of a message in order: names and values, in no wire format
 *
 * A list that could not grow remembers it: later additions do nothing and
 * header_list_ok() is false, so a builder of many fields checks once, at the
 * end. The zero value is an empty list.
 */
#ifndef MESSAGE_HEADER_LIST_H
#define MESSAGE_HEADER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct header {
	struct span name, value; /* value without surrounding white space, bytes as captured */
};

struct header_list {
	struct header *at; /* own memory; the bytes are not */
	size_t count, cap;
	bool failed;
};

/** header_list_add() - one more field; the bytes of @name and @value are borrowed for the life of the list */
void header_list_add(struct header_list *l, struct span name, struct span value);

/** header_list_clear() - forget the fields, keep the memory */
static inline void header_list_clear(struct header_list *l)
{
	l->count = 0;
	l->failed = false;
}

static inline bool header_list_ok(const struct header_list *l)
{
	return !l->failed;
}

/** header_list_deinit() - free the memory; the list is empty and usable again */
void header_list_deinit(struct header_list *l);

#endif
