/* ip.h - the network layer: between which addresses, and where TCP begins and ends */
#ifndef CAPTURE_IP_H
#define CAPTURE_IP_H

#include "base/endpoint.h"
#include "capture/layer.h"

/**
 * ip_decode() - take IPv4 or IPv6 off, with options and extension headers
 * @ethertype:  ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @src, @dst:  out: addresses; ports are left alone
 *
 * Afterwards @l is the TCP header and what belongs to it: padding is gone.
 * Return: PACKET_DECODED (go on), or what became of the packet.
 */
enum packet_fate ip_decode(uint16_t ethertype, struct layer *l, struct endpoint *src, struct endpoint *dst);

#endif
