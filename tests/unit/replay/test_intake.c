/*
 * test_intake.c - a lane in a thread of its own, a loop that takes from it
 *
 * Items are numbers with a capture time; what is checked is order, moment,
 * and that the end is told once.
 */
#include "tests/rig/unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/ring.h"
#include "replay/intake.h"

#define ITEMS_MAX 100000
#define T0        INT64_C(1700000000000000000) /* when the recording was made */
#define MS(n)     ((n) * NS_PER_MS)

struct numbered {
	struct item item; /* first */
	size_t number;
};

/* what a lane would push: lines of events, which wait for their time and for room as requests do */
static struct numbered numbered(int64_t ts_ns, size_t number)
{
	return (struct numbered){ { ITEM_LINES, { ts_ns }, number }, number };
}

struct rig {
	uv_loop_t loop;
	uv_timer_t guard;
	struct ring *ring;
	struct intake *intake;
	struct numbered *items; /* what the lane pushes */
	size_t count;
	bool says_first;
	int64_t began_ns;
	size_t taken, ends, dropped, turns;
	int64_t *moments;    /* when each item came, since began_ns */
	size_t room;         /* PACE_TARGET: items that may go before room is refused */
	size_t refusals;
	size_t stop_after;   /* 0: never */
	pthread_t lane;
	bool lane_joined;
	uv_check_t turn;
};

static bool has_room(void *ctx)
{
	struct rig *g = ctx;

	if (g->room > 0)
		return true;
	g->refusals++;
	return false;
}

static void drop(void *ctx, struct item *item)
{
	struct rig *g = ctx;

	g->dropped++;
}

static void on_item(void *ctx, struct item *item)
{
	struct rig *g = ctx;

	assert_int_equal(((struct numbered *)item)->number, g->taken); /* in order */
	assert_int_equal(g->ends, 0);
	g->moments[g->taken++] = mono_now().ns - g->began_ns;
	if (g->room > 0)
		g->room--;
	if (g->taken == g->stop_after)
		intake_stop(g->intake, drop, g);
}

static void on_end(void *ctx)
{
	struct rig *g = ctx;

	g->ends++;
}

static void *lane(void *arg)
{
	struct rig *g = arg;

	if (g->says_first)
		intake_set_first(g->intake, (struct wall){ T0 });
	for (size_t i = 0; i < g->count; i++) {
		while (!ring_push(g->ring, &g->items[i].item))
			if (!ring_wait_space(g->ring))
				return NULL;
		intake_wake(g->intake);
	}
	intake_end(g->intake, 0);
	return NULL;
}

static void on_guard(uv_timer_t *timer)
{
	fail_msg("nothing more happens");
}

static void on_turn(uv_check_t *check)
{
	struct rig *g = check->data;

	g->turns++;
}

static void rig_init(struct rig *g, const struct intake_options *base, size_t count)
{
	struct intake_options o = *base;

	memset(g, 0, sizeof(*g));
	g->ring = ring_new(1024);
	g->items = calloc(count + 1, sizeof(*g->items));
	g->moments = calloc(count + 1, sizeof(*g->moments));
	assert_true(g->ring && g->items && g->moments);
	g->count = count;
	g->says_first = true;
	for (size_t i = 0; i < count; i++)
		g->items[i] = numbered(T0, i);
	assert_int_equal(uv_loop_init(&g->loop), 0);
	uv_timer_init(&g->loop, &g->guard);
	uv_timer_start(&g->guard, on_guard, 30000, 0);
	uv_check_init(&g->loop, &g->turn);
	g->turn.data = g;
	uv_check_start(&g->turn, on_turn);
	o.rings = &g->ring;
	o.ring_count = 1;
	o.has_room = has_room;
	o.on_item = on_item;
	o.on_end = on_end;
	o.ctx = g;
	assert_int_equal(intake_new(&g->loop, &o, &g->intake), 0);
}

static void rig_start(struct rig *g)
{
	g->began_ns = mono_now().ns;
	assert_int_equal(pthread_create(&g->lane, NULL, lane, g), 0);
}

static void rig_run_to_end(struct rig *g)
{
	while (g->ends == 0)
		uv_run(&g->loop, UV_RUN_ONCE);
	for (int i = 0; i < 3; i++) { /* a second end would come now */
		intake_wake(g->intake);
		uv_run(&g->loop, UV_RUN_ONCE);
	}
	assert_int_equal(g->ends, 1);
	assert_int_equal(g->taken, g->count);
	assert_int_equal(counter_get(&intake_stats(g->intake)->taken), g->count);
	assert_int_equal(counter_get(&intake_stats(g->intake)->leftover), 0);
}

static void rig_join(struct rig *g)
{
	if (!g->lane_joined)
		assert_int_equal(pthread_join(g->lane, NULL), 0);
	g->lane_joined = true;
}

static void rig_deinit(struct rig *g)
{
	rig_join(g);
	intake_close(g->intake);
	uv_close((uv_handle_t *)&g->guard, NULL);
	uv_close((uv_handle_t *)&g->turn, NULL);
	assert_int_equal(uv_run(&g->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&g->loop), 0);
	intake_free(g->intake);
	ring_free(g->ring);
	free(g->items);
	free(g->moments);
}

static void *any_items[32];
static size_t any_count;

static void on_any_item(void *ctx, struct item *item)
{
	any_items[any_count++] = item;
}

static void test_live_takes_all_at_once(void **state)
{
	const struct intake_options o = { .pace = PACE_NONE };
	struct rig g;

	rig_init(&g, &o, ITEMS_MAX);
	rig_start(&g);
	rig_run_to_end(&g);
	/* The budget: the loop got its turns in between. */
	assert_true(g.turns >= ITEMS_MAX / 1024);
	rig_deinit(&g);
}

/* Items of several rings, one of each in turn while they have some; the end is when all producers said so. */
static void test_several_rings(void **state)
{
	struct ring *rings[3] = { ring_new(16), ring_new(16), ring_new(16) };
	static const int order[] = { 0, 1, 2, 10, 11, 12, 20, 21, 30 }; /* item 10 * i + k is the i-th of ring k */
	static struct numbered items[31];
	const struct intake_options o = { .pace = PACE_NONE };
	struct rig g;
	size_t at = 0;

	rig_init(&g, &o, 0);
	g.lane_joined = true; /* there is none */
	intake_close(g.intake);
	uv_run(&g.loop, UV_RUN_NOWAIT);
	intake_free(g.intake);
	assert_int_equal(intake_new(&g.loop,
				    &(struct intake_options){ .rings = rings,
							      .ring_count = 3,
							      .on_item = on_any_item,
							      .on_end = on_end,
							      .ctx = &g },
				    &g.intake),
			 0);
	for (size_t k = 0; k < 3; k++)
		for (int i = 0; i < 4; i++)
			for (size_t j = 0; j < sizeof(order) / sizeof(order[0]); j++)
				if (order[j] == 10 * i + (int)k)
					assert_true(ring_push(rings[k], &items[order[j]].item));
	any_count = 0;
	for (int ended = 0; ended < 3; ended++) {
		intake_end(g.intake, (size_t)ended);
		uv_run(&g.loop, UV_RUN_NOWAIT);
		assert_int_equal(g.ends, ended == 2);
	}
	assert_int_equal(any_count, sizeof(order) / sizeof(order[0]));
	for (; at < any_count; at++)
		assert_ptr_equal(any_items[at], &items[order[at]]);
	rig_deinit(&g);
	for (size_t k = 0; k < 3; k++)
		ring_free(rings[k]);
}

#define ORDERED_LANES 4
#define ORDERED_PLACES 20000

struct ordered {
	struct rig g;
	struct ring *rings[ORDERED_LANES];
	struct numbered items[ORDERED_PLACES + 1];
	uint8_t whose[ORDERED_PLACES + 1]; /* which lane pushes the item of a place; ORDERED_LANES: it has none */
	_Atomic size_t next_lane;
	size_t last_place, taken;
};

static void on_ordered(void *ctx, struct item *item)
{
	struct ordered *o = ctx;
	size_t place = ((struct numbered *)item)->number;

	assert_true(place > o->last_place);
	o->last_place = place;
	o->taken++;
}

static void on_ordered_end(void *ctx)
{
	on_end(&((struct ordered *)ctx)->g);
}

/* Reads all places, pushes its own, and now and then says how far it is. */
static void *ordered_lane(void *arg)
{
	struct ordered *o = arg;
	size_t lane = atomic_fetch_add(&o->next_lane, 1);

	for (size_t place = 1; place <= ORDERED_PLACES; place++) {
		if (o->whose[place] == lane) {
			while (!ring_push(o->rings[lane], &o->items[place].item)) {
				intake_wake(o->g.intake);
				if (!ring_wait_space(o->rings[lane]))
					return NULL;
			}
			if (place % 3 == 0)
				intake_wake(o->g.intake);
		}
		if ((place + 7 * lane) % 61 == 0)
			intake_reached(o->g.intake, lane, place);
	}
	intake_end(o->g.intake, lane);
	return NULL;
}

/* Lanes that read one recording: what comes is in its order, however far one is ahead of another, and all of it comes. */
static void test_lanes_in_order(void **state)
{
	struct ordered *o = calloc(1, sizeof(*o));
	size_t expected = 0;

	assert_non_null(o);
	for (size_t round = 0; round < 6; round++) {
		pthread_t threads[ORDERED_LANES];

		memset(o, 0, sizeof(*o));
		rig_init(&o->g, &(struct intake_options){ .pace = PACE_NONE }, 0);
		o->g.lane_joined = true; /* its own never runs */
		intake_close(o->g.intake);
		uv_run(&o->g.loop, UV_RUN_NOWAIT);
		intake_free(o->g.intake);
		for (size_t i = 0; i < ORDERED_LANES; i++)
			assert_non_null(o->rings[i] = ring_new(round % 2 ? 16 : 4096));
		expected = 0;
		for (size_t place = 1; place <= ORDERED_PLACES; place++) {
			uint32_t x = (uint32_t)(place * 2654435761u + round * 40503u) >> 7;

			/* most for lane 0, a few for the others, nothing at all for the last in some rounds */
			o->whose[place] = (uint8_t)(x % 8 < 4 ? 0 : x % 8 < 8 - round ? x % (ORDERED_LANES + 1) : ORDERED_LANES);
			expected += o->whose[place] < ORDERED_LANES;
			o->items[place] = numbered(T0, place);
		}
		assert_int_equal(intake_new(&o->g.loop,
					    &(struct intake_options){ .rings = o->rings,
								      .ring_count = ORDERED_LANES,
								      .ordered = true,
								      .on_item = on_ordered,
								      .on_end = on_ordered_end,
								      .ctx = o },
					    &o->g.intake),
				 0);
		for (size_t i = 0; i < ORDERED_LANES; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, ordered_lane, o), 0);
		while (o->g.ends == 0)
			uv_run(&o->g.loop, UV_RUN_ONCE);
		assert_int_equal(o->taken, expected);
		for (size_t i = 0; i < ORDERED_LANES; i++) {
			pthread_join(threads[i], NULL);
			assert_null(ring_pop(o->rings[i]));
			ring_free(o->rings[i]);
		}
		rig_deinit(&o->g);
	}
	free(o);
}

static void test_budget(void **state)
{
	const struct intake_options o = { .pace = PACE_NONE };
	struct rig g;

	rig_init(&g, &o, 1000); /* all fit the ring before the loop looks */
	rig_start(&g);
	rig_join(&g);
	uv_run(&g.loop, UV_RUN_ONCE);
	assert_int_equal(g.taken, 256);
	rig_run_to_end(&g);
	rig_deinit(&g);
}

static void test_nothing_at_all(void **state)
{
	const struct intake_options o = { .pace = PACE_SCHEDULE, .speed = 1 };
	struct rig g;

	rig_init(&g, &o, 0);
	rig_start(&g);
	rig_run_to_end(&g);
	rig_deinit(&g);
}

/* ---- the schedule: each row says when an item was captured, and when it must come ---- */

struct pace_row {
	int64_t ts_us, due_us;
};

struct pace_case {
	const char *name;
	double speed;
	int64_t max_sleep_ms;
	bool no_first; /* the lane does not say when the first packet was */
	struct pace_row rows[8];
	size_t count;
};

static const struct pace_case paces[] = {
	{ "as recorded, sub-millisecond", 1, 0, false,
	  { { 0, 0 }, { 300, 300 }, { 700, 700 }, { 20200, 20200 }, { 20300, 20300 } }, 5 },
	{ "the first packet is the zero, not the first request", 1, 0, false, { { 50000, 50000 }, { 60000, 60000 } }, 2 },
	{ "without a first packet the first request is", 1, 0, true, { { 50000, 0 }, { 60000, 10000 } }, 2 },
	{ "four times as fast", 4, 0, false, { { 0, 0 }, { 80000, 20000 }, { 200000, 50000 } }, 3 },
	{ "at a quarter of the speed", 0.25, 0, false, { { 0, 0 }, { 10000, 40000 }, { 15000, 60000 } }, 3 },
	{ "a hundred times as fast", 100, 0, false, { { 0, 0 }, { 2000000, 20000 }, { 2010000, 20100 } }, 3 },
	{ "a long silence is cut, the rest keeps its distance", 1, 30, false,
	  { { 0, 0 }, { 10000, 10000 }, { 60000000, 40000 }, { 60010000, 50000 } }, 4 },
	{ "silence before the first request is cut too", 1, 30, false, { { 3600000000, 30000 }, { 3600020000, 50000 } }, 2 },
	{ "a little back in time: at once, and the schedule stays", 1, 0, false,
	  { { 0, 0 }, { 20000, 20000 }, { 15000, 20000 }, { 40000, 40000 } }, 4 },
	{ "before the first packet", 1, 0, false, { { -5000, 0 }, { 10000, 10000 } }, 2 },
	{ "far back in time: at once, and distances are kept", 1, 0, false,
	  { { 0, 0 }, { 20000, 20000 }, { -3600000000, 20000 }, { -3599970000, 50000 } }, 4 },
};

static void run_pace(const struct pace_case *p)
{
	const struct intake_options o = { .pace = PACE_SCHEDULE, .speed = p->speed, .max_sleep_ns = MS(p->max_sleep_ms) };
	const struct histogram *h;
	struct rig g;

	rig_init(&g, &o, p->count);
	g.says_first = !p->no_first;
	for (size_t i = 0; i < p->count; i++)
		g.items[i].item.due.ns = T0 + p->rows[i].ts_us * NS_PER_US;
	rig_start(&g);
	rig_run_to_end(&g);
	for (size_t i = 0; i < p->count; i++) {
		/* Never early. How late depends on the machine; that one gap is not paid twice does not. */
		if (g.moments[i] < p->rows[i].due_us * NS_PER_US)
			fail_msg("%s: item %zu came %ld us early", p->name, i,
				 (long)(p->rows[i].due_us - g.moments[i] / NS_PER_US));
		if (g.moments[i] > p->rows[i].due_us * NS_PER_US + 2 * NS_PER_S)
			fail_msg("%s: item %zu came seconds late", p->name, i);
	}
	h = &intake_stats(g.intake)->lateness_us;
	assert_int_equal(h->count, p->count);
	rig_deinit(&g);
}

static void test_schedule(void **state)
{
	for (size_t i = 0; i < sizeof(paces) / sizeof(paces[0]); i++)
		run_pace(&paces[i]);
}

/** a thousand items, 100 us apart: lateness of one must not move the next */
static void test_errors_do_not_add_up(void **state)
{
	const struct intake_options o = { .pace = PACE_SCHEDULE, .speed = 1 };
	struct rig g;

	rig_init(&g, &o, 2000);
	for (size_t i = 0; i < g.count; i++)
		g.items[i].item.due.ns = T0 + (int64_t)i * 100 * NS_PER_US;
	rig_start(&g);
	rig_run_to_end(&g);
	for (size_t i = 0; i < g.count; i++)
		assert_true(g.moments[i] >= (int64_t)i * 100 * NS_PER_US);
	/* Even if every wake-up were a millisecond late, the last comes a moment after 199.9 ms, not after 2 s. */
	assert_true(g.moments[g.count - 1] < NS_PER_S);
	print_message("lateness: p50 %lu us, p99 %lu us, max %lu us\n",
		      (unsigned long)histogram_quantile(&intake_stats(g.intake)->lateness_us, 0.5),
		      (unsigned long)histogram_quantile(&intake_stats(g.intake)->lateness_us, 0.99),
		      (unsigned long)intake_stats(g.intake)->lateness_us.max);
	rig_deinit(&g);
}

static void test_times_beyond_reason(void **state)
{
	const struct intake_options o = { .pace = PACE_SCHEDULE, .speed = 0.001, .max_sleep_ns = MS(5) };
	static const int64_t times[] = { INT64_MIN, INT64_MAX, 0, INT64_MAX - 1, INT64_MIN, -1 };
	struct rig g;

	rig_init(&g, &o, sizeof(times) / sizeof(times[0]));
	for (size_t i = 0; i < g.count; i++)
		g.items[i].item.due.ns = times[i];
	rig_start(&g);
	rig_run_to_end(&g);
	rig_deinit(&g);
}

/* ---- at the target's pace ---- */

static void test_waits_for_room(void **state)
{
	const struct intake_options o = { .pace = PACE_TARGET };
	struct rig g;

	rig_init(&g, &o, 1000);
	g.room = 300;
	rig_start(&g);
	while (g.refusals == 0)
		uv_run(&g.loop, UV_RUN_ONCE);
	assert_int_equal(g.taken, 300);
	uv_run(&g.loop, UV_RUN_NOWAIT);
	assert_int_equal(g.taken, 300);
	g.room = 5;
	intake_room(g.intake);
	assert_int_equal(g.taken, 300); /* not from inside the call */
	while (g.taken < 305)
		uv_run(&g.loop, UV_RUN_ONCE);
	g.room = SIZE_MAX;
	intake_room(g.intake);
	rig_run_to_end(&g);
	rig_deinit(&g);
}

/* A response is not replayed: it waits neither for room nor for its time, once it is the next. */
static void test_responses_go_at_once(void **state)
{
	const struct intake_options by_room = { .pace = PACE_TARGET };
	const struct intake_options by_time = { .pace = PACE_SCHEDULE, .speed = 1 };

	for (size_t i = 0; i < 2; i++) {
		struct rig g;

		rig_init(&g, i == 0 ? &by_room : &by_time, 3);
		for (size_t k = 0; k < 3; k++)
			g.items[k].item.due.ns = T0 + 3600 * NS_PER_S;
		g.items[0].item.kind = g.items[1].item.kind = ITEM_RESPONSE;
		rig_start(&g);
		rig_join(&g);
		while (g.taken < 2)
			uv_run(&g.loop, UV_RUN_ONCE);
		uv_run(&g.loop, UV_RUN_NOWAIT);
		assert_int_equal(g.taken, 2);
		intake_stop(g.intake, drop, &g);
		assert_int_equal(g.dropped, 1);
		rig_deinit(&g);
	}
}

/* ---- stopping ---- */

static void test_stop(void **state)
{
	const struct intake_options o = { .pace = PACE_NONE };
	struct rig g;

	rig_init(&g, &o, ITEMS_MAX);
	g.stop_after = 1000;
	rig_start(&g);
	/* What the lane goes on pushing is dropped too, so it can end. */
	while (g.taken + g.dropped < ITEMS_MAX)
		uv_run(&g.loop, UV_RUN_ONCE);
	assert_int_equal(g.taken, 1000);
	assert_int_equal(counter_get(&intake_stats(g.intake)->taken), 1000);
	assert_int_equal(counter_get(&intake_stats(g.intake)->leftover), ITEMS_MAX - 1000);
	assert_int_equal(g.ends, 0);
	rig_deinit(&g);
}

static void test_stop_while_waiting_for_a_moment(void **state)
{
	const struct intake_options o = { .pace = PACE_SCHEDULE, .speed = 1 };
	struct rig g;

	rig_init(&g, &o, 3);
	g.items[1].item.due.ns = g.items[2].item.due.ns = T0 + 3600 * NS_PER_S;
	rig_start(&g);
	rig_join(&g);
	while (g.taken < 1)
		uv_run(&g.loop, UV_RUN_ONCE);
	uv_run(&g.loop, UV_RUN_NOWAIT);
	intake_stop(g.intake, drop, &g);
	assert_int_equal(g.dropped, 2);
	rig_deinit(&g);
}

static int64_t told[4];
static size_t told_count;

static void note_pause(void *ctx, int64_t wait_ns)
{
	(void)ctx;
	assert_true(told_count < 4);
	told[told_count++] = wait_ns;
}

/* A clock that was decades off is told of when the pause begins, and not again for each item or shorter pause. */
static void test_pause_is_told(void **state)
{
	const struct intake_options o = { .pace = PACE_SCHEDULE, .speed = 1e6, .on_pause = note_pause };
	const int64_t year = INT64_C(365) * 24 * 3600 * NS_PER_S;
	struct rig g;

	told_count = 0;
	rig_init(&g, &o, 5);
	g.items[1].item.due.ns = T0 + 2000 * NS_PER_S; /* 2 ms at this speed */
	g.items[2].item.due.ns = g.items[1].item.due.ns + 50 * NS_PER_S;
	g.items[3].item.due.ns = T0 + 15 * year; /* 473 s */
	g.items[4].item.due.ns = T0 + 16 * year;
	rig_start(&g);
	while (told_count == 0)
		uv_run(&g.loop, UV_RUN_ONCE);
	assert_int_equal(g.taken, 3);
	assert_true(told[0] > 460 * NS_PER_S && told[0] < 475 * NS_PER_S);
	for (int i = 0; i < 3; i++) { /* a second look at the same item */
		intake_wake(g.intake);
		uv_run(&g.loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(told_count, 1);
	rig_join(&g);
	intake_stop(g.intake, drop, &g);
	rig_deinit(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_takes_all_at_once),
		cmocka_unit_test(test_several_rings), cmocka_unit_test(test_lanes_in_order),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_pause_is_told),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_errors_do_not_add_up),
		cmocka_unit_test(test_times_beyond_reason),
		cmocka_unit_test(test_waits_for_room),
		cmocka_unit_test(test_responses_go_at_once),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_while_waiting_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
