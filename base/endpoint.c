/* endpoint.c - an address and a port as people write them (RFC 5952, section 6) */
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

static char *put_decimal(char *at, unsigned n)
{
	char digits[10];
	int count = 0;

	do {
		digits[count++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (count > 0)
		*at++ = digits[--count];
	return at;
}

/* Without printf(), which inet_ntop() uses as well: events name two of these each. */
static void ipv4_text(const struct endpoint *e, char *out)
{
	for (int i = 12; i < 16; i++) {
		out = put_decimal(out, e->addr[i]);
		*out++ = i < 15 ? '.' : ':';
	}
	*put_decimal(out, e->port) = '\0';
}

const char *endpoint_text(const struct endpoint *e, char *out)
{
	char addr[INET6_ADDRSTRLEN] = "?";

	if (e->family == 6) {
		inet_ntop(AF_INET6, e->addr, addr, sizeof(addr));
		snprintf(out, ENDPOINT_TEXT_MAX, "[%s]:%u", addr, e->port);
	} else {
		ipv4_text(e, out);
	}
	return out;
}
