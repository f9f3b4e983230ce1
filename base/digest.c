/* digest.c - see digest.h */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *digest_new(void)
{
	struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1) {
		digest_free(d);
		return NULL;
	}
	return d;
}

bool digest_reset(struct digest *d)
{
	return EVP_DigestInit_ex(d->ctx, NULL, NULL) == 1; /* to name the algorithm is to look it up again */
}

bool digest_add(struct digest *d, const void *bytes, size_t len)
{
	return len == 0 || EVP_DigestUpdate(d->ctx, bytes, len) == 1;
}

bool digest_finish(struct digest *d, uint8_t out[DIGEST_SHA256_BYTES])
{
	return EVP_DigestFinal_ex(d->ctx, out, NULL) == 1;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

bool md5_bytes(const void *bytes, size_t len, uint8_t out[DIGEST_MD5_BYTES])
{
	return EVP_Digest(bytes, len, out, NULL, EVP_md5(), NULL) == 1;
}
