/*
 * tls_talk.h - a client and a server of OpenSSL that speak TLS over memory, with their key log and what went over the wire
 *
 * What each side has sent is a list of flights in the order of the wire, so that a
 * test can cut, lose and repeat it as a network would.
 */
#ifndef TESTS_RIG_TLS_TALK_H
#define TESTS_RIG_TLS_TALK_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/buffer.h"

#define TALK_FLIGHTS_MAX 4096

struct tls_talk_options {
	int version;         /* TLS1_3_VERSION or TLS1_2_VERSION */
	const char *suite;   /* OpenSSL's name; NULL: its default */
	bool no_etm;         /* CBC: MAC, then encrypt */
	bool asks_again;     /* a HelloRetryRequest */
	bool big_hello;      /* the client's takes several segments */
	size_t pads_to;      /* TLS 1.3: records are padded to a multiple of it */
	size_t fragment;     /* bytes in a record at most; 0: as many as may be */
	SSL_SESSION *resume; /* borrowed */
	bool early;          /* the server takes early data */
	bool no_tickets;     /* TLS 1.2: a session is taken up by its id, which the server remembers */
};

struct tls_flight {
	bool of_server;
	struct buffer bytes;
};

struct tls_talk {
	SSL_CTX *context[2];
	SSL *ssl[2]; /* client, server */
	struct buffer key_log;
	struct tls_flight *flights;
	size_t flight_count;
	SSL_SESSION *session; /* the last that the client was given */
};

/** tls_talk_init() - connected, not yet spoken; the process ends where OpenSSL fails */
void tls_talk_init(struct tls_talk *t, const struct tls_talk_options *options);

/** tls_talk_handshake() - to its end, and what the server says behind it */
void tls_talk_handshake(struct tls_talk *t);

/** tls_talk_write() - @side (0 client, 1 server) sends, as a flight of its own, and the other side has read it */
void tls_talk_write(struct tls_talk *t, int side, struct span bytes);

/** tls_talk_early() - before the handshake: the client's early data */
void tls_talk_early(struct tls_talk *t, struct span bytes);

/** tls_talk_answer_early() - behind it: what the server says to them, before the client is done with its handshake */
void tls_talk_answer_early(struct tls_talk *t, struct span bytes);

/** tls_talk_update() - TLS 1.3: @side changes its keys with what it sends next */
void tls_talk_update(struct tls_talk *t, int side);

/** tls_talk_close() - @side says that it will send no more */
void tls_talk_close(struct tls_talk *t, int side);

/** tls_talk_pass() - what both have to say, to the other, until neither has any more */
void tls_talk_pass(struct tls_talk *t);

void tls_talk_deinit(struct tls_talk *t);

#endif
