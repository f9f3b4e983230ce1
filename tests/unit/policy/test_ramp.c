/*
 * test_ramp.c - the ramp and the CPU governor, as tables of what they see and what they do
 */
#include "tests/rig/unit.h"

#include <math.h>

#include "policy/governor.h"
#include "policy/ramp.h"
#include "base/anytime.h"
#include "base/units.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PERCENT (SHARE_ONE / 100)

/* ---- the ramp ---- */

struct look {
	int64_t after_ms;
	uint64_t ended, failed, timeouts, queued; /* what is added since the look before; queued: now */
	enum ramp_event event;
	uint64_t share;
	enum ramp_trouble trouble;
};

/* 10%..50% in 20 s: 2 % each second; a queue of 100 */
static const struct look looks[] = {
	{ 999, 10, 0, 0, 0, RAMP_SAME, 10 * PERCENT, RAMP_WELL },
	{ 1, 10, 0, 0, 0, RAMP_RAISED, 12 * PERCENT, RAMP_WELL },
	{ 1000, 80, 5, 0, 50, RAMP_RAISED, 14 * PERCENT, RAMP_WELL }, /* 5 in 100, half of the queue: just well */
	{ 1000, 0, 0, 0, 51, RAMP_HELD, 14 * PERCENT, RAMP_QUEUE },
	{ 5000, 0, 0, 0, 51, RAMP_SAME, 14 * PERCENT, RAMP_QUEUE }, /* this time does not count */
	{ 1000, 0, 0, 0, 50, RAMP_RESUMED, 14 * PERCENT, RAMP_WELL },
	{ 1000, 0, 1, 0, 0, RAMP_HELD, 14 * PERCENT, RAMP_FAILURES }, /* 6 in 100 */
	{ 1000, 20, 0, 0, 0, RAMP_RESUMED, 14 * PERCENT, RAMP_WELL }, /* 6 in 120 */
	{ 1000, 0, 0, 1, 0, RAMP_RAISED, 16 * PERCENT, RAMP_WELL },   /* 1 timeout in 120 */
	{ 1000, 0, 0, 1, 0, RAMP_HELD, 16 * PERCENT, RAMP_TIMEOUTS },
	/* ten looks later they are forgotten; nothing ended meanwhile */
	{ 1000, 0, 0, 0, 0, RAMP_SAME, 16 * PERCENT, RAMP_TIMEOUTS },
	{ 1000, 0, 0, 0, 0, RAMP_SAME, 16 * PERCENT, RAMP_TIMEOUTS },
	{ 1000, 0, 0, 0, 0, RAMP_SAME, 16 * PERCENT, RAMP_TIMEOUTS },
	{ 1000, 1000, 0, 0, 0, RAMP_RESUMED, 16 * PERCENT, RAMP_WELL },
	{ 5000, 0, 0, 0, 0, RAMP_RAISED, 26 * PERCENT, RAMP_WELL }, /* several steps at once */
	{ -1000, 0, 0, 0, 0, RAMP_SAME, 26 * PERCENT, RAMP_WELL },
	{ 11999, 0, 0, 0, 0, RAMP_RAISED, 48 * PERCENT, RAMP_WELL },
	{ 1, 0, 0, 0, 0, RAMP_REACHED, 50 * PERCENT, RAMP_WELL },
	{ 3600000, 0, 0, 0, 0, RAMP_SAME, 50 * PERCENT, RAMP_WELL }, /* never above */
	{ 1000, 5, 5, 5, 100, RAMP_SAME, 50 * PERCENT, RAMP_WELL },  /* it does not come down, nor say that it waits */
};

static void test_ramp(void **state)
{
	const struct ramp_options options = { 10 * PERCENT, 50 * PERCENT, 20 * NS_PER_S };
	struct ramp_counts counts = { .queue_max = 100 };
	struct mono now = { 5 * NS_PER_S };
	struct ramp r = ramp_new(&options, now);

	for (size_t i = 0; i < COUNT(looks); i++) {
		const struct look *l = &looks[i];
		enum ramp_event event;

		now.ns += l->after_ms * NS_PER_MS;
		counts.ended += l->ended;
		counts.failed += l->failed;
		counts.timeouts += l->timeouts;
		counts.queued = l->queued;
		event = ramp_look(&r, now, NULL, &counts, 1);
		if (event != l->event || r.share != l->share || r.trouble != l->trouble)
			fail_msg("look %zu: event %d, share %lu, trouble %d", i, event, (unsigned long)r.share,
				 r.trouble);
	}
	assert_int_equal(r.held_times, 3);
}

/* One of many targets in trouble holds it, and is named. */
static void test_ramp_targets(void **state)
{
	const struct ramp_options options = { 0, SHARE_ONE, 20 * NS_PER_S };

	for (size_t bad = 0; bad < RAMP_TARGETS; bad++) {
		struct ramp_counts counts[RAMP_TARGETS] = { { 0 } };
		struct ramp r = ramp_new(&options, (struct mono){ 0 });

		counts[bad] = (struct ramp_counts){ .ended = 100, .failed = 6 };
		assert_int_equal(ramp_look(&r, (struct mono){ NS_PER_S }, NULL, counts, RAMP_TARGETS), RAMP_HELD);
		assert_int_equal(r.trouble_target, bad);
		assert_int_equal(r.share, 0);
		assert_non_null(ramp_trouble_text(r.trouble));
	}
}

/* Whatever T: the share only rises, in 20 steps, and ends at B exactly. */
static void test_ramp_lengths(void **state)
{
	static const int64_t lengths[] = { NS_PER_S, 7 * NS_PER_S, 1800 * NS_PER_S, 86400 * 30 * NS_PER_S };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		const struct ramp_options options = { 1, SHARE_ONE - 1, lengths[i] };
		int64_t every = ramp_look_every_ns(&options);
		struct ramp r = ramp_new(&options, (struct mono){ 0 });
		uint64_t before = r.share, steps = 0;

		assert_true(every <= NS_PER_S && every >= 50 * NS_PER_MS);
		for (int64_t n = 1; n <= 100; n++) {
			enum ramp_event event = ramp_look(&r, (struct mono){ lengths[i] / 100 * n }, NULL, NULL, 0);

			assert_true(r.share >= before && (event == RAMP_SAME) == (r.share == before));
			steps += event != RAMP_SAME;
			before = r.share;
		}
		assert_int_equal(steps, RAMP_STEPS);
		assert_int_equal(r.share, SHARE_ONE - 1);
	}
}

/* ---- the governor ---- */

static const struct {
	int64_t after_ms, used_ms;
	enum governor_event event;
	unsigned halvings;
} governed[] = {
	/* a limit of 20 % */
	{ 1000, 200, GOVERNOR_SAME, 0 },
	{ 1000, 201, GOVERNOR_LOWERED, 1 },
	{ 1000, 200, GOVERNOR_SAME, 1 },
	{ 1000, 161, GOVERNOR_SAME, 1 },
	{ 1000, 159, GOVERNOR_SAME, 1 },
	{ 1000, 159, GOVERNOR_SAME, 1 },
	{ 1000, 160, GOVERNOR_SAME, 1 }, /* not below 80 %: the three seconds begin anew */
	{ 1000, 0, GOVERNOR_SAME, 1 },
	{ 1999, 0, GOVERNOR_SAME, 1 },
	{ 1, 0, GOVERNOR_RAISED, 0 },
	{ 9000, 0, GOVERNOR_SAME, 0 }, /* never above what was asked for */
	{ 0, 1000, GOVERNOR_SAME, 0 }, /* no time passed: nothing is known, and this second of CPU is not forgotten */
	{ 1000, 0, GOVERNOR_LOWERED, 1 },
	{ 1000, 2000, GOVERNOR_LOWERED, 2 },
	{ 1000, 2000, GOVERNOR_LOWERED, 3 },
	{ 1000, 2000, GOVERNOR_LOWERED, 4 },
	{ 1000, 2000, GOVERNOR_LOWERED, 5 },
	{ 1000, 2000, GOVERNOR_LOWERED, 6 },
	{ 1000, 2000, GOVERNOR_SAME, 6 }, /* the floor */
	{ 3000, 0, GOVERNOR_RAISED, 5 },
	{ 2999, 0, GOVERNOR_SAME, 5 },
	{ 1000, 0, GOVERNOR_RAISED, 4 }, /* one step for each three seconds */
};

static void test_governor(void **state)
{
	struct mono now = { 77 * NS_PER_S };
	int64_t cpu = 12345;
	struct governor g = governor_new(20, now, cpu);

	for (size_t i = 0; i < COUNT(governed); i++) {
		enum governor_event event;

		now.ns += governed[i].after_ms * NS_PER_MS;
		cpu += governed[i].used_ms * NS_PER_MS;
		event = governor_look(&g, now, cpu);
		if (event != governed[i].event || g.halvings != governed[i].halvings)
			fail_msg("look %zu: event %d, %u halvings", i, event, g.halvings);
		assert_int_equal(governor_share(&g, SHARE_ONE), SHARE_ONE >> governed[i].halvings);
		assert_int_equal(governor_share(&g, 0), 0);
		assert_int_equal(governor_share(&g, 1), 1);
	}
	assert_int_equal(g.lowered_times, 7);
}

/* ---- what the pairs say ---- */

/* 10%..50% in 20 s, decided within a minute, then 1%; a pair each 100 ms */
static const struct {
	int64_t after_ms;
	double to_go;
	enum ramp_evidence decided;
	uint64_t queued;
	enum ramp_event event;
	uint64_t share;
} told[] = {
	{ 2000, INFINITY, RAMP_MORE, 0, RAMP_RAISED, 14 * PERCENT },
	{ 5000, 530, RAMP_MORE, 0, RAMP_SAME, 14 * PERCENT }, /* in 53 s, which there are: this time does not count */
	/* in 52.1 s, and there are 52: a tenth more than 14 % times 52.1 / 52 is enough */
	{ 1000, 521, RAMP_MORE, 0, RAMP_RAISED, 154296153 },
	{ 1000, 900, RAMP_MORE, 0, RAMP_SAME, 154296153 }, /* ten pairs tell of no pace */
	{ 1000, 100, RAMP_MORE, 100, RAMP_HELD, 154296153 },
	{ 1000, 900, RAMP_MORE, 100, RAMP_SAME, 154296153 }, /* trouble goes before evidence */
	{ 1000, 0, RAMP_PROMOTE, 100, RAMP_KEPT, 1 * PERCENT },
	{ 1000, 900, RAMP_MORE, 0, RAMP_SAME, 1 * PERCENT }, /* and stays */
	{ 1000, 0, RAMP_REJECT, 0, RAMP_SAME, 1 * PERCENT },
};

static void test_evidence(void **state)
{
	struct ramp_options options = { 10 * PERCENT, 50 * PERCENT, 20 * NS_PER_S, 60 * NS_PER_S, 1 * PERCENT };
	struct ramp_counts counts = { .queue_max = 100 };
	struct ramp_pairs pairs = { .count = 0 };
	struct mono now = { 5 * NS_PER_S };
	struct ramp r = ramp_new(&options, now);

	(void)state;
	for (size_t i = 0; i < COUNT(told); i++) {
		enum ramp_event event;

		now.ns += told[i].after_ms * NS_PER_MS;
		pairs = (struct ramp_pairs){ pairs.count + (uint64_t)told[i].after_ms / 100, told[i].to_go, told[i].decided };
		counts.queued = told[i].queued;
		event = ramp_look(&r, now, &pairs, &counts, 1);
		if (event != told[i].event || r.share != told[i].share)
			fail_msg("row %zu: event %d, share %llu", i, event, (unsigned long long)r.share);
	}
	r = ramp_new(&options, now);
	pairs.decided = RAMP_REJECT;
	assert_int_equal(ramp_look(&r, now, &pairs, &counts, 1), RAMP_STOPPED);
	assert_int_equal(r.share, 0);
	options.keep = RAMP_KEEP_ALL;
	r = ramp_new(&options, now);
	pairs.decided = RAMP_PROMOTE;
	assert_int_equal(ramp_look(&r, now, &pairs, &counts, 1), RAMP_KEPT);
	assert_int_equal(r.share, 10 * PERCENT);
}

/** decided_after() - seconds until a shadow without a mismatch is decided, of so many requests a second */
static double decided_after(const struct ramp_options *options, double requests, uint64_t *most)
{
	struct ramp r = ramp_new(options, (struct mono){ NS_PER_S });
	double compared = 0;
	int64_t second = 1;

	for (*most = 0; r.evidence != RAMP_PROMOTE && second < 100000; second++) {
		struct ramp_pairs pairs = { .count = (uint64_t)compared };

		pairs.to_go = (double)anytime_pairs_to_go(0, pairs.count, 0.001, true, 0.025);
		pairs.decided = pairs.to_go > 0 ? RAMP_MORE : RAMP_PROMOTE;
		ramp_look(&r, (struct mono){ (second + 1) * NS_PER_S }, &pairs, NULL, 0);
		compared += requests * (double)r.share / (double)SHARE_ONE;
		*most = r.share > *most ? r.share : *most;
	}
	return (double)second;
}

/* 4,570 pairs in half an hour: the sample that takes is found, whatever the traffic; where there are not enough, all are taken. */
static void test_in_time(void **state)
{
	static const double requests[] = { 20, 50, 200, 1000 };
	const struct ramp_options options = { PERCENT / 10, 100 * PERCENT, 600 * NS_PER_S, 1800 * NS_PER_S, RAMP_KEEP_ALL };
	uint64_t most;

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		double seconds = decided_after(&options, requests[i], &most);

		if (seconds > 1800 || seconds < 1200)
			fail_msg("%g a second: after %g s", requests[i], seconds);
		if ((double)most > 1.5 * 4570 / 1800 / requests[i] * (double)SHARE_ONE)
			fail_msg("%g a second: a sample of %llu", requests[i], (unsigned long long)most);
	}
	assert_true(decided_after(&options, 1, &most) > 1800 && most == 100 * PERCENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_ramp_targets),
		cmocka_unit_test(test_ramp_lengths),
		cmocka_unit_test(test_governor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
