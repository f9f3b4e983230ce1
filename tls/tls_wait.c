/*
 * tls_wait.c - a connection that is not open yet
 *
 * It is known by what both sides say in the clear, and then its secrets are asked for. Where there are none it waits, and
 * where it has waited long enough its records are counted. With its secrets it is opened: what has waited is told then,
 * and of what was counted the rest is read.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_impl.h"

#define CIPHER_BYTES 1200 /* of one that OpenSSL has set up, about */

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

/** open_with() - false if keys cannot be made of what was found; @no_room: for want of memory */
static bool open_with(struct tls *c, const struct secrets_found *found, bool *no_room)
{
	const struct suite *suite = lost_server_hello(c) ? NULL : suite_find(c->server_hello.version, c->server_hello.suite);
	size_t bytes = SIDES * CIPHER_BYTES * (suite ? 1 : 1 + DIRECTION_OTHERS);

	if (c->state == TLS_COUNTED)
		bytes += TLS_DIRECTIONS_BYTES;
	*no_room = false;
	while (!charge(c, bytes))
		if (!tls_make_room(c->env, c)) {
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

void tls_count_event(struct tls *c, const struct tls_waiting *w)
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
	c->charged -= TLS_DIRECTIONS_BYTES;
	budget_release(c->env->budget, TLS_DIRECTIONS_BYTES);
	while (c->state == TLS_COUNTED && (w = tls_queue_take(&c->queue))) {
		tls_count_event(c, w);
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

void tls_give_up(struct tls *c)
{
	if (c->join && tls_join_give_up(c))
		return;
	tls_decide(c, fate_without_keys(c));
	stop_waiting(c);
}

void tls_give_way(struct tls *c)
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

void tls_ask(struct tls *c)
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
		tls_ask(c);
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
	tls_ask(c);
	if (c->state == TLS_SECRETS && !c->env->may_come)
		tls_give_up(c);
}

void tls_heed_hellos(struct tls *c)
{
	if (has_hellos(c) && c->state == TLS_HELLOS)
		both_said_hello(c);
}

bool tls_make_room(struct tls_env *env, const struct tls *c)
{
	struct tls *oldest = env->waiting;

	if (!oldest || oldest == c)
		return false;
	tls_give_way(oldest);
	if (oldest->is_detached)
		tls_destroy(oldest);
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
		if (!tls_make_room(c->env, c))
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

void tls_set_base(struct tls *c, enum stream_side side, uint64_t offset)
{
	if (!c->has_base[side])
		c->base[side] = offset;
	c->has_base[side] = true;
}

bool tls_lose_hello(struct tls *c, enum stream_side side)
{
	struct client_hello hello;
	bool kept = true;

	if (side == SIDE_CLIENT) {
		if (client_hello_begin(buffer_span(&c->first[side]), &hello))
			kept = take_client_hello(c, &hello);
	} else {
		tls_set_base(c, side, c->server && c->server->synced ? c->server->base : 0);
		c->hello[side] = TLS_HELLO_LOST;
		c->server_hello = (struct server_hello){ .version = TLS_1_3 };
	}
	buffer_deinit(&c->first[side]);
	return kept && c->hello[side] != TLS_HELLO_AWAITED;
}

void tls_look_for_hello(struct tls *c, enum stream_side side, struct span bytes)
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
	tls_heed_hellos(c);
}
