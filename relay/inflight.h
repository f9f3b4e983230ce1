/*
 * inflight.h - what was published and what the broker has said of it, by number
 *
 * Theory of operation: records are numbered from 0 as they are written, and the
 * last INFLIGHT_MAX of them are known, in a ring. One is open until the broker's
 * word comes or RELAY_ACK_NS are over; then it is unknown, and a word that comes
 * later still counts, for as long as its place in the ring is not needed. While the
 * oldest open record is INFLIGHT_MAX behind, nothing more can be written. A word about
 * a number that was never given, or about one that is settled, changes nothing:
 * what comes from a broker is not to be trusted.
 */
#ifndef RELAY_INFLIGHT_H
#define RELAY_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "relay/relay_stats.h"

#define INFLIGHT_MAX 65536
#define RELAY_ACK_NS (2 * NS_PER_S)

struct inflight;

struct inflight *inflight_new(void);
void inflight_free(struct inflight *f);

/** inflight_next() - the number of the next record: so many were written */
uint64_t inflight_next(const struct inflight *f);

/** inflight_open() - records of which the broker has said nothing, and of which it still may */
uint64_t inflight_open(const struct inflight *f);

/** inflight_has_room() - may one more be written? */
bool inflight_has_room(const struct inflight *f);

/** inflight_add() - a record, of @partition, is written now; there is room. Return: its number */
uint64_t inflight_add(struct inflight *f, uint32_t partition, struct mono now);

/** enum inflight_change - what a word about a record changes */
enum inflight_change { INFLIGHT_NOTHING,
		       INFLIGHT_SETTLED,
		       INFLIGHT_LATE /* it was unknown */ };

/**
 * inflight_settle() - the broker's word about record @number
 * @took_ns:  since it was written, if something changes
 */
enum inflight_change inflight_settle(struct inflight *f, uint64_t number, enum relay_result result, struct mono now,
				     int64_t *took_ns);

/** inflight_expire() - open records that were written RELAY_ACK_NS ago, or all, are unknown now; returns how many */
uint64_t inflight_expire(struct inflight *f, struct mono now, bool all);

/** inflight_deny() - open records of @partition are denied; returns how many */
uint64_t inflight_deny(struct inflight *f, uint32_t partition);

/** struct inflight_range - numbers, both ends included */
struct inflight_range {
	uint64_t first, last;
};
#define INFLIGHT_RANGES 64

/** inflight_refused() - the last numbers that were refused, in the order in which that was said; @out has INFLIGHT_RANGES */
size_t inflight_refused(const struct inflight *f, struct inflight_range *out);

#endif
