/*
 * pool.h - memory for many things of one size, each at a place with a number
 *
 * Theory of operation. A table that refers to its things by number takes half
 * the memory of one that holds pointers, and what was taken one after another
 * lies one after another. Things lie in slabs of POOL_SLAB; a slab whose last
 * thing is given back goes back to the heap, so a pool that was large once does
 * not stay so. One slab with room is kept, or a thing taken and given back in
 * turn at the edge of a slab would make and free one each time.
 *
 * Of a slab the lowest free place is taken first, of the slabs the one that got
 * room last: its memory is the likeliest to be in a cache.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_SLAB 32 /* one bit of a word each */

struct pool_slab {
	struct pool_slab *older, *newer; /* among those with room */
	uint32_t number;
	uint32_t free; /* a bit for each free place */
	_Alignas(max_align_t) uint8_t things[];
};

/** union pool_number - what belongs to the number of a slab: it, or the next number that has none */
union pool_number {
	struct pool_slab *slab;
	uint32_t next_unused;
};

struct pool {
	size_t size;                /* of a thing */
	union pool_number *numbers; /* 0 is never used: so neither are the places below POOL_SLAB */
	uint32_t count, room;
	uint32_t unused;          /* the first of the numbers without a slab, or 0 */
	struct pool_slab *newest; /* of those with room */
};

/** pool_init() - for things of @size bytes, which may be put anywhere that is aligned for max_align_t in steps of it */
void pool_init(struct pool *p, size_t size);

/** pool_deinit() - everything must have been given back */
void pool_deinit(struct pool *p);

/** pool_take() - the place of a thing, which is never 0, its bytes whatever they were; 0 when out of memory */
uint32_t pool_take(struct pool *p);

/** pool_give() - back; what lay there is gone */
void pool_give(struct pool *p, uint32_t place);

/** pool_at() - what lies at a place that was taken */
static inline void *pool_at(const struct pool *p, uint32_t place)
{
	return p->numbers[place / POOL_SLAB].slab->things + place % POOL_SLAB * p->size;
}

#endif
