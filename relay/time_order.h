/*
 * time_order.h - requests of several partitions, in the order of their times
 *
 * Theory of operation. Each partition has its own order, which is nearly that of
 * time: taps publish what is complete, and several of them into one partition. For
 * recorded pace the partitions are merged: what waits lies in a heap by time, and
 * the least may go once every partition either has something in the heap or has
 * nothing left to read (none is @behind). One that is slow to come is waited for
 * TIME_ORDER_WINDOW_NS by our own clock, and no longer; what it brings then may be older
 * than what has gone, goes at once, and is counted as late.
 */
#ifndef RELAY_TIME_ORDER_H
#define RELAY_TIME_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "relay/ownership.h"

#define TIME_ORDER_WINDOW_NS (INT64_C(250) * NS_PER_MS)

struct time_order_entry {
	struct wall time;
	uint64_t order; /* in which they came: equal times keep it */
	void *thing;
	uint32_t partition;
};

/** struct time_order - the zero value is empty */
struct time_order {
	struct time_order_entry *heap; /* own memory; the things are not */
	size_t count, cap;
	uint32_t of[OWNERSHIP_PARTITIONS_MAX]; /* how many of each partition are in the heap */
	uint64_t order, late;
	struct wall gone;          /* the greatest time that has gone */
	struct mono waiting_since; /* for a partition that is behind; 0: for none */
};

/** time_order_put() - false when out of memory */
bool time_order_put(struct time_order *m, uint32_t partition, struct wall time, void *thing);

/**
 * time_order_take() - the next that may go, or NULL
 * @behind:  partitions of which more is to come; those with something in the heap do not count
 */
void *time_order_take(struct time_order *m, const struct partition_set *behind, struct mono now);

/** time_order_take_any() - the next, at the end; NULL: none is left */
void *time_order_take_any(struct time_order *m);

void time_order_deinit(struct time_order *m);

#endif
