/*
 * admin_http.h - what --admin understands and answers: bytes in, a response out, no sockets
 *
 * Theory of operation: a peer that reaches the address can send anything, so a
 * request is small or refused: a head of at most 8 KiB, a body of at most 64
 * bytes, one request at a time. What is posted, by a web hook to /decision, may
 * be longer, 8 KiB, and is thrown away. llhttp parses without any of its lenient
 * flags. What is kept of a request is of fixed size; the response is built in one
 * buffer and is as long as the report at most.
 *
 * Every peer that can connect may read. Changing the sample, and having the
 * configuration read again, is not:
 * - PUT and POST /reload work only where the listener is a loopback address or a Unix socket.
 *   The listener counts, not the peer: a proxy beside us makes a stranger come
 *   from 127.0.0.1.
 * - On loopback, every request's Host must be an IP address or "localhost". A
 *   web page in a browser on this machine may send requests to a name that it
 *   has made to mean 127.0.0.1 (DNS rebinding), and that name is in Host.
 * - Such a request with an Origin comes from a web page, and is refused. No answer has a
 *   CORS header, so that no page may read it either.
 *
 * The same bytes give the same answer however they are cut; a fuzz target
 * holds it to that.
 */
#ifndef APP_ADMIN_ADMIN_HTTP_H
#define APP_ADMIN_ADMIN_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/buffer.h"

#define ADMIN_HEAD_MAX 8192    /* request line and headers; more is 431 */
#define ADMIN_BODY_MAX 64      /* more is 413 */
#define ADMIN_HOOK_MAX 8192    /* body of a POST, which is not looked at */
#define ADMIN_REQUEST_MAX (ADMIN_HEAD_MAX + ADMIN_HOOK_MAX + 1024) /* with the framing of a chunked body */
#define ADMIN_REQUESTS_MAX 100 /* on one connection; the last response closes it */

enum admin_reach {
	ADMIN_ANYWHERE, /* may only read */
	ADMIN_LOOPBACK,
	ADMIN_UNIX,
};

/** struct admin_routes - what the responses say; everything on the loop's thread */
struct admin_routes {
	void (*metrics)(void *ctx, struct buffer *out);
	void (*stats)(void *ctx, struct buffer *out);
	void (*page)(void *ctx, struct buffer *out); /* HTML, whole */
	/* append one line or more for people; false: 503 */
	bool (*healthy)(void *ctx, struct buffer *out);
	uint64_t (*sample)(void *ctx);
	/* true, or false with the reason in @out: 409 */
	bool (*set_sample)(void *ctx, uint64_t share, struct buffer *out);
	/* append the decision as JSON; its state, as JSON has it */
	const char *(*decision)(void *ctx, struct buffer *out);
	/* read the configuration again; what came of it in @out; false if nothing was changed: 409 */
	bool (*reload)(void *ctx, struct buffer *out);
	void *ctx;
};

enum admin_state {
	ADMIN_READING,  /* wants more bytes */
	ADMIN_ANSWERED, /* ->response is whole; after it is sent, admin_http_next() or close, as ->keep says */
};

struct admin_http {
	llhttp_t parser;
	const struct admin_routes *routes; /* borrowed; NULL: every request is answered with 503 */
	enum admin_reach reach;
	enum admin_state state;
	struct buffer response;
	bool keep;
	unsigned requests; /* on this connection */

	/* of the request that is being read */
	size_t fed;
	bool head_done, has_host, bad_head, has_origin, has_expect;
	uint16_t refused; /* status that was decided before the end; 0: none */
	char field[16];   /* name of the header that is being read, lower case; longer ones are cut, and are none of ours */
	size_t field_len;
	char value[280];  /* of Host: the longest name and its port */
	size_t value_len;
	char target[64];  /* longer ones are no route */
	size_t target_len;
	size_t posted; /* bytes of a POST's body */
	char body[ADMIN_BODY_MAX + 1];
	size_t body_len;
};

/** admin_http_init() - @routes NULL: too many are here already, this one is told so */
void admin_http_init(struct admin_http *h, const struct admin_routes *routes, enum admin_reach reach);

/** admin_http_feed() - bytes, borrowed; after ADMIN_ANSWERED more are ignored, and the connection is not kept */
enum admin_state admin_http_feed(struct admin_http *h, struct span bytes);

/** admin_http_refuse() - the response is this status (408), whatever is asked, and the connection closes */
void admin_http_refuse(struct admin_http *h, unsigned status);

/** admin_http_next() - the response was sent; the next request on the same connection */
void admin_http_next(struct admin_http *h);

void admin_http_deinit(struct admin_http *h);

#endif
