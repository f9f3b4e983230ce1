/* test_replay_responses.c - one target and every way a server can answer; what is kept of a response, and what is sent */
#include "tests/rig/unit.h"

#include <string.h>

#include "message/response.h"
#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_cases.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_settle.h"
#include "tests/rig/fault_server.h"

static const struct fault_step serve_well[] = { READ, SEND(OK), AGAIN };

/* ---- every way to answer ---- */

static void check_times(const struct fault_response *row, const struct outcome *o, size_t nth)
{
	assert_true(o->total_us >= 0 && o->connect_us >= 0 && o->total_us >= o->connect_us);
	if (row->connections == 1 && nth > 0)
		assert_int_equal(o->connect_us, 0);
	if (outcome_is_answered(o->kind))
		assert_true(o->first_byte_us >= 0 && o->first_byte_us <= o->total_us);
	if (o->kind == OUTCOME_FAILED_TIMEOUT)
		assert_true(o->total_us >= (int64_t)row->max_time_ms * 1000);
}

/** run_row() - @budget: answers are kept, which must change nothing; NULL: they are not */
static void run_row(const struct fault_response *row, struct budget *budget)
{
	const struct fault_step *const scripts[] = { row->steps, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	if (row->max_time_ms)
		target.max_time_ns = row->max_time_ms * NS_PER_MS;
	target.keep_responses = budget != NULL;
	target.max_response = 1 << 20;
	target.budget = budget;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < row->requests; i++) {
		const struct outcome *o = &g.outcomes[i].outcome;

		rig_submit(&g, row->method ? row->method : "POST", row->body_len);
		rig_wait(&g, i + 1);
		if (o->kind != row->expect || o->status_code != row->status_code)
			print_error("row \"%s\", request %zu: %s %d (%s)\n", row->name, i,
				    outcome_reason(o->kind), o->status_code, o->detail ? o->detail : "");
		assert_int_equal(o->kind, row->expect);
		assert_int_equal(o->status_code, row->status_code);
		check_times(row, o, i);
		assert_true(!o->response == (!budget || !outcome_is_answered(o->kind)));
		rig_check_books(&g);
		rig_settle(&g, server); /* what the server says after the response may come */
	}
	if (counter_get(&replay_target_stats(g.replay, 0)->connects) != row->connections)
		print_error("row \"%s\"\n", row->name);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->connects), row->connections);
	assert_int_equal(g.ended, row->requests);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_responses(void **state)
{
	for (size_t i = 0; i < fault_response_count; i++)
		run_row(&fault_responses[i], NULL);
}

static void test_responses_that_are_kept(void **state)
{
	struct budget budget;

	budget_init(&budget, 64 << 20);
	for (size_t i = 0; i < fault_response_count; i++)
		if (fault_responses[i].max_time_ms == 0) /* deadlines care for no response's bytes */
			run_row(&fault_responses[i], &budget);
	assert_int_equal(budget_used(&budget), 0);
}

/* ---- what is kept of a response ---- */

static void check_kept(const struct response *r, enum response_result result, const char *body)
{
	assert_non_null(r);
	if (r->result != result)
		fail_msg("the answer is %s, not %s", response_result_name(r->result), response_result_name(result));
	assert_int_equal(r->body_len, body ? strlen(body) : 0);
	assert_memory_equal(r->body ? (const char *)r->body : "", body ? body : "", r->body_len);
	assert_true(r->first_byte_us >= 0);
	assert_true(result == RESPONSE_WHOLE ? r->last_byte_us >= r->first_byte_us : r->last_byte_us == -1);
}

#define PAUSE { FAULT_DELAY, NULL, 30 }

static void test_kept(void **state)
{
	static const struct fault_step steps[] = {
		READ, SEND("HTTP/1.1 100 Continue\r\nX: no\r\n\r\nHTTP/1.1 200 OK\r\nX-A:  b \t\r\nContent-Le"), PAUSE,
		SEND("ngth: 5\r\n\r\nhel"), PAUSE, SEND("lo"),
		READ, SEND("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n1\r\nd\r\n0\r\nX-T: r \r\nX-U:\r\n\r\n"),
		READ, SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\nab"), PAUSE, SEND("cd"),
		READ, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789"),
		READ, SEND("HTTP/1.1 200 OK\r\n\r\nto the"), PAUSE, SEND(" end"), CLOSE
	};
	static const struct fault_step *const scripts[] = { steps, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	const struct response *r;
	struct budget budget;
	struct rig g;

	budget_init(&budget, 1 << 20);
	target.keep_responses = true;
	target.max_response = 8;
	target.budget = &budget;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 5; i++) {
		rig_submit(&g, "POST", 1);
		rig_wait(&g, i + 1);
	}
	r = g.outcomes[0].outcome.response;
	check_kept(r, RESPONSE_WHOLE, "hello");
	assert_int_equal(r->header_count, 2);
	assert_true(span_equal(*response_header(r, SPAN_LITERAL("x-a")), SPAN_LITERAL("b")));
	assert_int_equal(r->arrival_count, 0);
	r = g.outcomes[1].outcome.response;
	check_kept(r, RESPONSE_WHOLE, "abcd");
	assert_int_equal(r->status_code, 404);
	assert_int_equal(r->header_count, 1); /* a trailer is none */
	assert_int_equal(r->trailer_count, 2);
	assert_true(span_equal(r->trailers[0].name, SPAN_LITERAL("X-T")) && span_equal(r->trailers[0].value, SPAN_LITERAL("r")));
	assert_true(span_equal(r->trailers[1].name, SPAN_LITERAL("X-U")) && r->trailers[1].value.len == 0);
	r = g.outcomes[2].outcome.response;
	check_kept(r, RESPONSE_WHOLE, "abcd");
	assert_true(r->arrival_count >= 1); /* two, unless this machine slept over the pause: see test_arrivals() */
	check_kept(g.outcomes[3].outcome.response, RESPONSE_TOO_LARGE, NULL);
	check_kept(g.outcomes[4].outcome.response, RESPONSE_TOO_LARGE, NULL); /* ten bytes */
	rig_stop(&g);
	fault_server_stop(server);
	assert_int_equal(budget_used(&budget), 0);
}

static void test_kept_without_memory(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct budget budget;
	struct rig g;

	budget_init(&budget, 16); /* not even for the head */
	target.keep_responses = true;
	target.max_response = 1 << 20;
	target.budget = &budget;
	rig_start(&g, &target, 1);
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	assert_null(g.outcomes[0].outcome.response);
	rig_stop(&g);
	fault_server_stop(server);
}

/* ---- what is sent ---- */

static void test_bytes_on_the_wire(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	static const size_t sizes[] = { 0, 1, 300, 65536, 3000000 };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));

	cases_bytes(&target, server, sizes, sizeof(sizes) / sizeof(sizes[0]));
	fault_server_stop(server);
}

#define TIMES_DELAY_MS 30
#define EVENTS "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\nabcd"

static void test_times_count_from_before_the_last_byte(void **state)
{
	static const struct fault_step steps[] = { READ, { FAULT_DELAY, NULL, TIMES_DELAY_MS }, SEND(EVENTS), AGAIN };
	static const struct fault_step *const scripts[] = { steps, NULL };
	static const size_t sizes[] = { 1, 3000000 }; /* in one call, and in many */
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct budget budget;

	budget_init(&budget, 1 << 20);
	target.keep_responses = true;
	target.max_response = 1 << 20;
	target.budget = &budget;
	for (size_t i = 0; i < 2; i++)
		cases_times(&target, sizes[i], TIMES_DELAY_MS);
	fault_server_stop(server);
}

/** a head that cannot be made is no failure to connect, and no reason to leave the target alone */
static int make_nothing(void *ctx, const struct message *m, struct outgoing *out)
{
	return -EINVAL;
}

static void test_request_that_cannot_be_made(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	target.make_head = make_nothing;
	target.breaker = 1;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 3; i++) {
		rig_submit(&g, "POST", 10);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_FAILED_PROTOCOL);
	}
	assert_string_equal(replay_breaker_state(g.replay, 0), "closed");
	assert_int_equal(fault_server_requests(server), 0);
	rig_stop(&g);
	fault_server_stop(server);
}

/* ---- everything at once ---- */

/** a server that fails in every way of the table, chosen at random for each connection */
static void test_random_faults(void **state)
{
	static const enum outcome_kind kinds[] = { OUTCOME_ANSWERED_2XX, OUTCOME_FAILED_TIMEOUT, OUTCOME_FAILED_RESET,
						   OUTCOME_FAILED_PROTOCOL };
	const struct fault_step *scripts[CASES_CONNECTIONS + 1];
	size_t before = cases_descriptors();
	struct target_options target;
	struct fault_server *server;
	unsigned seed = 1;

	for (size_t i = 0; i < CASES_CONNECTIONS - 1; i++)
		scripts[i] = cases_any_response(&seed)->steps;
	scripts[CASES_CONNECTIONS - 1] = serve_well;
	scripts[CASES_CONNECTIONS] = NULL;
	server = fault_server_start(4, scripts);
	target = rig_target(fault_server_port(server));
	target.max_time_ns = 150 * NS_PER_MS;
	cases_storm(target, 20000, &seed, kinds, sizeof(kinds) / sizeof(kinds[0]));
	fault_server_stop(server);
	assert_int_equal(cases_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_responses_that_are_kept),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_kept_without_memory),
		cmocka_unit_test(test_bytes_on_the_wire),
		cmocka_unit_test(test_times_count_from_before_the_last_byte),
		cmocka_unit_test(test_request_that_cannot_be_made),
		cmocka_unit_test(test_random_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
