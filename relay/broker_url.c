/*
 * broker_url.c - see broker_url.h
 *
 * Theory of operation: cut from the front, as a target's URL is, each part with
 * an alphabet of its own. Names go into subjects, whose words are parted by dots
 * and which know * and >, so that a service is made of few characters. User info
 * may stand here, unlike in a target's URL, since every client of NATS takes it
 * there; it is then in the process list, and --creds and --nkey are not.
 */
#include "relay/broker_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "base/units.h"

#define NATS_PORT 4222
#define EXAMPLE "; write nats://host:4222/SERVICE"

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/** find_byte() - bytes before the first @c; the whole length if there is none */
static size_t find_byte(struct span s, char c)
{
	const uint8_t *at = s.len > 0 ? memchr(s.at, c, s.len) : NULL;

	return at ? (size_t)(at - s.at) : s.len;
}

/** find_last() - bytes before the last @c; the whole length if there is none */
static size_t find_last(struct span s, char c)
{
	const uint8_t *at = s.len > 0 ? memrchr(s.at, c, s.len) : NULL;

	return at ? (size_t)(at - s.at) : s.len;
}

/** divide() - @s at its byte @n: what is before it, and what is behind; without one, all is before */
static struct span divide(struct span s, size_t n, struct span *rest)
{
	struct span front = s;

	span_truncate(&front, n);
	*rest = s;
	span_skip(rest, n < s.len ? n + 1 : s.len);
	return front;
}

static int refuse(struct buffer *error, const char *text, const char *why)
{
	const char *at = strrchr(text, '@'), *shown = at ? at : text;
	size_t len = strlen(shown);

	buffer_printf(error, "broker \"%s%.*s\" %s", at ? "..." : "", (int)(len < 200 ? len : 200), shown, why);
	return -EINVAL;
}

/** take_secret() - a user's name or a password: printable, with %XX for what is none of RFC 3986's characters */
static bool take_secret(struct span in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];

		if (c == '%') {
			if (in.len - i < 3 || hex_value(in.at[i + 1]) < 0 || hex_value(in.at[i + 2]) < 0)
				return false;
			c = (uint8_t)(hex_value(in.at[i + 1]) * 16 + hex_value(in.at[i + 2]));
			i += 2;
		}
		if (c < ' ' || c == 0x7f || n + 1 >= BROKER_SECRET_MAX)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}

static int parse_user(const char *text, struct span info, struct broker_url *out, struct buffer *error)
{
	struct span password, user = divide(info, find_byte(info, ':'), &password);

	if (user.len == 0)
		return refuse(error, text, "has an @ and no user before it; write nats://user:password@host:4222/SERVICE");
	if (!take_secret(user, out->user) || !take_secret(password, out->password))
		return refuse(error, text, "has a user or a password that cannot be used: at most 255 bytes, those that are no letters, digits, "
					   "- . _ or ~ as % and two hex digits");
	return 0;
}

static int parse_port(const char *text, struct span digits, uint16_t *out, struct buffer *error)
{
	char number[8];
	uint64_t port;

	*out = NATS_PORT;
	if (digits.len == 0)
		return 0;
	snprintf(number, sizeof(number), "%.*s", (int)(digits.len < 7 ? digits.len : 7), digits.at);
	if (digits.len > 5 || !parse_uint(number, &port) || port == 0 || port > 65535)
		return refuse(error, text, "has a bad port: 1 to 65535, as in nats://host:4222/SERVICE");
	*out = (uint16_t)port;
	return 0;
}

static bool is_host(struct span name, bool is_ipv6)
{
	for (size_t i = 0; i < name.len; i++)
		if (is_ipv6 ? hex_value(name.at[i]) < 0 && name.at[i] != ':' && name.at[i] != '.'
			    : !is_alnum(name.at[i]) && !strchr("-._", name.at[i]))
			return false;
	return name.len > 0 && name.len < sizeof(((struct broker_host *)0)->name) && (!is_ipv6 || find_byte(name, ':') < name.len);
}

static int parse_host(const char *text, struct span host, struct broker_url *out, struct buffer *error)
{
	struct broker_host *to = &out->host[out->host_count];
	struct span port, name;

	if (out->host_count == BROKER_HOSTS_MAX)
		return refuse(error, text, "names more than 8 hosts; 8 of a cluster are enough to find the others");
	to->is_ipv6 = host.len > 0 && host.at[0] == '[';
	if (to->is_ipv6) {
		span_skip(&host, 1);
		name = divide(host, find_byte(host, ']'), &port);
		if (name.len == host.len || (port.len > 0 && port.at[0] != ':'))
			return refuse(error, text, "has a [ without ], or something else than a port behind it; write nats://[::1]:4222/SERVICE");
		span_skip(&port, 1);
	} else {
		name = divide(host, find_byte(host, ':'), &port);
	}
	if (!is_host(name, to->is_ipv6))
		return refuse(error, text, host.len == 0 ? "has no host" EXAMPLE : "has a bad host: letters, digits, - . and _ are allowed, or an IPv6 address in "
										   "brackets");
	memcpy(to->name, name.at, name.len);
	out->host_count++;
	return parse_port(text, port, &to->port, error);
}

static void show(struct broker_url *u)
{
	size_t n = (size_t)snprintf(u->shown, sizeof(u->shown), "%s://", u->is_tls ? "tls" : "nats");

	for (size_t i = 0; i < u->host_count && n < sizeof(u->shown); i++) {
		const struct broker_host *h = &u->host[i];

		n += (size_t)snprintf(u->shown + n, sizeof(u->shown) - n, "%s%s%s%s:%u", i ? "," : "", h->is_ipv6 ? "[" : "", h->name,
				      h->is_ipv6 ? "]" : "", h->port);
	}
	if (n < sizeof(u->shown))
		snprintf(u->shown + n, sizeof(u->shown) - n, "/%s", u->service);
}

static size_t scheme_length(struct span text)
{
	static const char *const schemes[] = { "nats://", "tls://" };

	for (size_t i = 0; i < 2; i++) {
		struct span front = text, scheme = span_str(schemes[i]);

		span_truncate(&front, scheme.len);
		if (span_equal_nocase(front, scheme))
			return scheme.len;
	}
	return 0;
}

bool broker_url_is(const char *text)
{
	return scheme_length(span_str(text)) > 0;
}

static int parse_parts(const char *text, struct span rest, struct broker_url *out, struct buffer *error)
{
	struct span service, hosts, authority = divide(rest, find_byte(rest, '/'), &service);
	size_t at = find_last(authority, '@');
	int err = 0;

	if (at < authority.len) {
		err = parse_user(text, divide(authority, at, &hosts), out, error);
		authority = hosts;
	}
	do {
		struct span host = divide(authority, find_byte(authority, ','), &hosts);

		if (err == 0)
			err = parse_host(text, host, out, error);
		if (host.len == authority.len)
			break;
		authority = hosts;
	} while (err == 0);
	if (err < 0)
		return err;
	if (service.len == 0)
		return refuse(error, text, "names no service" EXAMPLE ", with a name of your own for what is handed over");
	if (!relay_name_is_good(service))
		return refuse(error, text, "has a bad service: up to 64 letters, digits, - and _, as in nats://host:4222/fraud-v7");
	memcpy(out->service, service.at, service.len);
	return 0;
}

int broker_url_parse(const char *text, struct broker_url *out, struct buffer *error)
{
	struct span rest = span_str(text);
	size_t scheme = scheme_length(rest);
	int err;

	memset(out, 0, sizeof(*out));
	if (scheme == 0)
		return refuse(error, text, "has no scheme" EXAMPLE);
	out->is_tls = scheme == strlen("tls://");
	span_skip(&rest, scheme);
	err = parse_parts(text, rest, out, error);
	if (err < 0) {
		memset(out, 0, sizeof(*out));
		return err;
	}
	show(out);
	return 0;
}
