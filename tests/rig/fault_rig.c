/* fault_rig.c - see fault_rig.h */
#include "tests/rig/fault_rig.h"

#include "message/response.h"
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define GUARD_MS 20000

static int make_head(void *ctx, const struct message *m, struct outgoing *out)
{
	outgoing_clear(out);
	out->method = m->head.method;
	out->target = SPAN_LITERAL("/v1/models/m:predict");
	outgoing_add(out, SPAN_LITERAL("Host"), SPAN_LITERAL("shadow"));
	outgoing_add_length(out, m->body_len);
	return 0;
}

struct target_options rig_target(uint16_t port)
{
	struct target_options o = {
		.connections = 4,
		.queue = 64,
		.max_time_ns = 10 * NS_PER_S,
		.breaker = 1000,
		.sample_share = SHARE_ONE,
		.make_head = make_head,
	};

	snprintf(o.url.name, sizeof(o.url.name), "default");
	snprintf(o.url.host, sizeof(o.url.host), "127.0.0.1");
	snprintf(o.url.authority, sizeof(o.url.authority), "127.0.0.1:%u", port);
	snprintf(o.url.shown, sizeof(o.url.shown), "http://127.0.0.1:%u", port);
	o.url.port = port;
	return o;
}

static void on_outcome(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	struct rig *g = ctx;

	assert_true(g->ended < RIG_OUTCOMES);
	assert_true(m->references > 0);
	g->outcomes[g->ended++] = (struct rig_outcome){ target, *outcome }; /* its response, if any, until rig_stop() */
	uv_stop(&g->loop); /* or a turn whose timers ended what was waited for would still sleep */
}

static void on_room(void *ctx)
{
	struct rig *g = ctx;

	g->rooms++;
}

static void on_production(void *ctx, size_t target, const struct endpoint *server)
{
	struct rig *g = ctx;

	g->productions++;
	g->last_production = target;
	assert_int_equal(server->port, g->server.port);
}

static void on_guard(uv_timer_t *timer)
{
	struct rig *g = timer->data;

	g->guard_fired = true;
	uv_stop(&g->loop);
}

void rig_start(struct rig *g, const struct target_options *targets, size_t count)
{
	struct replay_options o = {
		.targets = targets,
		.target_count = count,
		.on_outcome = on_outcome,
		.on_room = on_room,
		.on_production = on_production,
		.ctx = g,
	};
	struct buffer error = { 0 };

	memset(g, 0, sizeof(*g));
	g->outcomes = calloc(RIG_OUTCOMES, sizeof(*g->outcomes));
	assert_non_null(g->outcomes);
	assert_int_equal(uv_loop_init(&g->loop), 0);
	uv_timer_init(&g->loop, &g->guard);
	g->guard.data = g;
	assert_int_equal(replay_new(&g->loop, &o, &g->replay, &error), 0);
	buffer_deinit(&error);
}

void rig_submit(struct rig *g, const char *method, size_t body_len)
{
	struct message *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->references = 1;
	m->origin.server = g->server;
	m->head.method = span_str(method);
	m->head.target = SPAN_LITERAL("/v1/models/m:predict");
	m->body_kept = true;
	m->body_len = body_len;
	m->body = malloc(body_len + 1);
	assert_non_null(m->body);
	for (size_t i = 0; i < body_len; i++)
		m->body[i] = (uint8_t)('0' + i % 10);
	replay_submit(g->replay, m);
}

static bool never(struct rig *g, size_t n)
{
	return false;
}

static bool has_ended(struct rig *g, size_t n)
{
	return g->ended >= n;
}

static bool is_idle(struct rig *g, size_t n)
{
	return replay_is_idle(g->replay);
}

static bool is_drained(struct rig *g, size_t n)
{
	return g->drained > 0;
}

static void run_until(struct rig *g, unsigned ms, bool (*done)(struct rig *g, size_t n), size_t n)
{
	g->guard_fired = false;
	uv_update_time(&g->loop);
	uv_timer_start(&g->guard, on_guard, ms, 0);
	while (!g->guard_fired && !done(g, n))
		uv_run(&g->loop, UV_RUN_ONCE);
	uv_timer_stop(&g->guard);
}

void rig_wait(struct rig *g, size_t ended)
{
	run_until(g, GUARD_MS, has_ended, ended);
	assert_true(g->ended >= ended);
}

void rig_wait_idle(struct rig *g)
{
	run_until(g, GUARD_MS, is_idle, 0);
	assert_true(replay_is_idle(g->replay));
}

void rig_wait_drained(struct rig *g)
{
	run_until(g, GUARD_MS, is_drained, 0);
	assert_int_equal(g->drained, 1);
}

void rig_run_for(struct rig *g, unsigned ms)
{
	run_until(g, ms, never, 0);
}

static void on_drained(void *ctx)
{
	struct rig *g = ctx;

	g->drained++;
	uv_stop(&g->loop);
}

void rig_drain(struct rig *g, unsigned limit_ms)
{
	replay_drain(g->replay, limit_ms * NS_PER_MS, on_drained, g);
}

uint64_t rig_count(struct rig *g, size_t target, enum outcome_kind kind)
{
	return counter_get(&replay_target_stats(g->replay, target)->outcome[kind]);
}

void rig_check_books(struct rig *g)
{
	uint64_t told = 0;

	for (size_t i = 0; i < replay_target_count(g->replay); i++) {
		const struct target_stats *s = replay_target_stats(g->replay, i);
		uint64_t shed = 0, outcomes = 0;

		for (size_t k = 0; k < SHED_COUNT; k++)
			shed += counter_get(&s->shed[k]);
		for (size_t k = 0; k < OUTCOME_COUNT; k++)
			outcomes += counter_get(&s->outcome[k]);
		assert_int_equal(counter_get(&s->chosen), counter_get(&s->unsampled) + shed +
								  counter_get(&s->sent) +
								  counter_get(&s->queued));
		assert_int_equal(counter_get(&s->sent), outcomes + counter_get(&s->in_flight));
		told += outcomes;
	}
	assert_int_equal(told, g->ended);
}

void rig_stop(struct rig *g)
{
	rig_check_books(g);
	replay_close(g->replay);
	rig_check_books(g); /* closing ends what was in flight */
	assert_true(replay_is_idle(g->replay));
	for (size_t i = 0; i < replay_target_count(g->replay); i++) {
		assert_int_equal(counter_get(&replay_target_stats(g->replay, i)->in_flight), 0);
		assert_int_equal(counter_get(&replay_target_stats(g->replay, i)->open_connections), 0);
	}
	uv_close((uv_handle_t *)&g->guard, NULL);
	while (uv_run(&g->loop, UV_RUN_DEFAULT) != 0) /* once more if an outcome told at close stopped it */
		;
	assert_int_equal(uv_loop_close(&g->loop), 0);
	replay_free(g->replay);
	for (size_t i = 0; i < g->ended; i++)
		response_free(g->outcomes[i].outcome.response);
	free(g->outcomes);
}
