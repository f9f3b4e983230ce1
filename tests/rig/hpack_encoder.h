/*
 * hpack_encoder.h - an encoder for tests that uses HPACK in every way that is allowed
 *
 * It writes what it is told to, and has its own table, the obvious one: a list.
 * What it inserts, and how, is for the caller to draw.
 */
#ifndef TESTS_RIG_HPACK_ENCODER_H
#define TESTS_RIG_HPACK_ENCODER_H

#include <string.h>

#include "base/buffer.h"

#define ENCODER_ENTRIES_MAX 4096
#define ENCODER_TEXT_MAX 400

struct encoder_entry {
	uint8_t name[ENCODER_TEXT_MAX], value[ENCODER_TEXT_MAX];
	size_t name_len, value_len;
};

struct encoder {
	struct encoder_entry entries[ENCODER_ENTRIES_MAX]; /* the newest is 0 */
	size_t count, size, max;
};

/* RFC 7541, appendix B: the lengths of the codes, which are canonical */
/* clang-format off */
static const uint8_t huffman_lengths[256] = {
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	 6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
	 5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
	13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
	 7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
	15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
	 6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
};
/* clang-format on */

static inline uint32_t huffman_code(uint8_t symbol)
{
	uint32_t code = 0;

	for (unsigned length = 1; length <= huffman_lengths[symbol]; length++) {
		code <<= 1;
		for (int s = 0; s < 256; s++)
			code += huffman_lengths[s] == length &&
				(length < huffman_lengths[symbol] || s < symbol);
	}
	return code;
}

static inline void put_huffman(struct buffer *b, struct span text)
{
	uint64_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < text.len; i++) {
		bits = bits << huffman_lengths[text.at[i]] | huffman_code(text.at[i]);
		for (held += huffman_lengths[text.at[i]]; held >= 8; held -= 8)
			buffer_add(b, &(uint8_t){ (uint8_t)(bits >> (held - 8)) }, 1);
	}
	if (held > 0)
		buffer_add(b, &(uint8_t){ (uint8_t)(bits << (8 - held) | 0xff >> held) }, 1);
}

static inline void put_integer(struct buffer *b, uint8_t first, unsigned bits, uint32_t n)
{
	uint32_t prefix = (1u << bits) - 1;

	if (n < prefix) {
		buffer_add(b, &(uint8_t){ (uint8_t)(first | n) }, 1);
		return;
	}
	buffer_add(b, &(uint8_t){ (uint8_t)(first | prefix) }, 1);
	for (n -= prefix; n >= 128; n >>= 7)
		buffer_add(b, &(uint8_t){ (uint8_t)(0x80 | (n & 0x7f)) }, 1);
	buffer_add(b, &(uint8_t){ (uint8_t)n }, 1);
}

static inline void put_string(struct buffer *b, struct span text, bool huffman)
{
	struct buffer coded = { 0 };

	if (huffman)
		put_huffman(&coded, text);
	put_integer(b, huffman ? 0x80 : 0, 7, (uint32_t)(huffman ? coded.len : text.len));
	buffer_add_span(b, huffman ? buffer_span(&coded) : text);
	buffer_deinit(&coded);
}

static inline void encoder_evict(struct encoder *e, size_t max)
{
	while (e->size > max) {
		const struct encoder_entry *oldest = &e->entries[--e->count];

		e->size -= oldest->name_len + oldest->value_len + 32;
	}
}

static inline void encoder_insert(struct encoder *e, struct span name, struct span value)
{
	size_t size = name.len + value.len + 32;
	struct encoder_entry new = { .name_len = name.len, .value_len = value.len };

	memcpy(new.name, name.at, name.len); /* it may be that of an entry which goes */
	memcpy(new.value, value.at, value.len);
	encoder_evict(e, size > e->max ? 0 : e->max - size);
	if (size > e->max)
		return;
	memmove(&e->entries[1], &e->entries[0], e->count * sizeof(e->entries[0]));
	e->entries[0] = new;
	e->count++;
	e->size += size;
}

static inline void encoder_resize(struct encoder *e, struct buffer *b, uint32_t max)
{
	e->max = max;
	encoder_evict(e, max);
	put_integer(b, 0x20, 5, max);
}

#endif
