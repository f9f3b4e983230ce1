/*
 * target.c - see request_target.h
 *
 * Theory of operation: a request that is submitted passes, in this order, the
 * target's sample, its rate, its breaker and its queue; each may count it as
 * its own. What passes is begun at once when nothing waits and a connection is
 * free (the idle one that was used last, else a new one), and otherwise waits
 * in a ring of --queue places. pump() begins what waits whenever a connection
 * becomes free. It is a loop and never nested, because an exchange may end
 * before conn_begin() returns (a refused write, no route) and would otherwise
 * recurse once per queued request.
 *
 * Before all of these comes the question whether the target is the service
 * that is watched (aim.h). It is asked of each request that is submitted, by
 * the addresses known then, and of all that wait or are being connected for
 * whenever a lookup has found others. So no byte goes to an address that was
 * not looked at, and a target that is refused stays so: it sheds what it is
 * given. A connection to an address that the name has left is not used again.
 *
 *     chosen = unsampled + shed.* + sent + queued
 *     sent   = outcomes + in_flight
 *
 * hold whenever the loop is not inside this file.
 *
 * Deadlines need one timer per target. Exchanges have the same max_time, so
 * the list of the busy ones is sorted by deadline as it grows; so is the queue.
 * Only connections that are opening are searched, and they are few. The timer
 * is armed for the earliest deadline known and not moved when that one goes
 * away: it fires, finds nothing, and is armed for the next. At 60,000 exchanges
 * a second that saves as many timer operations.
 *
 * Connection objects are used again and freed with the target: so a callback
 * that returns into an object that was closed meanwhile returns into memory
 * that is still there.
 */
#include "replay/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replay/aim.h"
#include "replay/breaker.h"
#include "replay/conn.h"
#include "replay/rate.h"

#define MEMORY_RETRY_NS (100 * NS_PER_MS)

struct waiting {
	struct message *message; /* a reference */
	struct mono since;
};

struct target {
	struct target_options options;
	size_t index;
	struct target_hooks hooks;
	struct conn_env env;
	struct outgoing outgoing;
	struct response_parser_keeping keeping;
	struct resolver *resolver;
	struct aim aim;
	struct tls_context *tls; /* NULL: plain */
	struct target_stats stats;
	struct share sample;
	struct rate rate;
	struct breaker breaker;

	struct waiting *queue; /* a ring of options.queue places */
	size_t queue_first, queue_count;

	struct list busy;    /* with an exchange, in order of deadline */
	struct list opening; /* of those, the ones not connected yet */
	struct list idle;    /* used last, first */
	struct list closed;  /* objects without a socket */
	uint32_t conn_count; /* objects on all lists */
	struct conn *probe;  /* while the breaker is probing: who carries the probe */

	uv_timer_t timer;
	struct mono timer_due; /* 0: not armed */
	bool is_pumping, room_refused, is_closing;
	bool is_refused; /* it is production */
};

static void on_timer(uv_timer_t *timer);
static void pump(struct target *t);

/* ---- the timer ---- */

/** arm() - have on_timer() run at @due or before */
static void arm(struct target *t, struct mono due)
{
	int64_t wait_ns;

	if (t->is_closing || (t->timer_due.ns != 0 && t->timer_due.ns <= due.ns))
		return;
	t->timer_due = due;
	wait_ns = due.ns - mono_now().ns;
	uv_timer_start(&t->timer, on_timer, wait_ns > 0 ? (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS) : 0,
		       0);
}

static struct mono stale_at(const struct target *t, const struct waiting *w)
{
	return (struct mono){ w->since.ns + t->options.max_time_ns };
}

/** arm_for_next() - look at all that waits for a moment */
static void arm_for_next(struct target *t)
{
	if (!list_is_empty(&t->busy))
		arm(t, list_entry(t->busy.next, struct conn, busy)->deadline);
	for (struct list *l = t->opening.next; l != &t->opening; l = l->next)
		arm(t, list_entry(l, struct conn, opening)->attempt_deadline);
	if (!list_is_empty(&t->idle))
		arm(t, list_entry(t->idle.prev, struct conn, busy)->usable_until);
	if (t->options.shed_stale && t->queue_count > 0)
		arm(t, stale_at(t, &t->queue[t->queue_first]));
	if (t->room_refused) {
		struct mono now = mono_now(), ready = rate_ready_at(&t->rate, now);

		if (ready.ns > now.ns)
			arm(t, ready);
	}
	/* Out of memory for a first connection: no exchange will end and pump the queue, so the timer does. */
	if (t->queue_count > 0 && list_is_empty(&t->busy))
		arm(t, (struct mono){ mono_now().ns + MEMORY_RETRY_NS });
}

/* ---- room ---- */

static bool conn_is_free(const struct target *t)
{
	return !list_is_empty(&t->idle) || !list_is_empty(&t->closed) || t->conn_count < t->options.connections;
}

/** has_room() - what would be shed as such, now or later, need not wait: by an open breaker, or as production */
static bool has_room(struct target *t)
{
	struct mono now;

	if (t->breaker.state != BREAKER_CLOSED || t->is_refused)
		return true;
	if (t->queue_count >= t->options.queue && (t->queue_count > 0 || !conn_is_free(t)))
		return false;
	now = mono_now();
	return rate_ready_at(&t->rate, now).ns <= now.ns;
}

bool target_has_room(struct target *t)
{
	if (has_room(t))
		return true;
	t->room_refused = true;
	arm_for_next(t);
	return false;
}

/** tell_room() - not for every single place: a quarter of the queue at once costs a wake-up in a thousand
 * requests */
static void tell_room(struct target *t)
{
	if (!t->room_refused || t->is_closing || !has_room(t))
		return;
	if (t->breaker.state == BREAKER_CLOSED && t->queue_count > t->options.queue - t->options.queue / 4)
		return;
	t->room_refused = false;
	if (t->hooks.on_room)
		t->hooks.on_room(t->hooks.ctx);
}

/* ---- the queue ---- */

static void shed(struct target *t, const struct message *m, enum shed_reason why)
{
	counter_add(&t->stats.shed[why], 1);
	t->hooks.on_unsent(t->hooks.ctx, t->index, m, why);
}

static void enqueue(struct target *t, struct message *m, struct mono now)
{
	size_t last = (t->queue_first + t->queue_count++) % t->options.queue;

	t->queue[last] = (struct waiting){ message_ref(m), now };
	counter_set(&t->stats.queued, t->queue_count);
	if (t->options.shed_stale || list_is_empty(&t->busy))
		arm_for_next(t);
}

/** dequeue() - the oldest; its reference is given to the caller */
static struct waiting dequeue(struct target *t)
{
	struct waiting w = t->queue[t->queue_first];

	t->queue_first = (t->queue_first + 1) % t->options.queue;
	counter_set(&t->stats.queued, --t->queue_count);
	return w;
}

static void shed_all_queued(struct target *t, enum shed_reason why)
{
	while (t->queue_count > 0) {
		struct waiting w = dequeue(t);

		shed(t, w.message, why);
		message_unref(w.message);
	}
}

static void shed_stale_queued(struct target *t, struct mono now)
{
	while (t->options.shed_stale && t->queue_count > 0 &&
	       stale_at(t, &t->queue[t->queue_first]).ns <= now.ns) {
		struct waiting w = dequeue(t);

		shed(t, w.message, SHED_STALE);
		message_unref(w.message);
	}
}

/* ---- exchanges ---- */

static void move_to(struct list *list, struct conn *c)
{
	list_remove(&c->busy);
	list_add_first(list, &c->busy);
}

/** take_conn() - an idle connection that is still good, else a closed object, else a new one; NULL if all are
 * busy */
static struct conn *take_conn(struct target *t, struct mono now)
{
	struct conn *c;

	while (!list_is_empty(&t->idle)) {
		c = list_entry(t->idle.next, struct conn, busy);
		if (conn_usable(c, now))
			return c;
		move_to(&t->closed, c);
	}
	if (!list_is_empty(&t->closed))
		return list_entry(t->closed.next, struct conn, busy);
	if (t->conn_count >= t->options.connections)
		return NULL;
	c = conn_new(&t->env, t->conn_count);
	if (!c)
		return NULL;
	t->conn_count++;
	list_add_first(&t->closed, &c->busy);
	return c;
}

/** begin() - an exchange with @m (a reference, taken) on @c; it may have ended when this returns */
static void begin(struct target *t, struct conn *c, struct message *m, struct mono now)
{
	list_remove(&c->busy);
	list_add_last(&t->busy, &c->busy);
	counter_add(&t->stats.sent, 1);
	counter_add(&t->stats.in_flight, 1);
	conn_begin(c, m, now);
	if (c->message == m) {
		arm(t, c->deadline);
		if (!list_is_empty(&c->opening))
			arm(t, c->attempt_deadline);
	}
}

static void note_connect_failure(struct target *t, struct mono now)
{
	resolver_refresh(t->resolver, now);
	if (!breaker_failed(&t->breaker, now))
		return;
	counter_add(&t->stats.breaker_opened, 1);
	log_warn("target %s: %u failures to connect in a row, so it is left alone; is it up? The next try is in 0.5 s",
		 t->options.url.name, t->options.breaker);
	shed_all_queued(t, SHED_BREAKER);
}

static void note_success(struct target *t)
{
	if (t->breaker.state != BREAKER_CLOSED)
		log_info("target %s: connected again", t->options.url.name);
	breaker_succeeded(&t->breaker);
	t->probe = NULL;
}

/** judge() - what an outcome says about the target: can it be reached? */
static void judge(struct target *t, const struct conn *c, const struct outcome *o)
{
	bool failed_to_connect = o->connect_us < 0 && o->kind != OUTCOME_CANCELLED_AT_EXIT;
	bool was_probe = t->probe == c;

	if (was_probe)
		t->probe = NULL;
	if (outcome_is_answered(o->kind))
		note_success(t);
	else if (failed_to_connect || (was_probe && t->breaker.state == BREAKER_PROBING))
		note_connect_failure(t, mono_now());
}

/* ---- production ---- */

/** production_of() - the service that is watched and that this target is, as far as @m shows; NULL: none */
static const struct endpoint *production_of(struct target *t, const struct message *m)
{
	if (t->options.may_be_production || t->options.url.is_sink)
		return NULL;
	for (size_t i = 0; i < t->options.watched_count; i++)
		if (aim_is(&t->aim, &t->options.watched[i]))
			return &t->options.watched[i];
	return aim_is(&t->aim, &m->origin.server) ? &m->origin.server : NULL;
}

/** take_back_opening() - requests whose connections are not open yet: nothing of them was sent */
static void take_back_opening(struct target *t)
{
	while (!list_is_empty(&t->opening)) {
		struct conn *c = list_entry(t->opening.next, struct conn, opening);
		struct message *m = conn_take_back(c);

		move_to(&t->closed, c);
		counter_sub(&t->stats.in_flight, 1);
		counter_sub(&t->stats.sent, 1);
		shed(t, m, SHED_PRODUCTION);
		message_unref(m);
	}
}

static void close_idle(struct target *t)
{
	while (!list_is_empty(&t->idle)) {
		struct conn *c = list_entry(t->idle.next, struct conn, busy);

		conn_close(c);
		move_to(&t->closed, c);
	}
}

/** refuse() - it is @server, which is watched: nothing goes to it any more */
static void refuse(struct target *t, const struct endpoint *server)
{
	struct endpoint known = *server; /* of a message that may be gone in a moment */
	bool was_pumping = t->is_pumping;

	t->is_refused = true;
	t->is_pumping = true;
	t->probe = NULL;
	shed_all_queued(t, SHED_PRODUCTION);
	take_back_opening(t);
	while (!list_is_empty(&t->busy))
		conn_cancel(list_entry(t->busy.next, struct conn, busy));
	close_idle(t);
	t->is_pumping = was_pumping;
	t->hooks.on_production(t->hooks.ctx, t->index, &known);
}

/** refuse_if_waiting() - the addresses are others than when what waits was looked at */
static void refuse_if_waiting(struct target *t)
{
	const struct endpoint *server = NULL;

	for (size_t i = 0; i < t->queue_count && !server; i++)
		server = production_of(t, t->queue[(t->queue_first + i) % t->options.queue].message);
	for (struct list *l = t->opening.next; l != &t->opening && !server; l = l->next)
		server = production_of(t, list_entry(l, struct conn, opening)->message);
	if (server)
		refuse(t, server);
}

/** is_left() - @c is connected to an address that the name does not lead to any more */
static bool is_left(const struct target *t, const struct conn *c)
{
	return t->aim.moved > 0 && c->is_known && !aim_has(&t->aim, &c->peer);
}

static void close_left(struct target *t)
{
	for (struct list *l = t->idle.next, *next; l != &t->idle; l = next) {
		struct conn *c = list_entry(l, struct conn, busy);

		next = l->next;
		if (is_left(t, c)) {
			conn_close(c);
			move_to(&t->closed, c);
		}
	}
}

/** take_aim() - after a lookup */
static void take_aim(struct target *t)
{
	if (!aim_set(&t->aim, resolver_addresses(t->resolver)) || t->is_refused)
		return;
	close_left(t);
	refuse_if_waiting(t);
}

/* ---- what connections tell us ---- */

/** close_idle_since() - one that was idle since @then had been closed by the server: so will the older ones be */
static void close_idle_since(struct target *t, struct mono then)
{
	while (!list_is_empty(&t->idle)) {
		struct conn *c = list_entry(t->idle.prev, struct conn, busy);

		if (c->idle_since.ns > then.ns)
			return;
		conn_close(c);
		move_to(&t->closed, c);
	}
}

static void on_conn_connected(void *ctx)
{
	note_success(ctx);
}

/** note_status() - if all fail alike, the report says with which status */
static void note_status(struct target *t, uint64_t status)
{
	uint64_t first = counter_get(&t->stats.first_status);

	if (first == 0)
		counter_set(&t->stats.first_status, status);
	else if (first != status)
		counter_add(&t->stats.other_statuses, 1);
}

static void on_conn_ended(void *ctx, struct conn *c, struct message *m, const struct outcome *o)
{
	struct target *t = ctx;

	if (c->state == CONN_IDLE && is_left(t, c))
		conn_close(c);
	move_to(c->state == CONN_IDLE ? &t->idle : &t->closed, c);
	counter_sub(&t->stats.in_flight, 1);
	counter_add(&t->stats.outcome[o->kind], 1);
	if (outcome_is_answered(o->kind)) {
		if (o->kind != OUTCOME_ANSWERED_2XX)
			note_status(t, (uint64_t)o->status_code);
		histogram_add(&t->stats.total_us, (uint64_t)o->total_us);
		if (o->first_byte_us >= 0)
			histogram_add(&t->stats.first_byte_us, (uint64_t)o->first_byte_us);
	}
	judge(t, c, o);
	if (o->kind == OUTCOME_FAILED_STALE)
		close_idle_since(t, c->idle_since);
	if (c->state == CONN_IDLE)
		arm(t, c->usable_until);
	if (t->hooks.on_outcome)
		t->hooks.on_outcome(t->hooks.ctx, t->index, m, o);
	message_unref(m);
	pump(t);
}

static void on_conn_lost(void *ctx, struct conn *c)
{
	struct target *t = ctx;

	move_to(&t->closed, c);
}

static void on_resolved(void *ctx)
{
	struct target *t = ctx;
	struct mono now = mono_now();

	if (t->is_closing)
		return;
	t->is_pumping = true;
	take_aim(t);
	for (;;) {
		struct conn *found = NULL;

		for (struct list *l = t->opening.next; l != &t->opening && !found; l = l->next)
			if (list_entry(l, struct conn, opening)->state == CONN_RESOLVING)
				found = list_entry(l, struct conn, opening);
		if (!found)
			break;
		conn_resolved(found, now); /* it connects or ends: either way it resolves no more */
	}
	t->is_pumping = false;
	pump(t);
	arm_for_next(t);
}

/** pump() - begin what is queued while connections are free, then say what changed */
static void pump(struct target *t)
{
	struct conn *c;

	if (t->is_pumping)
		return;
	t->is_pumping = true;
	while (t->queue_count > 0) {
		struct mono now = mono_now();
		struct waiting w;

		shed_stale_queued(t, now);
		if (t->queue_count == 0)
			break;
		c = take_conn(t, now);
		if (!c)
			break;
		w = dequeue(t);
		begin(t, c, w.message, now);
	}
	t->is_pumping = false;
	tell_room(t);
	if (target_is_quiet(t))
		t->hooks.on_quiet(t->hooks.ctx);
}

/** try_begin() - @m at once, on a free connection, not before what waits already */
static bool try_begin(struct target *t, struct message *m, struct mono now)
{
	struct conn *c;

	if (t->queue_count > 0 || t->is_pumping)
		return false;
	c = take_conn(t, now);
	if (!c)
		return false;
	if (t->breaker.state == BREAKER_OPEN) {
		breaker_probe(&t->breaker);
		t->probe = c;
	}
	begin(t, c, message_ref(m), now);
	return true;
}

void target_submit(struct target *t, struct message *m)
{
	struct mono now = mono_now();
	const struct endpoint *server;

	counter_add(&t->stats.chosen, 1);
	server = t->is_refused ? NULL : production_of(t, m);
	if (server)
		refuse(t, server);
	if (t->is_refused) {
		shed(t, m, SHED_PRODUCTION);
		return;
	}
	if (!share_take(&t->sample)) {
		counter_add(&t->stats.unsampled, 1);
		t->hooks.on_unsent(t->hooks.ctx, t->index, m, SHED_COUNT);
		return;
	}
	if (!rate_take(&t->rate, now)) {
		shed(t, m, SHED_RATE);
		return;
	}
	if (breaker_sheds(&t->breaker, now)) {
		shed(t, m, SHED_BREAKER);
		return;
	}
	if (try_begin(t, m, now))
		return;
	if (t->breaker.state != BREAKER_CLOSED)
		shed(t, m,
		     SHED_BREAKER); /* every connection is still busy with old exchanges: the probe can wait */
	else if (t->queue_count >= t->options.queue)
		shed(t, m, SHED_QUEUE);
	else
		enqueue(t, m, now);
}

void target_change(struct target *t, uint64_t sample_share, uint64_t rate)
{
	t->options.sample_share = t->sample.part = sample_share;
	if (t->options.rate != rate)
		rate_change(&t->rate, rate, mono_now());
	t->options.rate = rate;
	tell_room(t); /* somebody may wait for a token that comes earlier now */
	arm_for_next(t);
}

/* ---- deadlines ---- */

static void expire_exchanges(struct target *t, struct mono now)
{
	while (!list_is_empty(&t->busy)) {
		struct conn *c = list_entry(t->busy.next, struct conn, busy);

		if (c->deadline.ns > now.ns)
			return;
		conn_expired(c);
	}
}

static struct conn *find_expired_attempt(struct target *t, struct mono now)
{
	for (struct list *l = t->opening.next; l != &t->opening; l = l->next)
		if (list_entry(l, struct conn, opening)->attempt_deadline.ns <= now.ns)
			return list_entry(l, struct conn, opening);
	return NULL;
}

static void expire_attempts(struct target *t, struct mono now)
{
	struct conn *c;

	/* Each call ends the exchange or goes to the next address, of which there are few. */
	while ((c = find_expired_attempt(t, now)))
		conn_attempt_expired(c, now);
}

/** expire_idle() - from the one used longest ago; one that may be used for less long than those behind it waits for them */
static void expire_idle(struct target *t, struct mono now)
{
	while (!list_is_empty(&t->idle)) {
		struct conn *c = list_entry(t->idle.prev, struct conn, busy);

		if (c->usable_until.ns > now.ns)
			return;
		conn_close(c);
		move_to(&t->closed, c);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct target *t = timer->data;
	struct mono now = mono_now();

	t->timer_due.ns = 0;
	t->is_pumping = true; /* what these end must not begin others before all that is due is seen */
	expire_exchanges(t, now);
	expire_attempts(t, now);
	expire_idle(t, now);
	shed_stale_queued(t, now);
	t->is_pumping = false;
	pump(t);
	arm_for_next(t);
}

bool target_is_quiet(const struct target *t)
{
	return t->queue_count == 0 && list_is_empty(&t->busy);
}

void target_cancel(struct target *t)
{
	bool was_pumping = t->is_pumping;

	t->is_pumping = true;
	shed_all_queued(t, SHED_STALE);
	while (!list_is_empty(&t->busy))
		conn_cancel(list_entry(t->busy.next, struct conn, busy));
	t->is_pumping = was_pumping;
}

/* ---- incarnation ---- */

const struct target_options *target_options_of(const struct target *t)
{
	return &t->options;
}

const struct target_stats *target_stats_of(const struct target *t)
{
	return &t->stats;
}

const char *target_breaker_state(const struct target *t)
{
	return breaker_state_name(&t->breaker);
}

static int make_resolver(struct target *t, uv_loop_t *loop, uint16_t sink_port)
{
	const struct target_url *url = &t->options.url;
	struct resolver_options o = {
		.path = url->socket,
		.host = url->is_sink ? "127.0.0.1" : url->host,
		.port = url->is_sink ? sink_port : url->port,
		.lookup = t->options.lookup,
		.failures = &t->stats.dns_failures,
		.on_done = on_resolved,
		.ctx = t,
	};

	return resolver_new(loop, &o, &t->resolver);
}

static struct conn_env make_env(struct target *t, uv_loop_t *loop, struct self_connections *self_connections, uint8_t *scratch,
				size_t scratch_size)
{
	const struct target_options *o = &t->options;
	int64_t connect_ns = o->connect_timeout_ns;

	return (struct conn_env){
		.loop = loop,
		.resolver = t->resolver,
		.tls = t->tls,
		.self_connections = self_connections,
		.scratch = scratch,
		.scratch_size = scratch_size,
		.max_time_ns = o->max_time_ns,
		.connect_timeout_ns =
			connect_ns > 0 && connect_ns < o->max_time_ns ? connect_ns : o->max_time_ns,
		.make_head = o->make_head,
		.make_head_ctx = o->make_head_ctx,
		.outgoing = &t->outgoing,
		.keeping = o->keep_responses ? &t->keeping : NULL,
		.stats = &t->stats,
		.opening = &t->opening,
		.on_connected = on_conn_connected,
		.on_ended = on_conn_ended,
		.on_lost = on_conn_lost,
		.ctx = t,
	};
}

int target_new(uv_loop_t *loop, const struct target_options *options, size_t index, uint16_t sink_port,
	       struct self_connections *self_connections, uint8_t *scratch, size_t scratch_size, const struct target_hooks *hooks,
	       struct target **out, struct buffer *error)
{
	struct target *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return r;
	t->options = *options;
	t->index = index;
	t->hooks = *hooks;
	t->keeping = (struct response_parser_keeping){ options->max_response, options->budget };
	t->sample.part = options->sample_share;
	rate_init(&t->rate, options->rate, mono_now());
	breaker_init(&t->breaker, options->breaker);
	list_init(&t->busy);
	list_init(&t->opening);
	list_init(&t->idle);
	list_init(&t->closed);
	t->queue = calloc(options->queue > 0 ? options->queue : 1, sizeof(*t->queue));
	if (!t->queue)
		goto fail;
	r = options->url.is_tls ? tls_context_new(&options->tls, options->url.host, &t->tls, error) : 0;
	if (r == 0)
		r = make_resolver(t, loop, sink_port);
	if (r < 0)
		goto fail;
	t->aim.is_here = options->is_here;
	aim_set(&t->aim, resolver_addresses(t->resolver));
	uv_timer_init(loop, &t->timer);
	t->timer.data = t;
	t->env = make_env(t, loop, self_connections, scratch, scratch_size);
	*out = t;
	return 0;

fail:
	tls_context_free(t->tls);
	free(t->queue);
	free(t);
	return r;
}

void target_close(struct target *t)
{
	if (t->is_closing)
		return;
	target_cancel(t);
	t->is_closing = true;
	close_idle(t);
	resolver_close(t->resolver);
	uv_close((uv_handle_t *)&t->timer, NULL);
}

void target_free(struct target *t)
{
	if (!t)
		return;
	while (!list_is_empty(&t->closed)) {
		struct conn *c = list_entry(t->closed.next, struct conn, busy);

		list_remove(&c->busy);
		conn_free(c);
	}
	tls_context_free(t->tls);
	resolver_free(t->resolver);
	outgoing_deinit(&t->outgoing);
	free(t->queue);
	free(t);
}
