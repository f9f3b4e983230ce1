/* test_pool.c - places are told apart, keep what lies there, and slabs without a thing go */
#include "tests/rig/unit.h"

#include "base/pool.h"

struct thing {
	uint32_t place;
	uint8_t more[20];
};

static uint32_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 20);
}

static uint32_t take(struct pool *p)
{
	uint32_t place = pool_take(p);

	assert_true(place > 0);
	((struct thing *)pool_at(p, place))->place = place;
	return place;
}

static void give(struct pool *p, uint32_t place)
{
	assert_int_equal(((struct thing *)pool_at(p, place))->place, place); /* nobody else was given it */
	pool_give(p, place);
}

static size_t slabs(const struct pool *p)
{
	size_t count = 0;

	for (uint32_t n = 1; n < p->count; n++)
		count++;
	for (uint32_t n = p->unused; n != 0; n = p->numbers[n].next_unused)
		count--;
	return count;
}

/** test_random() - against an array, with many and with few at a time */
static void test_random(void **state)
{
	enum { MOST = 3000, STEPS = 200000 };
	static uint32_t places[MOST];
	uint64_t random = 88172645463325252U;
	struct pool p;
	size_t count = 0, aim = MOST;

	pool_init(&p, sizeof(struct thing));
	for (int i = 0; i < STEPS; i++) {
		if (i % 10000 == 0)
			aim = next_random(&random) % MOST;
		if (count < aim || count == 0) {
			places[count++] = take(&p);
		} else {
			size_t which = next_random(&random) % count;

			give(&p, places[which]);
			places[which] = places[--count];
		}
		assert_true(slabs(&p) * POOL_SLAB >= count);
	}
	while (count > 0)
		give(&p, places[--count]);
	assert_true(slabs(&p) <= 1);
	pool_deinit(&p);
}

/** test_back() - what was large once does not stay so, and numbers are used again */
static void test_back(void **state)
{
	enum { N = 100 * POOL_SLAB };
	uint32_t places[N];
	struct pool p;

	pool_init(&p, sizeof(struct thing));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++)
			places[i] = take(&p);
		assert_int_equal(slabs(&p), N / POOL_SLAB);
		assert_true(p.count <= N / POOL_SLAB + 2);
		for (int i = 0; i < N; i++)
			if (i % POOL_SLAB != 7 || i / POOL_SLAB % 2)
				give(&p, places[i]);
		assert_true(slabs(&p) <= N / POOL_SLAB / 2 + 1); /* every second holds one thing */
		for (int i = 7; i < N; i += 2 * POOL_SLAB)
			give(&p, places[i]);
		assert_int_equal(slabs(&p), 1);
	}
	pool_deinit(&p);
}

static void test_edge(void **state)
{
	struct pool p;
	uint32_t first, second, third;

	pool_init(&p, sizeof(struct thing));
	pool_deinit(&p); /* without a thing there is nothing to free */
	pool_init(&p, sizeof(struct thing));
	first = take(&p);
	second = take(&p);
	assert_int_equal(second, first + 1);
	give(&p, first);
	third = take(&p);
	assert_int_equal(third, first); /* the lowest */
	give(&p, second);
	give(&p, third);
	pool_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
