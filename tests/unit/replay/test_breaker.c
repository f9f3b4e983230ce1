/* test_breaker.c - the parts of a target that are pure logic: breaker, token bucket, share */
#include "tests/rig/unit.h"

#include "base/units.h"
#include "replay/breaker.h"
#include "replay/outcome.h"
#include "replay/rate.h"

enum step { FAIL, SUCCEED, PROBE };

struct breaker_step {
	int64_t at_ms;
	enum step step;
	enum breaker_state expect;
	int64_t sheds_until_ms; /* with BREAKER_OPEN */
};

/* Three failures in a row open it; then the back-off doubles up to half a minute. */
static const struct breaker_step incarnation[] = {
	{ 0, FAIL, BREAKER_CLOSED },
	{ 1, FAIL, BREAKER_CLOSED },
	{ 2, SUCCEED, BREAKER_CLOSED }, /* not in a row */
	{ 3, FAIL, BREAKER_CLOSED },
	{ 4, FAIL, BREAKER_CLOSED },
	{ 5, FAIL, BREAKER_OPEN, 505 },
	{ 6, FAIL, BREAKER_OPEN, 505 }, /* one that was under way */
	{ 600, PROBE, BREAKER_PROBING },
	{ 700, FAIL, BREAKER_OPEN, 1700 },
	{ 2000, PROBE, BREAKER_PROBING },
	{ 2000, FAIL, BREAKER_OPEN, 4000 },
	{ 5000, PROBE, BREAKER_PROBING },
	{ 5000, FAIL, BREAKER_OPEN, 9000 },
	{ 10000, PROBE, BREAKER_PROBING },
	{ 10000, FAIL, BREAKER_OPEN, 18000 },
	{ 20000, PROBE, BREAKER_PROBING },
	{ 20000, FAIL, BREAKER_OPEN, 36000 },
	{ 40000, PROBE, BREAKER_PROBING },
	{ 40000, FAIL, BREAKER_OPEN, 70000 },
	{ 80000, PROBE, BREAKER_PROBING },
	{ 80000, FAIL, BREAKER_OPEN, 110000 }, /* and no longer */
	{ 110000, PROBE, BREAKER_PROBING },
	{ 110001, SUCCEED, BREAKER_CLOSED },
	{ 110002, FAIL, BREAKER_CLOSED },
	{ 110003, FAIL, BREAKER_CLOSED },
	{ 110004, FAIL, BREAKER_OPEN, 110504 }, /* from the beginning */
	{ 110005, SUCCEED, BREAKER_CLOSED },    /* one that was under way got through */
};

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * NS_PER_MS };
}

static void test_breaker_incarnation(void **state)
{
	size_t opened = 0;
	struct breaker b;

	breaker_init(&b, 3);
	for (size_t i = 0; i < sizeof(incarnation) / sizeof(incarnation[0]); i++) {
		const struct breaker_step *s = &incarnation[i];

		switch (s->step) {
		case FAIL:
			opened += breaker_failed(&b, at(s->at_ms));
			break;
		case SUCCEED:
			breaker_succeeded(&b);
			break;
		case PROBE:
			assert_false(breaker_sheds(&b, at(s->at_ms)));
			breaker_probe(&b);
			break;
		}
		assert_int_equal(b.state, s->expect);
		switch (s->expect) {
		case BREAKER_CLOSED:
			assert_false(breaker_sheds(&b, at(s->at_ms)));
			break;
		case BREAKER_OPEN:
			assert_true(breaker_sheds(&b, at(s->sheds_until_ms - 1)));
			assert_false(breaker_sheds(&b, at(s->sheds_until_ms)));
			break;
		case BREAKER_PROBING:
			assert_true(breaker_sheds(&b, at(s->at_ms + 1000000)));
			break;
		}
	}
	assert_int_equal(opened, 2);
}

static void test_breaker_off(void **state)
{
	struct breaker b;

	breaker_init(&b, 0);
	for (int i = 0; i < 1000; i++)
		assert_false(breaker_failed(&b, at(i)));
	assert_string_equal(breaker_state_name(&b), "closed");
}

struct rate_row {
	uint64_t per_s;
	int64_t step_us, seconds; /* one request each step */
	uint64_t least, most;     /* that pass */
};

static const struct rate_row rates[] = {
	{ 1, 1000, 10, 10, 11 }, /* a bucket of 1 */
	{ 10, 1000, 10, 100, 101 },
	{ 1000, 100, 10, 10000, 10100 },  /* a bucket of 100 */
	{ 1000, 1000, 10, 10000, 10000 }, /* asked for no more than it gives */
	{ 7, 333, 60, 420, 421 },
	{ 999983, 1, 1, 999983, 1000000 },
	{ 0, 1000, 1, 1000, 1000 }, /* no limit */
	{ UINT64_MAX, 1000, 1, 1000, 1000 },
};

static void test_rate(void **state)
{
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct rate_row *row = &rates[i];
		struct mono now = { NS_PER_S };
		uint64_t passed = 0;
		struct rate r;

		rate_init(&r, row->per_s, now);
		for (int64_t us = 0; us < row->seconds * 1000000; us += row->step_us) {
			bool ready;

			now.ns = NS_PER_S + us * NS_PER_US;
			ready = rate_ready_at(&r, now).ns <= now.ns;
			assert_int_equal(rate_take(&r, now), ready);
			passed += ready;
		}
		if (passed < row->least || passed > row->most)
			fail_msg("rate %lu: %lu passed", (unsigned long)row->per_s, (unsigned long)passed);
	}
}

/** after a silence of years the bucket is full and no more */
static void test_rate_after_silence(void **state)
{
	struct mono now = { 0 };
	uint64_t passed = 0;
	struct rate r;

	rate_init(&r, 100000, now);
	now.ns = INT64_MAX / 2;
	while (rate_take(&r, now))
		passed++;
	assert_int_equal(passed, 10000);
	assert_int_equal(rate_ready_at(&r, now).ns, now.ns + 10000);
	now.ns -= 5; /* a clock that steps back gives nothing and breaks nothing */
	assert_false(rate_take(&r, now));
}

/** a change of the rate gives no burst: what the bucket held stays, as far as it fits */
static void test_rate_change(void **state)
{
	static const struct {
		uint64_t before, after;
		int64_t later_us;
		uint64_t passes; /* at once, the bucket being empty at the time of the change */
	} cases[] = {
		{ 1000, 10, 0, 0 },   { 1000, 10, 50000, 1 }, { 10, 1000, 0, 0 },     { 10, 1000, 100000, 1 },
		{ 10, 1000, 500000, 1 }, { 0, 1000, 0, 100 },   { 1000, 0, 0, 5000 }, { 0, 0, 0, 5000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mono now = { NS_PER_S };
		uint64_t passed = 0;
		struct rate r;

		rate_init(&r, cases[i].before, now);
		while (cases[i].before > 0 && rate_take(&r, now))
			continue;
		now.ns += cases[i].later_us * NS_PER_US;
		rate_change(&r, cases[i].after, now);
		while (passed < 5000 && rate_take(&r, now))
			passed++;
		if (passed != cases[i].passes)
			fail_msg("rate %lu -> %lu: %lu passed", (unsigned long)cases[i].before,
				 (unsigned long)cases[i].after, (unsigned long)passed);
		now.ns += 2 * NS_PER_S; /* and then the new one holds */
		for (passed = 0; cases[i].after > 0 && rate_take(&r, now);)
			passed++;
		if (cases[i].after > 0)
			assert_int_equal(passed, cases[i].after / 10);
	}
}

static void test_share(void **state)
{
	static const uint64_t parts[] = {
		0, 1, SHARE_ONE / 2000, SHARE_ONE / 20, SHARE_ONE / 3, SHARE_ONE - 1, SHARE_ONE
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct share s = { parts[i], 0 };
		uint64_t taken = 0;

		for (uint64_t n = 1; n <= 100000; n++) {
			taken += share_take(&s);
			assert_int_equal(taken,
					 n * parts[i] / SHARE_ONE); /* at every moment, not only at the end */
		}
	}
}

static void test_words(void **state)
{
	assert_string_equal(outcome_group(OUTCOME_ANSWERED_2XX), "answered");
	assert_string_equal(outcome_name(OUTCOME_ANSWERED_5XX), "5xx");
	assert_string_equal(outcome_reason(OUTCOME_ANSWERED_4XX), "status");
	assert_string_equal(outcome_group(OUTCOME_FAILED_DNS), "failed");
	assert_string_equal(outcome_name(OUTCOME_FAILED_DNS), "dns");
	assert_null(outcome_name(OUTCOME_CANCELLED_AT_EXIT));
	assert_string_equal(shed_name(SHED_BREAKER), "breaker");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_breaker_incarnation), cmocka_unit_test(test_breaker_off),
		cmocka_unit_test(test_rate),         cmocka_unit_test(test_rate_change),
		cmocka_unit_test(test_rate_after_silence),
		cmocka_unit_test(test_share),        cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
