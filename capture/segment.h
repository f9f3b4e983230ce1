/*
 * segment.h - what the capture floor yields: one TCP segment
 *
 * The payload is exactly what the IP length says belongs to the segment:
 * Ethernet padding is never part of it. Checksums were not looked at, since
 * with offload they are wrong on every packet that the machine itself sends.
 */
#ifndef CAPTURE_SEGMENT_H
#define CAPTURE_SEGMENT_H

#include <stdint.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/span.h"

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

struct segment {
	struct endpoint src, dst;
	struct span payload;    /* borrowed until the decoder's next packet or the source's next read */
	struct wall ts;
	uint32_t seq;           /* of the first payload byte, or of the SYN; host order */
	uint32_t ack;           /* meaningful with TCP_ACK only */
	uint32_t missing_bytes; /* payload that was sent but not captured (snaplen): follows @payload */
	uint32_t network;       /* identity of VLAN tags and tunnels (network.h); 0 = none */
	uint8_t flags;          /* enum tcp_flag */
};

#endif
