/*
 * decode.c - see decode.h: link.c, then ip.c, then the TCP header here
 *
 * A packet is taken apart from the front in one pass. Each layer answers "go
 * on" or names what became of the packet, so every packet ends in exactly one
 * counter. A payload that was cut by the snaplen is still a segment: the
 * stream must know that bytes were sent, and how many of them are missing.
 */
#include "capture/decode.h"

#include "capture/ip.h"
#include "capture/layer.h"
#include "capture/link.h"

#define TCP_HEADER 20
#define TCP_FLAGS (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK)

/* RFC 9293, 3.1. Ports are looked at first: what is not ours is not checked further. */
static enum packet_fate decode_tcp(struct layer *l, const struct port_set *ports, struct segment *out)
{
	struct span header, options;
	enum packet_fate fate = layer_take(l, TCP_HEADER, &header, PACKET_MALFORMED_TCP);
	size_t header_len;

	if (fate != PACKET_DECODED)
		return fate;
	out->src.port = field16(header, 0);
	out->dst.port = field16(header, 2);
	if (ports->count && !port_set_has(ports, out->src.port) && !port_set_has(ports, out->dst.port))
		return PACKET_IGNORED_PORT;
	header_len = (size_t)(field8(header, 12) >> 4) * 4;
	if (header_len < TCP_HEADER)
		return PACKET_MALFORMED_TCP;
	fate = layer_take(l, header_len - TCP_HEADER, &options, PACKET_MALFORMED_TCP);
	if (fate != PACKET_DECODED)
		return fate;
	out->seq = field32(header, 4);
	out->ack = field32(header, 8);
	out->flags = field8(header, 13) & TCP_FLAGS;
	out->payload = l->bytes;
	out->missing_bytes = (uint32_t)(l->claimed - l->bytes.len);
	return PACKET_DECODED;
}

enum packet_fate decode_packet(const struct packet *packet, const struct port_set *ports, struct segment *out)
{
	size_t captured = packet->bytes.len;
	size_t cut = packet->wire_len > captured ? packet->wire_len - captured : 0;
	struct layer l = { .bytes = packet->bytes, .cut = cut, .claimed = captured + cut };
	uint16_t ethertype;
	enum packet_fate fate = link_decode(packet->linktype, &l, &ethertype, &out->network);

	if (fate == PACKET_DECODED)
		fate = ip_decode(ethertype, &l, &out->src, &out->dst);
	if (fate == PACKET_DECODED)
		fate = decode_tcp(&l, ports, out);
	out->ts = packet->ts;
	return fate;
}
