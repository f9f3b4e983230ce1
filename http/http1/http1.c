/*
 * http1.c - the HTTP/1 messages of one connection: their start and their end, and what a lane's connections share
 */
#include "http/http1/http1_impl.h"

#include <stdlib.h>
#include <string.h>

void http_proxied(struct http *h, const struct endpoint *client)
{
	h->requests.current.origin.proxied = *client;
}

void http_unparsed(struct http *h, uint64_t peer_read)
{
	h->rounds.client_read = peer_read;
	h->rounds.client_has_read = true;
}

/** result_of() - ... of a response whose connection ends so */
static enum response_result result_of(enum lost_reason reason)
{
	switch (reason) {
	case LOST_GAP:
		return RESPONSE_GAP;
	case LOST_TRUNCATED:
		return RESPONSE_TRUNCATED;
	case LOST_MALFORMED:
		return RESPONSE_MALFORMED;
	case LOST_UPGRADED:
		return RESPONSE_UPGRADED;
	case LOST_MEMORY:
		return RESPONSE_MEMORY;
	case LOST_CUT_AT_END:
		return RESPONSE_CUT_AT_END;
	case LOST_RESET:
	case LOST_IDLE:
	case LOST_MULTIPATH:
	case LOST_URGENT:
	case LOST_HEAD_UNKNOWN:
	case LOST_FRAMING:
	case LOST_STREAM_RESET:
	case LOST_STREAM_LONG:
	case LOST_REFUSED:
	case LOST_TOO_LARGE:
	case LOST_REASON_COUNT:
		break;
	}
	return RESPONSE_BROKEN_OFF;
}

bool http_client_end(struct http *h)
{
	return requests_await_responses(h);
}

struct reader *http_hand_on(struct http *h, enum stream_side side, const struct chunk *chunk)
{
	const struct next_protocol *next = h->env->next;
	struct next_start start = { .origin = &h->requests.current.origin,
				    .server = h->rounds.stream,
				    .place = h->upgrade.place,
				    .is_upgraded = h->upgrade.is_h2c,
				    .server_followed = side == SIDE_SERVER || (h->rounds.followed && !h->upgrade.granted) };
	size_t left = side == SIDE_CLIENT ? h->at_hand.left : h->responses.unread;
	struct reader *reader = next->make(next->shared, &start);
	struct chunk rest = *chunk;

	chunk_skip(&rest, chunk->bytes.len - left);
	if (reader && rest.bytes.len > 0)
		reader->ops->on_chunk[side](reader, &rest);
	return reader;
}

void http_end(struct http *h, enum lost_reason reason)
{
	requests_end(h, reason, result_of(reason));
}

struct http *http_new(struct http_env *env, const struct reader_start *start)
{
	bool from_start = start->from_first_byte;
	struct http *h = env->spare;

	if (!budget_charge(env->requests.budget, sizeof(*h)))
		return NULL;
	if (h) {
		env->spare = h->next;
		env->spare_count--;
	} else {
		h = malloc(sizeof(*h));
		if (!h) {
			budget_release(env->requests.budget, sizeof(*h));
			return NULL;
		}
	}
	memset(h, 0, sizeof(*h));
	h->env = env;
	rounds_init(&h->rounds, start->server, from_start);
	h->responses.state = from_start ? RESPONSES_BETWEEN : RESPONSES_LOST;
	h->client.unproven = from_start;
	h->guess.gapped = !from_start;
	h->requests.state = from_start ? REQUEST_NONE : REQUEST_LOST;
	h->requests.current.origin = start->origin;
	if (env->keep_responses)
		h->pairs = pairs_new(env, &h->requests.current, &h->rounds, from_start);
	if (env->keep_responses && !h->pairs) {
		http_free(env, h);
		return NULL;
	}
	return h;
}

void http_free(struct http_env *env, struct http *h)
{
	if (!h)
		return;
	requests_drop_head(h);
	request_release(&env->requests, &h->requests.current);
	pairs_free(h->pairs);
	budget_release(env->requests.budget, sizeof(*h));
	if (env->spare_count >= SPARE_HTTP_MAX) {
		free(h);
		return;
	}
	h->next = env->spare;
	env->spare = h;
	env->spare_count++;
}

void http_env_init(struct http_env *env, const struct http1_options *options)
{
	*env = (struct http_env){ .llhttp_only = options->llhttp_only,
				  .keep_responses = options->keep_responses,
				  .max_response = options->max_response,
				  .last_token = options->first_token };
	env->next = options->next;
	env->requests.sink = options->sink;
	env->requests.max_body = options->max_body;
	env->requests.budget = env->heads.budget = options->budget;
	env->requests.stats = options->stats;
	for (size_t i = 0; i < SCAN_MEMOS; i++)
		env->request_memos[i].number = i;
	request_callbacks_init(&env->client_settings);
	response_callbacks_init(&env->server_settings, &env->kept_settings);
}

void http_env_deinit(struct http_env *env)
{
	while (env->spare) {
		struct http *h = env->spare;

		env->spare = h->next;
		free(h);
	}
	heads_deinit(&env->heads);
	request_env_deinit(&env->requests);
}
