/* endpoint.c - an address and a port as people write them (RFC 5952, section 6) */
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

const char *endpoint_text(const struct endpoint *e, char *out)
{
	char addr[INET6_ADDRSTRLEN] = "?";

	if (e->family == 6) {
		inet_ntop(AF_INET6, e->addr, addr, sizeof(addr));
		snprintf(out, ENDPOINT_TEXT_MAX, "[%s]:%u", addr, e->port);
	} else {
		inet_ntop(AF_INET, e->addr + 12, addr, sizeof(addr));
		snprintf(out, ENDPOINT_TEXT_MAX, "%s:%u", addr, e->port);
	}
	return out;
}
