/* test_texts.c - texts and lists that live as long as their owner, also where memory ends */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/options/texts.h"
#include "tests/rig/fail_alloc.h"

#define MANY 100

/* A copy is the owner's own: what it was made from may go. */
static void test_copies(void **state)
{
	struct texts_owner *owner = texts_owner_new();
	char from[] = "abc";
	const char *copy, *part, *empty;

	(void)state;
	assert_non_null(owner);
	copy = texts_copy(owner, span_str(from));
	part = texts_copy(owner, span_of(from + 1, 1));
	empty = texts_copy(owner, (struct span){ NULL, 0 });
	memset(from, 'X', 3);
	assert_string_equal(copy, "abc");
	assert_string_equal(part, "b");
	assert_string_equal(empty, "");
	texts_owner_free(owner);
	texts_owner_free(NULL);
}

/* Two lists that grow by turns keep their order, and what was read of one before it moved stays readable. */
static void test_lists(void **state)
{
	struct texts_owner *owner = texts_owner_new();
	struct texts odd = { 0 }, even = { 0 }, earlier = { 0 };
	static char text[MANY][8];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "%d", i);
		assert_true(texts_add(owner, i % 2 ? &odd : &even, text[i]));
		if (i == 8)
			earlier = even;
	}
	assert_int_equal(odd.count, MANY / 2);
	assert_int_equal(even.count, MANY / 2);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal((i % 2 ? &odd : &even)->at[i / 2], text[i]); /* borrowed, not copied */
	assert_int_equal(earlier.count, 5);
	assert_ptr_not_equal(earlier.at, even.at);
	for (int i = 0; i < 5; i++)
		assert_ptr_equal(earlier.at[i], text[2 * i]);
	texts_owner_free(owner);
}

/* one try with the n-th allocation failing: how many texts were added before it did */
static size_t add_until_failure(long n)
{
	struct texts_owner *owner;
	struct texts list = { 0 };

	fail_at = n;
	owner = texts_owner_new();
	if (owner) {
		const char *copy = texts_copy(owner, SPAN_LITERAL("x"));

		while (copy && list.count < MANY && texts_add(owner, &list, copy))
			;
		for (size_t i = 0; i < list.count; i++)
			assert_ptr_equal(list.at[i], copy);
	}
	fail_at = -1;
	texts_owner_free(owner);
	return list.count;
}

/* A list that cannot grow stays as it was: the owner, the copy, then arrays of 4, 8, 16 and so on. */
static void test_no_memory(void **state)
{
	static const size_t counts[] = { 0, 0, 0, 4, 8, 16, 32, 64, MANY };

	(void)state;
	for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++)
		assert_int_equal(add_until_failure((long)n), counts[n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
