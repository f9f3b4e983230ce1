/*
 * ip.c - see ip.h; IPv4 is RFC 791, IPv6 RFC 8200, AH RFC 4302
 *
 * The length field of the IP header decides what is payload; the frame may be
 * longer (Ethernet pads to 60 bytes) or cut. A length of 0 is no lie but a
 * super-packet that the network stack had not cut up yet when it was captured
 * (GSO, GRO, "BIG TCP"): more than 64 KiB do not fit the field. There the frame
 * is the length.
 *
 * Fragments are named, not put together. In IPv6 a fragment header with offset
 * 0 and nothing to follow (an atomic fragment, RFC 6946) is a whole packet.
 *
 * Checksums are not verified: with offload they are wrong on every packet that
 * the capturing machine itself sends.
 */
#include "capture/ip.h"

#include "capture/link.h"

#define PROTOCOL_TCP 6
#define PROTOCOL_AH 51

#define IPV4_HEADER 20
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK 0x1fff

#define IPV6_HEADER 40
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_FRAGMENT 44
#define IPV6_DESTINATION_OPTIONS 60
#define IPV6_MOBILITY 135
#define IPV6_FRAGMENT_OFFSET_OR_MORE 0xfff9

static void set_address(struct endpoint *e, uint8_t family, struct span address)
{
	memset(e->addr, 0, sizeof(e->addr));
	memcpy(e->addr + sizeof(e->addr) - address.len, address.at, address.len);
	e->family = family;
	e->zero = 0;
}

/* Source and destination, @each bytes long, are the last thing in both fixed headers. */
static void set_addresses(struct span header, size_t each, struct endpoint *src, struct endpoint *dst)
{
	uint8_t family = each == 4 ? 4 : 6;
	struct span address = { 0 };

	span_skip(&header, header.len - 2 * each);
	span_take(&header, each, &address);
	set_address(src, family, address);
	set_address(dst, family, header);
}

/* AH counts in 32-bit words less two; the others in 64-bit words less one. */
static size_t extension_len(uint8_t kind, uint8_t len_field)
{
	return kind == PROTOCOL_AH ? ((size_t)len_field + 2) * 4 : ((size_t)len_field + 1) * 8;
}

/* Take a header off that begins with "next header" and its length; @kind becomes the next one. */
static enum packet_fate skip_extension(struct layer *l, uint8_t *kind)
{
	struct layer peek = *l;
	struct span start, header;
	enum packet_fate fate = layer_take(&peek, 2, &start, PACKET_MALFORMED_IP);

	if (fate == PACKET_DECODED)
		fate = layer_take(l, extension_len(*kind, field8(start, 1)), &header, PACKET_MALFORMED_IP);
	if (fate == PACKET_DECODED)
		*kind = field8(start, 0);
	return fate;
}

/* IPv4 options are skipped: none of them changes where TCP is. */
static enum packet_fate decode_ipv4(struct layer *l, struct endpoint *src, struct endpoint *dst)
{
	struct span header, options;
	enum packet_fate fate = layer_take(l, IPV4_HEADER, &header, PACKET_MALFORMED_IP);
	size_t header_len, total_len;
	uint16_t fragment;
	uint8_t protocol;

	if (fate != PACKET_DECODED)
		return fate;
	header_len = (size_t)(field8(header, 0) & 0x0f) * 4;
	total_len = field16(header, 2);
	fragment = field16(header, 6);
	protocol = field8(header, 9);
	if (field8(header, 0) >> 4 != 4 || header_len < IPV4_HEADER || (total_len && total_len < header_len))
		return PACKET_MALFORMED_IP;
	if (total_len)
		layer_limit(l, total_len - IPV4_HEADER);
	fate = layer_take(l, header_len - IPV4_HEADER, &options, PACKET_MALFORMED_IP);
	if (fate != PACKET_DECODED)
		return fate;
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_AH)
		return PACKET_IGNORED_NOT_TCP;
	if (fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK))
		return PACKET_IGNORED_FRAGMENT;
	while (protocol == PROTOCOL_AH && fate == PACKET_DECODED)
		fate = skip_extension(l, &protocol);
	if (fate != PACKET_DECODED)
		return fate;
	set_addresses(header, 4, src, dst);
	return protocol == PROTOCOL_TCP ? PACKET_DECODED : PACKET_IGNORED_NOT_TCP;
}

static bool is_ipv6_extension(uint8_t kind)
{
	return kind == IPV6_HOP_BY_HOP || kind == IPV6_ROUTING || kind == IPV6_FRAGMENT ||
	       kind == PROTOCOL_AH || kind == IPV6_DESTINATION_OPTIONS || kind == IPV6_MOBILITY;
}

static enum packet_fate skip_ipv6_fragment(struct layer *l, uint8_t *kind)
{
	struct span header;
	enum packet_fate fate = layer_take(l, 8, &header, PACKET_MALFORMED_IP);

	if (fate != PACKET_DECODED)
		return fate;
	*kind = field8(header, 0);
	if (!(field16(header, 2) & IPV6_FRAGMENT_OFFSET_OR_MORE))
		return PACKET_DECODED;
	return *kind == PROTOCOL_TCP || is_ipv6_extension(*kind) ? PACKET_IGNORED_FRAGMENT
								 : PACKET_IGNORED_NOT_TCP;
}

static enum packet_fate decode_ipv6(struct layer *l, struct endpoint *src, struct endpoint *dst)
{
	struct span header;
	enum packet_fate fate = layer_take(l, IPV6_HEADER, &header, PACKET_MALFORMED_IP);
	uint16_t payload_len;
	uint8_t next;

	if (fate != PACKET_DECODED)
		return fate;
	if (field8(header, 0) >> 4 != 6)
		return PACKET_MALFORMED_IP;
	payload_len = field16(header, 4);
	next = field8(header, 6);
	if (payload_len)
		layer_limit(l, payload_len);
	while (is_ipv6_extension(next) && fate == PACKET_DECODED) /* each turn takes 8 bytes or more */
		fate = next == IPV6_FRAGMENT ? skip_ipv6_fragment(l, &next) : skip_extension(l, &next);
	if (fate != PACKET_DECODED)
		return fate;
	set_addresses(header, 16, src, dst);
	return next == PROTOCOL_TCP ? PACKET_DECODED : PACKET_IGNORED_NOT_TCP;
}

enum packet_fate ip_decode(uint16_t ethertype, struct layer *l, struct endpoint *src, struct endpoint *dst)
{
	return ethertype == ETHERTYPE_IPV4 ? decode_ipv4(l, src, dst) : decode_ipv6(l, src, dst);
}
