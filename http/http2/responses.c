/*
 * responses.c - what is kept of the responses of HTTP/2, where they are wanted
 *
 * Theory of operation. A response belongs to the request of its stream: nothing has to
 * be guessed. It may begin before the request is whole, and where directions are
 * captured out of step even before the request's head. It is told of once, after its
 * request.
 */
#include "http/http2/http2.h"

/** is_wanted() - or may become so */
static bool is_wanted(const struct http2 *h, const struct h2_stream *st)
{
	if (!h->env->keep_responses)
		return false;
	return st->state == STREAM_AHEAD || (st->state == STREAM_TOLD ? st->token != 0 : st->request.wants_response);
}

void h2_responses_drop(struct h2_stream *st)
{
	response_free(st->response);
	st->response = NULL;
}

static int64_t since_request(const struct h2_stream *st, struct wall at)
{
	int64_t us = wall_between(st->sent_at, at) / NS_PER_US;

	return st->sent_at.ns == 0 || us < 0 ? 0 : us;
}

static void tell(struct http2 *h, struct h2_stream *st)
{
	struct response *r = st->response;
	uint64_t token = st->token;

	st->response = NULL;
	st->token = 0;
	if (r && st->responded_at.ns != 0)
		r->first_byte_us = since_request(st, st->responded_at);
	if (r && r->result == RESPONSE_WHOLE)
		r->last_byte_us = since_request(st, st->server_ended_at);
	h->env->requests.sink.on_response(h->env->requests.sink.ctx, token, r);
}

void h2_responses_tell(struct http2 *h, struct h2_stream *st)
{
	if (st->server_ended)
		tell(h, st);
}

/** copy_fields() - the regular ones of @head that are known; false when there is no room for them */
static bool copy_fields(struct http2_env *env, const struct hpack_head *head)
{
	response_head_clear(&env->response_head);
	for (size_t i = 0; i < head->count; i++) {
		const struct hpack_field *f = &head->fields[i];

		if (f->knowledge != HPACK_KNOWN || f->name.len == 0 || f->name.at[0] == ':')
			continue;
		if (!response_head_name(&env->response_head, f->name) || !response_head_value(&env->response_head, f->value) ||
		    !response_head_end_field(&env->response_head))
			return false;
	}
	return true;
}

void h2_responses_head(struct http2 *h, struct h2_stream *st, struct wall at)
{
	struct fields_response said = fields_of_response(h->responded);

	if (!is_wanted(h, st) || (said.status_code >= 100 && said.status_code < 200))
		return;
	if (!copy_fields(h->env, h->responded)) {
		h2_responses_break(h, st, RESPONSE_MEMORY);
		return;
	}
	if (st->response) {
		st->response->is_part |= said.is_part;
		if (!h->side[SIDE_SERVER].block.ends_stream || st->server_ended)
			h2_responses_break(h, st, RESPONSE_MALFORMED); /* trailers end the stream (RFC 9113, 8.1) */
		else if (st->response->result == RESPONSE_WHOLE)
			response_set_trailers(st->response, &h->env->response_head);
		return;
	}
	if (said.status_code == 0) { /* trailers, whose head was missed or did not fit, or what may be that */
		h2_responses_break(h, st, st->responded_at.ns != 0 ? RESPONSE_MEMORY : RESPONSE_GAP);
		return;
	}
	st->responded_at = at;
	st->response = response_new(said.status_code, &h->env->response_head, h->env->requests.budget);
	if (st->response)
		st->response->is_part = said.is_part;
}

void h2_responses_body(struct http2 *h, struct h2_stream *st, struct span bytes, struct wall at)
{
	if (!is_wanted(h, st))
		return;
	if (!st->response) {
		h2_responses_break(h, st, RESPONSE_GAP); /* its head was not captured */
		return;
	}
	if (st->is_grpc || response_is_stream(st->response))
		response_add_arrival(st->response, since_request(st, at));
	response_add_body(st->response, bytes, 0, h->env->max_response);
}

void h2_responses_end(struct http2 *h, struct h2_stream *st, struct wall at)
{
	st->server_ended = true;
	st->server_ended_at = at;
	if (is_wanted(h, st) && !st->response)
		h2_responses_break(h, st, RESPONSE_GAP);
	if (st->token != 0)
		tell(h, st);
	h2_requests_done(h, st);
}

void h2_responses_break(struct http2 *h, struct h2_stream *st, enum response_result why)
{
	if (st->server_ended && st->response)
		return;
	if (is_wanted(h, st) && !st->response)
		st->response = response_new(0, NULL, h->env->requests.budget);
	if (st->response)
		response_invalidate(st->response, why);
	if (why == RESPONSE_GAP || why == RESPONSE_MEMORY)
		return; /* what follows may still be seen to its end */
	st->server_ended = true;
	if (st->token != 0)
		tell(h, st);
}
