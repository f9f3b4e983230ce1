/* test_run_items.c - what the loop does with each kind of item, when it takes it and when the run has ended before */
#include "tests/rig/run_rig.h"

#include <stdlib.h>
#include <string.h>

#include "app/run/event_log.h"
#include "tests/rig/made_run.h"

static struct made_run g;

static bool push_lines(void *ctx, struct item *item)
{
	(void)ctx;
	made_run_push(&g, item);
	return true;
}

/* Lines that a lane wrote itself about a request of its own */
static void push_lane_line(const char *target)
{
	const struct event_log_options options = { .writer = g.r.outputs.events, .budget = &g.r.budget, .push = push_lines };
	struct message *m = made_run_request(&g, target, DECISION_FILTERED_PATH, 0);
	struct event_log *log = event_log_new(&options);

	assert_non_null(log);
	event_log_show(log, g.r.rules.rewrite[0]);
	event_log_request(log, m, DECISION_FILTERED_PATH);
	event_log_flush(log);
	event_log_free(log);
	message_unref(m);
}

static struct item *lost(enum lost_reason reason)
{
	const struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/lost") };
	struct lost_item *l = lost_item_new(&(struct request_origin){ .id = 0xdef }, reason, &head);

	assert_non_null(l);
	return &l->item;
}

static struct item *response(uint64_t token)
{
	struct response_item *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->item.kind = ITEM_RESPONSE;
	r->token = token;
	r->response = response_new(200, NULL, &g.r.budget);
	assert_non_null(r->response);
	return &r->item;
}

/* The lines of g.events have these parts, one each, in this order, and there are no others. */
static void assert_events(const char *const *parts)
{
	char *at = g.events;

	for (; *parts; parts++) {
		char *end = strchr(at, '\n');

		if (!end)
			fail_msg("no line with %s behind:\n%s", *parts, g.events);
		*end = '\0';
		if (!strstr(at, *parts))
			fail_msg("no %s in: %s", *parts, at);
		at = end + 1;
	}
	assert_string_equal(at, "");
}

#define ASSERT_EVENTS(...) assert_events((const char *const[]){ __VA_ARGS__, NULL })

/* Every kind has its line, in the order of the ring, whoever wrote it. */
static void test_order(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run", "-o", g.events_path);
	made_run_push(&g, &made_run_request(&g, "/1", DECISION_CHOSEN, 0)->item);
	push_lane_line("/2");
	made_run_push(&g, lost(LOST_GAP));
	made_run_push(&g, &made_run_request(&g, "/4", DECISION_UNSAMPLED, 0)->item);
	made_run_end(&g);
	ASSERT_EVENTS("\"/1\"", "\"/2\"", "\"/lost\"", "\"/4\"");
	assert_int_equal(g.r.stopped, 0);
	made_run_close(&g);
}

/* Only the chosen are sent. */
static void test_sent(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "sink:", "-x", "max", "-o", g.events_path);
	made_run_push(&g, &made_run_request(&g, "/1", DECISION_CHOSEN, 0)->item);
	assert_int_equal(counter_get(&replay_target_stats(g.r.replay, 0)->chosen), 1);
	assert_true(run_loop_is_busy(&g.r));
	made_run_push(&g, &made_run_request(&g, "/2", DECISION_UNSAMPLED, 0)->item);
	made_run_push(&g, &made_run_request(&g, "/3", DECISION_FILTERED_METHOD, 0)->item);
	assert_int_equal(counter_get(&replay_target_stats(g.r.replay, 0)->chosen), 1);
	while (run_loop_is_busy(&g.r))
		uv_run(&g.r.loop, UV_RUN_ONCE);
	assert_int_equal(counter_get(&replay_target_stats(g.r.replay, 0)->outcome[OUTCOME_ANSWERED_2XX]), 1);
	made_run_end(&g);
	assert_non_null(strstr(g.events, "\"outcome\""));
	made_run_close(&g);
}

/* What the end of the run leaves is told, as what it is: of the chosen, that they were shed. None is sent. */
static void test_dropped(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "sink:", "-o", g.events_path);
	run_drop_item(&g.r, &made_run_request(&g, "/1", DECISION_CHOSEN, 0)->item);
	run_drop_item(&g.r, &made_run_request(&g, "/2", DECISION_UNSAMPLED, 0)->item);
	run_drop_item(&g.r, lost(LOST_GAP));
	assert_int_equal(g.r.stopped, 1);
	assert_int_equal(counter_get(&replay_target_stats(g.r.replay, 0)->chosen), 0);
	made_run_end(&g);
	ASSERT_EVENTS("stopped", "unsampled", "\"gap\"");
	made_run_close(&g);
}

/* A dry run sends nothing, so nothing is shed at its end. */
static void test_dropped_in_dry_run(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run", "-o", g.events_path);
	run_drop_item(&g.r, &made_run_request(&g, "/1", DECISION_CHOSEN, 0)->item);
	assert_int_equal(g.r.stopped, 0);
	made_run_end(&g);
	ASSERT_EVENTS("\"chosen\"");
	made_run_close(&g);
}

/* Production's response finds the request that went before it; the pair's line comes behind the outcome's. */
static void test_compared(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "-t", "sink:", "-x", "max", "--compare", "-o", g.events_path);
	made_run_push(&g, &made_run_request(&g, "/1", DECISION_CHOSEN, 7)->item);
	assert_int_equal(comparing_open(g.r.comparing), 1);
	made_run_push(&g, response(8)); /* of a request that is not known */
	assert_int_equal(comparing_open(g.r.comparing), 1);
	made_run_push(&g, response(7));
	while (comparing_open(g.r.comparing) > 0)
		uv_run(&g.r.loop, UV_RUN_ONCE);
	made_run_end(&g);
	ASSERT_EVENTS("\"/1\"", "\"outcome\"", "\"comparison\"");
	made_run_close(&g);
}

/* Events that can be written no more end the run. */
static void test_writer_failed(void **state)
{
	(void)state;
	made_run_init(&g);
	MADE_RUN_OPEN(&g, "--dry-run", "-o", "/dev/full");
	while (event_writer_error(g.r.outputs.events) == 0) {
		assert_int_equal(g.r.stop.state, RUN_CAPTURING);
		made_run_push(&g, &made_run_request(&g, "/1", DECISION_UNSAMPLED, 0)->item);
		run_on_prepare(&(uv_prepare_t){ .data = &g.r });
	}
	made_run_push(&g, &made_run_request(&g, "/1", DECISION_UNSAMPLED, 0)->item);
	assert_int_equal(g.r.stop.state, RUN_STOPPING);
	made_run_end(&g);
	made_run_close(&g);
}

static const struct {
	const char *args[4];
	enum intake_pace pace;
} paces[] = {
	{ { "-t", "sink:" }, PACE_SCHEDULE },
	{ { "-t", "sink:", "-x", "max" }, PACE_TARGET },
	{ { "--dry-run", "-x", "2" }, PACE_NONE },
};

static void test_pace(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paces) / sizeof(paces[0]); i++) {
		const char *args[5] = { NULL };

		memcpy(args, paces[i].args, sizeof(paces[i].args));
		made_run_init(&g);
		made_run_open(&g, args);
		assert_int_equal(run_pace(&g.r), paces[i].pace);
		g.r.live = true;
		assert_int_equal(run_pace(&g.r), PACE_NONE);
		made_run_end(&g);
		made_run_close(&g);
	}
}

#define HOUR_NS INT64_C(3600000000000)

static const struct {
	int64_t wait_ns;
	const char *told; /* NULL: nothing */
} pauses[] = {
	{ NS_PER_S / 2, NULL },
	{ 90 * NS_PER_S, " is due in 89s; --max-sleep 1s " }, /* what of it is still to come */
	{ 60 * HOUR_NS, " pauses here for 2 days, so its times may be wrong; " },
	{ 24 * 365 * 3 * HOUR_NS, " pauses here for 3 years, so its times may be wrong; " },
};

/* A pause that people would take for the end is told, and what to do about it. */
static void test_pauses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		struct message *first, *second;
		struct told told;

		made_run_init(&g);
		MADE_RUN_OPEN(&g, "-t", "sink:");
		first = made_run_request(&g, "/1", DECISION_UNSAMPLED, 0);
		second = made_run_request(&g, "/2", DECISION_UNSAMPLED, 0);
		second->item.due.ns += pauses[i].wait_ns;
		told_start(&told);
		made_run_push(&g, &first->item);
		assert_true(ring_push(lanes_rings(g.r.lanes)[0], &second->item));
		intake_wake(g.r.intake);
		uv_run(&g.r.loop, UV_RUN_ONCE);
		told_end(&told);
		intake_stop(g.r.intake, run_drop_item, &g.r);
		if (pauses[i].told ? !strstr(told.text, pauses[i].told) : told.text[0] != '\0')
			fail_msg("%s: %s", pauses[i].told, told.text);
		made_run_end(&g);
		made_run_close(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_dropped_in_dry_run),
		cmocka_unit_test(test_compared),
		cmocka_unit_test(test_writer_failed),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
