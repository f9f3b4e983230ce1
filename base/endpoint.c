/* endpoint.c - an address and a port as people write them (RFC 5952, section 6) */
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/digits.h"

/* Without inet_ntop(), which uses printf(): events name two of these each. */
static char *put_ipv4(char *at, const uint8_t addr[4])
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = put_octet(at, addr[i]);
	}
	return at;
}

char *endpoint_put(char *at, const struct endpoint *e)
{
	char addr[INET6_ADDRSTRLEN] = "?";

	if (e->family == 6) {
		inet_ntop(AF_INET6, e->addr, addr, sizeof(addr));
		*at++ = '[';
		at = stpcpy(at, addr);
		*at++ = ']';
	} else {
		at = put_ipv4(at, e->addr + 12);
	}
	*at++ = ':';
	return put_uint(at, e->port);
}

const char *endpoint_text(const struct endpoint *e, char *out)
{
	*endpoint_put(out, e) = '\0';
	return out;
}
