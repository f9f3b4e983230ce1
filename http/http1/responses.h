/*
 * responses.h - the responses of one connection: where the server is in them
 */
#ifndef HTTP_HTTP1_RESPONSES_H
#define HTTP_HTTP1_RESPONSES_H

#include <stdint.h>

#include <llhttp.h>

#include "http/http1/llhttp_rules.h"

struct http;

/* Where in the responses the server is. What requests.c may know of it is in struct rounds (followed, switched). */
enum response_state {
	RESPONSES_LOST, /* it is not known where the next starts: wait for a segment that starts with a status line */
	RESPONSES_BETWEEN,
	RESPONSES_HEAD,     /* in a response; its head is not complete */
	RESPONSES_BODY,     /* llhttp's, to the end of the response */
	RESPONSES_COUNTED,  /* in a body whose head was scanned: llhttp knows nothing of it */
	RESPONSES_SWITCHED, /* the last one ended HTTP: no more are read */
};

/** struct responses - where in them the server is, and the one at hand */
struct responses {
	enum response_state state;
	uint64_t start;         /* offset of the first byte of the response at hand */
	uint64_t requests_read; /* how far the server had read the requests then */
	size_t unread;          /* bytes of the last segment behind the end of HTTP/1 */
	uint32_t head_bytes;    /* of its head and of interim ones before it */
	uint64_t left;          /* of a body with Content-Length */
	uint64_t length;        /* Content-Length of the response at hand, or 0 */
	struct response_chunks chunks;
	llhttp_t parser;
};

/* responses.c: what llhttp says about a response. */
int responses_head_complete(struct http *h);
void responses_body(struct http *h, size_t len);
int responses_complete(struct http *h);

/** response_callbacks_init() - @kept: for responses that pairs.c keeps */
void response_callbacks_init(llhttp_settings_t *plain, llhttp_settings_t *kept);

#endif
