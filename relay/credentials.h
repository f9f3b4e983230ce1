/*
 * credentials.h - who we are to a broker: NKeys, and the files in which they come
 *
 * A seed is an Ed25519 private key as text, "SU" and base32. --nkey names a file with one; --creds one with a token
 * (JWT) and a seed, between lines of dashes. Both are read before rights are given up.
 */
#ifndef RELAY_CREDENTIALS_H
#define RELAY_CREDENTIALS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"

#define NKEY_TEXT 60          /* of a seed or a public key, with its NUL and room */
#define CREDENTIALS_MAX 65536 /* bytes of a file */

/** struct credentials - of a user; the zero value is nobody */
struct credentials {
	struct buffer token;     /* the JWT, NUL ended; empty with --nkey */
	char seed[NKEY_TEXT];    /* "": none */
	char public_key[NKEY_TEXT]; /* of the seed */
};

/**
 * credentials_nkey() - a file's @text with a seed, as nsc and nk write it
 * @out:  zero; credentials_deinit() overwrites it
 * Return: 0, or -EINVAL: there is no seed of a user in it.
 */
int credentials_nkey(struct span text, struct credentials *out);

/** credentials_creds() - the same of a file with a token and a seed; -ENOMEM, too */
int credentials_creds(struct span text, struct credentials *out);

/**
 * credentials_sign() - @nonce, signed with the seed: base64url (RFC 4648, 5) without padding of Ed25519 (RFC 8032)
 * @out:  CREDENTIALS_SIGNATURE bytes
 * Return: 0, -EINVAL (there is no seed) or -ENOMEM.
 */
#define CREDENTIALS_SIGNATURE 87 /* with its NUL */
int credentials_sign(const struct credentials *c, struct span nonce, char *out);

/** credentials_deinit() - nothing of them stays in memory */
void credentials_deinit(struct credentials *c);

#endif
