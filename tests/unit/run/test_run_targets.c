/* test_run_targets.c - what targets are made from, and what a run does about what they say */
#include "tests/rig/run_rig.h"

#include <stdio.h>
#include <string.h>

#include "app/run/stages.h"
#include "base/units.h"
#include "tests/rig/fault_server.h"
#include "tests/rig/made_run.h"

#define WATCHED "http://127.0.0.2:9" /* where made_run_request()'s go */

static struct made_run g;

/* What -t gives a target alone stays its own; the rest is alike. */
static void test_options(void **state)
{
	struct target_options a, b;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-i", "lo", "-p", "80", "-t", "a=http://h:1", "-t", "b=https://i:2", "-S", "a:25%", "--rate", "7",
		   "--connections", "3", "--queue", "11", "-m", "4s", "--connect-timeout", "1s", "--breaker", "9", "--compare",
		   "--max-answer", "2M");
	a = stages_target(&o, 0);
	b = stages_target(&o, 1);
	assert_string_equal(a.url.name, "a");
	assert_string_equal(b.url.name, "b");
	assert_int_equal(a.sample_share, SHARE_ONE / 4);
	assert_int_equal(b.sample_share, SHARE_ONE);
	assert_int_equal(a.rate, 7);
	assert_int_equal(b.rate, 7);
	assert_int_equal(b.connections, 3);
	assert_int_equal(b.queue, 11);
	assert_int_equal(b.max_time_ns, 4 * NS_PER_S);
	assert_int_equal(b.connect_timeout_ns, NS_PER_S);
	assert_int_equal(b.breaker, 9);
	assert_true(b.keep_responses);
	assert_int_equal(b.max_response, o.compare.max_response);
	assert_true(b.shed_stale && b.is_here); /* live */
	assert_false(b.may_be_production);
	assert_true(b.speed == 1);
	options_deinit(&o);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "http://h:1", "--target-is-production");
	a = stages_target(&o, 0);
	assert_false(a.shed_stale || a.is_here || a.keep_responses);
	assert_true(a.may_be_production);
	assert_true(a.speed == 1);
	options_deinit(&o);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "http://h:1", "-x", "0.5");
	assert_true(stages_target(&o, 0).speed == 0.5);
	options_deinit(&o);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "http://h:1", "-x", "max");
	assert_true(stages_target(&o, 0).speed == 0);
	options_deinit(&o);
}

static void test_dry_run(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run", "-t", "sink:");
	assert_null(g.r.replay);
	made_run_end(&g);
	made_run_close(&g);
}

static void push_and_wait(void)
{
	made_run_push(&g, &made_run_request(&g, "/", DECISION_CHOSEN, 0)->item);
	while (run_loop_is_busy(&g.r))
		uv_run(&g.r.loop, UV_RUN_ONCE);
}

static const struct {
	const char *name;
	const char *args[6];
	size_t refused;
	enum run_state state;
} aims[] = {
	{ "elsewhere", { "-t", "sink:" }, 0, RUN_CAPTURING },
	{ "the only shadow", { "-t", WATCHED }, 1, RUN_STOPPING },
	{ "one of two", { "-t", WATCHED, "-t", "b=sink:" }, 1, RUN_CAPTURING },
	{ "a control alone compares nothing", { "-t", WATCHED, "--compare", "--control", "sink:" }, 1, RUN_STOPPING },
	{ "production as its own control", { "-t", "sink:", "--compare", "--control", WATCHED }, 1, RUN_CAPTURING },
};

/* A target that leads to what is watched gets nothing, and where no shadow is left the run ends. */
static void test_production(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(aims) / sizeof(aims[0]); i++) {
		const char *args[9] = { "-x", "max" };
		struct told told;

		memcpy(args + 2, aims[i].args, sizeof(aims[i].args));
		made_run_init(&g);
		made_run_open(&g, args);
		told_start(&told);
		push_and_wait();
		push_and_wait(); /* told once */
		told_end(&told);
		if (g.r.refused != aims[i].refused || g.r.stop.state != aims[i].state)
			fail_msg("%s: %zu refused, state %d: %s", aims[i].name, g.r.refused, (int)g.r.stop.state, told.text);
		assert_int_equal(strstr(told.text, " is the service that is watched: ") != NULL, aims[i].refused > 0);
		for (size_t t = 0; t < g.o.target_count; t++)
			if (g.r.is_refused[t])
				assert_int_equal(counter_get(&replay_target_stats(g.r.replay, t)->sent), 0);
		made_run_end(&g);
		made_run_close(&g);
	}
}

/* Each target's outcome has its event and its line of --explain; of failures only there is a line in the log. */
static void test_outcomes(void **state)
{
	struct told told;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "up=sink:", "-t", "down=http://127.0.0.1:1", "-t", "out=sink:", "-S", "out:0.0001%", "-x", "max",
		      "--explain", "--log-format", "json", "-o", g.events_path);
	told_start(&told);
	push_and_wait();
	told_end(&told);
	made_run_end(&g);
	assert_non_null(strstr(told.text, " up: answered 200 in "));
	assert_non_null(strstr(told.text, " down: failed: connect"));
	assert_non_null(strstr(told.text, " out: unsampled: not in this target's own sample\n"));
	assert_non_null(strstr(told.text, "\"upstream_url\":\"http://127.0.0.1:1"));
	assert_null(strstr(told.text, "\"upstream_url\":\"sink:"));
	assert_non_null(strstr(g.events, "\"up\""));
	assert_non_null(strstr(g.events, "\"down\""));
	assert_null(strstr(g.events, "\"out\""));
	made_run_close(&g);
}

/* A failure names the URL that was asked, so that it can be asked again. */
static void test_asked_url(void **state)
{
	struct told told;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "a=http://127.0.0.1:1/base", "-t", "b=http://127.0.0.1:1", "-x", "max", "--rewrite-path", "^/v1/=>/v2/",
		      "--log-format", "json");
	told_start(&told);
	made_run_push(&g, &made_run_request(&g, "/v1/m?secret", DECISION_CHOSEN, 0)->item);
	while (run_loop_is_busy(&g.r))
		uv_run(&g.r.loop, UV_RUN_ONCE);
	told_end(&told);
	made_run_end(&g);
	assert_non_null(strstr(told.text, "\"upstream_url\":\"http://127.0.0.1:1/base/v2/m\""));
	assert_non_null(strstr(told.text, "\"upstream_url\":\"http://127.0.0.1:1/v2/m\""));
	made_run_close(&g);
}

#define RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static struct fault_server *serve(const char *name, char url[48])
{
	static const struct fault_step script[] = {
		{ .op = FAULT_READ_REQUEST }, { FAULT_SEND, RESPONSE, 0 }, { .op = FAULT_AGAIN }
	};
	static const struct fault_step *const scripts[] = { script, NULL };
	struct fault_server *s = fault_server_start(4, scripts);

	snprintf(url, 48, "%s=http://127.0.0.1:%u", name, fault_server_port(s));
	return s;
}

/* The last head that @s was sent has a line of X-Who, and it says @who; NULL: it has none. */
static void assert_who(struct fault_server *s, const char *who)
{
	char head[1024], line[32];

	head[fault_server_last(s, head, sizeof(head) - 1)] = '\0';
	snprintf(line, sizeof(line), "\r\nX-Who: %s\r\n", who ? who : "");
	if (who ? !strstr(head, line) : strstr(head, "X-Who") != NULL)
		fail_msg("X-Who: %s is not in: %s", who, head);
}

/* Each target's head is made by its own rules, and by those that are in force when it is made. */
static void test_heads(void **state)
{
	char url[3][48];
	struct fault_server *s[3] = { serve("a", url[0]), serve("b", url[1]), serve("c", url[2]) };
	struct rewrite **rules = g.r.rules.rewrite, *first;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", url[0], "-t", url[1], "-t", url[2], "-H", "a:X-Who: alice", "-H", "b:X-Who: bob", "-x", "max", "-m",
		      "20s");
	push_and_wait();
	assert_who(s[0], "alice");
	assert_who(s[1], "bob");
	assert_who(s[2], NULL);
	first = rules[0];
	rules[0] = rules[1];
	rules[1] = rules[2];
	rules[2] = first;
	push_and_wait();
	assert_who(s[0], "bob");
	assert_who(s[1], NULL);
	assert_who(s[2], "alice");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(counter_get(&replay_target_stats(g.r.replay, i)->outcome[OUTCOME_ANSWERED_2XX]), 2);
	made_run_end(&g);
	made_run_close(&g);
	for (size_t i = 0; i < 3; i++)
		fault_server_stop(s[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_production),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_asked_url),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
