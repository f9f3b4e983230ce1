/*
 * intake.c - see intake.h
 *
 * Theory of operation: run() takes items from the rings until there is none, or
 * the next is not due, or there is no room, or it has taken INTAKE_BUDGET; in
 * the last case it wakes itself, so that sockets and timers get their turn. It
 * is called by the wake-up (the lane pushed, room was made, the budget was
 * spent) and by the timer.
 *
 * The schedule is absolute on CLOCK_MONOTONIC:
 *
 *     due = start + (ts - first) / speed - cut
 *
 * where cut is what --max-sleep has taken away so far. Every due time comes from
 * the capture time and never from the previous wake-up, so errors do not add
 * up. A timerfd rather than a uv_timer_t wakes us: the latter counts whole
 * milliseconds, which at a thousand requests a second is the whole gap.
 *
 * Recorded time can step back. A little (files merged by time, packets
 * reordered by the tap): the item is due at once and the schedule stays. By more
 * than a second (a clock that was set, the next turn of --loop): the schedule
 * is moved so that the item is due at once and what follows keeps its distance
 * from it; otherwise everything up to the old position would come as a burst.
 */
#include "replay/intake.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "replay/wake.h"

#define INTAKE_BUDGET 256
#define STEP_BACK_NS NS_PER_S
#define LONG_PAUSE_NS (60 * NS_PER_S) /* a pause that a person who watches should be told of */
#define NO_SEQUENCE UINT64_MAX /* beyond all that items have */
#define FAR_FUTURE_NS (INT64_C(1) << 61) /* 73 years: no recording is longer, and sums of two still fit */

struct intake {
	struct intake_options options;
	struct intake_stats stats;
	struct wake wake;
	uv_poll_t timer;
	int timer_fd; /* -1 unless paced by a schedule */
	bool is_stopped, is_closed, has_ended;
	void (*drop)(void *ctx, struct item *item);
	void *drop_ctx;

	/* Written by the lane, read by the loop: the generation is published last. */
	_Atomic int64_t first_ns, start_ns;
	_Atomic uint32_t anchor_generation;
	_Atomic size_t producers; /* that may still push */
	_Atomic uint64_t reached[INTAKE_RINGS_MAX]; /* with ordered: all that a lane pushes from now on comes after it */
	_Atomic uint64_t blocked; /* the sequence of the next item, if it waits for a lane to come so far */
	size_t turn;              /* of the rings: loop only */

	/* The schedule, loop only. */
	uint32_t anchor_seen;
	bool is_anchored;
	int64_t first, start, cut;
	int64_t begin; /* where the first schedule started: --loop moves @start */
	int64_t last_due, last_ts;
	int64_t armed; /* what the timerfd is set to; 0: nothing */
	int64_t longest_told; /* pause */
};

/* ---- the schedule ---- */

/** bounded() - a file may claim any time at all; within these bounds no sum overflows */
static struct wall bounded(struct wall ts)
{
	if (ts.ns > FAR_FUTURE_NS)
		ts.ns = FAR_FUTURE_NS;
	if (ts.ns < -FAR_FUTURE_NS)
		ts.ns = -FAR_FUTURE_NS;
	return ts;
}

static void anchor(struct intake *in, int64_t first, int64_t start)
{
	in->first = in->last_ts = first;
	in->start = in->last_due = start;
	in->cut = 0;
	if (!in->is_anchored)
		in->begin = start;
	in->is_anchored = true;
}

/** follow_anchor() - take over what the lane said, or the item at hand */
static void follow_anchor(struct intake *in, struct wall ts)
{
	uint32_t generation = atomic_load_explicit(&in->anchor_generation, memory_order_acquire);

	if (generation != in->anchor_seen) {
		in->anchor_seen = generation;
		anchor(in,
		       bounded((struct wall){ atomic_load_explicit(&in->first_ns, memory_order_relaxed) }).ns,
		       atomic_load_explicit(&in->start_ns, memory_order_relaxed));
	} else if (!in->is_anchored) {
		anchor(in, ts.ns, mono_now().ns);
	}
}

/** scaled() - a distance in the recording as a distance in the replay */
static int64_t scaled(const struct intake *in, int64_t from, int64_t to)
{
	double ns = ((double)to - (double)from) / in->options.speed;

	return ns > (double)FAR_FUTURE_NS ? FAR_FUTURE_NS : (int64_t)llround(ns);
}

/** due_time() - when the item with capture time @ts is due; called again for the same item it gives the same */
static int64_t due_time(struct intake *in, struct wall ts)
{
	int64_t due, limit = in->options.max_sleep_ns;

	follow_anchor(in, ts);
	if (ts.ns < in->last_ts && in->last_ts - ts.ns > STEP_BACK_NS)
		anchor(in, ts.ns, in->last_due);
	due = ts.ns <= in->first ? in->start : in->start + scaled(in, in->first, ts.ns) - in->cut;
	if (due < in->last_due)
		due = in->last_due;
	if (limit > 0 && due - in->last_due > limit) {
		in->cut += due - in->last_due - limit;
		due = in->last_due + limit;
	}
	return due;
}

static void arm(struct intake *in, int64_t due)
{
	struct itimerspec at = { .it_value = { due / NS_PER_S, due % NS_PER_S } };

	if (in->armed == due)
		return;
	in->armed = due;
	timerfd_settime(in->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void tell_pause(struct intake *in, int64_t wait)
{
	if (wait < LONG_PAUSE_NS || wait / 2 < in->longest_told || !in->options.on_pause)
		return;
	in->longest_told = wait;
	in->options.on_pause(in->options.ctx, wait);
}

/* ---- taking ---- */

/** may_go() - is it the moment for @item, the next in the ring? If not, something is set up that wakes us then */
static bool may_go(struct intake *in, const struct item *item)
{
	struct wall ts;
	int64_t due, now;

	if (item->kind == ITEM_RESPONSE)
		return true;
	switch (in->options.pace) {
	case PACE_NONE:
		return true;
	case PACE_TARGET:
		return in->options.has_room(in->options.ctx); /* after a no, intake_room() is called */
	case PACE_SCHEDULE:
		ts = bounded(item->due);
		due = due_time(in, ts);
		now = mono_now().ns;
		if (due > now) {
			tell_pause(in, due - now);
			arm(in, due);
			return false;
		}
		in->last_due = due;
		if (ts.ns > in->last_ts)
			in->last_ts = ts.ns;
		histogram_add(&in->stats.lateness_us, (uint64_t)((now - due) / NS_PER_US));
		counter_set(&in->stats.rated_ns, (uint64_t)(due - in->begin));
		counter_set(&in->stats.actual_ns, (uint64_t)(now - in->begin));
		return true;
	}
	return true;
}

static void drop_all(struct intake *in)
{
	struct item *item;

	for (size_t i = 0; i < in->options.ring_count; i++) {
		while ((item = ring_pop(in->options.rings[i]))) {
			counter_add(&in->stats.leftover, 1);
			in->drop(in->drop_ctx, item);
		}
	}
}

/* The ring whose turn it is, of those that have something; NULL if none has. */
static struct ring *next_ring(struct intake *in)
{
	for (size_t i = 0; i < in->options.ring_count; i++) {
		struct ring *ring = in->options.rings[in->turn];

		if (ring_peek(ring))
			return ring;
		in->turn = in->turn + 1 < in->options.ring_count ? in->turn + 1 : 0;
	}
	return NULL;
}

/*
 * The ring with the first item of all; NULL if there is none, or a lane that has not come so far may still push an
 * earlier one: then *@blocked is the sequence of the item that waits for it.
 */
static struct ring *first_ring(struct intake *in, uint64_t *blocked)
{
	uint64_t first = NO_SEQUENCE, certain = NO_SEQUENCE;
	struct ring *found = NULL;

	for (size_t i = 0; i < in->options.ring_count; i++) {
		/* Read before the ring: what was pushed before it was said is then seen too. */
		uint64_t reached = atomic_load(&in->reached[i]);
		const struct item *item = ring_peek(in->options.rings[i]);

		if (!item) {
			certain = reached < certain ? reached : certain;
			continue;
		}
		if (!found || item->sequence < first) {
			first = item->sequence;
			found = in->options.rings[i];
		}
	}
	*blocked = first > certain ? first : NO_SEQUENCE;
	return first > certain ? NULL : found;
}

/* As next_ring(); where an item is blocked, a lane that comes so far wakes us. */
static struct ring *ring_in_order(struct intake *in)
{
	uint64_t blocked;
	struct ring *ring = first_ring(in, &blocked);

	if (ring || blocked == NO_SEQUENCE)
		return ring;
	atomic_store(&in->blocked, blocked);
	return first_ring(in, &blocked); /* one may have come so far just before it could see that */
}

static void run(struct intake *in)
{
	for (unsigned taken = 0; taken < INTAKE_BUDGET && !in->is_stopped && !in->is_closed; taken++) {
		/* Read before the rings: what was pushed before the end was said is then seen too. */
		bool is_ended = atomic_load_explicit(&in->producers, memory_order_acquire) == 0;
		struct ring *ring = in->options.ordered ? ring_in_order(in) : next_ring(in);
		struct item *item;

		if (!ring) {
			if (is_ended && !in->has_ended) {
				in->has_ended = true;
				in->options.on_end(in->options.ctx);
			}
			return;
		}
		item = ring_peek(ring);
		if (!may_go(in, item))
			return;
		ring_pop(ring);
		in->turn = in->turn + 1 < in->options.ring_count ? in->turn + 1 : 0;
		counter_add(&in->stats.taken, 1);
		in->options.on_item(in->options.ctx, item);
	}
	if (in->is_stopped)
		drop_all(in);
	else if (!in->is_closed)
		wake_send(&in->wake);
}

static void on_wake(void *ctx)
{
	struct intake *in = ctx;

	if (!in->is_closed)
		run(in);
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
	struct intake *in = poll->data;
	uint64_t times;

	if (read(in->timer_fd, &times, sizeof(times)) < 0 && errno == EAGAIN)
		return; /* it was set anew between the wake-up and now */
	in->armed = 0;
	if (!in->is_closed)
		run(in);
}

/* ---- incarnation ---- */

static int open_timer(uv_loop_t *loop, struct intake *in)
{
	int r;

	in->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (in->timer_fd < 0)
		return -errno;
	r = uv_poll_init(loop, &in->timer, in->timer_fd);
	if (r < 0) {
		close(in->timer_fd);
		return r;
	}
	in->timer.data = in;
	uv_poll_start(&in->timer, UV_READABLE, on_timer);
	return 0;
}

static void close_timer(struct intake *in, uv_close_cb on_closed)
{
	uv_close((uv_handle_t *)&in->timer, on_closed);
	close(in->timer_fd);
}

static void on_failed_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The rest of intake_new() failed: @in is freed, now or when libuv has let go of its timer. */
static void undo_timer(struct intake *in)
{
	if (in->timer_fd < 0)
		free(in);
	else
		close_timer(in, on_failed_closed);
}

int intake_new(uv_loop_t *loop, const struct intake_options *options, struct intake **out)
{
	struct intake *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return -ENOMEM;
	in->options = *options;
	atomic_init(&in->producers, options->ring_count);
	atomic_init(&in->blocked, NO_SEQUENCE);
	in->timer_fd = -1;
	r = options->pace == PACE_SCHEDULE ? open_timer(loop, in) : 0;
	if (r < 0) {
		free(in);
		return r;
	}
	r = wake_init(&in->wake, loop, on_wake, in);
	if (r < 0) {
		undo_timer(in);
		return r;
	}
	*out = in;
	return 0;
}

void intake_set_first(struct intake *in, struct wall first)
{
	atomic_store_explicit(&in->first_ns, first.ns, memory_order_relaxed);
	atomic_store_explicit(&in->start_ns, mono_now().ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&in->anchor_generation, 1, memory_order_release);
}

void intake_wake(struct intake *in)
{
	wake_send(&in->wake);
}

void intake_reached(struct intake *in, size_t lane, uint64_t sequence)
{
	atomic_store(&in->reached[lane], sequence);
	if (sequence >= atomic_load(&in->blocked) && atomic_exchange(&in->blocked, NO_SEQUENCE) != NO_SEQUENCE)
		wake_send(&in->wake);
}

void intake_end(struct intake *in, size_t lane)
{
	atomic_store(&in->reached[lane], NO_SEQUENCE);
	atomic_fetch_sub_explicit(&in->producers, 1, memory_order_release);
	wake_send(&in->wake);
}

void intake_room(struct intake *in)
{
	/* Not run() itself: this is called from inside the end of an exchange. */
	if (!in->is_closed)
		wake_send(&in->wake);
}

void intake_stop(struct intake *in, void (*drop)(void *ctx, struct item *item), void *ctx)
{
	in->is_stopped = true;
	in->drop = drop;
	in->drop_ctx = ctx;
	drop_all(in);
}

const struct intake_stats *intake_stats(const struct intake *in)
{
	return &in->stats;
}

void intake_close(struct intake *in)
{
	if (in->is_closed)
		return;
	in->is_closed = true;
	wake_close(&in->wake);
	if (in->timer_fd >= 0)
		close_timer(in, NULL);
}

void intake_free(struct intake *in)
{
	if (in)
		wake_deinit(&in->wake);
	free(in);
}
