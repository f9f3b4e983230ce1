/* test_replay_connect.c - ways to a shadow: addresses, names, Unix sockets, and the breaker when there is none */
#include "tests/rig/unit.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_names.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_settle.h"
#include "tests/rig/fault_server.h"

static const struct fault_step serve_well[] = { READ, SEND(OK), AGAIN };

/* ---- connecting ---- */

static void test_refused(void **state)
{
	struct target_options target;
	struct rig g;
	int fd;

	target = rig_target(fault_refusing_port(&fd));
	rig_start(&g, &target, 1);
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_FAILED_CONNECT);
	assert_string_equal(g.outcomes[0].outcome.detail, "ECONNREFUSED");
	assert_int_equal(g.outcomes[0].outcome.connect_us, -1);
	rig_stop(&g);
	close(fd);
}

struct silent_row {
	unsigned max_time_ms, connect_timeout_ms;
	enum outcome_kind expect;
};

static const struct silent_row silent_rows[] = {
	{ 80, 0, OUTCOME_FAILED_TIMEOUT },
	{ 80, 80, OUTCOME_FAILED_TIMEOUT },
	{ 5000, 80, OUTCOME_FAILED_CONNECT },
};

static void test_connect_without_response(void **state)
{
	for (size_t i = 0; i < sizeof(silent_rows) / sizeof(silent_rows[0]); i++) {
		int fds[FAULT_SILENT_FDS];
		struct target_options target = rig_target(fault_silent_port(fds));
		struct rig g;

		target.max_time_ns = silent_rows[i].max_time_ms * NS_PER_MS;
		target.connect_timeout_ns = silent_rows[i].connect_timeout_ms * NS_PER_MS;
		target.breaker = 2;
		rig_start(&g, &target, 1);
		rig_submit(&g, "POST", 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 2);
		assert_int_equal(g.outcomes[0].outcome.kind, silent_rows[i].expect);
		assert_true(g.outcomes[0].outcome.total_us >= 80000);
		assert_string_equal(replay_breaker_state(g.replay, 0), "open");
		rig_stop(&g);
		for (size_t n = 0; n < FAULT_SILENT_FDS; n++)
			close(fds[n]);
	}
}

static void test_breaker(void **state)
{
	struct target_options target;
	const struct target_stats *s;
	struct rig g;
	int fd;

	target = rig_target(fault_refusing_port(&fd));
	target.breaker = 3;
	target.connections = 1;
	rig_start(&g, &target, 1);
	s = replay_target_stats(g.replay, 0);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 1);
	rig_wait_idle(&g);
	assert_int_equal(rig_count(&g, 0, OUTCOME_FAILED_CONNECT), 3);
	assert_int_equal(counter_get(&s->shed[SHED_BREAKER]), 7);
	assert_int_equal(counter_get(&s->breaker_opened), 1);
	assert_string_equal(replay_breaker_state(g.replay, 0), "open");
	for (size_t i = 0; i < 1000; i++) {
		assert_true(replay_has_room(g.replay));
		rig_submit(&g, "POST", 1);
	}
	assert_int_equal(counter_get(&s->shed[SHED_BREAKER]), 1007);
	assert_int_equal(counter_get(&s->sent), 3);

	/* After the back-off one probe goes out; it fails, and the back-off is a second. */
	rig_run_for(&g, 520);
	rig_submit(&g, "POST", 1);
	assert_string_equal(replay_breaker_state(g.replay, 0), "probing");
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 4);
	assert_int_equal(counter_get(&s->sent), 4);
	assert_string_equal(replay_breaker_state(g.replay, 0), "open");
	rig_run_for(&g, 520);
	rig_submit(&g, "POST", 1);
	assert_int_equal(counter_get(&s->sent), 4);
	rig_run_for(&g, 520);
	rig_submit(&g, "POST", 1);
	assert_int_equal(counter_get(&s->sent), 5);
	rig_wait(&g, 5);
	rig_check_books(&g);

	/* The shadow is back: the probe of the next back-off (two seconds) brings the traffic back. */
	assert_int_equal(listen(fd, 16), 0);
	rig_run_for(&g, 2020);
	rig_submit(&g, "POST", 1);
	assert_string_equal(replay_breaker_state(g.replay, 0), "probing");
	rig_run_for(&g, 20);
	assert_string_equal(replay_breaker_state(g.replay, 0), "closed");
	assert_int_equal(counter_get(&s->in_flight), 1);
	rig_submit(&g, "POST", 1);
	assert_int_equal(counter_get(&s->queued), 1);
	rig_stop(&g);
	close(fd);
}

/* ---- names ---- */

static void test_name_is_waited_for(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = names_target(names_lookup_slowly);
	struct rig g;

	names_add(fault_server_port(server));
	rig_start(&g, &target, 1);
	rig_submit(&g, "POST", 1);
	rig_submit(&g, "POST", 1);
	assert_int_equal(g.ended, 0);
	rig_wait(&g, 2);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 2);
	assert_true(g.outcomes[0].outcome.connect_us > 100000);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_lookup_outlasts_deadlines_and_the_replay(void **state)
{
	static const struct silent_row rows[] = {
		{ 60, 0, OUTCOME_FAILED_TIMEOUT },
		{ 5000, 60, OUTCOME_FAILED_DNS },
	};

	for (size_t i = 0; i < 2; i++) {
		struct target_options target = names_target(names_lookup_slowly);
		struct rig g;

		names_add(9);
		target.max_time_ns = rows[i].max_time_ms * NS_PER_MS;
		target.connect_timeout_ns = rows[i].connect_timeout_ms * NS_PER_MS;
		rig_start(&g, &target, 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 1);
		assert_int_equal(g.outcomes[0].outcome.kind, rows[i].expect);
		rig_stop(&g); /* while the lookup runs: it is left behind */
	}
	usleep(400000); /* the orphans end, so that a leak would be seen */
}

static void test_name_that_fails_and_comes_back(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = names_target(names_lookup);
	struct rig g;

	names_add(fault_server_port(server));
	names_fail = 1;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 20; i++) {
		rig_submit(&g, "POST", 1);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_FAILED_DNS);
	}
	assert_int_equal(names_lookups, 1); /* not one for each request */
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->dns_failures), 1);
	names_fail = 0;
	rig_run_for(&g, 1050);
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 21);
	assert_int_equal(g.outcomes[20].outcome.kind, OUTCOME_ANSWERED_2XX);
	rig_stop(&g);
	fault_server_stop(server);
}

/** the first address refuses or is silent: the second gets the request, and later ones at once */
static void test_several_addresses(void **state)
{
	static const struct fault_step once[] = { READ, SEND(OK), CLOSE };
	static const struct fault_step *const scripts[] = { once, NULL };

	for (int silent = 0; silent < 2; silent++) {
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = names_target(names_lookup);
		int fds[FAULT_SILENT_FDS] = { -1, -1, -1, -1 };
		struct rig g;

		names_add(silent ? fault_silent_port(fds) : fault_refusing_port(&fds[0]));
		names_add(fault_server_port(server));
		target.max_time_ns = 400 * NS_PER_MS;
		rig_start(&g, &target, 1);
		for (size_t i = 0; i < 3; i++) {
			rig_submit(&g, "POST", 1);
			rig_wait(&g, i + 1);
			assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_ANSWERED_2XX);
			if (i > 0)
				assert_true(g.outcomes[i].outcome.connect_us < 150000);
			rig_settle(&g, server); /* it closes */
		}
		if (silent)
			assert_true(g.outcomes[0].outcome.connect_us >= 190000);
		rig_stop(&g);
		fault_server_stop(server);
		for (size_t n = 0; n < FAULT_SILENT_FDS; n++)
			if (fds[n] >= 0)
				close(fds[n]);
	}
}

static void test_system_lookup_of_localhost(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct addrinfo *found = NULL;
	struct fault_server *server;
	struct target_options target;
	struct rig g;

	if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
		skip(); /* a system without /etc/hosts */
	freeaddrinfo(found);
	server = fault_server_start(4, scripts);
	target = rig_target(fault_server_port(server));
	snprintf(target.url.host, sizeof(target.url.host), "localhost");
	rig_start(&g, &target, 1);
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_ipv6(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(6, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	snprintf(target.url.host, sizeof(target.url.host), "::1");
	rig_start(&g, &target, 1);
	rig_submit(&g, "POST", 100);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	rig_stop(&g);
	fault_server_stop(server);
}

/* ---- Unix sockets ---- */

static struct target_options unix_target(const char *path)
{
	struct target_options target = rig_target(0);

	target.url.host[0] = '\0';
	snprintf(target.url.socket, sizeof(target.url.socket), "%s", path);
	return target;
}

/** the pool, the bytes and the idle check are those of TCP; a socket that is gone and comes back is one, too */
static void test_unix_socket(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	static const struct fault_step once[] = { READ, SEND(OK), CLOSE };
	static const struct fault_step *const closing[] = { once, NULL };
	char directory[] = "/tmp/shadowtap-unix-XXXXXX", path[64];
	struct target_options target;
	struct fault_server *server;
	struct rig g;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/model.sock", directory);
	target = unix_target(path);
	rig_start(&g, &target, 1);
	rig_submit(&g, "POST", 10);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_FAILED_CONNECT);
	assert_string_equal(g.outcomes[0].outcome.detail, "ENOENT");

	server = fault_server_start_unix(path, scripts);
	for (size_t i = 1; i < 5; i++) {
		rig_submit(&g, "POST", i * 100000);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_ANSWERED_2XX);
	}
	assert_int_equal(fault_server_connections(server), 1);
	fault_server_stop(server);
	rig_submit(&g, "POST", 10);
	rig_wait(&g, 6);
	assert_int_equal(g.outcomes[5].outcome.kind, OUTCOME_FAILED_CONNECT);
	assert_string_equal(g.outcomes[5].outcome.detail, "ECONNREFUSED");

	unlink(path);
	server = fault_server_start_unix(path, closing);
	for (size_t i = 6; i < 9; i++) {
		rig_submit(&g, "POST", 10);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_ANSWERED_2XX);
		usleep(50000);
	}
	assert_int_equal(fault_server_connections(server), 3);
	rig_stop(&g);
	fault_server_stop(server);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_connect_without_response),
		cmocka_unit_test(test_breaker),
		cmocka_unit_test(test_name_is_waited_for),
		cmocka_unit_test(test_lookup_outlasts_deadlines_and_the_replay),
		cmocka_unit_test(test_name_that_fails_and_comes_back),
		cmocka_unit_test(test_several_addresses),
		cmocka_unit_test(test_system_lookup_of_localhost),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
