/* mpls.h - what is behind a stack of MPLS labels */
#ifndef CAPTURE_MPLS_H
#define CAPTURE_MPLS_H

#include "capture/layer.h"

/**
 * mpls_decode() - take the label stack off, and a pseudowire's control word
 * @ethertype:  out: ETHERTYPE_IPV4, ETHERTYPE_IPV6, or ETHERTYPE_BRIDGED for a pseudowire's frame
 * Return: PACKET_DECODED (go on), or what became of the packet.
 */
enum packet_result mpls_decode(struct layer *l, uint16_t *ethertype);

#endif
