/*
 * tls_reader.c - see tls_reader.h
 *
 * A connection is in one state, set by tls_set_state(); an event of the tracker's goes
 * into the queue or is told (tls_tell()), which is also what becomes of those in the
 * queue once the connection is open.
 */
#include "tls/tls_reader.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "reassembly/client_hello.h"
#include "tls/records.h"
#include "tls/tls_impl.h"

static const struct reader_ops ops;

static struct tls *tls_of(struct reader *r)
{
	return (struct tls *)r;
}

/* ---- states and counts ---- */

static void leave_waiting(struct tls *c)
{
	struct tls_env *env = c->env;
	struct tls **at = &env->waiting;

	while (*at != c)
		at = &(*at)->next_waiting;
	*at = c->next_waiting;
	if (!c->next_waiting)
		env->waiting_end = at;
	env->lane->waits = env->waiting != NULL;
}

static void join_waiting(struct tls *c)
{
	c->next_waiting = NULL;
	*c->env->waiting_end = c;
	c->env->waiting_end = &c->next_waiting;
	c->env->lane->waits = true;
	c->since = c->env->clock;
}

void tls_set_state(struct tls *c, enum tls_state state)
{
	if (c->state == TLS_SECRETS)
		leave_waiting(c);
	c->state = state;
	if (state == TLS_SECRETS)
		join_waiting(c);
	if (state != TLS_OVER)
		return;
	tls_queue_clear(&c->queue, c->env->budget);
	tls_queue_clear(&c->late, c->env->budget);
	tls_join_end(c);
}

void tls_decide(struct tls *c, enum tls_fate fate)
{
	struct tls_stats *stats = c->env->stats;

	if (tls_has_fate(c))
		counter_sub(&stats->tls_fate[c->fate], 1);
	else
		counter_add(&stats->tls_seen, 1);
	if (c->has_no_room)
		counter_sub(&stats->tls_no_room, 1);
	c->has_no_room = false;
	c->fate = fate;
	counter_add(&stats->tls_fate[fate], 1);
	if (fate == TLS_NO_KEYS && c->state == TLS_OPEN)
		counter_add(&stats->tls_misfit, 1);
}

void tls_decide_no_room(struct tls *c, enum tls_fate fate)
{
	tls_decide(c, fate);
	c->has_no_room = fate == TLS_NO_KEYS;
	if (c->has_no_room)
		counter_add(&c->env->stats->tls_no_room, 1);
}

void tls_leave(struct tls *c, enum tls_fate fate)
{
	tls_decide(c, fate);
	tls_set_state(c, TLS_OVER);
}

/* ---- what the tracker tells ---- */

static enum reader_result result_of(const struct tls *c)
{
	return c->state == TLS_OVER ? READER_LEFT : READER_LIVE;
}

/** queue() - @what waits, and if there is no memory for it another connection has to make room; false: it cannot */
static bool queue(struct tls *c, const struct tls_waiting *what)
{
	while (!tls_queue_add(&c->queue, c->env->budget, what))
		if (tls_queue_is_full(&c->queue, what) || !tls_make_room(c->env, c))
			return false;
	if (c->join)
		tls_join_look_at(c, what);
	return true;
}

/** put_off() - what cannot be read yet */
static void put_off(struct tls *c, const struct tls_waiting *what)
{
	if (queue(c, what))
		return;
	if (c->state != TLS_SECRETS) {
		if (tls_queue_is_full(&c->queue, what)) /* with one of the hellos missing */
			tls_decide(c, TLS_LOST);
		else
			tls_decide_no_room(c, TLS_NO_KEYS);
		tls_set_state(c, TLS_OVER);
		return;
	}
	tls_give_way(c);
	if (c->state == TLS_COUNTED)
		tls_count_event(c, what);
	else if (c->state == TLS_OPEN)
		tls_join_tell(c, what);
}

/** tell() - it is open */
static void tell(struct tls *c, const struct tls_waiting *w)
{
	if (!c->join)
		tls_tell(c, w);
	else if (tls_join_holds(c, w))
		put_off(c, w);
	else
		tls_join_tell(c, w);
}

/** count_on() - ... nor is kept; unless its secrets have come meanwhile, and then nothing is done with it */
static void count_on(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	uint64_t generation = secrets_generation(c->env->secrets);

	if (generation != c->generation)
		tls_ask(c);
	c->generation = generation;
	if (c->state == TLS_COUNTED)
		record_count_bytes(&c->count[side], chunk->offset, chunk->bytes);
}

static void follow_clock(struct tls_env *env, struct wall now)
{
	if (now.ns > env->clock.ns)
		env->clock = now;
}

/** is_unreadable() - at the first bytes: is there no secret, and will there be none? Then it is as if we had not claimed it */
static bool is_unreadable(const struct tls *c)
{
	return !c->env->may_come && secrets_generation(c->env->secrets) == 0 && !c->queue.first;
}

/** begin() - bytes of a connection of which it is not known yet how it is read */
static enum reader_result begin(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct tls_waiting w = { .event = TLS_BYTES, .side = side, .chunk = *chunk, .now = c->env->clock };

	if (c->state == TLS_HELLOS && is_unreadable(c))
		return READER_REFUSED;
	if (c->state == TLS_HELLOS && side == SIDE_CLIENT && c->hello[side] == TLS_HELLO_AWAITED && !c->from_first_byte &&
	    !tls_hello_match(chunk->bytes) && c->first[side].len == 0 && !tls_join_begin(c, chunk)) {
		tls_leave(c, TLS_MIDSTREAM);
		return READER_LEFT;
	}
	put_off(c, &w);
	if (c->state == TLS_HELLOS)
		tls_look_for_hello(c, side, chunk->bytes);
	if (c->state == TLS_SECRETS && c->join)
		tls_ask(c);
	if (c->state == TLS_SECRETS)
		tls_look(c->env->lane, 0);
	return result_of(c);
}

static void tell_bytes(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	if (c->join)
		tell(c, &(struct tls_waiting){ .event = TLS_BYTES, .side = side, .chunk = *chunk, .now = c->env->clock });
	else
		tls_tell_bytes(c, side, chunk);
	if (c->state == TLS_SECRETS)
		tls_ask(c);
}

static enum reader_result on_chunk(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	follow_clock(c->env, chunk->at);
	tls_set_base(c, side, chunk->offset);
	if (c->state == TLS_COUNTED)
		count_on(c, side, chunk);
	if (c->state == TLS_OPEN)
		tell_bytes(c, side, chunk);
	else if (c->state == TLS_HELLOS || c->state == TLS_SECRETS)
		return begin(c, side, chunk);
	return result_of(c);
}

static enum reader_result on_client_chunk(struct reader *r, const struct chunk *chunk)
{
	return on_chunk(tls_of(r), SIDE_CLIENT, chunk);
}

static enum reader_result on_server_chunk(struct reader *r, const struct chunk *chunk)
{
	return on_chunk(tls_of(r), SIDE_SERVER, chunk);
}

/** lose_before_keys() - @gap lies in what both sides say in the clear, or behind that */
static void lose_before_keys(struct tls *c, enum stream_side side, const struct tls_waiting *gap)
{
	bool in_hello = c->hello[side] == TLS_HELLO_AWAITED;

	if (in_hello && !tls_lose_hello(c, side)) {
		tls_leave(c, TLS_LOST);
		return;
	}
	put_off(c, gap);
	if (in_hello)
		tls_heed_hellos(c);
}

static void on_wire_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	struct tls *c = tls_of(r);
	struct tls_waiting w = { .event = TLS_GAP, .side = side, .gap = bytes, .why = why, .now = now };

	follow_clock(c->env, now);
	if (c->state == TLS_OPEN)
		tell(c, &w);
	else if (c->state == TLS_HELLOS)
		lose_before_keys(c, side, &w);
	else if (c->state == TLS_COUNTED)
		tls_count_event(c, &w);
	else if (c->state != TLS_OVER)
		put_off(c, &w);
}

static void on_passed_by(struct reader *r, const struct passed_by *passed)
{
	(void)r;
	(void)passed;
}

static void on_proxied(struct reader *r, const struct endpoint *client)
{
	struct tls *c = tls_of(r);

	c->origin.proxied = *client;
	if (c->inner)
		c->inner->ops->on_proxied(c->inner, client);
}

static bool on_half_end(struct reader *r, enum stream_side side)
{
	struct tls *c = tls_of(r);
	struct tls_waiting w = { .event = TLS_HALF_END, .side = side };

	if (c->state == TLS_OPEN)
		return tls_tell_half_end(c, side);
	if (c->state == TLS_HELLOS || c->state == TLS_SECRETS)
		put_off(c, &w);
	return c->state == TLS_HELLOS || c->state == TLS_SECRETS;
}

static void on_end(struct reader *r, enum lost_reason why, bool seen)
{
	struct tls *c = tls_of(r);
	struct tls_waiting w = { .event = TLS_END, .why = why, .seen = seen };

	if (c->state == TLS_OPEN)
		tls_tell(c, &w);
	else if (c->state == TLS_SECRETS)
		put_off(c, &w);
	else if (c->state == TLS_COUNTED)
		tls_set_state(c, TLS_OVER);
}

/* ---- making and freeing ---- */

/** begins_hello() - where all that is there of a first segment is a byte or two */
static bool begins_hello(struct span bytes)
{
	return bytes.len > 0 && bytes.len < 3 && bytes.at[0] == RECORD_HANDSHAKE && (bytes.len < 2 || bytes.at[1] == 3);
}

static enum claim claims(struct span bytes, enum stream_side side, bool at_start)
{
	if (at_start && begins_hello(bytes))
		return CLAIM_LIKELY;
	if (tls_hello_match(bytes))
		return at_start || side == SIDE_CLIENT ? CLAIM_LIKELY : CLAIM_NONE;
	return !at_start && side == SIDE_CLIENT && record_claims(bytes) ? CLAIM_LIKELY : CLAIM_NONE;
}

static struct reader *make(void *shared, const struct reader_start *start)
{
	const size_t charged = sizeof(struct tls) + TLS_DIRECTIONS_BYTES;
	struct tls_env *env = shared;
	struct tls *c;

	while (!budget_charge(env->budget, charged))
		if (!tls_make_room(env, NULL))
			return NULL;
	c = calloc(1, sizeof(*c));
	if (!c) {
		budget_release(env->budget, charged);
		return NULL;
	}
	c->reader.ops = &ops;
	c->env = env;
	c->charged = charged;
	c->fate = TLS_FATE_COUNT;
	c->from_first_byte = start->from_first_byte;
	c->origin = start->origin;
	c->server = start->server;
	tls_queue_init(&c->queue);
	tls_queue_init(&c->late);
	return &c->reader;
}

void tls_destroy(struct tls *c)
{
	struct tls_env *env = c->env;

	tls_set_state(c, TLS_OVER);
	if (c->inner)
		c->inner->ops->free(c->inner);
	for (int side = 0; side < SIDES; side++) {
		if (c->direction)
			direction_deinit(&c->direction[side], &env->directions);
		buffer_deinit(&c->first[side]);
	}
	free(c->direction);
	free(c->name);
	free(c->join);
	tls_session_unref(c->origin.tls);
	budget_release(env->budget, c->charged);
	free(c);
}

/* The tracker is done with it; what waits, and has its end in the queue, waits on. */
static void free_reader(struct reader *r)
{
	struct tls *c = tls_of(r);

	c->server = NULL;
	if (c->state == TLS_SECRETS)
		c->is_detached = true;
	else
		tls_destroy(c);
}

static void on_unfollowed(void *shared, const struct request_origin *origin, struct wall at, enum lost_reason why)
{
	(void)shared;
	(void)origin;
	(void)at;
	(void)why;
}

static void close_inner(struct tls_env *env)
{
	while (env->inner_count > 0) {
		struct inner_kind *k = &env->inner[--env->inner_count];

		k->ops->close(k->shared);
	}
}

static void close_env(void *shared)
{
	struct tls_env *env = shared;
	struct tls *next;

	for (struct tls *c = env->waiting; c; c = next) {
		next = c->next_waiting;
		tls_destroy(c); /* detached, or the tracker would have freed it */
	}
	close_inner(env);
	buffer_deinit(&env->scratch);
	OPENSSL_cleanse(env->directions.room, sizeof(env->directions.room));
	secret_pages_deinit(&env->directions.pages);
	free(env);
}

static void *open_env(const void *config)
{
	const struct tls_reader_options *o = config;
	struct tls_env *env = calloc(1, sizeof(*env));

	if (!env)
		return NULL;
	env->secrets = o->secrets;
	env->may_come = o->may_come;
	env->wait_ns = o->wait_ns;
	env->joiner = o->joiner;
	env->awaits_joiner = o->awaits_joiner;
	env->directions.pages.slot_size = TLS_SECRET_MAX;
	env->budget = env->directions.budget = o->budget;
	env->stats = env->directions.stats = o->stats;
	env->late_us = o->late_us;
	env->lane = o->lane;
	env->waiting_end = &env->waiting;
	for (size_t i = 0; i < o->inner_count && i < TLS_INNER_MAX; i++) {
		struct inner_kind k = { o->inner[i].ops, o->inner[i].ops->open(o->inner[i].config) };

		if (!k.shared) {
			close_inner(env);
			free(env);
			return NULL;
		}
		env->inner[env->inner_count++] = k;
	}
	env->lane->shared = env;
	return env;
}

static const struct reader_ops ops = {
	.name = "TLS",
	.refused = "TLS, which cannot be read:",
	.left = "left TLS",
	.left_more = "no keys, no HTTP, or lost behind a gap",
	.server_proves = true,
	.open = open_env,
	.close = close_env,
	.claims = claims,
	.make = make,
	.on_chunk = { [SIDE_CLIENT] = on_client_chunk, [SIDE_SERVER] = on_server_chunk },
	.on_gap = on_wire_gap,
	.on_passed_by = on_passed_by,
	.on_proxied = on_proxied,
	.on_half_end = on_half_end,
	.on_end = on_end,
	.free = free_reader,
	.on_unfollowed = on_unfollowed,
};

struct reader_kind tls_reader(const struct tls_reader_options *options)
{
	return (struct reader_kind){ &ops, options };
}

bool tls_is_locked(const struct tls_lane *lane)
{
	struct tls_env *env = lane->shared;

	return !env->directions.pages.is_unlocked && secrets_are_locked(env->secrets) &&
	       (!env->joiner || joiner_is_locked(env->joiner));
}

/* ---- time ---- */

/** look_at() - @c waits: is there what it waits for, or was it long enough? */
static void look_at(struct tls *c, bool news)
{
	if (news)
		tls_ask(c);
	if (c->state == TLS_SECRETS && wall_between(c->since, c->env->clock) > c->env->wait_ns)
		tls_give_up(c);
	if (c->is_detached && c->state != TLS_SECRETS)
		tls_destroy(c);
}

void tls_look_now(struct tls_lane *lane, int64_t ns)
{
	struct tls_env *env = lane->shared;
	uint64_t generation = secrets_generation(env->secrets), answers = env->joiner ? joiner_answers(env->joiner) : 0;
	bool news = generation != env->generation || answers != env->answers;
	struct tls *next;

	env->generation = generation;
	env->answers = answers;
	env->clock = wall_after(env->clock, ns);
	for (struct tls *c = env->waiting; c; c = next) {
		if (!news && wall_between(c->since, env->clock) <= env->wait_ns)
			break; /* who waits behind it has not waited for as long */
		next = c->next_waiting;
		look_at(c, news);
	}
}

void tls_finish(struct tls_lane *lane)
{
	struct tls_env *env = lane->shared;

	while (env && env->waiting) {
		struct tls *c = env->waiting;

		tls_ask(c);
		if (c->state == TLS_SECRETS)
			tls_give_up(c);
		if (c->is_detached)
			tls_destroy(c);
	}
}
