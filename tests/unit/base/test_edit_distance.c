/* test_edit_distance.c - one slip is one edit, in either direction, and nothing is read or written beyond the words */
#include "tests/rig/unit.h"

#include <string.h>

#include "base/edit_distance.h"

static const struct {
	const char *a, *b;
	size_t distance;
} words[] = {
	{ "", "", 0 },
	{ "", "abc", 3 },
	{ "timeout", "timeout", 0 },
	{ "timout", "timeout", 1 },     /* left out */
	{ "timeoutt", "timeout", 1 },   /* added */
	{ "timeour", "timeout", 1 },    /* changed */
	{ "tmieout", "timeout", 1 },    /* swapped */
	{ "itmeotu", "timeout", 2 },    /* at the start and at the end */
	{ "ba", "ab", 1 },
	{ "ca", "abc", 3 },             /* no letter is touched twice: not swapped and then parted */
	{ "kitten", "sitting", 3 },
	{ "saturday", "sunday", 3 },
	{ "abcd", "wxyz", 4 },
};

static void test_distance(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct span a = span_str(words[i].a), b = span_str(words[i].b);

		assert_int_equal(edit_distance(a, b), words[i].distance);
		assert_int_equal(edit_distance(b, a), words[i].distance);
	}
}

static void test_longest(void **state)
{
	uint8_t x[EDIT_DISTANCE_MAX + 1], y[EDIT_DISTANCE_MAX + 1];
	struct span longest = { x, EDIT_DISTANCE_MAX }, other = { y, EDIT_DISTANCE_MAX };

	(void)state;
	memset(x, 'x', sizeof(x));
	memset(y, 'y', sizeof(y));
	assert_int_equal(edit_distance(longest, other), EDIT_DISTANCE_MAX);
	assert_int_equal(edit_distance(longest, longest), 0);
	assert_int_equal(edit_distance(longest, span_str("")), EDIT_DISTANCE_MAX);
	longest.len++;
	assert_true(edit_distance(longest, longest) == SIZE_MAX);
	assert_true(edit_distance(longest, span_str("x")) == SIZE_MAX);
	assert_true(edit_distance(span_str("x"), longest) == SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
