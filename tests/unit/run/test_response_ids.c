/* test_response_ids.c - which handed-over request a response belongs to */
#include "tests/rig/unit.h"

#include <stdlib.h>

#include "app/run/response_ids.h"

static struct wire_id id_of(uint64_t token)
{
	return (struct wire_id){ token * 3, token * 7 };
}

static void test_taken_once(void **state)
{
	struct response_ids *t = response_ids_new();
	struct wire_id id;

	assert_false(response_ids_take(t, 5, &id));
	assert_true(response_ids_add(t, 5, id_of(5)));
	assert_true(response_ids_take(t, 5, &id));
	assert_int_equal(id.low, 35);
	assert_false(response_ids_take(t, 5, &id));
	response_ids_free(t);
}

static void test_full(void **state)
{
	struct response_ids *t = response_ids_new();
	struct wire_id id;

	for (uint64_t i = 1; i <= RESPONSE_IDS_MAX; i++)
		assert_true(response_ids_add(t, i, id_of(i)));
	assert_false(response_ids_add(t, RESPONSE_IDS_MAX + 1, id_of(1)));
	assert_true(response_ids_take(t, 77, &id));
	assert_true(response_ids_add(t, RESPONSE_IDS_MAX + 1, id_of(1)));
	response_ids_free(t);
}

/* Against an array: tokens that share homes come and go in any order. */
static void test_any_order(void **state)
{
	enum { TOKENS = 300 };
	static bool is_in[TOKENS];
	struct response_ids *t = response_ids_new();
	struct wire_id id;

	srand(7);
	for (int i = 0; i < 200000; i++) {
		int k = rand() % TOKENS;
		uint64_t token = 1 + (uint64_t)(k % 4) + (uint64_t)(k / 4) * 2 * RESPONSE_IDS_MAX; /* few homes, many tokens */

		if (rand() % 2 && !is_in[k]) {
			assert_true(response_ids_add(t, token, id_of(token)));
			is_in[k] = true;
		} else {
			assert_int_equal(response_ids_take(t, token, &id), is_in[k]);
			if (is_in[k])
				assert_int_equal(id.high, token * 3);
			is_in[k] = false;
		}
	}
	response_ids_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_once),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
