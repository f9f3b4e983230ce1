/* test_run_admin.c - what --admin says of a run, and what moves its sample; asked without a socket */
#include "tests/rig/run_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"
#include "tests/rig/made_run.h"
#include "tests/rig/page_check.h"

static struct made_run g;

static const struct {
	bool live, interrupted, lanes_ended;
	bool healthy;
	const char *text;
} healths[] = {
	{ false, false, false, true, "ok\n" },
	{ true, false, false, true, "ok\n" },
	{ false, false, true, true, "ok\n" }, /* what was read is still being sent */
	{ true, false, true, false, "the capture has ended\n" },
	{ true, true, false, false, "stopping\n" },
	{ true, true, true, false, "stopping\n" },
	{ false, true, false, false, "stopping\n" },
};

static void test_healthy(void **state)
{
	struct buffer text = { 0 };
	struct admin_routes routes;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run");
	routes = run_admin_routes(&g.r);
	for (size_t i = 0; i < sizeof(healths) / sizeof(healths[0]); i++) {
		buffer_clear(&text);
		g.r.live = healths[i].live;
		g.r.stop.interrupted = healths[i].interrupted;
		g.r.stop.lanes_ended = healths[i].lanes_ended;
		assert_int_equal(routes.healthy(routes.ctx, &text), healths[i].healthy);
		assert_string_equal(buffer_text(&text), healths[i].text);
	}
	buffer_deinit(&text);
	made_run_end(&g);
	made_run_close(&g);
}

/* Without --compare nothing can be decided, and that is said as a decision is. */
static void test_no_decision(void **state)
{
	struct buffer text = { 0 };
	struct admin_routes routes;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run");
	routes = run_admin_routes(&g.r);
	assert_string_equal(routes.decision(routes.ctx, &text), "none");
	assert_non_null(strstr(buffer_text(&text), "{\"state\":\"none\",\"looks\":\"once\",\"why\":\"nothing was compared\""));
	buffer_deinit(&text);
	made_run_end(&g);
	made_run_close(&g);
}

/* Asked before the first pair, and after the last. */
static void test_decision(void **state)
{
	struct buffer text = { 0 };
	struct admin_routes routes;
	struct told told;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "sink:", "--compare", "--fail-on", "sent < 1", "--stop-when", "decided", "-x", "max");
	routes = run_admin_routes(&g.r);
	assert_string_equal(routes.decision(routes.ctx, &text), "none");
	assert_non_null(strstr(buffer_text(&text), "\"looks\":\"anytime\""));
	assert_non_null(strstr(buffer_text(&text), "\"terms\":[{\"term\":\"sent < 1\",\"target\":\"default\""));
	buffer_deinit(&text);
	told_start(&told);
	made_run_end(&g);
	told_end(&told);
	made_run_close(&g);
}

/* The page of a run that goes on: safe whatever the run is called, and for a second the same to all. */
static void test_page(void **state)
{
	struct buffer page = { 0 }, again = { 0 };
	struct admin_routes routes;
	struct told told;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "sink:", "--compare", "--title", "<script>alert(1)</script>", "-x", "max");
	routes = run_admin_routes(&g.r);
	routes.page(routes.ctx, &page);
	routes.page(routes.ctx, &again);
	assert_true(page_html_is_safe(buffer_text(&page)));
	assert_non_null(strstr(buffer_text(&page), "&lt;script&gt;alert(1)"));
	assert_non_null(strstr(buffer_text(&page), "<span>live, as of 20"));
	assert_non_null(strstr(buffer_text(&page), "</html>"));
	assert_string_equal(buffer_text(&page), buffer_text(&again));
	g.r.page_at.ns -= NS_PER_S;
	g.r.started.ns -= 3600 * NS_PER_S;
	buffer_clear(&again);
	routes.page(routes.ctx, &again);
	assert_string_not_equal(buffer_text(&page), buffer_text(&again)); /* the run is older */
	buffer_deinit(&page);
	buffer_deinit(&again);
	told_start(&told);
	made_run_end(&g);
	told_end(&told);
	made_run_close(&g);
}

/* A port of this machine that refuses connections, as long as the socket is open */
static int closed_port(char url[64])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, 64, "down=http://127.0.0.1:%u", ntohs(at.sin_port));
	return fd;
}

/* A shadow that is down is told, and is no reason to start us again. */
static void test_target_is_down(void **state)
{
	struct buffer text = { 0 };
	struct admin_routes routes;
	struct told told;
	char url[64];
	int fd = closed_port(url);

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", url, "-t", "up=sink:", "--breaker", "1", "-x", "max");
	routes = run_admin_routes(&g.r);
	told_start(&told);
	made_run_push(&g, &made_run_request(&g, "/", DECISION_CHOSEN, 0)->item);
	while (run_loop_is_busy(&g.r))
		uv_run(&g.r.loop, UV_RUN_ONCE);
	told_end(&told);
	assert_true(routes.healthy(routes.ctx, &text));
	assert_string_equal(buffer_text(&text), "ok\ntarget down cannot be reached: its breaker is open\n");
	buffer_deinit(&text);
	made_run_end(&g);
	made_run_close(&g);
	close(fd);
}

static int chosen_of_hundred(void)
{
	const struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") };
	const struct request_origin origin = { 0 };
	int chosen = 0;

	for (int i = 0; i < 100; i++)
		chosen += policy_decide(g.r.rules.lane[0]->policy, &head, &origin) == DECISION_CHOSEN;
	return chosen;
}

/* Another sample is in force in the lanes, and told, when the response says so; a ramp is not moved. */
static void test_set_sample(void **state)
{
	struct buffer text = { 0 };
	struct admin_routes routes;
	struct told told;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run", "-S", "100%");
	routes = run_admin_routes(&g.r);
	assert_int_equal(chosen_of_hundred(), 100);
	told_start(&told);
	assert_true(routes.set_sample(routes.ctx, SHARE_ONE / 4, &text));
	assert_non_null(strstr(told_end(&told), "sample 100% -> 25%, asked for at --admin\n"));
	assert_int_equal(routes.sample(routes.ctx), SHARE_ONE / 4);
	assert_int_equal(g.r.progress.drawn_line.sample_share, SHARE_ONE / 4);
	assert_int_equal(chosen_of_hundred(), 25);
	g.r.sample.has_ramp = true;
	assert_false(routes.set_sample(routes.ctx, SHARE_ONE, &text));
	assert_non_null(strstr(buffer_text(&text), "--ramp"));
	assert_int_equal(routes.sample(routes.ctx), SHARE_ONE / 4);
	assert_int_equal(chosen_of_hundred(), 25);
	buffer_deinit(&text);
	made_run_end(&g);
	made_run_close(&g);
}

/* What the ramp and the governor look at are these targets; what they decide is in force in the lanes. */
static void test_hooks(void **state)
{
	struct ramp_counts counts[RAMP_TARGETS] = { { 0 } };
	const struct sample_hooks *hooks = &g.r.sample.hooks;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "a=sink:", "-t", "b=sink:", "--queue", "7", "-x", "max");
	run_open_sample_control(&g.r);
	made_run_push(&g, &made_run_request(&g, "/", DECISION_CHOSEN, 0)->item);
	while (run_loop_is_busy(&g.r))
		uv_run(&g.r.loop, UV_RUN_ONCE);
	assert_int_equal(hooks->counts(hooks->ctx, counts), 2);
	assert_int_equal(counts[1].ended, 1);
	assert_int_equal(counts[1].queue_max, 7);
	assert_string_equal(hooks->target_name(hooks->ctx, 1), "b");
	hooks->on_share(hooks->ctx, SHARE_ONE / 2);
	assert_int_equal(chosen_of_hundred(), 50);
	sample_control_close(&g.r.sample);
	made_run_end(&g);
	made_run_close(&g);
}

/* The numbers are those of now: each is asked for before and after it changes. */
static void test_metrics_and_stats(void **state)
{
	struct buffer before = { 0 }, after = { 0 }, stats = { 0 };
	struct admin_routes routes;

	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "sink:", "--compare");
	assert_null(g.r.admin); /* nothing but the routes is asked for here */
	routes = run_admin_routes(&g.r);
	routes.metrics(routes.ctx, &before);
	assert_non_null(strstr(buffer_text(&before), "\nshadowtap_capturing 1\n"));
	assert_non_null(strstr(buffer_text(&before), "\nshadowtap_admin_refused_total 0\n"));
	assert_non_null(strstr(buffer_text(&before), "\nshadowtap_config_reloads_total{result=\"read\"} 0\n"));
	g.r.stop.lanes_ended = true;
	g.r.config_read = 3;
	g.r.config_refused = 2;
	g.r.stopped = 5;
	counter_set(&lanes_decisions(g.r.lanes, 0)->decision[DECISION_CHOSEN], 9);
	routes.metrics(routes.ctx, &after);
	assert_non_null(strstr(buffer_text(&after), "\nshadowtap_capturing 0\n"));
	assert_non_null(strstr(buffer_text(&after), "\nshadowtap_config_reloads_total{result=\"read\"} 3\n"));
	assert_non_null(strstr(buffer_text(&after), "result=\"refused\"} 2\n"));
	assert_non_null(strstr(buffer_text(&after), "shadowtap_compar"));
	routes.stats(routes.ctx, &stats);
	assert_memory_equal(buffer_text(&stats), "{\"shadowtap\":\"", 14);
	assert_non_null(strstr(buffer_text(&stats), "\"interrupted\":false"));
	assert_non_null(strstr(buffer_text(&stats), "\"comparison\":{"));
	g.r.stop.interrupted = true;
	buffer_clear(&stats);
	routes.stats(routes.ctx, &stats);
	assert_non_null(strstr(buffer_text(&stats), "\"interrupted\":true"));
	buffer_deinit(&before);
	buffer_deinit(&after);
	buffer_deinit(&stats);
	made_run_end(&g);
	made_run_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_no_decision),
		cmocka_unit_test(test_decision),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_target_is_down),
		cmocka_unit_test(test_set_sample),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_metrics_and_stats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
