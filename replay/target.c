/*
 * target.c - see target.h
 *
 * Theory of operation: a request that is submitted passes, in this order, the
 * target's sample, its rate, its breaker and its queue; each may count it as
 * its own. What passes is begun at once when nothing waits and the transport has
 * a slot, and otherwise waits in a ring of --queue places. pump() begins what
 * waits whenever an exchange has ended. It is a loop and never nested, because an
 * exchange may end before the transport's begin() returns (a refused write, no
 * route) and would otherwise recurse once per queued request.
 *
 * Before all of these comes the question whether the target is the service
 * that is watched. The transport knows where it leads; it is asked for each
 * request that is submitted, and for all that wait or whose connections are not
 * open yet whenever it has moved. So no byte goes to an address that was not
 * looked at, and a target that is refused stays so: it sheds what it is given.
 *
 *     chosen = unsampled + shed.* + sent + queued
 *     sent   = outcomes + in_flight
 *
 * hold whenever the loop is not inside this file.
 *
 * Deadlines need one alarm. Exchanges have the same max_time, so the list of
 * those under way is sorted by deadline as it grows; so is the queue. Only calls
 * that are sent over a time of their own (body_pace.h) have that time besides, and
 * others are put before them.
 *
 * How a request travels is not known here: no socket, no name, no protocol. A
 * unit test hands in a transport without any of them.
 */
#include "replay/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replay/alarm.h"
#include "replay/body_pace.h"
#include "replay/breaker.h"
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
	struct transport *transport; /* owned */
	struct target_stats stats;
	struct share sample;
	struct rate rate;
	struct breaker breaker;

	struct waiting *queue; /* a ring of options.queue places */
	size_t queue_first, queue_count;

	struct list under_way;  /* exchanges, in order of deadline */
	struct list free;       /* exchanges to be used again */
	struct exchange *probe; /* while the breaker is probing: the one that is the probe */

	struct alarm alarm;
	bool is_pumping, room_refused, is_closing;
	bool is_refused;     /* it is production */
	bool is_withdrawing; /* what is cancelled now was not begun after all */
};

static void pump(struct target *t);

/* ---- the alarm ---- */

static struct mono stale_at(const struct target *t, const struct waiting *w)
{
	return (struct mono){ w->since.ns + t->options.max_time_ns };
}

/** arm_for_next() - look at all that waits for a moment */
static void arm_for_next(struct target *t)
{
	if (!list_is_empty(&t->under_way))
		alarm_set(&t->alarm, list_entry(t->under_way.next, struct exchange, link)->deadline);
	if (t->options.shed_stale && t->queue_count > 0)
		alarm_set(&t->alarm, stale_at(t, &t->queue[t->queue_first]));
	if (t->room_refused) {
		struct mono now = mono_now(), ready = rate_ready_at(&t->rate, now);

		if (ready.ns > now.ns)
			alarm_set(&t->alarm, ready);
	}
	/* Out of memory for a first exchange: none will end and pump the queue, so the timer does. */
	if (t->queue_count > 0 && list_is_empty(&t->under_way))
		alarm_set(&t->alarm, (struct mono){ mono_now().ns + MEMORY_RETRY_NS });
}

/* ---- room ---- */

/** can_begin() - is there an exchange, and a slot for @m in it (NULL: for any message)? */
static bool can_begin(struct target *t, const struct message *m)
{
	struct exchange *x;

	if (!t->transport->ops->has_slot(t->transport, m))
		return false;
	if (!list_is_empty(&t->free))
		return true;
	x = calloc(1, sizeof(*x));
	if (!x)
		return false;
	list_add_first(&t->free, &x->link);
	return true;
}

/** has_room() - what would be shed as such, now or later, need not wait: by an open breaker, or as production */
static bool has_room(struct target *t)
{
	struct mono now;

	if (t->breaker.state != BREAKER_CLOSED || t->is_refused)
		return true;
	if (t->queue_count >= t->options.queue && (t->queue_count > 0 || !can_begin(t, NULL)))
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

/** tell_room() - not for every single place: a quarter of the queue at once costs a wake-up in a thousand requests */
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
	if (t->options.shed_stale || list_is_empty(&t->under_way))
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

/** enter() - @x is under way: the last by its deadline, but for calls that are sent over a time of their own */
static void enter(struct target *t, struct exchange *x)
{
	struct list *before = t->under_way.prev;

	while (before != &t->under_way && list_entry(before, struct exchange, link)->deadline.ns > x->deadline.ns)
		before = before->prev;
	list_add_first(before, &x->link);
}

/** begin() - an exchange with @m (a reference, taken); can_begin() has said yes. It may have ended when this returns */
static void begin(struct target *t, struct message *m, struct mono now)
{
	struct exchange *x = list_entry(t->free.next, struct exchange, link);

	list_remove(&x->link);
	x->message = m;
	x->began = now;
	x->deadline.ns = now.ns + t->options.max_time_ns + body_pace_length_ns(m, t->options.speed);
	enter(t, x);
	counter_add(&t->stats.sent, 1);
	counter_add(&t->stats.in_flight, 1);
	t->transport->ops->begin(t->transport, x);
	if (x->message == m)
		alarm_set(&t->alarm, x->deadline);
}

/** begin_probe() - as begin(), and what becomes of it says whether the breaker may close */
static void begin_probe(struct target *t, struct message *m, struct mono now)
{
	breaker_probe(&t->breaker);
	t->probe = list_entry(t->free.next, struct exchange, link);
	begin(t, m, now);
}

/** cancel_all() - what is under way, in order of deadline */
static void cancel_all(struct target *t)
{
	while (!list_is_empty(&t->under_way))
		t->transport->ops->cancel(t->transport, list_entry(t->under_way.next, struct exchange, link));
}

static void note_connect_failure(struct target *t, struct mono now)
{
	t->transport->ops->look_again(t->transport);
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

/** note_reachable() - what an outcome says about the target: can it be reached? */
static void note_reachable(struct target *t, const struct exchange *x, const struct outcome *o)
{
	bool failed_to_connect = o->connect_us < 0 && o->kind != OUTCOME_CANCELLED_AT_EXIT;
	bool was_probe = t->probe == x;

	if (was_probe)
		t->probe = NULL;
	if (outcome_is_answered(o->kind))
		note_success(t);
	else if (failed_to_connect || (was_probe && t->breaker.state == BREAKER_PROBING))
		note_connect_failure(t, mono_now());
}

/* ---- production ---- */

static bool leads_to(struct target *t, const struct endpoint *server)
{
	return t->transport->ops->leads_to(t->transport, server);
}

/** production_of() - the service that is watched and that this target is, as far as @m shows; NULL: none */
static const struct endpoint *production_of(struct target *t, const struct message *m)
{
	if (t->options.may_be_production || t->options.url.is_sink)
		return NULL;
	for (size_t i = 0; i < t->options.watched_count; i++)
		if (leads_to(t, &t->options.watched[i]))
			return &t->options.watched[i];
	return leads_to(t, &m->origin.server) ? &m->origin.server : NULL;
}

/** withdraw_opening() - requests whose connections are not open yet: nothing of them was sent, so they never began */
static void withdraw_opening(struct target *t)
{
	t->is_withdrawing = true;
	for (struct list *l = t->under_way.next, *next; l != &t->under_way; l = next) {
		struct exchange *x = list_entry(l, struct exchange, link);

		next = l->next;
		if (x->is_opening)
			t->transport->ops->cancel(t->transport, x);
	}
	t->is_withdrawing = false;
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
	withdraw_opening(t);
	cancel_all(t);
	t->transport->ops->close_idle(t->transport);
	t->is_pumping = was_pumping;
	t->hooks.on_production(t->hooks.ctx, t->index, &known);
}

/** on_moved() - the addresses are others than when what waits was looked at */
static void on_moved(void *ctx)
{
	struct target *t = ctx;
	const struct endpoint *server = NULL;

	if (t->is_refused)
		return;
	for (size_t i = 0; i < t->queue_count && !server; i++)
		server = production_of(t, t->queue[(t->queue_first + i) % t->options.queue].message);
	for (struct list *l = t->under_way.next; l != &t->under_way && !server; l = l->next)
		if (list_entry(l, struct exchange, link)->is_opening)
			server = production_of(t, list_entry(l, struct exchange, link)->message);
	if (server)
		refuse(t, server);
}

/* ---- what the transport tells us ---- */

static void on_reached(void *ctx)
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

/** note_response() - what a response says to the report */
static void note_response(struct target *t, const struct outcome *o)
{
	if (o->kind != OUTCOME_ANSWERED_2XX)
		note_status(t, (uint64_t)o->status_code);
	histogram_add(&t->stats.total_us, (uint64_t)o->total_us);
	if (o->first_byte_us >= 0)
		histogram_add(&t->stats.first_byte_us, (uint64_t)o->first_byte_us);
	if (o->grpc_status == GRPC_STATUS_NONE)
		return;
	counter_add(&t->stats.grpc[o->grpc_status], 1);
	if (o->grpc_status != GRPC_OK && !outcome_is_http_failure(o->kind))
		counter_add(&t->stats.grpc_failed, 1);
	if (grpc_status_is_unwell(o->grpc_status) && o->kind != OUTCOME_ANSWERED_5XX)
		counter_add(&t->stats.grpc_unwell, 1);
}

static void on_ended(void *ctx, struct exchange *x, const struct outcome *o)
{
	struct target *t = ctx;
	struct message *m = x->message;

	x->message = NULL;
	list_remove(&x->link);
	list_add_first(&t->free, &x->link);
	counter_sub(&t->stats.in_flight, 1);
	if (t->is_withdrawing) {
		counter_sub(&t->stats.sent, 1);
		shed(t, m, SHED_PRODUCTION);
		message_unref(m);
		return;
	}
	counter_add(&t->stats.outcome[o->kind], 1);
	if (outcome_is_answered(o->kind))
		note_response(t, o);
	note_reachable(t, x, o);
	if (t->hooks.on_outcome)
		t->hooks.on_outcome(t->hooks.ctx, t->index, m, o);
	message_unref(m);
	pump(t);
}

static void hold(void *ctx)
{
	struct target *t = ctx;

	t->is_pumping = true;
}

static void release(void *ctx)
{
	struct target *t = ctx;

	t->is_pumping = false;
	pump(t);
	arm_for_next(t);
}

/** pump() - begin what is queued while there are slots, then say what changed */
static void pump(struct target *t)
{
	if (t->is_pumping)
		return;
	t->is_pumping = true;
	while (t->queue_count > 0) {
		struct mono now = mono_now();

		shed_stale_queued(t, now);
		if (t->queue_count == 0 || !can_begin(t, t->queue[t->queue_first].message))
			break;
		begin(t, dequeue(t).message, now);
	}
	t->is_pumping = false;
	tell_room(t);
	if (target_is_quiet(t))
		t->hooks.on_quiet(t->hooks.ctx);
}

/** try_begin() - @m at once, if there is a slot; not before what waits already */
static bool try_begin(struct target *t, struct message *m, struct mono now)
{
	if (t->queue_count > 0 || t->is_pumping || !can_begin(t, m))
		return false;
	if (t->breaker.state == BREAKER_OPEN)
		begin_probe(t, message_ref(m), now);
	else
		begin(t, message_ref(m), now);
	return true;
}

/** needs_http2() - a call of gRPC, whose status comes in trailers, for a target that is fixed to HTTP/1; the sink has none */
static bool needs_http2(const struct target *t, const struct message *m)
{
	return m->head.is_grpc && t->options.http_version == HTTP_VERSION_1 && !t->options.url.is_sink;
}

/** would_be_plain() - who encrypted it did not expect it on a network as plain text */
static bool would_be_plain(const struct target *t, const struct message *m)
{
	return m->origin.tls && !t->options.tls_to_plain && !target_url_is_private(&t->options.url);
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
	if (needs_http2(t, m)) {
		shed(t, m, SHED_NEEDS_HTTP2);
		return;
	}
	if (would_be_plain(t, m)) {
		shed(t, m, SHED_PLAIN);
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
		shed(t, m, SHED_BREAKER); /* every slot is still taken by old exchanges: the probe can wait */
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
	tell_room(t); /* a token may be waited for that comes earlier now */
	arm_for_next(t);
}

/* ---- deadlines ---- */

static void expire_exchanges(struct target *t, struct mono now)
{
	while (!list_is_empty(&t->under_way)) {
		struct exchange *x = list_entry(t->under_way.next, struct exchange, link);

		if (x->deadline.ns > now.ns)
			return;
		t->transport->ops->expire(t->transport, x);
	}
}

static void on_alarm(void *ctx)
{
	struct target *t = ctx;
	struct mono now = mono_now();

	hold(t); /* what these end must not begin others before all that is due is seen */
	expire_exchanges(t, now);
	shed_stale_queued(t, now);
	release(t);
}

bool target_is_quiet(const struct target *t)
{
	return t->queue_count == 0 && list_is_empty(&t->under_way);
}

void target_cancel(struct target *t)
{
	bool was_pumping = t->is_pumping;

	t->is_pumping = true;
	shed_all_queued(t, SHED_STALE);
	cancel_all(t);
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

static int make_transport(struct target *t, const struct target_setup *s, struct buffer *error)
{
	struct transport_setup setup = {
		.shared = s->shared,
		.options = &t->options,
		.stats = &t->stats,
		.hooks = { on_ended, on_reached, on_moved, hold, release, t },
	};

	return s->transport_new(&setup, &t->transport, error);
}

int target_new(const struct target_setup *setup, struct target **out, struct buffer *error)
{
	const struct target_options *o = setup->options;
	struct target *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return r;
	t->options = *o;
	t->index = setup->index;
	t->hooks = setup->hooks;
	t->sample.part = o->sample_share;
	rate_init(&t->rate, o->rate, mono_now());
	breaker_init(&t->breaker, o->breaker);
	list_init(&t->under_way);
	list_init(&t->free);
	t->queue = calloc(o->queue > 0 ? o->queue : 1, sizeof(*t->queue));
	if (t->queue)
		r = make_transport(t, setup, error);
	if (r < 0) {
		free(t->queue);
		free(t);
		return r;
	}
	alarm_init(&t->alarm, setup->shared->loop, on_alarm, t);
	*out = t;
	return 0;
}

void target_close(struct target *t)
{
	if (t->is_closing)
		return;
	target_cancel(t);
	t->is_closing = true;
	t->transport->ops->close(t->transport);
	alarm_close(&t->alarm);
}

void target_free(struct target *t)
{
	if (!t)
		return;
	while (!list_is_empty(&t->free)) {
		struct exchange *x = list_entry(t->free.next, struct exchange, link);

		list_remove(&x->link);
		free(x);
	}
	t->transport->ops->free(t->transport);
	free(t->queue);
	free(t);
}
