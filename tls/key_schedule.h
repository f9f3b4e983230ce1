/*
 * key_schedule.h - the hash of a suite, and what TLS 1.3 makes of a secret with it
 */
#ifndef TLS_KEY_SCHEDULE_H
#define TLS_KEY_SCHEDULE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "tls/suites.h"

/** suite_digest() - OpenSSL's */
const EVP_MD *suite_digest(enum suite_hash hash);

/**
 * key_schedule_expand() - HKDF-Expand-Label (RFC 8446, 7.1) without a context
 * @label: "key", "iv" or "traffic upd"
 * @out:   @len bytes, no more than the hash has; the caller's to cleanse
 */
bool key_schedule_expand(enum suite_hash hash, struct span secret, const char *label, uint8_t *out, size_t len);

#endif
