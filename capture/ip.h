/* ip.h - the network layer: between which addresses, and what begins and ends behind its header */
#ifndef CAPTURE_IP_H
#define CAPTURE_IP_H

#include <stdbool.h>

#include "base/endpoint.h"
#include "capture/layer.h"

/* Protocol numbers of what is followed (IANA "protocol-numbers"); packets with another are PACKET_IGNORED_NOT_TCP */
enum ip_protocol {
	PROTOCOL_IPV4 = 4, /* RFC 2003 */
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41, /* RFC 2473, RFC 4213 */
	PROTOCOL_GRE = 47,
	PROTOCOL_AH = 51,
	PROTOCOL_MPLS = 137, /* RFC 4023 */
};

/** struct ip_payload - what the headers say about the bytes behind them */
struct ip_payload {
	uint8_t protocol; /* enum ip_protocol; of an IPv6 fragment, what its datagram begins with */
	bool is_fragment; /* those below are filled in only then */
	bool more_follow;
	uint16_t offset; /* bytes */
	uint32_t id;
};

/**
 * ip_decode() - take IPv4 or IPv6 off, with options and extension headers
 * @ethertype:  ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @src, @dst:  out: addresses; ports are left alone
 * @payload:    out
 *
 * Afterwards @l is the payload: padding is gone. Of a fragment it is the piece.
 * Return: PACKET_DECODED (go on), or what became of the packet.
 */
enum packet_result ip_decode(uint16_t ethertype, struct layer *l, struct endpoint *src, struct endpoint *dst,
			     struct ip_payload *payload);

/**
 * ip_peek_version() - where nothing below says it: does IPv4 or IPv6 follow, by the first four bits?
 * @ethertype:  out: ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @none:       what to call a packet that ends here
 * @neither:    what to call one that goes on with something else
 *
 * Nothing is taken off. Return: PACKET_DECODED (go on), @none, @neither, or PACKET_MALFORMED_TRUNCATED.
 */
enum packet_result ip_peek_version(const struct layer *l, uint16_t *ethertype, enum packet_result none,
				   enum packet_result neither);

/**
 * ip_decode_rest() - go on behind the fragment header once the datagram is whole
 * @family:   4 or 6
 * @payload:  protocol is that of the first fragment; out: as of ip_decode()
 */
enum packet_result ip_decode_rest(uint8_t family, struct layer *l, struct ip_payload *payload);

#endif
