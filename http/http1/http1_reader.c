/*
 * http1_reader.c - what a tracker calls (reassembly/reader.h), in the words of HTTP/1
 *
 * Theory of operation. Of bytes whose place in a connection is known, its first,
 * a method is enough to claim them: what follows is HTTP or a malformed request
 * that gets counted. Anywhere else a whole request line or status line is asked
 * for (request_line.h).
 */
#include "http/http1/http1_reader.h"

#include <stdlib.h>

#include "http/http1/http1.h"
#include "http/http1/http1_impl.h"
#include "http/http1/request_line.h"

static const struct reader_ops ops;

static struct http *http_of_reader(struct reader *r)
{
	return (struct http *)r;
}

static void *open_env(const void *config)
{
	struct http_env *env = calloc(1, sizeof(*env));

	if (env)
		http_env_init(env, config);
	return env;
}

static void close_env(void *shared)
{
	http_env_deinit(shared);
	free(shared);
}

static enum claim claim_of(enum line_match match, enum claim yes)
{
	return match == LINE_YES ? yes : match == LINE_MAYBE ? CLAIM_MAYBE
							     : CLAIM_NONE;
}

/** claim_first() - a request with which a connection begins */
static enum claim claim_first(struct span bytes)
{
	return request_method_match(bytes) != LINE_NO || request_line_foreign(bytes) ? CLAIM_LIKELY : CLAIM_NONE;
}

/** claim_request() - ... that begins somewhere inside a connection */
static enum claim claim_request(struct span bytes)
{
	enum claim claim = claim_of(request_line_match(bytes), CLAIM_SURE);

	return claim == CLAIM_MAYBE && request_method_match(bytes) == LINE_YES ? CLAIM_LIKELY : claim;
}

static enum claim claims(struct span bytes, enum stream_side side, bool at_start)
{
	if (side == SIDE_SERVER)
		return claim_of(status_line_match(bytes), CLAIM_SURE);
	return at_start ? claim_first(bytes) : claim_request(bytes);
}

static struct reader *make_reader(void *shared, const struct reader_start *start)
{
	struct http_env *env = shared;
	struct http *h = http_new(env, start);

	if (!h)
		return NULL;
	h->reader.ops = &ops;
	if (start->passed.peer_known)
		http_unparsed(h, start->passed.peer_read);
	if (env->keep_responses && start->server_passed_by)
		http_server_gap(h, GAP_UNKNOWN, LOST_GAP);
	return &h->reader;
}

static enum reader_result on_client_chunk(struct reader *r, const struct chunk *chunk)
{
	return http_client_bytes(http_of_reader(r), chunk);
}

static enum reader_result on_server_chunk(struct reader *r, const struct chunk *chunk)
{
	return http_server_bytes(http_of_reader(r), chunk);
}

static void client_gap(struct http *h, uint32_t bytes, enum lost_reason why, struct wall now)
{
	bool known = http_is_known(h), hides = http_hides_request(h, bytes);

	http_client_gap(h, bytes, why);
	if (hides)
		http_lose_unseen(h, why, now, known);
}

static void on_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	if (side == SIDE_CLIENT)
		client_gap(http_of_reader(r), bytes, why, now);
	else
		http_server_gap(http_of_reader(r), bytes, why);
}

static void on_passed_by(struct reader *r, const struct passed_by *passed)
{
	if (passed->peer_known)
		http_unparsed(http_of_reader(r), passed->peer_read);
	if (passed->missing > 0)
		http_client_gap(http_of_reader(r), passed->missing, LOST_GAP);
}

static void on_proxied(struct reader *r, const struct endpoint *client)
{
	http_proxied(http_of_reader(r), client);
}

static bool on_half_end(struct reader *r, enum stream_side side)
{
	if (side == SIDE_CLIENT)
		return http_client_end(http_of_reader(r));
	http_server_end(http_of_reader(r));
	return false;
}

static void on_end(struct reader *r, enum lost_reason why, bool seen)
{
	struct http *h = http_of_reader(r);

	if (seen)
		http_end_unseen(h);
	http_end(h, why);
}

static struct reader *hand_on(struct reader *r, enum stream_side side, const struct chunk *chunk)
{
	return http_hand_on(http_of_reader(r), side, chunk);
}

static void free_reader(struct reader *r)
{
	struct http *h = http_of_reader(r);

	http_free(h->env, h);
}

static void on_unfollowed(void *shared, const struct request_origin *origin, struct wall at, enum lost_reason why)
{
	struct http_env *env = shared;
	struct request lost = { .origin = *origin };

	request_start(&env->requests, &lost, at);
	request_seen(&env->requests, &lost, 0);
	request_lost(&env->requests, &lost, why);
	request_release(&env->requests, &lost);
}

static const struct reader_ops ops = {
	.name = "HTTP",
	.refused = "not HTTP:",
	.left = "left HTTP/1",
	.left_more = "upgraded, HTTP/2, or a tunnel",
	.open = open_env,
	.close = close_env,
	.claims = claims,
	.make = make_reader,
	.on_chunk = { [SIDE_CLIENT] = on_client_chunk, [SIDE_SERVER] = on_server_chunk },
	.on_gap = on_gap,
	.on_passed_by = on_passed_by,
	.on_proxied = on_proxied,
	.on_half_end = on_half_end,
	.on_end = on_end,
	.hand_on = hand_on,
	.free = free_reader,
	.on_unfollowed = on_unfollowed,
};

struct reader_kind http1_reader(const struct http1_options *options)
{
	return (struct reader_kind){ &ops, options };
}
