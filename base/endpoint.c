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

/** parse_port() - digits to the end of @text, without zeros in front */
static bool parse_port(struct span text, uint16_t *out)
{
	uint64_t n;

	if ((text.len > 1 && text.at[0] == '0') || !digits_read(text, &n) || n > UINT16_MAX)
		return false;
	*out = (uint16_t)n;
	return true;
}

bool endpoint_read(struct span text, struct endpoint *out)
{
	struct endpoint e = { .family = text.len > 0 && text.at[0] == '[' ? 6 : 4 };
	char addr[INET6_ADDRSTRLEN];
	size_t colon = text.len, bracket = e.family == 6;
	struct span host = { 0 };

	while (colon > 0 && text.at[colon - 1] != ':')
		colon--;
	if (colon < 2 + 2 * bracket || colon - 1 - 2 * bracket >= sizeof(addr))
		return false;
	span_take(&text, colon, &host);
	if (bracket && host.at[colon - 2] != ']')
		return false;
	memcpy(addr, host.at + bracket, colon - 1 - 2 * bracket);
	addr[colon - 1 - 2 * bracket] = '\0';
	if (strlen(addr) != colon - 1 - 2 * bracket || !parse_port(text, &e.port) ||
	    inet_pton(bracket ? AF_INET6 : AF_INET, addr, bracket ? e.addr : e.addr + 12) != 1)
		return false;
	*out = e;
	return true;
}
