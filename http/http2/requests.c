/*
 * requests.c - what becomes of the requests of HTTP/2
 *
 * Theory of operation. A request is seen with its head, and the sink decides on it
 * then. It ends in one of these ways: told of as complete, or lost for a reason. When
 * it is complete depends on what is known of production (http2.h). A compressed
 * message is of no use without grpc-encoding, which may be among what is not known.
 *
 * A call of gRPC may be a conversation of any length. One whose messages come apart
 * says when they came (message.arrivals). One that stays open is lost for that, by the
 * capture's clock: when bytes of it come too late, and they need not be followed then,
 * or when it ends in whatever way.
 */
#include "http/http2/http2.h"

#define APART_US 1000 /* messages that come closer than this are taken to have come at once */

void h2_requests_done(struct http2 *h, struct h2_stream *st)
{
	if (st->state != STREAM_TOLD || st->token != 0)
		return;
	request_release(&h->env->requests, &st->request);
	response_free(st->response);
	streams_remove(&h->streams, &h->env->streams, st);
}

static int64_t us_since_first(const struct h2_stream *st, struct wall at)
{
	int64_t us = wall_between(st->request.origin.ts_first, at) / NS_PER_US;

	return us > 0 ? us : 0;
}

/** is_long() - was the call, whose last byte was not here before @at, open for too long? */
static bool is_long(const struct http2 *h, const struct h2_stream *st, struct wall at)
{
	int64_t max_ns = h->env->max_stream_ns;

	return max_ns > 0 && st->is_grpc && st->request.limited &&
	       wall_between(st->request.origin.ts_first, at) > max_ns;
}

void h2_requests_lose(struct http2 *h, struct h2_stream *st, enum lost_reason why)
{
	if (st->state == STREAM_OPEN && is_long(h, st, h->at))
		why = LOST_STREAM_LONG;
	if (st->state == STREAM_OPEN || st->state == STREAM_HELD) {
		if (st->state == STREAM_HELD && st->needs_proof)
			counter_add(&h->env->requests.stats->http2_unproved, 1);
		request_lost(&h->env->requests, &st->request, why);
	}
	if (st->state != STREAM_TOLD)
		h2_responses_drop(st);
	st->state = STREAM_TOLD;
}

void h2_requests_forget(struct http2 *h, struct h2_stream *st)
{
	h2_responses_drop(st);
	st->state = STREAM_TOLD;
	h2_requests_done(h, st);
}

static void begin(struct http2 *h, struct request *rq, uint32_t id, struct wall at)
{
	const struct block *block = &h->side[SIDE_CLIENT].block;
	struct http_stats *stats = h->env->requests.stats;

	rq->origin = h->origin;
	rq->origin.stream = id;
	request_place(rq, block->offset, block->peer_read);
	request_start(&h->env->requests, rq, at);
	request_seen(&h->env->requests, rq, id);
	counter_add(&stats->http2_streams, 1);
	counter_add(&stats->http2_requests, 1);
}

void h2_requests_lose_head(struct http2 *h, uint32_t id, struct wall at, enum lost_reason why)
{
	struct request rq = { 0 };

	begin(h, &rq, id, at);
	counter_add(&h->env->requests.stats->http2_head[HTTP2_UNKNOWN], 1);
	request_lost(&h->env->requests, &rq, why);
	request_release(&h->env->requests, &rq);
}

void h2_requests_head(struct http2 *h, struct h2_stream *st, struct wall at)
{
	struct http2_env *env = h->env;
	const struct fields_head *fields = &h->known->fields;
	struct http_stats *stats = env->requests.stats;

	st->state = STREAM_OPEN;
	begin(h, &st->request, st->id, at);
	if (fields->kind != FIELDS_REQUEST) {
		counter_add(&stats->http2_head[fields->kind == FIELDS_UNKNOWN ? HTTP2_UNKNOWN : HTTP2_WHOLE], 1);
		h2_requests_lose(h, st, fields->kind == FIELDS_UNKNOWN ? LOST_HEAD_UNKNOWN : LOST_MALFORMED);
		return;
	}
	counter_add(&stats->http2_head[fields->is_whole ? HTTP2_WHOLE : HTTP2_PART], 1);
	st->content_length = fields->content_length;
	st->has_length = fields->has_length;
	st->is_grpc = fields->head.is_grpc;
	st->lacks_encoding = !fields->is_whole && !request_head_find(&fields->head, SPAN_LITERAL("grpc-encoding"));
	if (request_decide(&env->requests, &st->request, &fields->head, fields->content_length, false))
		return;
	h2_requests_lose(h, st, LOST_HEAD_UNKNOWN);
}

/** begun() - messages that have begun, if only with a part of their prefix */
static uint32_t begun(const struct grpc_messages *g)
{
	return g->count + (g->have > 0);
}

/** note_messages() - of a call more have begun with the bytes that come now; @before: so many had */
static void note_messages(struct http2 *h, struct h2_stream *st, uint32_t before)
{
	const struct message *m = st->request.message;
	int64_t us = us_since_first(st, h->at), last_us;

	if (before == 0)
		st->message_us = us;
	if (!m)
		return;
	last_us = m->arrival_count > 0 ? m->arrivals[m->arrival_count - 1].us : st->message_us;
	if (us - last_us < APART_US)
		return;
	if (m->arrival_count == 0)
		request_add_arrival(&st->request, 0, st->message_us);
	request_add_arrival(&st->request, st->request.body_len, us);
}

/** note_end() - several messages came at once, and the stream's end did not come with them */
static void note_end(struct h2_stream *st, struct wall at)
{
	const struct message *m = st->request.message;

	if (m && m->arrival_count == 0 && st->messages.count > 1 && us_since_first(st, at) - st->message_us >= APART_US)
		request_add_arrival(&st->request, 0, st->message_us);
}

void h2_requests_body(struct http2 *h, struct h2_stream *st, struct span bytes)
{
	if (is_long(h, st, h->at)) {
		h2_requests_lose(h, st, LOST_STREAM_LONG);
		h2_requests_done(h, st);
		return;
	}
	if (st->is_grpc) {
		uint32_t before = begun(&st->messages);

		grpc_messages_add(&st->messages, bytes);
		if (begun(&st->messages) > before)
			note_messages(h, st, before);
	}
	request_add_body(&h->env->requests, &st->request, bytes);
}

/** tell() - the request that is held is complete */
static void tell(struct http2 *h, struct h2_stream *st)
{
	struct request *rq = &st->request;

	if (rq->message) {
		rq->message->grpc_messages = st->messages.count;
		if (rq->wants_response)
			rq->message->response_token = st->token = ++h->env->last_token;
	}
	st->state = STREAM_TOLD;
	request_complete(&h->env->requests, rq, st->sent_at);
	if (st->token != 0)
		h2_responses_tell(h, st);
	else
		h2_responses_drop(st);
}

void h2_requests_prove(struct http2 *h, struct h2_stream *st)
{
	st->responded = true;
	if (st->state == STREAM_HELD)
		tell(h, st);
}

void h2_requests_release(struct http2 *h, struct h2_stream *st)
{
	if (st->state != STREAM_HELD)
		return;
	if (st->needs_proof)
		h2_requests_lose(h, st, LOST_GAP);
	else
		tell(h, st);
}

/** waits_for_production() - may a reaction to @st still be seen? */
static bool waits_for_production(const struct http2 *h, const struct h2_stream *st)
{
	if (st->responded)
		return false;
	return st->needs_proof || (h->server->seen && h->side[SIDE_SERVER].state != SIDE_SEEKING);
}

void h2_requests_end(struct http2 *h, struct h2_stream *st, struct wall at)
{
	struct request *rq = &st->request;

	st->sent_at = at;
	note_end(st, at);
	if (is_long(h, st, at))
		h2_requests_lose(h, st, LOST_STREAM_LONG);
	else if (st->has_length && st->content_length != rq->body_len)
		h2_requests_lose(h, st, LOST_MALFORMED);
	else if (st->is_grpc && grpc_messages_state(&st->messages) != GRPC_BETWEEN)
		h2_requests_lose(h, st, LOST_FRAMING);
	else if (st->lacks_encoding && st->messages.compressed > 0)
		h2_requests_lose(h, st, LOST_HEAD_UNKNOWN);
	else if (st->id > h->side[SIDE_SERVER].limit && !st->responded)
		h2_requests_lose(h, st, LOST_REFUSED);
	else if (waits_for_production(h, st))
		st->state = STREAM_HELD;
	else
		tell(h, st);
	h2_requests_done(h, st);
}

void h2_requests_lose_open(struct http2 *h, enum lost_reason why)
{
	struct h2_stream *st;
	uint32_t id = 0;

	while ((st = streams_next(&h->streams, &id))) {
		if (st->state == STREAM_OPEN)
			h2_requests_lose(h, st, why);
		h2_requests_done(h, st);
	}
}
