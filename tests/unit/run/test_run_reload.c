/* test_run_reload.c - SIGHUP: what is in force afterwards, what is told, and that a bad file changes nothing */
#include "tests/rig/run_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tests/rig/made_run.h"

static struct made_run g;
static int config_fd;
static char config_path[32];

static void write_config(const char *text)
{
	assert_int_equal(ftruncate(config_fd, 0), 0);
	assert_int_equal(pwrite(config_fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void open_run(const char *config)
{
	config_fd = memfd_create("config", 0);
	assert_true(config_fd >= 0);
	snprintf(config_path, sizeof(config_path), "/proc/self/fd/%d", config_fd);
	write_config(config);
	made_run_init(&g);
	memory_capture_request(&g.capture, 0, "POST", "/v1/x");
	memory_capture_request(&g.capture, 1, "POST", "/v2/x");
	memory_capture_request(&g.capture, 2, "POST", "/v2/x");
	MADE_RUN_OPEN(&g, "-t", "a=sink:", "-x", "max", "-f", config_path);
}

static void close_run(void)
{
	made_run_end(&g);
	made_run_close(&g);
	close(config_fd);
}

static int chosen_of_hundred(const char *target)
{
	const struct request_head head = { .method = SPAN_LITERAL("POST"), .target = span_str(target) };
	const struct request_origin origin = { 0 };
	int chosen = 0;

	for (int i = 0; i < 100; i++)
		chosen += policy_decide(g.r.rules.lane[0]->policy, &head, &origin) == DECISION_CHOSEN;
	return chosen;
}

static const char *reload(void)
{
	static struct told told;
	struct buffer said = { 0 };
	const char *logged;

	told_start(&told);
	run_reload(&g.r, &said);
	logged = told_end(&told);
	for (char *line = (char *)said.bytes, *end = line + said.len, *next; line < end; line = next) {
		next = (char *)memchr(line, '\n', (size_t)(end - line)) + 1;
		next[-1] = '\0';
		if (!strstr(logged, line)) /* who asked over HTTP is told what is logged */
			fail_msg("\"%s\" is not in: %s", line, logged);
	}
	assert_true(said.len > 0);
	buffer_deinit(&said);
	return logged;
}

static void assert_told(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

struct reload_row {
	const char *before, *after;
	const char *told;
	int v1, v2;     /* chosen afterwards, of a hundred requests for each route */
	bool refused;
};

static const struct reload_row rows[] = {
	{ "path = ^/v1\n", "path = ^/v1\n", "read again: it is the same\n", 100, 0, false },
	{ "path = ^/v1\n", "path = ^/v2\n", "path ^/v1 -> ^/v2\n", 0, 100, false },
	{ "path = ^/v1\n", "", "path ^/v1 -> ", 100, 100, false },
	{ "sample = 100%\n", "sample = 10%\n", "sample 100% -> 10%\n", 10, 10, false },
	{ "connections = 4\n", "connections = 5\n", "this changed too and takes a restart: connections\n", 100, 100, false },
	{ "connections = 4\n", "connections = 5\npath = ^/v2\n", "path none -> ^/v2\n", 0, 100, false },
	/* nothing of a file that is wrong in one place */
	{ "path = ^/v1\n", "path = (\nsample = 10%\n", "nothing was changed: ", 100, 0, true },
	{ "path = ^/v1\n", "path = ^/v2\nno-such = 1\n", "nothing was changed: ", 100, 0, true },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_run(rows[i].before);
		write_config(rows[i].after);
		assert_told(reload(), rows[i].told);
		assert_int_equal(chosen_of_hundred("/v1"), rows[i].v1);
		assert_int_equal(chosen_of_hundred("/v2"), rows[i].v2);
		assert_int_equal(g.r.config_read, !rows[i].refused);
		assert_int_equal(g.r.config_refused, rows[i].refused);
		assert_ptr_equal(g.r.current, rows[i].refused ? &g.o : &g.r.reread);
		close_run();
	}
}

/* Each time is compared with the time before, not with the start. */
static void test_again(void **state)
{
	(void)state;
	open_run("path = ^/v1\n");
	write_config("path = ^/v2\n");
	assert_told(reload(), "path ^/v1 -> ^/v2\n");
	assert_told(reload(), "it is the same\n");
	write_config("path = ^/v1\n");
	assert_told(reload(), "path ^/v2 -> ^/v1\n");
	assert_int_equal(chosen_of_hundred("/v1"), 100);
	assert_int_equal(g.r.config_read, 3);
	close_run();
}

/* The file wins over what --admin has set since; and what was set is what it is compared with. */
static void test_after_admin(void **state)
{
	struct admin_routes routes;
	struct buffer text = { 0 };
	struct told told;

	(void)state;
	open_run("sample = 50%\n");
	routes = run_admin_routes(&g.r);
	told_start(&told);
	assert_true(routes.set_sample(routes.ctx, SHARE_ONE / 10, &text));
	told_end(&told);
	assert_told(reload(), "sample 10% -> 50%\n");
	assert_int_equal(chosen_of_hundred("/"), 50);
	assert_int_equal(g.r.sample.asked, SHARE_ONE / 2);
	assert_int_equal(g.r.progress.drawn_line.sample_share, SHARE_ONE / 2);
	close_run();
}

/* A ramp goes on where it is, whatever the file says of the sample. */
static void test_ramp_stays(void **state)
{
	(void)state;
	open_run("path = ^/v1\n");
	g.r.sample.has_ramp = true;
	g.r.sample.asked = g.r.sample.share = SHARE_ONE / 20;
	write_config("path = ^/v2\nsample = 100%\n");
	assert_null(strstr(reload(), "sample"));
	assert_int_equal(g.r.sample.share, SHARE_ONE / 20);
	assert_int_equal(chosen_of_hundred("/v2"), 5);
	close_run();
}

/* The lanes decide by the rules that were read last. */
static void test_lanes(void **state)
{
	const struct policy_stats *stats;

	(void)state;
	open_run("path = ^/v1\n");
	stats = lanes_decisions(g.r.lanes, 0);
	write_config("path = ^/v2\n");
	assert_told(reload(), "path ^/v1 -> ^/v2\n");
	made_run_run(&g);
	assert_int_equal(counter_get(&stats->decision[DECISION_CHOSEN]), 2);
	assert_int_equal(counter_get(&stats->decision[DECISION_FILTERED_PATH]), 1);
	made_run_close(&g);
	close(config_fd);
}

/* A target's own share changes for what it is given next. */
static void test_targets(void **state)
{
	const struct target_stats *stats;

	(void)state;
	open_run("");
	stats = replay_target_stats(g.r.replay, 0);
	made_run_push(&g, &made_run_request(&g, "/", DECISION_CHOSEN, 0)->item);
	assert_int_equal(counter_get(&stats->unsampled), 0);
	write_config("sample = a:0.01%\n");
	assert_told(reload(), "sample");
	for (int i = 0; i < 100; i++)
		made_run_push(&g, &made_run_request(&g, "/", DECISION_CHOSEN, 0)->item);
	assert_in_range(counter_get(&stats->unsampled), 99, 100);
	close_run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_after_admin),
		cmocka_unit_test(test_ramp_stays),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
