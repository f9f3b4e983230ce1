/*
 * tracker_clock.c - the time by which flows age
 *
 * Theory of operation. Time is the segments' own. Mostly it just follows them
 * (tracker_follow_clock()); it may jump as well, see tracker_advance_clock(). The
 * flows that were quiet for too long are forgotten, and gaps that wait while no
 * packet of their connection comes are looked at, before a segment can seem to be
 * the next of such a connection.
 */
#include "reassembly/tracker_impl.h"

#include <stdlib.h>
#include <string.h>

#define LINGER_NS (10 * NS_PER_S)
#define BACK_CONFIRM 32 /* packets that agree before the clock is set back */

/** put_aside() - keep a copy of @segment and what it borrows, if there is memory for it */
static bool put_aside(struct tracker *t, const struct segment *segment)
{
	size_t len = segment->payload.len;
	struct {
		struct segment segment;
		struct mptcp mptcp;
		uint8_t bytes[];
	} *copy = malloc(sizeof(*copy) + len);

	if (!copy)
		return false;
	copy->segment = *segment;
	if (segment->mptcp) {
		copy->mptcp = *segment->mptcp;
		copy->segment.mptcp = &copy->mptcp;
	}
	if (len > 0)
		memcpy(copy->bytes, segment->payload.at, len);
	copy->segment.payload = span_of(copy->bytes, len);
	t->aside = &copy->segment;
	return true;
}

void tracker_take_back(struct tracker *t)
{
	struct segment *aside = t->aside;

	t->aside = NULL;
	if (aside)
		tracker_feed_now(t, aside);
	free(aside);
}

/**
 * tracker_advance_clock() - the time by which flows age, when @ts does not just follow it
 * @segment: of this time, or NULL
 *
 * Forward it follows the packets, but a step of a day must be confirmed by the
 * next one, or a single wrong stamp would expire everything. The first one is put
 * aside for that long: by the old clock it might meet a connection that is long
 * over, and would be forgotten with it when the clock moves. Backward the clock
 * stands still, since packets of several queues come a little out of order; if
 * many agree, the recording's clock was really set back.
 *
 * Return: whether to go on with @segment now
 */
bool tracker_advance_clock(struct tracker *t, struct wall ts, const struct segment *segment)
{
	int64_t idle = t->options.idle_ns, step = t->clock_set ? wall_between(t->clock, ts) : 0;
	int64_t since = wall_between(t->jump, ts); /* the last that did not fit */

	if (step > JUMP_NS + idle && t->jumps > 0 && since >= -idle && wall_between(t->clock, t->jump) > 0) {
		t->clock = t->jump;
		t->jumps = 0;
		tracker_expire(t);
		tracker_take_back(t);
		return tracker_follow_clock(t, ts) || tracker_advance_clock(t, ts, segment); /* it may be far ahead of that, too */
	}
	tracker_take_back(t); /* no packet agreed */
	if (step > JUMP_NS + idle) {
		t->jump = ts;
		t->jumps = 1;
		return !segment || !put_aside(t, segment);
	}
	if (step >= -idle) {
		if (!t->clock_set || step > 0)
			t->clock = ts;
		t->clock_set = true;
		t->jumps = 0;
		return true;
	}
	t->jumps = t->jumps > 0 && since >= -idle && since <= idle ? t->jumps + 1 : 1;
	t->jump = ts;
	if (t->jumps >= BACK_CONFIRM) {
		t->clock = ts;
		t->jumps = 0;
		t->next_expiry = INT64_MIN;
	}
	return true;
}

/** expire_list() - when the oldest that stays will have been quiet for longer than @limit_ns, or is looked at again */
static int64_t expire_list(struct tracker *t, struct flow_list *list, int64_t limit_ns)
{
	while (list->oldest) {
		struct flow *f = list->oldest;

		if (wall_between(t->clock, f->last) > limit_ns)
			f->last = t->clock; /* the clock was set back: its age begins now */
		if (wall_between(f->last, t->clock) <= limit_ns)
			return wall_after(f->last, limit_ns).ns;
		tracker_forget(t, f, LOST_IDLE);
	}
	return INT64_MAX;
}

/** look_at_waiting() - the gaps in which no packet stirred; returns when the next is to be looked at */
static int64_t look_at_waiting(struct tracker *t)
{
	struct flow *f;

	while ((f = t->flows.waiting_oldest)) {
		if (f->incarnation->look.ns > tracker_next_look(t).ns)
			f->incarnation->look = tracker_next_look(t); /* the clock was set back */
		if (t->clock.ns <= f->incarnation->look.ns)
			return f->incarnation->look.ns;
		flow_wait_no_more(&t->flows, f);
		tracker_look_closer(t, f, false);
	}
	return INT64_MAX;
}

void tracker_expire_now(struct tracker *t)
{
	int64_t idle = t->options.idle_ns, linger = idle < LINGER_NS ? idle : LINGER_NS, next;

	next = look_at_waiting(t);
	next = earlier(next, expire_list(t, &t->flows.opening, idle));
	next = earlier(next, expire_list(t, &t->flows.live, idle));
	next = earlier(next, expire_list(t, &t->flows.closed, linger));
	t->next_expiry = earlier(next, wall_after(t->clock, linger).ns);
}
