/*
 * ownership.h - which partitions a replayer reads: leases, fair shares, letting go
 *
 * Theory of operation. Each replayer of a group says each second that it lives, and
 * which partitions it reads, by a value of its own in the bucket (a member). It
 * takes another for dead when that value has not changed for OWNERSHIP_LEASE_NS, by
 * its own monotonic clock alone: no two clocks are compared. A partition that no
 * live member reads is free. Everyone's fair share is the number of partitions by
 * that of live members, rounded up: who has fewer takes free ones, one at a time,
 * and who has more lets one go at a time, once what it claimed of it is handed over.
 *
 * Nothing here keeps two from reading one partition: a member that stood still for
 * six seconds believes that it still owns what others have taken by then. That is
 * what claims are for (claim.h): two owners for a moment cost work, and never
 * send a request twice.
 *
 * Pure: no clock, no network. The reader gives it what it hears, and carries out
 * what ownership_next() says.
 */
#ifndef RELAY_OWNERSHIP_H
#define RELAY_OWNERSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"

#define OWNERSHIP_LEASE_NS   (INT64_C(5) * NS_PER_S)
#define OWNERSHIP_RENEW_NS   (INT64_C(1) * NS_PER_S) /* how often a member says that it lives */
#define OWNERSHIP_RETRY_NS   (INT64_C(1) * NS_PER_S) /* after it could not be taken */
#define OWNERSHIP_PARTITIONS_MAX 100
#define OWNERSHIP_MEMBERS_MAX 128 /* at once; more than partitions are of no use */
#define OWNERSHIP_ID_MAX 65       /* with its NUL */

/** struct partition_set - one bit each */
struct partition_set {
	uint64_t bits[(OWNERSHIP_PARTITIONS_MAX + 63) / 64];
};

static inline bool partition_set_has(const struct partition_set *s, uint32_t p)
{
	return s->bits[p / 64] >> (p % 64) & 1;
}

static inline void partition_set_add(struct partition_set *s, uint32_t p)
{
	s->bits[p / 64] |= UINT64_C(1) << (p % 64);
}

static inline void partition_set_remove(struct partition_set *s, uint32_t p)
{
	s->bits[p / 64] &= ~(UINT64_C(1) << (p % 64));
}

static inline uint32_t partition_set_count(const struct partition_set *s)
{
	return (uint32_t)(__builtin_popcountll(s->bits[0]) + __builtin_popcountll(s->bits[1]));
}

struct member {
	char id[OWNERSHIP_ID_MAX];
	struct partition_set reads;
	struct mono moved_at; /* by our clock */
};

struct ownership {
	char me[OWNERSHIP_ID_MAX];
	uint32_t partitions;
	struct partition_set mine;
	struct member members[OWNERSHIP_MEMBERS_MAX]; /* the others */
	size_t member_count;
	int64_t retry_at[OWNERSHIP_PARTITIONS_MAX]; /* not before, by our clock */
	uint8_t yielded[OWNERSHIP_PARTITIONS_MAX];  /* times in a row */
};

enum ownership_step { OWNERSHIP_NOTHING, OWNERSHIP_TAKE, OWNERSHIP_LET_GO };

/** ownership_init() - @me: at most OWNERSHIP_ID_MAX - 1 bytes, and no other member's; @partitions: 1 to OWNERSHIP_PARTITIONS_MAX */
void ownership_init(struct ownership *o, const char *me, uint32_t partitions);

/** ownership_heard() - the value of member @id is another than before, or is seen for the first time */
void ownership_heard(struct ownership *o, struct span id, const struct partition_set *reads, struct mono now);

/** ownership_left() - member @id has gone, in order */
void ownership_left(struct ownership *o, struct span id);

/** ownership_is_live() - is @id one that lives, and not us? */
bool ownership_is_live(const struct ownership *o, const char *id, struct mono now);

/** ownership_live() - how many live, with us */
uint32_t ownership_live(const struct ownership *o, struct mono now);

/** ownership_next() - what to do now, and with which partition; carried out at once, and then said by one of those below */
enum ownership_step ownership_next(struct ownership *o, struct mono now, uint32_t *partition);

/**
 * ownership_yields() - a partition that no live member says that it reads, but whose claim names @owner: is it to be left?
 *
 * It is if that one lives: it may have taken it just now. Not for longer than OWNERSHIP_YIELDS times, each after
 * OWNERSHIP_RETRY_NS: the claim may also be one that landed after its owner had given the partition up.
 */
bool ownership_yields(struct ownership *o, uint32_t partition, const char *owner, struct mono now);
#define OWNERSHIP_YIELDS 3

/** ownership_taken() - it is ours; ownership_lost() - it is not, or not any more: another has it, or there was trouble */
void ownership_taken(struct ownership *o, uint32_t partition);
void ownership_lost(struct ownership *o, uint32_t partition, struct mono now);

/** ownership_let_go() - it was ours, and is anybody's; ownership_drop() - it was ours, and may be taken again at once */
void ownership_let_go(struct ownership *o, uint32_t partition, struct mono now);
void ownership_drop(struct ownership *o, uint32_t partition);

#endif
