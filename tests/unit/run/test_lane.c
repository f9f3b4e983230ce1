/*
 * test_lane.c - a lane alone: a recording in memory goes in, items come out of its ring
 *
 * The loop is a real intake whose items are noted. A lane that is live reads a
 * recording here as well; that it is live changes what happens where there is no
 * room, and that is what is looked at.
 */
#include "tests/rig/unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "app/options/options.h"
#include "app/run/lane.h"
#include "app/run/stages.h"
#include "base/units.h"
#include "tests/rig/memory_capture.h"

#define NOTED_MAX 200
#define ARGS_MAX  20

/** struct noted - an item as it came */
struct noted {
	enum item_kind kind;
	uint64_t sequence, token, id;
	int64_t due_ns;
	char target[20]; /* of a request */
	enum decision decision;
	enum lost_reason reason;
	enum response_result result;
};

struct rig {
	struct memory_capture *capture;
	struct options o;
	struct rules rules;
	struct policy_stats decisions;
	struct budget budget;
	struct chosen_limit chosen;
	struct ring *ring;
	struct intake *intake;
	uv_loop_t loop;
	struct lane *lane;
	_Atomic size_t ends; /* of the lane */
	bool intake_ended;
	size_t reopened;
	struct noted noted[NOTED_MAX];
	size_t count;
};

static void note_response(struct noted *n, struct response_item *r)
{
	n->token = r->token;
	n->result = r->response ? r->response->result : RESPONSE_MEMORY;
	response_free(r->response);
	free(r);
}

static void on_item(void *ctx, struct item *item)
{
	struct rig *g = ctx;
	struct noted *n = &g->noted[g->count++];

	assert_true(g->count < NOTED_MAX);
	*n = (struct noted){ .kind = item->kind, .sequence = item->sequence, .due_ns = item->due.ns };
	switch (item->kind) {
	case ITEM_REQUEST:
		n->token = message_of(item)->response_token;
		n->id = message_of(item)->origin.id;
		n->decision = (enum decision)message_of(item)->decision;
		snprintf(n->target, sizeof(n->target), "%.*s", (int)message_of(item)->head.target.len,
			 (const char *)message_of(item)->head.target.at);
		message_unref(message_of(item));
		break;
	case ITEM_RESPONSE:
		note_response(n, response_item_of(item));
		break;
	case ITEM_LOST:
		n->reason = lost_item_of(item)->reason;
		snprintf(n->target, sizeof(n->target), "%.*s", (int)lost_item_of(item)->head.target.len,
			 (const char *)lost_item_of(item)->head.target.at);
		free(lost_item_of(item));
		break;
	case ITEM_LINES:
		fail_msg("there is no event log");
	}
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

static void on_lane_end(void *ctx)
{
	atomic_fetch_add(&((struct rig *)ctx)->ends, 1);
}

static int reopen(void *ctx, size_t lane, struct source **out, struct buffer *error)
{
	struct rig *g = ctx;

	(void)error;
	assert_int_equal(lane, 0);
	g->reopened++;
	*out = memory_capture_source(g->capture);
	return 0;
}

static struct policy_stats *stats_of(void *ctx, size_t lane)
{
	(void)lane;
	return &((struct rig *)ctx)->decisions;
}

static void make_rules(struct rig *g, struct rules *out)
{
	struct rules_wiring wiring = { .share = SHARE_ONE, .stats = stats_of, .ctx = g };
	struct buffer error = { 0 };

	if (rules_make(&g->o, 1, &wiring, out, &error) < 0)
		fail_msg("%s", buffer_text(&error));
}

static void parse_options(struct rig *g, const char *const *args, struct options *out)
{
	char *argv[ARGS_MAX] = { (char *)"shadowtap", (char *)"-r", g->capture->path, (char *)"-t", (char *)"sink:" };
	struct buffer error = { 0 };
	int argc = 5;

	for (; args && *args; args++)
		argv[argc++] = (char *)*args;
	if (options_parse(argc, argv, out, &error) < 0)
		fail_msg("%s", buffer_text(&error));
}

/* @args: more options, NULL at the end; @tells_all as for --explain */
static void set_up(struct rig *g, struct memory_capture *capture, bool live, size_t slots, bool tells_all,
		   const char *const *args)
{
	struct intake_options intake = { .ring_count = 1, .on_item = on_item, .on_end = on_intake_end, .ctx = g };
	struct lane_options lane;

	*g = (struct rig){ .capture = capture };
	parse_options(g, args, &g->o);
	make_rules(g, &g->rules);
	budget_init(&g->budget, 1 << 24);
	g->chosen.limit = g->o.count;
	g->ring = ring_new(slots);
	assert_int_equal(uv_loop_init(&g->loop), 0);
	intake.rings = &g->ring;
	assert_int_equal(intake_new(&g->loop, &intake, &g->intake), 0);
	lane = (struct lane_options){
		.count = 1,
		.set = stages_lane(&g->o),
		.source = memory_capture_source(capture),
		.live = live,
		.chosen = &g->chosen,
		.rules = g->rules.lane[0],
		.decisions = &g->decisions,
		.budget = &g->budget,
		.ring = g->ring,
		.intake = g->intake,
		.tells_all = tells_all,
		.reopen = reopen,
		.loop_is_busy = loop_is_busy,
		.ctx = g,
		.on_end = on_lane_end,
		.end_ctx = g,
	};
	assert_int_equal(lane_new(&lane, &g->lane), 0);
	rules_release_lanes(&g->rules);
}

/* The loop takes what there is until the lane has said that nothing more comes. */
static void take_all(struct rig *g)
{
	while (!g->intake_ended)
		uv_run(&g->loop, UV_RUN_ONCE);
}

static void tear_down(struct rig *g)
{
	assert_int_equal(lane_join(g->lane), 0);
	assert_int_equal(g->ends, 1);
	lane_free(g->lane);
	assert_int_equal(budget_used(&g->budget), 0); /* nothing was lost on the way */
	intake_close(g->intake);
	uv_run(&g->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&g->loop), 0);
	intake_free(g->intake);
	ring_free(g->ring);
	rules_deinit(&g->rules);
	options_deinit(&g->o);
	memory_capture_deinit(g->capture);
}

/* @count requests "/0", "/1", ... on three connections, each with its response */
static void write_requests(struct memory_capture *c, size_t count)
{
	memory_capture_init(c);
	for (size_t i = 0; i < count; i++) {
		char target[20];

		snprintf(target, sizeof(target), "/%zu", i);
		memory_capture_request(c, i % 3, "POST", target);
		memory_capture_response(c, i % 3, "ok");
	}
}

static uint64_t decided(const struct rig *g, enum decision d)
{
	return counter_get(&g->decisions.decision[d]);
}

/* Every request is an item, in the order of the recording, at its time; every packet is counted. */
static void test_requests(void **state)
{
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 20);
	set_up(&g, &c, false, 64, false, NULL);
	assert_int_equal(lane_start(g.lane), 0);
	take_all(&g);
	assert_int_equal(lane_join(g.lane), 0);
	assert_int_equal(g.count, 20);
	for (size_t i = 0; i < g.count; i++) {
		char target[20];

		snprintf(target, sizeof(target), "/%zu", i);
		assert_int_equal(g.noted[i].kind, ITEM_REQUEST);
		assert_string_equal(g.noted[i].target, target);
		assert_int_equal(g.noted[i].decision, DECISION_CHOSEN);
		assert_int_equal(g.noted[i].token, 0);
		assert_true(i == 0 || g.noted[i].sequence > g.noted[i - 1].sequence);
		assert_int_equal(g.noted[i].due_ns,
				 INT64_C(1700000000) * NS_PER_S + (int64_t)g.noted[i].sequence * NS_PER_MS);
	}
	assert_int_equal(decided(&g, DECISION_CHOSEN), 20);
	assert_int_equal(counter_get(&lane_capture_stats(g.lane)->received), c.packets);
	tear_down(&g);
}

/* With --explain all are items: those that are not wanted, and those that never become whole. */
static void test_all_are_told(void **state)
{
	static const enum item_kind kinds[] = { ITEM_REQUEST, ITEM_REQUEST, ITEM_LOST };

	(void)state;
	for (int tells_all = 0; tells_all < 2; tells_all++) {
		struct memory_capture c;
		struct rig g;

		memory_capture_init(&c);
		memory_capture_request(&c, 0, "POST", "/yes");
		memory_capture_request(&c, 1, "GET", "/no");
		memory_capture_send(&c, 2, 'c', "POST /half HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhi");
		set_up(&g, &c, false, 64, tells_all, NULL);
		assert_int_equal(lane_start(g.lane), 0);
		take_all(&g);
		assert_int_equal(g.count, tells_all ? 3 : 1);
		for (size_t i = 0; i < g.count; i++)
			assert_int_equal(g.noted[i].kind, kinds[i]);
		if (tells_all) {
			assert_int_equal(g.noted[1].decision, DECISION_FILTERED_METHOD);
			assert_int_equal(g.noted[2].reason, LOST_CUT_AT_END);
			assert_string_equal(g.noted[2].target, "/half");
		}
		assert_int_equal(decided(&g, DECISION_CHOSEN), 1);
		assert_int_equal(decided(&g, DECISION_FILTERED_METHOD), 1);
		tear_down(&g);
	}
}

static const struct {
	const char *bytes, *target;
	enum lost_reason reason;
} lost[] = {
	{ "POST /long HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n123456789", "/long", LOST_TOO_LARGE },
	{ "POST /parts HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n3\r\n789\r\n0\r\n\r\n",
	  "/parts", LOST_TOO_LARGE },
	{ "POST /bad HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\nzz\r\n", "/bad", LOST_MALFORMED },
	{ "POST /he", "", LOST_CUT_AT_END }, /* its target may be longer than that */
	{ "POST /head HTTP/1.1\r\nHost: h\r\nContent-Le", "/head", LOST_CUT_AT_END },
	{ "POST /worse HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\n", "/worse", LOST_MALFORMED },
};

/* What is lost says what it was, if its first line was whole; too long a body is let go, and its head is not. */
static void test_lost_heads(void **state)
{
	static const char *const args[] = { "--max-body", "4", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		struct memory_capture c;
		struct rig g;

		memory_capture_init(&c);
		memory_capture_send(&c, 0, 'c', lost[i].bytes);
		set_up(&g, &c, false, 64, true, args);
		assert_int_equal(lane_start(g.lane), 0);
		take_all(&g);
		assert_int_equal(g.count, 1);
		assert_int_equal(g.noted[0].kind, ITEM_LOST);
		assert_int_equal(g.noted[0].reason, lost[i].reason);
		assert_string_equal(g.noted[0].target, lost[i].target);
		tear_down(&g);
	}
}

/* Live, what finds no room is shed and counted, and the lane goes on; what had room is handed over. */
static void test_full_ring_sheds(void **state)
{
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 20);
	set_up(&g, &c, true, 4, false, NULL);
	assert_int_equal(lane_start(g.lane), 0);
	assert_int_equal(lane_join(g.lane), 0); /* the loop has taken nothing */
	assert_int_equal(ring_count(g.ring), 4);
	assert_int_equal(decided(&g, DECISION_CHOSEN), 4);
	assert_int_equal(decided(&g, DECISION_SHED_HANDOVER), 16);
	take_all(&g);
	assert_int_equal(g.count, 4);
	assert_string_equal(g.noted[3].target, "/3");
	tear_down(&g);
}

/* A recording's lane waits for space: all come, however few have room at once. */
static void test_full_ring_waits(void **state)
{
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 50);
	set_up(&g, &c, false, 2, false, NULL);
	assert_int_equal(lane_start(g.lane), 0);
	take_all(&g);
	assert_int_equal(g.count, 50);
	assert_int_equal(decided(&g, DECISION_SHED_HANDOVER), 0);
	tear_down(&g);
}

/* It waits for good, since the loop takes nothing, and is told to stop: it ends, and what it held is counted as shed. */
static void test_stop_while_it_waits(void **state)
{
	(void)state;
	for (int abandon = 0; abandon < 2; abandon++) {
		struct memory_capture c;
		struct rig g;

		write_requests(&c, 50);
		set_up(&g, &c, false, 4, false, NULL);
		assert_int_equal(lane_start(g.lane), 0);
		while (ring_count(g.ring) < 4)
			usleep(100);
		(abandon ? lane_abandon : lane_stop)(g.lane);
		assert_int_equal(lane_join(g.lane), 0);
		assert_int_equal(decided(&g, DECISION_CHOSEN), 4);
		assert_true(decided(&g, DECISION_SHED_STOPPED) >= 1);
		assert_int_equal(decided(&g, DECISION_SHED_HANDOVER), 0);
		take_all(&g);
		assert_int_equal(g.count, 4);
		tear_down(&g);
	}
}

/* -c: the lane ends at the last one that was wanted, and reads no further. */
static void test_count(void **state)
{
	static const char *const args[] = { "-c", "3", NULL };
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 20);
	set_up(&g, &c, false, 64, false, args);
	assert_int_equal(lane_start(g.lane), 0);
	take_all(&g);
	assert_int_equal(g.count, 3);
	assert_int_equal(decided(&g, DECISION_CHOSEN), 3);
	assert_int_equal(g.chosen.reserved, 3);
	assert_true(counter_get(&lane_capture_stats(g.lane)->received) < c.packets / 2);
	tear_down(&g);
}

/* -c: a request that the ring had no room for leaves its share to a later one. */
static void test_count_of_those_handed_over(void **state)
{
	static const char *const args[] = { "-c", "5", NULL };
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 20);
	set_up(&g, &c, true, 4, false, args);
	assert_int_equal(lane_start(g.lane), 0);
	assert_int_equal(lane_join(g.lane), 0);
	assert_int_equal(decided(&g, DECISION_CHOSEN), 4);
	assert_int_equal(decided(&g, DECISION_SHED_HANDOVER), 16);
	assert_int_equal(decided(&g, DECISION_UNSAMPLED), 0);
	assert_int_equal(g.chosen.reserved, 4);
	take_all(&g);
	tear_down(&g);
}

/* --compare: each response comes behind its request, with the same token. */
static void test_responses(void **state)
{
	static const char *const args[] = { "--compare", NULL };
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 12);
	set_up(&g, &c, false, 64, false, args);
	assert_int_equal(lane_start(g.lane), 0);
	take_all(&g);
	assert_int_equal(g.count, 24);
	for (size_t i = 0; i < g.count; i++) {
		size_t requests = 0;

		if (g.noted[i].kind == ITEM_REQUEST)
			continue;
		assert_int_equal(g.noted[i].kind, ITEM_RESPONSE);
		assert_int_equal(g.noted[i].result, RESPONSE_WHOLE);
		for (size_t k = 0; k < i; k++)
			requests += g.noted[k].kind == ITEM_REQUEST && g.noted[k].token == g.noted[i].token;
		assert_int_equal(requests, 1);
	}
	tear_down(&g);
}

/* Live, a response for which the ring has no room is kept, without its body: nothing waits for it in vain. */
static void test_late_responses(void **state)
{
	static const char *const args[] = { "--compare", NULL };
	struct response_item *late, *next;
	struct memory_capture c;
	size_t count = 0;
	struct rig g;

	(void)state;
	memory_capture_init(&c);
	for (size_t k = 0; k < 4; k++)
		memory_capture_request(&c, k, "POST", "/x");
	for (size_t k = 0; k < 4; k++)
		memory_capture_response(&c, k, "a body");
	set_up(&g, &c, true, 4, false, args);
	assert_int_equal(lane_start(g.lane), 0);
	assert_int_equal(lane_join(g.lane), 0);
	for (late = lane_take_late(g.lane); late; late = next, count++) {
		next = late->next;
		assert_int_equal(late->item.kind, ITEM_RESPONSE);
		assert_int_equal(late->response->result, RESPONSE_MEMORY);
		assert_int_equal(late->response->body_len, 0);
		response_free(late->response);
		free(late);
	}
	assert_int_equal(count, 4);
	assert_null(lane_take_late(g.lane));
	take_all(&g);
	assert_int_equal(g.count, 4);
	tear_down(&g);
}

/* --loop: the recording again, with times that go on and ids that differ. */
static void test_loop(void **state)
{
	static const char *const args[] = { "--loop", "3", NULL };
	struct memory_capture c;
	struct rig g;

	(void)state;
	write_requests(&c, 5);
	set_up(&g, &c, false, 64, false, args);
	assert_int_equal(lane_start(g.lane), 0);
	take_all(&g);
	assert_int_equal(g.reopened, 2);
	assert_int_equal(g.count, 15);
	for (size_t i = 1; i < g.count; i++) {
		assert_true(g.noted[i].due_ns > g.noted[i - 1].due_ns);
		for (size_t k = 0; k < i; k++)
			assert_true(g.noted[i].id != g.noted[k].id);
	}
	assert_string_equal(g.noted[14].target, "/4");
	tear_down(&g);
}

/* Other rules are in force from the next request on; of those that were never taken nothing leaks. */
static void test_change_rules(void **state)
{
	static const char *const args[] = { "--method", "GET", NULL };
	struct memory_capture c;
	struct options next;
	struct rig g;

	(void)state;
	write_requests(&c, 10);
	set_up(&g, &c, false, 64, false, NULL);
	for (int i = 0; i < 2; i++) { /* the first is replaced before the lane sees it */
		struct options now = g.o;
		struct rules rules;

		parse_options(&g, args, &next);
		g.o = next;
		make_rules(&g, &rules);
		g.o = now;
		lane_change_rules(g.lane, rules.lane[0]);
		rules_release_lanes(&rules);
		rules_deinit(&rules);
		options_deinit(&next);
	}
	assert_int_equal(lane_start(g.lane), 0);
	take_all(&g);
	assert_int_equal(g.count, 0);
	assert_int_equal(decided(&g, DECISION_FILTERED_METHOD), 10);
	tear_down(&g);
}

static void test_chosen_limit(void **state)
{
	struct chosen_limit none = { 0 }, two = { .limit = 2 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(chosen_limit_reserve(&none));
		chosen_limit_complete(&none, true);
		assert_false(chosen_limit_reached(&none));
	}
	assert_true(chosen_limit_reserve(&two) && chosen_limit_reserve(&two));
	assert_false(chosen_limit_reserve(&two));
	chosen_limit_complete(&two, false);
	assert_true(chosen_limit_reserve(&two));
	chosen_limit_complete(&two, true);
	assert_false(chosen_limit_reached(&two));
	chosen_limit_complete(&two, true);
	assert_true(chosen_limit_reached(&two));
	assert_false(chosen_limit_reserve(&two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_all_are_told), cmocka_unit_test(test_lost_heads),
		cmocka_unit_test(test_full_ring_sheds),
		cmocka_unit_test(test_full_ring_waits),
		cmocka_unit_test(test_stop_while_it_waits),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_count_of_those_handed_over),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_late_responses),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_change_rules),
		cmocka_unit_test(test_chosen_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
