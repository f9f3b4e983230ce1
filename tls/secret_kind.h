/*
 * secret_kind.h - the kinds of secrets that a key log may have, for who reads, keeps or counts them
 */
#ifndef TLS_SECRET_KIND_H
#define TLS_SECRET_KIND_H

/** enum tls_secret_kind - what a secret opens */
enum tls_secret_kind {
	TLS_MASTER_SECRET,  /* TLS 1.2: both directions */
	TLS_CLIENT_EARLY,   /* TLS 1.3: what the client sends before the server has spoken */
	TLS_CLIENT_TRAFFIC, /* ... and behind the handshake */
	TLS_SERVER_TRAFFIC,
	TLS_CLIENT_HANDSHAKE, /* ... of the handshake: not read here, but other readers of a recording need them */
	TLS_SERVER_HANDSHAKE,
	TLS_SECRET_KINDS,
};

#endif
