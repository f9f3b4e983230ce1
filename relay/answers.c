/*
 * answers.c - see answers.h: a table by id, and the order of age through it
 *
 * The order is that in which requests were sent. Of one partition that is the
 * order of the stream; so the first of a partition in it is that partition's oldest.
 */
#include "relay/answers.h"

#include <stdlib.h>

#include "base/hash.h"

#define SLOTS (2 * ANSWERS_MAX)
#define NONE UINT32_MAX

struct waiting {
	uint64_t high, low, token;
	struct wall stored;
	uint32_t partition;
	uint32_t older, newer; /* by age */
	uint32_t next;         /* in its slot, or of the free ones */
};

struct answers {
	struct hash_key key;
	size_t count;
	uint32_t used, free, oldest, newest;
	uint32_t slots[SLOTS];
	struct waiting entries[ANSWERS_MAX];
};

struct answers *answers_new(void)
{
	struct answers *a = calloc(1, sizeof(*a)); /* pages that are never touched take no memory */

	if (!a)
		return NULL;
	a->key = hash_key_random();
	a->free = a->oldest = a->newest = NONE;
	return a;
}

void answers_free(struct answers *a)
{
	free(a);
}

static uint32_t *slot_of(struct answers *a, uint64_t high, uint64_t low)
{
	uint64_t id[2] = { high, low };

	return &a->slots[hash_bytes(&a->key, id, sizeof(id)) % SLOTS];
}

/* Slots hold the index and one, so that 0 is an empty slot. */
static struct waiting *find(struct answers *a, uint64_t high, uint64_t low)
{
	for (uint32_t i = *slot_of(a, high, low); i; i = a->entries[i - 1].next)
		if (a->entries[i - 1].high == high && a->entries[i - 1].low == low)
			return &a->entries[i - 1];
	return NULL;
}

static uint64_t take(struct answers *a, struct waiting *w)
{
	uint32_t index = (uint32_t)(w - a->entries), *at = slot_of(a, w->high, w->low);

	while (*at != index + 1)
		at = &a->entries[*at - 1].next;
	*at = w->next;
	*(w->older == NONE ? &a->oldest : &a->entries[w->older].newer) = w->newer;
	*(w->newer == NONE ? &a->newest : &a->entries[w->newer].older) = w->older;
	w->next = a->free;
	a->free = index;
	a->count--;
	return w->token;
}

uint64_t answers_take(struct answers *a, uint64_t high, uint64_t low)
{
	struct waiting *w = find(a, high, low);

	return w ? take(a, w) : 0;
}

uint64_t answers_take_any(struct answers *a)
{
	return a->oldest == NONE ? 0 : take(a, &a->entries[a->oldest]);
}

uint64_t answers_expect(struct answers *a, uint64_t high, uint64_t low, uint32_t partition, struct wall stored, uint64_t token)
{
	uint64_t given_up = 0;
	struct waiting *w;
	uint32_t *slot, index;

	if (find(a, high, low))
		return token;
	if (a->count == ANSWERS_MAX)
		given_up = answers_take_any(a);
	index = a->free != NONE ? a->free : a->used++;
	w = &a->entries[index];
	if (index == a->free)
		a->free = w->next;
	slot = slot_of(a, high, low);
	*w = (struct waiting){ high, low, token, stored, partition, a->newest, NONE, *slot };
	*slot = index + 1;
	*(a->newest == NONE ? &a->oldest : &a->entries[a->newest].newer) = index;
	a->newest = index;
	a->count++;
	return given_up;
}

uint64_t answers_overdue(struct answers *a, uint32_t partition, struct wall reached)
{
	for (uint32_t i = a->oldest; i != NONE; i = a->entries[i].newer) {
		struct waiting *w = &a->entries[i];

		if (w->partition == partition)
			return wall_between(w->stored, reached) > ANSWERS_WAIT_NS ? take(a, w) : 0;
	}
	return 0;
}

size_t answers_waiting(const struct answers *a)
{
	return a->count;
}
