/* test_http2.c - exchanges over HTTP/2 with a server that does what each test tells it */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message/response.h"
#include "tests/rig/fault_certs.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/h2_server.h"

/* ---- the pair ---- */

struct two {
	struct h2_server server;
	struct target_options target;
	struct rig rig;
};

static struct two *two_new(struct h2_server_script script)
{
	struct two *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->target = rig_target(h2_server_bind(&t->server, NULL, script));
	t->target.http_version = HTTP_VERSION_2;
	t->target.queue = 1024;
	return t;
}

static void two_start(struct two *t)
{
	rig_start(&t->rig, &t->target, 1);
	h2_server_start(&t->server, &t->rig.loop);
}

static void two_stop(struct two *t)
{
	h2_server_close(&t->server);
	rig_stop(&t->rig);
	free(t);
}

static void submit(struct two *t, size_t n, size_t body_len)
{
	for (size_t i = 0; i < n; i++)
		rig_submit(&t->rig, "POST", body_len);
}

static const struct target_stats *stats_of(struct two *t)
{
	return replay_target_stats(t->rig.replay, 0);
}

/** submit_grpc() - a call with one message of 5 bytes, and @timeout unless it is NULL */
static void submit_grpc(struct two *t, const char *timeout)
{
	static const uint8_t body[] = { 0, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
	static struct header fields[1];
	struct message *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->references = 1;
	m->head.method = SPAN_LITERAL("POST");
	m->head.target = SPAN_LITERAL("/inference.GRPCInferenceService/ModelInfer");
	m->head.version_major = 2;
	m->head.is_grpc = true;
	if (timeout) {
		fields[0] = (struct header){ SPAN_LITERAL("grpc-timeout"), span_str(timeout) };
		m->head.headers = fields;
		m->head.header_count = 1;
	}
	m->body_kept = true;
	m->body_len = sizeof(body);
	m->body = malloc(sizeof(body));
	assert_non_null(m->body);
	memcpy(m->body, body, sizeof(body));
	replay_submit(t->rig.replay, m);
}

/** submit_paced() - a call with three messages of 6 bytes each, the first at once, then @apart_ms apart, as is the end */
static void submit_paced(struct two *t, unsigned apart_ms)
{
	static const uint8_t message[] = { 0, 0, 0, 0, 1, 'x' };
	struct message *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->references = 1;
	m->head.method = SPAN_LITERAL("POST");
	m->head.target = SPAN_LITERAL("/s.S/Stream");
	m->head.version_major = 2;
	m->head.is_grpc = true;
	m->origin.ts_first.ns = 1000 * NS_PER_S;
	m->origin.ts_last.ns = m->origin.ts_first.ns + 3 * apart_ms * NS_PER_MS;
	m->body_kept = true;
	m->body_len = 3 * sizeof(message);
	m->body = malloc((size_t)m->body_len);
	m->arrivals = calloc(3, sizeof(*m->arrivals));
	assert_true(m->body && m->arrivals);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(m->body + i * sizeof(message), message, sizeof(message));
		m->arrivals[m->arrival_count++] = (struct arrival){ i * sizeof(message), i * apart_ms * 1000 };
	}
	replay_submit(t->rig.replay, m);
}

/* ---- what is said ---- */

static void test_one_exchange(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = -1 });
	const struct h2_request *r = &t->server.seen[0];
	const struct outcome *o;

	two_start(t);
	submit(t, 1, 300);
	rig_wait(&t->rig, 1);
	o = &t->rig.outcomes[0].outcome;
	assert_int_equal(o->kind, OUTCOME_ANSWERED_2XX);
	assert_int_equal(o->status_code, 200);
	assert_int_equal(o->grpc_status, GRPC_STATUS_NONE);
	assert_true(o->connect_us >= 0 && o->first_byte_us >= 0 && o->total_us >= o->first_byte_us);
	assert_int_equal(o->idle_us, 0);
	assert_null(o->response);
	assert_int_equal(t->server.requests, 1);
	assert_string_equal(r->method, "POST");
	assert_string_equal(r->path, "/v1/models/m:predict");
	assert_string_equal(r->scheme, "http");
	assert_string_equal(r->authority, "shadow");
	assert_string_equal(r->te, "");
	assert_int_equal(r->body_bytes, 300);
	assert_true(r->has_length && !r->has_host && !r->has_connection && !r->has_upper);
	two_stop(t);
}

static void test_call_of_grpc(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = 0 });
	const struct h2_request *r = &t->server.seen[0];

	two_start(t);
	submit_grpc(t, NULL);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->rig.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	assert_int_equal(t->rig.outcomes[0].outcome.grpc_status, GRPC_OK);
	assert_false(outcome_is_failure(&t->rig.outcomes[0].outcome));
	assert_string_equal(r->te, "trailers");
	assert_string_equal(r->type, "application/grpc");
	assert_false(r->has_length);
	assert_true(grpc_timeout_ns(span_str(r->timeout)) > 8 * NS_PER_S); /* of 10 s, what connecting left */
	assert_true(grpc_timeout_ns(span_str(r->timeout)) <= 10 * NS_PER_S);
	submit_grpc(t, "20m"); /* production's own is shorter, or longer */
	submit_grpc(t, "1H");
	rig_wait(&t->rig, 3);
	assert_string_equal(t->server.seen[1].timeout, "20m");
	assert_true(grpc_timeout_ns(span_str(t->server.seen[2].timeout)) <= 10 * NS_PER_S);
	assert_int_equal(counter_get(&stats_of(t)->grpc[GRPC_OK]), 3);
	assert_int_equal(counter_get(&stats_of(t)->grpc_failed), 0);
	two_stop(t);
}

/** check_paced() - no byte of @r came before its time at @speed, nor did the end; later it may be */
static void check_paced(const struct h2_request *r, uint64_t begun_ns, unsigned apart_ms, unsigned speed)
{
	uint64_t from = 0, apart_ns = apart_ms * (uint64_t)NS_PER_MS / speed;

	assert_true(r->is_whole && r->reset_code == UINT32_MAX);
	assert_int_equal(r->body_bytes, 18);
	assert_int_equal(r->pieces[r->piece_count - 1].upto, 18);
	for (unsigned i = 0; i < r->piece_count; i++) {
		uint64_t last = (r->pieces[i].upto - 1) / 6; /* message that the piece ends in */

		assert_true(r->pieces[i].upto % 6 == 0 && r->pieces[i].upto >= from);
		assert_true(r->pieces[i].at_ns - begun_ns >= last * apart_ns);
		from = r->pieces[i].upto;
	}
	assert_true(r->ended_ns >= r->pieces[r->piece_count - 1].at_ns);
	assert_true(r->ended_ns - begun_ns >= 3 * apart_ns);
}

/* The deadline counts without the time that a call is sent over: each of these takes longer than it. */
static void test_paced(void **state)
{
	static const unsigned speeds[] = { 1, 4 };

	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		struct two *t = two_new((struct h2_server_script){ .grpc_status = 0 });
		uint64_t begun_ns;

		t->target.speed = speeds[i];
		t->target.max_time_ns = 10 * NS_PER_S;
		t->target.connections = 1;
		two_start(t);
		submit_grpc(t, NULL);
		rig_wait(&t->rig, 1);
		begun_ns = uv_hrtime();
		submit_paced(t, 80);
		submit_paced(t, 120);
		submit_grpc(t, NULL);
		rig_wait(&t->rig, 4);
		assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 4);
		assert_int_equal(t->server.connections, 1);
		check_paced(&t->server.seen[1], begun_ns, 80, speeds[i]);
		check_paced(&t->server.seen[2], begun_ns, 120, speeds[i]);
		assert_true(t->server.seen[3].ended_ns > 0);
		two_stop(t);
	}
}

/* At speed 0 (-x max) all of it goes in one frame. */
static void test_paced_at_once(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = 0 });

	two_start(t);
	submit_paced(t, 3600 * 1000);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->server.seen[0].piece_count, 1);
	assert_int_equal(t->server.seen[0].body_bytes, 18);
	assert_true(t->server.seen[0].is_whole);
	two_stop(t);
}

/* What ends while the next bytes are waited for: refused, cut off, the program's end. */
static void test_paced_ends_early(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_EARLY, .grpc_status = -1 });

	t->target.speed = 1;
	t->target.connections = 2;
	two_start(t);
	submit_paced(t, 3600 * 1000);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->rig.outcomes[0].outcome.status_code, 413);
	t->server.script.answer = H2_HOLD;
	submit_paced(t, 3600 * 1000);
	submit_grpc(t, NULL);
	while (t->server.requests < 3 || t->server.seen[1].piece_count == 0)
		uv_run(&t->rig.loop, UV_RUN_ONCE);
	h2_server_cut(&t->server);
	rig_wait(&t->rig, 3);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_FAILED_RESET), 2);
	submit_paced(t, 3600 * 1000);
	while (t->server.requests < 4 || t->server.seen[3].piece_count == 0)
		uv_run(&t->rig.loop, UV_RUN_ONCE);
	assert_int_equal(t->server.seen[3].pieces[0].upto, 6);
	assert_false(t->server.seen[3].is_whole);
	rig_drain(&t->rig, 0);
	rig_wait_drained(&t->rig);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_CANCELLED_AT_EXIT), 1);
	two_stop(t);
}

static const struct {
	enum h2_answer answer;
	int grpc_status, status;
	enum grpc_status expected;
} grpc_rows[] = {
	{ H2_ANSWER, 14, 200, GRPC_UNAVAILABLE },
	{ H2_TRAILERS_ONLY, 5, 200, GRPC_NOT_FOUND },
	{ H2_TRAILERS_ONLY, 0, 200, GRPC_OK },
	{ H2_TRAILERS_ONLY, 99, 200, GRPC_UNKNOWN },
	{ H2_NO_GRPC, -1, 200, GRPC_UNKNOWN },
	{ H2_HTML_502, -1, 502, GRPC_UNAVAILABLE },
};

static void test_status_of_grpc(void **state)
{
	for (size_t i = 0; i < sizeof(grpc_rows) / sizeof(grpc_rows[0]); i++) {
		struct two *t = two_new((struct h2_server_script){ .answer = grpc_rows[i].answer,
								   .grpc_status = grpc_rows[i].grpc_status });
		const struct outcome *o;
		bool failed = grpc_rows[i].expected != GRPC_OK;

		two_start(t);
		submit_grpc(t, NULL);
		rig_wait(&t->rig, 1);
		o = &t->rig.outcomes[0].outcome;
		assert_int_equal(o->grpc_status, grpc_rows[i].expected);
		assert_int_equal(o->status_code, grpc_rows[i].status);
		assert_int_equal(outcome_is_failure(o), failed);
		assert_int_equal(counter_get(&stats_of(t)->grpc[o->grpc_status]), 1);
		assert_int_equal(counter_get(&stats_of(t)->grpc_failed), failed && grpc_rows[i].status < 400);
		two_stop(t);
	}
}

static void test_grpc_to_a_target_of_http1(void **state)
{
	struct two *t = two_new((struct h2_server_script){ 0 });

	t->target.http_version = HTTP_VERSION_1;
	two_start(t);
	submit_grpc(t, NULL);
	assert_int_equal(counter_get(&stats_of(t)->shed[SHED_NEEDS_HTTP2]), 1);
	assert_int_equal(counter_get(&stats_of(t)->sent), 0);
	two_stop(t);
}

/* ---- in the version in which it came ---- */

static void test_both_versions(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = 0 });

	t->target.http_version = HTTP_VERSION_SAME;
	t->target.connections = 1; /* for both together: what lies idle gives way */
	two_start(t);
	for (size_t i = 0; i < 5; i++) {
		submit(t, 2, 10); /* rig_submit() makes none of HTTP/2 */
		submit_grpc(t, NULL);
		submit_grpc(t, NULL);
	}
	rig_wait(&t->rig, 20);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 20);
	assert_int_equal(counter_get(&stats_of(t)->grpc[GRPC_OK]), 10);
	assert_int_equal(t->server.requests, 10);
	assert_int_equal(t->server.http1_requests, 10);
	assert_int_equal(counter_get(&stats_of(t)->connects), t->server.connections);
	assert_true(t->server.most_open <= 2); /* one, and one whose end the server has not read yet */
	two_stop(t);
}

/* ---- many ---- */

static void test_many_at_once(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .max_streams = 50, .answer = H2_HOLD, .grpc_status = -1 });

	two_start(t);
	submit(t, 200, 1000);
	while (t->server.requests < 200)
		rig_run_for(&t->rig, 10);
	assert_int_equal(t->server.connections, 4);
	assert_int_equal(t->server.most_streams, 50);
	assert_int_equal(counter_get(&stats_of(t)->in_flight), 200);
	t->server.script.answer = H2_ANSWER;
	h2_server_release(&t->server);
	rig_wait(&t->rig, 200);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 200);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(t->server.seen[i].body_bytes, 1000);
	submit(t, 200, 0); /* on the same connections, without a body */
	rig_wait(&t->rig, 400);
	assert_int_equal(t->server.connections, 4);
	assert_int_equal(t->server.requests, 400);
	two_stop(t);
}

static void test_large_bodies(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = -1 });

	two_start(t);
	submit(t, 8, 3u << 20);
	rig_wait(&t->rig, 8);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(t->server.seen[i].body_bytes, 3u << 20);
	assert_int_equal(t->server.connections, 1);
	two_stop(t);
}

static void test_one_stream_then_more(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .max_streams = 1, .answer = H2_HOLD, .grpc_status = -1 });

	t->target.connections = 1;
	two_start(t);
	submit(t, 10, 10);
	rig_run_for(&t->rig, 100);
	assert_int_equal(t->server.requests, 1); /* the others wait in the target's queue, where they are seen */
	assert_int_equal(counter_get(&stats_of(t)->queued), 9);
	h2_server_settings(&t->server, 5);
	rig_run_for(&t->rig, 100);
	t->server.script.answer = H2_ANSWER;
	h2_server_release(&t->server);
	rig_wait(&t->rig, 10);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 10);
	assert_int_equal(t->server.connections, 1);
	assert_true(t->server.most_streams > 1 && t->server.most_streams <= 5);
	two_stop(t);
}

/* ---- trouble ---- */

static void test_window_of_0(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .window = 1, .grpc_status = -1 });

	t->target.max_time_ns = 100 * NS_PER_MS;
	two_start(t);
	submit(t, 1, 100);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->rig.outcomes[0].outcome.kind, OUTCOME_FAILED_TIMEOUT);
	assert_string_equal(t->rig.outcomes[0].outcome.detail, "sending");
	rig_run_for(&t->rig, 50);
	assert_int_equal(t->server.seen[0].reset_code, 8 /* CANCEL */);
	submit(t, 1, 0); /* nothing to send: the connection is still there for it */
	rig_wait(&t->rig, 2);
	assert_int_equal(t->rig.outcomes[1].outcome.kind, OUTCOME_ANSWERED_2XX);
	assert_int_equal(t->server.connections, 1);
	assert_int_equal(t->server.requests, 2);
	two_stop(t);
}

static void test_silence(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_HOLD, .grpc_status = -1 });

	t->target.max_time_ns = 50 * NS_PER_MS;
	two_start(t);
	for (size_t i = 1; i <= 6; i++) {
		submit(t, 1, 100);
		rig_wait(&t->rig, i);
		assert_int_equal(t->rig.outcomes[i - 1].outcome.kind, OUTCOME_FAILED_TIMEOUT);
	}
	assert_int_equal(t->server.connections, 2); /* after four in a row, another one */
	assert_int_equal(t->server.requests, 6);
	two_stop(t);
}

static const struct {
	struct h2_server_script script;
	enum outcome_kind kind;
	const char *detail;
	uint32_t requests, connections; /* after three exchanges, one after the other */
} trouble[] = {
	{ { .answer = H2_REFUSE }, OUTCOME_FAILED_REFUSED, "REFUSED_STREAM", 3, 1 },
	{ { .answer = H2_RESET }, OUTCOME_FAILED_STREAM_RESET, "INTERNAL_ERROR", 3, 1 },
	{ { .answer = H2_CLOSE }, OUTCOME_FAILED_RESET, "EOF in the answer", 3, 3 },
	{ { .answer = H2_EARLY }, OUTCOME_ANSWERED_4XX, NULL, 3, 1 },
	{ { .manners = H2_HTTP1 }, OUTCOME_FAILED_PROTOCOL, "the server speaks HTTP/1, not HTTP/2", 0, 3 },
	{ { .manners = H2_GARBAGE }, OUTCOME_FAILED_PROTOCOL, NULL, 0, 3 },
	{ { .manners = H2_SETTINGS_FLOOD }, OUTCOME_FAILED_PROTOCOL, NULL, 0, 3 },
};

static void test_trouble(void **state)
{
	for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++) {
		struct two *t = two_new(trouble[i].script);

		two_start(t);
		for (size_t n = 1; n <= 3; n++) {
			const struct outcome *o;

			submit(t, 1, 100000);
			rig_wait(&t->rig, n);
			o = &t->rig.outcomes[n - 1].outcome;
			assert_int_equal(o->kind, trouble[i].kind);
			if (trouble[i].detail)
				assert_string_equal(o->detail, trouble[i].detail);
		}
		assert_int_equal(t->server.requests, trouble[i].requests);
		assert_int_equal(t->server.connections, trouble[i].connections);
		two_stop(t);
	}
}

static void test_silent_server(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .manners = H2_SILENT });

	t->target.max_time_ns = 50 * NS_PER_MS;
	two_start(t);
	submit(t, 1, 10);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->rig.outcomes[0].outcome.kind, OUTCOME_FAILED_TIMEOUT);
	assert_string_equal(t->rig.outcomes[0].outcome.detail, "waiting for the server's SETTINGS");
	two_stop(t);
}

static void test_reset_storm(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_RESET });

	two_start(t);
	for (size_t n = 1; n <= 20; n++) {
		submit(t, 50, 100);
		rig_wait(&t->rig, 50 * n);
	}
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_FAILED_STREAM_RESET), 1000);
	assert_int_equal(t->server.requests, 1000);
	two_stop(t);
}

static void test_goaway(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_HOLD, .grpc_status = -1 });

	t->target.connections = 2;
	two_start(t);
	submit(t, 10, 100);
	while (t->server.requests < 10)
		rig_run_for(&t->rig, 10);
	h2_server_goaway(&t->server, 11); /* streams 1 to 11 were begun: six */
	rig_wait(&t->rig, 4);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_FAILED_GOAWAY), 4);
	assert_string_equal(t->rig.outcomes[0].outcome.detail, "NO_ERROR");
	submit(t, 1, 100); /* goes to another connection, while the first drains */
	rig_run_for(&t->rig, 100);
	assert_int_equal(t->server.connections, 2);
	t->server.script.answer = H2_ANSWER;
	h2_server_release(&t->server);
	rig_wait(&t->rig, 11);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 7);
	rig_run_for(&t->rig, 50);
	assert_int_equal(t->server.open, 1);      /* the first was closed when it was empty */
	assert_int_equal(t->server.requests, 11); /* nothing was sent twice */
	two_stop(t);
}

static void test_goaway_in_the_middle_of_load(void **state)
{
	struct two *t = two_new((struct h2_server_script){
		.goaway_after = 20, .goaway_spares = 3, .max_streams = 10, .grpc_status = -1 });

	two_start(t);
	submit(t, 500, 100);
	rig_wait(&t->rig, 500);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX) + rig_count(&t->rig, 0, OUTCOME_FAILED_GOAWAY) +
				 rig_count(&t->rig, 0, OUTCOME_FAILED_RESET),
			 500);
	assert_true(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX) > 200);
	assert_true(t->server.requests <= 500); /* nothing was sent twice */
	assert_true(t->server.connections > 10);
	two_stop(t);
}

static void test_kept_response(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = 0 });
	struct budget budget;
	const struct response *r;

	budget_init(&budget, 1 << 20);
	t->target.budget = &budget;
	t->target.keep_responses = true;
	t->target.max_response = 1000;
	two_start(t);
	submit(t, 1, 600);
	rig_wait(&t->rig, 1);
	r = t->rig.outcomes[0].outcome.response;
	assert_non_null(r);
	assert_int_equal(r->result, RESPONSE_WHOLE);
	assert_int_equal(r->status_code, 200);
	assert_int_equal(r->body_len, 600);
	assert_int_equal(r->header_count, 1);
	assert_true(span_equal(*response_header(r, SPAN_LITERAL("content-type")), SPAN_LITERAL("application/grpc")));
	assert_int_equal(r->trailer_count, 2);
	assert_true(span_equal(r->trailers[0].name, SPAN_LITERAL("grpc-status")));
	assert_true(span_equal(r->trailers[0].value, SPAN_LITERAL("0")));
	assert_true(r->first_byte_us >= 0 && r->last_byte_us >= r->first_byte_us);
	submit(t, 1, 1001);
	rig_wait(&t->rig, 2);
	r = t->rig.outcomes[1].outcome.response;
	assert_non_null(r);
	assert_int_equal(r->result, RESPONSE_TOO_LARGE);
	assert_null(r->body);
	two_stop(t);
}

static void test_endless_response(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_FLOOD, .flood = UINT64_C(1) << 40 });

	two_start(t);
	submit(t, 1, 10);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->rig.outcomes[0].outcome.kind, OUTCOME_ANSWERED_2XX);
	rig_run_for(&t->rig, 50);
	assert_int_equal(t->server.seen[0].reset_code, 8 /* CANCEL */);
	two_stop(t);
}

static void test_cut_in_the_middle(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_HOLD });

	two_start(t);
	submit(t, 20, 100);
	while (t->server.requests < 20)
		rig_run_for(&t->rig, 10);
	h2_server_cut(&t->server);
	rig_wait(&t->rig, 20);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_FAILED_RESET), 20);
	assert_int_equal(t->server.requests, 20);
	two_stop(t);
}

/* A write is the first to meet the end: what the server said before it was not lost. */
static void test_answered_and_reset(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_HOLD, .grpc_status = -1 });

	two_start(t);
	submit(t, 1, 100);
	while (t->server.requests < 1)
		rig_run_for(&t->rig, 10);
	t->server.script.answer = H2_TRAILERS_ONLY; /* in one write, which is done when this returns */
	h2_server_release(&t->server);
	h2_server_reset(&t->server);
	submit(t, 1, 100); /* written before anything is read */
	rig_wait(&t->rig, 2);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 1);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_FAILED_RESET), 1);
	assert_int_equal(t->server.connections, 1);
	two_stop(t);
}

static void test_cancelled_at_exit(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .answer = H2_HOLD });

	two_start(t);
	submit(t, 20, 100);
	while (t->server.requests < 20)
		rig_run_for(&t->rig, 10);
	rig_drain(&t->rig, 1);
	rig_wait_drained(&t->rig);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_CANCELLED_AT_EXIT), 20);
	rig_run_for(&t->rig, 50);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(t->server.seen[i].reset_code, 8 /* CANCEL */);
	two_stop(t);
}

static void test_idle_connection_that_the_server_closed(void **state)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = -1 });

	two_start(t);
	submit(t, 1, 10);
	rig_wait(&t->rig, 1);
	h2_server_goaway(&t->server, 1);
	submit(t, 1, 10);
	rig_wait(&t->rig, 2);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX) + rig_count(&t->rig, 0, OUTCOME_FAILED_GOAWAY), 2);
	submit(t, 1, 10);
	rig_wait(&t->rig, 3);
	assert_int_equal(t->rig.outcomes[2].outcome.kind, OUTCOME_ANSWERED_2XX);
	assert_int_equal(t->server.connections, 2);
	two_stop(t);
}

static void test_unix_socket(void **state)
{
	struct two *t = calloc(1, sizeof(*t));
	char path[64];

	snprintf(path, sizeof(path), "/tmp/test_http2.%d", (int)getpid());
	h2_server_bind(&t->server, path, (struct h2_server_script){ .grpc_status = -1 });
	t->target = rig_target(0);
	t->target.http_version = HTTP_VERSION_2;
	snprintf(t->target.url.socket, sizeof(t->target.url.socket), "%s", path);
	two_start(t);
	submit(t, 3, 10);
	rig_wait(&t->rig, 3);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 3);
	two_stop(t);
	unlink(path);
}

/* ---- TLS ---- */

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len,
		     void *ctx)
{
	static const unsigned char h2[] = "\x02h2";

	return SSL_select_next_proto((unsigned char **)out, out_len, h2, sizeof(h2) - 1, in, in_len) == OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static struct two *two_new_tls(bool knows_h2)
{
	struct two *t = two_new((struct h2_server_script){ .grpc_status = -1 });

	t->server.tls = SSL_CTX_new(TLS_server_method());
	assert_non_null(t->server.tls);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(t->server.tls, fault_certs_pem(FAULT_CERT_GOOD)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(t->server.tls, fault_certs_key(FAULT_CERT_GOOD), SSL_FILETYPE_PEM), 1);
	if (knows_h2)
		SSL_CTX_set_alpn_select_cb(t->server.tls, choose_h2, NULL);
	t->target.url.is_tls = true;
	t->target.tls.ca_file = fault_certs_pem(FAULT_CERT_CA);
	return t;
}

static void two_stop_tls(struct two *t)
{
	SSL_CTX *tls = t->server.tls;

	two_stop(t);
	SSL_CTX_free(tls);
}

static void test_tls(void **state)
{
	struct two *t;

	fault_certs_make();
	t = two_new_tls(true);
	two_start(t);
	submit(t, 1, 300);
	rig_wait(&t->rig, 1);
	assert_string_equal(t->server.seen[0].scheme, "https");
	submit(t, 50, 100000);
	rig_wait(&t->rig, 51);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_ANSWERED_2XX), 51);
	for (size_t i = 1; i < 51; i++)
		assert_int_equal(t->server.seen[i].body_bytes, 100000);
	assert_int_equal(t->server.connections, 1);
	two_stop_tls(t);
}

static void test_tls_without_http2(void **state)
{
	struct two *t = two_new_tls(false);

	two_start(t);
	submit(t, 1, 300);
	rig_wait(&t->rig, 1);
	assert_int_equal(t->rig.outcomes[0].outcome.kind, OUTCOME_FAILED_PROTOCOL);
	assert_string_equal(t->rig.outcomes[0].outcome.detail, "the server did not choose HTTP/2 (ALPN h2)");
	assert_true(t->rig.outcomes[0].outcome.connect_us >= 0); /* it can be reached */
	assert_int_equal(t->server.requests, 0);
	two_stop_tls(t);
	fault_certs_remove();
}

static void test_no_server(void **state)
{
	struct two *t = two_new((struct h2_server_script){ 0 });

	t->target.breaker = 3;
	rig_start(&t->rig, &t->target, 1);
	submit(t, 5, 10);
	rig_wait(&t->rig, 3); /* nothing listens yet */
	rig_run_for(&t->rig, 50);
	assert_int_equal(rig_count(&t->rig, 0, OUTCOME_FAILED_CONNECT), 3);
	assert_int_equal(counter_get(&stats_of(t)->shed[SHED_BREAKER]), 2);
	h2_server_start(&t->server, &t->rig.loop);
	two_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_exchange),
		cmocka_unit_test(test_call_of_grpc),
		cmocka_unit_test(test_paced),
		cmocka_unit_test(test_paced_at_once),
		cmocka_unit_test(test_paced_ends_early),
		cmocka_unit_test(test_status_of_grpc),
		cmocka_unit_test(test_grpc_to_a_target_of_http1),
		cmocka_unit_test(test_both_versions),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_one_stream_then_more),
		cmocka_unit_test(test_window_of_0),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_reset_storm),
		cmocka_unit_test(test_goaway),
		cmocka_unit_test(test_goaway_in_the_middle_of_load),
		cmocka_unit_test(test_kept_response),
		cmocka_unit_test(test_endless_response),
		cmocka_unit_test(test_cut_in_the_middle),
		cmocka_unit_test(test_answered_and_reset),
		cmocka_unit_test(test_cancelled_at_exit),
		cmocka_unit_test(test_idle_connection_that_the_server_closed),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_without_http2),
		cmocka_unit_test(test_no_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
