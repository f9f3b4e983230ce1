/* time_order.c - see time_order.h */
#include "relay/time_order.h"

#include <stdlib.h>

#include "base/array.h"

static bool is_before(const struct time_order_entry *a, const struct time_order_entry *b)
{
	return a->time.ns != b->time.ns ? a->time.ns < b->time.ns : a->order < b->order;
}

static void swap(struct time_order_entry *a, struct time_order_entry *b)
{
	struct time_order_entry kept = *a;

	*a = *b;
	*b = kept;
}

bool time_order_put(struct time_order *m, uint32_t partition, struct wall time, void *thing)
{
	size_t at = m->count;

	if (!array_room((void **)&m->heap, &m->cap, m->count, sizeof(*m->heap)))
		return false;
	m->heap[m->count++] = (struct time_order_entry){ time, m->order++, thing, partition };
	m->of[partition]++;
	for (; at > 0 && is_before(&m->heap[at], &m->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&m->heap[at], &m->heap[(at - 1) / 2]);
	return true;
}

static void sink(struct time_order *m)
{
	size_t at = 0, least;

	for (;; at = least) {
		least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < m->count; child++)
			if (is_before(&m->heap[child], &m->heap[least]))
				least = child;
		if (least == at)
			return;
		swap(&m->heap[at], &m->heap[least]);
	}
}

void *time_order_take_any(struct time_order *m)
{
	struct time_order_entry top;

	if (m->count == 0)
		return NULL;
	top = m->heap[0];
	m->heap[0] = m->heap[--m->count];
	sink(m);
	m->of[top.partition]--;
	if (top.time.ns < m->gone.ns)
		m->late++;
	else
		m->gone = top.time;
	return top.thing;
}

static bool waits(const struct time_order *m, const struct partition_set *behind)
{
	for (uint32_t p = 0; p < OWNERSHIP_PARTITIONS_MAX; p++)
		if (m->of[p] == 0 && partition_set_has(behind, p))
			return true;
	return false;
}

void *time_order_take(struct time_order *m, const struct partition_set *behind, struct mono now)
{
	if (m->count == 0)
		return NULL;
	if (!waits(m, behind)) {
		m->waiting_since.ns = 0;
		return time_order_take_any(m);
	}
	if (m->heap[0].time.ns < m->gone.ns) /* late already */
		return time_order_take_any(m);
	if (m->waiting_since.ns == 0)
		m->waiting_since = now;
	return now.ns - m->waiting_since.ns < TIME_ORDER_WINDOW_NS ? NULL : time_order_take_any(m);
}

void time_order_deinit(struct time_order *m)
{
	free(m->heap);
	*m = (struct time_order){ 0 };
}
