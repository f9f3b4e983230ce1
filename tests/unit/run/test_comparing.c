/* test_comparing.c - --compare on a loop: pairs go to the thread that compares and come back, or are abandoned */
#include "tests/rig/run_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/run/comparing.h"
#include "app/run/stages.h"

struct rig {
	struct options o;
	struct comparing *c;
	struct budget budget;
	uv_loop_t loop;
	struct buffer events, failures;
	size_t drained;
	struct message *m[4];
};

static void on_event(void *ctx, struct span line)
{
	buffer_add_span(&((struct rig *)ctx)->events, line);
}

static void on_unlike_failure(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	(void)target;
	(void)m;
	buffer_printf(&((struct rig *)ctx)->failures, "%d ", outcome->status_code);
}

static void on_room(void *ctx)
{
	(void)ctx;
}

static void on_drained(void *ctx)
{
	((struct rig *)ctx)->drained++;
}

static void start(struct rig *g, const char *const *args)
{
	const struct comparing_hooks hooks = { on_event, on_unlike_failure, on_room, g };
	struct buffer error = { 0 };

	*g = (struct rig){ 0 };
	options_of(&g->o, args);
	budget_init(&g->budget, 1 << 20);
	assert_int_equal(uv_loop_init(&g->loop), 0);
	if (comparing_new(stages_comparing(&g->o), &g->c, &error) < 0)
		fail_msg("%s", buffer_text(&error));
	assert_int_equal(comparing_start(g->c, &g->loop, &g->budget, &hooks, true), 0);
}

#define START(g, ...) start((g), (const char *const[]){ "-r", "x.pcap", "--compare", __VA_ARGS__, NULL })

static void finish(struct rig *g)
{
	comparing_close(g->c);
	comparing_close(g->c); /* once */
	uv_run(&g->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&g->loop), 0);
	comparing_free(g->c);
	for (size_t i = 0; i < 4; i++)
		message_unref(g->m[i]);
	assert_int_equal(budget_used(&g->budget), 0);
	buffer_deinit(&g->events);
	buffer_deinit(&g->failures);
	options_deinit(&g->o);
}

static void expect(struct rig *g, size_t i)
{
	const struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") };
	const struct request_origin origin = { .id = i + 1 };

	g->m[i] = message_new(&head, &origin, &g->budget);
	assert_non_null(g->m[i]);
	g->m[i]->response_token = i + 1;
	assert_true(comparing_expect(g->c, g->m[i]));
}

static struct response *response(struct rig *g, const char *body)
{
	struct response *r = response_new(200, NULL, &g->budget);

	assert_non_null(r);
	response_add_body(r, span_str(body), strlen(body), 1000);
	return r;
}

static void answer(struct rig *g, size_t target, size_t i, const char *body)
{
	struct outcome outcome = { .kind = OUTCOME_ANSWERED_2XX, .status_code = 200, .response = response(g, body) };

	comparing_outcome(g->c, target, g->m[i], &outcome);
}

static void drain(struct rig *g, int64_t limit_ns)
{
	comparing_drain(g->c, limit_ns, on_drained, g);
	assert_int_equal(g->drained, 0); /* never from in there */
	while (!g->drained)
		uv_run(&g->loop, UV_RUN_ONCE);
	assert_int_equal(comparing_open(g->c), 0);
	assert_false(comparing_is_busy(g->c));
}

/* The two responses of a request meet, of each target by itself; what comes back is counted, and has its line. */
static void test_pairs(void **state)
{
	struct comparison_counts a, b;
	struct buffer text = { 0 };
	struct rig g;

	(void)state;
	START(&g, "-t", "a=sink:", "-t", "b=sink:");
	expect(&g, 0);
	expect(&g, 1);
	comparing_production(g.c, 1, response(&g, "{\"x\":1}"));
	answer(&g, 0, 0, "{\"x\":1}");
	answer(&g, 1, 0, "{\"x\":2}");
	comparing_unsent(g.c, 1, g.m[1]);
	assert_true(comparing_open(g.c) > 0);
	answer(&g, 0, 1, "{}");
	drain(&g, INT64_MAX / 2); /* production's second response never comes */
	a = comparing_counts(g.c, 0);
	b = comparing_counts(g.c, 1);
	assert_int_equal(a.verdict[COMPARISON_EQUAL], 1);
	assert_int_equal(a.verdict[COMPARISON_NOT_COMPARABLE], 1);
	assert_int_equal(b.verdict[COMPARISON_EQUAL], 0);
	assert_int_equal(b.verdict[COMPARISON_VALUE], 1);
	assert_int_equal(b.verdict[COMPARISON_NOT_COMPARABLE], 0);
	buffer_printf(&g.events, "%c", '\0');
	assert_non_null(strstr((char *)g.events.bytes, "\"b\""));
	assert_int_equal(g.drained, 1);
	comparing_close(g.c);
	comparing_text(g.c, &text);
	assert_true(text.len > 0);
	buffer_deinit(&text);
	finish(&g);
}

static struct response *status(struct rig *g, int code)
{
	struct response *r = response_new(code, NULL, &g->budget);

	assert_non_null(r);
	return r;
}

static const struct {
	int production, shadow; /* 0: never seen, or none came */
	bool is_told;
} failures[] = {
	{ 200, 503, true }, { 503, 503, false }, { 400, 422, true }, { 404, 404, false },
	{ 0, 500, true },   { 500, 200, false }, { 200, 0, false },
};

/* A status is told as a failure where production's is another one, or was not seen; what has no status, on_outcome() told. */
static void test_unlike_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		int code = failures[i].shadow;
		struct outcome outcome = { .kind = code == 0 ? OUTCOME_FAILED_TIMEOUT
						  : code < 300 ? OUTCOME_ANSWERED_2XX
						  : code < 500 ? OUTCOME_ANSWERED_4XX
							       : OUTCOME_ANSWERED_5XX,
					   .status_code = code,
					   .grpc_status = GRPC_STATUS_NONE };
		char told[8] = "";
		struct rig g;

		START(&g, "-t", "sink:");
		expect(&g, 0);
		if (failures[i].production)
			comparing_production(g.c, 1, status(&g, failures[i].production));
		outcome.response = code ? status(&g, code) : NULL;
		comparing_outcome(g.c, 0, g.m[0], &outcome);
		drain(&g, INT64_MAX / 2);
		if (failures[i].is_told)
			snprintf(told, sizeof(told), "%d ", code);
		assert_string_equal(buffer_text(&g.failures), told);
		finish(&g);
	}
}

static struct response *call_status(struct rig *g, const char *grpc_status)
{
	struct response_head head = { 0 };
	struct response *r;

	assert_true(response_head_name(&head, SPAN_LITERAL("grpc-status")) && response_head_value(&head, span_str(grpc_status)) &&
		    response_head_end_field(&head));
	r = response_new(200, &head, &g->budget);
	assert_non_null(r);
	response_head_deinit(&head);
	return r;
}

/* Of a call of gRPC its own status counts, for both are 200 by HTTP's. */
static void test_unlike_calls(void **state)
{
	static const struct {
		const char *production;
		bool is_told;
	} calls[] = { { "5", false }, { "0", true }, { "14", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct outcome outcome = { .kind = OUTCOME_ANSWERED_2XX, .status_code = 200, .grpc_status = GRPC_NOT_FOUND };
		struct rig g;

		START(&g, "-t", "sink:");
		expect(&g, 0);
		comparing_production(g.c, 1, call_status(&g, calls[i].production));
		outcome.response = call_status(&g, "5");
		comparing_outcome(g.c, 0, g.m[0], &outcome);
		drain(&g, INT64_MAX / 2);
		assert_string_equal(buffer_text(&g.failures), calls[i].is_told ? "200 " : "");
		finish(&g);
	}
}

/* A drain that is hurried tells its end once, though what comes later wakes the loop again. */
static void test_drain_again(void **state)
{
	struct rig g;

	(void)state;
	START(&g, "-t", "sink:");
	expect(&g, 0);
	comparing_production(g.c, 1, response(&g, "x"));
	answer(&g, 0, 0, "x");
	comparing_drain(g.c, INT64_MAX / 2, on_drained, &g);
	drain(&g, 0);
	expect(&g, 1);
	comparing_production(g.c, 2, response(&g, "y"));
	answer(&g, 0, 1, "y");
	while (comparing_open(g.c) > 0)
		uv_run(&g.loop, UV_RUN_ONCE);
	assert_int_equal(g.drained, 1);
	finish(&g);
}

/* What is asked of the options: a quarter of the memory, the gate, what the report says of the rules. */
static void test_options(void **state)
{
	struct document_comparison facts;
	struct rig g;

	(void)state;
	START(&g, "-t", "sink:", "--max-memory", "400M", "--fail-on", "pairs < 1", "--rtol", "0.5", "--ignore", "/a");
	assert_int_equal(stages_comparing(&g.o).memory, g.o.max_memory / 4);
	assert_non_null(comparing_gate(g.c));
	facts = comparing_facts(g.c);
	assert_true(facts.rtol > 0.4 && facts.rtol < 0.6);
	assert_int_equal(facts.ignore.count, 1);
	assert_int_equal(facts.max_answer, g.o.compare.max_response);
	g.o.compare.on = false;
	assert_int_equal(stages_comparing(&g.o).memory, 0);
	finish(&g);
}

static const struct {
	const char *option, *value;
	int err;
	const char *error;
} wrong[] = {
	{ "--fail-on", "no such value", -EINVAL, "--fail-on \"no such value\": " },
	{ "--rules", "/no/such/file", -ENOENT, "/no/such/file" },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct comparing *c = NULL;
		struct buffer error = { 0 };
		struct options o;

		OPTIONS_OF(&o, "-r", "x.pcap", "-t", "sink:", "--compare", wrong[i].option, wrong[i].value);
		assert_int_equal(comparing_new(stages_comparing(&o), &c, &error), wrong[i].err);
		assert_null(c);
		assert_non_null(strstr(buffer_text(&error), wrong[i].error));
		buffer_deinit(&error);
		options_deinit(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_unlike_failures),
		cmocka_unit_test(test_unlike_calls),
		cmocka_unit_test(test_drain_again),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
