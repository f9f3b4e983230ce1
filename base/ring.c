/* ring.c - see ring.h; the two indexes live on cache lines of their own */
#include "base/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cache_line.h"

struct ring {
	_Alignas(CACHE_LINE) _Atomic uint64_t head; /* next slot to write: producer's */
	_Alignas(CACHE_LINE) _Atomic uint64_t tail; /* next slot to read: consumer's */
	_Alignas(CACHE_LINE) atomic_bool producer_waits;
	atomic_bool cancelled;
	pthread_mutex_t lock;
	pthread_cond_t space;
	uint64_t mask;
	void **slots;
};

struct ring *ring_new(size_t capacity)
{
	struct ring *r;
	size_t slots = 2;

	while (slots < capacity)
		slots *= 2;
	r = cache_line_calloc(sizeof(*r));
	if (!r)
		return NULL;
	r->slots = calloc(slots, sizeof(*r->slots));
	if (!r->slots) {
		free(r);
		return NULL;
	}
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	atomic_init(&r->producer_waits, false);
	atomic_init(&r->cancelled, false);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->space, NULL);
	r->mask = slots - 1;
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_cond_destroy(&r->space);
	pthread_mutex_destroy(&r->lock);
	free(r->slots);
	free(r);
}

static bool ring_full(struct ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_relaxed) -
		       atomic_load_explicit(&r->tail, memory_order_acquire) >
	       r->mask;
}

bool ring_push(struct ring *r, void *item)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (ring_full(r))
		return false;
	r->slots[head & r->mask] = item;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

void *ring_peek(struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return NULL;
	return r->slots[tail & r->mask];
}

/** has_room() - is it worth to wake a producer? One slot at a time would cost two switches of threads for each item */
static bool has_room(struct ring *r)
{
	uint64_t used = atomic_load_explicit(&r->head, memory_order_relaxed) - atomic_load(&r->tail);

	return used <= (r->mask + 1) / 2;
}

void *ring_pop(struct ring *r)
{
	void *item = ring_peek(r);

	if (!item)
		return NULL;
	/*
	 * Sequentially consistent, as the producer's flag is: either we see that
	 * it waits, or it sees the slot that we freed. Anything weaker lets both
	 * miss each other, and the producer sleeps for ever.
	 */
	atomic_fetch_add(&r->tail, 1);
	if (atomic_load(&r->producer_waits) && has_room(r)) {
		pthread_mutex_lock(&r->lock);
		pthread_cond_signal(&r->space);
		pthread_mutex_unlock(&r->lock);
	}
	return item;
}

size_t ring_count(const struct ring *r)
{
	struct ring *m = (struct ring *)r;

	return (size_t)(atomic_load_explicit(&m->head, memory_order_acquire) -
			atomic_load_explicit(&m->tail, memory_order_acquire));
}

bool ring_wait_space(struct ring *r)
{
	bool ok;

	pthread_mutex_lock(&r->lock);
	atomic_store(&r->producer_waits, true);
	while (!atomic_load(&r->cancelled) && !has_room(r))
		pthread_cond_wait(&r->space, &r->lock);
	atomic_store(&r->producer_waits, false);
	ok = !atomic_load(&r->cancelled);
	pthread_mutex_unlock(&r->lock);
	return ok;
}

void ring_cancel_wait(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	atomic_store(&r->cancelled, true);
	pthread_cond_broadcast(&r->space);
	pthread_mutex_unlock(&r->lock);
}
