/*
 * ip.c - see ip.h; IPv4 is RFC 791, IPv6 RFC 8200, AH RFC 4302
 *
 * The length field of the IP header decides what is payload; the frame may be
 * longer (Ethernet pads to 60 bytes) or cut. A length of 0 is no lie but a
 * super-packet that the network stack had not cut up yet when it was captured
 * (GSO, GRO, "BIG TCP"): more than 64 KiB do not fit the field. There the frame
 * is the length.
 *
 * Fragments are named here and put together in fragment.c. In IPv6 a fragment
 * header with offset 0 and nothing to follow (an atomic fragment, RFC 6946) is a
 * whole packet. A fragment without a length of its own is damage: a super-packet
 * is never a fragment, and padding would become payload.
 *
 * Checksums are not verified: with offload they are wrong on every packet that
 * the capturing machine itself sends.
 */
#include "capture/ip.h"

#include "capture/link.h"

#define IPV4_HEADER 20
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK 0x1fff

#define IPV6_HEADER 40
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_FRAGMENT 44
#define IPV6_DESTINATION_OPTIONS 60
#define IPV6_MOBILITY 135
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_FRAGMENT_MORE 0x0001

/* Source and destination, @each bytes long, are the last thing in both fixed headers. Inlined, sizes are constants. */
static inline __attribute__((always_inline)) void set_address(struct endpoint *e, size_t each,
							      struct span *header)
{
	struct span address = { 0 };

	span_take(header, each, &address);
	memset(e->addr, 0, sizeof(e->addr) - each);
	memcpy(e->addr + sizeof(e->addr) - each, address.at, each);
	e->family = each == 4 ? 4 : 6;
	e->zero = 0;
}

static inline __attribute__((always_inline)) void set_addresses(struct span header, size_t each,
								struct endpoint *src, struct endpoint *dst)
{
	assert(header.len > 2 * each);
	span_skip(&header, header.len - 2 * each);
	set_address(src, each, &header);
	set_address(dst, each, &header);
}

/* AH counts in 32-bit words less two; the others in 64-bit words less one. */
static size_t extension_len(uint8_t kind, uint8_t len_field)
{
	return kind == PROTOCOL_AH ? ((size_t)len_field + 2) * 4 : ((size_t)len_field + 1) * 8;
}

/* Take a header off that begins with "next header" and its length; @kind becomes the next one. */
static enum packet_result skip_extension(struct layer *l, uint8_t *kind)
{
	struct layer peek = *l;
	struct span start, header;
	enum packet_result result = layer_take(&peek, 2, &start, PACKET_MALFORMED_IP);

	if (result == PACKET_DECODED)
		result = layer_take(l, extension_len(*kind, field8(start, 1)), &header, PACKET_MALFORMED_IP);
	if (result == PACKET_DECODED)
		*kind = field8(start, 0);
	return result;
}

static bool is_followed(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_GRE:
	case PROTOCOL_IPV4:
	case PROTOCOL_IPV6:
	case PROTOCOL_MPLS:
		return true;
	}
	return false;
}

static bool is_extension(uint8_t family, uint8_t kind)
{
	if (kind == PROTOCOL_AH)
		return true;
	return family == 6 && (kind == IPV6_HOP_BY_HOP || kind == IPV6_ROUTING || kind == IPV6_FRAGMENT ||
			       kind == IPV6_DESTINATION_OPTIONS || kind == IPV6_MOBILITY);
}

static enum packet_result take_ipv6_fragment(struct layer *l, struct ip_payload *payload)
{
	struct span header;
	enum packet_result result = layer_take(l, 8, &header, PACKET_MALFORMED_IP);
	uint16_t position;

	if (result != PACKET_DECODED)
		return result;
	position = field16(header, 2);
	payload->protocol = field8(header, 0);
	payload->offset = position & IPV6_FRAGMENT_OFFSET;
	payload->more_follow = position & IPV6_FRAGMENT_MORE;
	payload->is_fragment = payload->offset || payload->more_follow;
	payload->id = field32(header, 4);
	return PACKET_DECODED;
}

enum packet_result ip_decode_rest(uint8_t family, struct layer *l, struct ip_payload *payload)
{
	enum packet_result result = PACKET_DECODED;

	payload->is_fragment = false;
	/* each turn takes 8 bytes or more */
	while (is_extension(family, payload->protocol) && !payload->is_fragment && result == PACKET_DECODED)
		result = family == 6 && payload->protocol == IPV6_FRAGMENT
				 ? take_ipv6_fragment(l, payload)
				 : skip_extension(l, &payload->protocol);
	if (result != PACKET_DECODED)
		return result;
	if (!is_followed(payload->protocol) &&
	    !(payload->is_fragment && is_extension(family, payload->protocol)))
		return PACKET_IGNORED_NOT_TCP;
	return PACKET_DECODED;
}

/* IPv4 options are skipped: none of them changes where the payload is. */
static enum packet_result decode_ipv4(struct layer *l, struct endpoint *src, struct endpoint *dst,
				      struct ip_payload *payload)
{
	struct span header, options;
	enum packet_result result = layer_take(l, IPV4_HEADER, &header, PACKET_MALFORMED_IP);
	size_t header_len, total_len;
	uint16_t fragment;

	if (result != PACKET_DECODED)
		return result;
	header_len = (size_t)(field8(header, 0) & 0x0f) * 4;
	total_len = field16(header, 2);
	fragment = field16(header, 6) & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK);
	payload->protocol = field8(header, 9);
	payload->is_fragment = fragment != 0;
	if (field8(header, 0) >> 4 != 4 || header_len < IPV4_HEADER || (total_len && total_len < header_len))
		return PACKET_MALFORMED_IP;
	if (total_len)
		layer_limit(l, total_len - IPV4_HEADER);
	result = layer_take(l, header_len - IPV4_HEADER, &options, PACKET_MALFORMED_IP);
	if (result != PACKET_DECODED)
		return result;
	if (!is_followed(payload->protocol) && payload->protocol != PROTOCOL_AH)
		return PACKET_IGNORED_NOT_TCP;
	set_addresses(header, 4, src, dst);
	if (fragment) {
		payload->more_follow = fragment & IPV4_MORE_FRAGMENTS;
		payload->offset = (uint16_t)((fragment & IPV4_OFFSET_MASK) * 8);
		payload->id = field16(header, 4);
		return total_len ? PACKET_DECODED : PACKET_MALFORMED_IP;
	}
	return payload->protocol == PROTOCOL_AH ? ip_decode_rest(4, l, payload) : PACKET_DECODED;
}

static enum packet_result decode_ipv6(struct layer *l, struct endpoint *src, struct endpoint *dst,
				      struct ip_payload *payload)
{
	struct span header;
	enum packet_result result = layer_take(l, IPV6_HEADER, &header, PACKET_MALFORMED_IP);
	uint16_t payload_len;

	if (result != PACKET_DECODED)
		return result;
	if (field8(header, 0) >> 4 != 6)
		return PACKET_MALFORMED_IP;
	payload_len = field16(header, 4);
	payload->protocol = field8(header, 6);
	if (payload_len)
		layer_limit(l, payload_len);
	result = ip_decode_rest(6, l, payload);
	if (result != PACKET_DECODED)
		return result;
	set_addresses(header, 16, src, dst);
	return payload->is_fragment && !payload_len ? PACKET_MALFORMED_IP : PACKET_DECODED;
}

enum packet_result ip_peek_version(const struct layer *l, uint16_t *ethertype, enum packet_result none,
				   enum packet_result neither)
{
	struct layer peek = *l;
	struct span first = { 0 };
	enum packet_result result = layer_take(&peek, 1, &first, none);

	if (result != PACKET_DECODED)
		return result;
	switch (field8(first, 0) >> 4) {
	case 4:
		*ethertype = ETHERTYPE_IPV4;
		return PACKET_DECODED;
	case 6:
		*ethertype = ETHERTYPE_IPV6;
		return PACKET_DECODED;
	}
	return neither;
}

enum packet_result ip_decode(uint16_t ethertype, struct layer *l, struct endpoint *src, struct endpoint *dst,
			     struct ip_payload *payload)
{
	return ethertype == ETHERTYPE_IPV4 ? decode_ipv4(l, src, dst, payload)
					   : decode_ipv6(l, src, dst, payload);
}
