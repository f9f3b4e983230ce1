/*
 * replay.c - see replay.h
 *
 * Theory of operation: a message is handed to every target in turn, and each
 * keeps a reference of its own or none; the targets know nothing of each other.
 * What they share is here: the buffer that all responses are read into, the table
 * of our own sockets, the sink, and the end.
 *
 * A drain ends when every target is quiet, at its limit, or by
 * replay_cancel(). The first two are told from a timer, never from inside an
 * exchange that just ended, so that the callee may close everything.
 */
#include "replay/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "message/response.h"
#include "replay/exchange.h"
#include "replay/http_transport.h"
#include "replay/self_connections.h"
#include "replay/sink.h"
#include "replay/target.h"

/* One recv() takes most answers; larger ones come in as many pieces as turns, so they cannot hold the loop. */
#define SCRATCH_SIZE 65536

struct replay {
	uv_loop_t *loop;
	struct replay_options options;
	struct target **targets;
	size_t target_count; /* those that are set up */
	struct replay_shared shared;
	struct sink *sink; /* NULL when no target is sink: */
	uv_timer_t drain_timer;
	struct mono drain_limit;
	void (*on_drained)(void *ctx); /* NULL: no drain is under way */
	void *on_drained_ctx;
	bool is_closing;
	uint8_t scratch[SCRATCH_SIZE];
};

static void on_target_outcome(void *ctx, size_t index, const struct message *m, const struct outcome *o)
{
	struct replay *r = ctx;

	if (r->options.on_outcome)
		r->options.on_outcome(r->options.ctx, index, m, o);
	else
		response_free(o->response);
}

static void on_target_unsent(void *ctx, size_t index, const struct message *m, enum shed_reason why)
{
	struct replay *r = ctx;

	if (r->options.on_unsent)
		r->options.on_unsent(r->options.ctx, index, m, why);
}

static void on_target_production(void *ctx, size_t index, const struct endpoint *server)
{
	struct replay *r = ctx;

	if (r->options.on_production)
		r->options.on_production(r->options.ctx, index, server);
}

static void on_target_room(void *ctx)
{
	struct replay *r = ctx;

	if (r->options.on_room)
		r->options.on_room(r->options.ctx);
}

static void on_drain_timer(uv_timer_t *timer);

static void on_target_quiet(void *ctx)
{
	struct replay *r = ctx;

	if (r->on_drained && !r->is_closing && replay_is_idle(r))
		uv_timer_start(&r->drain_timer, on_drain_timer, 0, 0);
}

static bool needs_sink(const struct replay_options *o)
{
	for (size_t i = 0; i < o->target_count; i++)
		if (o->targets[i].url.is_sink)
			return true;
	return false;
}

static int add_targets(struct replay *r, struct buffer *error)
{
	struct target_setup setup = {
		.shared = &r->shared,
		.hooks = { on_target_outcome, on_target_unsent, on_target_production, on_target_room, on_target_quiet, r },
		.transport_new = http_transport_new,
	};

	r->shared.sink_port = r->sink ? sink_port(r->sink) : 0;
	for (size_t i = 0; i < r->options.target_count; i++) {
		int e;

		setup.options = &r->options.targets[i];
		setup.index = i;
		e = target_new(&setup, &r->targets[i], error);
		if (e < 0)
			return e;
		r->target_count++;
	}
	return 0;
}

int replay_new(uv_loop_t *loop, const struct replay_options *options, struct replay **out, struct buffer *error)
{
	struct replay *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (!r) {
		buffer_add_str(error, "cannot set up the targets: out of memory");
		return e;
	}
	r->loop = loop;
	r->options = *options;
	uv_timer_init(loop, &r->drain_timer);
	r->drain_timer.data = r;
	r->shared = (struct replay_shared){
		.loop = loop,
		.self_connections = self_connections_new(),
		.scratch = r->scratch,
		.scratch_size = sizeof(r->scratch),
	};
	r->targets = calloc(options->target_count ? options->target_count : 1, sizeof(struct target *));
	if (!r->shared.self_connections || !r->targets)
		goto fail;
	if (needs_sink(options)) {
		e = sink_new(loop, &r->sink, error);
		if (e < 0)
			goto fail;
	}
	e = add_targets(r, error);
	if (e < 0)
		goto fail;
	r->options.targets = NULL; /* each target has its copy */
	*out = r;
	return 0;

fail:
	if (error->len == 0)
		buffer_printf(error, "cannot set up the targets: %s", uv_strerror(e));
	/* One turn that does not wait, so that the handles which were opened are closed and nothing is left behind. */
	replay_close(r);
	uv_run(loop, UV_RUN_NOWAIT);
	replay_free(r);
	return e;
}

void replay_submit(struct replay *r, struct message *m)
{
	for (size_t i = 0; i < r->target_count; i++)
		target_submit(r->targets[i], m);
	message_unref(m);
}

void replay_change(struct replay *r, size_t target, uint64_t sample_share, uint64_t rate)
{
	target_change(r->targets[target], sample_share, rate);
}

bool replay_has_room(const struct replay *r)
{
	for (size_t i = 0; i < r->target_count; i++)
		if (!target_has_room(r->targets[i]))
			return false;
	return true;
}

bool replay_is_idle(const struct replay *r)
{
	for (size_t i = 0; i < r->target_count; i++)
		if (!target_is_quiet(r->targets[i]))
			return false;
	return true;
}

static void end_drain(struct replay *r)
{
	void (*done)(void *ctx) = r->on_drained;

	r->on_drained = NULL;
	if (!r->is_closing)
		uv_timer_stop(&r->drain_timer);
	if (done)
		done(r->on_drained_ctx);
}

static void on_drain_timer(uv_timer_t *timer)
{
	struct replay *r = timer->data;
	int64_t left_ns = r->drain_limit.ns - mono_now().ns;

	if (replay_is_idle(r))
		end_drain(r);
	else if (left_ns <= 0)
		replay_cancel(r);
	else /* something was submitted since, or libuv's clock was behind ours */
		uv_timer_start(timer, on_drain_timer, (uint64_t)((left_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
}

void replay_drain(struct replay *r, int64_t limit_ns, void (*done)(void *ctx), void *ctx)
{
	r->on_drained = done;
	r->on_drained_ctx = ctx;
	r->drain_limit.ns = mono_now().ns + limit_ns;
	uv_timer_start(&r->drain_timer, on_drain_timer, 0, 0);
}

void replay_cancel(struct replay *r)
{
	for (size_t i = 0; i < r->target_count; i++)
		target_cancel(r->targets[i]);
	end_drain(r);
}

size_t replay_target_count(const struct replay *r)
{
	return r->target_count;
}

const char *replay_target_name(const struct replay *r, size_t target)
{
	return target_options_of(r->targets[target])->url.name;
}

const char *replay_target_shown(const struct replay *r, size_t target)
{
	return target_options_of(r->targets[target])->url.shown;
}

const struct target_stats *replay_target_stats(const struct replay *r, size_t target)
{
	return target_stats_of(r->targets[target]);
}

const char *replay_breaker_state(const struct replay *r, size_t target)
{
	return target_breaker_state(r->targets[target]);
}

uint64_t replay_sink_requests(const struct replay *r)
{
	return r->sink ? sink_requests(r->sink) : 0;
}

bool replay_is_own(const struct replay *r, const struct endpoint *client, const struct endpoint *server)
{
	return self_connections_has(r->shared.self_connections, client, server);
}

void replay_close(struct replay *r)
{
	if (r->is_closing)
		return;
	r->is_closing = true;
	r->on_drained = NULL;
	uv_close((uv_handle_t *)&r->drain_timer, NULL);
	for (size_t i = 0; i < r->target_count; i++)
		target_close(r->targets[i]);
	if (r->sink)
		sink_close(r->sink);
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->target_count; i++)
		target_free(r->targets[i]);
	free(r->targets);
	if (r->sink)
		sink_free(r->sink);
	self_connections_free(r->shared.self_connections);
	free(r);
}
