/*
 * tls_session.h - under what a request came that was read from TLS
 *
 * One for each connection, shared by its requests, which outlive it on another
 * thread: so references are counted atomically. Nothing in it changes, and nothing in it is secret.
 */
#ifndef MESSAGE_TLS_SESSION_H
#define MESSAGE_TLS_SESSION_H

#include <stdatomic.h>
#include <stdint.h>

#define TLS_SESSION_RANDOM 32

struct tls_session {
	atomic_uint references;
	uint16_t version;   /* as on the wire: 0x0304 is TLS 1.3 */
	uint8_t random[TLS_SESSION_RANDOM]; /* the client's, by which its secrets are known */
	const char *cipher; /* the suite's name, which lives for ever */
	char name[];        /* of the server, as the client said it; "" if it did not */
};

/** tls_session_new() - with one reference; @name and @random are copied; NULL when out of memory */
struct tls_session *tls_session_new(uint16_t version, const char *cipher, const char *name,
				    const uint8_t random[TLS_SESSION_RANDOM]);

/** tls_session_ref() - one more user; returns @s, which may be NULL */
struct tls_session *tls_session_ref(struct tls_session *s);

/** tls_session_unref() - the last one frees it; NULL allowed */
void tls_session_unref(struct tls_session *s);

/** tls_session_version() - "1.3", "1.2" */
const char *tls_session_version(const struct tls_session *s);

#endif
