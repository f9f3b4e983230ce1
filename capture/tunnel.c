/*
 * tunnel.c - see tunnel.h
 *
 * Sources: VXLAN RFC 7348, its group policy (smith-vxlan-group-policy) and its
 * generic protocol extension (draft-ietf-nvo3-vxlan-gpe), Geneve RFC 8926, GTP-U
 * 3GPP TS 29.281, GRE RFC 2784 and 2890, its routing field RFC 1701, NVGRE RFC
 * 7637, ERSPAN draft-foschiano-erspan, IP in IP RFC 2003, 2473 and 4213, MPLS in
 * IP RFC 4023. TZSP, in which MikroTik's routers send what they sniff, has no
 * standard.
 *
 * Theory of operation. A tunnel over UDP is known by its port only, and a port
 * is no proof: any program may send from anywhere to 4789. So what a tunnel's
 * end looks at must be right as well: versions, the flag that there is a
 * domain, the protocol inside. What it has to ignore is ignored here too:
 * fabrics and clouds do set bits that are reserved. The price of a mistake is
 * small, since the inside is parsed by the same code and has to hold TCP. Once
 * the header is accepted, what is inside decides what becomes of the packet: an
 * ARP is not IP, a cut one is truncated.
 *
 * One call takes one tunnel off; the caller counts them. Ids become part of the
 * domain's identity, see domain.h. Checksums are skipped like all others.
 */
#include "capture/tunnel.h"

#include "capture/link.h"
#include "capture/domain.h"
#include "capture/tunnel_kind.h"

#define UDP_HEADER 8
#define WELL_KNOWN_PORTS 1024
#define PORT_VXLAN 4789
#define PORT_VXLAN_LINUX 8472 /* Linux's default, older than the assignment; flannel and Cilium keep it */
#define PORT_VXLAN_GPE 4790
#define PORT_GENEVE 6081
#define PORT_GTP 2152
#define PORT_TZSP 37008

#define VXLAN_HAS_VNI 0x08000000
#define VXLAN_HAS_PROTOCOL 0x04000000 /* of the extension: the word's last byte says what follows */
#define VXLAN_GPE_VERSION 0x30000000
#define VXLAN_GPE_CONTROL 0x01000000

#define GENEVE_CONTROL 0x80

#define GTP_VERSION_AND_TYPE 0xf0
#define GTP_VERSION_1 0x30 /* and GTP, not GTP' */
#define GTP_HAS_EXTENSION 0x04
#define GTP_OPTIONAL 0x07 /* any of them: four bytes follow */
#define GTP_PACKET 0xff
#define GTP_EXTENSIONS_MAX 16

#define TZSP_VERSION 1
#define TZSP_TYPE_MAX 1 /* received, or to be sent; others have no packet */
#define TZSP_ETHERNET 1
#define TZSP_PADDING 0
#define TZSP_END 1
#define TZSP_FIELDS_MAX 32

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

/* The flag and the port are enough (RFC 7348, 5); a group policy changes nothing behind the header. */
static enum packet_result take_vxlan_header(struct layer *l, uint32_t *flags, uint32_t *domain)
{
	struct span header;
	enum packet_result result = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);

	if (result != PACKET_DECODED)
		return result;
	*flags = field32(header, 0);
	if (!(*flags & VXLAN_HAS_VNI))
		return PACKET_IGNORED_NOT_TCP;
	*domain = domain_enter(*domain, DOMAIN_VXLAN, field32(header, 4) >> 8);
	return PACKET_DECODED;
}

/* What follows by the numbers of the extension, or 0 */
static uint16_t gpe_ethertype(uint32_t flags)
{
	static const uint16_t of[] = { 0, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_BRIDGED, 0 /* NSH */, ETHERTYPE_MPLS };

	return (flags & 0xff) < sizeof(of) / sizeof(of[0]) ? of[flags & 0xff] : 0;
}

/*
 * On the ports of plain VXLAN the extension's bits are reserved ones, which may be set without meaning anything. They
 * are taken as meant where they promise IP and it is there: what stands there otherwise is the address of a frame.
 */
static enum packet_result take_vxlan(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	uint32_t flags;
	uint16_t there;
	enum packet_result result = take_vxlan_header(l, &flags, domain);

	*ethertype = ETHERTYPE_BRIDGED;
	if (result == PACKET_DECODED && flags & VXLAN_HAS_PROTOCOL &&
	    ip_peek_version(l, &there, PACKET_MALFORMED_IP, PACKET_IGNORED_NOT_IP) == PACKET_DECODED &&
	    there == gpe_ethertype(flags))
		*ethertype = there;
	return result;
}

static enum packet_result take_vxlan_gpe(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	uint32_t flags;
	enum packet_result result = take_vxlan_header(l, &flags, domain);

	if (result != PACKET_DECODED)
		return result;
	*ethertype = flags & VXLAN_HAS_PROTOCOL ? gpe_ethertype(flags) : ETHERTYPE_BRIDGED;
	return flags & (VXLAN_GPE_VERSION | VXLAN_GPE_CONTROL) || !*ethertype ? PACKET_IGNORED_NOT_TCP : PACKET_DECODED;
}

/*
 * RFC 8926, 3.4: version 0, no control packet; reserved bits are ignored on receipt. Options are skipped, critical
 * ones too: we only look.
 */
static enum packet_result take_geneve(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	struct span header, options;
	enum packet_result result = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);

	if (result != PACKET_DECODED)
		return result;
	*ethertype = field16(header, 2);
	if (field8(header, 0) >> 6 != 0 || field8(header, 1) & GENEVE_CONTROL)
		return PACKET_IGNORED_NOT_TCP;
	if (*ethertype != ETHERTYPE_BRIDGED && *ethertype != ETHERTYPE_IPV4 && *ethertype != ETHERTYPE_IPV6)
		return PACKET_IGNORED_NOT_TCP;
	*domain = domain_enter(*domain, DOMAIN_GENEVE, field32(header, 4) >> 8);
	return layer_take(l, (size_t)(field8(header, 0) & 0x3f) * 4, &options, PACKET_IGNORED_NOT_TCP);
}

/* TS 29.281, 5.2.1: each has its length in words of four bytes, and what the next one is in its last byte. */
static enum packet_result skip_gtp_extensions(struct layer *l, uint8_t next)
{
	for (int i = 0; i < GTP_EXTENSIONS_MAX && next != 0; i++) {
		struct layer peek = *l;
		struct span len, extension;
		enum packet_result result = layer_take(&peek, 1, &len, PACKET_IGNORED_NOT_TCP);

		if (result == PACKET_DECODED && field8(len, 0) == 0)
			result = PACKET_IGNORED_NOT_TCP;
		if (result == PACKET_DECODED)
			result = layer_take(l, (size_t)field8(len, 0) * 4, &extension, PACKET_IGNORED_NOT_TCP);
		if (result != PACKET_DECODED)
			return result;
		next = extension.at[extension.len - 1];
	}
	return next == 0 ? PACKET_DECODED : PACKET_IGNORED_NOT_TCP;
}

/* TS 29.281, 5.1. The tunnel's end is the receiver's: each direction has its own, so it names no domain. */
static enum packet_result take_gtp(struct layer *l, uint16_t *ethertype)
{
	struct span header, optional;
	enum packet_result result = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);
	uint8_t flags;

	if (result != PACKET_DECODED)
		return result;
	flags = field8(header, 0);
	if ((flags & GTP_VERSION_AND_TYPE) != GTP_VERSION_1 || field8(header, 1) != GTP_PACKET)
		return PACKET_IGNORED_NOT_TCP;
	if (flags & GTP_OPTIONAL) {
		result = layer_take(l, 4, &optional, PACKET_IGNORED_NOT_TCP);
		if (result == PACKET_DECODED && flags & GTP_HAS_EXTENSION)
			result = skip_gtp_extensions(l, field8(optional, 3));
	}
	return result == PACKET_DECODED ? ip_peek_version(l, ethertype, PACKET_MALFORMED_IP, PACKET_IGNORED_NOT_IP) : result;
}

/* Fields of tag, length and data until the one that ends them; what was sniffed follows. */
static enum packet_result take_tzsp(struct layer *l, uint16_t *ethertype)
{
	struct span header, tag, len, data;
	enum packet_result result = layer_take(l, 4, &header, PACKET_IGNORED_NOT_TCP);

	if (result != PACKET_DECODED)
		return result;
	if (field8(header, 0) != TZSP_VERSION || field8(header, 1) > TZSP_TYPE_MAX || field16(header, 2) != TZSP_ETHERNET)
		return PACKET_IGNORED_NOT_TCP;
	*ethertype = ETHERTYPE_BRIDGED;
	for (int i = 0; i < TZSP_FIELDS_MAX; i++) {
		result = layer_take(l, 1, &tag, PACKET_IGNORED_NOT_TCP);
		if (result != PACKET_DECODED || field8(tag, 0) == TZSP_END)
			return result;
		if (field8(tag, 0) == TZSP_PADDING)
			continue;
		result = layer_take(l, 1, &len, PACKET_IGNORED_NOT_TCP);
		if (result == PACKET_DECODED)
			result = layer_take(l, field8(len, 0), &data, PACKET_IGNORED_NOT_TCP);
		if (result != PACKET_DECODED)
			return result;
	}
	return PACKET_IGNORED_NOT_TCP;
}

static bool is_vxlan_port(const struct port_set *vxlan_ports, uint16_t port)
{
	return port == PORT_VXLAN || port == PORT_VXLAN_LINUX || port_set_has(vxlan_ports, port);
}

/* UDP's own length is not used: IP's says the same, and is right where segmentation is offloaded. */
static enum packet_result take_udp(const struct port_set *vxlan_ports, struct layer *l, uint16_t *ethertype,
				   uint32_t *domain)
{
	struct span header;
	enum packet_result result = layer_take(l, UDP_HEADER, &header, PACKET_IGNORED_NOT_TCP);
	uint16_t port;

	if (result != PACKET_DECODED)
		return result;
	port = field16(header, 2);
	if (is_vxlan_port(vxlan_ports, port))
		return take_vxlan(l, ethertype, domain);
	switch (port) {
	case PORT_GENEVE:
		return take_geneve(l, ethertype, domain);
	case PORT_VXLAN_GPE:
		return take_vxlan_gpe(l, ethertype, domain);
	case PORT_GTP:
		return take_gtp(l, ethertype);
	case PORT_TZSP:
		return take_tzsp(l, ethertype);
	}
	return PACKET_IGNORED_NOT_TCP;
}

/*
 * draft-foschiano-erspan, 4. Type I is the bare frame, type II and III have a
 * header. The VLAN in it repeats the frame's tag, or the port's.
 */
static enum packet_result take_erspan(struct layer *l, bool has_sequence, uint16_t *ethertype)
{
	struct span header;
	enum packet_result result;

	*ethertype = ETHERTYPE_BRIDGED;
	if (!has_sequence)
		return PACKET_DECODED;
	result = layer_take(l, 8, &header, PACKET_IGNORED_NOT_TCP);
	if (result == PACKET_DECODED && field8(header, 0) >> 4 != ERSPAN_II_VERSION)
		return PACKET_IGNORED_NOT_TCP;
	return result;
}

/* The last 16 bits hold the type of the frame (0 Ethernet, 2 IP) and whether 8 bytes of a platform's own follow. */
static enum packet_result take_erspan_iii(struct layer *l, uint16_t *ethertype)
{
	struct span header, subheader;
	enum packet_result result = layer_take(l, 12, &header, PACKET_IGNORED_NOT_TCP);
	uint16_t last;

	if (result != PACKET_DECODED)
		return result;
	last = field16(header, 10);
	if (field8(header, 0) >> 4 != ERSPAN_III_VERSION)
		return PACKET_IGNORED_NOT_TCP;
	if (last & ERSPAN_III_SUBHEADER)
		result = layer_take(l, 8, &subheader, PACKET_IGNORED_NOT_TCP);
	*ethertype = ETHERTYPE_BRIDGED;
	if (result != PACKET_DECODED || (last >> 10 & 0x1f) == 0)
		return result;
	if ((last >> 10 & 0x1f) != 2)
		return PACKET_IGNORED_NOT_IP;
	return ip_peek_version(l, ethertype, PACKET_MALFORMED_IP, PACKET_IGNORED_NOT_IP);
}

/* RFC 1701: entries of family, offset, length and @length bytes; one without length is the last. */
static enum packet_result skip_gre_routes(struct layer *l)
{
	for (int i = 0; i < GRE_ROUTES_MAX; i++) {
		struct span entry, route;
		enum packet_result result = layer_take(l, 4, &entry, PACKET_IGNORED_NOT_TCP);

		if (result != PACKET_DECODED || field8(entry, 3) == 0)
			return result;
		result = layer_take(l, field8(entry, 3), &route, PACKET_IGNORED_NOT_TCP);
		if (result != PACKET_DECODED)
			return result;
	}
	return PACKET_IGNORED_NOT_TCP;
}

/*
 * A key names the tunnel's domain. NVGRE (Ethernet in GRE, subnets from 4096
 * up) puts a flow's number in its last byte, and that differs by direction.
 */
static uint32_t domain_of_key(uint32_t key, uint16_t ethertype)
{
	return ethertype == ETHERTYPE_BRIDGED && key >> 8 >= 4096 ? key >> 8 : key;
}

static enum packet_result take_gre_fields(struct layer *l, uint16_t flags, uint16_t ethertype, uint32_t *domain)
{
	struct span field;
	enum packet_result result = PACKET_DECODED;

	if (flags & (GRE_CHECKSUM | GRE_ROUTING))
		result = layer_take(l, 4, &field, PACKET_IGNORED_NOT_TCP);
	if (result == PACKET_DECODED && flags & GRE_KEY) {
		result = layer_take(l, 4, &field, PACKET_IGNORED_NOT_TCP);
		if (result == PACKET_DECODED)
			*domain = domain_enter(*domain, DOMAIN_GRE,
					       domain_of_key(field32(field, 0), ethertype));
	}
	if (result == PACKET_DECODED && flags & GRE_SEQUENCE)
		result = layer_take(l, 4, &field, PACKET_IGNORED_NOT_TCP);
	if (result == PACKET_DECODED && flags & GRE_ROUTING)
		result = skip_gre_routes(l);
	return result;
}

/* RFC 2784, 2. Version 1 is PPTP's, which carries PPP in a way of its own. */
static enum packet_result take_gre(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	struct span header;
	enum packet_result result = layer_take(l, 4, &header, PACKET_IGNORED_NOT_TCP);
	uint16_t flags;

	if (result != PACKET_DECODED)
		return result;
	flags = field16(header, 0);
	*ethertype = field16(header, 2);
	if (flags & GRE_VERSION)
		return PACKET_IGNORED_NOT_TCP;
	result = take_gre_fields(l, flags, *ethertype, domain);
	if (result != PACKET_DECODED)
		return result;
	if (*ethertype == GRE_ERSPAN)
		return take_erspan(l, flags & GRE_SEQUENCE, ethertype);
	if (*ethertype == GRE_ERSPAN_III)
		return take_erspan_iii(l, ethertype);
	return PACKET_DECODED;
}

static enum packet_result take_tunnel(uint8_t protocol, const struct port_set *vxlan_ports, struct layer *l,
				      uint16_t *ethertype, uint32_t *domain)
{
	switch (protocol) {
	case PROTOCOL_UDP:
		return take_udp(vxlan_ports, l, ethertype, domain);
	case PROTOCOL_GRE:
		return take_gre(l, ethertype, domain);
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

enum packet_result tunnel_decode(uint8_t protocol, const struct port_set *vxlan_ports, struct layer *l,
				 uint16_t *ethertype, uint32_t *domain)
{
	enum packet_result result = take_tunnel(protocol, vxlan_ports, l, ethertype, domain);

	return result == PACKET_DECODED ? link_decode_inner(l, ethertype, domain) : result;
}

static bool is_tunnel_port(const struct port_set *vxlan_ports, uint16_t port)
{
	return is_vxlan_port(vxlan_ports, port) || port == PORT_GENEVE || port == PORT_VXLAN_GPE || port == PORT_GTP ||
	       port == PORT_TZSP;
}

uint16_t tunnel_port(uint8_t protocol, const struct port_set *vxlan_ports, const struct layer *l)
{
	uint16_t src, dst;

	if (protocol != PROTOCOL_UDP || l->bytes.len < 4)
		return 0;
	src = field16(l->bytes, 0);
	dst = field16(l->bytes, 2);
	return src < WELL_KNOWN_PORTS && dst >= WELL_KNOWN_PORTS && !is_tunnel_port(vxlan_ports, dst) ? src : dst;
}

static unsigned udp_tunnel_bit(uint16_t port)
{
	switch (port) {
	case PORT_GENEVE:
		return TUNNEL_BIT(TUNNEL_GENEVE);
	case PORT_GTP:
		return TUNNEL_BIT(TUNNEL_GTP);
	case PORT_TZSP:
		return TUNNEL_BIT(TUNNEL_TZSP);
	}
	return TUNNEL_BIT(TUNNEL_VXLAN);
}

unsigned tunnel_bit(uint8_t protocol, const struct layer *l)
{
	switch (protocol) {
	case PROTOCOL_UDP:
		return l->bytes.len >= 4 ? udp_tunnel_bit(field16(l->bytes, 2)) : TUNNEL_BIT(TUNNEL_VXLAN);
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
