/*
 * test_replay.c - one target and every way a server can answer, then the
 * queue, the pool, the rate, the breaker, names, and several targets
 */
#include "tests/rig/unit.h"

#include <netdb.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "message/response.h"
#include "replay/response_parser.h"
#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_cases.h"
#include "tests/rig/fault_rig.h"
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
		rig_run_for(&g, 30); /* what the server says after the response may come */
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

/* ---- what is kept of a response ---- */

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

static void test_arrivals(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} pieces[] = {
		{ 5, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r" },
		{ 9, "\n1\r\n" }, { 11, "c\r\n" }, { 14, "2\r\nd" }, { 20, "e\r\n0\r\n\r\n" },
	};
	static const struct arrival expected[] = { { 0, 5 }, { 2, 11 }, { 3, 14 }, { 4, 20 } };
	struct budget budget;
	struct response_parser_keeping keeping = { 1 << 20, &budget };
	struct response_parser a = { 0 };
	struct response *r;

	budget_init(&budget, 1 << 20);
	response_parser_begin(&a, false, &keeping);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		a.now_us = pieces[i].us;
		response_parser_feed(&a, span_str(pieces[i].text));
	}
	assert_int_equal(a.state, RESPONSE_PARSER_WHOLE);
	r = response_parser_take(&a);
	assert_non_null(r);
	assert_int_equal(r->body_len, 5);
	assert_memory_equal(r->body, "abcde", 5);
	assert_int_equal(r->arrival_count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < r->arrival_count; i++) {
		assert_int_equal(r->arrivals[i].offset, expected[i].offset);
		assert_int_equal(r->arrivals[i].us, expected[i].us);
	}
	response_free(r);
	response_parser_deinit(&a);
	assert_int_equal(budget_used(&budget), 0);
}

/* Trailers are aside: where there is no room for them, the response is as good without. */
static void test_trailers_that_cannot_be_kept(void **state)
{
	static const struct {
		size_t value_len;
		uint64_t memory;
		size_t trailers;
	} rows[] = { { 10, 1 << 20, 1 }, { RESPONSE_HEAD_MAX - 100, 1 << 20, 1 }, { RESPONSE_HEAD_MAX, 1 << 20, 0 },
		     { 5000, 5000, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct response_parser a = { 0 };
		struct buffer bytes = { 0 };
		struct budget budget;
		const struct response_parser_keeping keeping = { 100, &budget };
		struct response *r;

		budget_init(&budget, rows[i].memory);
		buffer_add_str(&bytes, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ");
		for (size_t n = 0; n < rows[i].value_len; n++)
			buffer_add(&bytes, "v", 1);
		buffer_add_str(&bytes, "\r\n\r\n");
		response_parser_begin(&a, false, &keeping);
		assert_int_equal(response_parser_feed(&a, buffer_span(&bytes)), RESPONSE_PARSER_WHOLE);
		assert_true(a.keep_alive);
		r = response_parser_take(&a);
		assert_int_equal(r->result, RESPONSE_WHOLE);
		assert_int_equal(r->body_len, 1);
		assert_int_equal(r->trailer_count, rows[i].trailers);
		assert_true(rows[i].trailers == 0 || r->trailers[0].value.len == rows[i].value_len);
		response_free(r);
		response_parser_deinit(&a);
		buffer_deinit(&bytes);
		assert_int_equal(budget_used(&budget), 0);
	}
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

/** a kept connection that the server closes in silence: the next request goes on another, and only there */
static void test_stale_connection_is_not_used(void **state)
{
	static const struct fault_step once[] = { READ, SEND(OK), { FAULT_DELAY, NULL, 30 }, { FAULT_RESET } };
	static const struct fault_step *const scripts[] = { once, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 3; i++) {
		rig_submit(&g, "POST", 10);
		rig_wait(&g, i + 1);
		/* The loop does not run while the server closes: only the look before use can notice. */
		usleep(100000);
	}
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 3);
	assert_int_equal(fault_server_connections(server), 3);
	assert_int_equal(fault_server_requests(server), 3);
	rig_stop(&g);
	fault_server_stop(server);
}

/* ---- how long a connection is kept, and the race at its end ---- */

#define KEPT(field) SEND(OK_HEAD field "\r\n{}")

static void test_keep_alive_is_read(void **state)
{
	static const struct {
		const char *fields;
		int64_t keep_s;
	} rows[] = {
		{ "", -1 },
		{ "Keep-Alive: timeout=5, max=100\r\n", 5 },
		{ "keep-alive:timeout=0\r\n", 0 },
		{ "KEEP-ALIVE: max=3 ,\t Timeout=72\r\n", 72 },
		{ "X-Keep-Alive: timeout=5\r\nKeep-Aliv: timeout=6\r\nKeep-Alive-2: timeout=7\r\n", -1 },
		{ "X-Empty:\r\nKeep-Alive: timeout=5\r\n", 5 },
		{ "Keep-Alive:\r\n", -1 },
		{ "Keep-Alive: notimeout=5\r\n", -1 },
		{ "Keep-Alive: timeout=, timeout=9\r\n", -1 },
		{ "Keep-Alive: timeout=-1\r\n", -1 },
		{ "Keep-Alive: timeout=99999999999999999999\r\n", 999999999 },
		{ "Keep-Alive: timeout=9\r\nKeep-Alive: timeout=4\r\nKeep-Alive: timeout=8\r\n", 4 },
		{ "Keep-Alive: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, timeout=4\r\n", -1 },
	};
	struct budget budget;
	struct response_parser_keeping keeping = { 1 << 20, &budget };
	struct response_parser a = { 0 };
	char text[512];

	budget_init(&budget, 1 << 20);
	for (size_t i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool bytewise = i % 2;
		int len = snprintf(text, sizeof(text),
				   "HTTP/1.1 103 Early Hints\r\nKeep-Alive: timeout=1\r\n\r\n"
				   "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n0\r\nKeep-Alive: timeout=2\r\n\r\n",
				   rows[i / 4].fields);

		response_parser_begin(&a, false, i % 4 < 2 ? &keeping : NULL);
		for (int at = 0; at < len; at += bytewise ? 1 : len)
			response_parser_feed(&a, span_of(text + at, bytewise ? 1 : (size_t)len));
		assert_int_equal(a.state, RESPONSE_PARSER_WHOLE);
		if (a.keep_s != rows[i / 4].keep_s)
			fail_msg("\"%s\": %lld", rows[i / 4].fields, (long long)a.keep_s);
	}
	response_parser_deinit(&a);
}

/* Never for longer than is certain; for how much less is its business. */
static void test_connections_are_kept_for_a_while(void **state)
{
	static const struct {
		struct fault_step steps[3];
		unsigned idle_ms;
		bool sees_time_pass; /* the loop runs meanwhile, so that they end by themselves */
		unsigned connections;
	} rows[] = {
		{ { READ, SEND(OK), AGAIN }, 1550, false, 2 },
		{ { READ, SEND(OK), AGAIN }, 1550, true, 2 },
		{ { READ, KEPT("Keep-Alive: timeout=30\r\n"), AGAIN }, 1550, true, 1 },
		{ { READ, KEPT("Keep-Alive: timeout=1\r\n"), AGAIN }, 520, false, 2 },
		{ { READ, KEPT("Keep-Alive: timeout=0\r\n"), AGAIN }, 0, false, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fault_step *const scripts[] = { rows[i].steps, NULL };
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = rig_target(fault_server_port(server));
		struct rig g;

		rig_start(&g, &target, 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 1);
		if (rows[i].sees_time_pass) {
			rig_run_for(&g, rows[i].idle_ms);
			assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->open_connections),
					 rows[i].connections == 1);
		} else {
			usleep(rows[i].idle_ms * 1000);
		}
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 2);
		assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 2);
		if (fault_server_connections(server) != rows[i].connections)
			fail_msg("row %zu: %u connections", i, fault_server_connections(server));
		rig_stop(&g);
		fault_server_stop(server);
	}
}

/*
 * The server closes while the second request is on its way. The first response takes its time, so that on a busy
 * machine too the end comes soon, measured by that; in the last rows the server had the request and thought about it.
 */
static void test_stale_is_a_reason_of_its_own(void **state)
{
	static const struct {
		struct fault_step steps[7];
		unsigned idle_ms;
		enum outcome_kind second;
	} rows[] = {
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, CLOSE }, 450, OUTCOME_FAILED_STALE },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, { FAULT_RESET } }, 450, OUTCOME_FAILED_STALE },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, { FAULT_RESET } }, 0, OUTCOME_FAILED_RESET }, /* so soon? */
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, SEND("H"), CLOSE }, 450, OUTCOME_FAILED_RESET },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, SEND("HTTP/1.1 408 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		    CLOSE }, 450, OUTCOME_FAILED_STALE },
		{ { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, SEND("HTTP/1.1 408 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
		    CLOSE }, 0, OUTCOME_ANSWERED_4XX },
		{ { READ, SEND(OK), READ, { FAULT_DELAY, NULL, 1500 }, CLOSE }, 450, OUTCOME_FAILED_RESET },
		{ { READ, SEND(OK), READ, { FAULT_DELAY, NULL, 1500 }, { FAULT_RESET } }, 450, OUTCOME_FAILED_RESET },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fault_step *const scripts[] = { rows[i].steps, serve_well, NULL };
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = rig_target(fault_server_port(server));
		const struct outcome *o;
		struct rig g;

		target.breaker = 1;
		rig_start(&g, &target, 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 1);
		assert_int_equal(g.outcomes[0].outcome.idle_us, 0);
		usleep(rows[i].idle_ms * 1000);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 2);
		o = &g.outcomes[1].outcome;
		if (o->kind != rows[i].second)
			fail_msg("row %zu: %s (%s)", i, outcome_reason(o->kind), o->detail);
		assert_true(o->idle_us > 0 && o->connect_us == 0);
		assert_string_equal(replay_breaker_state(g.replay, 0), "closed");
		assert_int_equal(fault_server_requests(server), 2); /* not sent again */
		assert_true(fault_server_connections(server) == 1);
		rig_submit(&g, "POST", 1);
		rig_wait(&g, 3);
		assert_int_equal(g.outcomes[2].outcome.kind, OUTCOME_ANSWERED_2XX);
		rig_stop(&g);
		fault_server_stop(server);
	}
}

/* Those that lay idle as long are not tried one after the other. */
static void test_one_stale_connection_ends_the_older_ones(void **state)
{
	static const struct fault_step once[] = { READ, { FAULT_DELAY, NULL, 400 }, SEND(OK), READ, CLOSE };
	static const struct fault_step *const scripts[] = { once, once, once, serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 3; i++)
		rig_submit(&g, "POST", 1);
	rig_wait(&g, 3);
	assert_int_equal(fault_server_connections(server), 3);
	usleep(450000);
	for (size_t i = 3; i < 6; i++) {
		rig_submit(&g, "POST", 1);
		rig_wait(&g, i + 1);
	}
	assert_int_equal(rig_count(&g, 0, OUTCOME_FAILED_STALE), 1);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 5);
	rig_stop(&g);
	fault_server_stop(server);
}

/* ---- queue, pool, rate, sample ---- */

static void test_full_queue_sheds_the_newest(void **state)
{
	static const struct fault_step slow[] = { READ, { FAULT_DELAY, NULL, 60 }, SEND(OK), AGAIN };
	static const struct fault_step *const scripts[] = { slow, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	const struct target_stats *s;
	struct rig g;

	target.connections = 2;
	target.queue = 3;
	rig_start(&g, &target, 1);
	s = replay_target_stats(g.replay, 0);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(replay_has_room(g.replay), i < 5);
		rig_submit(&g, "POST", 1);
		rig_check_books(&g);
	}
	assert_int_equal(counter_get(&s->in_flight), 2);
	assert_int_equal(counter_get(&s->queued), 3);
	assert_int_equal(counter_get(&s->shed[SHED_QUEUE]), 5);
	assert_int_equal(g.rooms, 0);
	rig_wait(&g, 5);
	assert_true(g.rooms >= 1);
	assert_true(replay_is_idle(g.replay));
	assert_true(replay_has_room(g.replay));
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 5);
	assert_true(fault_server_connections(server) <= 2);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_queue_of_none(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	target.connections = 1;
	target.queue = 0;
	rig_start(&g, &target, 1);
	assert_true(replay_has_room(g.replay));
	rig_submit(&g, "POST", 1);
	assert_false(replay_has_room(g.replay));
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.rooms, 1);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_QUEUE]), 1);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_waiting_too_long_is_stale(void **state)
{
	static const struct fault_step silent[] = { READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	uint64_t stale;
	struct rig g;

	target.connections = 1;
	target.max_time_ns = 80 * NS_PER_MS;
	target.shed_stale = true;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 5; i++)
		rig_submit(&g, "POST", 1);
	rig_wait_idle(&g);
	/* When the first times out the others have waited as long, but for the moment between two submits. */
	stale = counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_STALE]);
	assert_true(stale >= 1 && stale <= 4);
	assert_int_equal(rig_count(&g, 0, OUTCOME_FAILED_TIMEOUT), 5 - stale);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_rate(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	const struct target_stats *s;
	struct rig g;

	target.rate = 50; /* the bucket holds 5 */
	rig_start(&g, &target, 1);
	s = replay_target_stats(g.replay, 0);
	for (size_t i = 0; i < 20; i++)
		rig_submit(&g, "POST", 1);
	assert_true(counter_get(&s->sent) + counter_get(&s->queued) >= 5);
	assert_true(counter_get(&s->shed[SHED_RATE]) >= 10);
	rig_wait_idle(&g);
	/* A file at full speed waits for the next token instead. */
	while (replay_has_room(g.replay))
		rig_submit(&g, "POST", 1);
	g.rooms = 0;
	rig_run_for(&g, 200);
	assert_int_equal(g.rooms, 1);
	assert_true(replay_has_room(g.replay));
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_sample_is_exact(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	target.sample_share = SHARE_ONE / 20;
	target.queue = 1000;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 1000; i++)
		rig_submit(&g, "POST", 1);
	rig_wait_idle(&g);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->unsampled), 950);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 50);
	rig_stop(&g);
	fault_server_stop(server);
}

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

static pthread_mutex_t named_lock = PTHREAD_MUTEX_INITIALIZER; /* a lookup may outlive its test */
static struct addresses named;                                 /* what the lookups below find */
static _Atomic int lookups, lookups_fail;

static void find_named(struct addresses *out)
{
	pthread_mutex_lock(&named_lock);
	*out = named;
	pthread_mutex_unlock(&named_lock);
}

static int test_lookup(const char *host, uint16_t port, struct addresses *out)
{
	lookups++;
	if (lookups_fail)
		return -2; /* EAI_NONAME */
	find_named(out);
	return 0;
}

static int slow_lookup(const char *host, uint16_t port, struct addresses *out)
{
	usleep(300000);
	find_named(out);
	return 0;
}

static struct target_options named_target(lookup_fn lookup)
{
	struct target_options target = rig_target(80);

	snprintf(target.url.host, sizeof(target.url.host), "shadow.example");
	target.lookup = lookup;
	lookups = lookups_fail = 0;
	pthread_mutex_lock(&named_lock);
	named.count = 0;
	pthread_mutex_unlock(&named_lock);
	return target;
}

static void add_named(uint16_t port)
{
	struct addresses one;

	assert_int_equal(lookup_numeric("127.0.0.1", port, &one), 0);
	pthread_mutex_lock(&named_lock);
	named.at[named.count++] = one.at[0];
	pthread_mutex_unlock(&named_lock);
}

static void test_name_is_waited_for(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = named_target(slow_lookup);
	struct rig g;

	add_named(fault_server_port(server));
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
		struct target_options target = named_target(slow_lookup);
		struct rig g;

		add_named(9);
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
	struct target_options target = named_target(test_lookup);
	struct rig g;

	add_named(fault_server_port(server));
	lookups_fail = 1;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 20; i++) {
		rig_submit(&g, "POST", 1);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_FAILED_DNS);
	}
	assert_int_equal(lookups, 1); /* not one for each request */
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->dns_failures), 1);
	lookups_fail = 0;
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
		struct target_options target = named_target(test_lookup);
		int fds[FAULT_SILENT_FDS] = { -1, -1, -1, -1 };
		struct rig g;

		add_named(silent ? fault_silent_port(fds) : fault_refusing_port(&fds[0]));
		add_named(fault_server_port(server));
		target.max_time_ns = 400 * NS_PER_MS;
		rig_start(&g, &target, 1);
		for (size_t i = 0; i < 3; i++) {
			rig_submit(&g, "POST", 1);
			rig_wait(&g, i + 1);
			assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_ANSWERED_2XX);
			if (i > 0)
				assert_true(g.outcomes[i].outcome.connect_us < 150000);
			rig_run_for(&g, 30); /* the server closes */
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

/* ---- production ---- */

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
	struct target_options target = named_target(slow_lookup);
	struct rig g;

	add_named(fault_server_port(server));
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
	struct target_options target = named_target(test_lookup);
	struct rig g;

	add_named(fault_server_port(before));
	rig_start(&g, &target, 1);
	g.server = loopback(fault_server_port(production));
	rig_submit(&g, "POST", 1);
	rig_wait(&g, 1);
	assert_int_equal(g.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	fault_server_stop(before);
	pthread_mutex_lock(&named_lock);
	named.count = 0;
	pthread_mutex_unlock(&named_lock);
	add_named(fault_server_port(production));
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

/* ---- several targets ---- */

static void test_dead_targets_beside_a_live_one(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options targets[RIG_TARGETS];
	int fds[FAULT_SILENT_FDS], fd;
	struct rig g;

	targets[0] = rig_target(fault_refusing_port(&fd));
	targets[1] = rig_target(fault_server_port(server));
	targets[2] = rig_target(fault_silent_port(fds));
	targets[0].breaker = targets[2].breaker = 10;
	targets[2].max_time_ns = 100 * NS_PER_MS;
	targets[1].queue = 2000;
	rig_start(&g, targets, RIG_TARGETS);
	for (size_t i = 0; i < 2000; i++)
		rig_submit(&g, "POST", 300);
	rig_wait_idle(&g);
	assert_int_equal(rig_count(&g, 1, OUTCOME_ANSWERED_2XX), 2000);
	for (size_t i = 0; i < g.ended; i++)
		if (g.outcomes[i].target == 1)
			assert_true(g.outcomes[i].outcome.total_us < 5000000);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX) + rig_count(&g, 2, OUTCOME_ANSWERED_2XX), 0);
	assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->chosen), 2000);
	assert_string_equal(replay_breaker_state(g.replay, 0), "open");
	assert_string_equal(replay_breaker_state(g.replay, 1), "closed");
	rig_stop(&g);
	fault_server_stop(server);
	close(fd);
	for (size_t n = 0; n < FAULT_SILENT_FDS; n++)
		close(fds[n]);
}

/* ---- the end ---- */

static void test_drain_lets_the_rest_end(void **state)
{
	static const struct fault_step slow[] = { READ, { FAULT_DELAY, NULL, 40 }, SEND(OK), AGAIN };
	static const struct fault_step *const scripts[] = { slow, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 1);
	rig_drain(&g, 5000);
	assert_int_equal(g.drained, 0);
	rig_wait_drained(&g);
	assert_int_equal(rig_count(&g, 0, OUTCOME_ANSWERED_2XX), 10);
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_drain_ends_at_its_limit(void **state)
{
	static const struct fault_step silent[] = { READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, NULL };

	for (int cancel = 0; cancel < 2; cancel++) {
		struct fault_server *server = fault_server_start(4, scripts);
		struct target_options target = rig_target(fault_server_port(server));
		struct rig g;

		rig_start(&g, &target, 1);
		for (size_t i = 0; i < 10; i++)
			rig_submit(&g, "POST", 1);
		rig_drain(&g, cancel ? 15000 : 60);
		rig_run_for(&g, 20);
		assert_int_equal(g.drained, 0);
		if (cancel)
			replay_cancel(g.replay);
		else
			rig_wait_drained(&g);
		assert_int_equal(g.drained, 1);
		assert_int_equal(rig_count(&g, 0, OUTCOME_CANCELLED_AT_EXIT), 4);
		assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_STALE]), 6);
		rig_stop(&g);
		fault_server_stop(server);
	}
}

static void test_drain_of_nothing(void **state)
{
	struct target_options target = rig_target(9);
	struct rig g;

	rig_start(&g, &target, 1);
	rig_drain(&g, 5000);
	assert_int_equal(g.drained, 0); /* never from inside replay_drain() */
	rig_wait_drained(&g);
	rig_stop(&g);
}

static void test_close_in_the_middle(void **state)
{
	static const struct fault_step silent[] = { READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, NULL };
	struct fault_server *server = fault_server_start(4, scripts);
	struct target_options target = rig_target(fault_server_port(server));
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 100000);
	rig_run_for(&g, 20);
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
		cmocka_unit_test(test_arrivals),
		cmocka_unit_test(test_trailers_that_cannot_be_kept),
		cmocka_unit_test(test_kept_without_memory),
		cmocka_unit_test(test_bytes_on_the_wire),
		cmocka_unit_test(test_times_count_from_before_the_last_byte),
		cmocka_unit_test(test_stale_connection_is_not_used),
		cmocka_unit_test(test_keep_alive_is_read),
		cmocka_unit_test(test_connections_are_kept_for_a_while),
		cmocka_unit_test(test_stale_is_a_reason_of_its_own),
		cmocka_unit_test(test_one_stale_connection_ends_the_older_ones),
		cmocka_unit_test(test_full_queue_sheds_the_newest),
		cmocka_unit_test(test_queue_of_none),
		cmocka_unit_test(test_waiting_too_long_is_stale),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_sample_is_exact),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_connect_without_response),
		cmocka_unit_test(test_breaker),
		cmocka_unit_test(test_name_is_waited_for),
		cmocka_unit_test(test_lookup_outlasts_deadlines_and_the_replay),
		cmocka_unit_test(test_name_that_fails_and_comes_back),
		cmocka_unit_test(test_several_addresses),
		cmocka_unit_test(test_system_lookup_of_localhost),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_production_gets_nothing),
		cmocka_unit_test(test_production_that_is_meant),
		cmocka_unit_test(test_production_behind_a_name),
		cmocka_unit_test(test_production_that_a_name_moves_to),
		cmocka_unit_test(test_production_that_is_known),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_request_that_cannot_be_made),
		cmocka_unit_test(test_dead_targets_beside_a_live_one),
		cmocka_unit_test(test_drain_lets_the_rest_end),
		cmocka_unit_test(test_drain_ends_at_its_limit),
		cmocka_unit_test(test_drain_of_nothing),
		cmocka_unit_test(test_close_in_the_middle),
		cmocka_unit_test(test_random_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
