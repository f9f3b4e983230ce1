/*
 * tls_reader.c - see tls_reader.h
 *
 * A connection is in one state, set by tls_set_state(); an event of the tracker's goes
 * into the queue or is told (tls_tell()), which is also what becomes of those in the
 * queue once the connection is open.
 */
#include "tls/tls_reader.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "reassembly/client_hello.h"
#include "tls/records.h"
#include "tls/tls_impl.h"

#define CIPHER_BYTES     1200 /* of one that OpenSSL has set up, about */
#define DIRECTIONS_BYTES (SIDES * sizeof(struct direction)) /* charged from the start, for it is then that idle ones make room */

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

/* ---- opening ---- */

static bool has_hellos(const struct tls *c)
{
	return c->hello[SIDE_CLIENT] != TLS_HELLO_AWAITED && c->hello[SIDE_SERVER] != TLS_HELLO_AWAITED;
}

static bool lost_server_hello(const struct tls *c)
{
	return c->hello[SIDE_SERVER] == TLS_HELLO_LOST;
}

/** make_traffic_keys() - TLS 1.3; where the suite is not known, those of each that has such a secret */
static int make_traffic_keys(struct tls *c, const struct suite *suite, struct span secret, enum stream_side side)
{
	int err = suite ? direction_add_keys(&c->direction[side], &c->env->directions, suite, secret) : -EINVAL;

	for (size_t i = 0; !suite && (suite = suite_of_secret(secret.len, i)); i++, suite = NULL) {
		err = direction_add_keys(&c->direction[side], &c->env->directions, suite, secret);
		if (err < 0)
			return err;
	}
	return err;
}

static int make_keys(struct tls *c, const struct suite *suite, const struct secrets_found *found, enum stream_side side)
{
	enum tls_secret_kind kind = side == SIDE_CLIENT ? TLS_CLIENT_TRAFFIC : TLS_SERVER_TRAFFIC;
	struct span master = span_of(found->secret[TLS_MASTER_SECRET], found->len[TLS_MASTER_SECRET]);
	struct agreed agreed = { c->random, c->server_hello.random, c->server_hello.encrypt_then_mac,
				 side == SIDE_SERVER };

	if (c->server_hello.version == TLS_1_3)
		return make_traffic_keys(c, suite, span_of(found->secret[kind], found->len[kind]), side);
	return stream_keys_from_master(&c->direction[side].keys, suite, master, &agreed);
}

/** has_enough() - the client's direction is what is read; without the server's it is read alone */
static bool has_enough(const struct tls *c, const struct secrets_found *found)
{
	return found->len[c->server_hello.version == TLS_1_3 ? TLS_CLIENT_TRAFFIC : TLS_MASTER_SECRET] > 0;
}

/** is_hopeless() - of TLS 1.2 the ServerHello has a part of the keys */
static bool is_hopeless(const struct tls *c, const struct secrets_found *found)
{
	return lost_server_hello(c) && found->len[TLS_MASTER_SECRET] > 0;
}

static void make_early_keys(struct tls *c, const struct suite *suite, const struct secrets_found *found)
{
	struct span secret = span_of(found->secret[TLS_CLIENT_EARLY], found->len[TLS_CLIENT_EARLY]);

	if (suite && suite->version == TLS_1_3 && c->offers.early_data && secret.len > 0)
		stream_keys_from_secret(&c->direction[SIDE_CLIENT].early, suite, secret, &c->env->directions.pages);
}

bool tls_note_suite(struct tls *c, const struct suite *suite)
{
	c->origin.tls = tls_session_new(suite->version, suite->name, c->name ? c->name : "", c->random);
	return c->origin.tls != NULL;
}

static bool charge(struct tls *c, size_t bytes)
{
	if (!budget_charge(c->env->budget, bytes))
		return false;
	c->charged += bytes;
	return true;
}

bool tls_make_directions(struct tls *c)
{
	c->direction = calloc(SIDES, sizeof(*c->direction));
	for (int side = 0; c->direction && side < SIDES; side++)
		direction_init(&c->direction[side], c->base[side], side == SIDE_SERVER);
	return c->direction != NULL;
}

static bool make_room(struct tls_env *env, const struct tls *c);

/** open_with() - false if keys cannot be made of what was found; @no_room: for want of memory */
static bool open_with(struct tls *c, const struct secrets_found *found, bool *no_room)
{
	const struct suite *suite = lost_server_hello(c) ? NULL : suite_find(c->server_hello.version, c->server_hello.suite);
	size_t bytes = SIDES * CIPHER_BYTES * (suite ? 1 : 1 + DIRECTION_OTHERS) + (c->state == TLS_COUNTED ? DIRECTIONS_BYTES : 0);

	*no_room = false;
	while (!charge(c, bytes))
		if (!make_room(c->env, c)) {
			*no_room = true;
			return false;
		}
	if (!c->direction && !tls_make_directions(c))
		return false;
	if (make_keys(c, suite, found, SIDE_CLIENT) < 0)
		return false;
	c->unread_server = make_keys(c, suite, found, SIDE_SERVER) < 0;
	make_early_keys(c, suite, found);
	return !suite || tls_note_suite(c, suite);
}

void tls_read_queue(struct tls *c)
{
	struct tls_waiting *w;

	c->catches_up = !c->join;
	while (c->state == TLS_OPEN && c->queue.first && !(c->join && tls_join_holds(c, c->queue.first))) {
		w = tls_queue_take(&c->queue);
		if (c->join)
			tls_join_tell(c, w);
		else
			tls_tell(c, w);
		tls_waiting_free(&c->queue, c->env->budget, w);
	}
	c->catches_up = false;
}

static enum tls_fate fate_without_keys(const struct tls *c)
{
	if (c->join)
		return TLS_MIDSTREAM;
	if (lost_server_hello(c))
		return TLS_LOST;
	return c->offers.ech ? TLS_ECH : TLS_NO_KEYS;
}

/** count_event() - what is not kept any more */
static void count_event(struct tls *c, const struct tls_waiting *w)
{
	switch (w->event) {
	case TLS_BYTES:
		record_count_bytes(&c->count[w->side], w->chunk.offset, w->chunk.bytes);
		break;
	case TLS_GAP:
		record_count_gap(&c->count[w->side], w->gap);
		break;
	case TLS_HALF_END:
		break;
	case TLS_END:
		tls_set_state(c, TLS_OVER);
		break;
	}
}

/** start_counting() - with what has waited */
static void start_counting(struct tls *c)
{
	struct tls_waiting *w;

	for (int side = 0; side < SIDES; side++)
		record_count_start(&c->count[side], c->base[side], c->server_hello.version == TLS_1_3);
	tls_set_state(c, TLS_COUNTED);
	c->charged -= DIRECTIONS_BYTES;
	budget_release(c->env->budget, DIRECTIONS_BYTES);
	while (c->state == TLS_COUNTED && (w = tls_queue_take(&c->queue))) {
		count_event(c, w);
		tls_waiting_free(&c->queue, c->env->budget, w);
	}
}

/** stop_waiting() - where a secret may come yet, what it opens then is found by counting */
static void stop_waiting(struct tls *c)
{
	if (c->env->may_come && !c->is_detached && !c->join)
		start_counting(c);
	else
		tls_set_state(c, TLS_OVER);
}

/** give_up() - no secret, or not in time */
static void give_up(struct tls *c)
{
	if (c->join && tls_join_give_up(c))
		return;
	tls_decide(c, fate_without_keys(c));
	stop_waiting(c);
}

/** give_way() - there is no memory for waiting any longer */
static void give_way(struct tls *c)
{
	if (c->join && tls_join_give_up(c))
		return;
	tls_decide_no_room(c, fate_without_keys(c));
	stop_waiting(c);
}

/** join() - the secrets have come, after all: behind what was counted */
static void join(struct tls *c)
{
	bool kept = true;

	c->is_joined = true;
	for (int side = 0; side < SIDES; side++)
		if (c->direction[side].keys.suite)
			kept = direction_join(&c->direction[side], &c->env->directions, &c->count[side]) && kept;
	if (!kept)
		tls_leave(c, TLS_LOST);
}

/** ask() - for the secrets; with them all that waits is read */
static void ask(struct tls *c)
{
	struct secrets_found found;
	bool is_open, no_room, was_counted = c->state == TLS_COUNTED;

	if (c->join && !tls_join_ask(c))
		return;
	if (!secrets_find(c->env->secrets, c->random, &found))
		return;
	if (is_hopeless(c, &found))
		tls_leave(c, TLS_LOST);
	if (c->state == TLS_OVER || !has_enough(c, &found)) {
		OPENSSL_cleanse(&found, sizeof(found));
		return;
	}
	is_open = open_with(c, &found, &no_room);
	OPENSSL_cleanse(&found, sizeof(found));
	if (no_room)
		tls_decide_no_room(c, fate_without_keys(c));
	else if (!is_open)
		tls_decide(c, fate_without_keys(c));
	if (!is_open) {
		tls_set_state(c, TLS_OVER);
		return;
	}
	tls_set_state(c, TLS_OPEN);
	if (was_counted)
		join(c);
	else
		tls_read_queue(c);
	if (c->state == TLS_SECRETS) /* the server's are asked for by themselves */
		ask(c);
}

/** both_said_hello() - what is known now says whether the rest may be read */
static void both_said_hello(struct tls *c)
{
	if (!lost_server_hello(c) &&
	    (!suite_find(c->server_hello.version, c->server_hello.suite) || c->server_hello.compresses)) {
		unsupported_add(&c->env->lane->unsupported,
				UNSUPPORTED(c->server_hello.version, c->server_hello.suite, c->server_hello.compresses), 1);
		tls_leave(c, TLS_UNSUPPORTED);
		return;
	}
	tls_set_state(c, TLS_SECRETS);
	ask(c);
	if (c->state == TLS_SECRETS && !c->env->may_come)
		give_up(c);
}

static void destroy(struct tls *c);

/** make_room() - who waits for its secrets longest waits no more; false if that is @c, or none does */
static bool make_room(struct tls_env *env, const struct tls *c)
{
	struct tls *oldest = env->waiting;

	if (!oldest || oldest == c)
		return false;
	give_way(oldest);
	if (oldest->is_detached)
		destroy(oldest);
	return true;
}

/** take_client_hello() - what is kept of it; false: there is no memory for it */
static bool take_client_hello(struct tls *c, const struct client_hello *hello)
{
	size_t len = strlen(hello->name);

	memcpy(c->random, hello->random, sizeof(c->random));
	c->offers.ech = hello->has_ech;
	c->offers.early_data = hello->early_data;
	c->hello[SIDE_CLIENT] = TLS_HELLO_KNOWN;
	if (len == 0)
		return true;
	while (!charge(c, len))
		if (!make_room(c->env, c))
			return false;
	c->name = strdup(hello->name);
	return c->name != NULL;
}

static enum hello_result read_client_hello(struct tls *c, struct span bytes)
{
	struct client_hello hello;
	enum hello_result result = client_hello_read(bytes, &c->env->scratch, &hello);

	if (result == HELLO_WHOLE && !take_client_hello(c, &hello)) {
		tls_decide_no_room(c, TLS_NO_KEYS);
		tls_set_state(c, TLS_OVER);
	}
	return result;
}

static enum hello_result read_server_hello(struct tls *c, struct span bytes)
{
	enum hello_result result = server_hello_read(bytes, &c->env->scratch, &c->server_hello);

	if (result == HELLO_WHOLE)
		c->hello[SIDE_SERVER] = TLS_HELLO_KNOWN;
	return result;
}

/** set_base() - @offset: of the first byte of @side */
static void set_base(struct tls *c, enum stream_side side, uint64_t offset)
{
	if (!c->has_base[side])
		c->base[side] = offset;
	c->has_base[side] = true;
}

/**
 * lose_hello() - a gap has its end, or all of it; is enough of it known?
 *
 * Of the client's, the random has to be there, which stands at its start. Of the server's nothing, if it was of TLS 1.3.
 */
static bool lose_hello(struct tls *c, enum stream_side side)
{
	struct client_hello hello;
	bool kept = true;

	if (side == SIDE_CLIENT) {
		if (client_hello_begin(buffer_span(&c->first[side]), &hello))
			kept = take_client_hello(c, &hello);
	} else {
		set_base(c, side, c->server && c->server->synced ? c->server->base : 0);
		c->hello[side] = TLS_HELLO_LOST;
		c->server_hello = (struct server_hello){ .version = TLS_1_3 };
	}
	buffer_deinit(&c->first[side]);
	return kept && c->hello[side] != TLS_HELLO_AWAITED;
}

/** look_for_hello() - in the bytes of @side up to @bytes, which are in the queue already */
static void look_for_hello(struct tls *c, enum stream_side side, struct span bytes)
{
	struct buffer *first = &c->first[side];

	if (c->hello[side] != TLS_HELLO_AWAITED)
		return;
	if (first->len > 0) {
		buffer_add_span(first, bytes);
		bytes = buffer_span(first);
	}
	switch (side == SIDE_CLIENT ? read_client_hello(c, bytes) : read_server_hello(c, bytes)) {
	case HELLO_WHOLE:
		buffer_deinit(first);
		break;
	case HELLO_MORE:
		if (first->len == 0)
			buffer_add_span(first, bytes);
		if (!buffer_ok(first) || first->len > HELLO_MAX)
			tls_leave(c, TLS_LOST);
		return;
	case HELLO_BAD:
		tls_leave(c, TLS_UNSUPPORTED);
		return;
	case HELLO_ALERT: /* there will be no connection */
		tls_set_state(c, TLS_OVER);
		return;
	}
	if (has_hellos(c) && c->state == TLS_HELLOS)
		both_said_hello(c);
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
		if (tls_queue_is_full(&c->queue, what) || !make_room(c->env, c))
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
	give_way(c);
	if (c->state == TLS_COUNTED)
		count_event(c, what);
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
		ask(c);
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
		look_for_hello(c, side, chunk->bytes);
	if (c->state == TLS_SECRETS && c->join)
		ask(c);
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
		ask(c);
}

static enum reader_result on_chunk(struct tls *c, enum stream_side side, const struct chunk *chunk)
{
	follow_clock(c->env, chunk->at);
	set_base(c, side, chunk->offset);
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

	if (in_hello && !lose_hello(c, side)) {
		tls_leave(c, TLS_LOST);
		return;
	}
	put_off(c, gap);
	if (in_hello && c->state == TLS_HELLOS && has_hellos(c))
		both_said_hello(c);
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
		count_event(c, &w);
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
	const size_t charged = sizeof(struct tls) + DIRECTIONS_BYTES;
	struct tls_env *env = shared;
	struct tls *c;

	while (!budget_charge(env->budget, charged))
		if (!make_room(env, NULL))
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

static void destroy(struct tls *c)
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
		ask(c);
	if (c->state == TLS_SECRETS && wall_between(c->since, c->env->clock) > c->env->wait_ns)
		give_up(c);
	if (c->is_detached && c->state != TLS_SECRETS)
		destroy(c);
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

		ask(c);
		if (c->state == TLS_SECRETS)
			give_up(c);
		if (c->is_detached)
			destroy(c);
	}
}
