/*
 * hpack_huffman.c - see hpack_huffman.h
 *
 * Theory of operation. The bits to come lie left-aligned in 64, refilled eight
 * bytes at a time. The first eleven choose a row of a table: it says which
 * symbol they begin with, and which second one if that is whole too, as it is
 * for most pairs of digits and small letters, whose codes have five and six bits.
 * Both symbols are stored each time, the second one to be overwritten if it isn't
 * one. Codes of twelve and more bits belong to control characters, a few signs
 * and bytes above 0x7e; they are looked for length by length, at most nineteen.
 *
 * 8 KiB of table are a compromise: with 10 bits 4 KiB, and half as many pairs;
 * with 12 bits 16 KiB, half of a first-level cache that packets need as well.
 *
 * At the end of the string, codes are taken one at a time while they lie within
 * the bits that are there. What is left must be padding: fewer than eight bits,
 * the first ones of EOS, which are all ones. Bits behind the end are never taken
 * for more than the choice of a row: as no code begins another, a code that ends
 * before them is the same whatever they are.
 */
#include "http/http2/hpack_huffman.h"

#include <errno.h>
#include <stdbool.h>

#include "http/http2/hpack_huffman_table.h"

#define EOS 256

/* The bits to come: the first @held of @bits are certain */
struct window {
	uint64_t bits;
	unsigned held; /* below 64 */
};

struct found_code {
	unsigned length, symbol;
};

/** refill() - at least 56 bits, or all that are left */
__attribute__((always_inline)) static inline void refill(struct window *w, struct span *in)
{
	struct span ahead = *in;
	uint64_t eight;
	uint8_t one;

	if (span_u64(&ahead, &eight)) {
		w->bits |= eight >> w->held; /* the bits that don't count yet come again, and are the same */
		span_skip(in, (63 - w->held) / 8);
		w->held |= 56;
		return;
	}
	while (w->held <= 55 && span_u8(in, &one)) {
		w->bits |= (uint64_t)one << (56 - w->held);
		w->held += 8;
	}
}

static inline void drop(struct window *w, unsigned bits)
{
	w->bits <<= bits;
	w->held -= bits;
}

/** long_code() - find the code of more than PEEK_BITS at the front; its length and symbol, length 0 if there is none */
static struct found_code long_code(struct window w)
{
	for (unsigned length = PEEK_BITS + 1; length <= LONGEST_CODE && length <= w.held; length++) {
		const struct long_codes *codes = &long_codes[length - PEEK_BITS - 1];
		uint64_t after = (w.bits >> (64 - length)) - codes->first; /* one that is before wraps */

		if (after < codes->count)
			return (struct found_code){ length, long_symbols[codes->symbols + after] };
	}
	return (struct found_code){ 0 };
}

/** is_padding() - what may be left behind the last code: fewer than 8 bits, all ones */
static bool is_padding(struct window w)
{
	return w.held == 0 || (w.held < 8 && w.bits >> (64 - w.held) == (1u << w.held) - 1);
}

ssize_t hpack_huffman_decode(struct span in, uint8_t *out)
{
	struct window w = { 0 };
	uint8_t *at = out;

	for (;;) {
		uint32_t row;

		if (w.held < PEEK_BITS)
			refill(&w, &in);
		if (w.held < PEEK_BITS)
			break;
		row = short_codes[w.bits >> (64 - PEEK_BITS)];
		if (row) {
			at[0] = (uint8_t)row; /* two stores that the compiler makes one */
			at[1] = (uint8_t)(row >> 8);
			at += row >> 28;
			drop(&w, row >> 16 & 0xff);
		} else {
			struct found_code found;

			refill(&w, &in);
			found = long_code(w);
			if (found.length == 0 || found.symbol == EOS)
				return -EBADMSG;
			drop(&w, found.length);
			*at++ = (uint8_t)found.symbol;
		}
	}
	for (;;) { /* the last codes, one by one */
		uint32_t row = short_codes[w.bits >> (64 - PEEK_BITS)];
		unsigned length = row >> 24 & 15;

		if (!row || length > w.held)
			return is_padding(w) ? at - out : -EBADMSG;
		*at++ = (uint8_t)row;
		drop(&w, length);
	}
}
