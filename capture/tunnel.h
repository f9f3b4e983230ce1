/* tunnel.h - a packet inside a packet: what IP, UDP or GRE carries as a tunnel */
#ifndef CAPTURE_TUNNEL_H
#define CAPTURE_TUNNEL_H

#include "capture/decode.h"
#include "capture/ip.h"
#include "capture/layer.h"

/**
 * tunnel_decode() - take one tunnel's headers off, down to the IP header in it
 * @protocol:     of the IP payload that @l is: all of enum ip_protocol but TCP and AH
 * @vxlan_ports:  UDP ports of VXLAN beside the two that are always taken for it
 * @ethertype:    out: ETHERTYPE_IPV4 or ETHERTYPE_IPV6
 * @domain:       identity of the domain outside; out: inside
 *
 * Return: PACKET_DECODED (go on), or what became of the packet. What does not
 * look like a tunnel is PACKET_IGNORED_NOT_TCP, which is what it was anyway.
 */
enum packet_result tunnel_decode(uint8_t protocol, const struct port_set *vxlan_ports, struct layer *l,
				 uint16_t *ethertype, uint32_t *domain);

/** tunnel_port() - of UDP: the port that it goes to, or comes from if only that is a well-known one; 0 of others */
uint16_t tunnel_port(uint8_t protocol, const struct port_set *vxlan_ports, const struct layer *l);

/** tunnel_bit() - TUNNEL_BIT() of what that tunnel would be, if it is one; ERSPAN is GRE here */
unsigned tunnel_bit(uint8_t protocol, const struct layer *l);

#endif
