/* link.h - the link layer: which network protocol a frame carries, and on which VLAN */
#ifndef CAPTURE_LINK_H
#define CAPTURE_LINK_H

#include <stdbool.h>

#include "capture/layer.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_MPLS 0x8847           /* RFC 3032 */
#define ETHERTYPE_MPLS_MULTICAST 0x8848 /* or with a label that the upstream router assigned: RFC 5332 */
#define ETHERTYPE_BRIDGED 0x6558        /* a whole Ethernet frame: RFC 1701, 7637, 8926 */

#define ETHERTYPE_VLAN 0x8100     /* 802.1Q */
#define ETHERTYPE_QINQ 0x88a8     /* 802.1ad, service tag */
#define ETHERTYPE_QINQ_OLD 0x9100 /* before 802.1ad, still sold */

static inline bool ethertype_is_vlan_tag(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ || ethertype == ETHERTYPE_QINQ_OLD;
}

/**
 * link_decode() - take the link layer off
 * @linktype:   DLT_* of libpcap
 * @ethertype:  out: ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @domain:     out: identity of the VLAN, as in struct segment
 * Return: PACKET_DECODED (go on), or what became of the packet.
 */
enum packet_result link_decode(int linktype, struct layer *l, uint16_t *ethertype, uint32_t *domain);

/**
 * link_decode_inner() - take off what stands between a tunnel's header and the IP packet in it
 * @ethertype:  what follows, ETHERTYPE_BRIDGED for an Ethernet frame; out: ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @domain:     identity of the tunnel; out: of the VLAN in it
 */
enum packet_result link_decode_inner(struct layer *l, uint16_t *ethertype, uint32_t *domain);

#endif
