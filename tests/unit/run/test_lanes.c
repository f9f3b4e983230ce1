/*
 * test_lanes.c - several lanes read one recording in memory, and look like one
 *
 * What three lanes yield, taken by an intake in the order of the recording, has to
 * be what one lane yields, and so have their counters.
 */
#include "tests/rig/unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "app/options/options.h"
#include "app/run/lanes.h"
#include "app/run/stages.h"
#include "base/units.h"
#include "tests/rig/memory_capture.h"

#define CONNECTIONS 40
#define REQUESTS    400

struct rig {
	struct memory_capture *capture;
	size_t count; /* of lanes */
	struct options o;
	struct rules rules;
	struct recording recording; /* off */
	struct budget budget;
	struct lanes *lanes;
	struct intake *intake;
	uv_loop_t loop;
	_Atomic size_t ends;
	bool intake_ended;
	uint64_t last_sequence;
	struct buffer targets; /* of the requests, a line each */
	size_t requests;
};

static void on_item(void *ctx, struct item *item)
{
	struct rig *g = ctx;
	struct message *m = message_of(item);

	assert_int_equal(item->kind, ITEM_REQUEST);
	assert_true(g->count == 1 || item->sequence > g->last_sequence);
	g->last_sequence = item->sequence;
	g->requests++;
	buffer_printf(&g->targets, "%.*s\n", (int)m->head.target.len, (const char *)m->head.target.at);
	message_unref(m);
}

static void drop(void *ctx, struct item *item)
{
	(void)ctx;
	message_unref(message_of(item));
}

static void on_intake_end(void *ctx)
{
	((struct rig *)ctx)->intake_ended = true;
}

static bool loop_is_busy(void *ctx)
{
	(void)ctx;
	return false;
}

static void on_lanes_end(void *ctx)
{
	atomic_fetch_add(&((struct rig *)ctx)->ends, 1);
}

static int reopen(void *ctx, size_t lane, struct source **out, struct buffer *error)
{
	(void)lane;
	(void)error;
	*out = memory_capture_source(((struct rig *)ctx)->capture);
	return 0;
}

static struct policy_stats *stats_of(void *ctx, size_t lane)
{
	return lanes_decisions(((struct rig *)ctx)->lanes, lane);
}

static void parse_options(struct rig *g, const char *option, const char *value)
{
	char *argv[] = { (char *)"shadowtap", (char *)"-r", g->capture->path, (char *)"-t", (char *)"sink:",
			 (char *)option, (char *)value };
	struct buffer error = { 0 };

	if (options_parse(option ? 7 : 5, argv, &g->o, &error) < 0)
		fail_msg("%s", buffer_text(&error));
}

static void set_up(struct rig *g, struct memory_capture *capture, size_t count, size_t slots, const char *option,
		   const char *value)
{
	struct rules_wiring wiring = { .share = SHARE_ONE, .stats = stats_of, .ctx = g };
	struct source *sources[SOURCE_LANES_MAX];
	struct intake_options intake = { .ring_count = count, .ordered = count > 1, .on_item = on_item,
					 .on_end = on_intake_end, .ctx = g };
	struct lanes_options lanes;
	struct buffer error = { 0 };

	*g = (struct rig){ .capture = capture, .count = count };
	parse_options(g, option, value);
	budget_init(&g->budget, 1 << 24);
	g->lanes = lanes_new(count, slots);
	assert_non_null(g->lanes);
	assert_int_equal(rules_make(&g->o, count, &wiring, &g->rules, &error), 0);
	assert_int_equal(uv_loop_init(&g->loop), 0);
	intake.rings = lanes_rings(g->lanes);
	assert_int_equal(intake_new(&g->loop, &intake, &g->intake), 0);
	for (size_t i = 0; i < count; i++)
		sources[i] = memory_capture_source(capture);
	lanes = (struct lanes_options){
		.set = stages_lane(&g->o),
		.live = g->o.files.count == 0,
		.chosen_limit = g->o.count,
		.sources = sources,
		.rules = &g->rules,
		.budget = &g->budget,
		.intake = g->intake,
		.recording = &g->recording,
		.reopen = reopen,
		.loop_is_busy = loop_is_busy,
		.on_end = on_lanes_end,
		.ctx = g,
	};
	assert_int_equal(lanes_open(g->lanes, &lanes), 0);
	rules_release_lanes(&g->rules);
	assert_int_equal(lanes_start(g->lanes), 0);
}

static void take_all(struct rig *g)
{
	while (!g->intake_ended)
		uv_run(&g->loop, UV_RUN_ONCE);
}

static void tear_down(struct rig *g)
{
	assert_int_equal(lanes_join(g->lanes), 0);
	assert_int_equal(g->ends, 1); /* told once for all */
	assert_int_equal(lanes_waiting(g->lanes), 0);
	lanes_free(g->lanes);
	assert_int_equal(budget_used(&g->budget), 0);
	intake_close(g->intake);
	uv_run(&g->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&g->loop), 0);
	intake_free(g->intake);
	rules_deinit(&g->rules);
	options_deinit(&g->o);
	buffer_deinit(&g->targets);
}

/* Requests "/0", "/1", ... on connections that take turns in no regular way */
static void write_requests(struct memory_capture *c)
{
	memory_capture_init(c);
	for (size_t i = 0; i < REQUESTS; i++) {
		size_t k = i * 7919 / 3 % CONNECTIONS;
		char target[20];

		snprintf(target, sizeof(target), "/%zu", i);
		memory_capture_request(c, k, i % 10 == 9 ? "GET" : "POST", target);
		memory_capture_response(c, k, "ok");
	}
}

static struct lanes_stats run(struct memory_capture *c, size_t count, size_t slots, struct buffer *targets)
{
	struct lanes_stats stats;
	struct rig g;

	set_up(&g, c, count, slots, NULL, NULL);
	take_all(&g);
	assert_int_equal(lanes_join(g.lanes), 0);
	lanes_stats(g.lanes, &stats);
	*targets = g.targets;
	g.targets = (struct buffer){ 0 };
	tear_down(&g);
	return stats;
}

/* In order, and in sum, several lanes are as one; with rings that are always full, too. */
static void test_as_one(void **state)
{
	struct buffer expected, targets;
	struct lanes_stats one, many;
	struct memory_capture c;

	(void)state;
	write_requests(&c);
	one = run(&c, 1, 1024, &expected);
	assert_int_equal(counter_get(&one.capture.received), c.packets);
	assert_int_equal(counter_get(&one.policy.decision[DECISION_CHOSEN]), REQUESTS / 10 * 9);
	for (size_t slots = 2; slots <= 1024; slots *= 512) {
		many = run(&c, 3, slots, &targets);
		assert_string_equal(buffer_text(&targets), buffer_text(&expected));
		assert_memory_equal(&many.capture, &one.capture, sizeof(one.capture));
		assert_memory_equal(&many.policy, &one.policy, sizeof(one.policy));
		assert_int_equal(counter_get(&many.http.seen), counter_get(&one.http.seen));
		buffer_deinit(&targets);
	}
	buffer_deinit(&expected);
	memory_capture_deinit(&c);
}

/* Each lane has some of the work: or the others could be wrong and nothing would show. */
static void test_each_takes_part(void **state)
{
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c);
	set_up(&g, &c, 3, 1024, NULL, NULL);
	take_all(&g);
	assert_int_equal(lanes_join(g.lanes), 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(counter_get(&lanes_decisions(g.lanes, i)->decision[DECISION_CHOSEN]) > REQUESTS / 20);
	tear_down(&g);
	memory_capture_deinit(&c);
}

/* -c N: N by all lanes together, whichever is faster; the others are not in the sample. */
static void test_count(void **state)
{
	struct memory_capture c;

	(void)state;
	write_requests(&c);
	for (int round = 0; round < 20; round++) {
		struct lanes_stats stats;
		struct rig g;

		set_up(&g, &c, 3, 1024, "-c", "17");
		take_all(&g);
		assert_int_equal(lanes_join(g.lanes), 0);
		lanes_stats(g.lanes, &stats);
		assert_int_equal(g.requests, 17);
		assert_int_equal(counter_get(&stats.policy.decision[DECISION_CHOSEN]), 17);
		tear_down(&g);
	}
	memory_capture_deinit(&c);
}

/* Lanes that wait for space end when they are told to, all of them. */
static void test_stop(void **state)
{
	struct memory_capture c;

	(void)state;
	write_requests(&c);
	for (int abandon = 0; abandon < 2; abandon++) {
		struct rig g;

		set_up(&g, &c, 3, 2, NULL, NULL);
		while (lanes_waiting(g.lanes) < 6)
			usleep(100);
		(abandon ? lanes_abandon : lanes_stop)(g.lanes);
		assert_int_equal(lanes_join(g.lanes), 0);
		assert_int_equal(g.ends, 1);
		intake_stop(g.intake, drop, &g);
		assert_int_equal(counter_get(&intake_stats(g.intake)->leftover), 6);
		tear_down(&g);
	}
	memory_capture_deinit(&c);
}

/* --loop: each lane opens the recording again, and the order is kept over the turn. */
static void test_loop(void **state)
{
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c);
	set_up(&g, &c, 3, 64, "--loop", "4");
	take_all(&g);
	assert_int_equal(g.requests, 4 * REQUESTS / 10 * 9);
	tear_down(&g);
	memory_capture_deinit(&c);
}

/* All lanes have read the same cut file, and that is told once. */
static void test_complaints_once(void **state)
{
	struct memory_capture c;
	struct rig g;
	const char *text;

	(void)state;
	write_requests(&c);
	memory_capture_cut(&c);
	set_up(&g, &c, 3, 1024, NULL, NULL);
	take_all(&g);
	assert_int_equal(lanes_join(g.lanes), 0);
	text = buffer_text((struct buffer *)lanes_complaints(g.lanes));
	assert_non_null(strstr(text, c.path));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	tear_down(&g);
	memory_capture_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_one), cmocka_unit_test(test_each_takes_part),
		cmocka_unit_test(test_count),  cmocka_unit_test(test_stop),
		cmocka_unit_test(test_loop),   cmocka_unit_test(test_complaints_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
