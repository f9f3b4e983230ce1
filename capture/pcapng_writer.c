/* pcapng_writer.c - see pcapng_writer.h; nothing here reads what is written, so no structs mirror the format */
#include "capture/pcapng_writer.h"

#include <pcap/pcap.h>
#include <string.h>

enum block_type { BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, BLOCK_SECTION = 0x0a0d0d0a };

enum option_code { OPTION_END = 0, OPTION_COMMENT = 1, OPTION_APPLICATION = 4, OPTION_TSRESOL = 9 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define NANOSECONDS 9          /* if_tsresol: a power of ten */
#define BLOCK_FRAME_BYTES 12   /* type, length, and the length again at the end */
#define PACKET_FIELDS_BYTES 20 /* interface, time, both lengths */
#define OPTION_HEAD_BYTES 4    /* code and length */

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	return at + 2;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	return put_u16(put_u16(at, (uint16_t)value), (uint16_t)(value >> 16));
}

static uint8_t *put_padded(uint8_t *at, struct span bytes)
{
	size_t rest = padded(bytes.len) - bytes.len;

	if (bytes.len > 0)
		memcpy(at, bytes.at, bytes.len);
	memset(at + bytes.len, 0, rest);
	return at + bytes.len + rest;
}

static uint8_t *put_option(uint8_t *at, enum option_code code, struct span value)
{
	return put_padded(put_u16(put_u16(at, (uint16_t)code), (uint16_t)value.len), value);
}

static size_t option_bytes(size_t value_len)
{
	return OPTION_HEAD_BYTES + padded(value_len);
}

/*
 * The number of a link type in a file. libpcap's DLT_* are its host's, and some
 * BSDs had given 11 to 32 to different things; the ones that we can meet there
 * are those of the table. Everything else is the same in both.
 */
static uint16_t linktype_in_file(int dlt)
{
	static const struct {
		int dlt;
		uint16_t linktype;
	} differ[] = { { DLT_RAW, 101 }, { DLT_PPP_BSDOS, 103 }, { DLT_SLIP_BSDOS, 102 } };

	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i].dlt == dlt)
			return differ[i].linktype;
	return (uint16_t)dlt;
}

/* A whole block around @body, which is a multiple of 4 bytes long. */
static void add_block(struct buffer *out, enum block_type type, const uint8_t *body, size_t len)
{
	uint8_t number[8];

	put_u32(put_u32(number, (uint32_t)type), (uint32_t)(len + BLOCK_FRAME_BYTES));
	buffer_add(out, number, 8);
	buffer_add(out, body, len);
	buffer_add(out, number + 4, 4);
}

static void add_section(struct buffer *out, struct span application)
{
	static const uint8_t unknown_length[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t body[16 + OPTION_HEAD_BYTES + 256 + OPTION_HEAD_BYTES], *at = body;

	span_truncate(&application, 256);
	at = put_u32(at, BYTE_ORDER_MAGIC);
	at = put_u16(put_u16(at, 1), 0); /* version 1.0 */
	memcpy(at, unknown_length, sizeof(unknown_length));
	at = put_option(at + sizeof(unknown_length), OPTION_APPLICATION, application);
	at = put_option(at, OPTION_END, span_of(NULL, 0));
	add_block(out, BLOCK_SECTION, body, (size_t)(at - body));
}

void pcapng_file_head(struct buffer *out, int linktype, uint32_t snaplen, struct span application)
{
	static const uint8_t resolution[] = { NANOSECONDS };
	uint8_t body[8 + 8 + OPTION_HEAD_BYTES], *at = body;

	add_section(out, application);
	at = put_u16(put_u16(at, linktype_in_file(linktype)), 0);
	at = put_u32(at, snaplen);
	at = put_option(at, OPTION_TSRESOL, span_of(resolution, sizeof(resolution)));
	at = put_option(at, OPTION_END, span_of(NULL, 0));
	add_block(out, BLOCK_INTERFACE, body, (size_t)(at - body));
}

size_t pcapng_packet_bytes(size_t captured, size_t comment)
{
	size_t options = comment ? option_bytes(comment) + option_bytes(0) : 0;

	return BLOCK_FRAME_BYTES + PACKET_FIELDS_BYTES + padded(captured) + options;
}

void pcapng_packet(uint8_t *out, const struct packet *packet, struct span comment)
{
	uint32_t length = (uint32_t)pcapng_packet_bytes(packet->bytes.len, comment.len);
	uint64_t time = (uint64_t)packet->ts.ns;

	out = put_u32(put_u32(out, BLOCK_PACKET), length);
	out = put_u32(out, 0); /* the one interface */
	out = put_u32(put_u32(out, (uint32_t)(time >> 32)), (uint32_t)time);
	out = put_u32(put_u32(out, (uint32_t)packet->bytes.len), packet->wire_len);
	out = put_padded(out, packet->bytes);
	if (comment.len > 0)
		out = put_option(put_option(out, OPTION_COMMENT, comment), OPTION_END, span_of(NULL, 0));
	put_u32(out, length);
}
