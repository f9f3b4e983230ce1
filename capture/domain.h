/*
 * domain.h - one number for the domain of a packet: VLAN tags and tunnel ids, from the outside in
 *
 * A domain is a network with addresses of its own: a VLAN, a VXLAN segment, a
 * PPPoE session. Two customers may use the same addresses and ports, each in a
 * domain of its own, so the number is part of a flow's key (struct segment,
 * domain). It must be the same for both directions of a connection. So what goes
 * in is what names a domain, and what names a path through one stays out:
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
 * next to each other in one outer domain never meet; longer chains meet by
 * chance, one pair in 2^32. The function has no key: the same recording gives
 * the same identities every time.
 */
#ifndef CAPTURE_DOMAIN_H
#define CAPTURE_DOMAIN_H

#include <stdint.h>

enum domain_kind { DOMAIN_VLAN = 1, DOMAIN_VXLAN, DOMAIN_GENEVE, DOMAIN_GRE, DOMAIN_PPPOE, DOMAIN_BACKBONE };

/* A bijection of 32-bit numbers in which each bit of the input changes about half of those of the output. */
static inline uint32_t domain_mix(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x7feb352d);
	x ^= x >> 15;
	x *= UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

/** domain_enter() - the identity of domain @id of this @kind inside the domain @outer; never 0 */
static inline uint32_t domain_enter(uint32_t outer, enum domain_kind kind, uint32_t id)
{
	uint32_t inner = domain_mix(domain_mix(outer + (uint32_t)kind * UINT32_C(0x9e3779b9)) + id);

	return inner ? inner : 1;
}

#endif
