/* protobuf_bytes.h - encoded messages, written field by field for a test */
#ifndef TESTS_RIG_PROTOBUF_BYTES_H
#define TESTS_RIG_PROTOBUF_BYTES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static inline void pb_varint(struct buffer *out, uint64_t n)
{
	uint8_t b;

	do {
		b = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
		buffer_add(out, &b, 1);
		n >>= 7;
	} while (n > 0);
}

static inline void pb_tag(struct buffer *out, uint32_t number, unsigned wire)
{
	pb_varint(out, (uint64_t)number << 3 | wire);
}

static inline void pb_number(struct buffer *out, uint32_t number, uint64_t n)
{
	pb_tag(out, number, 0);
	pb_varint(out, n);
}

static inline void pb_bytes(struct buffer *out, uint32_t number, struct span bytes)
{
	pb_tag(out, number, 2);
	pb_varint(out, bytes.len);
	buffer_add_span(out, bytes);
}

static inline void pb_text(struct buffer *out, uint32_t number, const char *text)
{
	pb_bytes(out, number, span_str(text));
}

static inline void pb_le(struct buffer *out, uint64_t bits, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t b = (uint8_t)(bits >> (8 * i));

		buffer_add(out, &b, 1);
	}
}

static inline uint32_t pb_float_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline void pb_float(struct buffer *out, uint32_t number, float x)
{
	pb_tag(out, number, 5);
	pb_le(out, pb_float_bits(x), 4);
}

/* the message @inner as field @number; @inner is empty again */
static inline void pb_message(struct buffer *out, uint32_t number, struct buffer *inner)
{
	pb_bytes(out, number, buffer_span(inner));
	buffer_clear(inner);
}

static inline void pb_hex(struct buffer *out, const char *hex)
{
	for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		uint8_t b = (uint8_t)byte;

		buffer_add(out, &b, 1);
	}
}

#endif
