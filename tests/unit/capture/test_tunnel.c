/*
 * test_tunnel.c - every kind of tunnel, nested, cut and damaged, as a table
 *
 * Each row is a frame and either what becomes of it or which domains lead to
 * the segment in it. All rows are then cut at every length and damaged at every
 * byte, right before an unreadable page.
 */
#include "tests/rig/unit.h"

#include <pcap/dlt.h>

#include "capture/decode.h"
#include "capture/domain.h"
#include "tests/rig/frames.h"
#include "tests/rig/guard_page.h"

/* Outer headers with other addresses; length 0 is "as long as the frame". */
#define OUT4(proto) "[mac] 0800 4500 0000 0000 0000 40" proto "0000 c0000201 c0000202 "
#define OUT4_LEN(len, proto) "[mac] 0800 4500" len "0000 0000 40" proto "0000 c0000201 c0000202 "
#define OUT6(next) "[mac] 86dd 60000000 0000" next "40 20010db80000000000000000000000aa 20010db80000000000000000000000bb "
#define UDP(port) "c350" port "0000 0000 "
#define VXLAN(vni) UDP("12b5") "08000000" vni "00 "
#define GENEVE(type, vni) UDP("17c1") "0000" type vni "00 "
#define IN4 "4500 002d 0000 0000 40 06 0000 [a4] [tcp] [data]"
#define IN6 "60000000 0019 06 40 [a6] [tcp] [data]"
#define FRAME4 "[mac] 0800" IN4
#define FRAME6 "[mac] 86dd" IN6

#define STEPS_MAX 4

struct row {
	const char *name, *frame;
	enum packet_result result;
	struct {
		enum domain_kind kind;
		uint32_t id;
	} path[STEPS_MAX]; /* from the outside in; a VLAN that stands first is its plain number */
};

static const struct row rows[] = {
	/* VXLAN */
	{ "VXLAN", OUT4("11") VXLAN("000064") FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, IPv6 inside", OUT4("11") VXLAN("ffffff") FRAME6, PACKET_DECODED, { { DOMAIN_VXLAN, 0xffffff } } },
	{ "VXLAN over IPv6", OUT6("11") VXLAN("000064") FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, domain 0 is a domain", OUT4("11") VXLAN("000000") FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 0 } } },
	{ "VXLAN on Linux's port", OUT4("11") UDP("2118") "08000000 00006400" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN on the port of --vxlan-port", OUT4("11") UDP("1388") "08000000 00006400" FRAME4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN from its port, not to it", OUT4("11") "12b5 c350 0000 0000 08000000 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "VXLAN on another port", OUT4("11") UDP("1389") "08000000 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "VXLAN in a VLAN, a VLAN in it",
	  "[mac] 8100 0005 0800 4500 0000 0000 0000 40 11 0000 c0000201 c0000202" VXLAN("000064") "[mac] 8100 0007 0800" IN4,
	  PACKET_DECODED, { { DOMAIN_VLAN, 5 }, { DOMAIN_VXLAN, 100 }, { DOMAIN_VLAN, 7 } } },
	{ "VXLAN with group policy", OUT4("11") UDP("12b5") "8808002a 00006400" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "a group without its flag", OUT4("11") UDP("12b5") "0800002a 00006400" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN without a domain", OUT4("11") UDP("12b5") "00000000 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "VXLAN, all bits but the domain's", OUT4("11") UDP("12b5") "f7ffffff 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "VXLAN, every reserved bit", OUT4("11") UDP("12b5") "ffffffff 000064ff" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, a reserved flag", OUT4("11") UDP("12b5") "18000000 00006400" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, reserved byte", OUT4("11") UDP("12b5") "08000000 00006401" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, the extension's bits before a frame", OUT4("11") UDP("12b5") "0c000001 00006400" FRAME4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, the extension's bits before IPv4", OUT4("11") UDP("12b5") "0c000001 00006400" IN4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, the extension's bits before IPv6", OUT4("11") UDP("2118") "0c000002 00006400" IN6, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 100 } } },
	{ "VXLAN, IP without the extension's bits is no frame", OUT4("11") UDP("12b5") "08000001 00006400" IN4, PACKET_IGNORED_NOT_IP },

	/* VXLAN's generic protocol extension */
	{ "GPE, Ethernet", OUT4("11") UDP("12b6") "0c000003 00006400" FRAME4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "GPE, IPv4", OUT4("11") UDP("12b6") "0c000001 00006400" IN4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "GPE, IPv6", OUT6("11") UDP("12b6") "0c000002 00006400" IN6, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "GPE, MPLS", OUT4("11") UDP("12b6") "0c000005 00006400 00010140" IN4, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "GPE, no protocol named", OUT4("11") UDP("12b6") "08000000 00006400" FRAME6, PACKET_DECODED, { { DOMAIN_VXLAN, 100 } } },
	{ "GPE, NSH", OUT4("11") UDP("12b6") "0c000004 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "GPE, no such protocol", OUT4("11") UDP("12b6") "0c0000ff 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "GPE, control packet", OUT4("11") UDP("12b6") "0d000003 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "GPE, version 1", OUT4("11") UDP("12b6") "1c000003 00006400" FRAME4, PACKET_IGNORED_NOT_TCP },

	/* GTP-U: no endpoint in the identity, each direction has its own */
	{ "GTP", OUT4("11") UDP("0868") "30ff 002d 00000001" IN4, PACKET_DECODED },
	{ "GTP, IPv6 inside", OUT4("11") UDP("0868") "30ff 0041 00000001" IN6, PACKET_DECODED },
	{ "GTP with a sequence number", OUT4("11") UDP("0868") "32ff 0031 00000001 0001 00 00" IN4, PACKET_DECODED },
	{ "GTP, the next extension of a sequence number means nothing", OUT4("11") UDP("0868") "32ff 0031 00000001 0001 00 85" IN4,
	  PACKET_DECODED },
	{ "GTP with two extensions", OUT4("11") UDP("0868") "34ff 0045 00000001 0000 00 85 01 1000 c0 02 [+6] 00" IN4, PACKET_DECODED },
	{ "GTP, an extension without length", OUT4("11") UDP("0868") "34ff 0035 00000001 0000 00 85 00 1000 00" IN4,
	  PACKET_IGNORED_NOT_TCP },
	{ "GTP, an extension beyond the packet", OUT4("11") UDP("0868") "34ff 0035 00000001 0000 00 85 ff 1000 00" IN4,
	  PACKET_IGNORED_NOT_TCP },
	{ "GTP, echo", OUT4("11") UDP("0868") "3201 0004 00000000 00010000", PACKET_IGNORED_NOT_TCP },
	{ "GTP, version 2", OUT4("11") UDP("0868") "48ff 002d 00000001" IN4, PACKET_IGNORED_NOT_TCP },
	{ "GTP'", OUT4("11") UDP("0868") "20ff 002d 00000001" IN4, PACKET_IGNORED_NOT_TCP },
	{ "GTP, a frame inside", OUT4("11") UDP("0868") "30ff 003b 00000001" FRAME4, PACKET_IGNORED_NOT_IP },

	/* TZSP */
	{ "TZSP", OUT4("11") UDP("9090") "01 00 0001 01" FRAME4, PACKET_DECODED },
	{ "TZSP to be sent, with fields", OUT4("11") UDP("9090") "01 01 0001 00 0a 01 c0 28 04 00000001 00 01" FRAME6, PACKET_DECODED },
	{ "TZSP, tagged", OUT4("11") UDP("9090") "01 00 0001 01 [mac] 8100 0009 0800" IN4, PACKET_DECODED, { { DOMAIN_VLAN, 9 } } },
	{ "TZSP, 802.11", OUT4("11") UDP("9090") "01 00 0012 01" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "TZSP, keep-alive", OUT4("11") UDP("9090") "01 04 0001 01", PACKET_IGNORED_NOT_TCP },
	{ "TZSP, version 2", OUT4("11") UDP("9090") "02 00 0001 01" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "TZSP, fields without end", OUT4("11") UDP("9090") "01 00 0001 [+40]", PACKET_IGNORED_NOT_TCP },
	{ "TZSP, a field beyond the packet", OUT4("11") UDP("9090") "01 00 0001 0a ff [+10]", PACKET_IGNORED_NOT_TCP },
	{ "a name lookup from 4789", OUT4("11") "12b5 0035 0000 0000 [+30]", PACKET_IGNORED_NOT_TCP },
	{ "ARP in VXLAN", OUT4("11") VXLAN("000064") "[mac] 0806 [+28]", PACKET_IGNORED_NOT_IP },
	{ "UDP in VXLAN", OUT4("11") VXLAN("000064") "[mac] 0800 4500 0024 0000 0000 40 11 0000 [a4] 0035 0035 0000 0000 [+8]",
	  PACKET_IGNORED_NOT_TCP },
	{ "another port in VXLAN", OUT4("11") VXLAN("000064") "[mac] 0800 4500 002d 0000 0000 40 06 0000 [a4] [tcp81] [data]",
	  PACKET_IGNORED_PORT },
	{ "damaged IP in VXLAN", OUT4("11") VXLAN("000064") "[mac] 0800 4400 002d 0000 0000 40 06 0000 [a4] [tcp] [data]",
	  PACKET_MALFORMED_IP },
	{ "padding inside and outside", OUT4_LEN("0065", "11") VXLAN("000064") FRAME4 "[+6] [+9]", PACKET_DECODED,
	  { { DOMAIN_VXLAN, 100 } } },

	/* Geneve */
	{ "Geneve", OUT4("11") GENEVE("6558", "000064") FRAME4, PACKET_DECODED, { { DOMAIN_GENEVE, 100 } } },
	{ "Geneve over IPv6, IPv4 without Ethernet", OUT6("11") GENEVE("0800", "000001") IN4, PACKET_DECODED, { { DOMAIN_GENEVE, 1 } } },
	{ "Geneve with options, a critical one", OUT4("11") UDP("17c1") "0340 6558 000064 00 0101 80 02 [+8]" FRAME6, PACKET_DECODED,
	  { { DOMAIN_GENEVE, 100 } } },
	{ "Geneve, every reserved bit", OUT4("11") UDP("17c1") "007f 6558 000064 ff" FRAME4, PACKET_DECODED, { { DOMAIN_GENEVE, 100 } } },
	{ "Geneve, control packet", OUT4("11") UDP("17c1") "0080 6558 000064 00" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "Geneve, version 1", OUT4("11") UDP("17c1") "4000 6558 000064 00" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "Geneve, another protocol", OUT4("11") GENEVE("1234", "000064") FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "Geneve, options beyond the packet", OUT4("11") UDP("17c1") "3f00 6558 000064 00" FRAME4, PACKET_IGNORED_NOT_TCP },

	/* GRE */
	{ "GRE", OUT4("2f") "0000 0800" IN4, PACKET_DECODED },
	{ "GRE over IPv6, IPv6 inside", OUT6("2f") "0000 86dd" IN6, PACKET_DECODED },
	{ "GRE with a key", OUT4("2f") "2000 0800 0000002a" IN4, PACKET_DECODED, { { DOMAIN_GRE, 42 } } },
	{ "GRE with checksum, key, sequence", OUT4("2f") "b000 0800 12340000 0000002a 00000001" IN4, PACKET_DECODED,
	  { { DOMAIN_GRE, 42 } } },
	{ "GRE with sequence only", OUT4("2f") "1000 0800 00000009" IN4, PACKET_DECODED },
	{ "GRE with a source route", OUT4("2f") "4000 0800 00000000 0800 00 08 01020304 05060708 0000 00 00" IN4, PACKET_DECODED },
	{ "GRE with a source route that has no end", OUT4("2f") "4000 0800 00000000 0800 00 08 01020304 05060708", PACKET_IGNORED_NOT_TCP },
	{ "Ethernet over GRE, tagged", OUT4("2f") "0000 6558 [mac] 8100 0009 0800" IN4, PACKET_DECODED, { { DOMAIN_VLAN, 9 } } },
	{ "Ethernet over GRE with a small key", OUT4("2f") "2000 6558 00000102" FRAME4, PACKET_DECODED, { { DOMAIN_GRE, 0x102 } } },
	{ "NVGRE: the flow's byte is not the domain's", OUT4("2f") "2000 6558 0010017b" FRAME4, PACKET_DECODED,
	  { { DOMAIN_GRE, 0x1001 } } },
	{ "MPLS over GRE", OUT4("2f") "0000 8847 00010140" IN4, PACKET_DECODED },
	{ "GRE keep-alive", OUT4("2f") "0000 0000", PACKET_IGNORED_NOT_IP },
	{ "PPTP", OUT4("2f") "3001 880b 0004 0001 00000001 [+4]", PACKET_IGNORED_NOT_TCP },
	{ "GRE shorter than its flags say", OUT4("2f") "b000 0800 12340000", PACKET_IGNORED_NOT_TCP },

	/* ERSPAN: no session in the identity, it may have one direction only */
	{ "ERSPAN I", OUT4("2f") "0000 88be" FRAME4, PACKET_DECODED },
	{ "ERSPAN II", OUT4("2f") "1000 88be 00000001 1005 0003 00000000" FRAME4, PACKET_DECODED },
	{ "ERSPAN II, tagged frame", OUT4("2f") "1000 88be 00000001 1005 1803 00000000 [mac] 8100 0005 0800" IN4, PACKET_DECODED,
	  { { DOMAIN_VLAN, 5 } } },
	{ "ERSPAN II, wrong version", OUT4("2f") "1000 88be 00000001 2005 0003 00000000" FRAME4, PACKET_IGNORED_NOT_TCP },
	{ "ERSPAN III", OUT4("2f") "1000 22eb 00000001 2005 0003 01020304 0000 0000" FRAME4, PACKET_DECODED },
	{ "ERSPAN III with a platform's header", OUT4("2f") "1000 22eb 00000001 2005 0003 01020304 0000 0001 [+8]" FRAME6,
	  PACKET_DECODED },
	{ "ERSPAN III, IP without Ethernet", OUT4("2f") "1000 22eb 00000001 2005 0003 01020304 0000 0800" IN6, PACKET_DECODED },
	{ "ERSPAN III, another kind of frame", OUT4("2f") "1000 22eb 00000001 2005 0003 01020304 0000 0400" FRAME4,
	  PACKET_IGNORED_NOT_IP },
	{ "ERSPAN III, wrong version", OUT4("2f") "1000 22eb 00000001 1005 0003 01020304 0000 0000" FRAME4, PACKET_IGNORED_NOT_TCP },

	/* IP in IP, MPLS in IP */
	{ "4in4", OUT4("04") IN4, PACKET_DECODED },
	{ "6in4", OUT4("29") IN6, PACKET_DECODED },
	{ "4in6", OUT6("04") IN4, PACKET_DECODED },
	{ "6in6", OUT6("29") IN6, PACKET_DECODED },
	{ "4in6 behind destination options", OUT6("3c") "0400 0401 0400 0000" IN4, PACKET_DECODED },
	{ "4in4 with IPv6 in it", OUT4("04") IN6, PACKET_MALFORMED_IP },
	{ "MPLS in IP", OUT4("89") "00010140" IN4, PACKET_DECODED },

	/* in each other */
	{ "VXLAN in VXLAN", OUT4("11") VXLAN("000001") OUT4("11") VXLAN("000002") FRAME4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 1 }, { DOMAIN_VXLAN, 2 } } },
	{ "VXLAN in ERSPAN II", OUT4("2f") "1000 88be 00000001 1005 0003 00000000" OUT4("11") VXLAN("000002") FRAME4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 2 } } },
	{ "GRE in Geneve in 6in4", OUT4("29") "60000000 0000 11 40 [a6]" GENEVE("0800", "000003")
	  "4500 0000 0000 0000 40 2f 0000 c0000201 c0000202 2000 6558 00000004" FRAME6, PACKET_DECODED,
	  { { DOMAIN_GENEVE, 3 }, { DOMAIN_GRE, 4 } } },
	{ "PPPoE in VXLAN", OUT4("11") VXLAN("000001") "[mac] 8864 1100 0002 002f 0021" IN4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 1 }, { DOMAIN_PPPOE, 2 } } },
	{ "VN-Tag in VXLAN", OUT4("11") VXLAN("000001") "[mac] 8926 0001 0002 8100 0005 0800" IN4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 1 }, { DOMAIN_VLAN, 5 } } },
	{ "VXLAN behind an E-Tag", "[mac] 893f 0000 0005 0000 0800 4500 0000 0000 0000 40 11 0000 c0000201 c0000202" VXLAN("000001") FRAME4,
	  PACKET_DECODED, { { DOMAIN_VXLAN, 1 } } },
	{ "802.1ah in ERSPAN II", OUT4("2f") "1000 88be 00000001 1005 0003 00000000 [mac] 88e7 00001234" FRAME4, PACKET_DECODED,
	  { { DOMAIN_BACKBONE, 0x1234 } } },
	{ "MPLS pseudowire with VXLAN in it", "[mac] 8847 00010140 00000001" OUT4("11") VXLAN("000001") FRAME4, PACKET_DECODED,
	  { { DOMAIN_VXLAN, 1 } } },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct port_set ports = { { 8080 }, 1 }, vxlan_ports = { { 5000 }, 1 };
static const size_t payload_len = 5;

static uint32_t domain_of(const struct row *row)
{
	uint32_t domain = 0;

	for (size_t i = 0; i < STEPS_MAX && row->path[i].kind; i++) {
		if (i == 0 && row->path[i].kind == DOMAIN_VLAN)
			domain = row->path[i].id;
		else
			domain = domain_enter(domain, row->path[i].kind, row->path[i].id);
	}
	return domain;
}

static struct packet ethernet(struct span bytes, size_t wire_len)
{
	return (struct packet){ .bytes = bytes, .wire_len = (uint32_t)wire_len, .linktype = DLT_EN10MB, .ts = { 42 } };
}

static void test_rows(void **state)
{
	struct decoder *d = decoder_new(&ports, &vxlan_ports);

	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *row = &rows[i];
		struct frame f = frame_of(row->frame);
		struct packet packet = ethernet(guarded_copy(*state, f.bytes, f.len), f.len);
		struct segment s;
		enum packet_result result;

		memset(&s, 0xaa, sizeof(s));
		result = decoder_packet(d, &packet, &s);
		if (result != row->result)
			fail_msg("%s: fate %d instead of %d", row->name, (int)result, (int)row->result);
		if (result != PACKET_DECODED)
			continue;
		if (s.domain != domain_of(row))
			fail_msg("%s: domain %08x instead of %08x", row->name, s.domain, domain_of(row));
		assert_int_equal(s.payload.len, payload_len);
		assert_memory_equal(s.payload.at, "hello", payload_len);
		assert_int_equal(s.missing_bytes, 0);
		assert_int_equal(s.src.port, 1000);
		assert_int_equal(s.src.addr[0], s.src.family == 4 ? 0 : 0x20);
		assert_int_equal(s.src.addr[15], 1); /* of the inner packet */
		assert_int_equal(s.dst.addr[15], 2);
		assert_int_equal(s.ts.ns, 42);
	}
	decoder_free(d);
}

/* Cut by the snaplen: the segment with the rest missing, or truncated. Cut for good: never more than is there. */
static void test_every_cut(void **state)
{
	struct decoder *d = decoder_new(&ports, &vxlan_ports);

	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct frame f = frame_of(rows[i].frame);

		for (size_t len = 0; rows[i].result == PACKET_DECODED && len < f.len; len++) {
			struct packet snapped = ethernet(guarded_copy(*state, f.bytes, len), f.len);
			struct segment s;
			enum packet_result result = decoder_packet(d, &snapped, &s);

			if (result == PACKET_DECODED)
				assert_int_equal(s.payload.len + s.missing_bytes, payload_len);
			else if (result != PACKET_MALFORMED_TRUNCATED)
				fail_msg("%s: cut at %zu of %zu: fate %d", rows[i].name, len, f.len, (int)result);
			snapped.wire_len = (uint32_t)len;
			result = decoder_packet(d, &snapped, &s);
			assert_int_not_equal(result, PACKET_MALFORMED_TRUNCATED);
			if (result == PACKET_DECODED)
				assert_int_equal(s.payload.len + s.missing_bytes, payload_len);
		}
	}
	decoder_free(d);
}

static void test_every_byte_changed(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x04, 0x08, 0x11, 0x2c, 0x2f, 0x45, 0x60, 0x65, 0x7f, 0x80, 0x88, 0xff };
	struct guarded *g = *state;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct frame f = frame_of(rows[i].frame);

		for (size_t at = 0; at < f.len * sizeof(values); at++) {
			uint8_t *byte = &f.bytes[at / sizeof(values)], before = *byte;
			struct decoder *d = decoder_new(&ports, &vxlan_ports);
			struct packet packet;
			struct segment s;

			*byte = values[at % sizeof(values)];
			packet = ethernet(guarded_copy(g, f.bytes, f.len), f.len);
			if (decoder_packet(d, &packet, &s) == PACKET_DECODED) {
				assert_true(s.payload.at >= packet.bytes.at);
				assert_true(s.payload.at + s.payload.len <= g->end);
			}
			*byte = before;
			decoder_free(d);
		}
	}
}

/* What could not be read is named by the outermost thing that hides it. */
static void test_unread(void **state)
{
	static const struct {
		const char *frame;
		uint32_t what;
	} cases[] = {
		{ "[mac] 88e5 [+40]", UNREAD(UNREAD_ETHERTYPE, 0x88e5) },
		{ "[mac] 8100 0005 88cc [+40]", UNREAD(UNREAD_ETHERTYPE, 0x88cc) },
		{ "[mac] 8926 0001 0002 894f [+40]", UNREAD(UNREAD_ETHERTYPE, 0x894f) },
		{ "[mac] 0026 4242 03 [+35]", UNREAD(UNREAD_ETHERTYPE, 0x0026) },
		{ OUT4("01") "[+20]", UNREAD(UNREAD_IP_PROTOCOL, 1) },
		{ OUT6("3a") "[+20]", UNREAD(UNREAD_IP_PROTOCOL, 58) },
		{ OUT4("2f") "3001 880b 0004 0001 00000001 [+4]", UNREAD(UNREAD_IP_PROTOCOL, 47) },
		{ OUT4("11") UDP("0035") "[+20]", UNREAD(UNREAD_UDP_PORT, 53) },
		{ OUT4("11") "0035 c350 0000 0000 [+20]", UNREAD(UNREAD_UDP_PORT, 53) },
		{ OUT4("11") "15b3 2710 0000 0000 [+20]", UNREAD(UNREAD_UDP_PORT, 10000) },
		{ OUT4("11") "0035 12b5 0000 0000 00000000 00006400 [+20]", UNREAD(UNREAD_UDP_PORT, 4789) },
		{ OUT4("11") "0400 12b5 0000 0000 00000000 00006400 [+20]", UNREAD(UNREAD_UDP_PORT, 4789) },
		{ OUT4("11") "0400 1388 0000 0000 00000000 00006400 [+20]", UNREAD(UNREAD_UDP_PORT, 5000) }, /* of --vxlan-port */
		{ OUT4("11") VXLAN("000064") "[mac] 88e5 [+28]", UNREAD(UNREAD_ETHERTYPE, 0x88e5) },
		{ OUT4("11") VXLAN("000064") "[mac] 0800 4500 0024 0000 0000 40 01 0000 [a4] [+16]", UNREAD(UNREAD_IP_PROTOCOL, 1) },
		{ OUT4("11") VXLAN("000064") FRAME4, 0 },
		{ FRAME4, 0 },
		{ "[mac] 0800 4500 002d 0000 0000 40 06 0000 [a4] [tcp81] [data]", 0 },
		{ "[mac] 0800 4400", 0 },
	};
	struct decoder *d = decoder_new(&ports, &vxlan_ports);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = frame_of(cases[i].frame);
		struct packet packet = ethernet(guarded_copy(*state, f.bytes, f.len), f.len);
		struct segment s;

		decoder_packet(d, &packet, &s);
		if (decoder_unread(d) != cases[i].what)
			fail_msg("%s: %08x", cases[i].frame, decoder_unread(d));
	}
	decoder_free(d);
}

/* Ports that are used once push each other out, not the one that most packets go to, however late it comes. */
static void test_unread_keeps_the_frequent(void **state)
{
	struct unread u = { 0 };
	uint64_t most = 0;
	uint32_t what = 0;

	for (uint32_t i = 0; i < 1000; i++)
		unread_add(&u, UNREAD(UNREAD_UDP_PORT, 20000 + i), 1);
	for (uint32_t i = 0; i < 3000; i++) {
		unread_add(&u, UNREAD(UNREAD_UDP_PORT, 30000 + i), 1);
		unread_add(&u, UNREAD(UNREAD_UDP_PORT, 4788), 1);
	}
	for (size_t i = 0; i < UNREAD_MAX; i++) {
		if (counter_get(&u.row[i].packets) > most) {
			most = counter_get(&u.row[i].packets);
			what = (uint32_t)counter_get(&u.row[i].what);
		}
	}
	assert_int_equal(what, UNREAD(UNREAD_UDP_PORT, 4788));
	assert_true(most >= 3000 && most <= 3000 + 7000 / UNREAD_MAX);
}

/* Eight tunnels in each other are opened, nine are not: any kind. */
static void test_depth(void **state)
{
	static const struct {
		const char *outer, *inner;
	} kinds[] = {
		{ "4500 0000 0000 0000 40 04 0000 c0000201 c0000202", IN4 },
		{ "4500 0000 0000 0000 40 2f 0000 c0000201 c0000202 2000 0800 00000001", IN4 },
		{ "4500 0000 0000 0000 40 11 0000 c0000201 c0000202 " GENEVE("0800", "000001"), IN4 },
	};
	struct decoder *d = decoder_new(&ports, NULL);

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		for (int depth = 0; depth <= 40; depth++) {
			struct frame f = frame_of("[mac] 0800");
			struct packet packet;
			struct segment s;

			for (int i = 0; i < depth; i++)
				frame_add(&f, kinds[kind].outer);
			frame_add(&f, kinds[kind].inner);
			packet = ethernet(guarded_copy(*state, f.bytes, f.len), f.len);
			assert_int_equal(decoder_packet(d, &packet, &s), depth <= 8 ? PACKET_DECODED : PACKET_IGNORED_NESTED);
		}
	}
	decoder_free(d);
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void expect_all_different(uint32_t *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	assert_int_not_equal(numbers[0], 0);
	for (size_t i = 1; i < count; i++)
		assert_int_not_equal(numbers[i], numbers[i - 1]);
}

/* All ids next to each other, from every kind of outside; and ids that differ in kind or order only. */
static void test_identities(void **state)
{
	static uint32_t numbers[1 << 16];
	static const uint32_t outer[] = { 0, 1, 5, 4095, 100 << 12 | 5, 0x2c2a5874, UINT32_MAX };
	size_t count = 0;

	for (size_t o = 0; o < sizeof(outer) / sizeof(outer[0]); o++) {
		for (uint32_t i = 0; i < 1 << 16; i++)
			numbers[i] = domain_enter(outer[o], DOMAIN_VXLAN, o % 2 ? i : i << 8);
		expect_all_different(numbers, 1 << 16);
	}
	for (uint32_t a = 0; a < 20; a++) {
		for (uint32_t b = 0; b < 20; b++) {
			for (enum domain_kind kind = DOMAIN_VLAN; kind <= DOMAIN_PPPOE; kind++)
				numbers[count++] = domain_enter(domain_enter(0, DOMAIN_VXLAN, a), kind, b);
			if (a > 0)
				numbers[count++] = a << 12 | b;
		}
		numbers[count++] = domain_enter(0, DOMAIN_GRE, a);
		numbers[count++] = domain_enter(0, DOMAIN_VXLAN, a);
	}
	expect_all_different(numbers, count);
}

/* Nothing that differs by direction: outer addresses and ports, MPLS labels, ERSPAN sessions, NVGRE flows. */
static void test_both_directions_are_one_domain(void **state)
{
	static const char *const pairs[][2] = {
		{ OUT4("11") VXLAN("000064") FRAME4,
		  "[mac] 0800 4500 0000 0000 0000 40 11 0000 c0000202 c0000201 d431 12b5 0000 0000 08000000 00006400" FRAME4 },
		{ "[mac] 8847 00010140" IN4, "[mac] 8847 00777040 00222140" IN4 },
		{ OUT4("2f") "1000 88be 00000001 1005 0003 00000000" FRAME4, OUT4("2f") "1000 88be 00000009 1009 0004 00000007" FRAME4 },
		{ OUT4("2f") "2000 6558 0010017b" FRAME4, OUT4("2f") "2000 6558 001001aa" FRAME4 },
		{ OUT4("11") UDP("0868") "30ff 002d 00000001" IN4, OUT4("11") UDP("0868") "34ff 0035 00000777 0000 00 85 01 0000 00" IN4 },
		{ "[mac] 8926 0001 0002 0800" IN4, "[mac] 8926 8002 0001 0800" IN4 },
		{ "[mac] 893f 0000 0005 0000 0800" IN4, "[mac] 893f 2005 0001 0000 0800" IN4 },
		{ "[mac] 8909 0101 0001 1234 0800" IN4, "[mac] 8909 0101 0001 0042 0800" IN4 },
	};
	struct decoder *d = decoder_new(&ports, NULL);

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint32_t domain[2];

		for (size_t dir = 0; dir < 2; dir++) {
			struct frame f = frame_of(pairs[i][dir]);
			struct packet packet = ethernet(span_of(f.bytes, f.len), f.len);
			struct segment s;

			assert_int_equal(decoder_packet(d, &packet, &s), PACKET_DECODED);
			domain[dir] = s.domain;
		}
		assert_int_equal(domain[0], domain[1]);
	}
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_unread_keeps_the_frequent),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_both_directions_are_one_domain),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
