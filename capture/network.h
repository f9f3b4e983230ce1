/*
 * network.h - one number for "which network": VLAN tags and tunnel ids, from the outside in
 *
 * Two customers may use the same addresses and ports, each in a network of its
 * own, so the identity is part of a flow's key (struct segment, network). It
 * must be the same for both directions of a connection. So what goes in is what
 * names a network, and what names a path through one stays out:
 *
 *   in    VLAN ids, the VNI of VXLAN and Geneve, the key of GRE (of NVGRE the
 *         subnet without the flow's bits), the session of PPPoE, the service of
 *         802.1ah
 *   out   MPLS labels (a label switched path has one direction), the session of
 *         ERSPAN (a switch often mirrors what comes in and what goes out of a
 *         port in a session each), the endpoints of GTP, the interfaces in VN-Tags
 *         and E-Tags and the groups of Cisco's metadata (each direction has its
 *         own), outer addresses and UDP ports
 *
 * Plain VLANs keep their readable form (outer << 12 | inner). A tunnel mixes its
 * kind and id into what was there. Each step is a bijection of the id, so ids
 * next to each other in one outer network never meet; longer chains meet by
 * chance, one pair in 2^32. The function has no key: the same recording gives
 * the same identities every time.
 */
#ifndef CAPTURE_NETWORK_H
#define CAPTURE_NETWORK_H

#include <stdint.h>

enum network_kind { NETWORK_VLAN = 1, NETWORK_VXLAN, NETWORK_GENEVE, NETWORK_GRE, NETWORK_PPPOE, NETWORK_BACKBONE };

/* A bijection of 32-bit numbers in which each bit of the input changes about half of those of the output. */
static inline uint32_t network_mix(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x7feb352d);
	x ^= x >> 15;
	x *= UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

/** network_enter() - the identity of network @id of this @kind inside the network @outer; never 0 */
static inline uint32_t network_enter(uint32_t outer, enum network_kind kind, uint32_t id)
{
	uint32_t inner = network_mix(network_mix(outer + (uint32_t)kind * UINT32_C(0x9e3779b9)) + id);

	return inner ? inner : 1;
}

#endif
