/*
 * http1_pool.c - see http1_pool.h
 *
 * Theory of operation: an exchange gets the idle connection that was used last,
 * if it is still good, else a new one, up to --connections. A response that
 * leaves its connection open makes that one the first of the idle ones.
 *
 * Connection objects are used again and freed with the pool: so a callback that
 * returns into an object that was closed meanwhile returns into memory that is
 * still there.
 *
 * The name's addresses are here, and so is what they say about where requests go
 * (aim.h). After each lookup the target is told, before anything connects to what
 * it found; a connection to an address that the name has left is not used again.
 *
 * Deadlines: the whole exchange's is the target's to see. Where the deadline of
 * an attempt to connect is not the earlier one of the two, the target's decides,
 * so that an exchange whose time is over is a timeout wherever the time went.
 * When connect_timeout_ns ends first, the outcome is connect (or dns).
 */
#include "replay/http1_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/aim.h"
#include "replay/alarm.h"
#include "replay/http1_client.h"
#include "replay/replay.h"

struct http1_pool {
	struct transport transport;
	struct transport_hooks hooks;
	struct http1_env env;
	struct outgoing outgoing;
	struct response_parser_keeping keeping;
	struct resolver *resolver;
	struct aim aim;
	struct tls_context *tls; /* NULL: plain */

	struct list opening; /* channels that are not open yet */
	struct list idle;    /* clients, used last first */
	struct list closed;  /* clients without a connection */
	uint32_t count, max; /* of clients, on all lists and under way */

	struct alarm alarm; /* of attempts to connect, and of what was idle for long enough */
	bool is_closing;
};

static struct http1_pool *pool_of(struct transport *t)
{
	return list_entry(t, struct http1_pool, transport);
}

static struct http1_client *client_of(struct list *opening)
{
	return list_entry(list_entry(opening, struct channel, opening), struct http1_client, channel);
}

static void move_to(struct list *list, struct http1_client *c)
{
	list_remove(&c->link);
	list_add_first(list, &c->link);
}

static void close_client(struct http1_pool *p, struct http1_client *c)
{
	http1_client_close(c);
	move_to(&p->closed, c);
}

/* ---- deadlines ---- */

/** attempt_counts() - may the attempt of @c end before the exchange's own deadline? */
static bool attempt_counts(const struct http1_client *c)
{
	return c->channel.attempt_deadline.ns < c->exchange->deadline.ns;
}

static void arm_for_attempt(struct http1_pool *p, const struct http1_client *c)
{
	if (attempt_counts(c))
		alarm_set(&p->alarm, c->channel.attempt_deadline);
}

/** arm_for_next() - look at all that waits for a moment; of the opening ones there are few */
static void arm_for_next(struct http1_pool *p)
{
	for (struct list *l = p->opening.next; l != &p->opening; l = l->next)
		arm_for_attempt(p, client_of(l));
	if (!list_is_empty(&p->idle))
		alarm_set(&p->alarm, list_entry(p->idle.prev, struct http1_client, link)->keep.usable_until);
}

static struct http1_client *find_expired_attempt(struct http1_pool *p, struct mono now)
{
	for (struct list *l = p->opening.next; l != &p->opening; l = l->next) {
		struct http1_client *c = client_of(l);

		if (attempt_counts(c) && c->channel.attempt_deadline.ns <= now.ns && c->exchange->deadline.ns > now.ns)
			return c;
	}
	return NULL;
}

static void expire_attempts(struct http1_pool *p, struct mono now)
{
	struct http1_client *c;

	/* Each call ends the exchange or goes to the next address, of which there are few. */
	while ((c = find_expired_attempt(p, now)))
		channel_attempt_expired(&c->channel, now);
}

/** expire_idle() - from the one used longest ago; one that may be used for less long than those behind it waits for them */
static void expire_idle(struct http1_pool *p, struct mono now)
{
	while (!list_is_empty(&p->idle)) {
		struct http1_client *c = list_entry(p->idle.prev, struct http1_client, link);

		if (c->keep.usable_until.ns > now.ns)
			return;
		close_client(p, c);
	}
}

static void on_alarm(void *ctx)
{
	struct http1_pool *p = ctx;
	struct mono now = mono_now();

	p->hooks.hold(p->hooks.ctx);
	expire_attempts(p, now);
	expire_idle(p, now);
	p->hooks.release(p->hooks.ctx);
	arm_for_next(p);
}

/* ---- where it leads ---- */

/** is_left() - @c is connected to an address that the name does not lead to any more */
static bool is_left(const struct http1_pool *p, const struct http1_client *c)
{
	return p->aim.moved > 0 && c->channel.is_known && !aim_has(&p->aim, &c->channel.peer);
}

static void close_left(struct http1_pool *p)
{
	for (struct list *l = p->idle.next, *next; l != &p->idle; l = next) {
		struct http1_client *c = list_entry(l, struct http1_client, link);

		next = l->next;
		if (is_left(p, c))
			close_client(p, c);
	}
}

static struct channel *find_resolving(struct http1_pool *p)
{
	for (struct list *l = p->opening.next; l != &p->opening; l = l->next)
		if (list_entry(l, struct channel, opening)->state == CHANNEL_RESOLVING)
			return list_entry(l, struct channel, opening);
	return NULL;
}

static void on_resolved(void *ctx)
{
	struct http1_pool *p = ctx;
	struct mono now = mono_now();
	struct channel *c;

	if (p->is_closing)
		return;
	p->hooks.hold(p->hooks.ctx);
	if (aim_set(&p->aim, resolver_addresses(p->resolver))) {
		close_left(p);
		p->hooks.on_moved(p->hooks.ctx);
	}
	while ((c = find_resolving(p)))
		channel_resolved(c, now); /* it connects or ends: either way it resolves no more */
	p->hooks.release(p->hooks.ctx);
	arm_for_next(p);
}

static bool pool_leads_to(struct transport *t, const struct endpoint *server)
{
	return aim_is(&pool_of(t)->aim, server);
}

static void pool_look_again(struct transport *t)
{
	resolver_refresh(pool_of(t)->resolver, mono_now());
}

/* ---- what clients tell ---- */

static void on_connected(void *ctx)
{
	struct http1_pool *p = ctx;

	p->hooks.on_reached(p->hooks.ctx);
}

/** close_idle_since() - one that was idle since @then had been closed by the server: so will the older ones be */
static void close_idle_since(struct http1_pool *p, struct mono then)
{
	while (!list_is_empty(&p->idle)) {
		struct http1_client *c = list_entry(p->idle.prev, struct http1_client, link);

		if (c->keep.idle_since.ns > then.ns)
			return;
		close_client(p, c);
	}
}

static void on_ended(void *ctx, struct http1_client *c, struct exchange *x, const struct outcome *o)
{
	struct http1_pool *p = ctx;

	if (c->state == HTTP1_IDLE && is_left(p, c))
		http1_client_close(c);
	move_to(c->state == HTTP1_IDLE ? &p->idle : &p->closed, c);
	if (o->kind == OUTCOME_FAILED_STALE)
		close_idle_since(p, c->keep.idle_since);
	if (c->state == HTTP1_IDLE)
		alarm_set(&p->alarm, c->keep.usable_until);
	x->carrier = NULL;
	p->hooks.on_ended(p->hooks.ctx, x, o);
}

static void on_lost(void *ctx, struct http1_client *c)
{
	struct http1_pool *p = ctx;

	move_to(&p->closed, c);
}

/* ---- what the target asks ---- */

static bool pool_has_slot(struct transport *t)
{
	struct http1_pool *p = pool_of(t);
	struct http1_client *c;

	if (!list_is_empty(&p->idle) || !list_is_empty(&p->closed))
		return true;
	c = p->count < p->max ? http1_client_new(&p->env, p->count) : NULL;
	if (!c)
		return false;
	p->count++;
	list_add_first(&p->closed, &c->link);
	return true;
}

/** take_client() - an idle one whose connection is still good, else a closed one */
static struct http1_client *take_client(struct http1_pool *p, struct mono now)
{
	struct http1_client *c;

	while (!list_is_empty(&p->idle)) {
		c = list_entry(p->idle.next, struct http1_client, link);
		if (http1_client_is_usable(c, now))
			return c;
		move_to(&p->closed, c);
	}
	return list_entry(p->closed.next, struct http1_client, link);
}

static void pool_begin(struct transport *t, struct exchange *x)
{
	struct http1_pool *p = pool_of(t);
	struct http1_client *c = take_client(p, x->began);

	list_remove(&c->link);
	x->carrier = c;
	http1_client_begin(c, x);
	if (c->exchange && !list_is_empty(&c->channel.opening))
		arm_for_attempt(p, c);
}

static void pool_expire(struct transport *t, struct exchange *x)
{
	http1_client_expire(x->carrier);
}

static void pool_cancel(struct transport *t, struct exchange *x)
{
	http1_client_cancel(x->carrier);
}

static void pool_close_idle(struct transport *t)
{
	struct http1_pool *p = pool_of(t);

	while (!list_is_empty(&p->idle))
		close_client(p, list_entry(p->idle.next, struct http1_client, link));
}

/* ---- incarnation ---- */

static void pool_close(struct transport *t)
{
	struct http1_pool *p = pool_of(t);

	p->is_closing = true;
	pool_close_idle(t);
	resolver_close(p->resolver);
	alarm_close(&p->alarm);
}

static void pool_free(struct transport *t)
{
	struct http1_pool *p = pool_of(t);

	while (!list_is_empty(&p->closed)) {
		struct http1_client *c = list_entry(p->closed.next, struct http1_client, link);

		list_remove(&c->link);
		http1_client_free(c);
	}
	tls_context_free(p->tls);
	resolver_free(p->resolver);
	outgoing_deinit(&p->outgoing);
	free(p);
}

static const struct transport_ops ops = {
	.has_slot = pool_has_slot,
	.begin = pool_begin,
	.expire = pool_expire,
	.cancel = pool_cancel,
	.leads_to = pool_leads_to,
	.look_again = pool_look_again,
	.close_idle = pool_close_idle,
	.close = pool_close,
	.free = pool_free,
};

static int make_resolver(struct http1_pool *p, const struct transport_setup *s)
{
	const struct target_url *url = &s->options->url;
	struct resolver_options o = {
		.path = url->socket,
		.host = url->is_sink ? "127.0.0.1" : url->host,
		.port = url->is_sink ? s->shared->sink_port : url->port,
		.lookup = s->options->lookup,
		.failures = &s->stats->dns_failures,
		.on_done = on_resolved,
		.ctx = p,
	};

	return resolver_new(s->shared->loop, &o, &p->resolver);
}

static struct channel_env channel_env_of(struct http1_pool *p, const struct transport_setup *s)
{
	const struct target_options *o = s->options;
	int64_t connect_ns = o->connect_timeout_ns;

	return (struct channel_env){
		.loop = s->shared->loop,
		.resolver = p->resolver,
		.tls = p->tls,
		.self_connections = s->shared->self_connections,
		.scratch = s->shared->scratch,
		.scratch_size = s->shared->scratch_size,
		.connect_timeout_ns =
			connect_ns > 0 && connect_ns < o->max_time_ns ? connect_ns : o->max_time_ns,
		.stats = s->stats,
		.opening = &p->opening,
	};
}

static struct http1_env env_of(struct http1_pool *p, const struct transport_setup *s)
{
	struct http1_env env = {
		.channel = channel_env_of(p, s),
		.make_head = s->options->make_head,
		.make_head_ctx = s->options->make_head_ctx,
		.outgoing = &p->outgoing,
		.keeping = s->options->keep_responses ? &p->keeping : NULL,
		.on_connected = on_connected,
		.on_ended = on_ended,
		.on_lost = on_lost,
		.ctx = p,
	};

	http1_env_init(&env);
	return env;
}

int http1_pool_new(const struct transport_setup *s, struct transport **out, struct buffer *error)
{
	const struct target_options *o = s->options;
	struct http1_pool *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->transport.ops = &ops;
	p->hooks = s->hooks;
	p->keeping = (struct response_parser_keeping){ o->max_response, o->budget };
	p->max = o->connections;
	p->aim.is_here = o->is_here;
	list_init(&p->opening);
	list_init(&p->idle);
	list_init(&p->closed);
	r = o->url.is_tls ? tls_context_new(&o->tls, o->url.host, &p->tls, error) : 0;
	if (r == 0)
		r = make_resolver(p, s);
	if (r < 0) {
		tls_context_free(p->tls);
		free(p);
		return r;
	}
	aim_set(&p->aim, resolver_addresses(p->resolver));
	alarm_init(&p->alarm, s->shared->loop, on_alarm, p);
	p->env = env_of(p, s);
	*out = &p->transport;
	return 0;
}
