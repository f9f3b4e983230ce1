/*
 * http2_pool.c - see http2_pool.h
 *
 * Theory of operation: an exchange gets a stream on the first connection that has
 * room for one; only when all are full is another opened. While that one is
 * being opened, it is not known how many streams it will take: it is for the one
 * exchange that had it opened, and others wait in the target's queue until the
 * server has said so. So one failure to connect fails one exchange, as the
 * breaker expects, and a burst does not open a connection for each request.
 *
 * Connections that carry nothing are closed as those of HTTP/1 are (http1_keep.h).
 * One to an address that the name has left takes no more exchanges.
 *
 * What clients have to write is written once in each turn of the loop, just
 * before it waits (uv_prepare_t): exchanges that began in one turn share a write.
 *
 * Calls that are sent at their own pace wait on one list for one alarm, which looks at
 * all of them: they are few beside what else goes on, and it fires once in a
 * millisecond at most.
 *
 * Objects of connections and streams are used again and freed with the pool.
 */
#include "replay/http2_pool.h"

#include <stdlib.h>

#include "replay/alarm.h"
#include "replay/http2_client.h"
#include "replay/replay.h"

#define STREAMS_DEFAULT 128

struct http2_pool {
	struct transport_hooks hooks;
	struct reach *reach;
	struct http2_env env;
	struct outgoing outgoing;
	struct http2_head head;
	struct response_parser_keeping keeping;
	struct tls_context *tls; /* NULL: plain */

	/* clients: each is on one of these */
	struct list open;    /* with room for another stream; the first is used first */
	struct list full;    /* or draining */
	struct list opening; /* up to the server's SETTINGS */
	struct list closed;  /* without a connection */
	uint32_t count, max; /* of clients */

	struct list free;      /* streams to be used again */
	struct list unwritten; /* clients */
	uv_prepare_t prepare;  /* runs while there are such */
	struct alarm alarm;    /* of what was idle for long enough */
	struct list paced;     /* streams whose next bytes are not due yet */
	struct alarm pace;     /* of those */
	bool is_closing;
};

static struct http2_client *client_at(struct list *link)
{
	return list_entry(link, struct http2_client, link);
}

static struct list *place_of(struct http2_pool *p, const struct http2_client *c)
{
	switch (c->state) {
	case HTTP2_CLOSED:
		return &p->closed;
	case HTTP2_OPENING:
	case HTTP2_GREETING:
		return &p->opening;
	case HTTP2_OPEN:
	case HTTP2_DRAINING:
		break;
	}
	return http2_client_has_slot(c) ? &p->open : &p->full;
}

/** place() - put @c where its state wants it; on the same list it keeps its place, so that the first ones are filled first */
static void place(struct http2_pool *p, struct http2_client *c)
{
	struct list *to = place_of(p, c);

	if (c->place == to)
		return;
	if (c->place == &p->closed)
		p->reach->connections++;
	if (to == &p->closed)
		p->reach->connections--;
	c->place = to;
	list_remove(&c->link);
	list_add_last(to, &c->link);
}

static void close_client(struct http2_pool *p, struct http2_client *c)
{
	http2_client_close(c);
	place(p, c);
}

/* ---- idle connections ---- */

/** oldest_idle() - NULL: none */
static struct http2_client *oldest_idle(const struct http2_pool *p)
{
	struct http2_client *oldest = NULL;

	for (struct list *l = p->open.next; l != &p->open; l = l->next) {
		struct http2_client *c = client_at(l);

		if (http2_client_is_idle(c) && (!oldest || c->keep.idle_since.ns < oldest->keep.idle_since.ns))
			oldest = c;
	}
	return oldest;
}

bool http2_pool_has_idle(const struct http2_pool *p)
{
	return oldest_idle(p) != NULL;
}

void http2_pool_close_oldest(struct http2_pool *p)
{
	struct http2_client *c = oldest_idle(p);

	if (c)
		close_client(p, c);
}

void http2_pool_close_idle(struct http2_pool *p)
{
	struct http2_client *c;

	while ((c = oldest_idle(p)))
		close_client(p, c);
}

static void on_alarm(void *ctx)
{
	struct http2_pool *p = ctx;
	struct mono now = mono_now();
	struct http2_client *c;

	while ((c = oldest_idle(p)) && c->keep.usable_until.ns <= now.ns)
		close_client(p, c);
	if (c)
		alarm_set(&p->alarm, c->keep.usable_until);
}

static void retire_left(struct http2_pool *p, struct list *of)
{
	for (struct list *l = of->next, *next; l != of; l = next) {
		struct http2_client *c = client_at(l);

		next = l->next;
		if (!reach_is_left(p->reach, &c->channel))
			continue;
		http2_client_retire(c);
		place(p, c);
	}
}

void http2_pool_retire_left(struct http2_pool *p)
{
	retire_left(p, &p->full);
	retire_left(p, &p->open);
}

/* ---- what clients tell ---- */

static void on_connected(void *ctx)
{
	struct http2_pool *p = ctx;

	p->hooks.on_reached(p->hooks.ctx);
}

static void on_changed(void *ctx, struct http2_client *c)
{
	struct http2_pool *p = ctx;

	place(p, c);
	if (http2_client_is_idle(c))
		alarm_set(&p->alarm, c->keep.usable_until);
}

static void on_ended(void *ctx, struct http2_stream *s, struct exchange *x, const struct outcome *o)
{
	struct http2_pool *p = ctx;

	list_add_first(&p->free, &s->link);
	x->carrier = NULL;
	p->hooks.on_ended(p->hooks.ctx, x, o);
}

static void hold(void *ctx)
{
	struct http2_pool *p = ctx;

	p->hooks.hold(p->hooks.ctx);
}

static void release(void *ctx)
{
	struct http2_pool *p = ctx;

	p->hooks.release(p->hooks.ctx);
}

/* ---- writing ---- */

static void on_prepare(uv_prepare_t *prepare)
{
	struct http2_pool *p = prepare->data;

	while (!list_is_empty(&p->unwritten)) { /* those that writing adds begin exchanges anew, of those that wait */
		struct http2_client *c = list_entry(p->unwritten.next, struct http2_client, unwritten);

		list_remove(&c->unwritten);
		http2_client_flush(c);
	}
	if (!p->is_closing)
		uv_prepare_stop(prepare);
}

static void on_unwritten(void *ctx, struct http2_client *c)
{
	struct http2_pool *p = ctx;

	if (p->is_closing)
		return;
	if (list_is_empty(&p->unwritten))
		uv_prepare_start(&p->prepare, on_prepare);
	list_add_last(&p->unwritten, &c->unwritten);
}

/* ---- what is not sent at once ---- */

static void on_paced(void *ctx, struct http2_stream *s)
{
	struct http2_pool *p = ctx;

	list_add_last(&p->paced, &s->paced);
	alarm_set(&p->pace, s->due);
}

static void on_pace(void *ctx)
{
	struct http2_pool *p = ctx;
	struct mono now = mono_now();

	for (struct list *l = p->paced.next, *next; l != &p->paced; l = next) {
		struct http2_stream *s = list_entry(l, struct http2_stream, paced);

		next = l->next;
		if (s->due.ns > now.ns) {
			alarm_set(&p->pace, s->due);
			continue;
		}
		list_remove(l);
		http2_stream_resume(s); /* which only asks to be written */
	}
}

/* ---- exchanges ---- */

/** has_stream() - is there a free one? */
static bool has_stream(struct http2_pool *p)
{
	struct http2_stream *s;

	if (!list_is_empty(&p->free))
		return true;
	s = malloc(sizeof(*s));
	if (!s)
		return false;
	http2_stream_init(s);
	list_add_first(&p->free, &s->link);
	return true;
}

/** has_closed() - is there an object for another connection? */
static bool has_closed(struct http2_pool *p)
{
	struct http2_client *c;

	if (!list_is_empty(&p->closed))
		return true;
	c = p->count < p->max ? http2_client_new(&p->env, p->count) : NULL;
	if (!c)
		return false;
	p->count++;
	c->place = &p->closed;
	list_add_first(&p->closed, &c->link);
	return true;
}

bool http2_pool_has_slot(struct http2_pool *p, bool room)
{
	if (!has_stream(p))
		return false;
	if (!list_is_empty(&p->open))
		return true;
	return room && list_is_empty(&p->opening) && has_closed(p);
}

/** take_client() - the first that has room and, if it was idle, is still good; else a closed one */
static struct http2_client *take_client(struct http2_pool *p, struct mono now)
{
	while (!list_is_empty(&p->open)) {
		struct http2_client *c = client_at(p->open.next);

		if (!http2_client_is_idle(c) || http2_client_is_usable(c, now))
			return c;
		place(p, c);
	}
	return client_at(p->closed.next);
}

void http2_pool_begin(struct http2_pool *p, struct exchange *x)
{
	struct http2_client *c = take_client(p, x->began);
	struct http2_stream *s = list_entry(p->free.next, struct http2_stream, link);

	list_remove(&s->link);
	http2_client_begin(c, s, x);
	reach_watch(p->reach, &c->channel);
}

void http2_pool_expire(struct exchange *x)
{
	http2_stream_expire(x->carrier);
}

void http2_pool_cancel(struct exchange *x)
{
	http2_stream_cancel(x->carrier);
}

/* ---- incarnation ---- */

void http2_pool_close(struct http2_pool *p)
{
	p->is_closing = true;
	http2_pool_close_idle(p);
	while (!list_is_empty(&p->full)) /* draining, and the last exchange on it has just ended */
		close_client(p, client_at(p->full.next));
	uv_close((uv_handle_t *)&p->prepare, NULL);
	alarm_close(&p->alarm);
	alarm_close(&p->pace);
}

void http2_pool_free(struct http2_pool *p)
{
	if (!p)
		return;
	while (!list_is_empty(&p->closed)) {
		struct http2_client *c = client_at(p->closed.next);

		list_remove(&c->link);
		http2_client_free(c);
	}
	while (!list_is_empty(&p->free)) {
		struct http2_stream *s = list_entry(p->free.next, struct http2_stream, link);

		list_remove(&s->link);
		http2_stream_deinit(s);
		free(s);
	}
	tls_context_free(p->tls);
	outgoing_deinit(&p->outgoing);
	http2_head_deinit(&p->head);
	free(p);
}

struct http2_pool *http2_pool_new(struct tls_context *tls)
{
	struct http2_pool *p = calloc(1, sizeof(*p));

	if (!p) {
		tls_context_free(tls);
		return NULL;
	}
	p->tls = tls;
	list_init(&p->open);
	list_init(&p->full);
	list_init(&p->opening);
	list_init(&p->closed);
	list_init(&p->free);
	list_init(&p->unwritten);
	list_init(&p->paced);
	return p;
}

void http2_pool_start(struct http2_pool *p, const struct transport_setup *s, struct reach *reach)
{
	const struct target_options *o = s->options;

	p->hooks = s->hooks;
	p->reach = reach;
	p->keeping = (struct response_parser_keeping){ o->max_response, o->budget };
	p->max = o->connections;
	p->env = (struct http2_env){
		.channel = reach_channel_env(reach, s, p->tls),
		.make_head = o->make_head,
		.make_head_ctx = o->make_head_ctx,
		.outgoing = &p->outgoing,
		.head = &p->head,
		.keeping = o->keep_responses ? &p->keeping : NULL,
		.streams = o->streams > 0 ? o->streams : STREAMS_DEFAULT,
		.speed = o->speed,
		.on_connected = on_connected,
		.on_ended = on_ended,
		.on_changed = on_changed,
		.on_unwritten = on_unwritten,
		.on_paced = on_paced,
		.hold = hold,
		.release = release,
		.ctx = p,
	};
	http2_env_init(&p->env);
	uv_prepare_init(s->shared->loop, &p->prepare);
	p->prepare.data = p;
	alarm_init(&p->alarm, s->shared->loop, on_alarm, p);
	alarm_init(&p->pace, s->shared->loop, on_pace, p);
}
