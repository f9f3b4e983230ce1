/*
 * stream_keys.h - the keys of one direction of a connection, and opening a record with them
 *
 * Theory of operation. A record is protected with a key, a nonce and its number in
 * its direction, none of which it says: the keys follow from a secret, the number
 * from the place. Opening it proves all of them: a record whose tag holds is the one
 * with that number, under that key, with these bytes; a wrong one passes with 2^-128
 * (CCM-8: 2^-64). So opening is also how a number is found that is not known. A direction's cipher is
 * set up once, and a record sets the nonce only.
 *
 * TLS 1.3 changes keys within a connection; the next ones follow from the secret, which is kept for that in pages of its
 * own (secret_pages.h). Of TLS 1.2 no secret is kept. The keys themselves are OpenSSL's, in its own memory.
 *
 * Sources: RFC 8446, 5.2, 5.3, 7.1 to 7.3; RFC 5246, 5, 6.2.3, 6.3; RFC 5288; RFC 6655; RFC 7905; RFC 7366.
 * All cryptography is OpenSSL's.
 */
#ifndef TLS_STREAM_KEYS_H
#define TLS_STREAM_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/span.h"
#include "tls/key_log.h"
#include "tls/records.h"
#include "tls/secret_pages.h"
#include "tls/suites.h"

/** struct stream_keys - the zero value has none and needs no end */
struct stream_keys {
	const struct suite *suite; /* NULL: there are none */
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac; /* CBC */
	uint8_t iv[12];
	bool encrypt_then_mac;
	uint8_t secret_len;
	uint8_t *secret; /* TLS 1.3; a slot of secret_pages.h. Else NULL */
};

/** struct agreed - what TLS 1.2 makes keys of, beside the master secret */
struct agreed {
	const uint8_t *client_random, *server_random;
	bool encrypt_then_mac;
	bool of_server; /* the keys by which the server writes */
};

/**
 * stream_keys_from_secret() - TLS 1.3: a traffic secret
 * @pages:  with slots of TLS_SECRET_MAX bytes, of the thread that the keys are of; they outlive these
 * Return: 0 or negative errno, and then what was there is kept.
 */
int stream_keys_from_secret(struct stream_keys *k, const struct suite *suite, struct span secret, struct secret_pages *pages);

/** stream_keys_from_master() - TLS 1.2, likewise */
int stream_keys_from_master(struct stream_keys *k, const struct suite *suite, struct span master, const struct agreed *agreed);

/** stream_keys_next() - TLS 1.3: those after a KeyUpdate, into @next, which has none; 0 or negative errno */
int stream_keys_next(const struct stream_keys *k, struct stream_keys *next);

/** stream_keys_deinit() - wipe and free; none are there afterwards */
void stream_keys_deinit(struct stream_keys *k);

/** struct opened - the inside of a record, in the buffer that was given */
struct opened {
	struct span bytes;
	uint8_t type;   /* an enum record_type, of TLS 1.3 the inner one */
	bool is_padded; /* TLS 1.3 */
};

/**
 * stream_keys_open() - is @r the record with number @number, and what is in it?
 * @room: for RECORD_PAYLOAD_MAX bytes; anything is in it afterwards if it isn't
 */
bool stream_keys_open(struct stream_keys *k, const struct record *r, uint64_t number, uint8_t *room, struct opened *out);

#endif
