/* frames.c - see frames.h */
#include "http/http2/frames.h"

void frames_reset(struct frames *f)
{
	*f = (struct frames){ 0 };
}

static bool has_padding(const struct frame *at)
{
	return (at->flags & FLAG_PADDED) &&
	       (at->type == FRAME_DATA || at->type == FRAME_HEADERS || at->type == FRAME_PUSH_PROMISE);
}

/** start() - the head @f->at is here; false if the frame is too short for what it says it has */
static bool start(struct frames *f)
{
	f->is_inside = true;
	f->have = 0;
	f->padding = 0;
	f->before = 0;
	f->awaits_pad_length = has_padding(&f->at);
	if (f->at.type == FRAME_HEADERS && (f->at.flags & FLAG_PRIORITY))
		f->before = 5;
	f->before += f->awaits_pad_length;
	if (f->before > f->at.length)
		return false;
	f->content = f->at.length - f->before;
	return true;
}

static enum frames_event take_head(struct frames *f, struct span *in)
{
	struct span part;

	if (f->have == 0 && span_take(in, FRAME_HEAD_BYTES, &part)) {
		f->at = frame_parse(part.at);
		return start(f) ? FRAMES_START : FRAMES_BAD;
	}
	span_take(in, in->len < (size_t)(FRAME_HEAD_BYTES - f->have) ? in->len : (size_t)(FRAME_HEAD_BYTES - f->have), &part);
	if (part.len > 0)
		memcpy(f->head + f->have, part.at, part.len);
	f->have += (uint8_t)part.len;
	if (f->have < FRAME_HEAD_BYTES)
		return FRAMES_MORE;
	f->at = frame_parse(f->head);
	return start(f) ? FRAMES_START : FRAMES_BAD;
}

/** take_before() - what stands before the content, of which there is some; false: there is more padding than content */
static bool take_before(struct frames *f, struct span *in)
{
	uint8_t pad;

	if (f->awaits_pad_length && span_u8(in, &pad)) {
		f->awaits_pad_length = false;
		f->before--;
		if (pad > f->content)
			return false;
		f->padding = pad;
		f->content -= pad;
	}
	if (in->len < f->before) {
		f->before -= (uint32_t)in->len;
		span_skip(in, in->len);
	} else {
		span_skip(in, f->before);
		f->before = 0;
	}
	return true;
}

enum frames_event frames_next_part(struct frames *f, struct span *in, struct span *piece)
{
	if (!f->is_inside)
		return take_head(f, in);
	if (f->before > 0 && in->len > 0 && !take_before(f, in))
		return FRAMES_BAD;
	if (f->before > 0)
		return FRAMES_MORE;
	if (f->content > 0 && in->len > 0) {
		span_take(in, in->len < f->content ? in->len : f->content, piece);
		f->content -= (uint32_t)piece->len;
		return FRAMES_CONTENT;
	}
	if (f->content > 0)
		return FRAMES_MORE;
	if (in->len < f->padding) {
		f->padding -= (uint32_t)in->len;
		span_skip(in, in->len);
		return FRAMES_MORE;
	}
	span_skip(in, f->padding);
	f->padding = 0;
	f->is_inside = false;
	return FRAMES_END;
}

static uint32_t take(uint32_t *from, uint32_t bytes)
{
	uint32_t n = bytes < *from ? bytes : *from;

	*from -= n;
	return bytes - n;
}

bool frames_skip(struct frames *f, uint32_t bytes)
{
	if (!f->is_inside || bytes > (uint64_t)f->before + f->content + f->padding)
		return false;
	f->awaits_pad_length &= bytes == 0; /* how much is padding is not known; to the end of the frame it makes no difference */
	take(&f->padding, take(&f->content, take(&f->before, bytes)));
	return true;
}
