/*
 * interfaces.c - which interfaces there are to listen on
 *
 * The kernel's own list (getifaddrs) instead of libpcap's: that one adds
 * netfilter, USB, bluetooth and D-Bus pseudo devices, none of which carries
 * anything that is decoded here. An interface has one row per address there
 * and one AF_PACKET row in any case, so the latter gives the order.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "capture/source.h"
#include "capture/source_impl.h"

static bool is_interface_row(const struct ifaddrs *row)
{
	return row->ifa_addr && row->ifa_addr->sa_family == AF_PACKET;
}

static void add_address(struct buffer *out, const struct sockaddr *address, const char *before)
{
	socklen_t len =
		address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	char text[NI_MAXHOST];

	if (getnameinfo(address, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
		buffer_printf(out, "%s%s", before, text);
}

static void add_addresses(struct buffer *out, const struct ifaddrs *all, const char *name)
{
	const char *before = " ";

	for (const struct ifaddrs *row = all; row; row = row->ifa_next) {
		if (!row->ifa_addr || strcmp(row->ifa_name, name) != 0)
			continue;
		if (row->ifa_addr->sa_family != AF_INET && row->ifa_addr->sa_family != AF_INET6)
			continue;
		add_address(out, row->ifa_addr, before);
		before = ", ";
	}
	if (*before == ' ')
		buffer_add_str(out, " no address");
}

static void add_flags(struct buffer *out, unsigned flags)
{
	buffer_add_str(out, flags & IFF_UP ? " (up" : " (down");
	if (flags & IFF_UP && !(flags & IFF_RUNNING))
		buffer_add_str(out, ", no carrier");
	if (flags & IFF_LOOPBACK)
		buffer_add_str(out, ", loopback");
	buffer_add_str(out, ")\n");
}

int source_list_interfaces(struct buffer *out, struct buffer *error)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0) {
		int err = errno;

		buffer_printf(error, "cannot list the network interfaces: %s", strerror(err));
		return -err;
	}
	for (const struct ifaddrs *row = all; row; row = row->ifa_next) {
		if (!is_interface_row(row))
			continue;
		buffer_printf(out, "%s:", row->ifa_name);
		add_addresses(out, all, row->ifa_name);
		add_flags(out, row->ifa_flags);
	}
	freeifaddrs(all);
	buffer_add_str(out, "any: packets of all interfaces\n");
	return buffer_ok(out) ? 0 : -ENOMEM;
}

void interface_names(struct buffer *out)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		all = NULL;
	for (const struct ifaddrs *row = all; row; row = row->ifa_next)
		if (is_interface_row(row))
			buffer_printf(out, "%s, ", row->ifa_name);
	freeifaddrs(all);
	buffer_add_str(out, "any");
}
