/*
 * last_byte.h - which numbers may a record of TLS 1.3 have, by its last byte alone?
 *
 * Theory of operation. Opening a record costs as much as the record is long, and with the wrong number nothing
 * comes of it. But in TLS 1.3 the last byte of what is protected is the record's true type, and if the record is padded, a
 * zero; and the suites encrypt by adding a keystream, of which that byte needs one block. So under a wrong number
 * or a wrong secret the byte that comes out is any, and three of 256 say that the record is worth a trial:
 * data, a handshake message, padding. The tag decides about these (stream_keys.h).
 *
 * AES makes the blocks of many numbers in one call, since a block of the counter mode that both GCM and CCM use is one of AES under
 * the nonce and the block's place. ChaCha20 has the nonce in its state, and is asked once for each number.
 *
 * Sources: RFC 8446, 5.2 to 5.4; NIST SP 800-38D, 6.5; RFC 3610, 2.3; RFC 8439, 2.4.
 * All cryptography is OpenSSL's.
 */
#ifndef TLS_LAST_BYTE_H
#define TLS_LAST_BYTE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "tls/records.h"
#include "tls/suites.h"

#define LAST_BYTE_NUMBERS 64 /* in one call */

/** struct last_byte - of one secret and suite; the zero value needs no end */
struct last_byte {
	const struct suite *suite;
	EVP_CIPHER_CTX *cipher;
	uint8_t iv[12];
};

/** last_byte_init() - @suite: of TLS 1.3; @secret: a traffic secret of its length; false when out of memory */
bool last_byte_init(struct last_byte *l, const struct suite *suite, struct span secret);

/** last_byte_likely() - bit i: @r may be the record with the number @from + i; i < @count, LAST_BYTE_NUMBERS at most */
uint64_t last_byte_likely(struct last_byte *l, const struct record *r, uint64_t from, size_t count);

/** last_byte_deinit() - wipe and free */
void last_byte_deinit(struct last_byte *l);

#endif
