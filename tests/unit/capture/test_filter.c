/*
 * test_filter.c - the filter text, compiled by libpcap and run on hand-made frames
 *
 * libpcap's own interpreter stands in for the kernel's: the program is the same.
 */
#include "tests/rig/unit.h"

#include <errno.h>

#include "capture/filter.h"
#include "capture/tunnel_kind.h"
#include "tests/rig/frames.h"

#define V4(proto) "4500 002d 0000 0000 40" proto "0000 [a4]"
#define V6(next) "60000000 0019" next "40 [a6]"
#define ETH "[mac] "
#define SLL "0000 0001 0006 [+8] "
#define SLL2_OF(type) type " 0000 00000001 0001 00 06 [+8] "

enum kind { LIVE, RECORDED };

struct row {
	const char *name;
	enum kind kind;
	int linktype;
	const char *expression;
	const char *frame;
	bool passes;
	unsigned tunnels;
};

#define ALL_TUNNELS (TUNNEL_BIT(TUNNEL_KIND_COUNT) - 1)
#define UDP4(port) ETH "0800" V4("11") "c350" port "0000 0000 [+8]"
#define VXLAN_BIT TUNNEL_BIT(TUNNEL_VXLAN)
#define GRE_BITS (TUNNEL_BIT(TUNNEL_GRE) | TUNNEL_BIT(TUNNEL_ERSPAN))

static const struct row rows[] = {
	{ "to the port", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("06") "[tcp] [data]", true },
	{ "from the port", LIVE, DLT_EN10MB, NULL,
	  ETH "0800" V4("06") "1f90 03e8 00000001 00000002 50 18 0100 0000 0000", true },
	{ "second port", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("06") "2328 03e8 00000001 00000002 50 18 [+6]", true },
	{ "other port", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("06") "[tcp81] [data]", false },
	{ "UDP", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("11") "[tcp] [data]", false },
	{ "ARP", LIVE, DLT_EN10MB, NULL, ETH "0806 [+28]", false },
	{ "one tag", LIVE, DLT_EN10MB, NULL, ETH "8100 0064 0800" V4("06") "[tcp] [data]", true },
	{ "one tag, other port", LIVE, DLT_EN10MB, NULL, ETH "8100 0064 0800" V4("06") "[tcp81] [data]", false },
	{ "two tags", LIVE, DLT_EN10MB, NULL, ETH "88a8 0064 8100 0001 0800" V4("06") "[tcp] [data]", true },
	{ "two tags, IPv6", LIVE, DLT_EN10MB, NULL, ETH "8100 0064 8100 0001 86dd" V6("06") "[tcp] [data]", true },
	{ "two tags, other port", LIVE, DLT_EN10MB, NULL, ETH "88a8 0064 8100 0001 0800" V4("06") "[tcp81] [data]",
	  false },
	{ "IPv6", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("06") "[tcp] [data]", true },
	{ "IPv6, other port", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("06") "[tcp81] [data]", false },
	{ "IPv6, hop-by-hop", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("00") "06 00 [+6] [tcp] [data]", true },
	{ "IPv6, destination options, tagged", LIVE, DLT_EN10MB, NULL,
	  ETH "8100 0005 86dd" V6("3c") "06 00 [+6] [tcp] [data]", true },
	{ "IPv6, fragment", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("2c") "06 00 0000 00000001 [tcp] [data]", true },
	{ "IPv6, UDP", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("11") "[tcp] [data]", false },
	{ "RAW", LIVE, DLT_RAW, NULL, V4("06") "[tcp] [data]", true },
	{ "RAW, IPv6", LIVE, DLT_RAW, NULL, V6("06") "[tcp] [data]", true },
	{ "RAW, other port", LIVE, DLT_RAW, NULL, V4("06") "[tcp81] [data]", false },
	{ "SLL", LIVE, DLT_LINUX_SLL, NULL, SLL "0800" V4("06") "[tcp] [data]", true },
	{ "SLL, other port", LIVE, DLT_LINUX_SLL, NULL, SLL "0800" V4("06") "[tcp81] [data]", false },
	{ "SLL, tagged: the decoder decides", LIVE, DLT_LINUX_SLL, NULL, SLL "8100 0001 0800" V4("06") "[tcp] [data]",
	  true },
	{ "SLL2", LIVE, DLT_LINUX_SLL2, NULL, SLL2_OF("0800") V4("06") "[tcp] [data]", true },
	{ "SLL2, other port", LIVE, DLT_LINUX_SLL2, NULL, SLL2_OF("0800") V4("06") "[tcp81] [data]", false },
	{ "NULL", LIVE, DLT_NULL, NULL, "02000000" V4("06") "[tcp] [data]", true },

	/* the user's expression holds in every branch, and never moves anything */
	{ "host", LIVE, DLT_EN10MB, "host 10.0.0.2", ETH "0800" V4("06") "[tcp] [data]", true },
	{ "other host", LIVE, DLT_EN10MB, "host 10.0.0.9", ETH "0800" V4("06") "[tcp] [data]", false },
	{ "host, two tags", LIVE, DLT_EN10MB, "host 10.0.0.2", ETH "8100 0064 8100 0001 0800" V4("06") "[tcp] [data]",
	  true },
	{ "other host, one tag", LIVE, DLT_EN10MB, "host 10.0.0.9", ETH "8100 0064 0800" V4("06") "[tcp] [data]", false },
	{ "not host, one tag", LIVE, DLT_EN10MB, "not host 10.0.0.2", ETH "8100 0064 0800" V4("06") "[tcp] [data]",
	  false },
	{ "or binds inside", LIVE, DLT_EN10MB, "host 10.0.0.9 or udp", ETH "0800" V4("11") "[tcp] [data]", false },
	{ "host, SLL", LIVE, DLT_LINUX_SLL, "host 10.0.0.2", SLL "0800" V4("06") "[tcp] [data]", true },
	{ "other host, SLL, tagged", LIVE, DLT_LINUX_SLL, "host 10.0.0.9", SLL "8100 0001 0800" V4("06") "[tcp] [data]",
	  false },
	{ "vlan of the user", LIVE, DLT_EN10MB, "vlan 100", ETH "8100 0064 0800" V4("06") "[tcp] [data]", true },
	{ "other vlan of the user", LIVE, DLT_EN10MB, "vlan 101", ETH "8100 0064 0800" V4("06") "[tcp] [data]", false },
	{ "not vlan", LIVE, DLT_EN10MB, "not vlan", ETH "0800" V4("06") "[tcp] [data]", true },
	{ "not this host, in a tunnel", LIVE, DLT_EN10MB, "not host 10.0.0.2", UDP4("12b5"), false, ALL_TUNNELS },

	/* fragments: the first one has the ports, of the others all of TCP pass */
	{ "first fragment", LIVE, DLT_EN10MB, NULL, ETH "0800 4500 002d 0000 2000 40 06 0000 [a4] [tcp] [data]", true },
	{ "first fragment, other port", LIVE, DLT_EN10MB, NULL, ETH "0800 4500 002d 0000 2000 40 06 0000 [a4] [tcp81] [data]",
	  false },
	{ "later fragment", LIVE, DLT_EN10MB, NULL, ETH "0800 4500 002d 0000 2003 40 06 0000 [a4] [+25]", true },
	{ "last fragment, two tags", LIVE, DLT_EN10MB, NULL,
	  ETH "8100 0001 8100 0002 0800 4500 002d 0000 0003 40 06 0000 [a4] [+25]", true },
	{ "last fragment, SLL", LIVE, DLT_LINUX_SLL, NULL, SLL "0800 4500 002d 0000 0003 40 06 0000 [a4] [+25]", true },
	{ "later fragment of UDP", LIVE, DLT_EN10MB, NULL, ETH "0800 4500 002d 0000 2003 40 11 0000 [a4] [+25]", false },
	{ "later fragment of UDP, maybe VXLAN", LIVE, DLT_EN10MB, NULL, ETH "0800 4500 002d 0000 2003 40 11 0000 [a4] [+25]", true,
	  VXLAN_BIT },
	{ "later fragment of UDP, GRE asked for", LIVE, DLT_EN10MB, NULL, ETH "0800 4500 002d 0000 2003 40 11 0000 [a4] [+25]",
	  false, GRE_BITS },

	/* tunnels: only those asked for, in any VLAN, whatever is in them */
	{ "VXLAN, not asked for", LIVE, DLT_EN10MB, NULL, UDP4("12b5"), false },
	{ "VXLAN", LIVE, DLT_EN10MB, NULL, UDP4("12b5"), true, VXLAN_BIT },
	{ "VXLAN, Linux's port", LIVE, DLT_EN10MB, NULL, UDP4("2118"), true, VXLAN_BIT },
	{ "VXLAN, our port", LIVE, DLT_EN10MB, NULL, UDP4("1388"), true, VXLAN_BIT },
	{ "VXLAN, our port, not asked for", LIVE, DLT_EN10MB, NULL, UDP4("1388"), false, ALL_TUNNELS & ~VXLAN_BIT },
	{ "VXLAN, no port of ours", LIVE, DLT_EN10MB, NULL, UDP4("1389"), false, ALL_TUNNELS },
	{ "VXLAN over IPv6", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("11") "c350 12b5 [+20]", true, VXLAN_BIT },
	{ "VXLAN, one tag", LIVE, DLT_EN10MB, NULL, ETH "8100 0001 0800" V4("11") "c350 12b5 [+20]", true, VXLAN_BIT },
	{ "VXLAN, two tags", LIVE, DLT_EN10MB, NULL, ETH "88a8 0001 8100 0002 0800" V4("11") "c350 12b5 [+20]", true, VXLAN_BIT },
	{ "VXLAN on SLL2", LIVE, DLT_LINUX_SLL2, NULL, SLL2_OF("0800") V4("11") "c350 12b5 [+20]", true, ALL_TUNNELS },
	{ "VXLAN, RAW", LIVE, DLT_RAW, NULL, V4("11") "c350 12b5 [+20]", true, ALL_TUNNELS },
	{ "Geneve", LIVE, DLT_EN10MB, NULL, UDP4("17c1"), true, TUNNEL_BIT(TUNNEL_GENEVE) },
	{ "Geneve, VXLAN asked for", LIVE, DLT_EN10MB, NULL, UDP4("17c1"), false, VXLAN_BIT },
	{ "GRE", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("2f") "[+25]", true, TUNNEL_BIT(TUNNEL_GRE) },
	{ "GRE over IPv6, tagged", LIVE, DLT_EN10MB, NULL, ETH "8100 0001 86dd" V6("2f") "[+25]", true, TUNNEL_BIT(TUNNEL_ERSPAN) },
	{ "GRE, not asked for", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("2f") "[+25]", false, ALL_TUNNELS & ~GRE_BITS },
	{ "4in4", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("04") "[+25]", true, TUNNEL_BIT(TUNNEL_IPIP) },
	{ "6in4", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("29") "[+25]", true, TUNNEL_BIT(TUNNEL_IPIP) },
	{ "4in6", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("04") "[+25]", true, TUNNEL_BIT(TUNNEL_IPIP) },
	{ "6in6", LIVE, DLT_EN10MB, NULL, ETH "86dd" V6("29") "[+25]", true, TUNNEL_BIT(TUNNEL_IPIP) },
	{ "MPLS", LIVE, DLT_EN10MB, NULL, ETH "8847 00010140" V4("06") "[tcp81] [data]", true, TUNNEL_BIT(TUNNEL_MPLS) },
	{ "MPLS, not asked for", LIVE, DLT_EN10MB, NULL, ETH "8847 00010140" V4("06") "[tcp] [data]", false,
	  ALL_TUNNELS & ~TUNNEL_BIT(TUNNEL_MPLS) },
	{ "MPLS, tagged", LIVE, DLT_EN10MB, NULL, ETH "8100 0001 8847 00010140" V4("06") "[tcp81] [data]", true,
	  TUNNEL_BIT(TUNNEL_MPLS) },
	{ "PPPoE", LIVE, DLT_EN10MB, NULL, ETH "8864 1100 0001 002f 0021" V4("06") "[tcp] [data]", true,
	  TUNNEL_BIT(TUNNEL_PPPOE) },
	{ "VXLAN's extension", LIVE, DLT_EN10MB, NULL, UDP4("12b6"), true, VXLAN_BIT },
	{ "GTP", LIVE, DLT_EN10MB, NULL, UDP4("0868"), true, TUNNEL_BIT(TUNNEL_GTP) },
	{ "GTP, not asked for", LIVE, DLT_EN10MB, NULL, UDP4("0868"), false, ALL_TUNNELS & ~TUNNEL_BIT(TUNNEL_GTP) },
	{ "TZSP", LIVE, DLT_EN10MB, NULL, UDP4("9090"), true, TUNNEL_BIT(TUNNEL_TZSP) },
	{ "VN-Tag", LIVE, DLT_EN10MB, NULL, ETH "8926 0001 0002 0800" V4("06") "[tcp81] [data]", true, TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "VN-Tag, not asked for", LIVE, DLT_EN10MB, NULL, ETH "8926 0001 0002 0800" V4("06") "[tcp] [data]", false,
	  ALL_TUNNELS & ~TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "E-Tag in a VLAN", LIVE, DLT_EN10MB, NULL, ETH "8100 0001 893f 0000 0005 0000 0800" V4("06") "[tcp] [data]", true,
	  TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "Cisco's metadata", LIVE, DLT_EN10MB, NULL, ETH "8909 0101 0001 1234 0800" V4("06") "[tcp] [data]", true,
	  TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "802.1ah", LIVE, DLT_EN10MB, NULL, ETH "88e7 00001234 [mac] 0800" V4("06") "[tcp] [data]", true, TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "SNAP", LIVE, DLT_EN10MB, NULL, ETH "0035 aaaa03 000000 0800" V4("06") "[tcp] [data]", true, TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "SNAP on SLL", LIVE, DLT_LINUX_SLL, NULL, "0000 0001 0006 [+8] 0004 aaaa03 000000 0800" V4("06") "[tcp] [data]", true,
	  TUNNEL_BIT(TUNNEL_FABRIC) },
	{ "spanning tree", LIVE, DLT_EN10MB, NULL, ETH "0026 4242 03 [+35]", false, ALL_TUNNELS },
	{ "a tunnel and the user's host", LIVE, DLT_EN10MB, "host 10.0.0.1", UDP4("12b5"), true, ALL_TUNNELS },
	{ "plain TCP beside tunnels", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("06") "[tcp] [data]", true, ALL_TUNNELS },
	{ "other port beside tunnels", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("06") "[tcp81] [data]", false, ALL_TUNNELS },
	{ "NULL, tunnels", LIVE, DLT_NULL, NULL, "02000000" V4("2f") "[+25]", true, ALL_TUNNELS },
	{ "Cisco HDLC", LIVE, DLT_C_HDLC, NULL, "0f00 0800" V4("06") "[tcp] [data]", true, ALL_TUNNELS },
	{ "radiotap", LIVE, DLT_IEEE802_11_RADIO, NULL,
	  "0000 0800 00000000 0801 [+20] 1000 aaaa03 000000 0800" V4("06") "[tcp] [data]", true, ALL_TUNNELS },
	{ "blank", LIVE, DLT_EN10MB, "  ", ETH "0800" V4("06") "[tcp] [data]", true },

	/* recordings: only the expression */
	{ "file: no expression", RECORDED, DLT_EN10MB, NULL, ETH "0806 [+28]", true },
	{ "file: host", RECORDED, DLT_EN10MB, "host 10.0.0.2", ETH "0800" V4("06") "[tcp81] [data]", true },
	{ "file: other host", RECORDED, DLT_EN10MB, "host 10.0.0.9", ETH "0800" V4("06") "[tcp81] [data]", false },
	{ "file: host, one tag", RECORDED, DLT_EN10MB, "host 10.0.0.2", ETH "8100 0001 0800" V4("06") "[tcp] [data]",
	  true },
	{ "file: host, two tags", RECORDED, DLT_EN10MB, "host 10.0.0.2",
	  ETH "8100 0001 8100 0002 0800" V4("06") "[tcp] [data]", true },
	{ "file: not host, no tag", RECORDED, DLT_EN10MB, "not host 10.0.0.2", ETH "0800" V4("06") "[tcp] [data]", false },
	{ "file: not host, one tag", RECORDED, DLT_EN10MB, "not host 10.0.0.2",
	  ETH "8100 0001 0800" V4("06") "[tcp] [data]", false },
	{ "file: not host, two tags", RECORDED, DLT_EN10MB, "not host 10.0.0.2",
	  ETH "8100 0001 8100 0002 0800" V4("06") "[tcp] [data]", false },
	{ "file: vlan", RECORDED, DLT_EN10MB, "vlan 1", ETH "8100 0001 0800" V4("06") "[tcp] [data]", true },
	{ "file: RAW", RECORDED, DLT_RAW, "host 10.0.0.2", V4("06") "[tcp] [data]", true },
};

static const struct port_set ports = { { 8080, 9000 }, 2 };

static const struct port_set vxlan_ports = { { 5000 }, 1 };

static void text_of(const struct row *row, const struct port_set *set, pcap_t *pcap, struct buffer *text)
{
	struct live_filter filter = { set, &vxlan_ports, row->tunnels, row->expression };

	if (row->kind == LIVE)
		filter_live_text(&filter, filter_knows_vlan(pcap), text);
	else
		filter_file_text(row->expression, filter_knows_vlan(pcap), text);
}

static bool passes(const struct row *row, const struct port_set *set)
{
	pcap_t *pcap = pcap_open_dead(row->linktype, 262144);
	struct frame f = frame_of(row->frame);
	struct pcap_pkthdr header = { .caplen = (bpf_u_int32)f.len, .len = (bpf_u_int32)f.len };
	struct buffer text = { 0 }, error = { 0 };
	struct bpf_program program;
	bool result = true;

	assert_non_null(pcap);
	text_of(row, set, pcap, &text);
	if (text.len) {
		if (filter_compile(pcap, &text, row->expression, "test", &program, &error) != 0)
			fail_msg("%s: %s", row->name, buffer_text(&error));
		result = pcap_offline_filter(&program, &header, f.bytes) != 0;
		pcap_freecode(&program);
	}
	buffer_deinit(&text);
	buffer_deinit(&error);
	pcap_close(pcap);
	return result;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (passes(&rows[i], &ports) != rows[i].passes)
			fail_msg("%s: %s", rows[i].name, rows[i].passes ? "was held back" : "passed");
}

static void test_without_ports_any_tcp(void **state)
{
	static const struct port_set none = { .count = 0 };
	struct row row = { "any port", LIVE, DLT_EN10MB, NULL, ETH "0800" V4("06") "[tcp81] [data]", true };

	assert_true(passes(&row, &none));
	row.frame = ETH "8100 0001 0800" V4("06") "[tcp81] [data]";
	assert_true(passes(&row, &none));
	row.frame = ETH "0800" V4("11") "[tcp81] [data]";
	assert_false(passes(&row, &none));
}

/* The most ports there can be, with an expression and all tunnels, still compile, and to a program that the kernel takes. */
static void test_many_ports(void **state)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 262144);
	struct buffer text = { 0 }, error = { 0 };
	struct port_set many = { .count = PORTS_MAX };
	struct live_filter filter = { &many, &many, ALL_TUNNELS, "net 10.0.0.0/8 and not host 10.0.0.7" };
	struct bpf_program program;

	for (size_t i = 0; i < PORTS_MAX; i++)
		many.port[i] = (uint16_t)(8000 + 2 * i);
	filter_live_text(&filter, true, &text);
	assert_int_equal(filter_compile(pcap, &text, NULL, "test", &program, &error), 0);
	assert_true(program.bf_len < 4096);
	pcap_freecode(&program);
	buffer_deinit(&text);
	buffer_deinit(&error);
	pcap_close(pcap);
}

static void test_bad_expressions(void **state)
{
	static const char *const bad[] = { "foo bar", "tcp port", "host 10.0.0.1 and", "(tcp", "port 70000" };
	struct buffer error = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buffer_clear(&error);
		assert_int_equal(filter_check_expression(bad[i], &error), -EINVAL);
		assert_non_null(strstr(buffer_text(&error), bad[i]));
		assert_null(strchr(buffer_text(&error), '\n'));
	}
	buffer_clear(&error);
	assert_int_equal(filter_check_expression("host 10.0.0.1 and not port 22", &error), 0);
	assert_int_equal(filter_check_expression("vlan 5", &error), 0);
	assert_int_equal(filter_check_expression(NULL, &error), 0);
	assert_int_equal(error.len, 0);
	buffer_deinit(&error);
}

/* Parentheses that would close ours. */
static void test_expression_cannot_break_out(void **state)
{
	struct buffer error = { 0 };

	assert_int_equal(filter_check_expression("tcp) or (udp", &error), -EINVAL);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_without_ports_any_tcp),
		cmocka_unit_test(test_many_ports),
		cmocka_unit_test(test_bad_expressions),
		cmocka_unit_test(test_expression_cannot_break_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
