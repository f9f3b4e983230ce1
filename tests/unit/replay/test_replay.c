/* test_replay.c - queue, pool, rate and sample of a target, several targets, and the end */
#include "tests/rig/unit.h"

#include <unistd.h>

#include "base/units.h"
#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_server.h"

static const struct fault_step serve_well[] = { READ, SEND(OK), AGAIN };

/* ---- queue, pool, rate, sample ---- */

static void test_full_queue_sheds_the_newest(void **state)
{
	static const struct fault_step slow[] = { READ, { FAULT_DELAY, NULL, 60 }, SEND(OK), AGAIN };
	static const struct fault_step *const scripts[] = { slow, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	const struct target_stats *s;
	struct rig g;

	target.connections = 2;
	target.queue = 3;
	rig_start(&g, &target, 1);
	s = replay_target_stats(g.replay, 0);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(replay_has_room(g.replay), i < 5);
		rig_submit(&g, "POST", 1);
		rig_check_books(&g);
	}
	assert_int_equal(counter_get(&s->in_flight), 2);
	assert_int_equal(counter_get(&s->queued), 3);
	assert_int_equal(counter_get(&s->shed[SHED_QUEUE]), 5);
	assert_int_equal(g.rooms, 0);
	rig_wait(&g, 5);
	assert_true(g.rooms >= 1);
	assert_true(replay_is_idle(g.replay));
	assert_true(replay_has_room(g.replay));
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 5);
	assert_true(fault_server_connections(server) <= 2);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_queue_of_none(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	target.connections = 1;
	target.queue = 0;
	rig_start(&g, &target, 1);
	assert_true(replay_has_room(g.replay));
	rig_submit(&g, "POST", 1);
	assert_false(replay_has_room(g.replay));
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.rooms, 1);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_QUEUE]), 1);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_waiting_too_long_is_stale(void **state)
{
	static const struct fault_step silent[] = { READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	uint64_t stale;
	struct rig g;

	target.connections = 1;
	target.max_time_ns = 80 * NS_PER_MS;
	target.shed_stale = true;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 5; i++)
		rig_submit(&g, "POST", 1);
	rig_wait_idle(&g);
	/* When the first times out the others have waited as long, but for the moment between two submits. */
	stale = counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_STALE]);
	assert_true(stale >= 1 && stale <= 4);
	assert_int_equal(rig_count(&g, 0, OUTCOME_FAILED_TIMEOUT), 5 - stale);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_rate(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	const struct target_stats *s;
	struct rig g;

	target.rate = 50; /* the bucket holds 5 */
	rig_start(&g, &target, 1);
	s = replay_target_stats(g.replay, 0);
	for (size_t i = 0; i < 20; i++)
		rig_submit(&g, "POST", 1);
	assert_true(counter_get(&s->sent) + counter_get(&s->queued) >= 5);
	assert_true(counter_get(&s->shed[SHED_RATE]) >= 10);
	rig_wait_idle(&g);
	/* A file at full speed waits for the next token instead. */
	while (replay_has_room(g.replay))
		rig_submit(&g, "POST", 1);
	g.rooms = 0;
	rig_run_for(&g, 200);
	assert_int_equal(g.rooms, 1);
	assert_true(replay_has_room(g.replay));
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_sample_is_exact(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	target.sample_share = SHARE_ONE / 20;
	target.queue = 1000;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 1000; i++)
		rig_submit(&g, "POST", 1);
	rig_wait_idle(&g);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->unsampled), 950);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 50);
	rig_stop(&g);
	fault_server_stop(server);
}

/* ---- several targets ---- */

static void test_dead_targets_beside_a_live_one(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options targets[RIG_TARGETS];
	int fds[FAULT_SILENT_FDS], fd;
	struct rig g;

	targets[0] = rig_target(fault_refusing_port(&fd));
	targets[1] = rig_target(fault_server_port(server));
	targets[2] = rig_target(fault_silent_port(fds));
	targets[0].breaker = targets[2].breaker = 10;
	targets[2].max_time_ns = 100 * NS_PER_MS;
	targets[1].queue = 2000;
	rig_start(&g, targets, RIG_TARGETS);
	for (size_t i = 0; i < 2000; i++)
		rig_submit(&g, "POST", 300);
	rig_wait_idle(&g);
	assert_int_equal(rig_count(&g, 1, OUTCOME_ANSWERED_2XX), 2000);
	for (size_t i = 0; i < g.ended; i++)
		if (g.outcomes[i].target == 1)
			assert_true(g.outcomes[i].outcome.total_us < 5000000);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX) + rig_count(&g, 2, OUTCOME_ANSWERED_2XX), 0);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->chosen), 2000);
	assert_string_equal(replay_breaker_state(g.replay, 0), "open");
	assert_string_equal(replay_breaker_state(g.replay, 1), "closed");
	rig_stop(&g);
	fault_server_stop(server);
	close(fd);
	for (size_t n = 0; n < FAULT_SILENT_FDS; n++)
		close(fds[n]);
}

/* ---- the end ---- */

static void test_drain_lets_the_rest_end(void **state)
{
	static const struct fault_step slow[] = { READ, { FAULT_DELAY, NULL, 40 }, SEND(OK), AGAIN };
	static const struct fault_step *const scripts[] = { slow, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 1);
	rig_drain(&g, 5000);
	assert_int_equal(g.drained, 0);
	rig_wait_drained(&g);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 10);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_drain_ends_at_its_limit(void **state)
{
	static const struct fault_step silent[] = { READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, NULL };

	for (int cancel = 0; cancel < 2; cancel++) {
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = rig_target(fault_server_port(server));
		struct rig g;

		rig_start(&g, &target, 1);
		for (size_t i = 0; i < 10; i++)
			rig_submit(&g, "POST", 1);
		rig_drain(&g, cancel ? 15000 : 60);
		rig_run_for(&g, 20);
		assert_int_equal(g.drained, 0);
		if (cancel)
			replay_cancel(g.replay);
		else
			rig_wait_drained(&g);
		assert_int_equal(g.drained, 1);
		assert_int_equal(rig_count(&g, 0, OUTCOME_CANCELLED_AT_EXIT), 4);
		assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_STALE]), 6);
		rig_stop(&g);
		fault_server_stop(server);
	}
}

static void test_drain_of_nothing(void **state)
{
	struct target_options target = rig_target(9);
	struct rig g;

	rig_start(&g, &target, 1);
	rig_drain(&g, 5000);
	assert_int_equal(g.drained, 0); /* never from inside replay_drain() */
	rig_wait_drained(&g);
	rig_stop(&g);
}

static void test_close_in_the_middle(void **state)
{
	static const struct fault_step silent[] = { READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 100000);
	rig_run_for(&g, 20);
	rig_stop(&g);
	fault_server_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queue_sheds_the_newest),
		cmocka_unit_test(test_queue_of_none),
		cmocka_unit_test(test_waiting_too_long_is_stale),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_sample_is_exact),
		cmocka_unit_test(test_dead_targets_beside_a_live_one),
		cmocka_unit_test(test_drain_lets_the_rest_end),
		cmocka_unit_test(test_drain_ends_at_its_limit),
		cmocka_unit_test(test_drain_of_nothing),
		cmocka_unit_test(test_close_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
