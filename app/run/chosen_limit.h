/*
 * chosen_limit.h - -c N: so many requests are chosen, by all lanes together
 *
 * Theory of operation: a lane reserves one of the N before it hands a request
 * over, and tells afterwards whether that succeeded, so that the lanes together
 * never choose more than N, and a request that the ring had no room for leaves
 * its share to another. Without a limit nothing is counted, since lanes share
 * these cache lines.
 */
#ifndef APP_RUN_CHOSEN_LIMIT_H
#define APP_RUN_CHOSEN_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** struct chosen_limit - any thread */
struct chosen_limit {
	uint64_t limit;            /* 0: none */
	_Atomic uint64_t reserved; /* handed over, or about to be */
	_Atomic uint64_t chosen;   /* handed over: at the limit, all lanes end */
};

/** chosen_limit_reached() - are all N handed over? */
static inline bool chosen_limit_reached(struct chosen_limit *c)
{
	return c->limit > 0 && atomic_load_explicit(&c->chosen, memory_order_relaxed) >= c->limit;
}

/** chosen_limit_reserve() - one of the N for a request that would be chosen; false if none is left */
static inline bool chosen_limit_reserve(struct chosen_limit *c)
{
	if (c->limit == 0 || atomic_fetch_add_explicit(&c->reserved, 1, memory_order_relaxed) < c->limit)
		return true;
	atomic_fetch_sub_explicit(&c->reserved, 1, memory_order_relaxed);
	return false;
}

/** chosen_limit_complete() - after chosen_limit_reserve(): it was handed over, or not, and another may have its share */
static inline void chosen_limit_complete(struct chosen_limit *c, bool chosen)
{
	if (c->limit == 0)
		return;
	if (chosen)
		atomic_fetch_add_explicit(&c->chosen, 1, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&c->reserved, 1, memory_order_relaxed);
}

#endif
