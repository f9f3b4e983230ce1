/*
 * http2_reader.c - what a tracker calls (reassembly/reader.h), in the words of HTTP/2
 *
 * Theory of operation. A connection that starts with the client's preface is
 * claimed for certain, and one whose server starts with SETTINGS, or a piece of them,
 * too: no server of HTTP/1 begins with a zero. Anywhere else a segment has to look like frames, and only where
 * it is known which port is the service's (options.joins).
 */
#include "http/http2/http2_reader.h"

#include <stdlib.h>

#include "http/http2/http2.h"
#include "http/http2/seek.h"

#define CLAIM_BYTES 4 /* "PRI ", which is no method of a request but this one */

static const struct reader_ops ops, ops_joining;

static struct http2 *http2_of(struct reader *r)
{
	return (struct http2 *)r;
}

static struct http2_env *make_env(const struct http2_options *options)
{
	struct http2_env *env = calloc(1, sizeof(*env));

	if (!env)
		return NULL;
	env->requests.sink = options->sink;
	env->requests.max_body = options->max_body;
	env->requests.budget = options->budget;
	env->requests.stats = options->stats;
	env->streams.budget = options->budget;
	env->keep_responses = options->keep_responses;
	env->max_stream_ns = options->max_stream_ns;
	env->joins = options->joins;
	env->max_response = options->max_response;
	env->last_token = options->first_token;
	for (unsigned i = 0; i < FIELDS_HEADS; i++)
		env->known_heads[i].fields.place = i;
	return env;
}

static void close_env(void *shared)
{
	struct http2_env *env = shared;

	while (env->spare) {
		struct http2 *h = env->spare;

		env->spare = h->next;
		free(h);
	}
	stream_pool_deinit(&env->streams);
	request_env_deinit(&env->requests);
	response_head_deinit(&env->response_head);
	free(env);
}

static enum claim claims(struct span bytes, enum stream_side side, bool at_start)
{
	size_t n = bytes.len < PREFACE_BYTES ? bytes.len : PREFACE_BYTES;

	if (side == SIDE_SERVER && at_start) /* it need not wait for the client (RFC 9113, 3.4) */
		return seek_settings(bytes) ? CLAIM_LIKELY : CLAIM_NONE;
	if (side == SIDE_SERVER || !at_start || n < CLAIM_BYTES)
		return CLAIM_NONE;
	return memcmp(bytes.at, PREFACE, n) == 0 ? CLAIM_SURE : CLAIM_NONE;
}

static enum claim claims_joining(struct span bytes, enum stream_side side, bool at_start)
{
	if (at_start)
		return claims(bytes, side, true);
	return seek_plausible(bytes, side) ? CLAIM_SURE : CLAIM_NONE;
}

static struct http2 *take(struct http2_env *env)
{
	struct http2 *h = env->spare;

	if (!budget_charge(env->requests.budget, sizeof(*h)))
		return NULL;
	if (h) {
		env->spare = h->next;
		env->spare_count--;
	} else {
		h = malloc(sizeof(*h));
	}
	if (!h) {
		budget_release(env->requests.budget, sizeof(*h));
		return NULL;
	}
	memset(h, 0, sizeof(*h));
	h->env = env;
	return h;
}

/** make() - @client, @server: where their next bytes are */
static struct http2 *make(struct http2_env *env, const struct request_origin *origin, const struct stream_place *place,
			  enum side_state client, enum side_state server)
{
	struct http2 *h = take(env);

	if (!h)
		return NULL;
	h->reader.ops = env->joins ? &ops_joining : &ops;
	h->origin = *origin;
	h->known = &env->known_heads[origin->connection % FIELDS_HEADS];
	h->responded = &env->response_heads[origin->connection % FIELDS_HEADS];
	h->server = place;
	h->side[SIDE_CLIENT].state = client;
	h->side[SIDE_SERVER].state = server;
	for (int i = 0; i < SIDES; i++) {
		struct side *s = &h->side[i];

		s->is_found = s->state == SIDE_SEEKING;
		s->limit = UINT32_MAX;
		s->block.budget = env->requests.budget;
		hpack_init(&s->hpack, env->requests.budget, !s->is_found);
		hpack_set_limit(&s->hpack, UINT32_MAX); /* until the other side says */
	}
	return h;
}

static struct reader *make_reader(void *shared, const struct reader_start *start)
{
	bool whole = start->from_first_byte;
	struct http2 *h = make(shared, &start->origin, start->server, whole ? SIDE_AT_PREFACE : SIDE_SEEKING,
			       whole && !start->server_passed_by ? SIDE_AT_SETTINGS : SIDE_SEEKING);

	return h ? &h->reader : NULL;
}

/** make_next() - of a connection that began with HTTP/1, or that HTTP/1 was taken for; stream 1 is its request (RFC 7540, 3.2) */
static struct reader *make_next(void *shared, const struct next_start *start)
{
	static const enum side_state states[] = {
		[NEXT_AT_START] = SIDE_AT_PREFACE,
		[NEXT_AFTER_PREFACE] = SIDE_AT_SETTINGS,
		[NEXT_SOMEWHERE] = SIDE_SEEKING,
	};
	struct http2 *h = make(shared, start->origin, start->server, states[start->place],
			       start->server_followed && start->place != NEXT_SOMEWHERE ? SIDE_AT_SETTINGS : SIDE_SEEKING);

	if (!h)
		return NULL;
	h->is_upgraded = start->is_upgraded;
	h->is_preface_counted = start->is_upgraded || start->place == NEXT_AFTER_PREFACE;
	h->side[SIDE_CLIENT].highest = start->is_upgraded ? 1 : 0;
	return &h->reader;
}

static void *open_env(const void *config)
{
	const struct http2_options *options = config;
	struct http2_env *env = make_env(options);

	if (env && options->next)
		*options->next = (struct next_protocol){ env, options->joins ? claims_joining : claims, make_next };
	return env;
}

static enum reader_result on_client_chunk(struct reader *r, const struct chunk *chunk)
{
	return h2_client_chunk(http2_of(r), chunk);
}

static enum reader_result on_server_chunk(struct reader *r, const struct chunk *chunk)
{
	return h2_server_chunk(http2_of(r), chunk);
}

static void on_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	struct http2 *h = http2_of(r);

	h->at = now;
	if (side == SIDE_CLIENT)
		h2_client_gap(h, bytes, why);
	else
		h2_server_gap(h, bytes, why);
}

static void on_passed_by(struct reader *r, const struct passed_by *passed)
{
	(void)r; /* requests are found by their own frames, and proven by responses */
	(void)passed;
}

static void on_proxied(struct reader *r, const struct endpoint *client)
{
	http2_of(r)->origin.proxied = *client;
}

/** awaits_production() - is something told of or held for which the server may still say something? */
static bool awaits_production(const struct http2 *h)
{
	return h->streams.count > 0;
}

static bool on_half_end(struct reader *r, enum stream_side side)
{
	struct http2 *h = http2_of(r);

	if (side == SIDE_SERVER)
		return false;
	h2_client_end(h, LOST_RESET);
	return awaits_production(h);
}

static enum response_result result_of(enum lost_reason why)
{
	switch (why) {
	case LOST_GAP:
		return RESPONSE_GAP;
	case LOST_TRUNCATED:
		return RESPONSE_TRUNCATED;
	case LOST_MEMORY:
		return RESPONSE_MEMORY;
	case LOST_CUT_AT_END:
		return RESPONSE_CUT_AT_END;
	default:
		return RESPONSE_BROKEN_OFF;
	}
}

static void on_end(struct reader *r, enum lost_reason why, bool seen)
{
	struct http2 *h = http2_of(r);

	(void)seen;
	h2_client_end(h, why);
	while (h->streams.count > 0) {
		struct h2_stream *st = h->streams.at[0];

		if (st->state == STREAM_HELD)
			h2_requests_release(h, st);
		h2_responses_break(h, st, result_of(why));
		if (st->token != 0)
			h2_responses_end(h, st, h->at);
		if (h->streams.count > 0 && h->streams.at[0] == st) { /* a response without a request */
			h2_requests_lose(h, st, why);
			h2_requests_done(h, st);
		}
	}
}

static void free_reader(struct reader *r)
{
	struct http2 *h = http2_of(r);
	struct http2_env *env = h->env;

	while (h->streams.count > 0) {
		struct h2_stream *st = h->streams.at[0];

		h2_responses_drop(st);
		request_release(&env->requests, &st->request);
		streams_remove(&h->streams, &env->streams, st);
	}
	streams_deinit(&h->streams, &env->streams);
	for (int i = 0; i < SIDES; i++) {
		block_clear(&h->side[i].block);
		hpack_deinit(&h->side[i].hpack);
	}
	budget_release(env->requests.budget, sizeof(*h));
	if (env->spare_count >= SPARE_HTTP2_MAX) {
		free(h);
		return;
	}
	h->next = env->spare;
	env->spare = h;
	env->spare_count++;
}

static void on_unfollowed(void *shared, const struct request_origin *origin, struct wall at, enum lost_reason why)
{
	(void)shared; /* how many requests are in bytes that are not read is not known */
	(void)origin;
	(void)at;
	(void)why;
}

#define HTTP2_OPS(how_it_claims)                                                                  \
	{                                                                                         \
		.name = "HTTP/2",                                                                 \
		.refused = "not HTTP/2:",                                                         \
		.left = "left HTTP/2",                                                            \
		.left_more = "what follows the preface is another protocol",                      \
		.server_proves = true,                                                            \
		.open = open_env,                                                                 \
		.close = close_env,                                                               \
		.claims = how_it_claims,                                                          \
		.make = make_reader,                                                              \
		.on_chunk = { [SIDE_CLIENT] = on_client_chunk, [SIDE_SERVER] = on_server_chunk }, \
		.on_gap = on_gap,                                                                 \
		.on_passed_by = on_passed_by,                                                     \
		.on_proxied = on_proxied,                                                         \
		.on_half_end = on_half_end,                                                       \
		.on_end = on_end,                                                                 \
		.free = free_reader,                                                              \
		.on_unfollowed = on_unfollowed,                                                   \
	}

static const struct reader_ops ops = HTTP2_OPS(claims), ops_joining = HTTP2_OPS(claims_joining);

struct reader_kind http2_reader(const struct http2_options *options)
{
	return (struct reader_kind){ options->joins ? &ops_joining : &ops, options };
}
