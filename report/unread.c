/*
 * unread.c - see unread.h
 *
 * Names are those of the registries (IEEE ethertypes, IANA ports and protocols).
 * What is in no table may be anything, a private tunnel as well.
 */
#include "report/unread.h"

#include <stddef.h>

enum use {
	PLAIN,     /* no request of ours is ever in it */
	OPENED,    /* a tunnel that is opened where its header is right */
	TUNNEL,    /* one that is not opened */
	ENCRYPTED, /* cannot be read on the way */
};

static const struct {
	uint32_t what;
	const char *name;
	enum use use;
} known[] = {
	{ UNREAD(UNREAD_ETHERTYPE, 0x0806), "ARP", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x22f3), "TRILL", TUNNEL },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8808), "flow control", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8809), "LACP", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8847), "MPLS", OPENED },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8863), "discovery of PPPoE", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8864), "PPPoE", OPENED },
	{ UNREAD(UNREAD_ETHERTYPE, 0x888e), "802.1X", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x88cc), "LLDP", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x88e5), "MACsec", ENCRYPTED },
	{ UNREAD(UNREAD_ETHERTYPE, 0x88f7), "PTP", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8903), "FabricPath", TUNNEL },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8906), "Fibre Channel", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8909), "Cisco's metadata", OPENED },
	{ UNREAD(UNREAD_ETHERTYPE, 0x8915), "RoCE", PLAIN },
	{ UNREAD(UNREAD_ETHERTYPE, 0x894f), "NSH", TUNNEL },
	{ UNREAD(UNREAD_UDP_PORT, 53), "DNS", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 67), "DHCP", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 123), "NTP", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 137), "NetBIOS", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 161), "SNMP", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 319), "PTP", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 443), "QUIC, of HTTP/3", ENCRYPTED },
	{ UNREAD(UNREAD_UDP_PORT, 500), "IPsec", ENCRYPTED },
	{ UNREAD(UNREAD_UDP_PORT, 514), "syslog", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 1194), "OpenVPN", ENCRYPTED },
	{ UNREAD(UNREAD_UDP_PORT, 1701), "L2TP", TUNNEL },
	{ UNREAD(UNREAD_UDP_PORT, 1900), "SSDP", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 2055), "NetFlow", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 2152), "GTP-U", OPENED },
	{ UNREAD(UNREAD_UDP_PORT, 3478), "STUN", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 3544), "Teredo", TUNNEL },
	{ UNREAD(UNREAD_UDP_PORT, 4341), "LISP", TUNNEL },
	{ UNREAD(UNREAD_UDP_PORT, 4500), "IPsec", ENCRYPTED },
	{ UNREAD(UNREAD_UDP_PORT, 4789), "VXLAN", OPENED },
	{ UNREAD(UNREAD_UDP_PORT, 4790), "VXLAN-GPE", OPENED },
	{ UNREAD(UNREAD_UDP_PORT, 4791), "RoCE", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 5353), "multicast DNS", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 5355), "LLMNR", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 6081), "Geneve", OPENED },
	{ UNREAD(UNREAD_UDP_PORT, 6343), "sFlow", TUNNEL },
	{ UNREAD(UNREAD_UDP_PORT, 6635), "MPLS over UDP", TUNNEL },
	{ UNREAD(UNREAD_UDP_PORT, 8125), "StatsD", PLAIN },
	{ UNREAD(UNREAD_UDP_PORT, 8472), "VXLAN", OPENED },
	{ UNREAD(UNREAD_UDP_PORT, 37008), "TZSP", OPENED },
	{ UNREAD(UNREAD_UDP_PORT, 51820), "WireGuard", ENCRYPTED },
	{ UNREAD(UNREAD_IP_PROTOCOL, 1), "ICMP", PLAIN },
	{ UNREAD(UNREAD_IP_PROTOCOL, 2), "IGMP", PLAIN },
	{ UNREAD(UNREAD_IP_PROTOCOL, 47), "GRE", OPENED },
	{ UNREAD(UNREAD_IP_PROTOCOL, 50), "ESP, of IPsec", ENCRYPTED },
	{ UNREAD(UNREAD_IP_PROTOCOL, 58), "ICMPv6", PLAIN },
	{ UNREAD(UNREAD_IP_PROTOCOL, 89), "OSPF", PLAIN },
	{ UNREAD(UNREAD_IP_PROTOCOL, 97), "EtherIP", TUNNEL },
	{ UNREAD(UNREAD_IP_PROTOCOL, 103), "PIM", PLAIN },
	{ UNREAD(UNREAD_IP_PROTOCOL, 112), "VRRP", PLAIN },
	{ UNREAD(UNREAD_IP_PROTOCOL, 115), "L2TP", TUNNEL },
	{ UNREAD(UNREAD_IP_PROTOCOL, 132), "SCTP", PLAIN },
};

#define ETHERTYPE_MIN 0x600

static int find(uint32_t what)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].what == what)
			return (int)i;
	return -1;
}

static bool is_length(uint32_t what)
{
	return UNREAD_KIND(what) == UNREAD_ETHERTYPE && UNREAD_NUMBER(what) < ETHERTYPE_MIN;
}

void unread_name(uint32_t what, struct buffer *out)
{
	int row = find(what);

	switch (UNREAD_KIND(what)) {
	case UNREAD_ETHERTYPE:
		if (is_length(what)) {
			buffer_add_str(out, "802.3 without an ethertype (spanning tree and the like)");
			return;
		}
		buffer_printf(out, "ethertype 0x%04x", UNREAD_NUMBER(what));
		break;
	case UNREAD_UDP_PORT:
		buffer_printf(out, "UDP port %u", UNREAD_NUMBER(what));
		break;
	case UNREAD_IP_PROTOCOL:
		buffer_printf(out, "IP protocol %u", UNREAD_NUMBER(what));
		break;
	case UNREAD_LINKTYPE:
		buffer_printf(out, "link type %u", UNREAD_NUMBER(what));
		break;
	case UNREAD_NOTHING:
		buffer_add_str(out, "nothing");
		break;
	}
	if (row >= 0)
		buffer_printf(out, " (%s)", known[row].name);
}

bool unread_hides(uint32_t what)
{
	int row = find(what);

	return row >= 0 ? known[row].use != PLAIN : !is_length(what);
}

static bool is_among(uint32_t port, const uint16_t *ports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void advise_unknown(uint32_t what, const uint16_t *given, size_t given_count, struct buffer *out)
{
	if (UNREAD_KIND(what) != UNREAD_UDP_PORT)
		buffer_add_str(out, "tap nearer to the service, where its traffic is plain Ethernet and IP");
	else if (is_among(UNREAD_NUMBER(what), given, given_count))
		buffer_add_str(out, "their headers are not VXLAN's, although --vxlan-port names the port: tap where they have been "
				    "unpacked");
	else
		buffer_printf(out, "if that is VXLAN on a port of its own: --vxlan-port %u; other tunnels: tap where they have been "
				   "unpacked",
			      UNREAD_NUMBER(what));
}

void unread_advise(uint32_t what, const uint16_t *given, size_t given_count, struct buffer *out)
{
	int row = find(what);

	if (row < 0) {
		advise_unknown(what, given, given_count, out);
		return;
	}
	switch (known[row].use) {
	case PLAIN:
		buffer_add_str(out, "there is no HTTP in that: tap where the service's own traffic passes");
		break;
	case OPENED:
		buffer_add_str(out, "it is opened, but not with headers like these or with what is in it: tap where it has been "
				    "unpacked, and please report this with a few of the packets");
		break;
	case TUNNEL:
		buffer_add_str(out, "shadowtap does not open it: tap where it has been unpacked");
		break;
	case ENCRYPTED:
		buffer_add_str(out, "it is encrypted: tap where it has been decrypted");
		break;
	}
}
