/*
 * nats_hello.h - what server and client tell each other of themselves first: INFO, and CONNECT
 *
 * Source: docs.nats.io, "Client Protocol"; NATS ADR-14 (NKeys and JWT).
 */
#ifndef RELAY_NATS_HELLO_H
#define RELAY_NATS_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "relay/credentials.h"

#define NATS_NONCE_MAX 256

/** struct nats_info - what of INFO is of use here */
struct nats_info {
	uint64_t max_payload; /* bytes of a message's headers and data */
	bool headers, tls_required, tls_available;
	char nonce[NATS_NONCE_MAX]; /* to be signed by who has a key; "": it wants no key */
};

/** nats_info_read() - the JSON of INFO; what is not in it stays as it is in @info; 0, -EPROTO (it is none) or -ENOMEM */
int nats_info_read(struct span json, struct nats_info *info);

/** struct nats_identity - who we say that we are; texts are borrowed and not NULL */
struct nats_identity {
	const char *name, *user, *password; /* a user without a password is a token */
	const struct credentials *who;      /* NULL: nobody */
	bool is_tls;
};

/**
 * nats_connect_write() - the line of CONNECT, without what comes behind it
 * @out:  empty; holds secrets then, all of them in one block of memory, for the caller to overwrite
 * Return: 0 or -ENOMEM.
 */
int nats_connect_write(const struct nats_identity *i, const struct nats_info *info, struct buffer *out);

#endif
