/* http_once.c - see http_once.h */
#include "app/cases/http_once.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/cases/told_response.h"
#include "base/write_all.h"
#include "replay/aim.h"
#include "replay/url.h"

#define SECONDS_MAX        60
#define RESPONSE_BYTES_MAX (64u << 20)
#define PIECE              (64u << 10)

struct http_shadow {
	struct target_url url;
	struct addresses at;
};

/* ---- where it leads ---- */

static int look_up(struct http_shadow *s)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char port[8];

	snprintf(port, sizeof(port), "%u", s->url.port);
	if (getaddrinfo(s->url.host, port, &hints, &list) != 0)
		return -ENOENT;
	for (const struct addrinfo *a = list; a && s->at.count < ADDRESSES_MAX; a = a->ai_next)
		memcpy(&s->at.at[s->at.count++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return s->at.count > 0 ? 0 : -ENOENT;
}

/** read_endpoint() - of "192.0.2.1:80" or "[2001:db8::1]:80", as endpoint_text() writes it */
static bool read_endpoint(const char *text, struct endpoint *out)
{
	const char *colon = strrchr(text, ':');
	char address[ENDPOINT_TEXT_MAX];
	struct in_addr four;
	size_t len;

	*out = (struct endpoint){ .family = 0 };
	if (!colon || (size_t)(colon - text) >= sizeof(address))
		return false;
	len = (size_t)(colon - text);
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, &four) == 1) {
		endpoint_set_ipv4(out, ntohl(four.s_addr), (uint16_t)atoi(colon + 1));
		return true;
	}
	if (len < 2 || address[0] != '[' || address[len - 1] != ']')
		return false;
	address[len - 1] = '\0';
	out->family = 6;
	out->port = (uint16_t)atoi(colon + 1);
	return inet_pton(AF_INET6, address + 1, out->addr) == 1;
}

static bool is_production(const struct http_shadow *s, const char *production)
{
	struct aim aim = { .is_here = true };
	struct endpoint server;

	aim_set(&aim, &s->at);
	return read_endpoint(production, &server) && aim_is(&aim, &server);
}

int http_shadow_new(const char *url, const char *production, struct http_shadow **out, struct buffer *error)
{
	struct http_shadow *s = calloc(1, sizeof(*s));
	int err = s ? target_url_parse(url, &s->url, error) : -ENOMEM;

	if (err == 0 && (s->url.is_tls || s->url.is_sink || s->url.socket[0])) {
		buffer_printf(error, "\"%.200s\": only http:// is spoken here; a proxy in front of it can do the rest", url);
		err = -EINVAL;
	}
	if (err == 0 && (err = look_up(s)) < 0)
		buffer_printf(error, "there is no host \"%s\"; check the URL", s->url.host);
	if (err == 0 && is_production(s, production)) {
		buffer_printf(error, "\"%.200s\" is the service that the case comes from, %s: name the shadow", url, production);
		err = -EPERM;
	}
	if (err < 0) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

/* ---- one exchange ---- */

static int connect_to(const struct http_shadow *s)
{
	const struct timeval most = { .tv_sec = SECONDS_MAX };
	int fd = -1, err = -ENOENT;

	for (size_t i = 0; i < s->at.count; i++) {
		const struct sockaddr *to = (const struct sockaddr *)&s->at.at[i];
		socklen_t len = to->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

		fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
		if (connect(fd, to, len) == 0)
			return fd;
		err = -errno;
		close(fd);
	}
	return err;
}

static void add_head(const struct http_shadow *s, const struct http_once *r, size_t len, struct buffer *out)
{
	buffer_add_span(out, r->method);
	buffer_printf(out, " %s", s->url.prefix);
	buffer_add_span(out, r->target);
	buffer_printf(out, " HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n", s->url.authority, len);
	for (size_t i = 0; i < r->header_count; i++) {
		buffer_add_span(out, r->headers[i].name);
		buffer_add_str(out, ": ");
		buffer_add_span(out, r->headers[i].value);
		buffer_add_str(out, "\r\n");
	}
	buffer_add_str(out, "\r\n");
}

/** is_complete() - is it whole although the server keeps the connection open? */
static bool is_complete(const struct buffer *response)
{
	struct told_response told = { 0 };
	const char *error;
	bool yes = told_response_read(&told, buffer_span(response), &error) == 0 && told.is_delimited;

	told_response_deinit(&told);
	return yes;
}

static int read_response(int fd, struct buffer *out)
{
	while (!is_complete(out)) {
		char *room = buffer_room(out, PIECE);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = read(fd, room, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return out->len > 0 ? 0 : -ECONNRESET;
		out->len += (size_t)n;
		if (out->len > RESPONSE_BYTES_MAX)
			return -EFBIG;
	}
	return 0;
}

int http_once(const struct http_shadow *s, const struct http_once *request, struct span body, struct buffer *response)
{
	struct buffer head = { 0 };
	int fd = connect_to(s), err = fd < 0 ? fd : 0;

	add_head(s, request, body.len, &head);
	if (err == 0 && !buffer_ok(&head))
		err = -ENOMEM;
	if (err == 0 && (err = write_all(fd, buffer_span(&head))) == 0)
		err = write_all(fd, body);
	if (err == 0)
		err = read_response(fd, response);
	buffer_deinit(&head);
	if (fd >= 0)
		close(fd);
	return err;
}

void http_shadow_free(struct http_shadow *s)
{
	free(s);
}
