/*
 * client.c - the client's frames and gaps
 *
 * Theory of operation. See http2.h. Streams ascend: HEADERS above all that were seen
 * opens one, and a frame of one above them that is no HEADERS belongs to a stream
 * whose start was not captured. What comes on a stream that is not held is over, or
 * was never followed, and is stepped over.
 */
#include "http/http2/http2.h"

#include "http/http2/seek.h"

static struct side *mine(struct http2 *h)
{
	return &h->side[SIDE_CLIENT];
}

/** lose_place() - where the next frame starts is not known: all that is open is lost for @why */
static void lose_place(struct http2 *h, enum lost_reason why)
{
	struct side *s = mine(h);

	if (s->block.is_open && s->block.stream > s->highest && side_is_sure(s))
		h2_requests_lose_head(h, s->block.stream, s->block.at, why);
	h2_requests_lose_open(h, why);
	counter_add(&h->env->requests.stats->http2_epochs, 1);
	side_lose_place(s);
}

/** malformed() - production ends such a connection; if it is one, and not ours to have misread */
static void malformed(struct http2 *h, enum lost_reason why)
{
	counter_add(&h->env->requests.stats->http2_malformed, 1);
	lose_place(h, why);
}

/**
 * reach() - the client has come to @id: streams below it that have not come never will
 *
 * Their requests were in a gap, and what the server said of them is of no use.
 */
static void reach(struct http2 *h, uint32_t id)
{
	struct side *s = mine(h);
	struct h2_stream *st;
	uint32_t count;

	while ((st = streams_above(&h->streams, s->highest, &count)) && st->id < id)
		h2_requests_forget(h, st);
	s->highest = id;
}

/** met_midway() - a frame of a stream whose start was not captured, or is not sure to be one */
static void met_midway(struct http2 *h, uint32_t id)
{
	struct http_stats *stats = h->env->requests.stats;

	if (side_is_sure(mine(h)))
		reach(h, id);
	counter_add(&stats->http2_streams, 1);
	counter_add(&stats->http2_skip[HTTP2_MIDWAY], 1);
}

/* ---- heads ---- */

/** second_head() - there is a request on the stream of this head already, of which one was found, and is none */
static void second_head(struct http2 *h, struct h2_stream *st)
{
	h2_requests_lose(h, st, LOST_GAP);
	h2_requests_done(h, st);
}

static void take_trailers(struct http2 *h, struct h2_stream *st)
{
	const struct block *b = &mine(h)->block;

	if (h->known->fields.kind == FIELDS_REQUEST && st->needs_proof) {
		second_head(h, st);
	} else if (!b->ends_stream || h->known->fields.kind == FIELDS_REQUEST || h->known->fields.kind == FIELDS_MALFORMED) {
		h2_requests_lose(h, st, LOST_MALFORMED);
		h2_requests_done(h, st);
	} else {
		h2_requests_end(h, st, h->at);
	}
}

/**
 * answered_before() - had production responded on the stream of a head that was found before it can have read that head?
 *
 * Then there was another head, in a gap, and this one is none.
 */
static bool answered_before(const struct http2 *h, const struct h2_stream *st)
{
	return st && h->side[SIDE_CLIENT].is_found && st->read_by_server <= h->offset;
}

/** open_stream() - the head of a new request is in known->fields */
static void open_stream(struct http2 *h, uint32_t id)
{
	struct side *s = mine(h);
	struct http_stats *stats = h->env->requests.stats;
	struct h2_stream *st = streams_find(&h->streams, id); /* the server may be ahead */
	struct block *b = &s->block;

	reach(h, id);
	if (h->known->fields.kind == FIELDS_TUNNEL) {
		counter_add(&stats->http2_streams, 1);
		counter_add(&stats->http2_skip[HTTP2_TUNNEL], 1);
		counter_add(&stats->http2_head[h->known->fields.is_whole ? HTTP2_WHOLE : HTTP2_PART], 1);
		if (st)
			st->state = STREAM_TOLD;
	} else if (st || (st = streams_add(&h->streams, &h->env->streams, id))) {
		st->needs_proof = s->is_found;
		h2_requests_head(h, st, b->at);
		if (st->state == STREAM_OPEN && b->ends_stream) {
			h2_requests_end(h, st, h->at);
			return;
		}
	} else {
		counter_add(&stats->http2_streams, 1);
		counter_add(&stats->http2_skip[HTTP2_OVER], 1);
	}
	if (st)
		h2_requests_done(h, st);
}

/** take_block() - a header block is whole, or what is left of it */
static void take_block(struct http2 *h, struct span bytes)
{
	struct side *s = mine(h);
	struct block *b = &s->block;
	struct h2_stream *st = streams_find(&h->streams, b->stream);
	bool is_new = b->stream > s->highest;

	b->is_open = false;
	if (b->is_broken || hpack_decode(&s->hpack, bytes, &h->known->head) < 0) {
		enum lost_reason why = b->is_broken ? b->why : LOST_MALFORMED;

		if (b->is_broken)
			hpack_forget(&s->hpack);
		else
			counter_add(&h->env->requests.stats->http2_malformed, 1); /* the decoder has forgotten */
		if (is_new && side_is_sure(s)) {
			reach(h, b->stream);
			if (st) /* the server was ahead */
				h2_requests_forget(h, st);
			h2_requests_lose_head(h, b->stream, b->at, why);
		} else if (st && st->state == STREAM_OPEN) {
			h2_requests_lose(h, st, why);
			h2_requests_done(h, st);
		}
		return;
	}
	fields_of_request(&h->known->head, &h->known->fields);
	if (st && st->state == STREAM_OPEN)
		take_trailers(h, st);
	else if (st && st->state == STREAM_HELD && st->needs_proof)
		second_head(h, st);
	else if (is_new && (h->known->fields.kind == FIELDS_TRAILERS || !side_is_sure(s) || answered_before(h, st)))
		met_midway(h, b->stream);
	else if (is_new)
		open_stream(h, b->stream);
}

/* ---- frames ---- */

/** is_in_order() - may this frame come now? */
static bool is_in_order(const struct side *s, const struct frame *at)
{
	if (s->block.is_open)
		return at->type == FRAME_CONTINUATION && at->stream == s->block.stream;
	if (s->state == SIDE_AT_SETTINGS)
		return at->type == FRAME_SETTINGS && !(at->flags & FLAG_ACK) && at->stream == 0;
	switch (at->type) {
	case FRAME_CONTINUATION:
	case FRAME_PUSH_PROMISE:
		return false;
	case FRAME_DATA:
	case FRAME_HEADERS:
	case FRAME_RST_STREAM:
		return at->stream % 2 == 1;
	case FRAME_SETTINGS:
		return at->stream == 0 && at->length % 6 == 0;
	default:
		return true;
	}
}

static void reset_stream(struct http2 *h, uint32_t id)
{
	struct h2_stream *st = streams_find(&h->streams, id);

	if (!st && id > mine(h)->highest && side_is_sure(mine(h)))
		met_midway(h, id);
	if (!st)
		return;
	if (st->state == STREAM_HELD)
		h2_requests_release(h, st); /* it was sent whole; that the response isn't wanted any more is another matter */
	else if (st->state == STREAM_OPEN || st->state == STREAM_AHEAD)
		h2_requests_lose(h, st, LOST_STREAM_RESET);
	h2_responses_break(h, st, RESPONSE_BROKEN_OFF);
	h2_requests_done(h, st);
}

static void take_data(struct http2 *h, struct span piece)
{
	struct side *s = mine(h);
	uint32_t id = s->frames.at.stream;
	struct h2_stream *st = streams_find(&h->streams, id);

	if (st && st->state == STREAM_OPEN)
		h2_requests_body(h, st, piece);
	else if (!st && id > s->highest && side_is_sure(s))
		met_midway(h, id);
}

/** start_block() - HEADERS; @left: bytes from the frame's first to the chunk's last. More than it has: the frame's head is split */
static void start_block(struct side *s, const struct chunk *chunk, size_t left)
{
	block_start(&s->block, &s->frames.at, chunk->at);
	s->block.offset = chunk->offset + chunk->bytes.len - left;
	s->block.peer_read = left > chunk->bytes.len ? s->split_read : chunk->peer_read;
}

static void start_frame(struct http2 *h, const struct chunk *chunk, size_t left)
{
	struct side *s = mine(h);
	const struct frame *at = &s->frames.at;

	s->small_have = 0;
	if (at->type == FRAME_HEADERS)
		start_block(s, chunk, left);
	if (at->type == FRAME_CONTINUATION && ++s->block.frames > BLOCK_FRAMES_MAX)
		block_break(&s->block, LOST_HEAD_UNKNOWN);
}

static void take_content(struct http2 *h, struct span piece, struct span *block)
{
	struct side *s = mine(h);

	switch (s->frames.at.type) {
	case FRAME_DATA:
		take_data(h, piece);
		break;
	case FRAME_HEADERS:
	case FRAME_CONTINUATION:
		block_add(&s->block, &s->frames, piece, block);
		break;
	case FRAME_RST_STREAM:
		side_small(s, piece);
		break;
	case FRAME_SETTINGS:
		side_settings(s, &h->side[SIDE_SERVER].hpack, piece);
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
		if (st && st->state == STREAM_OPEN)
			h2_requests_end(h, st, h->at);
		break;
	case FRAME_HEADERS:
	case FRAME_CONTINUATION:
		if (!(at->flags & FLAG_END_HEADERS))
			break;
		take_block(h, block.at ? block : buffer_span(&s->block.bytes));
		block_clear(&s->block);
		break;
	case FRAME_RST_STREAM:
		reset_stream(h, at->stream);
		break;
	case FRAME_SETTINGS:
		s->state = SIDE_AT_FRAMES;
		break;
	default:
		break;
	}
}

/** no_http2() - the first frame is not SETTINGS: another protocol has the same preface */
static void no_http2(struct http2 *h)
{
	counter_add(&h->env->requests.stats->http2_foreign, 1);
	h->result = READER_LEFT;
}

static void out_of_order(struct http2 *h)
{
	if (mine(h)->state == SIDE_AT_SETTINGS)
		no_http2(h);
	else
		malformed(h, LOST_FRAMING);
}

/** count_start() - it is a connection of HTTP/2, met in this way */
static void count_start(struct http2 *h, enum http2_start how)
{
	h->is_counted = true;
	counter_add(&h->env->requests.stats->http2_start[how], 1);
}

/** finish_frame() - end_frame(), of the connection's first one too */
static void finish_frame(struct http2 *h, struct span *block)
{
	if (mine(h)->state == SIDE_AT_SETTINGS && !h->is_counted)
		count_start(h, h->is_upgraded ? HTTP2_UPGRADED : HTTP2_PREFACE);
	end_frame(h, *block);
	*block = (struct span){ 0 };
}

static void take_frames(struct http2 *h, const struct chunk *chunk, struct span in)
{
	struct side *s = mine(h);
	struct span piece = { 0 }, block = { 0 };

	while (h->result == READER_LIVE) {
		enum frames_event event = frames_next(&s->frames, &in, &piece);

		switch (event) {
		case FRAMES_MORE:
			if (block.at && s->block.is_open) /* its frame ends with padding in the next chunk */
				block_keep(&s->block, block);
			if (s->frames.have > 0 && s->frames.have <= chunk->bytes.len)
				s->split_read = chunk->peer_read;
			return;
		case FRAMES_WHOLE:
		case FRAMES_START:
			if (!is_in_order(s, &s->frames.at)) {
				out_of_order(h);
				return;
			}
			if (event == FRAMES_WHOLE && frame_says_nothing(&s->frames.at))
				break;
			start_frame(h, chunk, FRAME_HEAD_BYTES + in.len + (event == FRAMES_WHOLE ? s->frames.at.length : 0));
			if (event == FRAMES_START)
				break;
			if (piece.len > 0)
				take_content(h, piece, &block);
			finish_frame(h, &block);
			break;
		case FRAMES_CONTENT:
			take_content(h, piece, &block);
			break;
		case FRAMES_END:
			finish_frame(h, &block);
			break;
		case FRAMES_BAD:
			malformed(h, LOST_FRAMING);
			return;
		}
	}
}

/* ---- where frames start ---- */

/** take_preface() - its next bytes, which are gone from @in; false: it is none */
static bool take_preface(struct http2 *h, struct span *in)
{
	struct side *s = mine(h);
	size_t want = PREFACE_BYTES - s->preface_have, n = in->len < want ? in->len : want;
	struct span part;

	span_take(in, n, &part);
	if (memcmp(part.at, &PREFACE[s->preface_have], n) != 0)
		return false;
	s->preface_have += (uint8_t)n;
	if (s->preface_have < PREFACE_BYTES)
		return true;
	s->state = SIDE_AT_SETTINGS;
	if (!h->is_preface_counted)
		counter_add(&h->env->requests.stats->http2, 1);
	return true;
}

/** seek() - does this segment start with frames? */
static bool seek(struct http2 *h, struct span bytes)
{
	struct side *s = mine(h);

	if (!seek_plausible(bytes, SIDE_CLIENT))
		return false;
	s->state = SIDE_AT_FRAMES;
	s->is_found = true;
	if (h->is_counted)
		counter_add(&h->env->requests.stats->http2_refound, 1);
	else
		count_start(h, HTTP2_JOINED);
	return true;
}

/** contradicts() - do frames that were found lie over a segment that looks like frames itself? */
static bool contradicts(const struct http2 *h, struct span bytes)
{
	const struct side *s = &h->side[SIDE_CLIENT];

	return s->state == SIDE_AT_FRAMES && (s->frames.is_inside || s->frames.have > 0) &&
	       bytes.len >= FRAME_HEAD_BYTES && seek_plausible(bytes, SIDE_CLIENT);
}

/** doubt() - what needs proof is lost: the place was wrong, or is now */
static void doubt(struct http2 *h)
{
	struct h2_stream *st;
	uint32_t id = 0;

	while ((st = streams_next(&h->streams, &id))) {
		if (st->needs_proof && (st->state == STREAM_OPEN || st->state == STREAM_HELD))
			h2_requests_lose(h, st, LOST_GAP);
		h2_requests_done(h, st);
	}
	counter_add(&h->env->requests.stats->http2_epochs, 1);
	side_lose_place(mine(h));
}

enum reader_result h2_client_chunk(struct http2 *h, const struct chunk *chunk)
{
	struct side *s = mine(h);
	struct span in = chunk->bytes;

	h->at = chunk->at;
	h->offset = chunk->offset;
	if (s->is_found && contradicts(h, in))
		doubt(h);
	if (s->is_found && !s->is_anchored)
		side_anchor(s, chunk);
	if (s->state == SIDE_AT_PREFACE && !take_preface(h, &in))
		return h->result = READER_REFUSED;
	if (s->state == SIDE_SEEKING && !seek(h, in))
		return h->result;
	if (s->state != SIDE_AT_PREFACE)
		take_frames(h, chunk, in);
	return h->result;
}

/** inside_gap() - bytes of the frame at hand are missing, and its end is known */
static void inside_gap(struct http2 *h, enum lost_reason why)
{
	struct side *s = mine(h);
	struct http_stats *stats = h->env->requests.stats;
	struct h2_stream *st;

	switch (s->frames.at.type) {
	case FRAME_HEADERS:
	case FRAME_CONTINUATION:
		counter_add(&stats->http2_gap[HTTP2_IN_HEADS], 1);
		counter_add(&stats->http2_epochs, 1);
		block_break(&s->block, why);
		return;
	case FRAME_DATA:
		st = streams_find(&h->streams, s->frames.at.stream);
		if (st && st->state == STREAM_OPEN)
			h2_requests_lose(h, st, why);
		if (st)
			h2_requests_done(h, st);
		break;
	case FRAME_SETTINGS:
		hpack_set_limit(&h->side[SIDE_SERVER].hpack, UINT32_MAX);
		break;
	default:
		break;
	}
	s->small_have = 0;
	counter_add(&stats->http2_gap[HTTP2_IN_DATA], 1);
}

void h2_client_gap(struct http2 *h, uint32_t bytes, enum lost_reason why)
{
	struct side *s = mine(h);

	if (s->state == SIDE_SEEKING)
		return;
	if ((s->state == SIDE_AT_FRAMES || s->state == SIDE_AT_SETTINGS) && bytes != GAP_UNKNOWN &&
	    frames_skip(&s->frames, bytes)) {
		inside_gap(h, why);
		return;
	}
	counter_add(&h->env->requests.stats->http2_gap[HTTP2_IN_HEADS], 1);
	lose_place(h, why);
}

void h2_client_end(struct http2 *h, enum lost_reason why)
{
	struct side *s = mine(h);

	if (s->block.is_open && s->block.stream > s->highest && side_is_sure(s)) {
		h2_requests_lose_head(h, s->block.stream, s->block.at, s->block.is_broken ? s->block.why : why);
		s->highest = s->block.stream;
	}
	block_clear(&s->block);
	h2_requests_lose_open(h, why);
}
