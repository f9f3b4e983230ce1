/*
 * test_time_order.c - partitions in the order of time: none overtakes, unless it was waited for long enough
 */
#include "tests/rig/unit.h"

#include "relay/time_order.h"
#include "tests/rig/dice.h"

static struct partition_set set_of(uint32_t bits)
{
	return (struct partition_set){ { bits } };
}

static void put(struct time_order *m, uint32_t partition, int64_t time)
{
	assert_true(time_order_put(m, partition, (struct wall){ time }, (void *)(intptr_t)time));
}

static int64_t take(struct time_order *m, uint32_t behind, int64_t now)
{
	struct partition_set set = set_of(behind);

	return (intptr_t)time_order_take(m, &set, (struct mono){ now });
}

static void test_waiting(void **state)
{
	struct time_order m = { 0 };
	int64_t now = NS_PER_S;

	assert_int_equal(take(&m, 3, now), 0);
	put(&m, 0, 50);
	put(&m, 0, 20);
	assert_int_equal(take(&m, 1, now), 20); /* partition 0 is behind, but has something here */
	assert_int_equal(take(&m, 3, now), 0);  /* what will 1 bring? */
	assert_int_equal(take(&m, 3, now + TIME_ORDER_WINDOW_NS - 1), 0);
	put(&m, 1, 30);
	assert_int_equal(take(&m, 3, now + TIME_ORDER_WINDOW_NS - 1), 30);
	assert_int_equal(take(&m, 3, now + TIME_ORDER_WINDOW_NS), 0); /* the wait begins again */
	assert_int_equal(take(&m, 3, now + 2 * TIME_ORDER_WINDOW_NS), 50);
	assert_int_equal(m.late, 0);
	put(&m, 1, 40);
	put(&m, 0, 60);
	assert_int_equal(take(&m, 4, now + 2 * TIME_ORDER_WINDOW_NS), 40); /* late: at once */
	assert_int_equal(m.late, 1);
	assert_int_equal(take(&m, 0, now), 60);
	assert_null(time_order_take_any(&m));
	time_order_deinit(&m);
}

/* Each partition in order, brought in pieces of any size: what goes is in order. */
static void test_order(void **state)
{
	for (uint64_t seed = 1; seed < 300; seed++) {
		struct dice d = dice_of_seed(seed);
		uint32_t partitions = 1 + below(&d, 8), behind = (1u << partitions) - 1;
		int64_t next[8], last = 0;
		uint32_t left[8], gone = 0, all = 0;
		struct time_order m = { 0 };

		for (uint32_t p = 0; p < partitions; p++) {
			next[p] = 1 + below(&d, 100);
			all += left[p] = below(&d, 60);
		}
		while (gone < all || behind) {
			uint32_t p = below(&d, partitions), piece = below(&d, 20);
			int64_t time;

			for (; piece > 0 && left[p] > 0; piece--, left[p]--) {
				put(&m, p, next[p]);
				next[p] += below(&d, 50);
			}
			if (left[p] == 0)
				behind &= ~(1u << p);
			while ((time = take(&m, behind, 5)) != 0) {
				assert_true(time >= last);
				last = time;
				gone++;
			}
		}
		assert_int_equal(m.late, 0);
		assert_int_equal(m.count, 0);
		time_order_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
