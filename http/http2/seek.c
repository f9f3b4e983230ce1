/*
 * seek.c - see seek.h
 *
 * Theory of operation. Nearly all segments of a client with small requests start
 * with a frame's head, and of one with large ones a third of them. The nine bytes of
 * a head leave little room: types go up to nine, most of them fix the length, the
 * flags or the stream. What is enough is a chain of three heads, or of fewer that ends
 * where the segment does, or a header block that can be walked to its last byte.
 */
#include "http/http2/seek.h"

#include <string.h>

#include "http/http2/frames.h"
#include "http/http2/hpack.h"

#define CHAIN_ENOUGH 3
#define SETTINGS_BYTES_MAX 1024 /* more than there are settings */

/* Flags that a type has (RFC 9113, 6) */
static const uint8_t flags_of[FRAME_TYPE_COUNT] = {
	[FRAME_DATA] = FLAG_END_STREAM | FLAG_PADDED,
	[FRAME_HEADERS] = FLAG_END_STREAM | FLAG_END_HEADERS | FLAG_PADDED | FLAG_PRIORITY,
	[FRAME_SETTINGS] = FLAG_ACK,
	[FRAME_PUSH_PROMISE] = FLAG_END_HEADERS | FLAG_PADDED,
	[FRAME_PING] = FLAG_ACK,
	[FRAME_CONTINUATION] = FLAG_END_HEADERS,
};

static bool length_fits(const struct frame *f)
{
	switch (f->type) {
	case FRAME_PRIORITY:
		return f->length == 5;
	case FRAME_RST_STREAM:
	case FRAME_WINDOW_UPDATE:
		return f->length == 4;
	case FRAME_SETTINGS:
		return f->length % 6 == 0 && f->length < SETTINGS_BYTES_MAX && (!(f->flags & FLAG_ACK) || f->length == 0);
	case FRAME_PING:
		return f->length == 8;
	case FRAME_GOAWAY:
		return f->length >= 8;
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
		return f->length >= 1;
	default:
		return true;
	}
}

static bool stream_fits(const struct frame *f, enum stream_side side)
{
	switch (f->type) {
	case FRAME_SETTINGS:
	case FRAME_PING:
	case FRAME_GOAWAY:
		return f->stream == 0;
	case FRAME_WINDOW_UPDATE:
		return true;
	case FRAME_PUSH_PROMISE:
		return side == SIDE_SERVER && f->stream % 2 == 1;
	default:
		return f->stream != 0 && (f->stream % 2 == 1 || side == SIDE_SERVER);
	}
}

bool seek_settings(struct span bytes)
{
	uint8_t head[FRAME_HEAD_BYTES] = { 0, 0, 0, FRAME_SETTINGS }; /* what is not here yet is as it must be */
	struct frame f;

	if (bytes.len > sizeof(head))
		bytes.len = sizeof(head);
	if (bytes.len > 0)
		memcpy(head, bytes.at, bytes.len);
	f = frame_parse(head);
	return bytes.len > 0 && f.length < SETTINGS_BYTES_MAX && (bytes.len < 3 || f.length % 6 == 0) &&
	       f.type == FRAME_SETTINGS && f.flags == 0 && f.stream == 0 && !(head[5] & 0x80);
}

static bool head_fits(const struct frame *f, const uint8_t *head, enum stream_side side)
{
	return f->type < FRAME_TYPE_COUNT && !(f->flags & ~flags_of[f->type]) && !(head[5] & 0x80) && length_fits(f) &&
	       stream_fits(f, side);
}

/** block_walks() - may @payload of HEADERS that is here whole be a header block? */
static bool block_walks(const struct frame *f, struct span payload)
{
	struct frames one = { 0 };
	uint8_t head[FRAME_HEAD_BYTES] = { 0, 0, 0, f->type, f->flags };
	struct span in = span_of(head, sizeof(head)), block;

	head[0] = (uint8_t)(f->length >> 16);
	head[1] = (uint8_t)(f->length >> 8);
	head[2] = (uint8_t)f->length;
	if (frames_next(&one, &in, &block) != FRAMES_START)
		return false;
	return frames_next(&one, &payload, &block) == FRAMES_CONTENT && hpack_walks(block);
}

bool seek_plausible(struct span bytes, enum stream_side side)
{
	size_t heads = 0;
	bool has_block = false;
	struct span head, payload;

	while (span_take(&bytes, FRAME_HEAD_BYTES, &head)) {
		struct frame f = frame_parse(head.at);

		if (!head_fits(&f, head.at, side))
			return false;
		heads++;
		if (!span_take(&bytes, f.length, &payload))
			return heads >= CHAIN_ENOUGH || has_block;
		if (f.type == FRAME_HEADERS && (f.flags & FLAG_END_HEADERS)) {
			if (!block_walks(&f, payload))
				return false;
			has_block = true;
		}
	}
	return heads > 0 && (bytes.len == 0 || heads >= CHAIN_ENOUGH || has_block);
}
