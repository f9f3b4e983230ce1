/*
 * server.c - the server's frames and gaps
 *
 * Theory of operation. What the server says of a stream tells what became of its
 * request: a response, or a refusal. The fields of responses are only decoded where
 * responses are compared; then all header blocks are, pushed requests' too.
 */
#include "http/http2/http2.h"

#include "http/http2/seek.h"

static struct side *mine(struct http2 *h)
{
	return &h->side[SIDE_SERVER];
}

/**
 * stream_of() - the stream of the client's that the frame at hand is of; one that is captured ahead of it is made
 *
 * That is the rule where segments of the client wait behind a gap: responses go by meanwhile. What the client's
 * direction had been read of says to which head they can belong.
 */
static struct h2_stream *stream_of(struct http2 *h, uint32_t id, const struct chunk *chunk)
{
	struct h2_stream *st = streams_find(&h->streams, id), *oldest;
	uint32_t highest = h->side[SIDE_CLIENT].highest, count;

	if (st || id % 2 == 0 || id <= highest)
		return st;
	oldest = streams_above(&h->streams, highest, &count);
	if (count >= AHEAD_MAX)
		h2_requests_forget(h, oldest);
	st = streams_add(&h->streams, &h->env->streams, id);
	if (st && chunk->peer_known)
		st->read_by_server = chunk->peer_read;
	return st;
}

/** release_held() - production will not be seen to react to what is held */
static void release_held(struct http2 *h)
{
	struct h2_stream *st;
	uint32_t id = 0;

	while ((st = streams_next(&h->streams, &id))) {
		if (st->state == STREAM_HELD && !st->needs_proof)
			h2_requests_release(h, st);
		h2_requests_done(h, st);
	}
}

/** break_responses() - those that are not whole never will be, as far as is known */
static void break_responses(struct http2 *h, enum response_result why)
{
	struct h2_stream *st;
	uint32_t id = 0;

	while ((st = streams_next(&h->streams, &id))) {
		h2_responses_break(h, st, why);
		if (st->token != 0)
			h2_responses_end(h, st, h->at);
		else
			h2_requests_done(h, st);
	}
}

static void lose_place(struct http2 *h, enum response_result why)
{
	release_held(h);
	break_responses(h, why);
	side_lose_place(mine(h));
}

static void malformed(struct http2 *h)
{
	counter_add(&h->env->requests.stats->http2_malformed, 1);
	lose_place(h, RESPONSE_MALFORMED);
}

/* ---- frames ---- */

static bool is_in_order(const struct side *s, const struct frame *at)
{
	if (s->block.is_open)
		return at->type == FRAME_CONTINUATION && at->stream == s->block.stream;
	if (s->state == SIDE_AT_SETTINGS)
		return at->type == FRAME_SETTINGS && at->stream == 0;
	return at->type != FRAME_CONTINUATION && (at->type != FRAME_SETTINGS || at->length % 6 == 0);
}

/** refuse() - production has not processed @st (RFC 9113, 6.8 and 8.7) */
static void refuse(struct http2 *h, struct h2_stream *st)
{
	if ((st->state == STREAM_OPEN || st->state == STREAM_HELD) && !st->responded)
		h2_requests_lose(h, st, LOST_REFUSED);
	h2_responses_break(h, st, RESPONSE_BROKEN_OFF);
	h2_requests_done(h, st);
}

/** find_malformed() - production has found that of @st, before it said anything of it */
static void find_malformed(struct http2 *h, struct h2_stream *st)
{
	if (st->state == STREAM_HELD && !st->responded)
		h2_requests_lose(h, st, LOST_MALFORMED);
}

static void reset_stream(struct http2 *h, uint32_t id, uint32_t code)
{
	struct h2_stream *st = streams_find(&h->streams, id);

	if (!st)
		return;
	switch (code) {
	case ERROR_REFUSED_STREAM:
	case ERROR_HTTP_1_1_REQUIRED:
	case ERROR_INADEQUATE_SECURITY:
		refuse(h, st);
		return;
	case ERROR_PROTOCOL:
	case ERROR_FLOW_CONTROL:
	case ERROR_FRAME_SIZE:
	case ERROR_COMPRESSION:
		find_malformed(h, st);
		break;
	default: /* it may have been processed, to its end even */
		break;
	}
	if (st->state == STREAM_OPEN)
		h2_requests_lose(h, st, LOST_STREAM_RESET);
	else
		h2_requests_release(h, st);
	h2_responses_break(h, st, RESPONSE_BROKEN_OFF);
	h2_requests_done(h, st);
}

static void go_away(struct http2 *h, uint32_t last)
{
	struct side *s = mine(h);
	struct h2_stream *st;
	uint32_t id;

	counter_add(&h->env->requests.stats->http2_goaway, 1);
	if (last < s->limit)
		s->limit = last;
	id = s->limit;
	while ((st = streams_next(&h->streams, &id)))
		refuse(h, st);
}

static void take_block(struct http2 *h, struct span bytes)
{
	struct side *s = mine(h);
	struct block *b = &s->block;
	struct h2_stream *st = streams_find(&h->streams, b->stream);
	bool decoded = false;

	b->is_open = false;
	if (h->env->keep_responses && b->is_broken)
		hpack_forget(&s->hpack);
	else if (h->env->keep_responses)
		decoded = hpack_decode(&s->hpack, bytes, h->responded) == 0;
	if (!st || b->type != FRAME_HEADERS || !side_is_sure(s))
		return;
	if (decoded)
		h2_responses_head(h, st, b->at);
	else
		h2_responses_break(h, st, RESPONSE_GAP);
	if (b->ends_stream)
		h2_responses_end(h, st, h->at);
	else
		h2_requests_done(h, st);
}

static void start_frame(struct http2 *h, const struct chunk *chunk)
{
	struct side *s = mine(h);
	const struct frame *at = &s->frames.at;
	struct h2_stream *st = NULL;

	s->small_have = 0;
	if (at->type == FRAME_HEADERS || at->type == FRAME_PUSH_PROMISE)
		block_start(&s->block, at, chunk->at);
	if (at->type == FRAME_CONTINUATION && ++s->block.frames > BLOCK_FRAMES_MAX)
		block_break(&s->block, LOST_HEAD_UNKNOWN);
	if ((at->type == FRAME_HEADERS || at->type == FRAME_DATA) && side_is_sure(s))
		st = stream_of(h, at->stream, chunk);
	if (!st)
		return;
	h2_requests_prove(h, st);
	if (at->type == FRAME_DATA)
		h2_requests_done(h, st);
}

static void take_data(struct http2 *h, struct span piece)
{
	struct h2_stream *st = streams_find(&h->streams, mine(h)->frames.at.stream);

	if (st && side_is_sure(mine(h)))
		h2_responses_body(h, st, piece, h->at);
}

static void take_content(struct http2 *h, struct span piece, struct span *block)
{
	struct side *s = mine(h);

	switch (s->frames.at.type) {
	case FRAME_DATA:
		take_data(h, piece);
		break;
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
	case FRAME_CONTINUATION:
		if (h->env->keep_responses)
			block_add(&s->block, &s->frames, piece, block);
		break;
	case FRAME_RST_STREAM:
	case FRAME_GOAWAY:
		side_small(s, piece);
		break;
	case FRAME_SETTINGS:
		side_settings(s, &h->side[SIDE_CLIENT].hpack, piece);
		break;
	default:
		break;
	}
}

static void end_frame(struct http2 *h, struct span block)
{
	struct side *s = mine(h);
	const struct frame *at = &s->frames.at;
	struct h2_stream *st;

	switch (at->type) {
	case FRAME_DATA:
		st = (at->flags & FLAG_END_STREAM) ? streams_find(&h->streams, at->stream) : NULL;
		if (st && side_is_sure(s))
			h2_responses_end(h, st, h->at);
		break;
	case FRAME_PUSH_PROMISE:
		counter_add(&h->env->requests.stats->http2_streams, 1);
		counter_add(&h->env->requests.stats->http2_skip[HTTP2_PUSHED], 1);
		/* fall through */
	case FRAME_HEADERS:
	case FRAME_CONTINUATION:
		if (!(at->flags & FLAG_END_HEADERS))
			break;
		take_block(h, block.at ? block : buffer_span(&s->block.bytes));
		block_clear(&s->block);
		break;
	case FRAME_RST_STREAM:
		if (s->small_have >= 4 && side_is_sure(s))
			reset_stream(h, at->stream, side_number(s->small));
		break;
	case FRAME_GOAWAY:
		if (s->small_have >= 4 && side_is_sure(s))
			go_away(h, side_number(s->small) & 0x7fffffff);
		break;
	case FRAME_SETTINGS:
		s->state = SIDE_AT_FRAMES;
		break;
	default:
		break;
	}
}

/** is_of_response() - and with all that it is, if it is HEADERS */
static bool is_of_response(const struct frame *at)
{
	return at->type == FRAME_DATA || (at->type == FRAME_HEADERS && (at->flags & FLAG_END_HEADERS));
}

/** take_unread() - a whole frame of a response that is not kept: that it is here is all that counts */
static void take_unread(struct http2 *h, const struct chunk *chunk)
{
	const struct frame *at = &mine(h)->frames.at;
	struct h2_stream *st = side_is_sure(mine(h)) ? stream_of(h, at->stream, chunk) : NULL;

	if (!st)
		return;
	h2_requests_prove(h, st);
	if (at->flags & FLAG_END_STREAM)
		h2_responses_end(h, st, h->at);
	else
		h2_requests_done(h, st);
}

static void take_frames(struct http2 *h, const struct chunk *chunk, struct span in)
{
	struct side *s = mine(h);
	struct span piece = { 0 }, block = { 0 };

	for (;;) {
		enum frames_event event = frames_next(&s->frames, &in, &piece);

		switch (event) {
		case FRAMES_MORE:
			if (block.at && s->block.is_open)
				block_keep(&s->block, block);
			return;
		case FRAMES_WHOLE:
		case FRAMES_START:
			if (!is_in_order(s, &s->frames.at)) {
				malformed(h);
				return;
			}
			if (event == FRAMES_WHOLE && frame_says_nothing(&s->frames.at))
				break;
			if (event == FRAMES_WHOLE && !h->env->keep_responses && is_of_response(&s->frames.at)) {
				take_unread(h, chunk);
				break;
			}
			start_frame(h, chunk);
			if (event == FRAMES_START)
				break;
			if (piece.len > 0)
				take_content(h, piece, &block);
			end_frame(h, block);
			block = (struct span){ 0 };
			break;
		case FRAMES_CONTENT:
			take_content(h, piece, &block);
			break;
		case FRAMES_END:
			end_frame(h, block);
			block = (struct span){ 0 };
			break;
		case FRAMES_BAD:
			malformed(h);
			return;
		}
	}
}

enum reader_result h2_server_chunk(struct http2 *h, const struct chunk *chunk)
{
	struct side *s = mine(h);

	h->at = chunk->at;
	if (s->state == SIDE_SEEKING) {
		if (!seek_plausible(chunk->bytes, SIDE_SERVER))
			return h->result;
		s->state = SIDE_AT_FRAMES;
		s->is_found = true;
	}
	if (s->is_found && !s->is_anchored)
		side_anchor(s, chunk);
	take_frames(h, chunk, chunk->bytes);
	return h->result;
}

static enum response_result result_of(enum lost_reason why)
{
	return why == LOST_TRUNCATED ? RESPONSE_TRUNCATED : RESPONSE_GAP;
}

void h2_server_gap(struct http2 *h, uint32_t bytes, enum lost_reason why)
{
	struct side *s = mine(h);
	struct h2_stream *st;

	if (s->state == SIDE_SEEKING)
		return;
	if (bytes == GAP_UNKNOWN || !frames_skip(&s->frames, bytes)) {
		lose_place(h, result_of(why));
		return;
	}
	if (s->block.is_open)
		block_break(&s->block, why);
	s->small_have = 0;
	st = s->frames.at.type == FRAME_DATA ? streams_find(&h->streams, s->frames.at.stream) : NULL;
	if (st)
		h2_responses_break(h, st, result_of(why));
}
