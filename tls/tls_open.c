/*
 * tls_open.c - a connection that is open: what the tracker tells, in the inner reader's terms
 *
 * An event goes to the records of its direction (direction.h), and what these say in plaintext to the inner reader,
 * which is made with the first of it. What the server says may have to wait for what the client had sent before
 * (put_off_response()).
 */
#include "tls/tls_impl.h"

#define LATE_NS (INT64_C(2) * NS_PER_S) /* for which the server's bytes wait for what the client sent before */

static void tell_late(struct tls *c, bool all);

/* ---- the inner reader ---- */

static void end_inner(struct tls *c, enum lost_reason why, bool seen)
{
	if (c->inner && c->result == READER_LIVE)
		c->inner->ops->on_end(c->inner, why, seen);
	if (c->inner)
		c->inner->ops->free(c->inner);
	c->inner = NULL;
}

static void sync_place(struct tls *c)
{
	const struct direction *d = &c->direction[SIDE_SERVER];

	c->place.next = d->plain;
	c->place.base = d->base;
	c->place.synced = !c->unread_server && !(c->join && tls_join_awaits_server(c));
	c->place.held_count = (c->server ? c->server->held_count : 0) + d->gapped;
	c->place.seen = true; /* it has said hello */
}

/** make_inner() - for the first plaintext; where some went by before it, for the first with which a request may begin */
static bool make_inner(struct tls *c, enum stream_side side, struct span bytes)
{
	const struct direction *server = &c->direction[SIDE_SERVER];
	const struct inner_kind *best = NULL;
	enum claim least = c->is_joined ? CLAIM_MAYBE : CLAIM_LIKELY;
	struct reader_start start = { .origin = c->origin, .server = &c->place, .from_first_byte = !c->is_joined };

	for (size_t i = 0; i < c->env->inner_count; i++) {
		enum claim claim = c->env->inner[i].ops->claims(bytes, side, !c->is_joined);

		if (claim < least || (best && claim == least))
			continue;
		best = &c->env->inner[i];
		least = claim;
	}
	start.server_passed_by = c->is_joined || server->plain - server->base != (side == SIDE_SERVER ? bytes.len : 0);
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
	tls_set_state(c, TLS_OVER);
	return false;
}

/** translate() - @chunk, with what its sender had read in plaintext */
static struct chunk translate(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct chunk out = *chunk;

	if (out.peer_known && !(side == SIDE_CLIENT && c->unread_server))
		out.peer_known = direction_plain_at(&c->direction[!side], chunk->peer_read, &out.peer_read);
	return out;
}

/**
 * begins_inside() - nothing was read between what began no request and @chunk: it is a part of that, whatever it looks like
 *
 * As in plain connections that are joined (reassembly/midstream.c).
 */
static bool begins_inside(const struct tls *c, const struct chunk *chunk)
{
	return c->passed.peer_known && chunk->peer_known && chunk->peer_read <= c->passed.peer_read;
}

static void note_passed(struct tls *c, const struct chunk *chunk)
{
	if (chunk->peer_known && !begins_inside(c, chunk))
		c->passed = (struct passed_by){ .peer_read = chunk->peer_read, .peer_known = true };
}

/* What the sender had read is translated only here: what the server said meanwhile may just have been told (on_gap()). */
static bool on_data(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct chunk piece;

	if (c->state != TLS_OPEN)
		return false;
	piece = translate(c, side, chunk);
	sync_place(c);
	if (!c->inner && c->is_joined && (side == SIDE_SERVER || begins_inside(c, chunk)))
		return true;
	if (!c->inner && !make_inner(c, side, piece.bytes)) {
		if (side == SIDE_CLIENT)
			note_passed(c, chunk);
		if (side == SIDE_CLIENT && !c->is_joined)
			tls_set_state(c, TLS_OVER); /* it is no HTTP */
		return c->state == TLS_OPEN;
	}
	return take_result(c, c->inner->ops->on_chunk[side](c->inner, &piece), side, &piece);
}

static bool on_gap(struct tls *c, enum stream_side side, uint32_t bytes, enum lost_reason why)
{
	sync_place(c);
	if (!c->inner && (c->is_joined || !c->origin.tls))
		return c->state == TLS_OPEN;
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

/** note_opened() - by which keys, where that was not known; what was TLS must not pass for plain */
static void note_opened(struct tls *c, enum stream_side side)
{
	if (!c->origin.tls && !tls_note_suite(c, c->direction[side].keys.suite))
		tls_leave(c, TLS_LOST);
}

static void client_opened(void *ctx)
{
	struct tls *c = ctx;

	tls_decide(c, TLS_READ);
	if (c->join)
		counter_add(&c->env->stats->tls_joined, 1);
	else if (c->is_joined)
		counter_add(&c->env->stats->tls_after_wait, 1);
	note_opened(c, SIDE_CLIENT);
}

static void server_opened(void *ctx)
{
	note_opened(ctx, SIDE_SERVER);
}

static struct direction_sink sink_of(struct tls *c, enum stream_side side)
{
	if (side == SIDE_CLIENT)
		return (struct direction_sink){ c, client_data, client_gap, client_close, client_opened };
	return (struct direction_sink){ c, server_data, server_gap, server_close, server_opened };
}

/* ---- what the tracker tells, once the connection is open ---- */

/**
 * leave_lost() - the client's records cannot be opened any more, or never could
 *
 * Where the secrets came behind what was counted, that says nothing against them: more records may be in doubt than are
 * tried, or keys have changed meanwhile. They came too late, as was said.
 */
static void leave_lost(struct tls *c)
{
	bool is_open = c->direction[SIDE_CLIENT].is_open;

	end_inner(c, LOST_GAP, false);
	if (is_open || !c->is_joined)
		tls_decide(c, is_open ? TLS_LOST : TLS_NO_KEYS);
	tls_set_state(c, TLS_OVER);
}

static void tell_bytes(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	struct direction_sink sink = sink_of(c, side);
	struct direction *d = &c->direction[side];

	direction_feed(d, &c->env->directions, &sink, chunk);
	if (side == SIDE_CLIENT && d->state == DIRECTION_LOST && c->state == TLS_OPEN)
		leave_lost(c);
}

/**
 * fate_of_unopened() - the secrets were known, but until the end no record of the client's was opened: did it send none?
 *
 * Of TLS 1.3 one record is the end of its handshake, under other keys. A client that only looks whether a server is there,
 * or does not like its certificate, sends no more, and that says nothing of the secrets.
 */
static enum tls_fate fate_of_unopened(const struct tls *c)
{
	const struct direction *d = &c->direction[SIDE_CLIENT];
	unsigned of_handshake = c->server_hello.version == TLS_1_3;

	if (d->gapped)
		return TLS_LOST;
	return c->direction[SIDE_SERVER].is_open || d->unopened <= of_handshake ? TLS_READ : TLS_NO_KEYS;
}

static void tell_end(struct tls *c, enum lost_reason why, bool seen)
{
	for (int side = 0; side < SIDES; side++) {
		struct direction_sink sink = sink_of(c, (enum stream_side)side);

		direction_end(&c->direction[side], &sink);
	}
	if (!tls_has_fate(c))
		tls_decide(c, fate_of_unopened(c));
	sync_place(c);
	end_inner(c, why, seen);
	tls_set_state(c, TLS_OVER);
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

void tls_tell(struct tls *c, const struct tls_waiting *w)
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

/* Most bytes come when nothing waits, and they need not look as if they did. */
void tls_tell_bytes(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	if (c->late.first || (side == SIDE_SERVER && chunk->peer_known && is_ahead(c, chunk)))
		tls_tell(c, &(struct tls_waiting){ .event = TLS_BYTES, .side = side, .chunk = *chunk, .now = c->env->clock });
	else
		tell_bytes(c, side, chunk);
}

bool tls_tell_half_end(struct tls *c, enum stream_side side)
{
	struct tls_waiting w = { .event = TLS_HALF_END, .side = side };
	bool awaits;

	if (put_off_response(c, &w))
		return true;
	sync_place(c);
	awaits = c->inner && c->inner->ops->on_half_end(c->inner, side);
	return awaits || c->late.first;
}
