/*
 * url.h - what -t accepts: [NAME=]http://host[:port][/prefix], and sink:
 */
#ifndef REPLAY_URL_H
#define REPLAY_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct target_url {
	char name[64];       /* "default" when none was given */
	char host[256];      /* without brackets; "" for sink: */
	char authority[272]; /* host[:port] as written, for Host and for messages */
	char prefix[1024];   /* "" or "/base", no final slash */
	char shown[1400];    /* scheme://authority/prefix, no user info: safe to log */
	uint16_t port;
	bool is_sink;
};

/**
 * target_url_parse() - RFC 3986, the parts that make sense for a base URL
 * @error:  one sentence: what is wrong and an example that works
 * Return: 0 or -EINVAL (no scheme, another scheme, user info, query, fragment, port 0 or above 65535, no host, a bad name).
 */
int target_url_parse(const char *text, struct target_url *out, struct buffer *error);

#endif
