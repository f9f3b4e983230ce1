/* test_sample_control.c - the share that is in force: what was asked for, or the ramp, less the governor's part */
#include "tests/rig/run_rig.h"

#include "app/run/sample_control.h"
#include "base/units.h"
#include "app/run/stages.h"

static void test_asked(void **state)
{
	struct sample_control s;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "sink:", "-S", "25%");
	sample_control_init(&s, stages_sample(&o));
	assert_false(s.has_ramp || s.has_governor);
	assert_int_equal(s.share, SHARE_ONE / 4);
	assert_int_equal(sample_control_ask(&s, SHARE_ONE / 2), SHARE_ONE / 2);
	assert_int_equal(s.asked, SHARE_ONE / 2);
	assert_int_equal(s.share, SHARE_ONE / 2);
	options_deinit(&o);
}

/* A ramp is not moved from outside. */
static void test_ramp(void **state)
{
	struct sample_control s;
	struct options o;
	uint64_t from;

	(void)state;
	OPTIONS_OF(&o, "-i", "lo", "-p", "8000", "-t", "http://127.0.0.1:9", "--ramp", "1%..50%/10m");
	sample_control_init(&s, stages_sample(&o));
	assert_true(s.has_ramp);
	from = s.share;
	assert_int_equal(from, SHARE_ONE / 100);
	assert_int_equal(sample_control_ask(&s, SHARE_ONE), from);
	assert_int_equal(s.asked, from);
	options_deinit(&o);
}

/* What the governor takes off stays off when another share is asked for. */
static void test_governor(void **state)
{
	struct sample_control s;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-i", "lo", "-p", "8000", "-t", "http://127.0.0.1:9", "--max-cpu", "10%");
	sample_control_init(&s, stages_sample(&o));
	assert_true(s.has_governor);
	s.governor = governor_new(o.max_cpu, (struct mono){ 0 }, 0);
	assert_int_equal(sample_control_ask(&s, SHARE_ONE), SHARE_ONE);
	for (int64_t i = 1; i < 4; i++) /* a whole core all the time */
		governor_look(&s.governor, (struct mono){ i * GOVERNOR_LOOK_NS }, i * GOVERNOR_LOOK_NS);
	assert_true(sample_control_ask(&s, SHARE_ONE) < SHARE_ONE);
	assert_true(s.share < s.asked);
	assert_int_equal(s.share, governor_share(&s.governor, SHARE_ONE));
	options_deinit(&o);
}

/* What a restart or the end of a run cuts off, and what waited too long, is no trouble of the shadow's; a breaker is. */
static void test_counts(void **state)
{
	struct target_stats s = { 0 };
	struct ramp_counts c;

	(void)state;
	counter_set(&s.outcome[OUTCOME_ANSWERED_2XX], 10);
	counter_set(&s.outcome[OUTCOME_ANSWERED_5XX], 2);
	counter_set(&s.outcome[OUTCOME_FAILED_TIMEOUT], 3);
	counter_set(&s.outcome[OUTCOME_FAILED_STALE], 5);
	counter_set(&s.outcome[OUTCOME_CANCELLED_AT_EXIT], 7);
	counter_set(&s.shed[SHED_BREAKER], 4);
	counter_set(&s.shed[SHED_RATE], 100);
	counter_set(&s.queued, 6);
	c = sample_counts(&s, 50);
	assert_int_equal(c.ended, 10 + 2 + 3 + 5 + 4);
	assert_int_equal(c.failed, 2 + 3 + 4);
	assert_int_equal(c.timeouts, 3);
	assert_int_equal(c.queued, 6);
	assert_int_equal(c.queue_max, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_governor),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
