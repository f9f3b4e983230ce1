/*
 * fault_server.h - a server that does, byte for byte, what a table says
 *
 * Each connection gets a script: read a request, send these bytes, wait, reset.
 * The first connection gets the first script, and so on; the last one serves
 * all that follow. One thread per connection, blocking sockets on loopback.
 */
#ifndef TESTS_RIG_FAULT_SERVER_H
#define TESTS_RIG_FAULT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum fault_op {
	FAULT_END,          /* of the script: close, in order */
	FAULT_READ_REQUEST, /* up to the end of its body (content-length) */
	FAULT_READ_HEAD,    /* up to the end of its head, byte by byte: the body stays in the socket */
	FAULT_SEND,         /* text */
	FAULT_FLOOD,        /* n bytes of 'x' */
	FAULT_DRIP,         /* text, one byte each n milliseconds */
	FAULT_DELAY,        /* n milliseconds */
	FAULT_HOLD,         /* until the peer closes; what it sends is read and dropped */
	FAULT_RESET,        /* close with RST */
	FAULT_AGAIN,        /* from the first step */
	FAULT_TLS,          /* the handshake, if it was not done yet; if it fails the script ends */
	FAULT_TICKET,       /* TLS 1.3: send another session ticket */
	FAULT_KEY_UPDATE,   /* TLS 1.3: change keys and ask the peer to do so, too */
	FAULT_GOODBYE,      /* close_notify */
	FAULT_SEND_PLAIN,   /* text, past TLS */
};

struct fault_step {
	enum fault_op op;
	const char *text;
	size_t n;
};

struct fault_server;

/**
 * fault_server_start() - listen on 127.0.0.1 (@family 4) or ::1 (6); fails the test if it cannot
 * @scripts: ends with NULL; borrowed
 */
struct fault_server *fault_server_start(int family, const struct fault_step *const *scripts);

/** fault_server_start_tls() - on 127.0.0.1, with @ctx, which is the caller's */
struct fault_server *fault_server_start_tls(const struct fault_step *const *scripts, SSL_CTX *ctx);

/** fault_server_start_unix() - on a Unix socket at @path, which the caller removes */
struct fault_server *fault_server_start_unix(const char *path, const struct fault_step *const *scripts);

uint16_t fault_server_port(const struct fault_server *s);
unsigned fault_server_connections(const struct fault_server *s); /* accepted so far */
unsigned fault_server_secured(const struct fault_server *s);     /* handshakes that ended well */
unsigned fault_server_resumed(const struct fault_server *s);     /* of these, those that took up a session */
unsigned fault_server_requests(const struct fault_server *s);    /* read whole so far */

/** fault_server_is_quiet() - has each connection done all that it does before something more comes, if that is anything? */
bool fault_server_is_quiet(const struct fault_server *s);

/** fault_server_last() - the bytes of the last request that was read whole; @out of @size, returns the length */
size_t fault_server_last(struct fault_server *s, char *out, size_t size);

void fault_server_stop(struct fault_server *s);

/** fault_refusing_port() - a port of 127.0.0.1 that refuses; *@fd keeps it so and is the caller's to close */
uint16_t fault_refusing_port(int *fd);

/** fault_silent_port() - a port of 127.0.0.1 where connect() gets no response; close the @fds afterwards */
#define FAULT_SILENT_FDS 4
uint16_t fault_silent_port(int fds[FAULT_SILENT_FDS]);

#endif
