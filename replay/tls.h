/*
 * tls.h - TLS between our sockets and a target, with OpenSSL
 *
 * A context belongs to one target: whom it believes, who it is, and the session
 * that the next connection resumes. A struct tls_client is one connection's part of
 * it. Nothing here blocks, and nothing reads a file after tls_context_new().
 */
#ifndef REPLAY_TLS_H
#define REPLAY_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"

/** struct tls_options - files are PEM, borrowed, and read by tls_context_new() only */
struct tls_options {
	const char *ca_file;   /* NULL: the authorities that the system believes */
	const char *cert_file; /* our own certificate and its chain; NULL: none */
	const char *key_file;  /* NULL: in cert_file */
	bool insecure;         /* believe every certificate */
};

struct tls_context;
struct tls_client;

/**
 * tls_context_new() - read the files and get ready to speak to @host
 * @host:      a name, which is sent (SNI) and must be in the certificate, or an address, which must be in it
 * @protocol:  what will be spoken, by its name in ALPN, "http/1.1" or "h2"
 * @error:     on failure one sentence: which file, why, what to do
 * Return: 0 or a negative errno.
 */
int tls_context_new(const struct tls_options *options, const char *host, const char *protocol,
		    struct tls_context **out, struct buffer *error);

/** tls_context_free() - no struct tls_client of it may be left */
void tls_context_free(struct tls_context *c);

/** tls_client_new() - TLS on @fd, which is connected, non-blocking, and stays the caller's; NULL when out of memory */
struct tls_client *tls_client_new(struct tls_context *c, int fd);

/** tls_client_chose() - after the handshake: did the peer choose @protocol by ALPN? A peer that knows no ALPN chooses nothing */
bool tls_client_chose(const struct tls_client *t, const char *protocol);

/*
 * The next three return a negative errno; these have a meaning of their own:
 *
 *   -EAGAIN   not now: wait until the socket is readable, or writable if tls_client_wants_write()
 *   -ENODATA  the peer closed the socket and did not say so in TLS (close_notify)
 *   -EPROTO   TLS failed, tls_client_failure() says why
 */

/** tls_client_handshake() - go on with it; 0 once it is complete and, unless insecure, the peer is who it should be */
int tls_client_handshake(struct tls_client *t);

/** tls_client_read() - bytes of at most one record; 0: the peer closed in order */
ssize_t tls_client_read(struct tls_client *t, void *out, size_t size);

/** tls_client_write() - at most one record's worth; after -EAGAIN call again with the same bytes, wherever they are */
ssize_t tls_client_write(struct tls_client *t, const void *bytes, size_t len);

bool tls_client_wants_write(const struct tls_client *t);

/** tls_client_has_more() - did the last tls_client_read() give a record so full that another is likely to be there? */
bool tls_client_has_more(const struct tls_client *t);

/**
 * tls_client_is_quiet() - take in what came on an idle connection; true if it was nothing but TLS's own business
 *
 * Session tickets may come at any time (RFC 8446, 4.6.1); they are kept, and the connection is as good as before.
 */
bool tls_client_is_quiet(struct tls_client *t);

/**
 * tls_client_is_accepted() - after the handshake: has the peer accepted us, too?
 *
 * With TLS 1.3 the client is done first. A server that asked for a certificate says no afterwards, in place of its first response.
 */
bool tls_client_is_accepted(const struct tls_client *t);

/** TLS_UNACCEPTED - what is said of a connection that the peer ended before that, without a word of why */
#define TLS_UNACCEPTED "ended before the answer, by a server that had asked for a certificate (--cert)"

/** tls_client_failure() - after -EPROTO: static text, such as "certificate has expired" */
const char *tls_client_failure(const struct tls_client *t);

/** tls_client_free() - say goodbye, if that is possible at once; the socket is not closed */
void tls_client_free(struct tls_client *t);

#endif
