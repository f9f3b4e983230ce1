/*
 * ring.h - the one queue between two threads
 *
 * Theory of operation: a bounded array of pointers, one producer (a lane), one
 * consumer (the replay loop). Each side owns one index and reads the other's
 * with acquire, so an item's contents are visible before its slot is. A full
 * ring refuses: live capture sheds the item and counts it. A file may wait:
 * ring_wait_space() sleeps until the consumer has emptied half of it, and
 * ring_cancel_wait() wakes it for good, so that a producer is never left behind
 * at shutdown. The mutex is touched only by a producer that waits and by a
 * consumer that was told so; the fast path takes none.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/** ring_new() - @capacity is rounded up to a power of two; NULL when out of memory */
struct ring *ring_new(size_t capacity);

/** ring_free() - both threads are done with it; items still inside are the caller's to pop first */
void ring_free(struct ring *r);

/** ring_push() - producer: hand @item over; false, and @item still the caller's, if the ring is full */
bool ring_push(struct ring *r, void *item);

/** ring_pop() - consumer: the oldest item, or NULL if there is none */
void *ring_pop(struct ring *r);

/** ring_peek() - consumer: the oldest item without taking it, or NULL */
void *ring_peek(struct ring *r);

/** ring_count() - items inside, exact only when both sides are quiet */
size_t ring_count(const struct ring *r);

/** ring_wait_space() - producer: sleep until half of the slots are free; false once the wait was cancelled */
bool ring_wait_space(struct ring *r);

/** ring_cancel_wait() - any thread: let ring_wait_space() return false from now on */
void ring_cancel_wait(struct ring *r);

#endif
