/*
 * filter.c - see filter.h
 *
 * Theory of operation. Three things make the obvious text, "tcp port P", wrong:
 *
 * - In libpcap's language "vlan" moves the offsets of everything written after
 *   it, and "tcp port P" alone sees no packet that still carries a tag. So
 *   there is one branch for each number of tags, 0 to 2, nested so that each
 *   "vlan" is met once on the way in, and the user's expression stands inside
 *   every branch:
 *
 *       (M) or (vlan and ((M) or (vlan and (M))))
 *
 *   The price is an expression compiled three times, at start only; the
 *   kernel's work for an untagged packet of ours is that of the first branch.
 *   Link layers for which libpcap knows no "vlan" get (M). Where the header
 *   names the ethertype (Linux's cooked one, of `any`), all tagged packets are
 *   let through too, unless the user's expression would be passed by.
 *
 * - "tcp port P" sees no TCP behind an IPv6 extension header. IPv6 packets
 *   whose first next header is an extension are let through, whatever follows.
 *   The decoder sorts them out; they are rare. Likewise AH in IPv4.
 *
 * - Only the first fragment of an IPv4 packet has ports. All others of TCP are
 *   let through; those whose first one is another port's never become whole.
 *   (IPv6 has an extension header for fragments: the line above.)
 *
 * Tunnels are let through whole when they are asked for: the ports inside are
 * nowhere that BPF could look for all of them. The first of their fragments say
 * enough, except over UDP, where the rest is let through like TCP's.
 *
 * - An expression that moves offsets itself (vlan, mpls, pppoes, geneve) can be
 *   combined with nothing: neither before nor after it do our own words mean
 *   what they should. There the kernel filter is the expression alone, exactly
 *   what tcpdump would do with it, and ports are the decoder's business.
 *
 * A recording is filtered by the expression only, since looking at every packet
 * once is what reading a file is for. Its branches begin with "no tag here": a
 * negated expression ("not port 22") would else hold in the branch for untagged
 * packets for every tagged one.
 *
 * No destination address is ever put in: SPAN ports, virtual addresses and
 * interfaces without an address must work.
 */
#include "capture/filter.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "capture/tunnel_kind.h"

/* hop-by-hop 0, routing 43, fragment 44, AH 51, destination options 60, mobility 135 */
#define TCP_BEHIND_EXTENSIONS                                                                                  \
	"(ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60 or ip6[6] = 135)"             \
	" or ip proto 51"

#define LATER_FRAGMENTS_OF(protocol) "(ip proto " protocol " and ip[6:2] & 0x1fff != 0)"

#define ANY_TAG "(ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100)"

#define UDP_TUNNELS                                                                                            \
	(TUNNEL_BIT(TUNNEL_VXLAN) | TUNNEL_BIT(TUNNEL_GENEVE) | TUNNEL_BIT(TUNNEL_GTP) | TUNNEL_BIT(TUNNEL_TZSP))

#define SNAPLEN_TO_COMPILE_WITH 262144

static bool is_blank(const char *expression)
{
	return !expression || expression[strspn(expression, " \t\r\n")] == '\0';
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* A host of that name would be taken for the word: then the kernel filters less, and nothing is lost. */
static bool moves_offsets(const char *expression)
{
	static const char *const words[] = { "vlan", "mpls", "pppoed", "pppoes", "geneve" };

	while (*expression) {
		size_t len = 0;

		while (is_word_byte(expression[len]))
			len++;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (len == strlen(words[i]) && strncmp(expression, words[i], len) == 0)
				return true;
		expression += len ? len : 1;
	}
	return false;
}

static void add_tcp_of_ports(const struct port_set *ports, struct buffer *out)
{
	if (ports->count == 0)
		buffer_add_str(out, "tcp");
	for (size_t i = 0; i < ports->count; i++)
		buffer_printf(out, "%stcp port %u", i ? " or " : "", (unsigned)ports->port[i]);
	if (ports->count)
		buffer_add_str(out, " or " LATER_FRAGMENTS_OF("6"));
	buffer_add_str(out, " or " TCP_BEHIND_EXTENSIONS);
}

static void add_tunnels(const struct live_filter *filter, struct buffer *out)
{
	static const char *const texts[] = {
#define X(id, name, filter) filter,
		TUNNEL_KINDS(X)
#undef X
	};

	for (size_t i = 0; i < TUNNEL_KIND_COUNT; i++)
		if (filter->tunnels & TUNNEL_BIT(i) && texts[i])
			buffer_printf(out, " or %s", texts[i]);
	if (filter->tunnels & TUNNEL_BIT(TUNNEL_VXLAN)) {
		buffer_add_str(out, " or udp dst port 4789 or udp dst port 8472 or udp dst port 4790");
		for (size_t i = 0; filter->vxlan_ports && i < filter->vxlan_ports->count; i++)
			buffer_printf(out, " or udp dst port %u", (unsigned)filter->vxlan_ports->port[i]);
	}
	if (filter->tunnels & UDP_TUNNELS)
		buffer_add_str(out, " or " LATER_FRAGMENTS_OF("17"));
}

/* What a packet of any number of tags has to match, at the offsets that hold there. */
static void add_live_match(const struct live_filter *filter, struct buffer *out)
{
	buffer_add_str(out, "((");
	add_tcp_of_ports(filter->ports, out);
	add_tunnels(filter, out);
	buffer_add_str(out, ")");
	if (!is_blank(filter->expression))
		buffer_printf(out, " and (%s)", filter->expression);
	buffer_add_str(out, ")");
}

void filter_live_text(const struct live_filter *filter, bool vlan, struct buffer *out)
{
	bool alone = is_blank(filter->expression);

	if (!alone && moves_offsets(filter->expression)) {
		buffer_add_str(out, filter->expression);
		return;
	}
	add_live_match(filter, out);
	if (vlan) {
		buffer_add_str(out, " or (vlan and (");
		add_live_match(filter, out);
		buffer_add_str(out, " or (vlan and ");
		add_live_match(filter, out);
		buffer_add_str(out, ")))");
	} else if (alone) {
		buffer_add_str(out, " or " ANY_TAG);
	}
}

void filter_file_text(const char *expression, bool vlan, struct buffer *out)
{
	if (is_blank(expression))
		return;
	if (!vlan || moves_offsets(expression)) {
		buffer_add_str(out, expression);
		return;
	}
	buffer_printf(out, "(not " ANY_TAG " and (%s)) or ", expression);
	buffer_printf(out, "(vlan and ((not " ANY_TAG " and (%s)) or ", expression);
	buffer_printf(out, "(vlan and (%s))))", expression);
}

static bool compiles(pcap_t *pcap, const char *text)
{
	struct bpf_program program;

	if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return false;
	pcap_freecode(&program);
	return true;
}

bool filter_knows_vlan(pcap_t *pcap)
{
	return compiles(pcap, "vlan");
}

/* libpcap's reason without the part that we say ourselves */
static const char *reason(pcap_t *pcap)
{
	static const char said[] = "can't parse filter expression: ";
	const char *text = pcap_geterr(pcap);

	return strncmp(text, said, sizeof(said) - 1) == 0 ? text + sizeof(said) - 1 : text;
}

int filter_check_expression(const char *expression, struct buffer *error)
{
	static const int linktypes[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_RAW, DLT_NULL };
	int result = -EINVAL;

	if (is_blank(expression))
		return 0;
	for (size_t i = 0; i < sizeof(linktypes) / sizeof(linktypes[0]) && result == -EINVAL; i++) {
		pcap_t *dead = pcap_open_dead(linktypes[i], SNAPLEN_TO_COMPILE_WITH);

		if (!dead)
			return -ENOMEM;
		if (compiles(dead, expression))
			result = 0;
		else if (i == 0)
			buffer_printf(error,
				      "cannot use the packet filter \"%s\": %s; write it as for tcpdump, e.g. "
				      "\"host 10.0.0.1 and not port 22\" (see pcap-filter(7))",
				      expression, reason(dead));
		pcap_close(dead);
	}
	if (result == 0)
		buffer_clear(error);
	return result;
}

int filter_compile(pcap_t *pcap, struct buffer *text, const char *expression, const char *where,
		   struct bpf_program *out, struct buffer *error)
{
	if (!buffer_ok(text))
		return -ENOMEM;
	if (pcap_compile(pcap, out, buffer_text(text), 1, PCAP_NETMASK_UNKNOWN) == 0)
		return 0;
	buffer_printf(error, "cannot use the packet filter \"%s\" on \"%s\" (link type %s): %s",
		      expression ? expression : buffer_text(text), where,
		      pcap_datalink_val_to_name(pcap_datalink(pcap))
			      ? pcap_datalink_val_to_name(pcap_datalink(pcap))
			      : "unknown",
		      reason(pcap));
	return -EINVAL;
}
