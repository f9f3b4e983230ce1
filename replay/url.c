/*
 * url.c - see url.h
 *
 * Theory of operation: the text is cut from the front into name, scheme,
 * authority and path. Each part has its own small alphabet (RFC 3986, 3.2.2 and
 * 3.3), checked byte by byte: what we accept here is later written into request
 * lines and Host fields, so a space or a line break must not get through. What
 * RFC 3986 allows and a base URL has no use for (user info, query, fragment)
 * is refused with a reason, never dropped in silence.
 *
 * A Unix socket is written as nginx writes it, unix:/path:/prefix: the first
 * ":/" divides, because a colon alone may be part of a file name. It is shown
 * with that colon, so that a request's path can follow what is shown.
 */
#include "replay/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/span.h"
#include "base/units.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

/* ASCII only, whatever the locale says */
static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_in(uint8_t c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/** find_byte() - bytes before the first one that is in @set; the whole length if there is none */
static size_t find_byte(struct span s, const char *set)
{
	size_t n = 0;

	while (n < s.len && !is_in(s.at[n], set))
		n++;
	return n;
}

/** copy_text() - @s as a C string; false if it does not fit */
static bool copy_text(char *out, size_t size, struct span s)
{
	if (s.len >= size)
		return false;
	if (s.len > 0)
		memcpy(out, s.at, s.len);
	out[s.len] = '\0';
	return true;
}

static int refuse(struct buffer *error, const char *text, const char *why)
{
	/* No credentials in a message: what stands before an @ is not shown. */
	const char *at = strrchr(text, '@');

	const char *shown = at ? at : text;
	size_t len = strcspn(shown, "?"); /* nor of a query more than that there is one */

	buffer_printf(error, "target \"%s%.*s%s\" %s", at ? "..." : "", (int)(len < 200 ? len : 200), shown,
		      shown[len] ? "?..." : "", why);
	return -EINVAL;
}

/** take_name() - NAME= from the front of @rest, if a = comes before any byte of a URL's own */
static int take_name(const char *text, struct span *rest, struct target_url *out, struct buffer *error)
{
	struct span name = span_of(NULL, 0), equals;
	size_t n = find_byte(*rest, "=:/?#@[");

	snprintf(out->name, sizeof(out->name), "default");
	if (n == rest->len || rest->at[n] != '=')
		return 0;
	span_take(rest, n, &name);
	span_take(rest, 1, &equals);
	if (name.len == 0)
		return refuse(error, text, "has no name before the =; write NAME=http://host:port");
	for (size_t i = 0; i < name.len; i++)
		if (!is_alnum(name.at[i]) && !is_in(name.at[i], "-_"))
			return refuse(error, text,
				      "has a bad name: letters, digits, - and _ are allowed, "
				      "as in canary_2=http://host:port");
	if (!copy_text(out->name, sizeof(out->name), name))
		return refuse(error, text, "has a name of more than 63 bytes; choose a shorter one");
	return 0;
}

/** take_scheme() - http:// or https:// from the front of @rest */
static int take_scheme(const char *text, struct span *rest, struct target_url *out, struct buffer *error)
{
	struct span scheme = *rest, separator;
	size_t n = find_byte(*rest, ":/?#");

	span_truncate(&scheme, n);
	span_skip(rest, n);
	if (!span_take(rest, 3, &separator) || !span_equal(separator, SPAN_LITERAL("://")))
		return refuse(error, text, "has no scheme; write http://host:port");
	out->is_tls = span_equal_nocase(scheme, SPAN_LITERAL("https"));
	if (!out->is_tls && !span_equal_nocase(scheme, SPAN_LITERAL("http")))
		return refuse(error, text,
			      "has an unknown scheme; write http://host:port, https://host:port or "
			      "unix:/path/to/socket");
	out->port = out->is_tls ? HTTPS_PORT : HTTP_PORT;
	return 0;
}

/** parse_literal() - the inside of [...]: an IPv6 address, perhaps with a zone (RFC 6874: %25eth0) */
static int parse_literal(const char *text, struct span inside, struct target_url *out, struct buffer *error)
{
	struct span address = inside, zone = inside;
	size_t n = find_byte(inside, "%");
	int written;

	span_truncate(&address, n);
	span_skip(&zone, n);
	if (address.len == 0 || find_byte(address, ":") == address.len)
		return refuse(error, text, "has no IPv6 address between [ and ]; write http://[::1]:9000");
	for (size_t i = 0; i < address.len; i++)
		if (!is_hex(address.at[i]) && !is_in(address.at[i], ":."))
			return refuse(error, text, "has a bad IPv6 address; write http://[::1]:9000");
	if (zone.len > 0 && (!span_starts(zone, SPAN_LITERAL("%25")) || !span_skip(&zone, 3) || zone.len == 0))
		return refuse(error, text, "has a bad IPv6 zone; write http://[fe80::1%25eth0]:9000");
	for (size_t i = 0; i < zone.len; i++)
		if (!is_alnum(zone.at[i]) && !is_in(zone.at[i], "-._~"))
			return refuse(error, text, "has a bad IPv6 zone; write http://[fe80::1%25eth0]:9000");
	written = snprintf(out->host, sizeof(out->host), "%.*s%s%.*s", (int)address.len, address.at,
			   zone.len > 0 ? "%" : "", (int)zone.len, zone.at);
	if (written < 0 || (size_t)written >= sizeof(out->host))
		return refuse(error, text, "has a host of more than 255 bytes, which no name can have; check the URL");
	/* The zone means something on this machine only, so Host goes without it. */
	snprintf(out->authority, sizeof(out->authority), "[%.*s]", (int)address.len, address.at);
	return 0;
}

static int parse_name_or_ipv4(const char *text, struct span host, struct target_url *out, struct buffer *error)
{
	if (host.len == 0)
		return refuse(error, text, "has no host; write http://host:port");
	for (size_t i = 0; i < host.len; i++)
		if (!is_alnum(host.at[i]) && !is_in(host.at[i], "-._"))
			return refuse(error, text,
				      "has a bad host: letters, digits, - . and _ are allowed "
				      "(write an international name in its xn-- form)");
	if (!copy_text(out->host, sizeof(out->host), host))
		return refuse(error, text, "has a host of more than 255 bytes, which no name can have; check the URL");
	snprintf(out->authority, sizeof(out->authority), "%s", out->host);
	return 0;
}

/** parse_port() - what follows the colon; empty means the default (RFC 3986, 3.2.3) */
static int parse_port(const char *text, struct span digits, struct target_url *out, struct buffer *error)
{
	char number[8];
	uint64_t port;
	size_t used = strlen(out->authority);

	if (digits.len == 0)
		return 0;
	if (!copy_text(number, sizeof(number), digits) || !parse_uint(number, &port) || port == 0 ||
	    port > 65535)
		return refuse(error, text, "has a bad port: 1 to 65535, as in http://host:9000");
	out->port = (uint16_t)port;
	snprintf(out->authority + used, sizeof(out->authority) - used, ":%u", out->port);
	return 0;
}

static int parse_authority(const char *text, struct span authority, struct target_url *out,
			   struct buffer *error)
{
	struct span host = authority, colon;
	int r;

	if (find_byte(authority, "@") < authority.len)
		return refuse(error, text,
			      "holds user info, which would end up in process lists; give the credential as "
			      "-H 'Authorization: ...' or -H @FILE");
	if (span_starts(authority, SPAN_LITERAL("["))) {
		size_t end = find_byte(authority, "]");

		if (end == authority.len)
			return refuse(error, text, "has a [ without ]; write http://[::1]:9000");
		span_truncate(&host, end);
		span_skip(&host, 1);
		span_skip(&authority, end + 1);
		r = parse_literal(text, host, out, error);
	} else {
		size_t end = find_byte(authority, ":");

		span_truncate(&host, end);
		span_skip(&authority, end);
		r = parse_name_or_ipv4(text, host, out, error);
	}
	if (r < 0 || !span_take(&authority, 1, &colon))
		return r;
	if (!span_equal(colon, SPAN_LITERAL(":")))
		return refuse(error, text, "has something after ]; write http://[::1]:9000");
	return parse_port(text, authority, out, error);
}

/** parse_prefix() - the path, without its final slashes; every byte is one that RFC 3986, 3.3 allows */
static int parse_prefix(const char *text, struct span path, struct target_url *out, struct buffer *error)
{
	while (path.len > 0 && path.at[path.len - 1] == '/')
		path.len--;
	for (size_t i = 0; i < path.len; i++) {
		bool escape = path.at[i] == '%';

		if (escape && (path.len - i < 3 || !is_hex(path.at[i + 1]) || !is_hex(path.at[i + 2])))
			return refuse(error, text, "has a % in its path that two hex digits do not follow; write %25 for the sign itself");
		if (!escape && !is_alnum(path.at[i]) && !is_in(path.at[i], "/-._~!$&'()*+,;=:@"))
			return refuse(error, text,
				      "has a byte in its path that must be written as % and two hex digits");
	}
	if (!copy_text(out->prefix, sizeof(out->prefix), path))
		return refuse(error, text, "has a path of more than 1023 bytes; make it shorter with --rewrite-path");
	return 0;
}

/** parse_socket() - what follows unix: */
static int parse_socket(const char *text, struct span rest, struct target_url *out, struct buffer *error)
{
	struct span path, colon;
	size_t n = 0;

	while (span_starts(rest, SPAN_LITERAL("//"))) /* unix:///run/x.sock, as others write it */
		span_skip(&rest, 1);
	if (!span_starts(rest, SPAN_LITERAL("/")))
		return refuse(error, text, "names no socket by its whole path; write unix:/run/model.sock");
	while (n < rest.len && !(rest.at[n] == ':' && (n + 1 == rest.len || rest.at[n + 1] == '/')))
		n++;
	span_take(&rest, n, &path);
	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] <= ' ' || path.at[i] >= 0x7f)
			return refuse(error, text,
				      "has a byte in the path of its socket that cannot be shown; write "
				      "unix:/run/model.sock");
	if (!copy_text(out->socket, sizeof(out->socket), path))
		return refuse(error, text, "has a socket with a path of more than 107 bytes, the most there can be; link it to a shorter one");
	snprintf(out->authority, sizeof(out->authority), "localhost");
	span_take(&rest, 1, &colon);
	if (parse_prefix(text, rest, out, error) < 0)
		return -EINVAL;
	snprintf(out->shown, sizeof(out->shown), "unix:%s:%s", out->socket, out->prefix);
	return 0;
}

static int parse_url(const char *text, struct span rest, struct target_url *out, struct buffer *error)
{
	struct span authority = span_of(NULL, 0);
	int r = take_scheme(text, &rest, out, error);

	if (r < 0)
		return r;
	if (find_byte(rest, "?#") < rest.len)
		return refuse(error, text,
			      "has a query or a fragment; a base URL ends with its path, as in "
			      "http://host:9000/base");
	span_take(&rest, find_byte(rest, "/"), &authority);
	r = parse_authority(text, authority, out, error);
	if (r < 0)
		return r;
	r = parse_prefix(text, rest, out, error);
	if (r < 0)
		return r;
	snprintf(out->shown, sizeof(out->shown), "%s://%s%s", out->is_tls ? "https" : "http", out->authority,
		 out->prefix);
	return 0;
}

int target_url_parse(const char *text, struct target_url *out, struct buffer *error)
{
	struct span rest = span_str(text), scheme = SPAN_LITERAL("unix:"), front;
	int r;

	memset(out, 0, sizeof(*out));
	r = take_name(text, &rest, out, error);
	if (r < 0)
		return r;
	if (span_equal_nocase(rest, SPAN_LITERAL("sink:"))) {
		out->is_sink = true;
		snprintf(out->authority, sizeof(out->authority), "sink");
		snprintf(out->shown, sizeof(out->shown), "sink:");
		return 0;
	}
	front = rest;
	span_truncate(&front, scheme.len);
	if (!span_equal_nocase(front, scheme))
		return parse_url(text, rest, out, error);
	span_skip(&rest, scheme.len);
	return parse_socket(text, rest, out, error);
}

bool host_is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcasecmp(host, "localhost") == 0;
}

bool target_url_is_private(const struct target_url *url)
{
	return url->is_tls || url->is_sink || url->socket[0] || host_is_loopback(url->host);
}
