/*
 * digest.h - SHA-256 of bodies (to name them in events) and MD5 of their first
 * bytes (to group failures in logs); OpenSSL does the work
 *
 * MD5 protects nothing here: docs/contract.md, "Failure log", promises it because
 * people group log lines by it.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA256_BYTES 32
#define DIGEST_MD5_BYTES    16

struct digest; /* a SHA-256 that is being computed */

/** digest_new() - given to the caller; NULL when out of memory */
struct digest *digest_new(void);

/** digest_reset() - begin again, keeping the memory; false if the library refuses */
bool digest_reset(struct digest *d);

bool digest_add(struct digest *d, const void *bytes, size_t len);

bool digest_finish(struct digest *d, uint8_t out[DIGEST_SHA256_BYTES]);

void digest_free(struct digest *d);

/** md5_bytes() - MD5 of a short input, for naming only; false if the library refuses (a FIPS build may) */
bool md5_bytes(const void *bytes, size_t len, uint8_t out[DIGEST_MD5_BYTES]);

#endif
