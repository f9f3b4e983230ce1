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
	struct span bytes;   /* what was captured; borrowed until the source's next read */
	uint32_t wire_len;   /* what was on the wire: at least bytes.len */
	int linktype;        /* DLT_* of libpcap */
	struct wall ts;
};

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

/**
 * decode_packet() - find the TCP segment in a packet
 * @packet:  borrowed
 * @ports:   segments with neither port in the set are PACKET_IGNORED_PORT
 * @out:     filled when the result is PACKET_DECODED; its payload points into @packet
 *
 * Pure: no state, no clock, no allocation. What it reads and the sources:
 * Ethernet II with any number of 802.1Q/802.1ad tags, LINUX_SLL and SLL2, NULL,
 * LOOP, RAW, IPv4 (RFC 791), IPv6 (RFC 8200) with extension headers, TCP
 * (RFC 9293).
 * Return: what became of the packet; the caller counts it.
 */
enum packet_fate decode_packet(const struct packet *packet, const struct port_set *ports, struct segment *out);

/** decode_knows_linktype() - is this DLT_* one of those above? Others are PACKET_IGNORED_LINKTYPE */
bool decode_knows_linktype(int linktype);

#endif
