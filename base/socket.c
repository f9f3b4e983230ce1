/* socket.c - see socket.h */
#include "base/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t length_of(const struct sockaddr_storage *address)
{
	switch (address->ss_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_UNIX:
		return sizeof(struct sockaddr_un);
	default:
		return sizeof(struct sockaddr_in6);
	}
}

int socket_connect(const struct sockaddr_storage *address)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, r;

	if (fd < 0)
		return -errno;
	/* Head and body leave in one write, and nothing is gained by waiting for more. */
	if (address->ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	do
		r = connect(fd, (const struct sockaddr *)address, length_of(address));
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int socket_error(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

bool socket_endpoint(const struct sockaddr_storage *address, struct endpoint *out)
{
	*out = (struct endpoint){ .family = 0 };
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		out->family = 4;
		out->port = ntohs(in->sin_port);
		memcpy(out->addr + 12, &in->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		/* ::ffff:192.0.2.1 as a target: the packets are IPv4, and that is what lanes see. */
		bool is_mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		out->family = is_mapped ? 4 : 6;
		out->port = ntohs(in6->sin6_port);
		if (is_mapped)
			memcpy(out->addr + 12, in6->sin6_addr.s6_addr + 12, 4);
		else
			memcpy(out->addr, &in6->sin6_addr, 16);
	}
	return out->family != 0;
}

bool socket_ends(int fd, struct endpoint *local, struct endpoint *remote)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 && socket_endpoint(&here, local) &&
	       socket_endpoint(&there, remote);
}
