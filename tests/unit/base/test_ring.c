/* test_ring.c - the one queue between two threads: order, refusal, waiting, and being woken for good */
#include "tests/rig/unit.h"

#include <pthread.h>
#include <sched.h>

#include "base/ring.h"

#define ITEMS 200000

static void test_fifo_and_full(void **state)
{
	struct ring *r = ring_new(3); /* rounded up to 4 */
	int items[5];

	(void)state;
	assert_non_null(r);
	assert_null(ring_pop(r));
	assert_null(ring_peek(r));
	for (int i = 0; i < 4; i++)
		assert_true(ring_push(r, &items[i]));
	assert_false(ring_push(r, &items[4]));
	assert_int_equal(ring_count(r), 4);
	assert_ptr_equal(ring_peek(r), &items[0]);
	assert_ptr_equal(ring_pop(r), &items[0]);
	assert_true(ring_push(r, &items[4]));
	for (int i = 1; i < 5; i++)
		assert_ptr_equal(ring_pop(r), &items[i]);
	assert_null(ring_pop(r));
	ring_free(r);
}

static void *produce_all(void *arg)
{
	struct ring *r = arg;

	for (uintptr_t i = 1; i <= ITEMS; i++)
		while (!ring_push(r, (void *)i))
			if (!ring_wait_space(r))
				return NULL;
	return NULL;
}

/* A producer that waits loses nothing and changes no order; the thread sanitizer watches this one. */
static void test_two_threads(void **state)
{
	struct ring *r = ring_new(16);
	pthread_t producer;

	(void)state;
	assert_int_equal(pthread_create(&producer, NULL, produce_all, r), 0);
	for (uintptr_t expected = 1; expected <= ITEMS;) {
		uintptr_t got = (uintptr_t)ring_pop(r);

		if (got == 0) {
			sched_yield();
			continue;
		}
		assert_int_equal(got, expected);
		expected++;
	}
	pthread_join(producer, NULL);
	assert_int_equal(ring_count(r), 0);
	ring_free(r);
}

/* Nobody reads any more: the producer comes back, whenever the cancellation was. */
static void test_cancel(void **state)
{
	struct ring *r = ring_new(2);
	pthread_t producer;

	(void)state;
	assert_int_equal(pthread_create(&producer, NULL, produce_all, r), 0);
	ring_cancel_wait(r);
	pthread_join(producer, NULL);
	assert_false(ring_wait_space(r));
	assert_int_equal(ring_count(r), 2);
	ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifo_and_full),
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
