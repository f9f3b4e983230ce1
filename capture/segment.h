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
	TCP_URG = 0x20,
};

enum mptcp_seen {
	MPTCP_CAPABLE = 0x01,  /* it wants Multipath TCP, or confirms that both do */
	MPTCP_OWN_KEY = 0x02,
	MPTCP_PEER_KEY = 0x04,
	MPTCP_BEGINS = 0x08,   /* with CAPABLE: @length bytes, with which the sender's data begins, come in this segment */
	MPTCP_JOINS = 0x10,    /* this TCP connection is another path of one that is known by a token */
	MPTCP_MAPS = 0x20,     /* @length bytes from @ssn on lie at @dsn of the sender's data; 0: all that follow, for ever */
};

/** struct mptcp - what the TCP options say about several paths (RFC 8684); what @seen does not name is not set */
struct mptcp {
	uint64_t own_key, peer_key;
	uint32_t dsn;    /* of the data's sequence number, the lower 32 bits */
	uint32_t ssn;    /* counts from the SYN, which is 0 */
	uint16_t length;
	uint8_t seen;    /* enum mptcp_seen */
	uint8_t version;
};

struct segment {
	struct endpoint src, dst;
	struct span payload;    /* borrowed until the decoder's next packet or the source's next read */
	struct wall ts;
	uint32_t seq;              /* of the first payload byte, or of the SYN; host order */
	uint32_t ack;              /* meaningful with TCP_ACK only */
	uint32_t missing_bytes;    /* payload that was sent but not captured (snaplen): follows @payload */
	uint32_t domain;           /* identity of VLAN tags and tunnels (domain.h); 0 = none */
	const struct mptcp *mptcp; /* borrowed as @payload is; NULL: no Multipath TCP, as with nearly all */
	uint16_t urgent;           /* meaningful with TCP_URG only: the pointer as it stands in the header */
	uint8_t flags;             /* enum tcp_flag */
};

#endif
