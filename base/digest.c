/*
 * digest.c - see digest.h
 *
 * SHA-256 is faster than memory. Bodies come from a mapped file or the kernel's
 * ring and are in no cache yet, so while one piece is worked on the next is
 * fetched. A kibibyte is as much as can be underway at once without the library
 * being called too often.
 */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/span.h"

#define PIECE_BYTES 1024

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
	struct span rest = span_of(bytes, len), piece;

	while (span_take(&rest, PIECE_BYTES, &piece)) {
		span_prefetch(rest, 0, PIECE_BYTES);
		if (EVP_DigestUpdate(d->ctx, piece.at, piece.len) != 1)
			return false;
	}
	return rest.len == 0 || EVP_DigestUpdate(d->ctx, rest.at, rest.len) == 1;
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
