/* test_wake.c - the loop hears of everything that was there before a wake-up was sent, and is not called for nothing */
#include "tests/rig/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "replay/wake.h"

#define SENDERS 3
#define EACH 20000

struct rig {
	uv_loop_t loop;
	uv_timer_t guard;
	struct wake wake;
	size_t calls, again; /* again: so often it sends to itself */
	atomic_size_t given; /* by the senders, one before each wake-up */
	size_t seen;
};

static void on_wake(void *ctx)
{
	struct rig *g = ctx;

	g->calls++;
	g->seen = atomic_load_explicit(&g->given, memory_order_relaxed);
	if (g->again > 0) {
		g->again--;
		wake_send(&g->wake);
	}
}

static void on_guard(uv_timer_t *timer)
{
	fail_msg("a wake-up is lost");
}

static void rig_init(struct rig *g)
{
	memset(g, 0, sizeof(*g));
	assert_int_equal(uv_loop_init(&g->loop), 0);
	uv_timer_init(&g->loop, &g->guard);
	uv_timer_start(&g->guard, on_guard, 30000, 0);
	assert_int_equal(wake_init(&g->wake, &g->loop, on_wake, g), 0);
}

static void rig_deinit(struct rig *g)
{
	wake_close(&g->wake);
	wake_send(&g->wake); /* nobody hears it, and nothing breaks */
	uv_close((uv_handle_t *)&g->guard, NULL);
	uv_run(&g->loop, UV_RUN_DEFAULT);
	wake_deinit(&g->wake);
	assert_int_equal(uv_loop_close(&g->loop), 0);
}

static void test_calls(void **state)
{
	static const struct {
		size_t sends, again, calls;
	} rows[] = {
		{ 0, 0, 0 }, { 1, 0, 1 }, { 5, 0, 1 }, /* once for all */
		{ 1, 1, 2 },                           /* from inside: called again */
		{ 2, 3, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig g;

		rig_init(&g);
		g.again = rows[i].again;
		for (size_t n = 0; n < rows[i].sends; n++)
			wake_send(&g.wake);
		for (int turn = 0; turn < 6; turn++)
			uv_run(&g.loop, UV_RUN_NOWAIT);
		assert_int_equal(g.calls, rows[i].calls);
		rig_deinit(&g);
		assert_int_equal(g.calls, rows[i].calls);
	}
}

static void *sender(void *arg)
{
	struct rig *g = arg;

	for (size_t i = 0; i < EACH; i++) {
		atomic_fetch_add_explicit(&g->given, 1, memory_order_relaxed);
		wake_send(&g->wake);
	}
	return NULL;
}

/* The last one given is seen without another wake-up, whatever the threads did at the same time. */
static void test_nothing_is_lost(void **state)
{
	pthread_t threads[SENDERS];
	struct rig g;

	rig_init(&g);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender, &g), 0);
	while (g.seen < SENDERS * EACH)
		uv_run(&g.loop, UV_RUN_ONCE);
	for (size_t i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_true(g.calls <= SENDERS * EACH);
	rig_deinit(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
