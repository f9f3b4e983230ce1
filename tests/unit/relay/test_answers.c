/* test_answers.c - requests wait for responses: each token comes back once, whatever the order, and none waits for ever */
#include "tests/rig/unit.h"

#include <stdlib.h>

#include "relay/answers.h"
#include "tests/rig/dice.h"

static void test_story(void **state)
{
	struct answers *a = answers_new();
	struct wall t = { 1000 * NS_PER_S };

	assert_int_equal(answers_expect(a, 1, 2, 0, t, 7), 0);
	assert_int_equal(answers_expect(a, 2, 1, 1, t, 8), 0);
	assert_int_equal(answers_expect(a, 1, 2, 0, t, 9), 9); /* the same id again */
	assert_int_equal(answers_take(a, 1, 1), 0);
	assert_int_equal(answers_overdue(a, 0, wall_after(t, ANSWERS_WAIT_NS)), 0);
	assert_int_equal(answers_overdue(a, 2, wall_after(t, 2 * ANSWERS_WAIT_NS)), 0); /* of that partition none waits */
	assert_int_equal(answers_overdue(a, 1, wall_after(t, ANSWERS_WAIT_NS + 1)), 8);
	assert_int_equal(answers_take(a, 2, 1), 0);
	assert_int_equal(answers_take(a, 1, 2), 7);
	assert_int_equal(answers_waiting(a), 0);
	assert_int_equal(answers_take_any(a), 0);
	answers_free(a);
}

static void test_bound(void **state)
{
	struct answers *a = answers_new();
	struct wall t = { NS_PER_S };

	for (uint64_t i = 1; i <= ANSWERS_MAX; i++)
		assert_int_equal(answers_expect(a, i, 0, 0, t, i), 0);
	assert_int_equal(answers_expect(a, 0, 1, 0, t, UINT64_MAX), 1);
	assert_int_equal(answers_waiting(a), ANSWERS_MAX);
	for (uint64_t i = 2; i <= ANSWERS_MAX; i++)
		assert_int_equal(answers_take(a, i, 0), i);
	assert_int_equal(answers_take_any(a), UINT64_MAX);
	answers_free(a);
}

/* Each token that goes in comes out, once. */
static void test_property(void **state)
{
	struct dice d = dice_of_seed(3);
	struct answers *a = answers_new();
	uint8_t *out = calloc(200001, 1);
	uint64_t taken = 0;

	for (uint64_t i = 1; i <= 200000; i++) {
		uint64_t token = answers_expect(a, i, below(&d, 3), below(&d, 4), (struct wall){ (int64_t)i }, i);

		for (int turn = 0; turn < 3; turn++) {
			taken += token != 0;
			assert_true(token == 0 || ++out[token] == 1);
			token = turn == 0 ? answers_take(a, i - below(&d, 50), below(&d, 3))
					  : answers_overdue(a, below(&d, 4), (struct wall){ (int64_t)i + ANSWERS_WAIT_NS - 300 });
		}
		taken += token != 0;
		assert_true(token == 0 || ++out[token] == 1);
	}
	assert_int_equal(taken + answers_waiting(a), 200000);
	assert_true(answers_waiting(a) < 2000);
	free(out);
	answers_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
