/* link.h - the link layer: which network protocol a frame carries, and on which VLAN */
#ifndef CAPTURE_LINK_H
#define CAPTURE_LINK_H

#include "capture/layer.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

/**
 * link_decode() - take the link layer off
 * @linktype:   DLT_* of libpcap
 * @ethertype:  out: ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @network:    out: identity of the VLAN, as in struct segment
 * Return: PACKET_DECODED (go on), or what became of the packet.
 */
enum packet_fate link_decode(int linktype, struct layer *l, uint16_t *ethertype, uint32_t *network);

#endif
