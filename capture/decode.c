/*
 * decode.c - see decode.h: link.c, then ip.c, then the TCP header here
 *
 * A packet is taken apart from the front in one pass. Each layer returns "go
 * on" or names what became of the packet, so every packet ends in exactly one
 * counter. A payload that was cut by the snaplen is still a segment: the stream
 * must know that bytes were sent, and how many of them are missing.
 *
 * What IP carries may be TCP, which ends the search; a fragment, which has to
 * wait for the others (fragment.c); or a tunnel (tunnel.c) with an IP packet in
 * it. The latter two go round in open_layers(), fragments in tunnels and tunnels
 * in fragments as they come, LAYERS_MAX times at most: hostile bytes could nest
 * thousands of headers. The plain packet does not enter it.
 *
 * Nearly all packets have the same headers in the same places: decode_usual()
 * reads those where they must be.
 */
#include "capture/decode.h"

#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache_line.h"
#include "capture/fragment.h"
#include "capture/frame_list.h"
#include "capture/ip.h"
#include "capture/layer.h"
#include "capture/link.h"
#include "capture/tcp_options.h"
#include "capture/tunnel.h"

#define LAYERS_MAX 8
#define TCP_HEADER 20
#define TCP_FLAGS (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG)

struct decoder {
	struct port_set ports, vxlan_ports;
	struct fragments *fragments; /* NULL until the first one comes */
	struct frame_list earlier;   /* of the last packet; empty unless keep */
	struct mptcp mptcp;          /* of the last packet, if its segment says so */
	unsigned tunnels;            /* of the last packet */
	uint32_t unread;             /* of the last packet that was ignored */
	bool keep;
	bool layers_only; /* every packet goes layer by layer */
};

struct decoder *decoder_new(const struct port_set *ports, const struct port_set *vxlan_ports)
{
	struct decoder *d = cache_line_calloc(sizeof(*d));

	if (!d)
		return NULL;
	d->ports = *ports;
	if (vxlan_ports)
		d->vxlan_ports = *vxlan_ports;
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	fragments_free(d->fragments);
	frame_list_deinit(&d->earlier);
	free(d);
}

void decoder_layers_only(struct decoder *d)
{
	d->layers_only = true;
}

void decoder_keep_fragments(struct decoder *d)
{
	d->keep = true;
}

void decoder_earlier(const struct decoder *d, packet_fn *fn, void *ctx)
{
	frame_list_lend(&d->earlier, fn, ctx);
}

unsigned decoder_tunnels(const struct decoder *d)
{
	return d->tunnels;
}

uint32_t decoder_unread(const struct decoder *d)
{
	return d->unread;
}

/** note_unread() - @port: of UDP, if @protocol is that */
static enum packet_result note_unread(struct decoder *d, enum packet_result result, uint16_t ethertype,
				      uint8_t protocol, uint16_t port)
{
	if (result == PACKET_IGNORED_NOT_IP)
		d->unread = UNREAD(UNREAD_ETHERTYPE, ethertype);
	else if (result == PACKET_IGNORED_NOT_TCP)
		d->unread = protocol == PROTOCOL_UDP ? UNREAD(UNREAD_UDP_PORT, port) : UNREAD(UNREAD_IP_PROTOCOL, protocol);
	return result;
}

/* RFC 9293, 3.1. Ports are looked at first: what is not ours is not checked further. */
static enum packet_result decode_tcp(struct decoder *d, struct layer *l, struct segment *out)
{
	const struct port_set *ports = &d->ports;
	struct span header, options;
	enum packet_result result = layer_take(l, TCP_HEADER, &header, PACKET_MALFORMED_TCP);
	size_t header_len;

	if (result != PACKET_DECODED)
		return result;
	out->src.port = field16(header, 0);
	out->dst.port = field16(header, 2);
	if (ports->count && !port_set_has(ports, out->src.port) && !port_set_has(ports, out->dst.port))
		return PACKET_IGNORED_PORT;
	header_len = (size_t)(field8(header, 12) >> 4) * 4;
	if (header_len < TCP_HEADER)
		return PACKET_MALFORMED_TCP;
	result = layer_take(l, header_len - TCP_HEADER, &options, PACKET_MALFORMED_TCP);
	if (result != PACKET_DECODED)
		return result;
	out->seq = field32(header, 4);
	out->ack = field32(header, 8);
	out->flags = field8(header, 13) & TCP_FLAGS;
	out->urgent = (out->flags & TCP_URG) ? field16(header, 18) : 0;
	out->mptcp = tcp_options_mptcp(options, &d->mptcp);
	out->payload = l->bytes;
	out->missing_bytes = (uint32_t)(l->claimed - l->bytes.len);
	return PACKET_DECODED;
}

static enum packet_result put_together(struct decoder *d, const struct packet *packet, struct layer *l,
				       struct ip_payload *payload, const struct segment *out)
{
	struct fragment_origin origin = { .src = &out->src,
					  .dst = &out->dst,
					  .domain = out->domain,
					  .ts = packet->ts,
					  .packet = d->keep ? packet : NULL,
					  .earlier = &d->earlier };
	enum packet_result result;

	if (!d->fragments)
		d->fragments = fragments_new();
	if (!d->fragments)
		return PACKET_IGNORED_FRAGMENT;
	result = fragments_add(d->fragments, &origin, payload, l);
	return result == PACKET_DECODED ? ip_decode_rest(out->src.family, l, payload) : result;
}

/* Go on until what IP carries is TCP. */
static enum packet_result open_layers(struct decoder *d, const struct packet *packet, struct layer *l,
				      struct ip_payload *payload, struct segment *out)
{
	enum packet_result result = PACKET_DECODED;

	for (int layers = 0; payload->is_fragment || payload->protocol != PROTOCOL_TCP; layers++) {
		uint16_t ethertype = 0;

		if (layers == LAYERS_MAX)
			return PACKET_IGNORED_NESTED;
		if (payload->is_fragment) {
			result = put_together(d, packet, l, payload, out);
			note_unread(d, result, 0, payload->protocol, 0);
		} else {
			uint16_t port = tunnel_port(payload->protocol, &d->vxlan_ports, l);

			d->tunnels |= tunnel_bit(payload->protocol, l);
			result = tunnel_decode(payload->protocol, &d->vxlan_ports, l, &ethertype, &out->domain);
			note_unread(d, result, ethertype, payload->protocol, port);
			if (result == PACKET_DECODED) {
				result = ip_decode(ethertype, l, &out->src, &out->dst, payload);
				note_unread(d, result, 0, payload->protocol, 0);
			}
		}
		if (result != PACKET_DECODED)
			break;
	}
	return result;
}

#define USUAL_HEADERS (14 + 20 + TCP_HEADER)
#define USUAL_IP 0x45 /* version 4, no options */

/** usual_endpoint() - address and port at these offsets of the headers */
static inline void usual_endpoint(struct span headers, size_t addr, size_t port, struct endpoint *out)
{
	endpoint_set_ipv4(out, field32(headers, addr), field16(headers, port));
}

/**
 * decode_usual() - the packet that nearly all are: Ethernet, IPv4 without options, TCP, all of it captured
 *
 * Return: whether it is one, with @result and @out as decode_any() would have them; that function is asked about
 * all others, and about those that are wrong in any way. It takes five times as many instructions.
 */
static inline bool decode_usual(struct decoder *d, const struct packet *packet, struct segment *out,
				enum packet_result *result)
{
	struct span headers, rest = packet->bytes, options;
	size_t total, header_len;
	uint16_t offset_and_flags;

	if (packet->linktype != DLT_EN10MB || !span_take(&rest, USUAL_HEADERS, &headers))
		return false;
	total = field16(headers, 16);
	offset_and_flags = field16(headers, 46);
	header_len = (size_t)(offset_and_flags >> 12) * 4;
	if (field16(headers, 12) != ETHERTYPE_IPV4 || field8(headers, 14) != USUAL_IP ||
	    (field16(headers, 20) & 0x3fff) != 0 || field8(headers, 23) != PROTOCOL_TCP ||
	    header_len < TCP_HEADER || (offset_and_flags & TCP_URG) || total < 20 + header_len || total > packet->bytes.len - 14)
		return false;
	usual_endpoint(headers, 26, 34, &out->src);
	usual_endpoint(headers, 30, 36, &out->dst);
	*result = PACKET_IGNORED_PORT;
	if (d->ports.count && !port_set_has(&d->ports, out->src.port) && !port_set_has(&d->ports, out->dst.port))
		return true;
	out->seq = field32(headers, 38);
	out->ack = field32(headers, 42);
	out->flags = offset_and_flags & TCP_FLAGS;
	out->domain = 0;
	out->missing_bytes = 0;
	span_truncate(&rest, total - 20 - TCP_HEADER); /* what is behind is padding */
	if (!span_take(&rest, header_len - TCP_HEADER, &options))
		return false;
	out->mptcp = tcp_options_mptcp(options, &d->mptcp);
	out->payload = rest;
	*result = PACKET_DECODED;
	return true;
}

/* Not for inlining: what it keeps on the stack would be made room for, and guarded, in the usual case too. */
__attribute__((noinline)) static enum packet_result decode_any(struct decoder *d, const struct packet *packet, struct segment *out)
{
	size_t captured = packet->bytes.len;
	size_t cut = packet->wire_len > captured ? packet->wire_len - captured : 0;
	struct layer l = { .bytes = packet->bytes, .cut = cut, .claimed = captured + cut };
	struct ip_payload payload;
	uint16_t ethertype = 0;
	enum packet_result result = link_decode(packet->linktype, &l, &ethertype, &out->domain);

	d->tunnels = l.tunnels;
	if (result == PACKET_IGNORED_LINKTYPE)
		d->unread = UNREAD(UNREAD_LINKTYPE, packet->linktype);
	if (result != PACKET_DECODED)
		return note_unread(d, result, ethertype, 0, 0);
	result = ip_decode(ethertype, &l, &out->src, &out->dst, &payload);
	if (result != PACKET_DECODED)
		return note_unread(d, result, 0, payload.protocol, 0);
	if (payload.protocol != PROTOCOL_TCP || payload.is_fragment)
		result = open_layers(d, packet, &l, &payload, out);
	if (result == PACKET_DECODED)
		result = decode_tcp(d, &l, out);
	return result;
}

enum packet_result decoder_packet(struct decoder *d, const struct packet *packet, struct segment *out)
{
	enum packet_result result;

	d->tunnels = d->unread = 0;
	if (d->earlier.first)
		frame_list_deinit(&d->earlier);
	out->ts = packet->ts;
	if (!d->layers_only && decode_usual(d, packet, out, &result))
		return result;
	return decode_any(d, packet, out);
}
