/*
 * url.h - what -t accepts: [NAME=] and then http://host[:port][/prefix], the
 * same with https, unix:/path/to/socket[:/prefix], or sink:
 */
#ifndef REPLAY_URL_H
#define REPLAY_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

#define TARGET_SOCKET_MAX 108 /* what sockaddr_un holds, with its NUL */

struct target_url {
	char name[64];                  /* "default" when none was given */
	char host[256];                 /* without brackets; "" for sink: and unix: */
	char authority[272];            /* host[:port] as written, for Host; "localhost" for unix: */
	char prefix[1024];              /* "" or "/base", no final slash */
	char shown[1400];               /* what a path is put after in messages; no user info: safe to log */
	char socket[TARGET_SOCKET_MAX]; /* path of a Unix socket; "" for all but unix: */
	uint16_t port;                  /* 0 for sink: and unix: */
	bool is_sink;
	bool is_tls;
};

/**
 * target_url_parse() - RFC 3986, the parts that make sense for a base URL
 * @error:  one sentence: what is wrong and an example that works
 * Return: 0 or -EINVAL (no scheme, another scheme, user info, query, fragment, port 0 or above 65535, no host, a bad
 * name, a socket's path that is not absolute or too long).
 */
int target_url_parse(const char *text, struct target_url *out, struct buffer *error);

/** host_is_loopback() - "localhost", or an address of this host alone; names are not looked up */
bool host_is_loopback(const char *host);

/** target_url_is_private() - does what is sent there leave this host only encrypted? https:, unix:, sink:, a loopback address */
bool target_url_is_private(const struct target_url *url);

#endif
