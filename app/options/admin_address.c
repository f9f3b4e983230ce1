/* admin_address.c - see admin_address.h */
#include "app/options/admin_address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/units.h"

#define HOST_MAX 64

static const char what_to_write[] = "not an address to listen on; write 127.0.0.1:9090, [::1]:9090 or unix:/run/shadowtap.sock";

static const char *parse_path(const char *path, struct admin_address *out)
{
	size_t len = strlen(path);

	if (path[0] != '/')
		return "the path of a Unix socket begins with \"/\"; write unix:/run/shadowtap.sock";
	if (len >= sizeof(out->path))
		return "the path of a Unix socket has at most 107 bytes; name a shorter one";
	memcpy(out->path, path, len + 1);
	return NULL;
}

static bool parse_host(const char *host, bool in_brackets, struct endpoint *out)
{
	if (!in_brackets && strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (!in_brackets && inet_pton(AF_INET, host, out->addr + 12) == 1) {
		out->family = 4;
		return true;
	}
	if (in_brackets && inet_pton(AF_INET6, host, out->addr) == 1) {
		out->family = 6;
		return true;
	}
	return false;
}

const char *admin_address_parse(const char *text, struct admin_address *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }; /* ::ffff:0:0/96 */
	const char *colon = strrchr(text, ':');
	bool in_brackets = text[0] == '[';
	char host[HOST_MAX];
	uint64_t port;
	size_t len;

	*out = (struct admin_address){ 0 };
	if (strncmp(text, "unix:", 5) == 0)
		return parse_path(text + 5, out);
	if ((text[0] == ':' && text[1] != ':') || (!colon && parse_uint(text, &port)))
		return "say on which address: 127.0.0.1:9090 for this machine alone, 0.0.0.0:9090 for every address";
	if (!colon)
		return "there is no port; write 127.0.0.1:9090";
	len = (size_t)(colon - text);
	if (in_brackets && (len < 2 || text[len - 1] != ']'))
		return what_to_write;
	if (!in_brackets && memchr(text, ':', len))
		return "an IPv6 address goes in brackets; write [::1]:9090";
	if (!parse_uint(colon + 1, &port) || port < 1 || port > 65535)
		return "the port is out of range, which is 1 to 65535";
	text += in_brackets;
	len -= in_brackets ? 2 : 0;
	if (len >= sizeof(host))
		return what_to_write;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_host(host, in_brackets, &out->at))
		return what_to_write;
	if (out->at.family == 6 && memcmp(out->at.addr, mapped, sizeof(mapped)) == 0)
		return "this is an IPv4 address in IPv6 clothes; write it as 127.0.0.1:9090"; /* and would be one on the wire */
	out->at.port = (uint16_t)port;
	return NULL;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

bool admin_address_is_loopback(const struct admin_address *a)
{
	const uint8_t *addr = a->at.addr;

	return (a->at.family == 4 && addr[12] == 127) || (a->at.family == 6 && is_zero(addr, 15) && addr[15] == 1);
}

bool admin_address_is_any(const struct admin_address *a)
{
	return a->at.family != 0 && is_zero(a->at.addr, sizeof(a->at.addr));
}
