/*
 * link.c - see link.h
 *
 * Every link layer is brought down to one question: which ethertype follows?
 * Ethernet and Linux's "cooked" headers (what `any` gives) carry one; BSD's
 * loopback headers carry an address family, RAW carries nothing, and for these
 * the matching ethertype is put in its place. Tags of 802.1Q and its stacking
 * relatives may follow wherever an ethertype can stand: libpcap itself puts
 * them back behind cooked headers, after the kernel has taken them off.
 *
 * Below IP there can be more headers: a stack of MPLS labels (mpls.c), a PPPoE
 * session, and what switches put in front of a frame for each other: VN-Tag,
 * E-Tag, Cisco's metadata, the service tag of 802.1ah. They are taken off in the
 * same loop, each turn of which takes four bytes or more. Where the ethertype
 * would be a length, the real one may follow behind LLC and SNAP.
 *
 * Headers: LINKTYPE_ pages of tcpdump.org, IEEE 802.3 3.2.6, IEEE 802.1Q 9 (VLAN,
 * 802.1ah), IEEE 802.1BR 7.5 (E-Tag), RFC 2516 (PPPoE), RFC 1661 (PPP), RFC 1042
 * (SNAP). VN-Tag and Cisco's metadata have no standard: their layout is what
 * switches send.
 */
#include "capture/link.h"

#include <pcap/dlt.h>

#include "capture/decode.h"
#include "capture/ip.h"
#include "capture/mpls.h"
#include "capture/domain.h"
#include "capture/tunnel_kind.h"
#include "capture/wifi.h"

/* Link types by number, for readers that pass on what a file says instead of what libpcap makes of it. */
#define LINKTYPE_RAW 101 /* DLT_RAW in files */
#define DLT_RAW_BSD 14   /* DLT_RAW where 12 is something else */

#define ETHERTYPE_MIN 0x0600 /* below: a length (IEEE 802.3, 3.2.6) */
#define ETHERTYPE_PPPOE_SESSION 0x8864
#define ETHERTYPE_BACKBONE 0x88e7 /* 802.1ah, I-TAG */
#define ETHERTYPE_CISCO_METADATA 0x8909
#define ETHERTYPE_VN_TAG 0x8926
#define ETHERTYPE_E_TAG 0x893f /* 802.1BR */
#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057
#define VLAN_ID_BITS 12
#define VLAN_ID_MASK 0x0fff

#define ETHERNET_HEADER 14
#define SLL_HEADER 16
#define SLL2_HEADER 20
#define HDLC_HEADER 4
#define FAMILY_HEADER 4
#define SNAP_HEADER 8

static bool is_ip(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6;
}

/* Take off a header of @size bytes that holds an ethertype at @offset. */
static enum packet_result take_ethertype(struct layer *l, size_t size, size_t offset, uint16_t *ethertype)
{
	struct span header;
	enum packet_result result = layer_take(l, size, &header, PACKET_MALFORMED_LINK);

	if (result == PACKET_DECODED)
		*ethertype = field16(header, offset);
	return result;
}

/*
 * Any number of tags; the ids of the two outermost are the identity. A tag with
 * id 0 gives a priority and no VLAN: the same connection may be seen with and
 * without it.
 */
static enum packet_result take_vlan_tags(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	while (ethertype_is_vlan_tag(*ethertype)) {
		struct span tag;
		enum packet_result result = layer_take(l, 4, &tag, PACKET_MALFORMED_LINK);
		uint16_t id;

		if (result != PACKET_DECODED)
			return result;
		id = field16(tag, 0) & VLAN_ID_MASK;
		if (id && *domain <= VLAN_ID_MASK)
			*domain = *domain << VLAN_ID_BITS | id;
		*ethertype = field16(tag, 2);
	}
	return PACKET_DECODED;
}

/*
 * Since Linux 6.10 a cooked header (what `any` gives) can name the IP ethertype
 * although one more tag stands before the packet: the kernel looks for the
 * innermost ethertype but leaves the tag in the data. It shows by an IP version
 * that is wrong here and right behind the tag. A tag of its own that was
 * already reported is not counted twice.
 */
static void take_hidden_tag(struct layer *l, uint16_t ethertype, uint32_t *domain)
{
	uint8_t version = ethertype == ETHERTYPE_IPV4 ? 4 : 6;
	struct layer behind = *l, peek;
	struct span tag, first;
	uint16_t id;

	if (layer_take(&behind, 4, &tag, PACKET_MALFORMED_LINK) != PACKET_DECODED ||
	    field8(tag, 0) >> 4 == version || field16(tag, 2) != ethertype)
		return;
	peek = behind;
	if (layer_take(&peek, 1, &first, PACKET_MALFORMED_LINK) != PACKET_DECODED ||
	    field8(first, 0) >> 4 != version)
		return;
	*l = behind;
	id = field16(tag, 0) & VLAN_ID_MASK;
	if (id && *domain <= VLAN_ID_MASK && *domain != id)
		*domain = *domain << VLAN_ID_BITS | id;
}

/*
 * NULL has the address family in the byte order of the machine that captured,
 * LOOP in network order. Families are small numbers, so the order shows. AF_INET
 * is 2 everywhere; AF_INET6 is what each system made it.
 */
static enum packet_result take_address_family(struct layer *l, uint16_t *ethertype)
{
	struct span header;
	enum packet_result result = layer_take(l, FAMILY_HEADER, &header, PACKET_MALFORMED_LINK);
	uint32_t family;

	if (result != PACKET_DECODED)
		return result;
	family = field32(header, 0);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		*ethertype = ETHERTYPE_IPV4;
		return PACKET_DECODED;
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		*ethertype = ETHERTYPE_IPV6;
		return PACKET_DECODED;
	}
	return PACKET_IGNORED_NOT_IP;
}

static enum packet_result take_link_header(int linktype, struct layer *l, uint16_t *ethertype)
{
	switch (linktype) {
	case DLT_EN10MB:
		return take_ethertype(l, ETHERNET_HEADER, 12, ethertype);
	case DLT_LINUX_SLL:
		return take_ethertype(l, SLL_HEADER, 14, ethertype);
	case DLT_LINUX_SLL2:
		return take_ethertype(l, SLL2_HEADER, 0, ethertype);
	case DLT_C_HDLC:
		return take_ethertype(l, HDLC_HEADER, 2, ethertype);
	case DLT_IEEE802_11:
		return wifi_decode(l, ethertype);
	case DLT_IEEE802_11_RADIO:
		return wifi_decode_radiotap(l, ethertype);
	case DLT_NULL:
	case DLT_LOOP:
		return take_address_family(l, ethertype);
	case DLT_RAW:
	case DLT_RAW_BSD:
	case LINKTYPE_RAW:
		return ip_peek_version(l, ethertype, PACKET_MALFORMED_IP, PACKET_MALFORMED_IP);
	case DLT_IPV4:
		*ethertype = ETHERTYPE_IPV4;
		return PACKET_DECODED;
	case DLT_IPV6:
		*ethertype = ETHERTYPE_IPV6;
		return PACKET_DECODED;
	}
	return PACKET_IGNORED_LINKTYPE;
}

bool decode_knows_linktype(int linktype)
{
	struct layer nothing = { 0 };
	uint16_t ethertype;

	return take_link_header(linktype, &nothing, &ethertype) != PACKET_IGNORED_LINKTYPE;
}

/*
 * RFC 2516, 4; RFC 1661, 2. The one byte form of PPP's protocol is negotiated
 * for modems only. A length beyond the frame is the frame's own trouble.
 */
static enum packet_result take_pppoe(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	struct span header;
	enum packet_result result = layer_take(l, 8, &header, PACKET_MALFORMED_LINK);
	size_t len;

	if (result != PACKET_DECODED)
		return result;
	len = field16(header, 4);
	if (field16(header, 0) != 0x1100 || len < 2)
		return PACKET_IGNORED_NOT_IP;
	if (len - 2 < l->claimed)
		layer_limit(l, len - 2);
	*domain = domain_enter(*domain, DOMAIN_PPPOE, field16(header, 2));
	switch (field16(header, 6)) {
	case PPP_IPV4:
		*ethertype = ETHERTYPE_IPV4;
		return PACKET_DECODED;
	case PPP_IPV6:
		*ethertype = ETHERTYPE_IPV6;
		return PACKET_DECODED;
	}
	return PACKET_IGNORED_NOT_IP;
}

/*
 * RFC 1042, and 802.1H's spelling of it. What is no SNAP is spanning tree and the like. The length cuts padding
 * off; Linux's cooked header has a small number of its own there.
 */
static enum packet_result take_snap(struct layer *l, uint16_t *ethertype)
{
	struct layer peek = *l;
	struct span header;
	enum packet_result result;

	if (*ethertype >= SNAP_HEADER && *ethertype < peek.claimed)
		layer_limit(&peek, *ethertype);
	result = layer_take(&peek, SNAP_HEADER, &header, PACKET_IGNORED_NOT_IP);
	if (result != PACKET_DECODED)
		return result;
	if (field32(header, 0) != 0xaaaa0300 || (field16(header, 4) != 0 && field16(header, 4) != 0x00f8))
		return PACKET_IGNORED_NOT_IP;
	*ethertype = field16(header, 6);
	*l = peek;
	return PACKET_DECODED;
}

/* Version 1 with one option, the security group, is all that there is. */
static enum packet_result take_cisco_metadata(struct layer *l, uint16_t *ethertype)
{
	struct layer peek = *l;
	struct span start;
	enum packet_result result = layer_take(&peek, 2, &start, PACKET_MALFORMED_LINK);

	if (result != PACKET_DECODED)
		return result;
	return field16(start, 0) == 0x0101 ? take_ethertype(l, 8, 6, ethertype) : PACKET_IGNORED_NOT_IP;
}

/* IEEE 802.1Q, 9.7 c: the service's number, then the customer's frame from its addresses on. */
static enum packet_result take_backbone_tag(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	struct span tag;
	enum packet_result result = layer_take(l, 4, &tag, PACKET_MALFORMED_LINK);

	if (result != PACKET_DECODED)
		return result;
	*domain = domain_enter(*domain, DOMAIN_BACKBONE, field32(tag, 0) & 0xffffff);
	*ethertype = ETHERTYPE_BRIDGED;
	return PACKET_DECODED;
}

static enum packet_result take_below_ip(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	switch (*ethertype) {
	case ETHERTYPE_BRIDGED:
		return take_ethertype(l, ETHERNET_HEADER, 12, ethertype);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		l->tunnels |= TUNNEL_BIT(TUNNEL_MPLS);
		return mpls_decode(l, ethertype);
	case ETHERTYPE_PPPOE_SESSION:
		l->tunnels |= TUNNEL_BIT(TUNNEL_PPPOE);
		return take_pppoe(l, ethertype, domain);
	case ETHERTYPE_VN_TAG:
		l->tunnels |= TUNNEL_BIT(TUNNEL_FABRIC);
		return take_ethertype(l, 6, 4, ethertype);
	case ETHERTYPE_E_TAG:
		l->tunnels |= TUNNEL_BIT(TUNNEL_FABRIC);
		return take_ethertype(l, 8, 6, ethertype);
	case ETHERTYPE_CISCO_METADATA:
		l->tunnels |= TUNNEL_BIT(TUNNEL_FABRIC);
		return take_cisco_metadata(l, ethertype);
	case ETHERTYPE_BACKBONE:
		l->tunnels |= TUNNEL_BIT(TUNNEL_FABRIC);
		return take_backbone_tag(l, ethertype, domain);
	}
	if (*ethertype < ETHERTYPE_MIN) {
		l->tunnels |= TUNNEL_BIT(TUNNEL_FABRIC);
		return take_snap(l, ethertype);
	}
	return PACKET_IGNORED_NOT_IP;
}

enum packet_result link_decode_inner(struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	for (;;) {
		uint32_t tags = 0;
		enum packet_result result = take_vlan_tags(l, ethertype, &tags);

		if (result != PACKET_DECODED)
			return result;
		if (tags)
			*domain = *domain ? domain_enter(*domain, DOMAIN_VLAN, tags) : tags;
		if (is_ip(*ethertype))
			return PACKET_DECODED;
		result = take_below_ip(l, ethertype, domain);
		if (result != PACKET_DECODED)
			return result;
	}
}

enum packet_result link_decode(int linktype, struct layer *l, uint16_t *ethertype, uint32_t *domain)
{
	enum packet_result result = take_link_header(linktype, l, ethertype);

	*domain = 0;
	if (result == PACKET_DECODED && !is_ip(*ethertype)) /* the plain packet is spared the loop */
		result = link_decode_inner(l, ethertype, domain);
	if (result == PACKET_DECODED && linktype == DLT_LINUX_SLL)
		take_hidden_tag(l, *ethertype, domain);
	return result;
}
