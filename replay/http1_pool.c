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
 */
#include "replay/http1_pool.h"

#include <stdlib.h>

#include "replay/alarm.h"
#include "replay/http1_client.h"
#include "replay/replay.h"

struct http1_pool {
	struct transport_hooks hooks;
	struct reach *reach;
	struct http1_env env;
	struct outgoing outgoing;
	struct response_parser_keeping keeping;
	struct tls_context *tls; /* NULL: plain */

	struct list idle;    /* clients, used last first */
	struct list closed;  /* clients without a connection */
	uint32_t count, max; /* of clients, on both lists and under way */

	struct alarm alarm; /* of what was idle for long enough */
};

static void move_to(struct list *list, struct http1_client *c)
{
	list_remove(&c->link);
	list_add_first(list, &c->link);
}

/** note_closed() - @c has no connection any more */
static void note_closed(struct http1_pool *p, struct http1_client *c)
{
	p->reach->connections--;
	move_to(&p->closed, c);
}

static void close_client(struct http1_pool *p, struct http1_client *c)
{
	http1_client_close(c);
	note_closed(p, c);
}

static struct http1_client *oldest_idle(const struct http1_pool *p)
{
	return list_entry(p->idle.prev, struct http1_client, link);
}

/* ---- idle connections ---- */

/** on_alarm() - from the one used longest ago; one that may be used for less long than those behind it waits for them */
static void on_alarm(void *ctx)
{
	struct http1_pool *p = ctx;
	struct mono now = mono_now();

	while (!list_is_empty(&p->idle)) {
		struct http1_client *c = oldest_idle(p);

		if (c->keep.usable_until.ns > now.ns) {
			alarm_set(&p->alarm, c->keep.usable_until);
			return;
		}
		close_client(p, c);
	}
}

bool http1_pool_has_idle(const struct http1_pool *p)
{
	return !list_is_empty(&p->idle);
}

void http1_pool_close_oldest(struct http1_pool *p)
{
	if (http1_pool_has_idle(p))
		close_client(p, oldest_idle(p));
}

void http1_pool_close_idle(struct http1_pool *p)
{
	while (http1_pool_has_idle(p))
		close_client(p, oldest_idle(p));
}

void http1_pool_close_left(struct http1_pool *p)
{
	for (struct list *l = p->idle.next, *next; l != &p->idle; l = next) {
		struct http1_client *c = list_entry(l, struct http1_client, link);

		next = l->next;
		if (reach_is_left(p->reach, &c->channel))
			close_client(p, c);
	}
}

/** close_idle_since() - one that was idle since @then had been closed by the server: so will the older ones be */
static void close_idle_since(struct http1_pool *p, struct mono then)
{
	while (http1_pool_has_idle(p) && oldest_idle(p)->keep.idle_since.ns <= then.ns)
		close_client(p, oldest_idle(p));
}

/* ---- what clients tell ---- */

static void on_connected(void *ctx)
{
	struct http1_pool *p = ctx;

	p->hooks.on_reached(p->hooks.ctx);
}

static void on_ended(void *ctx, struct http1_client *c, struct exchange *x, const struct outcome *o)
{
	struct http1_pool *p = ctx;

	if (c->state == HTTP1_IDLE && reach_is_left(p->reach, &c->channel))
		http1_client_close(c);
	if (c->state == HTTP1_IDLE)
		move_to(&p->idle, c);
	else
		note_closed(p, c);
	if (o->kind == OUTCOME_FAILED_STALE)
		close_idle_since(p, c->keep.idle_since);
	if (c->state == HTTP1_IDLE)
		alarm_set(&p->alarm, c->keep.usable_until);
	x->carrier = NULL;
	p->hooks.on_ended(p->hooks.ctx, x, o);
}

static void on_lost(void *ctx, struct http1_client *c)
{
	note_closed(ctx, c);
}

/* ---- exchanges ---- */

bool http1_pool_has_slot(struct http1_pool *p, bool room)
{
	struct http1_client *c;

	if (http1_pool_has_idle(p))
		return true;
	if (!room || !list_is_empty(&p->closed))
		return room;
	c = p->count < p->max ? http1_client_new(&p->env, p->count) : NULL;
	if (!c)
		return false;
	p->count++;
	list_add_first(&p->closed, &c->link);
	return true;
}

/** take_client() - an idle one whose connection is still good, else a closed one, on which one is to be opened */
static struct http1_client *take_client(struct http1_pool *p, struct mono now)
{
	struct http1_client *c;

	while (http1_pool_has_idle(p)) {
		c = list_entry(p->idle.next, struct http1_client, link);
		if (http1_client_is_usable(c, now))
			return c;
		note_closed(p, c);
	}
	p->reach->connections++;
	return list_entry(p->closed.next, struct http1_client, link);
}

void http1_pool_begin(struct http1_pool *p, struct exchange *x)
{
	struct http1_client *c = take_client(p, x->began);

	list_remove(&c->link);
	x->carrier = c;
	http1_client_begin(c, x);
	if (c->exchange)
		reach_watch(p->reach, &c->channel);
}

void http1_pool_expire(struct exchange *x)
{
	http1_client_expire(x->carrier);
}

void http1_pool_cancel(struct exchange *x)
{
	http1_client_cancel(x->carrier);
}

/* ---- incarnation ---- */

void http1_pool_close(struct http1_pool *p)
{
	http1_pool_close_idle(p);
	alarm_close(&p->alarm);
}

void http1_pool_free(struct http1_pool *p)
{
	if (!p)
		return;
	while (!list_is_empty(&p->closed)) {
		struct http1_client *c = list_entry(p->closed.next, struct http1_client, link);

		list_remove(&c->link);
		http1_client_free(c);
	}
	tls_context_free(p->tls);
	outgoing_deinit(&p->outgoing);
	free(p);
}

static struct http1_env env_of(struct http1_pool *p, const struct transport_setup *s)
{
	struct http1_env env = {
		.channel = reach_channel_env(p->reach, s, p->tls),
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

struct http1_pool *http1_pool_new(struct tls_context *tls)
{
	struct http1_pool *p = calloc(1, sizeof(*p));

	if (!p) {
		tls_context_free(tls);
		return NULL;
	}
	p->tls = tls;
	list_init(&p->idle);
	list_init(&p->closed);
	return p;
}

void http1_pool_start(struct http1_pool *p, const struct transport_setup *s, struct reach *reach)
{
	p->hooks = s->hooks;
	p->reach = reach;
	p->keeping = (struct response_parser_keeping){ s->options->max_response, s->options->budget };
	p->max = s->options->connections;
	alarm_init(&p->alarm, s->shared->loop, on_alarm, p);
	p->env = env_of(p, s);
}
