/* header_list.c - see header_list.h */
#include "message/header_list.h"

#include <stdlib.h>

void header_list_add(struct header_list *l, struct span name, struct span value)
{
	if (l->failed)
		return;
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct header *at = realloc(l->at, cap * sizeof(*at));

		if (!at) {
			l->failed = true;
			return;
		}
		l->at = at;
		l->cap = cap;
	}
	l->at[l->count++] = (struct header){ name, value };
}

void header_list_deinit(struct header_list *l)
{
	free(l->at);
	*l = (struct header_list){ 0 };
}
