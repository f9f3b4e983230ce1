/*
 * counter.h - a number with one writer and many readers
 *
 * The thread that owns a counter adds to it with a plain load and a relaxed
 * store: no locked instruction on the packet path. Any thread may read it. A
 * report adds the counters of several owners up; there is no counter with two
 * writers.
 *
 * A stage lists its counters once, in the order of the report (PACKET_COUNTERS() and its like in *_stats.h), and from that
 * list follow the struct that is counted in, the books, JSON, the metrics and the documents' tables:
 *
 *   X(id, name, REPORT|ASIDE, type, metric, what)
 *       id      the stage's field
 *       name    the field in the books, and the member of the report
 *       REPORT  it stands in the report; ASIDE: in the books only, or under another name
 *       type    COUNTER, GAUGE; TRAIT, DROPPED: a label of a family that such counters share
 *       metric  of Prometheus, or the value of that label; NULL: none
 *       what    it counts: the metric's HELP, and the row of docs/report.md
 *   PARTS(id, COUNT)
 *       the parts into which a total is divided, one counter each; their names have a list of their own
 *
 * So a counter is added by its line and where it is counted; tests/lint/counters --write brings the documents up to date.
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

/* What a stage's struct makes of its list */
#define COUNTER_FIELD(id, name, told, type, metric, what) struct counter id;
#define COUNTER_FIELDS(id, count) struct counter id[count];

#endif
