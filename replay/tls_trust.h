/*
 * tls_trust.h - the certificate authorities that a target's certificate is checked against
 */
#ifndef REPLAY_TLS_TRUST_H
#define REPLAY_TLS_TRUST_H

#include <openssl/ssl.h>

#include "base/buffer.h"

/**
 * tls_trust_load() - read the authorities of @ca_file, or those of the system if it is NULL, now
 * @error:  on failure one sentence
 * Return: 0 or a negative errno.
 */
int tls_trust_load(SSL_CTX *ctx, const char *ca_file, struct buffer *error);

/** tls_reason() - static text of the first error in OpenSSL's queue, which is emptied */
const char *tls_reason(void);

#endif
