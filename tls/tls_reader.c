/*
 * tls_reader.c - see tls_reader.h
 *
 * A connection is in one state, set by set_state(); an event of the tracker's goes
 * into the queue or is told (tell()), which is also what becomes of those in the
 * queue once the connection is open.
 *
 *      TLS_HELLOS    what both sides say in the clear is not here yet
 *      TLS_SECRETS   it is, but what opens the rest isn't known
 *      TLS_OPEN      plaintext goes to the inner reader
 *      TLS_OVER      nothing more is read
 */
#include "tls/tls_reader.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "reassembly/client_hello.h"
#include "tls/direction.h"
#include "tls/hello.h"
#include "tls/records.h"
#include "tls/tls_queue.h"

#define LATE_NS      (INT64_C(2) * NS_PER_S) /* for which the server's bytes wait for what the client sent before */
#define CIPHER_BYTES 1200 /* of one that OpenSSL has set up, about */

enum tls_state { TLS_HELLOS, TLS_SECRETS, TLS_OPEN, TLS_OVER };

struct inner_kind {
	const struct reader_ops *ops;
	void *shared;
};

/** struct tls_env - what a lane's connections share */
struct tls_env {
	struct direction_env directions;
	struct secrets *secrets;
	bool may_come;
	int64_t wait_ns;
	struct inner_kind inner[TLS_INNER_MAX];
	size_t inner_count;
	struct budget *budget;
	struct tls_stats *stats;
	struct counted_histogram *late_us;
	struct tls_lane *lane;
	struct wall clock;    /* the latest capture time that was told */
	struct tls *waiting;  /* those in TLS_SECRETS, the one that waits for longest first */
	struct tls **waiting_end;
	uint64_t generation;  /* of the secrets, when those that wait were looked at last */
	struct buffer scratch;
};

/** struct tls - a connection */
struct tls {
	struct reader reader; /* first */
	struct tls_env *env;
	enum tls_state state;
	bool from_first_byte, has_fate, is_detached, unread_server;
	bool has_client_hello, has_server_hello;
	bool catches_up;            /* what had waited is read, and no record was opened yet */
	enum tls_fate fate;
	struct request_origin origin;
	const struct stream_place *server; /* the tracker's; NULL once detached */
	struct stream_place place;         /* ... of the server's plaintext */
	struct client_hello client_hello;
	struct server_hello server_hello;
	struct buffer first[SIDES]; /* bytes of a side whose hello is not whole */
	struct tls_queue queue;            /* until it is open */
	struct tls_queue late;             /* of the server, open: see put_off_response() */
	struct tls *next_waiting;
	struct wall since;          /* with TLS_SECRETS */
	struct direction direction[SIDES];
	struct reader *inner;
	enum reader_result result;  /* of the inner reader, once it wants no more */
	size_t charged;
};

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

static void set_state(struct tls *c, enum tls_state state)
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
}

/** decide() - what became of the connection; a later word replaces an earlier one */
static void decide(struct tls *c, enum tls_fate fate)
{
	struct tls_stats *stats = c->env->stats;

	if (c->has_fate)
		counter_sub(&stats->tls_fate[c->fate], 1);
	else
		counter_add(&stats->tls_seen, 1);
	c->has_fate = true;
	c->fate = fate;
	counter_add(&stats->tls_fate[fate], 1);
	if (fate == TLS_NO_KEYS && c->state == TLS_OPEN)
		counter_add(&stats->tls_misfit, 1);
}

static void end_inner(struct tls *c, enum lost_reason why, bool seen)
{
	if (c->inner && c->result == READER_LIVE)
		c->inner->ops->on_end(c->inner, why, seen);
	if (c->inner)
		c->inner->ops->free(c->inner);
	c->inner = NULL;
}

/** leave() - nothing more of it is read */
static void leave(struct tls *c, enum tls_fate fate)
{
	decide(c, fate);
	set_state(c, TLS_OVER);
}

static void tell_late(struct tls *c, bool all);

/* ---- the inner reader ---- */

static void sync_place(struct tls *c)
{
	const struct direction *d = &c->direction[SIDE_SERVER];

	c->place.next = d->plain;
	c->place.base = d->base;
	c->place.synced = !c->unread_server;
	c->place.held_count = (c->server ? c->server->held_count : 0) + d->gapped;
	c->place.seen = true; /* it has said hello */
}

static bool make_inner(struct tls *c, enum stream_side side, struct span bytes)
{
	const struct direction *server = &c->direction[SIDE_SERVER];
	const struct inner_kind *best = NULL;
	enum claim least = CLAIM_LIKELY;
	struct reader_start start = { .origin = c->origin, .server = &c->place, .from_first_byte = true };

	for (size_t i = 0; i < c->env->inner_count; i++) {
		enum claim claim = c->env->inner[i].ops->claims(bytes, side, true);

		if (claim < least || (best && claim == least))
			continue;
		best = &c->env->inner[i];
		least = claim;
	}
	start.server_passed_by = server->plain - server->base != (side == SIDE_SERVER ? bytes.len : 0);
	if (best)
		c->inner = best->ops->make(best->shared, &start);
	return c->inner != NULL;
}

/** make_inner_for_gap() - the first plaintext is missing, so there is nothing to claim: it is the first kind's */
static bool make_inner_for_gap(struct tls *c)
{
	struct reader_start start = { .origin = c->origin, .server = &c->place, .from_first_byte = true };

	c->inner = c->env->inner[0].ops->make(c->env->inner[0].shared, &start);
	return c->inner != NULL;
}

/** take_result() - does the inner reader go on? */
static bool take_result(struct tls *c, enum reader_result result, enum stream_side side, const struct chunk *chunk)
{
	struct reader *after;

	if (result == READER_HANDS_ON) {
		after = c->inner->ops->hand_on(c->inner, side, chunk);
		if (after) {
			c->inner->ops->free(c->inner);
			c->inner = after;
			return true;
		}
	}
	if (result == READER_LIVE)
		return true;
	c->result = result;
	set_state(c, TLS_OVER);
	return false;
}

static bool on_data(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	sync_place(c);
	if (!c->inner && !make_inner(c, side, chunk->bytes)) {
		if (side == SIDE_CLIENT)
			set_state(c, TLS_OVER); /* it is no HTTP */
		return side == SIDE_SERVER;
	}
	return take_result(c, c->inner->ops->on_chunk[side](c->inner, chunk), side, chunk);
}

static bool on_gap(struct tls *c, enum stream_side side, uint32_t bytes, enum lost_reason why)
{
	sync_place(c);
	if (!c->inner && (side == SIDE_SERVER || !make_inner_for_gap(c)))
		return side == SIDE_SERVER;
	c->inner->ops->on_gap(c->inner, side, bytes, why, c->env->clock);
	if (side == SIDE_CLIENT)
		tell_late(c, false); /* what the server said of the gap's end comes before what is behind it */
	return c->state == TLS_OPEN;
}

static bool client_data(void *ctx, const struct chunk *chunk)
{
	return on_data(ctx, SIDE_CLIENT, chunk);
}

static bool server_data(void *ctx, const struct chunk *chunk)
{
	return on_data(ctx, SIDE_SERVER, chunk);
}

static bool client_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	return on_gap(ctx, SIDE_CLIENT, bytes, why);
}

static bool server_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	return on_gap(ctx, SIDE_SERVER, bytes, why);
}

/* A client that says that it sends no more may still be answered; its FIN will tell. */
static bool client_close(void *ctx)
{
	(void)ctx;
	return true;
}

static bool server_close(void *ctx)
{
	struct tls *c = ctx;

	sync_place(c);
	if (c->inner)
		c->inner->ops->on_half_end(c->inner, SIDE_SERVER);
	return true;
}

static void client_opened(void *ctx)
{
	decide(ctx, TLS_READ);
}

static void server_opened(void *ctx)
{
	(void)ctx;
}

static struct direction_sink sink_of(struct tls *c, enum stream_side side)
{
	if (side == SIDE_CLIENT)
		return (struct direction_sink){ c, client_data, client_gap, client_close, client_opened };
	return (struct direction_sink){ c, server_data, server_gap, server_close, server_opened };
}

/* ---- what the tracker tells, once the connection is open ---- */

/** translate() - @chunk, with what its sender had read in plaintext */
static struct chunk translate(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct chunk out = *chunk;

	if (out.peer_known && !(side == SIDE_CLIENT && c->unread_server))
		out.peer_known = direction_plain_at(&c->direction[!side], chunk->peer_read, &out.peer_read);
	return out;
}

static void tell_bytes(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct direction_sink sink = sink_of(c, side);
	struct chunk piece = translate(c, side, chunk);
	struct direction *d = &c->direction[side];

	direction_feed(d, &c->env->directions, &sink, &piece);
	if (side == SIDE_CLIENT && d->state == DIRECTION_LOST && c->state == TLS_OPEN) {
		end_inner(c, LOST_GAP, false);
		leave(c, d->is_open ? TLS_LOST : TLS_NO_KEYS);
	}
}

/** fate_of_unopened() - the secrets were known, but until the end no record of the client's was opened: did it send none? */
static enum tls_fate fate_of_unopened(const struct tls *c)
{
	const struct direction *d = &c->direction[SIDE_CLIENT];

	if (d->gapped)
		return TLS_LOST;
	return c->direction[SIDE_SERVER].is_open ? TLS_READ : TLS_NO_KEYS;
}

static void tell_end(struct tls *c, enum lost_reason why, bool seen)
{
	for (int side = 0; side < SIDES; side++) {
		struct direction_sink sink = sink_of(c, (enum stream_side)side);

		direction_end(&c->direction[side], &sink);
	}
	if (!c->has_fate)
		decide(c, fate_of_unopened(c));
	sync_place(c);
	end_inner(c, why, seen);
	set_state(c, TLS_OVER);
}

static void tell_gap(struct tls *c, enum stream_side side, uint32_t bytes, enum lost_reason why)
{
	struct direction_sink sink = sink_of(c, side);

	direction_gap(&c->direction[side], &c->env->directions, &sink, bytes, why);
}

/** note_late() - the first record that the secrets open, which came at @came, has waited for them until now */
static void note_late(struct tls *c, struct wall came)
{
	int64_t ns = wall_between(came, c->env->clock), since = wall_between(c->since, c->env->clock);

	c->catches_up = false;
	if (since < ns) /* before that it waited for the hellos */
		ns = since;
	if (ns > 0)
		counted_histogram_add(c->env->late_us, (uint64_t)(ns / NS_PER_US));
}

static void tell_now(struct tls *c, const struct tls_waiting *w)
{
	switch (w->event) {
	case TLS_BYTES:
		tell_bytes(c, w->side, &w->chunk);
		if (c->catches_up && c->direction[w->side].is_open)
			note_late(c, w->now);
		break;
	case TLS_GAP:
		tell_gap(c, w->side, w->gap, w->why);
		break;
	case TLS_HALF_END:
		sync_place(c);
		if (c->inner)
			c->inner->ops->on_half_end(c->inner, w->side);
		break;
	case TLS_END:
		tell_end(c, w->why, w->seen);
		break;
	}
}

/** is_ahead() - had the server read more of the client than is known here, when it sent @chunk? */
static bool is_ahead(const struct tls *c, const struct chunk *chunk)
{
	const struct direction *client = &c->direction[SIDE_CLIENT];

	return direction_is_behind(client, chunk->peer_read) || direction_holds(client, chunk->peer_read);
}

/**
 * put_off_response() - is @w the server's, and of a time at which it had read more of the client than is known here?
 *
 * How much plaintext that was shows with the client's next records, which may still be held behind a gap; and without
 * it a request behind that gap is not known by its response. So it waits for them, and all that follows it does.
 * Likewise it waits for the client to say that its early data were taken, which they may be answered before.
 */
static bool put_off_response(struct tls *c, const struct tls_waiting *w)
{
	if (w->side != SIDE_SERVER || w->event == TLS_END)
		return false;
	if (!c->late.first && !(w->event == TLS_BYTES && w->chunk.peer_known && is_ahead(c, &w->chunk)))
		return false;
	return tls_queue_add(&c->late, c->env->budget, w);
}

/** is_late_enough() - need the first of what was put off wait no longer? */
static bool is_late_enough(const struct tls *c)
{
	const struct tls_waiting *w = c->late.first;

	return w->event != TLS_BYTES || !is_ahead(c, &w->chunk) || wall_between(w->chunk.at, c->env->clock) > LATE_NS;
}

static void tell_late(struct tls *c, bool all)
{
	struct tls_waiting *w;

	while (c->state == TLS_OPEN && c->late.first && (all || is_late_enough(c))) {
		w = tls_queue_take(&c->late);
		tell_now(c, w);
		tls_waiting_free(&c->late, c->env->budget, w);
	}
}

static void tell(struct tls *c, const struct tls_waiting *w)
{
	if (put_off_response(c, w))
		return;
	if (c->late.first)
		tell_late(c, w->side == SIDE_SERVER || w->event == TLS_END); /* for the server's there was no room */
	if (c->state == TLS_OPEN)
		tell_now(c, w);
	if (c->late.first)
		tell_late(c, false);
}

/* ---- opening ---- */

static int make_keys(struct tls *c, const struct suite *suite, const struct secrets_found *found, enum stream_side side)
{
	enum tls_secret_kind kind = side == SIDE_CLIENT ? TLS_CLIENT_TRAFFIC : TLS_SERVER_TRAFFIC;
	struct stream_keys *keys = &c->direction[side].keys;
	struct span master = span_of(found->secret[TLS_MASTER_SECRET], found->len[TLS_MASTER_SECRET]);
	struct agreed agreed = { c->client_hello.random, c->server_hello.random, c->server_hello.encrypt_then_mac,
				 side == SIDE_SERVER };

	if (suite->version == TLS_1_3)
		return stream_keys_from_secret(keys, suite, span_of(found->secret[kind], found->len[kind]));
	return stream_keys_from_master(keys, suite, master, &agreed);
}

/** has_enough() - the client's direction is what is read; without the server's it is read alone */
static bool has_enough(const struct tls *c, const struct secrets_found *found)
{
	return found->len[c->server_hello.version == TLS_1_3 ? TLS_CLIENT_TRAFFIC : TLS_MASTER_SECRET] > 0;
}

/** open_with() - false if keys cannot be made of what was found */
static bool open_with(struct tls *c, const struct secrets_found *found)
{
	const struct suite *suite = suite_find(c->server_hello.version, c->server_hello.suite);
	size_t charge = 2 * CIPHER_BYTES;

	if (!budget_charge(c->env->budget, charge))
		return false;
	c->charged += charge;
	if (make_keys(c, suite, found, SIDE_CLIENT) < 0)
		return false;
	c->unread_server = make_keys(c, suite, found, SIDE_SERVER) < 0;
	if (suite->version == TLS_1_3 && c->client_hello.early_data && found->len[TLS_CLIENT_EARLY] > 0)
		stream_keys_from_secret(&c->direction[SIDE_CLIENT].early, suite,
					span_of(found->secret[TLS_CLIENT_EARLY], found->len[TLS_CLIENT_EARLY]));
	c->origin.tls = tls_session_new(suite->version, suite->name, c->client_hello.name);
	return c->origin.tls != NULL;
}

static void read_queue(struct tls *c)
{
	struct tls_waiting *w;

	c->catches_up = true;
	while (c->state == TLS_OPEN && (w = tls_queue_take(&c->queue))) {
		tell(c, w);
		tls_waiting_free(&c->queue, c->env->budget, w);
	}
	c->catches_up = false;
}

/** give_up() - no secret, or not in time */
static void give_up(struct tls *c)
{
	leave(c, c->client_hello.has_ech ? TLS_ECH : TLS_NO_KEYS);
}

/** ask() - for the secrets; with them all that waits is read */
static void ask(struct tls *c)
{
	struct secrets_found found;
	bool is_open;

	if (!secrets_find(c->env->secrets, c->client_hello.random, &found))
		return;
	if (!has_enough(c, &found)) {
		OPENSSL_cleanse(&found, sizeof(found));
		return;
	}
	is_open = open_with(c, &found);
	OPENSSL_cleanse(&found, sizeof(found));
	if (!is_open) {
		give_up(c);
		return;
	}
	set_state(c, TLS_OPEN);
	read_queue(c);
}

/** both_said_hello() - what is known now says whether the rest may be read */
static void both_said_hello(struct tls *c)
{
	if (!suite_find(c->server_hello.version, c->server_hello.suite) || c->server_hello.compresses) {
		leave(c, TLS_UNSUPPORTED);
		return;
	}
	set_state(c, TLS_SECRETS);
	ask(c);
	if (c->state == TLS_SECRETS && !c->env->may_come)
		give_up(c);
}

static enum hello_result read_hello(struct tls *c, enum stream_side side, struct span bytes)
{
	if (side == SIDE_CLIENT)
		return client_hello_read(bytes, &c->env->scratch, &c->client_hello);
	return server_hello_read(bytes, &c->env->scratch, &c->server_hello);
}

/** look_for_hello() - in the bytes of @side up to @bytes, which lie at @offset and are in the queue already */
static void look_for_hello(struct tls *c, enum stream_side side, struct span bytes, uint64_t offset)
{
	bool *has = side == SIDE_CLIENT ? &c->has_client_hello : &c->has_server_hello;
	struct buffer *first = &c->first[side];

	if (*has)
		return;
	if (first->len == 0)
		direction_init(&c->direction[side], offset, side == SIDE_SERVER);
	if (first->len > 0) {
		buffer_add_span(first, bytes);
		bytes = buffer_span(first);
	}
	switch (read_hello(c, side, bytes)) {
	case HELLO_WHOLE:
		*has = true;
		buffer_deinit(first);
		break;
	case HELLO_MORE:
		if (first->len == 0)
			buffer_add_span(first, bytes);
		if (!buffer_ok(first) || first->len > HELLO_MAX)
			leave(c, TLS_LOST);
		return;
	case HELLO_BAD:
		leave(c, TLS_UNSUPPORTED);
		return;
	case HELLO_ALERT: /* there will be no connection */
		set_state(c, TLS_OVER);
		return;
	}
	if (c->has_client_hello && c->has_server_hello)
		both_said_hello(c);
}

/* ---- what the tracker tells ---- */

static enum reader_result result_of(const struct tls *c)
{
	return c->state == TLS_OVER ? READER_LEFT : READER_LIVE;
}

/** put_off() - what cannot be read yet */
static void put_off(struct tls *c, const struct tls_waiting *what)
{
	if (tls_queue_add(&c->queue, c->env->budget, what))
		return;
	if (c->state == TLS_SECRETS)
		give_up(c);
	else
		leave(c, TLS_LOST);
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

static enum reader_result on_chunk(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct tls_waiting w = { .event = TLS_BYTES, .side = side, .chunk = *chunk };

	follow_clock(c->env, chunk->at);
	w.now = c->env->clock;
	if (c->state == TLS_OPEN) {
		tell(c, &w);
		return result_of(c);
	}
	if (c->state == TLS_HELLOS && is_unreadable(c))
		return READER_REFUSED;
	if (c->state == TLS_HELLOS && side == SIDE_CLIENT && !c->has_client_hello && !c->from_first_byte &&
	    !tls_hello_match(chunk->bytes) && c->first[side].len == 0) {
		leave(c, TLS_MIDSTREAM);
		return READER_LEFT;
	}
	if (c->state != TLS_OVER)
		put_off(c, &w);
	if (c->state == TLS_HELLOS)
		look_for_hello(c, side, chunk->bytes, chunk->offset);
	if (c->state == TLS_SECRETS)
		tls_look(c->env->lane, 0);
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

static void on_wire_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	struct tls *c = tls_of(r);
	struct tls_waiting w = { .event = TLS_GAP, .side = side, .gap = bytes, .why = why, .now = now };

	follow_clock(c->env, now);
	if (c->state == TLS_OPEN)
		tell(c, &w);
	else if (c->state == TLS_HELLOS && !(side == SIDE_CLIENT ? c->has_client_hello : c->has_server_hello))
		leave(c, TLS_LOST);
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

	if (c->state == TLS_OPEN && put_off_response(c, &w))
		return true;
	if (c->state == TLS_OPEN) {
		bool awaits;

		sync_place(c);
		awaits = c->inner && c->inner->ops->on_half_end(c->inner, side);
		return awaits || c->late.first;
	}
	if (c->state != TLS_OVER)
		put_off(c, &w);
	return c->state != TLS_OVER;
}

static void on_end(struct reader *r, enum lost_reason why, bool seen)
{
	struct tls *c = tls_of(r);
	struct tls_waiting w = { .event = TLS_END, .why = why, .seen = seen };

	if (c->state == TLS_OPEN)
		tell(c, &w);
	else if (c->state == TLS_SECRETS)
		put_off(c, &w);
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
	struct tls_env *env = shared;
	struct tls *c;

	if (!budget_charge(env->budget, sizeof(*c)))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c) {
		budget_release(env->budget, sizeof(*c));
		return NULL;
	}
	c->reader.ops = &ops;
	c->env = env;
	c->charged = sizeof(*c);
	c->from_first_byte = start->from_first_byte;
	c->origin = start->origin;
	c->server = start->server;
	tls_queue_init(&c->queue);
	tls_queue_init(&c->late);
	return &c->reader;
}

static void destroy(struct tls *c)
{
	struct tls_env *env = c->env;

	set_state(c, TLS_OVER);
	if (c->inner)
		c->inner->ops->free(c->inner);
	for (int side = 0; side < SIDES; side++) {
		direction_deinit(&c->direction[side], &env->directions);
		buffer_deinit(&c->first[side]);
	}
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
		destroy(c);
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
		destroy(c); /* detached, or the tracker would have freed it */
	}
	close_inner(env);
	buffer_deinit(&env->scratch);
	OPENSSL_cleanse(env->directions.room, sizeof(env->directions.room));
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

/* ---- time ---- */

/** look_at() - @c waits: is there what it waits for, or was it long enough? */
static void look_at(struct tls *c, bool news)
{
	if (news)
		ask(c);
	if (c->state == TLS_SECRETS && wall_between(c->since, c->env->clock) > c->env->wait_ns)
		give_up(c);
	if (c->is_detached && c->state != TLS_SECRETS)
		destroy(c);
}

void tls_look_now(struct tls_lane *lane, int64_t ns)
{
	struct tls_env *env = lane->shared;
	uint64_t generation = secrets_generation(env->secrets);
	bool news = generation != env->generation;
	struct tls *next;

	env->generation = generation;
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

		ask(c);
		if (c->state == TLS_SECRETS)
			give_up(c);
		if (c->is_detached)
			destroy(c);
	}
}
