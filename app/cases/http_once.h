/*
 * http_once.h - one request to a shadow, and its whole response: for commands, which may wait
 *
 * HTTP/1.1 over TCP, a connection for each request. A run has its own client
 * (replay/), which never waits.
 */
#ifndef APP_CASES_HTTP_ONCE_H
#define APP_CASES_HTTP_ONCE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"
#include "message/header_list.h"

/** struct http_once - where requests go */
struct http_once {
	struct span method, target; /* the target is put after the URL's path */
	const struct header *headers;
	size_t header_count;
};

struct http_shadow;

/**
 * http_shadow_new() - look up the host of @url, once
 * @production: "192.0.2.1:80", what it must not be; "" if that is not known
 * @error:      on failure one sentence
 * Return: 0, -EINVAL (no http:// URL), -EPERM (it leads to production), -ENOENT (no such host), or -ENOMEM.
 */
int http_shadow_new(const char *url, const char *production, struct http_shadow **out, struct buffer *error);

/** http_once() - send, and append the response as it comes, with its head; 0 or a negative errno */
int http_once(const struct http_shadow *s, const struct http_once *request, struct span body, struct buffer *response);

void http_shadow_free(struct http_shadow *s); /* NULL allowed */

#endif
