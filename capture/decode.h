/*
 * decode.h - from the bytes of a packet to a TCP segment
 */
#ifndef CAPTURE_DECODE_H
#define CAPTURE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"
#include "capture/capture_stats.h"
#include "capture/segment.h"

/** struct packet - one captured frame, as a source yields it */
struct packet {
	struct span bytes; /* what was captured; borrowed until the source's next read */
	uint32_t wire_len; /* what was on the wire: at least bytes.len */
	int linktype;      /* DLT_* of libpcap */
	struct wall ts;
};

/** packet_fn - borrows the packet for the length of the call */
typedef void packet_fn(void *ctx, const struct packet *packet);

#define PORTS_MAX 64

/** struct port_set - the service's ports; none = every port */
struct port_set {
	uint16_t port[PORTS_MAX];
	size_t count;
};

static inline bool port_set_has(const struct port_set *set, uint16_t port)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->port[i] == port)
			return true;
	return false;
}

/** struct decoder - what has to be remembered between packets: the fragments that wait for others. One thread. */
struct decoder;

/**
 * decoder_new() - a decoder without fragments
 * @ports:        borrowed; segments with neither port in the set are PACKET_IGNORED_PORT
 * @vxlan_ports:  borrowed; UDP ports of VXLAN beside 4789 and 8472; NULL = none
 * Return: given: decoder_free(); NULL when out of memory.
 */
struct decoder *decoder_new(const struct port_set *ports, const struct port_set *vxlan_ports);
void decoder_free(struct decoder *d);

/**
 * decoder_packet() - find the TCP segment in a packet
 * @packet:  borrowed
 * @out:     filled when the result is PACKET_DECODED; its payload points into @packet, or into @d when the
 *           segment was put together from fragments, until the next call
 *
 * What it reads and the sources: Ethernet II with any number of 802.1Q/802.1ad
 * tags, LLC/SNAP (RFC 1042), LINUX_SLL and SLL2, NULL, LOOP, RAW, Cisco HDLC, 802.11
 * with and without radiotap; MPLS (RFC 3032), PPPoE (RFC 2516), VN-Tag, 802.1BR
 * E-Tag, Cisco's metadata, 802.1ah; IPv4 (RFC 791), IPv6 (RFC 8200) with extension
 * headers, fragments of both; VXLAN and its generic extension, Geneve, GTP-U, TZSP,
 * GRE, ERSPAN, IP in IP (tunnel.c has their sources), up to eight of tunnels and
 * reassemblies in each other; TCP (RFC 9293).
 *
 * No clock, and no allocation unless there are fragments. A fragment that makes a
 * datagram whole is PACKET_DECODED with the segment in it, at its own time.
 * Return: what became of the packet; the caller counts it.
 */
enum packet_result decoder_packet(struct decoder *d, const struct packet *packet, struct segment *out);

/** decoder_layers_only() - take every packet apart layer by layer: slower and the same, for tests */
void decoder_layers_only(struct decoder *d);

/** decoder_keep_fragments() - from now on keep the packets of fragments, for decoder_earlier(); costs their memory */
void decoder_keep_fragments(struct decoder *d);

/**
 * decoder_earlier() - the packets that came before the last one and are part of its segment: the other
 * fragments, in the order in which they came; none for most segments. Only after PACKET_DECODED.
 */
void decoder_earlier(const struct decoder *d, packet_fn *fn, void *ctx);

/** decoder_tunnels() - TUNNEL_BIT()s of what the last packet was taken out of; GRE and ERSPAN are both GRE here */
unsigned decoder_tunnels(const struct decoder *d);

/** decoder_unread() - UNREAD() of the last packet, if it was ignored for what it carries; else 0 */
uint32_t decoder_unread(const struct decoder *d);

/** decode_knows_linktype() - is this DLT_* one of those above? Others are PACKET_IGNORED_LINKTYPE */
bool decode_knows_linktype(int linktype);

#endif
