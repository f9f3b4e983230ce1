/*
 * pcapng_blocks.h - a pcapng that a test writes block by block, in either byte order, right or wrong
 *
 * Not the program's own writer, which knows one interface and one kind of packet.
 */
#ifndef TESTS_RIG_PCAPNG_BLOCKS_H
#define TESTS_RIG_PCAPNG_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/span.h"

struct blocks {
	struct buffer bytes;
	bool big;     /* endian, of the section */
	size_t begun; /* where the block that is being written begins */
};

static inline void blocks_number(struct blocks *b, uint64_t value, int size)
{
	for (int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * (b->big ? size - 1 - i : i));

		buffer_add(&b->bytes, &byte, 1);
	}
}

static inline void blocks_padded(struct blocks *b, struct span bytes)
{
	static const uint8_t zeros[4];

	if (bytes.len > 0)
		buffer_add_span(&b->bytes, bytes);
	buffer_add(&b->bytes, zeros, -bytes.len & 3);
}

static inline void blocks_begin(struct blocks *b, uint32_t type)
{
	b->begun = b->bytes.len;
	blocks_number(b, type, 4);
	blocks_number(b, 0, 4);
}

/** blocks_lie() - @len as the length of the block that was written last, in front or at its end */
static inline void blocks_lie(struct blocks *b, uint32_t len, bool at_end)
{
	size_t all = b->bytes.len;

	b->bytes.len = at_end ? all - 4 : b->begun + 4;
	blocks_number(b, len, 4);
	b->bytes.len = all;
}

static inline void blocks_end(struct blocks *b)
{
	blocks_number(b, 0, 4);
	blocks_lie(b, (uint32_t)(b->bytes.len - b->begun), false);
	blocks_lie(b, (uint32_t)(b->bytes.len - b->begun), true);
}

static inline void blocks_section(struct blocks *b, bool big)
{
	b->big = big;
	blocks_begin(b, 0x0a0d0d0a);
	blocks_number(b, 0x1a2b3c4d, 4);
	blocks_number(b, 1, 2);
	blocks_number(b, 0, 2);
	blocks_number(b, UINT64_MAX, 8);
	blocks_end(b);
}

static inline void blocks_option(struct blocks *b, uint16_t code, uint64_t value, int size)
{
	static const uint8_t zeros[4];

	blocks_number(b, code, 2);
	blocks_number(b, (uint64_t)size, 2);
	blocks_number(b, value, size);
	buffer_add(&b->bytes, zeros, -(size_t)size & 3);
}

/** blocks_interface() - @resolution: if_tsresol, negative: left out; @offset_s: 0: left out */
static inline void blocks_interface(struct blocks *b, uint16_t linktype, uint32_t snaplen, int resolution, int64_t offset_s)
{
	blocks_begin(b, 1);
	blocks_number(b, linktype, 2);
	blocks_number(b, 0, 2);
	blocks_number(b, snaplen, 4);
	if (offset_s)
		blocks_option(b, 14, (uint64_t)offset_s, 8);
	if (resolution >= 0)
		blocks_option(b, 9, (uint64_t)resolution, 1);
	if (offset_s || resolution >= 0)
		blocks_option(b, 0, 0, 0);
	blocks_end(b);
}

static inline void blocks_packet(struct blocks *b, uint32_t interface, uint64_t time, struct span bytes, uint32_t wire_len)
{
	blocks_begin(b, 6);
	blocks_number(b, interface, 4);
	blocks_number(b, time >> 32, 4);
	blocks_number(b, time & UINT32_MAX, 4);
	blocks_number(b, bytes.len, 4);
	blocks_number(b, wire_len, 4);
	blocks_padded(b, bytes);
	blocks_end(b);
}

static inline void blocks_old_packet(struct blocks *b, uint16_t interface, uint64_t time, struct span bytes, uint32_t wire_len)
{
	blocks_begin(b, 2);
	blocks_number(b, interface, 2);
	blocks_number(b, 0xffff, 2); /* drops: unknown */
	blocks_number(b, time >> 32, 4);
	blocks_number(b, time & UINT32_MAX, 4);
	blocks_number(b, bytes.len, 4);
	blocks_number(b, wire_len, 4);
	blocks_padded(b, bytes);
	blocks_end(b);
}

static inline void blocks_simple_packet(struct blocks *b, struct span bytes, uint32_t wire_len)
{
	blocks_begin(b, 3);
	blocks_number(b, wire_len, 4);
	blocks_padded(b, bytes);
	blocks_end(b);
}

#define BLOCKS_TLS_KEYS 0x544c534b

static inline void blocks_secrets(struct blocks *b, uint32_t kind, struct span text)
{
	blocks_begin(b, 0x0a);
	blocks_number(b, kind, 4);
	blocks_number(b, text.len, 4);
	blocks_padded(b, text);
	blocks_end(b);
}

static inline void blocks_other(struct blocks *b, uint32_t type, struct span body)
{
	blocks_begin(b, type);
	blocks_padded(b, body);
	blocks_end(b);
}

#endif
