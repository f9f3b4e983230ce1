/*
 * intake.h - from the rings to the targets, at the right moment
 *
 * Theory of operation: a lane pushes into its ring and calls intake_wake(), which
 * coalesces (wake.h). Each wake-up drains the rings up to a budget. Live,
 * it takes one item of each ring in turn, since those of different lanes have no
 * order, and an item is handled at once. Lanes that read one recording number
 * their items by its packets, and all are taken in that order: an item goes when
 * every other ring has a later one, or its lane said that it has come further
 * (intake_reached()). A recording is paced by an absolute schedule: the item
 * with capture time ts is due at start + (ts - first) / speed, so rounding and
 * late timers never add up. At SPEED_MAX nothing is timed: an item is taken
 * when every target has room, and the ring makes the lane wait.
 *
 * Every item is handed up, of whatever kind, in order. Only responses neither
 * wait for their time nor for room: they are not replayed, and a request of
 * which all else is known may wait for its own.
 */
#ifndef REPLAY_INTAKE_H
#define REPLAY_INTAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "base/ring.h"
#include "message/item.h"
#include "replay/replay_stats.h"

#define INTAKE_RINGS_MAX 64

enum intake_pace { PACE_NONE /* live, or a dry run */, PACE_SCHEDULE, PACE_TARGET /* -x max */ };

struct intake_options {
	struct ring **rings; /* borrowed, the array too; one per lane */
	size_t ring_count;   /* at most INTAKE_RINGS_MAX */
	bool ordered;        /* by item.sequence, which never goes back in a ring; else two rings' items have no order */
	enum intake_pace pace;
	double speed;             /* with PACE_SCHEDULE: 2 = twice the recorded pace */
	int64_t max_sleep_ns;     /* a longer wait between two items, at that speed, is cut to this; 0 = no limit */
	/* with PACE_TARGET: may the next item go? */
	bool (*has_room)(void *ctx);
	/* one item, taken by the callee, in order */
	void (*on_item)(void *ctx, struct item *item);
	/* with PACE_SCHEDULE: the next item is due in @wait_ns only; told of long pauses that are more than double any before */
	void (*on_pause)(void *ctx, int64_t wait_ns);
	/* every producer said intake_end() and the rings are empty */
	void (*on_end)(void *ctx);
	void *ctx;
};

struct intake;

int intake_new(uv_loop_t *loop, const struct intake_options *options, struct intake **out);

/**
 * intake_set_first() - lane, before its first push: capture time of the first packet, the schedule's zero
 *
 * The schedule starts at this moment. May be called again to start it anew (the next turn of --loop), once the
 * ring is empty. Without it the first item is the zero.
 */
void intake_set_first(struct intake *in, struct wall first);

/** intake_wake() - any thread, after pushing */
void intake_wake(struct intake *in);

/** intake_reached() - lane, with ordered: what it pushes from now on comes after @sequence; wakes the loop if need be */
void intake_reached(struct intake *in, size_t lane, uint64_t sequence);

/** intake_end() - each lane, an index of the rings, once: it will push nothing any more */
void intake_end(struct intake *in, size_t lane);

/** intake_room() - loop: has_room may have changed */
void intake_room(struct intake *in);

/**
 * intake_stop() - loop: hand nothing up any more; what is left is counted as leftover and given to @drop, now
 *
 * What the producer still pushes and wakes us for is treated the same. on_end is not called any more.
 */
void intake_stop(struct intake *in, void (*drop)(void *ctx, struct item *item), void *ctx);

const struct intake_stats *intake_stats(const struct intake *in);

/** intake_close() - close the handles; the loop must run to its end, then intake_free() */
void intake_close(struct intake *in);
void intake_free(struct intake *in);

#endif
