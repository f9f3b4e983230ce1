/*
 * tunnel.c - see tunnel.h
 *
 * Sources: VXLAN RFC 7348 and its group policy draft (smith-vxlan-group-policy),
 * Geneve RFC 8926, GRE RFC 2784 and 2890, its routing field RFC 1701, NVGRE RFC
 * 7637, ERSPAN draft-foschiano-erspan, IP in IP RFC 2003, 2473 and 4213, MPLS in
 * IP RFC 4023.
 *
 * Theory of operation. A tunnel over UDP is known by its port only, and a port
 * is no proof: any program may send from anywhere to 4789. So the header must
 * look right as well. Bits that a standard reserves have to be zero here,
 * although a tunnel's end would ignore them; the packets of real tunnels are so,
 * and of random bytes one in millions is. The price of a mistake is small: the
 * inside is parsed by the same code and has to hold TCP. Once the header is
 * believed, what is inside decides what becomes of the packet: an ARP is not
 * IP, a cut one is truncated.
 *
 * One call takes one tunnel off; the caller counts them. Ids become part of the
 * network's identity, see network.h. Checksums are skipped like all others.
 */
#include "capture/tunnel.h"

#include "capture/link.h"
#include "capture/network.h"
#include "capture/tunnel_kind.h"

#define UDP_HEADER 8
#define PORT_VXLAN 4789
#define PORT_VXLAN_LINUX 8472 /* Linux's default, older than the assignment; flannel and Cilium keep it */
#define PORT_GENEVE 6081

#define VXLAN_HAS_VNI 0x08000000
#define VXLAN_HAS_GROUP 0x80000000
#define VXLAN_GROUP_BITS 0x0048ffff /* don't learn, applied, and the group's number */

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING 0x4000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION 0x0007
#define GRE_ROUTES_MAX 16

#define GRE_ERSPAN 0x88be
#define GRE_ERSPAN_III 0x22eb
#define ERSPAN_II_VERSION 1
#define ERSPAN_III_VERSION 2
#define ERSPAN_III_SUBHEADER 0x0001 /* of the header's last 16 bits */

/* RFC 7348, 5. A group policy is the one extension that changes nothing behind the header. */
static enum packet_fate take_vxlan(struct layer *l, uint16_t *ethertype, uint32_t *network)
{
	struct span header;
	enum packet_fate fate = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);
	uint32_t flags, allowed = VXLAN_HAS_VNI;

	if (fate != PACKET_DECODED)
		return fate;
	flags = field32(header, 0);
	if (flags & VXLAN_HAS_GROUP)
		allowed |= VXLAN_HAS_GROUP | VXLAN_GROUP_BITS;
	if (!(flags & VXLAN_HAS_VNI) || flags & ~allowed || field8(header, 7) != 0)
		return PACKET_IGNORED_NOT_TCP;
	*network = network_enter(*network, NETWORK_VXLAN, field32(header, 4) >> 8);
	*ethertype = ETHERTYPE_BRIDGED;
	return PACKET_DECODED;
}

/* RFC 8926, 3.4: version 0, no control packet. Options are skipped, critical ones too: we only look. */
static enum packet_fate take_geneve(struct layer *l, uint16_t *ethertype, uint32_t *network)
{
	struct span header, options;
	enum packet_fate fate = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);

	if (fate != PACKET_DECODED)
		return fate;
	*ethertype = field16(header, 2);
	if (field8(header, 0) >> 6 != 0 || field8(header, 1) & 0xbf || field8(header, 7) != 0)
		return PACKET_IGNORED_NOT_TCP;
	if (*ethertype != ETHERTYPE_BRIDGED && *ethertype != ETHERTYPE_IPV4 && *ethertype != ETHERTYPE_IPV6)
		return PACKET_IGNORED_NOT_TCP;
	*network = network_enter(*network, NETWORK_GENEVE, field32(header, 4) >> 8);
	return layer_take(l, (size_t)(field8(header, 0) & 0x3f) * 4, &options, PACKET_IGNORED_NOT_TCP);
}

/* UDP's own length is not used: IP's says the same, and is right where segmentation is offloaded. */
static enum packet_fate take_udp(const struct port_set *vxlan_ports, struct layer *l, uint16_t *ethertype,
				 uint32_t *network)
{
	struct span header;
	enum packet_fate fate = layer_take(l, UDP_HEADER, &header, PACKET_IGNORED_NOT_TCP);
	uint16_t port;

	if (fate != PACKET_DECODED)
		return fate;
	port = field16(header, 2);
	if (port == PORT_GENEVE)
		return take_geneve(l, ethertype, network);
	if (port == PORT_VXLAN || port == PORT_VXLAN_LINUX || port_set_has(vxlan_ports, port))
		return take_vxlan(l, ethertype, network);
	return PACKET_IGNORED_NOT_TCP;
}

/*
 * draft-foschiano-erspan, 4. Type I is the bare frame, type II and III have a
 * header. The VLAN in it repeats the frame's tag, or the port's.
 */
static enum packet_fate take_erspan(struct layer *l, bool has_sequence, uint16_t *ethertype)
{
	struct span header;
	enum packet_fate fate;

	*ethertype = ETHERTYPE_BRIDGED;
	if (!has_sequence)
		return PACKET_DECODED;
	fate = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);
	if (fate == PACKET_DECODED && field8(header, 0) >> 4 != ERSPAN_II_VERSION)
		return PACKET_IGNORED_NOT_TCP;
	return fate;
}

/* The last 16 bits hold the type of the frame (0 Ethernet, 2 IP) and whether 8 bytes of a platform's own
 * follow. */
static enum packet_fate take_erspan_iii(struct layer *l, uint16_t *ethertype)
{
	struct span header, subheader, first;
	enum packet_fate fate = layer_take(l, 12, &header, PACKET_IGNORED_NOT_TCP);
	uint16_t last;
	struct layer peek;

	if (fate != PACKET_DECODED)
		return fate;
	last = field16(header, 10);
	if (field8(header, 0) >> 4 != ERSPAN_III_VERSION)
		return PACKET_IGNORED_NOT_TCP;
	if (last & ERSPAN_III_SUBHEADER)
		fate = layer_take(l, 8, &subheader, PACKET_IGNORED_NOT_TCP);
	*ethertype = ETHERTYPE_BRIDGED;
	if (fate != PACKET_DECODED || (last >> 10 & 0x1f) == 0)
		return fate;
	if ((last >> 10 & 0x1f) != 2)
		return PACKET_IGNORED_NOT_IP;
	peek = *l;
	fate = layer_take(&peek, 1, &first, PACKET_MALFORMED_IP);
	if (fate == PACKET_DECODED)
		*ethertype = field8(first, 0) >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	return fate;
}

/* RFC 1701: entries of family, offset, length and @length bytes; one without length is the last. */
static enum packet_fate skip_gre_routes(struct layer *l)
{
	for (int i = 0; i < GRE_ROUTES_MAX; i++) {
		struct span entry, route;
		enum packet_fate fate = layer_take(l, 4, &entry, PACKET_IGNORED_NOT_TCP);

		if (fate != PACKET_DECODED || field8(entry, 3) == 0)
			return fate;
		fate = layer_take(l, field8(entry, 3), &route, PACKET_IGNORED_NOT_TCP);
		if (fate != PACKET_DECODED)
			return fate;
	}
	return PACKET_IGNORED_NOT_TCP;
}

/*
 * A key names the tunnel's network. NVGRE (Ethernet in GRE, subnets from 4096
 * up) puts a flow's number in its last byte, and that differs by direction.
 */
static uint32_t network_of_key(uint32_t key, uint16_t ethertype)
{
	return ethertype == ETHERTYPE_BRIDGED && key >> 8 >= 4096 ? key >> 8 : key;
}

static enum packet_fate take_gre_fields(struct layer *l, uint16_t flags, uint16_t ethertype, uint32_t *network)
{
	struct span field;
	enum packet_fate fate = PACKET_DECODED;

	if (flags & (GRE_CHECKSUM | GRE_ROUTING))
		fate = layer_take(l, 4, &field, PACKET_IGNORED_NOT_TCP);
	if (fate == PACKET_DECODED && flags & GRE_KEY) {
		fate = layer_take(l, 4, &field, PACKET_IGNORED_NOT_TCP);
		if (fate == PACKET_DECODED)
			*network = network_enter(*network, NETWORK_GRE,
						 network_of_key(field32(field, 0), ethertype));
	}
	if (fate == PACKET_DECODED && flags & GRE_SEQUENCE)
		fate = layer_take(l, 4, &field, PACKET_IGNORED_NOT_TCP);
	if (fate == PACKET_DECODED && flags & GRE_ROUTING)
		fate = skip_gre_routes(l);
	return fate;
}

/* RFC 2784, 2. Version 1 is PPTP's, which carries PPP in a way of its own. */
static enum packet_fate take_gre(struct layer *l, uint16_t *ethertype, uint32_t *network)
{
	struct span header;
	enum packet_fate fate = layer_take(l, 4, &header, PACKET_IGNORED_NOT_TCP);
	uint16_t flags;

	if (fate != PACKET_DECODED)
		return fate;
	flags = field16(header, 0);
	*ethertype = field16(header, 2);
	if (flags & GRE_VERSION)
		return PACKET_IGNORED_NOT_TCP;
	fate = take_gre_fields(l, flags, *ethertype, network);
	if (fate != PACKET_DECODED)
		return fate;
	if (*ethertype == GRE_ERSPAN)
		return take_erspan(l, flags & GRE_SEQUENCE, ethertype);
	if (*ethertype == GRE_ERSPAN_III)
		return take_erspan_iii(l, ethertype);
	return PACKET_DECODED;
}

static enum packet_fate take_tunnel(uint8_t protocol, const struct port_set *vxlan_ports, struct layer *l,
				    uint16_t *ethertype, uint32_t *network)
{
	switch (protocol) {
	case PROTOCOL_UDP:
		return take_udp(vxlan_ports, l, ethertype, network);
	case PROTOCOL_GRE:
		return take_gre(l, ethertype, network);
	case PROTOCOL_IPV4:
		*ethertype = ETHERTYPE_IPV4;
		return PACKET_DECODED;
	case PROTOCOL_IPV6:
		*ethertype = ETHERTYPE_IPV6;
		return PACKET_DECODED;
	case PROTOCOL_MPLS:
		*ethertype = ETHERTYPE_MPLS;
		return PACKET_DECODED;
	}
	return PACKET_IGNORED_NOT_TCP;
}

enum packet_fate tunnel_decode(uint8_t protocol, const struct port_set *vxlan_ports, struct layer *l,
			       uint16_t *ethertype, uint32_t *network)
{
	enum packet_fate fate = take_tunnel(protocol, vxlan_ports, l, ethertype, network);

	return fate == PACKET_DECODED ? link_decode_inner(l, ethertype, network) : fate;
}

unsigned tunnel_bit(uint8_t protocol, const struct layer *l)
{
	switch (protocol) {
	case PROTOCOL_UDP:
		return l->bytes.len >= 4 && field16(l->bytes, 2) == PORT_GENEVE ? TUNNEL_BIT(TUNNEL_GENEVE) :
										 TUNNEL_BIT(TUNNEL_VXLAN);
	case PROTOCOL_GRE:
		return TUNNEL_BIT(TUNNEL_GRE);
	case PROTOCOL_IPV4:
	case PROTOCOL_IPV6:
		return TUNNEL_BIT(TUNNEL_IPIP);
	case PROTOCOL_MPLS:
		return TUNNEL_BIT(TUNNEL_MPLS);
	}
	return 0;
}
