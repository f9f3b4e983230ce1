/* test_inflight.c - what was published, and the broker's word about it */
#include "tests/rig/unit.h"

#include "relay/inflight.h"

static struct mono at_ms(int64_t ms)
{
	return (struct mono){ ms * NS_PER_MS };
}

static void test_a_word_counts_once(void **state)
{
	struct inflight *f = inflight_new();
	int64_t took = 0;

	assert_non_null(f);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(inflight_add(f, 0, at_ms(1)), i);
	assert_int_equal(inflight_open(f), 3);
	assert_int_equal(inflight_settle(f, 1, RELAY_ACKED, at_ms(4), &took), INFLIGHT_SETTLED);
	assert_int_equal(took, 3 * NS_PER_MS);
	assert_int_equal(inflight_settle(f, 1, RELAY_ACKED, at_ms(4), &took), INFLIGHT_NOTHING);
	assert_int_equal(inflight_settle(f, 1, RELAY_REFUSED_FULL, at_ms(4), &took), INFLIGHT_NOTHING);
	assert_int_equal(inflight_open(f), 2);
	/* never given, and far from it */
	assert_int_equal(inflight_settle(f, 3, RELAY_ACKED, at_ms(4), &took), INFLIGHT_NOTHING);
	assert_int_equal(inflight_settle(f, UINT64_MAX, RELAY_ACKED, at_ms(4), &took), INFLIGHT_NOTHING);
	assert_int_equal(inflight_settle(f, INFLIGHT_MAX, RELAY_ACKED, at_ms(4), &took), INFLIGHT_NOTHING);
	inflight_free(f);
}

static void test_late_words(void **state)
{
	struct inflight *f = inflight_new();
	int64_t took = 0;

	inflight_add(f, 0, at_ms(0));
	inflight_add(f, 0, at_ms(1000));
	assert_int_equal(inflight_expire(f, at_ms(1999), false), 0);
	assert_int_equal(inflight_expire(f, at_ms(2000), false), 1);
	assert_int_equal(inflight_open(f), 1);
	assert_int_equal(inflight_settle(f, 0, RELAY_DUPLICATE, at_ms(2500), &took), INFLIGHT_LATE);
	assert_int_equal(inflight_settle(f, 0, RELAY_DUPLICATE, at_ms(2500), &took), INFLIGHT_NOTHING);
	assert_int_equal(inflight_settle(f, 1, RELAY_ACKED, at_ms(2500), &took), INFLIGHT_SETTLED);
	assert_int_equal(inflight_expire(f, at_ms(9000), true), 0);
	inflight_free(f);
}

/* One that stays open holds up those after it; when it is overdue, all go on. A word about one whose place is taken is none. */
static void test_room(void **state)
{
	struct inflight *f = inflight_new();
	int64_t took = 0;

	for (size_t i = 0; i < INFLIGHT_MAX; i++) {
		assert_true(inflight_has_room(f));
		inflight_add(f, 0, at_ms(0));
	}
	assert_false(inflight_has_room(f));
	for (uint64_t i = 1; i < INFLIGHT_MAX; i++)
		assert_int_equal(inflight_settle(f, i, RELAY_ACKED, at_ms(1), &took), INFLIGHT_SETTLED);
	assert_int_equal(inflight_open(f), 1);
	assert_false(inflight_has_room(f));
	assert_int_equal(inflight_expire(f, at_ms(2000), false), 1);
	assert_true(inflight_has_room(f));
	assert_int_equal(inflight_add(f, 0, at_ms(2001)), INFLIGHT_MAX);
	assert_int_equal(inflight_settle(f, 0, RELAY_ACKED, at_ms(2002), &took), INFLIGHT_NOTHING);
	assert_int_equal(inflight_settle(f, INFLIGHT_MAX, RELAY_ACKED, at_ms(2002), &took), INFLIGHT_SETTLED);
	inflight_free(f);
}

static void test_denied(void **state)
{
	struct inflight *f = inflight_new();
	struct inflight_range ranges[INFLIGHT_RANGES];
	int64_t took = 0;

	for (uint32_t i = 0; i < 6; i++)
		inflight_add(f, i % 2, at_ms(0));
	assert_int_equal(inflight_settle(f, 0, RELAY_ACKED, at_ms(1), &took), INFLIGHT_SETTLED);
	assert_int_equal(inflight_deny(f, 1), 3);
	assert_int_equal(inflight_deny(f, 1), 0);
	assert_int_equal(inflight_open(f), 2);
	assert_int_equal(inflight_refused(f, ranges), 3);
	assert_int_equal(ranges[0].first, 1);
	assert_int_equal(ranges[0].last, 1);
	assert_int_equal(ranges[2].first, 5);
	inflight_free(f);
}

static void test_refused_are_ranges(void **state)
{
	struct inflight *f = inflight_new();
	struct inflight_range ranges[INFLIGHT_RANGES];
	int64_t took = 0;

	for (uint64_t i = 0; i < 1000; i++)
		inflight_add(f, 0, at_ms(0));
	for (uint64_t i = 10; i < 20; i++)
		inflight_settle(f, i, RELAY_REFUSED_FULL, at_ms(1), &took);
	assert_int_equal(inflight_refused(f, ranges), 1);
	assert_int_equal(ranges[0].first, 10);
	assert_int_equal(ranges[0].last, 19);
	for (uint64_t i = 30; i < 1000; i += 2)
		inflight_settle(f, i, RELAY_REFUSED_BUSY, at_ms(1), &took);
	assert_int_equal(inflight_refused(f, ranges), INFLIGHT_RANGES);
	assert_int_equal(ranges[INFLIGHT_RANGES - 1].last, 998);
	assert_int_equal(ranges[0].first, 998 - 2 * (INFLIGHT_RANGES - 1));
	inflight_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_word_counts_once),
		cmocka_unit_test(test_late_words),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_refused_are_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
