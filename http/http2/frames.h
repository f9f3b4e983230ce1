/*
 * frames.h - one direction of HTTP/2 cut into frames (RFC 9113, 4.1)
 *
 * A direction's bytes come in pieces of any size. Out come, in order, the head of a
 * frame, pieces of its content, and its end; or all of a frame at once where all of it
 * is there, as nearly all are. Padding, and what stands before the
 * content of HEADERS and PUSH_PROMISE, is taken off here. What a frame means, and
 * whether it may come now, is not asked.
 */
#ifndef HTTP_HTTP2_FRAMES_H
#define HTTP_HTTP2_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define FRAME_HEAD_BYTES 9
#define FRAME_RESERVED_BIT 0x80000000u /* of the stream's id */

enum frame_type {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RST_STREAM,
	FRAME_SETTINGS,
	FRAME_PUSH_PROMISE,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION,
	FRAME_TYPE_COUNT, /* all above are extensions, and are stepped over (RFC 9113, 5.5) */
};

/* Flags; what each means depends on the type. */
#define FLAG_END_STREAM 0x01
#define FLAG_ACK 0x01
#define FLAG_END_HEADERS 0x04
#define FLAG_PADDED 0x08
#define FLAG_PRIORITY 0x20

struct frame {
	uint32_t length;
	uint32_t stream; /* without the reserved bit */
	uint8_t type, flags;
};

/** frame_parse() - the head of a frame, from nine bytes */
static inline struct frame frame_parse(const uint8_t head[FRAME_HEAD_BYTES])
{
	uint32_t first = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	uint32_t last = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];

	return (struct frame){ .length = first >> 8, .type = head[3], .flags = head[4], .stream = last & ~FRAME_RESERVED_BIT };
}

/** struct frames - where in the frames a direction is; zero: at the start of one */
struct frames {
	struct frame at;  /* with is_inside, and the one that was whole */
	uint32_t before;  /* bytes of it still to come: before its content */
	uint32_t content; /* ... of the content */
	uint32_t padding; /* ... and behind it */
	uint8_t have;     /* bytes of the next head */
	bool is_inside;
	bool awaits_pad_length; /* the next byte says how much of the content is padding */
	uint8_t head[FRAME_HEAD_BYTES];
};

enum frames_event {
	FRAMES_MORE,    /* all bytes are taken */
	FRAMES_WHOLE,   /* frames.at is a frame that starts and ends, @piece all of it: the following three at once */
	FRAMES_START,   /* frames.at is a frame that starts */
	FRAMES_CONTENT, /* a piece of its content, at least a byte */
	FRAMES_END,     /* it is whole */
	FRAMES_BAD,     /* more padding than there is room for, or shorter than its fields (6.1, 6.2, 6.6) */
};

/** frames_next_part() - frames_next(), where it is not a whole frame */
enum frames_event frames_next_part(struct frames *f, struct span *in, struct span *piece);

/**
 * frames_next() - take what comes next from the front of @in
 * @piece: with FRAMES_CONTENT, and with FRAMES_WHOLE, where it may be empty; borrowed from @in
 *
 * To be called until it returns FRAMES_MORE or FRAMES_BAD, after which @f is of no use.
 */
static inline enum frames_event frames_next(struct frames *f, struct span *in, struct span *piece)
{
	struct span ahead = *in, head;

	if (f->is_inside || f->have > 0)
		return frames_next_part(f, in, piece);
	if (in->len == 0)
		return FRAMES_MORE;
	if (span_take(&ahead, FRAME_HEAD_BYTES, &head)) {
		struct frame at = frame_parse(head.at);

		if (!(at.flags & (FLAG_PADDED | FLAG_PRIORITY)) && span_take(&ahead, at.length, piece)) {
			f->at = at;
			*in = ahead;
			return FRAMES_WHOLE;
		}
	}
	return frames_next_part(f, in, piece);
}

/** frame_says_nothing() - does it say nothing of a stream, or of how header blocks are written? */
static inline bool frame_says_nothing(const struct frame *at)
{
	return at->type == FRAME_WINDOW_UPDATE || at->type == FRAME_PING || at->type == FRAME_PRIORITY;
}

/**
 * frames_skip() - @bytes of the direction will never come; where are the frames after that?
 * Return: false if a head may be among them, so that the next frame's place is not known.
 */
bool frames_skip(struct frames *f, uint32_t bytes);

/** frames_reset() - the next byte starts a frame */
void frames_reset(struct frames *f);

#endif
