/* pool.c - see pool.h */
#include "base/pool.h"

#include <stdlib.h>

#define NUMBERS_FIRST 16

void pool_init(struct pool *p, size_t size)
{
	*p = (struct pool){ .size = size, .count = 1 };
}

void pool_deinit(struct pool *p)
{
	free(p->newest); /* the one that was kept */
	free(p->numbers);
}

static void join(struct pool *p, struct pool_slab *slab)
{
	slab->newer = NULL;
	slab->older = p->newest;
	if (p->newest)
		p->newest->newer = slab;
	p->newest = slab;
}

static void leave(struct pool *p, struct pool_slab *slab)
{
	if (slab->newer)
		slab->newer->older = slab->older;
	else
		p->newest = slab->older;
	if (slab->older)
		slab->older->newer = slab->newer;
}

/** make_number() - one more; 0 when out of memory, or when places no longer fit their type */
static uint32_t make_number(struct pool *p)
{
	if (p->count == p->room || !p->numbers) {
		uint32_t room = p->room ? 2 * p->room : NUMBERS_FIRST;
		union pool_number *more;

		if (room > UINT32_MAX / POOL_SLAB)
			return 0;
		more = realloc(p->numbers, room * sizeof(*more));
		if (!more)
			return 0;
		p->numbers = more;
		p->room = room;
	}
	return p->count++;
}

static struct pool_slab *slab_new(struct pool *p)
{
	struct pool_slab *slab = malloc(sizeof(*slab) + POOL_SLAB * p->size);
	uint32_t number = p->unused;

	if (slab && number)
		p->unused = p->numbers[number].next_unused;
	else if (slab)
		number = make_number(p);
	if (!slab || !number) {
		free(slab);
		return NULL;
	}
	slab->number = number;
	slab->free = UINT32_MAX;
	p->numbers[number].slab = slab;
	join(p, slab);
	return slab;
}

uint32_t pool_take(struct pool *p)
{
	struct pool_slab *slab = p->newest ? p->newest : slab_new(p);
	uint32_t at;

	if (!slab)
		return 0;
	at = (uint32_t)__builtin_ctz(slab->free);
	slab->free &= slab->free - 1;
	if (!slab->free)
		leave(p, slab);
	return slab->number * POOL_SLAB + at;
}

void pool_give(struct pool *p, uint32_t place)
{
	struct pool_slab *slab = p->numbers[place / POOL_SLAB].slab;

	if (!slab->free)
		join(p, slab);
	slab->free |= 1U << place % POOL_SLAB;
	if (slab->free != UINT32_MAX || (p->newest == slab && !slab->older))
		return;
	leave(p, slab);
	p->numbers[slab->number].next_unused = p->unused;
	p->unused = slab->number;
	free(slab);
}
