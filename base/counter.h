/*
 * counter.h - a number with one writer and many readers
 *
 * The thread that owns a counter adds to it with a plain load and a relaxed
 * store: no locked instruction on the packet path. Any thread may read it. A
 * report adds the counters of several owners up; there is no counter with two
 * writers.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
	_Atomic uint64_t n;
};

/** counter_add() - owner only */
static inline void counter_add(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->n, atomic_load_explicit(&c->n, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/** counter_sub() - owner only; for gauges (flows open now, bytes held now) */
static inline void counter_sub(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->n, atomic_load_explicit(&c->n, memory_order_relaxed) - n,
			      memory_order_relaxed);
}

/** counter_set() - owner only */
static inline void counter_set(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->n, n, memory_order_relaxed);
}

/** counter_get() - any thread */
static inline uint64_t counter_get(const struct counter *c)
{
	return atomic_load_explicit(&((struct counter *)c)->n, memory_order_relaxed);
}

#endif
