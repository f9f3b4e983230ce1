/*
 * budget.h - the bound on all bytes held anywhere (--max-memory)
 *
 * Lanes charge what they hold (pending bodies, segments behind a gap) and the
 * loop releases what was sent, so the sum is atomic. A refused charge is no
 * error: the caller drops its oldest or newest work, by its own rule, and
 * counts it.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
	_Atomic size_t used;
	size_t limit;
};

static inline void budget_init(struct budget *b, size_t limit)
{
	atomic_init(&b->used, 0);
	b->limit = limit;
}

/** budget_charge() - any thread: reserve @n bytes; false, nothing reserved, if the limit would be passed */
static inline bool budget_charge(struct budget *b, size_t n)
{
	size_t before = atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);

	if (before + n <= b->limit && before + n >= before)
		return true;
	atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
	return false;
}

/** budget_grow() - for something of @size bytes that grows to @to: charge what it grows by; always, without a budget */
static inline bool budget_grow(struct budget *b, size_t size, size_t to)
{
	return !b || budget_charge(b, to - size);
}

/** budget_release() - any thread: give @n charged bytes back */
static inline void budget_release(struct budget *b, size_t n)
{
	atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
}

static inline size_t budget_used(const struct budget *b)
{
	return atomic_load_explicit(&((struct budget *)b)->used, memory_order_relaxed);
}

#endif
