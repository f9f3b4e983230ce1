/*
 * nats_wire.h - the bytes of a connection to a server of NATS: a socket that never blocks, and TLS on it
 */
#ifndef RELAY_NATS_WIRE_H
#define RELAY_NATS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/socket_bio.h"

struct ssl_ctx_st;
struct ssl_st;

/** struct nats_wire - its owner's one thread's; NATS_WIRE_NONE is closed */
struct nats_wire {
	struct socket_bio socket;
	struct ssl_st *tls; /* NULL: none */
	bool has_more;      /* there may be bytes that the last read left, and that poll() knows nothing of */
	bool wants_write;   /* what TLS does next waits until the socket takes bytes */
};
#define NATS_WIRE_NONE ((struct nats_wire){ .socket.fd = -1 })

/** nats_wire_open() - connect to @address until @deadline; 0 or a negative errno, nothing left open then */
int nats_wire_open(struct nats_wire *w, const struct sockaddr_storage *address, struct mono deadline);

/**
 * nats_wire_secure() - TLS with the server, which must be @host: a name, which is sent (SNI), or an address
 * @w:    stays where it is from here on, until nats_wire_close()
 * @why:  appended on failure: what failed, in words
 * Return: 0; -EKEYREJECTED (its certificate is not believed), -EPROTO (TLS failed otherwise), -ETIMEDOUT, another negative errno.
 */
int nats_wire_secure(struct nats_wire *w, struct ssl_ctx_st *context, const char *host, bool insecure, struct mono deadline,
		     struct buffer *why);

/**
 * nats_wire_read() - what has come, up to @size bytes
 * Return: bytes; 0: the server closed; -EAGAIN: nothing has come; -EPROTO: tls_reason() says what of TLS failed;
 * another negative errno.
 */
ssize_t nats_wire_read(struct nats_wire *w, void *out, size_t size);

/**
 * nats_wire_write() - as many of the bytes as are taken at once
 * Return: as of nats_wire_read(), but never 0; after -EAGAIN call again with the same bytes, wherever they are, or with more.
 */
ssize_t nats_wire_write(struct nats_wire *w, const void *bytes, size_t len);

enum { NATS_WIRE_READY = 1, NATS_WIRE_WAKE = 2 };

/**
 * nats_wire_poll() - wait until @w can be read, or @deadline has passed
 * @writes:   or until it can be written
 * @wake_fd:  or until this can be read; -1: none
 * Return: NATS_WIRE_READY, NATS_WIRE_WAKE, both, or 0: time is over.
 */
unsigned nats_wire_poll(const struct nats_wire *w, bool writes, int wake_fd, struct mono deadline);

void nats_wire_close(struct nats_wire *w);

#endif
