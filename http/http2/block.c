/*
 * block.c - header blocks, joined from HEADERS or PUSH_PROMISE and its CONTINUATIONs (RFC 9113, 4.3)
 *
 * Most blocks lie whole in one piece and are not copied. What is copied is bounded: of
 * a block beyond that the fields are not known, and the decoder has to forget.
 */
#include "http/http2/http2.h"

void block_start(struct block *b, const struct frame *at, struct wall now)
{
	block_clear(b);
	b->at = now;
	b->stream = at->stream;
	b->type = at->type;
	b->skip = at->type == FRAME_PUSH_PROMISE ? 4 : 0;
	b->frames = 0;
	b->is_open = true;
	b->is_broken = false;
	b->ends_stream = at->type == FRAME_HEADERS && (at->flags & FLAG_END_STREAM);
}

void block_drop(struct block *b)
{
	buffer_deinit(&b->bytes);
	budget_release(b->budget, b->charged);
	b->charged = 0;
}

void block_break(struct block *b, enum lost_reason why)
{
	if (!b->is_broken)
		b->why = why;
	b->is_broken = true;
	block_drop(b);
}

void block_keep(struct block *b, struct span piece)
{
	if (piece.len > BLOCK_BYTES_MAX - b->bytes.len) {
		block_break(b, LOST_HEAD_UNKNOWN);
		return;
	}
	if (!budget_charge(b->budget, piece.len)) {
		block_break(b, LOST_MEMORY);
		return;
	}
	b->charged += piece.len;
	buffer_add_span(&b->bytes, piece);
	if (!buffer_ok(&b->bytes))
		block_break(b, LOST_MEMORY);
}

void block_add(struct block *b, const struct frames *f, struct span piece, struct span *whole)
{
	size_t skip = piece.len < b->skip ? piece.len : b->skip;

	span_skip(&piece, skip);
	b->skip -= (uint32_t)skip;
	if (b->is_broken)
		return;
	if (f->content == 0 && b->bytes.len == 0 && (f->at.flags & FLAG_END_HEADERS)) {
		*whole = piece;
		return;
	}
	block_keep(b, piece);
}
