/* test_sink.c - "sink:" end to end, and knowing our own sockets from every thread */
#include "tests/rig/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig/fault_rig.h"
#include "replay/self_connections.h"

static struct target_options sink_target(void)
{
	struct target_options target = rig_target(0);
	struct buffer error = { 0 };

	assert_int_equal(target_url_parse("sink:", &target.url, &error), 0);
	buffer_deinit(&error);
	return target;
}

static void test_responses_everything(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "HEAD", "DELETE", "PATCH" };
	struct target_options targets[2] = { sink_target(), sink_target() };
	struct rig g;

	targets[0].queue = targets[1].queue = 5000;
	rig_start(&g, targets, 2);
	for (size_t i = 0; i < 5000; i++)
		rig_submit(&g, methods[i % 5], i % 700);
	rig_wait_idle(&g);
	for (size_t t = 0; t < 2; t++) {
		assert_int_equal(rig_count(&g, t, OUTCOME_ANSWERED_2XX), 5000);
		assert_true(counter_get(&replay_target_stats(g.replay, t)->connects) <= 4); /* all kept alive */
	}
	assert_int_equal(replay_sink_requests(g.replay), 10000);
	rig_stop(&g);
}

static void test_large_bodies(void **state)
{
	struct target_options target = sink_target();
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 5000000);
	rig_wait_idle(&g);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 10);
	assert_true(counter_get(&replay_target_stats(g.replay, 0)->bytes_sent) > 50000000);
	rig_stop(&g);
}

static void test_no_sink(void **state)
{
	struct target_options target = rig_target(9);
	struct rig g;

	rig_start(&g, &target, 1);
	assert_int_equal(replay_sink_requests(g.replay), 0);
	rig_stop(&g);
}

/* ---- our own sockets ---- */

static struct endpoint v4(uint8_t last, uint16_t port)
{
	return (struct endpoint){ .addr = { [12] = 192, [13] = 0, [14] = 2, [15] = last },
				  .port = port,
				  .family = 4 };
}

static void test_own(void **state)
{
	struct self_connections *o = self_connections_new();
	struct endpoint us = v4(1, 40000), shadow = v4(2, 9000), other = v4(3, 9000), neighbour = v4(1, 40001);
	struct endpoint v6 = us;
	struct self_connections_ticket ticket, again;
	struct mono t = { NS_PER_S };

	v6.family = 6;
	assert_non_null(o);
	assert_false(self_connections_has(o, &us, &shadow));
	self_connections_add(o, &us, &shadow, t, &ticket);
	assert_true(self_connections_has(o, &us, &shadow));
	assert_true(self_connections_has(o, &shadow, &us)); /* packets of the response */
	assert_false(self_connections_has(o, &us, &other));
	assert_false(self_connections_has(o, &neighbour, &shadow));
	assert_false(self_connections_has(o, &v6, &shadow));

	/* Closed: known while packets may still wait in a ring, then forgotten. */
	self_connections_remove(o, ticket, t);
	t.ns += 9 * NS_PER_S;
	self_connections_add(o, &neighbour, &shadow, t, &again);
	assert_true(self_connections_has(o, &us, &shadow));
	t.ns += 2 * NS_PER_S;
	self_connections_remove(o, again, t);
	assert_false(self_connections_has(o, &us, &shadow));
	assert_true(self_connections_has(o, &neighbour, &shadow));
	self_connections_free(o);
}

/** a port that is used again within the grace must not be forgotten with its first owner */
static void test_own_port_is_reused(void **state)
{
	struct self_connections *o = self_connections_new();
	struct endpoint us = v4(1, 40000), shadow = v4(2, 9000), last = v4(1, 1);
	struct self_connections_ticket first, second, any;
	struct mono t = { NS_PER_S };

	self_connections_add(o, &us, &shadow, t, &first);
	self_connections_remove(o, first, t);
	t.ns += 5 * NS_PER_S;
	self_connections_add(o, &us, &shadow, t, &second);
	t.ns += 6 * NS_PER_S;
	self_connections_add(o, &last, &shadow, t, &any); /* erases what is due */
	assert_true(self_connections_has(o, &us, &shadow));
	self_connections_remove(o, second, t);
	t.ns += 11 * NS_PER_S;
	self_connections_add(o, &last, &shadow, t, &any);
	assert_false(self_connections_has(o, &us, &shadow));
	self_connections_free(o);
}

static void test_own_many(void **state)
{
	struct self_connections *o = self_connections_new();
	struct self_connections_ticket tickets[4], *all = calloc(20000, sizeof(*all));
	struct endpoint us = v4(1, 50000), there;
	struct mono t = { NS_PER_S };

	assert_non_null(all);
	/* One local port to four targets at once. */
	for (uint8_t i = 0; i < 4; i++) {
		there = v4((uint8_t)(10 + i), 9000);
		self_connections_add(o, &us, &there, t, &tickets[i]);
	}
	for (uint8_t i = 0; i < 4; i++) {
		there = v4((uint8_t)(10 + i), 9000);
		assert_true(self_connections_has(o, &us, &there));
	}
	/* Churn, many times what the queue of the closed begins with. */
	there = v4(2, 9000);
	for (uint16_t i = 0; i < 20000; i++) {
		us.port = (uint16_t)(20000 + i);
		self_connections_add(o, &us, &there, t, &all[i]);
		self_connections_remove(o, all[i], t);
	}
	assert_true(self_connections_has(o, &us, &there));
	t.ns += 11 * NS_PER_S;
	self_connections_remove(o, tickets[0], t);
	for (uint16_t i = 0; i < 20000; i++) {
		us.port = (uint16_t)(20000 + i);
		assert_false(self_connections_has(o, &us, &there));
	}
	free(all);
	self_connections_free(o);
}

/* ---- and as a lane sees them ---- */

struct watcher {
	struct replay *replay;
	atomic_bool stop;
	size_t looks;
};

static void *look(void *arg)
{
	struct watcher *w = arg;
	struct endpoint a = v4(1, 0), b = v4(2, 9000);

	while (!atomic_load(&w->stop)) {
		a.port++;
		assert_false(replay_is_own(w->replay, &a, &b));
		w->looks++;
	}
	return NULL;
}

static void test_own_from_another_thread(void **state)
{
	struct target_options target = sink_target();
	struct watcher w = { 0 };
	pthread_t lane;
	struct rig g;

	target.queue = 3000;
	rig_start(&g, &target, 1);
	w.replay = g.replay;
	assert_int_equal(pthread_create(&lane, NULL, look, &w), 0);
	for (size_t i = 0; i < 3000; i++)
		rig_submit(&g, "HEAD", 0);
	rig_wait_idle(&g);
	atomic_store(&w.stop, true);
	pthread_join(lane, NULL);
	assert_true(w.looks > 0);
	rig_stop(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses_everything),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_no_sink),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_port_is_reused),
		cmocka_unit_test(test_own_many),
		cmocka_unit_test(test_own_from_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
