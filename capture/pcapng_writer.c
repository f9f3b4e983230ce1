/* pcapng_writer.c - see pcapng_writer.h; nothing here reads what is written, so no structs mirror the format */
#include "capture/pcapng_writer.h"

#include <string.h>

#include "capture/pcapng_format.h"

#define NANOSECONDS 9 /* if_tsresol: a power of ten */

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
	size_t rest = pcapng_padded(bytes.len) - bytes.len;

	if (bytes.len > 0)
		memcpy(at, bytes.at, bytes.len);
	memset(at + bytes.len, 0, rest);
	return at + bytes.len + rest;
}

static uint8_t *put_option(uint8_t *at, enum pcapng_option code, struct span value)
{
	return put_padded(put_u16(put_u16(at, (uint16_t)code), (uint16_t)value.len), value);
}

static size_t option_bytes(size_t value_len)
{
	return PCAPNG_OPTION_HEAD + pcapng_padded(value_len);
}

/* A whole block around @body, which is a multiple of 4 bytes long. */
static void add_block(struct buffer *out, enum pcapng_block type, const uint8_t *body, size_t len)
{
	uint8_t number[8];

	put_u32(put_u32(number, (uint32_t)type), (uint32_t)(len + PCAPNG_FRAME_BYTES));
	buffer_add(out, number, 8);
	buffer_add(out, body, len);
	buffer_add(out, number + 4, 4);
}

static void add_section(struct buffer *out, struct span application)
{
	static const uint8_t unknown_length[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t body[16 + PCAPNG_OPTION_HEAD + 256 + PCAPNG_OPTION_HEAD], *at = body;

	span_truncate(&application, 256);
	at = put_u32(at, PCAPNG_BYTE_ORDER);
	at = put_u16(put_u16(at, 1), 0); /* version 1.0 */
	memcpy(at, unknown_length, sizeof(unknown_length));
	at = put_option(at + sizeof(unknown_length), PCAPNG_OPTION_APPLICATION, application);
	at = put_option(at, PCAPNG_OPTION_END, span_of(NULL, 0));
	add_block(out, PCAPNG_SECTION, body, (size_t)(at - body));
}

void pcapng_file_head(struct buffer *out, int linktype, uint32_t snaplen, struct span application)
{
	static const uint8_t resolution[] = { NANOSECONDS };
	uint8_t body[8 + 8 + PCAPNG_OPTION_HEAD], *at = body;

	add_section(out, application);
	at = put_u16(put_u16(at, pcapng_linktype_of(linktype)), 0);
	at = put_u32(at, snaplen);
	at = put_option(at, PCAPNG_OPTION_TSRESOL, span_of(resolution, sizeof(resolution)));
	at = put_option(at, PCAPNG_OPTION_END, span_of(NULL, 0));
	add_block(out, PCAPNG_INTERFACE, body, (size_t)(at - body));
}

size_t pcapng_packet_bytes(size_t captured, size_t comment)
{
	size_t options = comment ? option_bytes(comment) + option_bytes(0) : 0;

	return PCAPNG_FRAME_BYTES + PCAPNG_PACKET_FIELDS + pcapng_padded(captured) + options;
}

void pcapng_packet(uint8_t *out, const struct packet *packet, struct span comment)
{
	uint32_t length = (uint32_t)pcapng_packet_bytes(packet->bytes.len, comment.len);
	uint64_t time = (uint64_t)packet->ts.ns;

	out = put_u32(put_u32(out, PCAPNG_PACKET), length);
	out = put_u32(out, 0); /* the one interface */
	out = put_u32(put_u32(out, (uint32_t)(time >> 32)), (uint32_t)time);
	out = put_u32(put_u32(out, (uint32_t)packet->bytes.len), packet->wire_len);
	out = put_padded(out, packet->bytes);
	if (comment.len > 0)
		out = put_option(put_option(out, PCAPNG_OPTION_COMMENT, comment), PCAPNG_OPTION_END, span_of(NULL, 0));
	put_u32(out, length);
}

size_t pcapng_secrets_bytes(size_t len)
{
	return PCAPNG_FRAME_BYTES + 8 + pcapng_padded(len);
}

void pcapng_secrets(uint8_t *out, struct span key_log)
{
	uint32_t length = (uint32_t)pcapng_secrets_bytes(key_log.len);

	out = put_u32(put_u32(out, PCAPNG_SECRETS), length);
	out = put_u32(put_u32(out, PCAPNG_TLS_KEYS), (uint32_t)key_log.len);
	put_u32(put_padded(out, key_log), length);
}
