/* last_byte.c - see last_byte.h */
#include "tls/last_byte.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/word.h"
#include "tls/key_schedule.h"

#define NONCE_BYTES        12
#define AES_BLOCK_BYTES    16
#define CHACHA_BLOCK_BYTES 64
#define GCM_FIRST          2 /* the counter of the first block of data: 0 makes the hash's key, 1 the tag's */
#define CCM_FIRST          1 /* ... 0 the tag's */
#define CCM_FLAGS          2 /* bytes of the counter, less one */
#define CHACHA_FIRST       1 /* ... 0 the tag's key */

static const EVP_CIPHER *cipher_of(const struct suite *s)
{
	if (s->mode == SUITE_CHACHA)
		return EVP_chacha20();
	return s->key_len == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
}

bool last_byte_init(struct last_byte *l, const struct suite *suite, struct span secret)
{
	uint8_t key[32];
	bool ok;

	*l = (struct last_byte){ .suite = suite, .cipher = EVP_CIPHER_CTX_new() };
	ok = l->cipher && key_schedule_expand(suite->hash, secret, "key", key, suite->key_len) &&
	     key_schedule_expand(suite->hash, secret, "iv", l->iv, sizeof(l->iv)) &&
	     EVP_EncryptInit_ex(l->cipher, cipher_of(suite), NULL, key, NULL);
	OPENSSL_cleanse(key, sizeof(key));
	if (ok)
		EVP_CIPHER_CTX_set_padding(l->cipher, 0);
	else
		last_byte_deinit(l);
	return ok;
}

void last_byte_deinit(struct last_byte *l)
{
	EVP_CIPHER_CTX_free(l->cipher);
	OPENSSL_cleanse(l, sizeof(*l));
}

/** put_nonce() - RFC 8446, 5.3: the number is added to the last eight bytes, the highest of it first */
static void put_nonce(const struct last_byte *l, uint64_t number, uint8_t *out)
{
	memcpy(out, l->iv, NONCE_BYTES - 8);
	store_le64(out + NONCE_BYTES - 8, load_le64(l->iv + NONCE_BYTES - 8) ^ __builtin_bswap64(number));
}

static void put_counter(uint8_t *end, uint32_t counter, size_t bytes)
{
	while (bytes-- > 0) {
		*--end = (uint8_t)counter;
		counter >>= 8;
	}
}

/** put_block() - what AES makes the block of the keystream of: @index counts from the first of the data */
static void put_block(const struct last_byte *l, uint64_t number, uint32_t index, uint8_t *out)
{
	if (l->suite->mode == SUITE_GCM) {
		put_nonce(l, number, out);
		put_counter(out + AES_BLOCK_BYTES, GCM_FIRST + index, 4);
		return;
	}
	out[0] = CCM_FLAGS;
	put_nonce(l, number, out + 1);
	put_counter(out + AES_BLOCK_BYTES, CCM_FIRST + index, 3);
}

/** aes_bytes() - of the keystreams of @count numbers, the bytes at @place; false if OpenSSL fails */
static bool aes_bytes(struct last_byte *l, size_t place, uint64_t from, size_t count, uint8_t *out)
{
	uint8_t in[LAST_BYTE_NUMBERS * AES_BLOCK_BYTES] = { 0 }, made[sizeof(in)];
	uint32_t index = (uint32_t)(place / AES_BLOCK_BYTES);
	int len = 0;

	for (size_t i = 0; i < count; i++)
		put_block(l, from + i, index, in + i * AES_BLOCK_BYTES);
	if (!EVP_EncryptUpdate(l->cipher, made, &len, in, (int)(count * AES_BLOCK_BYTES)))
		return false;
	for (size_t i = 0; i < count; i++)
		out[i] = made[i * AES_BLOCK_BYTES + place % AES_BLOCK_BYTES];
	return true;
}

static bool chacha_bytes(struct last_byte *l, size_t place, uint64_t from, size_t count, uint8_t *out)
{
	static const uint8_t zeros[CHACHA_BLOCK_BYTES];
	uint8_t counter[4 + NONCE_BYTES], made[CHACHA_BLOCK_BYTES];
	uint32_t index = CHACHA_FIRST + (uint32_t)(place / CHACHA_BLOCK_BYTES);
	int len = 0;

	for (int i = 0; i < 4; i++)
		counter[i] = (uint8_t)(index >> 8 * i);
	for (size_t i = 0; i < count; i++) {
		put_nonce(l, from + i, counter + 4);
		if (!EVP_EncryptInit_ex(l->cipher, NULL, NULL, NULL, counter) ||
		    !EVP_EncryptUpdate(l->cipher, made, &len, zeros, (int)(place % CHACHA_BLOCK_BYTES) + 1))
			return false;
		out[i] = made[place % CHACHA_BLOCK_BYTES];
	}
	return true;
}

static bool is_worth_trying(uint8_t last)
{
	return last == RECORD_APPLICATION_DATA || last == RECORD_HANDSHAKE || last == 0;
}

uint64_t last_byte_likely(struct last_byte *l, const struct record *r, uint64_t from, size_t count)
{
	uint8_t keystream[LAST_BYTE_NUMBERS];
	uint64_t likely = 0;
	size_t place;
	bool ok;

	if (r->payload.len <= l->suite->tag_len)
		return 0;
	place = r->payload.len - l->suite->tag_len - 1;
	ok = l->suite->mode == SUITE_CHACHA ? chacha_bytes(l, place, from, count, keystream)
					    : aes_bytes(l, place, from, count, keystream);
	for (size_t i = 0; ok && i < count; i++)
		likely |= (uint64_t)is_worth_trying(keystream[i] ^ r->payload.at[place]) << i;
	OPENSSL_cleanse(keystream, sizeof(keystream));
	return likely;
}
