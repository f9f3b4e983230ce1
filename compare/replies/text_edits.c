/* text_edits.c - see text_edits.h */
#include "compare/replies/text_edits.h"

#include <string.h>

/** trim() - what both begin with and end with needs no edits; the bytes at the front that went */
static size_t trim(struct span *a, struct span *b)
{
	size_t most = a->len < b->len ? a->len : b->len, front = 0;

	while (front < most && a->at[front] == b->at[front])
		front++;
	span_skip(a, front);
	span_skip(b, front);
	span_truncate(a, TEXT_EDITS_MAX);
	span_truncate(b, TEXT_EDITS_MAX);
	return front;
}

/** column() - one byte of the other text: the differences down the column, and what the last row grows by */
static int column(struct text_edits *e, const uint64_t *equal, size_t words, uint64_t last)
{
	uint64_t up = 1, down = 0; /* into the block from the one above: the first row grows by one each column */
	int grows = 0;

	for (size_t w = 0; w < words; w++) {
		uint64_t above = e->above[w], below = e->below[w], same = equal[w] | down;
		uint64_t vertical = equal[w] | below, horizontal = (((same & above) + above) ^ above) | same;
		uint64_t plus = below | ~(horizontal | above), minus = above & horizontal;
		uint64_t plus_out = plus >> 63, minus_out = minus >> 63;

		if (w + 1 == words)
			grows = (int)((plus & last) != 0) - (int)((minus & last) != 0);
		plus = plus << 1 | up;
		minus = minus << 1 | down;
		e->above[w] = minus | ~(vertical | plus);
		e->below[w] = plus & vertical;
		up = plus_out;
		down = minus_out;
	}
	return grows;
}

uint64_t text_edits(struct text_edits *e, struct span a, struct span b, uint64_t *of)
{
	size_t front = trim(&a, &b), words = (a.len + 63) / 64;
	int64_t edits = (int64_t)a.len;

	*of = front + (a.len > b.len ? a.len : b.len);
	if (a.len == 0)
		return b.len;
	for (size_t i = 0; i < a.len; i++)
		e->equal[a.at[i]][i / 64] |= UINT64_C(1) << i % 64;
	memset(e->above, 0xff, words * sizeof(e->above[0]));
	memset(e->below, 0, words * sizeof(e->below[0]));
	for (size_t i = 0; i < b.len; i++)
		edits += column(e, e->equal[b.at[i]], words, UINT64_C(1) << (a.len - 1) % 64);
	for (size_t i = 0; i < a.len; i++)
		e->equal[a.at[i]][i / 64] = 0;
	return (uint64_t)edits;
}
