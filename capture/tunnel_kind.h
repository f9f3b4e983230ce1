/*
 * tunnel_kind.h - the tunnels that a user can name
 *
 * The decoder opens all of them whenever they come; the names matter for the
 * kernel's filter, which lets only those through that were asked for.
 */
#ifndef CAPTURE_TUNNEL_KIND_H
#define CAPTURE_TUNNEL_KIND_H

/* FABRIC: what switches put before a frame: VN-Tag, E-Tag, Cisco's metadata, 802.1ah, LLC with SNAP */
/*      id      name      the packets of it, in the language of pcap-filter; NULL: by UDP port */
#define TUNNEL_KINDS(X)                                                                                      \
	X(VXLAN,  "vxlan",  NULL)                                                                            \
	X(GENEVE, "geneve", "udp dst port 6081")                                                             \
	X(GRE,    "gre",    "ip proto 47 or ip6 proto 47")                                                   \
	X(ERSPAN, "erspan", "ip proto 47 or ip6 proto 47")                                                   \
	X(IPIP,   "ipip",   "ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41")                      \
	X(MPLS,   "mpls",   "ether proto 0x8847 or ether proto 0x8848 or ip proto 137 or ip6 proto 137")     \
	X(PPPOE,  "pppoe",  "ether proto 0x8864")                                                            \
	X(GTP,    "gtp",    "udp dst port 2152")                                                             \
	X(TZSP,   "tzsp",   "udp dst port 37008")                                                            \
	X(FABRIC, "fabric", "ether proto 0x8926 or ether proto 0x893f or ether proto 0x8909"                 \
			    " or ether proto 0x88e7 or ether proto 0xaa")

enum tunnel_kind {
#define X(id, name, filter) TUNNEL_##id,
	TUNNEL_KINDS(X)
#undef X
	TUNNEL_KIND_COUNT
};

/** TUNNEL_BIT() - sets of them are unsigned numbers of these bits */
#define TUNNEL_BIT(kind) (1u << (kind))

#endif
