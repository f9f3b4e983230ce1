/* test_replay_production.c - a target that turns out to be what is watched gets nothing, however it is found out */
#include "tests/rig/unit.h"

#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_names.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_server.h"

static const struct fault_step serve_well[] = { READ, SEND(OK), AGAIN };

static struct endpoint loopback(uint16_t port)
{
	struct endpoint e = { .family = 0 };

	endpoint_set_ipv4(&e, 0x7f000001, port);
	return e;
}

static void check_refused(struct rig *g, size_t target, uint64_t shed)
{
	const struct target_stats *s = replay_target_stats(g->replay, target);

	assert_int_equal(g->productions, 1);
	assert_int_equal(g->last_production, target);
	assert_int_equal(counter_get(&s->shed[SHED_PRODUCTION]), shed);
	assert_int_equal(counter_get(&s->queued) + counter_get(&s->in_flight) + counter_get(&s->open_connections), 0);
	assert_true(replay_has_room(g->replay));
	rig_check_books(g);
}

/* By its first request; the other target goes on. */
static void test_production_gets_nothing(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *production = fault_server_start(4, scripts), *shadow = fault_server_start(4, scripts);
	struct target_options targets[] = { rig_target(fault_server_port(shadow)), rig_target(fault_server_port(production)) };
	struct rig g;

	targets[1].sample_share = 0; /* known whether it would be sent or not */
	rig_start(&g, targets, 2);
	g.server = loopback(fault_server_port(production));
	for (size_t i = 0; i < 3; i++)
		rig_submit(&g, "POST", 1);
	check_refused(&g, 1, 3);
	rig_wait_idle(&g);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 3);
	rig_stop(&g);
	assert_int_equal(fault_server_connections(production), 0);
	fault_server_stop(production);
	fault_server_stop(shadow);
}

static void test_production_that_is_meant(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	target.may_be_production = true;
	rig_start(&g, &target, 1);
	g.server = loopback(fault_server_port(server));
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	assert_int_equal(g.productions, 0);
	rig_stop(&g);
	fault_server_stop(server);
}

/* Requests that wait for the name, with connections and without, are looked at when it is known. */
static void test_production_behind_a_name(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = names_target(names_lookup_slowly);
	struct rig g;

	names_add(fault_server_port(server));
	target.connections = 2;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 5; i++) {
		g.server = loopback(i == 4 ? fault_server_port(server) : 9); /* one is enough */
		rig_submit(&g, "POST", 1);
	}
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->in_flight), 2);
	rig_wait_idle(&g);
	check_refused(&g, 0, 5);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->sent), 0);
	assert_int_equal(g.ended, 0);
	rig_stop(&g);
	assert_int_equal(fault_server_connections(server), 0);
	fault_server_stop(server);
}

/* The name leads elsewhere later. What is connected already to what it has left is not used again. */
static void test_production_that_a_name_moves_to(void **state)
{
	static const struct fault_step once[] = { READ, SEND(OK), CLOSE }; /* so that it is connected to again, and looked up */
	static const struct fault_step *const scripts[] = { serve_well, NULL }, *const first[] = { once, NULL };
	struct fault_server *before = fault_server_start(4, first), *production = fault_server_start(4, scripts);
	struct target_options target = names_target(names_lookup);
	struct rig g;

	names_add(fault_server_port(before));
	rig_start(&g, &target, 1);
	g.server = loopback(fault_server_port(production));
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	fault_server_stop(before);
	names_forget();
	names_add(fault_server_port(production));
	rig_run_for(&g, 1050); /* a name is looked up once a second at most */
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 2);
	assert_int_equal(g.outcomes[1].outcome.kind, OUTCOME_FAILED_CONNECT);
	while (g.productions == 0) { /* until the lookup has ended, they fail to connect as the first did */
		rig_submit(&g, "POST", 1);
		rig_run_for(&g, 10);
	}
	check_refused(&g, 0, counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_PRODUCTION]));
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 1);
	rig_stop(&g);
	assert_int_equal(fault_server_connections(production), 0);
	fault_server_stop(production);
}

/* Known before the first request: what the doctor saw. */
static void test_production_that_is_known(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct endpoint watched[2] = { loopback(9), loopback(fault_server_port(server)) };
	struct rig g;

	target.watched = watched;
	target.watched_count = 2;
	rig_start(&g, &target, 1);
	g.server.port = watched[1].port;
	rig_submit(&g, "HEAD", 0);
	check_refused(&g, 0, 1);
	rig_stop(&g);
	assert_int_equal(fault_server_connections(server), 0);
	fault_server_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_production_gets_nothing),
		cmocka_unit_test(test_production_that_is_meant),
		cmocka_unit_test(test_production_behind_a_name),
		cmocka_unit_test(test_production_that_a_name_moves_to),
		cmocka_unit_test(test_production_that_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
