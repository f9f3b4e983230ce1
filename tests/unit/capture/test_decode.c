/*
 * test_decode.c - every link type, IP version and kind of damage, as a table
 *
 * Each frame is decoded right before an unreadable page, so that one byte too
 * far crashes, and then cut at every length, with and without the wire length
 * saying so: no cut frame may be taken for a whole one.
 */
#include "tests/rig/unit.h"

#include <pcap/dlt.h>

#include "capture/dispatch.h"
#include "capture/decode.h"
#include "tests/rig/frames.h"
#include "tests/rig/guard_page.h"

#define V4(len) "4500" len "0000 0000 40 06 0000 [a4]"
#define SNAP " aaaa03 000000 "
#define ID_PPPOE_7 UINT32_C(0x2c2a5874) /* domain_enter(0, DOMAIN_PPPOE, 7) */
#define ID_BACKBONE_1234 UINT32_C(0x36b7d6ae) /* domain_enter(0, DOMAIN_BACKBONE, 0x1234) */
#define V6(len, next) "60000000" len next "40 [a6]"

/* A packet on its own: no fragments from before. The short way and the one by layers must say the same. */
static enum packet_result decode(const struct packet *packet, const struct port_set *ports, struct segment *out)
{
	struct decoder *d = decoder_new(ports, NULL), *layers = decoder_new(ports, NULL);
	struct segment same;
	enum packet_result result;

	assert_non_null(d);
	assert_non_null(layers);
	memset(out, 0, sizeof(*out)); /* with its padding: it is compared as bytes */
	memset(&same, 0, sizeof(same));
	decoder_layers_only(layers);
	result = decoder_packet(d, packet, out);
	assert_int_equal(decoder_packet(layers, packet, &same), result);
	if (result == PACKET_DECODED) { /* what the options say is each decoder's own; test_multipath.c looks at it */
		assert_true(!same.mptcp == !out->mptcp);
		assert_true(!same.mptcp || memcmp(same.mptcp, out->mptcp, sizeof(*same.mptcp)) == 0);
		same.mptcp = out->mptcp = NULL;
	}
	if (result == PACKET_DECODED && same.payload.at >= packet->bytes.at &&
	    same.payload.at <= packet->bytes.at + packet->bytes.len)
		assert_memory_equal(&same, out, sizeof(same));
	decoder_free(d);
	decoder_free(layers);
	return result;
}

struct row {
	const char *name;
	int linktype;
	const char *frame;
	enum packet_result result;
	size_t payload;
	uint32_t domain, missing, wire_len; /* wire_len 0: as captured */
	uint8_t family;
};

static const struct row rows[] = {
	/* link layers */
	{ "ethernet", DLT_EN10MB, "[mac] 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "ethernet, IPv6", DLT_EN10MB, "[mac] 86dd" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "802.1Q", DLT_EN10MB, "[mac] 8100 0064 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, 100, .family = 4 },
	{ "802.1Q, priority bits are no id", DLT_EN10MB, "[mac] 8100 e064 0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, 100, .family = 4 },
	{ "priority tag", DLT_EN10MB, "[mac] 8100 e000 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, 0, .family = 4 },
	{ "802.1ad and 802.1Q", DLT_EN10MB, "[mac] 88a8 0064 8100 00c8 0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, 100 << 12 | 200, .family = 4 },
	{ "the same id twice", DLT_EN10MB, "[mac] 8100 0064 8100 0064 0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, 100 << 12 | 100, .family = 4 },
	{ "0x9100 and three more", DLT_EN10MB,
	  "[mac] 9100 0001 8100 0000 8100 0002 8100 0003 86dd" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5,
	  1 << 12 | 2, .family = 6 },
	{ "SLL", DLT_LINUX_SLL, "0000 0001 0006 [+8] 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "SLL, tagged", DLT_LINUX_SLL, "0000 0001 0006 [+8] 8100 0007 86dd" V6("0019", "06") "[tcp] [data]",
	  PACKET_DECODED, 5, 7, .family = 6 },
	{ "SLL, a second tag the kernel did not report", DLT_LINUX_SLL,
	  "0000 0001 0006 [+8] 8100 0007 0800 0009 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, 7 << 12 | 9,
	  .family = 4 },
	{ "SLL, the reported tag again", DLT_LINUX_SLL,
	  "0000 0001 0006 [+8] 8100 0007 0800 0007 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, 7, .family = 4 },
	{ "SLL, a length that looks like an ethertype is no tag", DLT_LINUX_SLL,
	  "0000 0001 0006 [+8] 0800 4500 0800 4000 0000 40 06 0000 [a4] [tcp] [+2008]", PACKET_DECODED, 2008, .family = 4 },
	{ "SLL2", DLT_LINUX_SLL2, "0800 0000 00000001 0001 00 06 [+8]" V4("002d") "[tcp] [data]", PACKET_DECODED, 5,
	  .family = 4 },
	{ "SLL2, tagged", DLT_LINUX_SLL2, "8100 0000 00000001 0001 00 06 [+8] 0005 0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, 5, .family = 4 },
	{ "NULL, little-endian", DLT_NULL, "02000000" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "NULL, big-endian", DLT_NULL, "00000002" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "NULL, Linux AF_INET6", DLT_NULL, "0a000000" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "NULL, OpenBSD AF_INET6", DLT_NULL, "18000000" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "NULL, FreeBSD AF_INET6", DLT_NULL, "0000001c" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "NULL, Darwin AF_INET6", DLT_NULL, "1e000000" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "NULL, another family", DLT_NULL, "07000000" V4("002d") "[tcp] [data]", PACKET_IGNORED_NOT_IP },
	{ "LOOP", DLT_LOOP, "00000018" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "RAW, IPv4", DLT_RAW, V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "RAW, IPv6", DLT_RAW, V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "LINKTYPE_RAW", 101, V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "DLT_IPV4", DLT_IPV4, V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "DLT_IPV6", DLT_IPV6, V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "DLT_IPV4 with IPv6 in it", DLT_IPV4, V6("0019", "06") "[tcp] [data]", PACKET_MALFORMED_IP },
	{ "RAW, neither", DLT_RAW, "00 [+40]", PACKET_MALFORMED_IP },
	{ "USB", DLT_USB_LINUX, "[+60]", PACKET_IGNORED_LINKTYPE },
	{ "Cisco HDLC", DLT_C_HDLC, "0f00 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "Cisco HDLC, keep-alive", DLT_C_HDLC, "8f00 8035 [+18]", PACKET_IGNORED_NOT_IP },
	{ "802.11", DLT_IEEE802_11, "0801 [+20] 1000" SNAP "0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "802.11, IPv6", DLT_IEEE802_11, "0802 [+20] 1000" SNAP "86dd" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5,
	  .family = 6 },
	{ "802.11, quality of service", DLT_IEEE802_11, "8801 [+20] 1000 0000" SNAP "0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, .family = 4 },
	{ "802.11, padded to four bytes", DLT_IEEE802_11, "8801 [+20] 1000 0000 [+2]" SNAP "0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, .family = 4 },
	{ "802.11, four addresses, QoS, HT control", DLT_IEEE802_11,
	  "8883 [+20] 1000 [+6] 0000 [+4]" SNAP "0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "802.11, beacon", DLT_IEEE802_11, "8000 [+60]", PACKET_IGNORED_NOT_IP },
	{ "802.11, no data", DLT_IEEE802_11, "4801 [+60]", PACKET_IGNORED_NOT_IP },
	{ "802.11, encrypted", DLT_IEEE802_11, "0841 [+20] 1000" SNAP "0800" V4("002d") "[tcp] [data]", PACKET_IGNORED_NOT_IP },
	{ "802.11, a piece", DLT_IEEE802_11, "0805 [+20] 1000" SNAP "0800" V4("002d") "[tcp] [data]", PACKET_IGNORED_FRAGMENT },
	{ "802.11, the second piece", DLT_IEEE802_11, "0801 [+20] 1100 [+30]", PACKET_IGNORED_FRAGMENT },
	{ "802.11, aggregated", DLT_IEEE802_11, "8801 [+20] 1000 8000 [+60]", PACKET_IGNORED_NOT_IP },
	{ "802.11, no SNAP", DLT_IEEE802_11, "0801 [+20] 1000 4242 03 [+30]", PACKET_IGNORED_NOT_IP },
	{ "radiotap", DLT_IEEE802_11_RADIO, "0000 0c00 04800000 02 00 1800 0801 [+20] 1000" SNAP "0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, .family = 4 },
	{ "radiotap, shorter than itself", DLT_IEEE802_11_RADIO, "0000 0700 [+60]", PACKET_MALFORMED_LINK },
	{ "radiotap, version 1", DLT_IEEE802_11_RADIO, "0100 0800 [+60]", PACKET_MALFORMED_LINK },
	{ "PPPoE", DLT_EN10MB, "[mac] 8864 1100 0007 002f 0021" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, ID_PPPOE_7,
	  .family = 4 },
	{ "PPPoE, IPv6, padded", DLT_EN10MB, "[mac] 8864 1100 0007 0043 0057" V6("0000", "06") "[tcp] [data] [+9]", PACKET_DECODED,
	  5, ID_PPPOE_7, .family = 6 },
	{ "PPPoE, link control", DLT_EN10MB, "[mac] 8864 1100 0007 000a c021 [+40]", PACKET_IGNORED_NOT_IP },
	{ "PPPoE, discovery", DLT_EN10MB, "[mac] 8863 1109 0000 0004 [+40]", PACKET_IGNORED_NOT_IP },
	{ "PPPoE, code is no session's", DLT_EN10MB, "[mac] 8864 1101 0007 002f 0021" V4("002d") "[tcp] [data]",
	  PACKET_IGNORED_NOT_IP },
	{ "MPLS", DLT_EN10MB, "[mac] 8847 00010140" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "MPLS, three labels, IPv6", DLT_EN10MB, "[mac] 8848 00010040 00020040 00030140" V6("0019", "06") "[tcp] [data]",
	  PACKET_DECODED, 5, .family = 6 },
	{ "MPLS, neither IP nor a frame", DLT_EN10MB, "[mac] 8847 00010140 5f [+60]", PACKET_IGNORED_NOT_IP },
	{ "MPLS, labels without end", DLT_EN10MB, "[mac] 8847 00010040 00010040 00010040", PACKET_MALFORMED_LINK },
	{ "MPLS pseudowire with control word", DLT_EN10MB,
	  "[mac] 8847 00010140 0000 0001 [mac] 8100 0005 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, 5, .family = 4 },
	{ "MPLS pseudowire without", DLT_EN10MB, "[mac] 8847 00010140 [mac] 86dd" V6("0019", "06") "[tcp] [data]",
	  PACKET_DECODED, 5, .family = 6 },
	{ "MPLS pseudowire without, address begins 00 00", DLT_EN10MB,
	  "[mac] 8847 00010140 0000 0000 0002 020000000001 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "MPLS pseudowire, ARP", DLT_EN10MB, "[mac] 8847 00010140 0000 0001 [mac] 0806 [+28]", PACKET_IGNORED_NOT_IP },
	{ "VN-Tag", DLT_EN10MB, "[mac] 8926 0001 0002 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "VN-Tag, the other direction", DLT_EN10MB, "[mac] 8926 8002 0001 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5,
	  .family = 4 },
	{ "VN-Tag and 802.1Q", DLT_EN10MB, "[mac] 8926 0001 0002 8100 0064 86dd" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5,
	  100, .family = 6 },
	{ "802.1Q and VN-Tag", DLT_EN10MB, "[mac] 8100 0064 8926 0001 0002 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, 100,
	  .family = 4 },
	{ "VN-Tag, ARP", DLT_EN10MB, "[mac] 8926 0001 0002 0806 [+28]", PACKET_IGNORED_NOT_IP },
	{ "VN-Tag, short", DLT_EN10MB, "[mac] 8926 0001 00", PACKET_MALFORMED_LINK },
	{ "E-Tag", DLT_EN10MB, "[mac] 893f 0000 0005 0000 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "E-Tag, short", DLT_EN10MB, "[mac] 893f 0000 0005 0000", PACKET_MALFORMED_LINK },
	{ "Cisco's metadata", DLT_EN10MB, "[mac] 8909 0101 0001 1234 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "Cisco's metadata, 802.1Q", DLT_EN10MB, "[mac] 8100 0064 8909 0101 0001 1234 0800" V4("002d") "[tcp] [data]", PACKET_DECODED,
	  5, 100, .family = 4 },
	{ "Cisco's metadata, version 2", DLT_EN10MB, "[mac] 8909 0201 0001 1234 0800" V4("002d") "[tcp] [data]", PACKET_IGNORED_NOT_IP },
	{ "802.1ah", DLT_EN10MB, "[mac] 88e7 00001234 [mac] 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, ID_BACKBONE_1234,
	  .family = 4 },
	{ "802.1ah, flags are no id", DLT_EN10MB, "[mac] 88e7 f0001234 [mac] 86dd" V6("0019", "06") "[tcp] [data]", PACKET_DECODED, 5,
	  ID_BACKBONE_1234, .family = 6 },
	{ "LLC and SNAP", DLT_EN10MB, "[mac] 0035" SNAP "0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5, .family = 4 },
	{ "LLC and SNAP, IPv6, padded", DLT_EN10MB, "[mac] 0049" SNAP "86dd" V6("0000", "06") "[tcp] [data] [+9]", PACKET_DECODED, 5,
	  .family = 6 },
	{ "LLC and SNAP, tagged, 802.1H", DLT_EN10MB, "[mac] 8100 0007 0035 aaaa03 0000f8 0800" V4("002d") "[tcp] [data]",
	  PACKET_DECODED, 5, 7, .family = 4 },
	{ "LLC and SNAP, cut by the snaplen", DLT_EN10MB, "[mac] 03f0" SNAP "0800" V4("03e8") "[tcp] [data]", PACKET_DECODED, 5,
	  .missing = 955, .wire_len = 1022, .family = 4 },
	{ "LLC and SNAP on SLL", DLT_LINUX_SLL, "0000 0001 0006 [+8] 0004" SNAP "0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5,
	  .family = 4 },
	{ "LLC and SNAP, another organisation", DLT_EN10MB, "[mac] 0035 aaaa03 00000c 0800" V4("002d") "[tcp] [data]",
	  PACKET_IGNORED_NOT_IP },
	{ "ARP", DLT_EN10MB, "[mac] 0806 [+28]", PACKET_IGNORED_NOT_IP },
	{ "802.3 length", DLT_EN10MB, "[mac] 0026 4242 03 [+35]", PACKET_IGNORED_NOT_IP },

	/* length: padding is no payload, a cut is not the end, 0 is a super-packet */
	{ "padding", DLT_EN10MB, "[mac] 0800" V4("0028") "[tcp] [+6]", PACKET_DECODED, 0, .family = 4 },
	{ "padding, IPv6", DLT_EN10MB, "[mac] 86dd" V6("0015", "06") "[tcp] 41 [+6]", PACKET_DECODED, 1, .family = 6 },
	{ "payload cut by the snaplen", DLT_EN10MB, "[mac] 0800" V4("03e8") "[tcp] [data]", PACKET_DECODED, 5,
	  .missing = 955, .wire_len = 1014, .family = 4 },
	{ "payload cut, wire length unknown", DLT_EN10MB, "[mac] 0800" V4("03e8") "[tcp] [data]", PACKET_DECODED, 5,
	  .missing = 955, .family = 4 },
	{ "padding was cut, payload not", DLT_EN10MB, "[mac] 0800" V4("002d") "[tcp] [data]", PACKET_DECODED, 5,
	  .wire_len = 60, .family = 4 },
	{ "total length 0: GSO", DLT_EN10MB, "[mac] 0800" V4("0000") "[tcp] [+2000]", PACKET_DECODED, 2000, .family = 4 },
	{ "total length 0, cut", DLT_EN10MB, "[mac] 0800" V4("0000") "[tcp] [+2000]", PACKET_DECODED, 2000,
	  .missing = 68000, .wire_len = 70054, .family = 4 },
	{ "payload length 0: IPv6 GSO", DLT_EN10MB, "[mac] 86dd" V6("0000", "06") "[tcp] [+3000]", PACKET_DECODED, 3000,
	  .family = 6 },
	{ "payload length 0, jumbo option: BIG TCP", DLT_EN10MB,
	  "[mac] 86dd" V6("0000", "00") "06 00 c2 04 000107d0 [tcp] [+3000]", PACKET_DECODED, 3000, .family = 6 },

	/* IPv4 */
	{ "options", DLT_RAW, "4700 0035 0000 0000 40 06 0000 [a4] 01010101 01010100 [tcp] [data]", PACKET_DECODED, 5,
	  .family = 4 },
	{ "header length 4 words", DLT_RAW, "4400 002d 0000 0000 40 06 0000 [a4] [tcp] [data]", PACKET_MALFORMED_IP },
	{ "total length inside the header", DLT_RAW, V4("0013") "[tcp]", PACKET_MALFORMED_IP },
	{ "options beyond the total length", DLT_RAW, "4f00 0030 0000 0000 40 06 0000 [a4] [+60]", PACKET_MALFORMED_IP },
	{ "TCP beyond the total length", DLT_RAW, V4("0027") "[tcp]", PACKET_MALFORMED_TCP },
	{ "don't-fragment is no fragment", DLT_RAW, "4500 002d 0000 4000 40 06 0000 [a4] [tcp] [data]", PACKET_DECODED, 5,
	  .family = 4 },
	{ "first fragment", DLT_RAW, "4500 002c 0000 2000 40 06 0000 [a4] [tcp] [+4]", PACKET_IGNORED_FRAGMENT },
	{ "last fragment", DLT_RAW, "4500 002d 0000 0001 40 06 0000 [a4] [tcp] [data]", PACKET_IGNORED_FRAGMENT },
	{ "fragment of UDP may be a tunnel's", DLT_RAW, "4500 002c 0000 2000 40 11 0000 [a4] [tcp] [+4]", PACKET_IGNORED_FRAGMENT },
	{ "fragment of ICMP", DLT_RAW, "4500 002c 0000 2000 40 01 0000 [a4] [tcp] [+4]", PACKET_IGNORED_NOT_TCP },
	{ "fragment of 25 bytes with more to follow", DLT_RAW, "4500 002d 0000 2000 40 06 0000 [a4] [tcp] [data]",
	  PACKET_MALFORMED_IP },
	{ "fragment of no bytes", DLT_RAW, "4500 0014 0000 2000 40 06 0000 [a4]", PACKET_MALFORMED_IP },
	{ "fragment of total length 0", DLT_RAW, "4500 0000 0000 2000 40 06 0000 [a4] [tcp] [+4]", PACKET_MALFORMED_IP },
	{ "fragment beyond 65535 bytes", DLT_RAW, "4500 002c 0000 1fff 40 06 0000 [a4] [tcp] [+4]", PACKET_MALFORMED_IP },
	{ "fragment cut by the snaplen", DLT_RAW, "4500 002c 0000 2000 40 06 0000 [a4] [tcp]", PACKET_MALFORMED_TRUNCATED,
	  .wire_len = 44 },
	{ "fragment cut before it was captured", DLT_RAW, "4500 002c 0000 2000 40 06 0000 [a4] [tcp]",
	  PACKET_MALFORMED_TRUNCATED },
	{ "UDP", DLT_RAW, "4500 002d 0000 0000 40 11 0000 [a4] [tcp] [data]", PACKET_IGNORED_NOT_TCP },
	{ "AH", DLT_RAW, "4500 0045 0000 0000 40 33 0000 [a4] 06 04 [+22] [tcp] [data]", PACKET_DECODED, 5, .family = 4 },

	/* IPv6 extension headers */
	{ "hop-by-hop", DLT_RAW, V6("0021", "00") "06 00 [+6] [tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "routing, 24 bytes", DLT_RAW, V6("0031", "2b") "06 02 [+22] [tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "hop-by-hop, destination, mobility, AH", DLT_RAW,
	  V6("0041", "00") "3c 00 [+6] 87 00 [+6] 33 00 [+6] 06 02 [+14] [tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "atomic fragment", DLT_RAW, V6("0021", "2c") "06 00 0000 00000001 [tcp] [data]", PACKET_DECODED, 5, .family = 6 },
	{ "first fragment, IPv6", DLT_RAW, V6("0020", "2c") "06 00 0001 00000001 [tcp] [+4]", PACKET_IGNORED_FRAGMENT },
	{ "last fragment, IPv6", DLT_RAW, V6("0021", "2c") "06 00 0008 00000001 [tcp] [data]", PACKET_IGNORED_FRAGMENT },
	{ "fragment of ICMPv6", DLT_RAW, V6("0020", "2c") "3a 00 0001 00000001 [tcp] [+4]", PACKET_IGNORED_NOT_TCP },
	{ "fragment of payload length 0", DLT_RAW, V6("0000", "2c") "06 00 0001 00000001 [tcp] [+4]", PACKET_MALFORMED_IP },
	{ "no next header", DLT_RAW, V6("0008", "00") "3b 00 [+6]", PACKET_IGNORED_NOT_TCP },
	{ "ESP", DLT_RAW, V6("0020", "32") "[+32]", PACKET_IGNORED_NOT_TCP },
	{ "extension beyond the payload length", DLT_RAW, V6("0010", "3c") "06 02 [+22] [tcp]", PACKET_MALFORMED_IP },

	/* TCP */
	{ "options", DLT_RAW, V4("0039") "03e8 1f90 00000001 00000002 80 18 0100 0000 0000 0101080a [+8] [data]",
	  PACKET_DECODED, 5, .family = 4 },
	{ "data offset 4 words", DLT_RAW, V4("002d") "03e8 1f90 00000001 00000002 40 18 0100 0000 0000 [data]",
	  PACKET_MALFORMED_TCP },
	{ "data offset beyond the packet", DLT_RAW, V4("002d") "03e8 1f90 00000001 00000002 70 18 0100 0000 0000 [data]",
	  PACKET_MALFORMED_TCP },
	{ "another port", DLT_RAW, V4("002d") "[tcp81] [data]", PACKET_IGNORED_PORT },
	{ "another port is not looked at further", DLT_RAW, V4("0028") "03e8 0051 [+8] 10 [+7]", PACKET_IGNORED_PORT },

	/* cut in a header: by the snaplen, or short in itself */
	{ "ethernet cut", DLT_EN10MB, "[mac]", PACKET_MALFORMED_TRUNCATED, .wire_len = 60 },
	{ "ethernet short", DLT_EN10MB, "[mac]", PACKET_MALFORMED_LINK },
	{ "tag cut", DLT_EN10MB, "[mac] 8100 0001", PACKET_MALFORMED_TRUNCATED, .wire_len = 60 },
	{ "tag short", DLT_EN10MB, "[mac] 8100 0001", PACKET_MALFORMED_LINK },
	{ "IP cut", DLT_EN10MB, "[mac] 0800 4500 002d", PACKET_MALFORMED_TRUNCATED, .wire_len = 60 },
	{ "IP short", DLT_EN10MB, "[mac] 0800 4500 002d", PACKET_MALFORMED_IP },
	{ "IP cut, but the wire had not enough either", DLT_EN10MB, "[mac] 0800 4500 002d", PACKET_MALFORMED_IP,
	  .wire_len = 20 },
	{ "TCP cut", DLT_RAW, V4("002d") "03e8 1f90", PACKET_MALFORMED_TRUNCATED, .wire_len = 45 },
	{ "TCP short", DLT_RAW, V4("002d") "03e8 1f90", PACKET_MALFORMED_TCP },
	{ "TCP options cut", DLT_RAW, V4("0039") "03e8 1f90 00000001 00000002 80 18 0100 0000 0000 0101",
	  PACKET_MALFORMED_TRUNCATED, .wire_len = 57 },
	{ "nothing", DLT_EN10MB, "", PACKET_MALFORMED_LINK },
	{ "nothing, RAW", DLT_RAW, "", PACKET_MALFORMED_IP },
	{ "nothing captured", DLT_RAW, "", PACKET_MALFORMED_TRUNCATED, .wire_len = 60 },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct port_set port_8080 = { { 8080 }, 1 };

static struct packet guarded_packet(struct guarded *g, const struct row *row, const struct frame *f, size_t len,
				    uint32_t wire_len)
{
	return (struct packet){ .bytes = guarded_copy(g, f->bytes, len), .wire_len = wire_len, .linktype = row->linktype,
				.ts = { 42 } };
}

static const uint8_t address4[2][16] = { { [12] = 10, [15] = 1 }, { [12] = 10, [15] = 2 } };
static const uint8_t address6[2][16] = { { 0x20, 1, 0x0d, 0xb8, [15] = 1 }, { 0x20, 1, 0x0d, 0xb8, [15] = 2 } };

static void check_segment(const struct row *row, const struct packet *packet, const struct segment *s)
{
	const uint8_t(*address)[16] = row->family == 4 ? address4 : address6;

	assert_int_equal(s->payload.len, row->payload);
	assert_true(s->payload.len == 0 || s->payload.at >= packet->bytes.at);
	assert_int_equal(s->missing_bytes, row->missing);
	assert_int_equal(s->domain, row->domain);
	assert_int_equal(s->src.family, row->family);
	assert_int_equal(s->dst.family, row->family);
	assert_memory_equal(s->src.addr, address[0], 16);
	assert_memory_equal(s->dst.addr, address[1], 16);
	assert_int_equal(s->src.zero | s->dst.zero, 0);
	assert_int_equal(s->src.port, 1000);
	assert_int_equal(s->dst.port, 8080);
	assert_int_equal(s->seq, 1);
	assert_int_equal(s->ack, 2);
	assert_int_equal(s->flags, TCP_PSH | TCP_ACK);
	assert_int_equal(s->ts.ns, 42);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *row = &rows[i];
		struct frame f = frame_of(row->frame);
		uint32_t wire_len = row->wire_len ? row->wire_len : (uint32_t)f.len;
		struct packet packet = guarded_packet(*state, row, &f, f.len, wire_len);
		struct segment s;
		enum packet_result result;

		memset(&s, 0xaa, sizeof(s));
		result = decode(&packet, &port_8080, &s);
		if (result != row->result)
			fail_msg("%s: fate %d instead of %d", row->name, (int)result, (int)row->result);
		if (result == PACKET_DECODED)
			check_segment(row, &packet, &s);
	}
}

/* A decoded frame that is cut is either decoded with the missing bytes counted, or truncated, or malformed. */
static void test_every_cut(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *row = &rows[i];
		struct frame f = frame_of(row->frame);
		size_t whole = row->payload + row->missing;

		if (row->result != PACKET_DECODED || row->wire_len)
			continue;
		for (size_t len = 0; len < f.len; len++) {
			struct packet snapped = guarded_packet(*state, row, &f, len, (uint32_t)f.len);
			struct segment s;
			enum packet_result result = decode(&snapped, &port_8080, &s);

			if (result == PACKET_DECODED)
				assert_int_equal(s.payload.len + s.missing_bytes, whole);
			else
				assert_int_equal(result, PACKET_MALFORMED_TRUNCATED);
			snapped.wire_len = (uint32_t)len;
			result = decode(&snapped, &port_8080, &s);
			assert_int_not_equal(result, PACKET_MALFORMED_TRUNCATED);
		}
	}
}

/* Any byte of any frame set to any of some values: the payload stays inside the packet. */
static void test_every_byte_changed(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x2c, 0x3c, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xff };
	static const struct port_set all = { .count = 0 };

	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct frame f = frame_of(rows[i].frame);
		size_t headers = f.len < 160 ? f.len : 160;

		for (size_t at = 0; at < headers * sizeof(values); at++) {
			uint8_t *byte = &f.bytes[at / sizeof(values)], before = *byte;
			struct packet packet;
			struct segment s;

			*byte = values[at % sizeof(values)];
			packet = guarded_packet(*state, &rows[i], &f, f.len, (uint32_t)f.len);
			if (decode(&packet, &all, &s) == PACKET_DECODED) {
				assert_true(s.payload.at >= packet.bytes.at);
				assert_true(s.payload.at + s.payload.len <= ((struct guarded *)*state)->end);
			}
			*byte = before;
		}
	}
}

static void test_flags_are_the_known_six(void **state)
{
	struct frame f = frame_of(V4("0028") "03e8 1f90 00000001 00000002 50 ff 0100 0000 0102");
	struct packet packet = { span_of(f.bytes, f.len), (uint32_t)f.len, DLT_RAW, { 0 } };
	struct segment s;

	assert_int_equal(decode(&packet, &port_8080, &s), PACKET_DECODED);
	assert_int_equal(s.flags, 0x3f);
	assert_int_equal(s.urgent, 0x0102);
}

static void test_ports_match_either_side(void **state)
{
	struct frame f = frame_of(V4("002d") "[tcp] [data]");
	struct packet packet = { span_of(f.bytes, f.len), (uint32_t)f.len, DLT_RAW, { 0 } };
	static const struct port_set sets[] = { { { 0 }, 0 }, { { 1000 }, 1 }, { { 8080 }, 1 }, { { 7, 8080 }, 2 } };
	static const struct port_set other = { { 80, 81 }, 2 };
	struct segment s;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		assert_int_equal(decode(&packet, &sets[i], &s), PACKET_DECODED);
	assert_int_equal(decode(&packet, &other, &s), PACKET_IGNORED_PORT);
}

static void test_known_linktypes(void **state)
{
	static const int known[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_LOOP, DLT_RAW, 101,
				     DLT_IPV4, DLT_IPV6, DLT_C_HDLC, DLT_IEEE802_11, DLT_IEEE802_11_RADIO };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(decode_knows_linktype(known[i]));
	assert_false(decode_knows_linktype(DLT_USB_LINUX));
	assert_false(decode_knows_linktype(-1));
}

/* Both directions come to one lane, and many connections to all of them, each its part. */
static void test_dispatch(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		for (size_t lanes = 1; lanes <= 64; lanes = lanes * 2 + 1) {
			size_t dealt[64] = { 0 };

			for (uint32_t n = 0; n < 64000; n++) {
				struct segment there = { .src = { .port = (uint16_t)(1024 + n), .family = (uint8_t)family },
							 .dst = { .port = 8000, .family = (uint8_t)family } };
				struct segment back;
				size_t lane;

				there.src.addr[15] = (uint8_t)(n >> 13);
				there.dst.addr[12] = 10;
				if (family == 6)
					there.src.addr[0] = 0xfe;
				back = (struct segment){ .src = there.dst, .dst = there.src };
				lane = dispatch_lane(PACKET_DECODED, &there, lanes);
				assert_true(lane < lanes);
				assert_int_equal(dispatch_lane(PACKET_DECODED, &back, lanes), lane);
				assert_int_equal(dispatch_lane(PACKET_IGNORED_PORT, &there, lanes), 0);
				dealt[lane]++;
			}
			for (size_t i = 0; i < lanes; i++) {
				assert_true(dealt[i] > 64000 / lanes * 8 / 10);
				assert_true(dealt[i] < 64000 / lanes * 12 / 10 + 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_flags_are_the_known_six),
		cmocka_unit_test(test_ports_match_either_side),
		cmocka_unit_test(test_known_linktypes),
		cmocka_unit_test(test_dispatch),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
