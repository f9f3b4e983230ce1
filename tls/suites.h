/*
 * suites.h - cipher suites that can be read, and what each is made of
 *
 * The numbers and names are IANA's (TLS Cipher Suites). How keys were agreed and
 * who has proved who he is makes no difference to a reader who is given the secret.
 */
#ifndef TLS_SUITES_H
#define TLS_SUITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum suite_mode { SUITE_GCM, SUITE_CCM, SUITE_CHACHA, SUITE_CBC };

enum suite_hash { SUITE_SHA1, SUITE_SHA256, SUITE_SHA384 };

struct suite {
	uint16_t number, version;
	enum suite_mode mode;
	uint8_t key_len, tag_len; /* CBC: of the MAC */
	enum suite_hash hash;     /* of the key schedule; with CBC of the MAC */
	const char *name;
};

/** suite_find() - NULL if records under it cannot be read */
const struct suite *suite_find(uint16_t version, uint16_t number);

#define SUITES_OF_SECRET_MAX 4 /* of TLS 1.3, those whose secrets are equally long */

/** suite_of_secret() - the @i-th suite of TLS 1.3 whose traffic secrets are @secret_len bytes long; NULL: there are no more */
const struct suite *suite_of_secret(size_t secret_len, size_t i);

/** suite_secret_len() - TLS 1.3: bytes of a traffic secret */
size_t suite_secret_len(const struct suite *s);

/** suite_fixed_iv() - bytes of a nonce that the keys say; the others are in the record, or its number */
size_t suite_fixed_iv(const struct suite *s);

/** suite_explicit_iv() - ... those that are in the record */
size_t suite_explicit_iv(const struct suite *s);

/** suite_overhead() - bytes of a whole record, header included, beside its plaintext; 0: that differs from record to record */
size_t suite_overhead(const struct suite *s);

/** suite_record_min() - bytes of the smallest record with data, header included */
size_t suite_record_min(const struct suite *s);

#endif
