/* key_schedule.c - see key_schedule.h */
#include "tls/key_schedule.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define PREFIX       "tls13 "
#define PREFIX_BYTES 6

const EVP_MD *suite_digest(enum suite_hash hash)
{
	switch (hash) {
	case SUITE_SHA1:
		return EVP_sha1();
	case SUITE_SHA384:
		return EVP_sha384();
	case SUITE_SHA256:
		break;
	}
	return EVP_sha256();
}

bool key_schedule_expand(enum suite_hash hash, struct span secret, const char *label, uint8_t *out, size_t len)
{
	uint8_t info[32], block[EVP_MAX_MD_SIZE];
	size_t label_len = strlen(label), at = 0;
	unsigned int made = 0;
	bool ok;

	info[at++] = 0; /* the high byte of a length that is no more than a hash's */
	info[at++] = (uint8_t)len;
	info[at++] = (uint8_t)(PREFIX_BYTES + label_len);
	memcpy(info + at, PREFIX, PREFIX_BYTES);
	at += PREFIX_BYTES;
	memcpy(info + at, label, label_len);
	at += label_len;
	info[at++] = 0;
	info[at++] = 1; /* the first block of HKDF-Expand */
	ok = HMAC(suite_digest(hash), secret.at, (int)secret.len, info, at, block, &made) && made >= len;
	if (ok)
		memcpy(out, block, len);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}
