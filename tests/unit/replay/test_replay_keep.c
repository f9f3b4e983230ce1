/* test_replay_keep.c - how long a connection is kept, and the race at its end */
#include "tests/rig/unit.h"

#include <unistd.h>

#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_server.h"

static const struct fault_step serve_well[] = { READ, SEND(OK), AGAIN };

/** a kept connection that the server closes in silence: the next request goes on another, and only there */
static void test_stale_connection_is_not_used(void **state)
{
	static const struct fault_step once[] = { READ, SEND(OK), { FAULT_DELAY, NULL, 30 }, { FAULT_RESET } };
	static const struct fault_step *const scripts[] = { once, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 3; i++) {
		rig_submit(&g, "POST", 10);
		rig_wait(&g, i + 1);
		/* The loop does not run while the server closes: only the look before use can notice. */
		usleep(100000);
	}
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 3);
	assert_int_equal(fault_server_connections(server), 3);
	assert_int_equal(fault_server_requests(server), 3);
	rig_stop(&g);
	fault_server_stop(server);
}

#define KEPT(field) SEND(OK_HEAD field "\r\n{}")

/* Never for longer than is certain; for how much less is its business. */
static void test_connections_are_kept_for_a_while(void **state)
{
	static const struct {
		struct fault_step steps[3];
		unsigned idle_ms;
		bool sees_time_pass; /* the loop runs meanwhile, so that they end by themselves */
		unsigned connections;
	} rows[] = {
		{ { READ, SEND(OK), AGAIN }, 1550, false, 2 },
		{ { READ, SEND(OK), AGAIN }, 1550, true, 2 },
		{ { READ, KEPT("Keep-Alive: timeout=30\r\n"), AGAIN }, 1550, true, 1 },
		{ { READ, KEPT("Keep-Alive: timeout=1\r\n"), AGAIN }, 520, false, 2 },
		{ { READ, KEPT("Keep-Alive: timeout=0\r\n"), AGAIN }, 0, false, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fault_step *const scripts[] = { rows[i].steps, NULL };
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = rig_target(fault_server_port(server));
		struct rig g;

		rig_start(&g, &target, 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 1);
		if (rows[i].sees_time_pass) {
			rig_run_for(&g, rows[i].idle_ms);
			assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->open_connections),
					 rows[i].connections == 1);
		} else {
			usleep(rows[i].idle_ms * 1000);
		}
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 2);
		assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 2);
		if (fault_server_connections(server) != rows[i].connections)
			fail_msg("row %zu: %u connections", i, fault_server_connections(server));
		rig_stop(&g);
		fault_server_stop(server);
	}
}

/*
 * The server closes while the second request is on its way. The first response takes its time, so that on a busy
 * machine too the end comes soon, measured by that; in the last rows the server had the request and thought about it.
 */
static void test_stale_is_a_reason_of_its_own(void **state)
{
	static const struct {
		struct fault_step steps[7];
		unsigned idle_ms;
		enum outcome_kind second;
	} rows[] = {
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, CLOSE }, 450, OUTCOME_FAILED_STALE },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, { FAULT_RESET } }, 450, OUTCOME_FAILED_STALE },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, { FAULT_RESET } }, 0, OUTCOME_FAILED_RESET }, /* so soon? */
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, SEND("H"), CLOSE }, 450, OUTCOME_FAILED_RESET },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, SEND("HTTP/1.1 408 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		    CLOSE }, 450, OUTCOME_FAILED_STALE },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, SEND("HTTP/1.1 408 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		    CLOSE }, 0, OUTCOME_ANSWERED_4XX },
		{ { READ, SEND(OK), READ, { FAULT_DELAY, NULL, 1500 }, CLOSE }, 450, OUTCOME_FAILED_RESET },
		{ { READ, SEND(OK), READ, { FAULT_DELAY, NULL, 1500 }, { FAULT_RESET } }, 450, OUTCOME_FAILED_RESET },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fault_step *const scripts[] = { rows[i].steps, serve_well, NULL };
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = rig_target(fault_server_port(server));
		const struct outcome *o;
		struct rig g;

		target.breaker = 1;
		rig_start(&g, &target, 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 1);
		assert_int_equal(g.outcomes[0].outcome.idle_us, 0);
		usleep(rows[i].idle_ms * 1000);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 2);
		o = &g.outcomes[1].outcome;
		if (o->kind != rows[i].second)
			fail_msg("row %zu: %s (%s)", i, outcome_reason(o->kind), o->detail);
		assert_true(o->idle_us > 0 && o->connect_us == 0);
		assert_string_equal(replay_breaker_state(g.replay, 0), "closed");
		assert_int_equal(fault_server_requests(server), 2); /* not sent again */
		assert_true(fault_server_connections(server) == 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 3);
		assert_int_equal(g.outcomes[2].outcome.kind, OUTCOME_ANSWERED_2XX);
		rig_stop(&g);
		fault_server_stop(server);
	}
}

/* Those that lay idle as long are not tried one after the other. */
static void test_one_stale_connection_ends_the_older_ones(void **state)
{
	static const struct fault_step once[] = { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, CLOSE };
	static const struct fault_step *const scripts[] = { once, once, once, serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 3; i++)
		rig_submit(&g, "POST", 1);
	rig_wait(&g, 3);
	assert_int_equal(fault_server_connections(server), 3);
	usleep(450000);
	for (size_t i = 3; i < 6; i++) {
		rig_submit(&g, "POST", 1);
		rig_wait(&g, i + 1);
	}
	assert_int_equal(rig_count(&g, 0, OUTCOME_FAILED_STALE), 1);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 5);
	rig_stop(&g);
	fault_server_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stale_connection_is_not_used),
		cmocka_unit_test(test_connections_are_kept_for_a_while),
		cmocka_unit_test(test_stale_is_a_reason_of_its_own),
		cmocka_unit_test(test_one_stale_connection_ends_the_older_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
