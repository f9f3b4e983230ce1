/*
 * texts.c - see texts.h
 *
 * An owner is a chain of blocks, one malloc each: a command line has tens of
 * texts, not millions, so packing them would save nothing. A list that is full
 * moves to an array twice as long and leaves the old one to the owner, which
 * costs at most as much again as the list itself.
 */
#include "app/options/texts.h"

#include <stdlib.h>
#include <string.h>

#define LIST_FIRST 4

struct block {
	struct block *next;
	max_align_t bytes[];
};

struct texts_owner {
	struct block *blocks;
};

static void *owner_alloc(struct texts_owner *owner, size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = owner->blocks;
	owner->blocks = b;
	return b->bytes;
}

struct texts_owner *texts_owner_new(void)
{
	return calloc(1, sizeof(struct texts_owner));
}

void texts_owner_free(struct texts_owner *owner)
{
	struct block *next;

	if (!owner)
		return;
	for (struct block *b = owner->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	free(owner);
}

const char *texts_copy(struct texts_owner *owner, struct span text)
{
	char *copy = owner_alloc(owner, text.len + 1);

	if (!copy)
		return NULL;
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return copy;
}

/* Full are the lengths 0, 4, 8, 16, ...: the capacity follows from the count and need not be stored. */
static bool list_is_full(size_t count)
{
	return count == 0 || (count >= LIST_FIRST && (count & (count - 1)) == 0);
}

bool texts_add(struct texts_owner *owner, struct texts *list, const char *text)
{
	if (list_is_full(list->count)) {
		size_t room = list->count ? list->count * 2 : LIST_FIRST;
		const char **at = owner_alloc(owner, room * sizeof(*at));

		if (!at)
			return false;
		if (list->count > 0)
			memcpy(at, list->at, list->count * sizeof(*at));
		list->at = at;
	}
	list->at[list->count++] = text;
	return true;
}
