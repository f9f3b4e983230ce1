/*
 * tls_trust.h - whom a connection of ours believes, and who we are: the files of --cacert, --cert and --key
 */
#ifndef BASE_TLS_TRUST_H
#define BASE_TLS_TRUST_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/buffer.h"

/**
 * tls_trust_load() - read the authorities of @ca_file, or those of the system if it is NULL, now
 * @error:  on failure one sentence
 * Return: 0 or a negative errno.
 */
int tls_trust_load(SSL_CTX *ctx, const char *ca_file, struct buffer *error);

/**
 * tls_trust_text() - append the authorities of the system, as text, for tls_trust_add(); nothing if there are none
 * For who will hardly need them: taking them apart takes 20 ms.
 */
void tls_trust_text(struct buffer *out);

/** tls_trust_add() - believe those of @text, in PEM form; false: there is none in it */
bool tls_trust_add(SSL_CTX *ctx, struct span text);

/**
 * tls_identity_load() - our own certificate with its chain, and its key
 * @cert_file:  NULL: none, and nothing is done
 * @key_file:   NULL: in @cert_file
 * @error:      on failure one sentence
 * Return: 0 or -EINVAL. A key with a passphrase is refused: nobody is asked for it.
 */
int tls_identity_load(SSL_CTX *ctx, const char *cert_file, const char *key_file, struct buffer *error);

/** tls_reason() - static text of the first error in OpenSSL's queue, which is emptied */
const char *tls_reason(void);

#endif
