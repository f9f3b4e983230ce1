/*
 * reach.c - see reach.h
 *
 * Theory of operation: after each lookup the pools and the target are told,
 * before anything connects to what it found; a connection to an address that the
 * name has left is not used again.
 *
 * Deadlines: the whole exchange's is the target's to see. Where the deadline of
 * an attempt to connect is not the earlier one of the two, the target's decides,
 * so that an exchange whose time is over is a timeout wherever the time went.
 * When connect_timeout_ns ends first, the outcome is connect (or dns).
 */
#include "replay/reach.h"

#include <errno.h>

#include "replay/replay.h"

static struct channel *channel_at(struct list *opening)
{
	return list_entry(opening, struct channel, opening);
}

/* ---- deadlines ---- */

/** attempt_counts() - may the attempt of @c end before its exchange's own deadline? */
static bool attempt_counts(const struct channel *c)
{
	return c->attempt_deadline.ns < c->exchange_deadline.ns;
}

void reach_watch(struct reach *r, const struct channel *c)
{
	if (!list_is_empty(&c->opening) && attempt_counts(c))
		alarm_set(&r->alarm, c->attempt_deadline);
}

/** arm_for_next() - look at all that are opening, of which there are few */
static void arm_for_next(struct reach *r)
{
	for (struct list *l = r->opening.next; l != &r->opening; l = l->next)
		reach_watch(r, channel_at(l));
}

static struct channel *find_expired(struct reach *r, struct mono now)
{
	for (struct list *l = r->opening.next; l != &r->opening; l = l->next) {
		struct channel *c = channel_at(l);

		if (attempt_counts(c) && c->attempt_deadline.ns <= now.ns && c->exchange_deadline.ns > now.ns)
			return c;
	}
	return NULL;
}

static void on_alarm(void *ctx)
{
	struct reach *r = ctx;
	struct mono now = mono_now();
	struct channel *c;

	r->hooks.hold(r->hooks.ctx);
	/* Each call ends the exchange or goes to the next address, of which there are few. */
	while ((c = find_expired(r, now)))
		channel_attempt_expired(c, now);
	r->hooks.release(r->hooks.ctx);
	arm_for_next(r);
}

/* ---- where it leads ---- */

bool reach_is_left(const struct reach *r, const struct channel *c)
{
	return r->aim.moved > 0 && c->is_known && !aim_has(&r->aim, &c->peer);
}

bool reach_leads_to(struct reach *r, const struct endpoint *server)
{
	return aim_is(&r->aim, server);
}

void reach_look_again(struct reach *r)
{
	resolver_refresh(r->resolver, mono_now());
}

static struct channel *find_resolving(struct reach *r)
{
	for (struct list *l = r->opening.next; l != &r->opening; l = l->next)
		if (channel_at(l)->state == CHANNEL_RESOLVING)
			return channel_at(l);
	return NULL;
}

static void on_resolved(void *ctx)
{
	struct reach *r = ctx;
	struct mono now = mono_now();
	struct channel *c;

	if (r->is_closing)
		return;
	r->hooks.hold(r->hooks.ctx);
	if (aim_set(&r->aim, resolver_addresses(r->resolver))) {
		r->on_moved(r->ctx);
		r->hooks.on_moved(r->hooks.ctx);
	}
	while ((c = find_resolving(r)))
		channel_resolved(c, now); /* it connects or ends: either way it resolves no more */
	r->hooks.release(r->hooks.ctx);
	arm_for_next(r);
}

/* ---- incarnation ---- */

struct channel_env reach_channel_env(struct reach *r, const struct transport_setup *s, struct tls_context *tls)
{
	const struct target_options *o = s->options;
	int64_t connect_ns = o->connect_timeout_ns;

	return (struct channel_env){
		.loop = s->shared->loop,
		.resolver = r->resolver,
		.tls = tls,
		.self_connections = s->shared->self_connections,
		.scratch = s->shared->scratch,
		.scratch_size = s->shared->scratch_size,
		.connect_timeout_ns =
			connect_ns > 0 && connect_ns < o->max_time_ns ? connect_ns : o->max_time_ns,
		.stats = s->stats,
		.opening = &r->opening,
	};
}

int reach_init(struct reach *r, const struct transport_setup *s, void (*on_moved)(void *ctx), void *ctx)
{
	const struct target_url *url = &s->options->url;
	struct resolver_options o = {
		.path = url->socket,
		.host = url->is_sink ? "127.0.0.1" : url->host,
		.port = url->is_sink ? s->shared->sink_port : url->port,
		.lookup = s->options->lookup,
		.failures = &s->stats->dns_failures,
		.on_done = on_resolved,
		.ctx = r,
	};
	int err;

	*r = (struct reach){
		.hooks = s->hooks,
		.on_moved = on_moved,
		.ctx = ctx,
		.max_connections = s->options->connections,
	};
	r->aim.is_here = s->options->is_here;
	list_init(&r->opening);
	err = resolver_new(s->shared->loop, &o, &r->resolver);
	if (err < 0)
		return err;
	aim_set(&r->aim, resolver_addresses(r->resolver));
	alarm_init(&r->alarm, s->shared->loop, on_alarm, r);
	return 0;
}

void reach_close(struct reach *r)
{
	r->is_closing = true;
	resolver_close(r->resolver);
	alarm_close(&r->alarm);
}

void reach_deinit(struct reach *r)
{
	resolver_free(r->resolver);
}
