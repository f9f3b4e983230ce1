/*
 * layer.h - the rest of a packet while its headers are taken off, one by one
 *
 * Three lengths that are easily mixed up are kept apart:
 *
 *   bytes.len   what is here and may be read
 *   cut         what was on the wire behind it but was not captured (snaplen)
 *   claimed     what the layer below says the rest is long, captured or not
 *
 * At the link layer claimed is bytes.len + cut. An IP header sets it to its own
 * length field, which makes bytes shorter where the frame was padded, and
 * leaves claimed above bytes.len where the payload was cut.
 */
#ifndef CAPTURE_LAYER_H
#define CAPTURE_LAYER_H

#include <assert.h>

#include "base/span.h"
#include "capture/capture_stats.h"

struct layer {
	struct span bytes; /* borrowed from the packet */
	size_t cut;
	size_t claimed;
	unsigned tunnels; /* TUNNEL_BIT()s of what was taken off below IP */
};

/**
 * layer_take() - take a header of @n bytes off
 * @malformed: what to call a packet that is too short for it in itself
 *
 * Return: PACKET_DECODED (go on); PACKET_MALFORMED_TRUNCATED if the header was
 * on the wire but not captured; else @malformed. @l is untouched on failure.
 */
static inline enum packet_result layer_take(struct layer *l, size_t n, struct span *header,
					    enum packet_result malformed)
{
	if (n > l->claimed)
		return malformed;
	if (!span_take(&l->bytes, n, header))
		return n - l->bytes.len <= l->cut ? PACKET_MALFORMED_TRUNCATED : malformed;
	l->claimed -= n;
	return PACKET_DECODED;
}

/** layer_limit() - the rest is @len bytes long, says a header: what is beyond is padding */
static inline void layer_limit(struct layer *l, size_t len)
{
	size_t behind;

	span_truncate(&l->bytes, len);
	behind = len - l->bytes.len;
	if (l->cut > behind)
		l->cut = behind;
	l->claimed = len;
}

/* Fields of a header that was taken whole: @offset is a constant inside it. */
static inline uint8_t field8(struct span header, size_t offset)
{
	assert(offset < header.len);
	return header.at[offset];
}

static inline uint16_t field16(struct span header, size_t offset)
{
	return (uint16_t)(field8(header, offset) << 8 | field8(header, offset + 1));
}

static inline uint32_t field32(struct span header, size_t offset)
{
	return (uint32_t)field16(header, offset) << 16 | field16(header, offset + 2);
}

#endif
