/* side.c - one direction: where it is, and how sure that is (http2.h) */
#include "http/http2/http2.h"

uint32_t side_number(const uint8_t at[4])
{
	struct span four = span_of(at, 4);
	uint32_t n = 0;

	span_u32(&four, &n);
	return n;
}

/** take_setting() - six bytes: which, and its value; of a table's size the largest counts, since it may be in force still */
static void take_setting(struct hpack *encoder, const uint8_t at[6])
{
	uint32_t value = side_number(at + 2);

	if (at[0] == 0 && at[1] == 1 && (encoder->limit == UINT32_MAX || value > encoder->limit))
		hpack_set_limit(encoder, value > HPACK_TABLE_SIZE ? value : HPACK_TABLE_SIZE);
}

void side_settings(struct side *s, struct hpack *encoder, struct span piece)
{
	for (size_t i = 0; i < piece.len; i++) {
		s->small[s->small_have++] = piece.at[i];
		if (s->small_have < 6)
			continue;
		take_setting(encoder, s->small);
		s->small_have = 0;
	}
}

void side_small(struct side *s, struct span piece)
{
	for (size_t i = 0; i < piece.len && s->small_have < sizeof(s->small); i++)
		s->small[s->small_have++] = piece.at[i];
}

void side_lose_place(struct side *s)
{
	hpack_forget(&s->hpack); /* header blocks may go by until frames are found again */
	s->state = SIDE_SEEKING;
	s->is_found = true;
	s->is_anchored = false;
	s->last_bytes = 0;
	frames_reset(&s->frames);
	block_clear(&s->block);
	s->small_have = 0;
}

void side_anchor(struct side *s, const struct chunk *chunk)
{
	bool at_start = s->state == SIDE_AT_FRAMES && !s->frames.is_inside && s->frames.have == 0;
	bool has_read = chunk->peer_known && chunk->peer_read > s->last_read;

	if (at_start && s->last_bytes > 0 && s->last_bytes < SEGMENT_SHORT && has_read) {
		s->is_anchored = true;
		hpack_forget(&s->hpack); /* what was inserted since the place was found may be a body's, too */
	}
	s->last_bytes = chunk->peer_known ? chunk->bytes.len : 0;
	s->last_read = chunk->peer_read;
}
