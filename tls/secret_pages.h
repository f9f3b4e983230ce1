/*
 * secret_pages.h - memory for secrets: pages that are locked where the system permits it, in no core dump, and wiped
 *
 * Theory of operation. A pool hands out slots of one size, cut from chunks that are mapped for it. A chunk that cannot be
 * locked is used all the same: how much may be is for the system to say (RLIMIT_MEMLOCK, ulimit -l), and the pool
 * remembers that there was one. A slot that is given back is wiped at once, and used again; chunks stay until the pool
 * ends, so that it has as many as were needed at a time. A chunk begins at a multiple of its size, and says whose it is:
 * what is in a slot need not know its pool.
 *
 * A pool belongs to one thread, or to who holds a lock for it.
 */
#ifndef TLS_SECRET_PAGES_H
#define TLS_SECRET_PAGES_H

#include <stdbool.h>
#include <stddef.h>

struct secret_chunk;

/** struct secret_pages - a pool, which stays where it is; the zero value with its slot_size set is one that has nothing yet */
struct secret_pages {
	size_t slot_size; /* bytes: of a pointer at least, and a multiple of its size */
	struct secret_chunk *chunks;
	void *free;
	bool is_unlocked; /* some chunk is */
};

/** secret_pages_take() - a slot, all zero; NULL when out of memory */
void *secret_pages_take(struct secret_pages *pages);

/** secret_pages_of() - the pool that @slot is of */
struct secret_pages *secret_pages_of(const void *slot);

/** secret_pages_put() - wipe @slot and give it back; NULL allowed */
void secret_pages_put(void *slot);

/** secret_pages_deinit() - wipe and free all, also what was not given back; it has nothing again */
void secret_pages_deinit(struct secret_pages *pages);

#endif
