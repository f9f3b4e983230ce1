/* test_verdicts.c - what the places that walk the list take for granted */
#include "tests/rig/unit.h"

#include <string.h>

#include "compare/verdicts.h"

static void test_places(void **state)
{
	bool seen[COMPARISON_COUNT] = { false };

	(void)state;
	for (int place = 1; place <= COMPARISON_COUNT; place++) {
		enum comparison_verdict v = comparison_at_place(place);

		assert_int_equal(verdict_row(v)->place, place);
		assert_false(seen[v]);
		seen[v] = true;
	}
}

/* The page turns the list round, but for its last: from the best to the worst. */
static void test_order(void **state)
{
	bool is_match = false;

	(void)state;
	assert_int_equal(COMPARISON_NOT_COMPARABLE, COMPARISON_COUNT - 1);
	for (enum comparison_verdict v = 0; v < COMPARISON_NOT_COMPARABLE; v++) {
		assert_false(is_match && verdict_row(v)->role != COMPARISON_MATCH);
		is_match = verdict_row(v)->role == COMPARISON_MATCH;
	}
	assert_true(is_match);
}

static void test_roles(void **state)
{
	static const struct {
		enum comparison_verdict verdict;
		bool is_compared, is_mismatch;
	} rows[] = {
		{ COMPARISON_ERROR, false, false }, { COMPARISON_STATUS, true, true },
		{ COMPARISON_ORDER, true, true },   { COMPARISON_CLOSE, true, false },
		{ COMPARISON_EQUAL, true, false },  { COMPARISON_NOT_COMPARABLE, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(comparison_is_compared(rows[i].verdict), rows[i].is_compared);
		assert_int_equal(comparison_is_mismatch(rows[i].verdict), rows[i].is_mismatch);
	}
}

/* A graver kind of difference never makes a milder verdict. */
static void test_differences(void **state)
{
	(void)state;
	for (enum difference_kind k = 1; k < DIFFERENCE_COUNT; k++)
		assert_true(difference_verdict(k) >= difference_verdict(k - 1));
	for (enum difference_kind k = 0; k < DIFFERENCE_COUNT; k++)
		assert_true(comparison_is_compared(difference_verdict(k)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
