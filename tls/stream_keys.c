/* stream_keys.c - see stream_keys.h */
#include "tls/stream_keys.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "tls/hello.h"
#include "tls/key_schedule.h"

#define BLOCK_BYTES 16
#define NONCE_BYTES 12
#define HASH_MAX    48
#define KEYS_MAX    (2 * (48 + 32 + 12)) /* of TLS 1.2, both directions */
#define AAD_MAX     13

static const char *digest_name(enum suite_hash hash)
{
	return hash == SUITE_SHA1 ? "SHA1" : hash == SUITE_SHA384 ? "SHA384"
								  : "SHA256";
}

/** schedule_hash() - of the key schedule: never SHA-1, which in TLS 1.2 is of MACs only */
static enum suite_hash schedule_hash(const struct suite *s)
{
	return s->hash == SUITE_SHA384 ? SUITE_SHA384 : SUITE_SHA256;
}

static const EVP_CIPHER *cipher_of(const struct suite *s)
{
	bool is_long = s->key_len == 32;

	switch (s->mode) {
	case SUITE_GCM:
		return is_long ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	case SUITE_CCM:
		return is_long ? EVP_aes_256_ccm() : EVP_aes_128_ccm();
	case SUITE_CBC:
		return is_long ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
	case SUITE_CHACHA:
		break;
	}
	return EVP_chacha20_poly1305();
}

static void put_number(uint8_t *out, uint64_t n, size_t bytes)
{
	while (bytes-- > 0) {
		out[bytes] = (uint8_t)n;
		n >>= 8;
	}
}

/** set_cipher() - @key: as long as the suite says */
static int set_cipher(struct stream_keys *k, const uint8_t *key)
{
	const struct suite *s = k->suite;

	k->cipher = EVP_CIPHER_CTX_new();
	if (!k->cipher || !EVP_DecryptInit_ex(k->cipher, cipher_of(s), NULL, NULL, NULL))
		return -ENOMEM;
	if (s->mode == SUITE_CCM && (EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_IVLEN, NONCE_BYTES, NULL) <= 0 ||
				     EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, s->tag_len, NULL) <= 0))
		return -ENOMEM;
	if (!EVP_DecryptInit_ex(k->cipher, NULL, NULL, key, NULL))
		return -ENOMEM;
	if (s->mode == SUITE_CBC) /* once it is said, OpenSSL says it again with each nonce: a tenth of a small record's cost */
		EVP_CIPHER_CTX_set_padding(k->cipher, 0);
	return 0;
}

static int set_mac(struct stream_keys *k, const uint8_t *key)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest_name(k->suite->hash), 0),
				 OSSL_PARAM_construct_end() };
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	k->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	return k->mac && EVP_MAC_init(k->mac, key, k->suite->tag_len, params) ? 0 : -ENOMEM;
}

/** take_over() - @made replaces what is in @k, unless it failed */
static int take_over(struct stream_keys *k, struct stream_keys *made, int err)
{
	if (err < 0) {
		stream_keys_deinit(made);
		return err;
	}
	stream_keys_deinit(k);
	*k = *made;
	OPENSSL_cleanse(made, sizeof(*made));
	return 0;
}

int stream_keys_from_secret(struct stream_keys *k, const struct suite *suite, struct span secret, struct secret_pages *pages)
{
	struct stream_keys made = { .suite = suite };
	uint8_t key[32];
	int err = -ENOMEM;

	if (secret.len > TLS_SECRET_MAX || secret.len != suite_secret_len(suite))
		return -EINVAL;
	made.secret = secret_pages_take(pages);
	if (!made.secret)
		return -ENOMEM;
	memcpy(made.secret, secret.at, secret.len);
	made.secret_len = (uint8_t)secret.len;
	if (key_schedule_expand(suite->hash, secret, "key", key, suite->key_len) &&
	    key_schedule_expand(suite->hash, secret, "iv", made.iv, sizeof(made.iv)))
		err = set_cipher(&made, key);
	OPENSSL_cleanse(key, sizeof(key));
	return take_over(k, &made, err);
}

int stream_keys_next(const struct stream_keys *k, struct stream_keys *next)
{
	uint8_t secret[TLS_SECRET_MAX];
	int err = -ENOMEM;

	if (key_schedule_expand(k->suite->hash, span_of(k->secret, k->secret_len), "traffic upd", secret, k->secret_len))
		err = stream_keys_from_secret(next, k->suite, span_of(secret, k->secret_len), secret_pages_of(k->secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	return err;
}

/** prf() - P_hash of TLS 1.2 (RFC 5246, 5); @seed begins with the label, and its first HASH_MAX bytes are room */
static bool prf(enum suite_hash hash, struct span master, uint8_t *room, size_t seed_len, uint8_t *out, size_t len)
{
	const EVP_MD *md = suite_digest(hash);
	uint8_t *seed = room + HASH_MAX, a[EVP_MAX_MD_SIZE], block[EVP_MAX_MD_SIZE];
	unsigned int a_len = 0, made = 0;
	bool ok = HMAC(md, master.at, (int)master.len, seed, seed_len, a, &a_len) != NULL;

	while (ok && len > 0) {
		size_t n;

		memcpy(seed - a_len, a, a_len);
		ok = HMAC(md, master.at, (int)master.len, seed - a_len, a_len + seed_len, block, &made) &&
		     HMAC(md, master.at, (int)master.len, seed - a_len, a_len, a, &a_len);
		n = made < len ? made : len;
		memcpy(out, block, n);
		out += n;
		len -= n;
	}
	OPENSSL_cleanse(a, sizeof(a));
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(room, HASH_MAX);
	return ok;
}

static bool expand_master(const struct suite *suite, struct span master, const struct agreed *agreed, uint8_t *out, size_t len)
{
	static const char label[] = "key expansion";
	uint8_t room[HASH_MAX + sizeof(label) - 1 + 2 * TLS_RANDOM_BYTES], *at = room + HASH_MAX;

	memcpy(at, label, sizeof(label) - 1);
	at += sizeof(label) - 1;
	memcpy(at, agreed->server_random, TLS_RANDOM_BYTES);
	memcpy(at + TLS_RANDOM_BYTES, agreed->client_random, TLS_RANDOM_BYTES);
	return prf(schedule_hash(suite), master, room, sizeof(room) - HASH_MAX, out, len);
}

int stream_keys_from_master(struct stream_keys *k, const struct suite *suite, struct span master, const struct agreed *agreed)
{
	struct stream_keys made = { .suite = suite, .encrypt_then_mac = agreed->encrypt_then_mac };
	size_t mac_len = suite->mode == SUITE_CBC ? suite->tag_len : 0, iv_len = suite_fixed_iv(suite);
	uint8_t keys[KEYS_MAX];
	const uint8_t *at = keys;
	bool second = agreed->of_server;
	int err = -ENOMEM;

	if (expand_master(suite, master, agreed, keys, 2 * (mac_len + suite->key_len + iv_len))) {
		err = mac_len ? set_mac(&made, at + second * mac_len) : 0;
		at += 2 * mac_len;
		if (err == 0)
			err = set_cipher(&made, at + second * suite->key_len);
		at += 2 * suite->key_len;
		memcpy(made.iv, at + second * iv_len, iv_len);
	}
	OPENSSL_cleanse(keys, sizeof(keys));
	return take_over(k, &made, err);
}

void stream_keys_deinit(struct stream_keys *k)
{
	EVP_CIPHER_CTX_free(k->cipher);
	EVP_MAC_CTX_free(k->mac);
	secret_pages_put(k->secret);
	OPENSSL_cleanse(k, sizeof(*k));
}

/** set_nonce() - the record's, and what is left of @payload behind the part that it has of it */
static bool set_nonce(const struct stream_keys *k, uint64_t number, struct span *payload, uint8_t *nonce)
{
	size_t fixed = suite_fixed_iv(k->suite);
	struct span explicit_iv;

	memcpy(nonce, k->iv, fixed);
	if (fixed < NONCE_BYTES) {
		if (!span_take(payload, NONCE_BYTES - fixed, &explicit_iv))
			return false;
		memcpy(nonce + fixed, explicit_iv.at, explicit_iv.len);
		return true;
	}
	for (int i = 0; i < 8; i++)
		nonce[NONCE_BYTES - 1 - i] ^= (uint8_t)(number >> 8 * i);
	return true;
}

/** set_aad() - what the tag protects beside the data: TLS 1.2 its number, type and length; TLS 1.3 the header as it is */
static size_t set_aad(const struct stream_keys *k, const struct record *r, uint64_t number, size_t plain_len, uint8_t *aad)
{
	if (k->suite->version == TLS_1_3) {
		memcpy(aad, r->header.at, RECORD_HEADER_BYTES);
		return RECORD_HEADER_BYTES;
	}
	put_number(aad, number, 8);
	memcpy(aad + 8, r->header.at, 3);
	put_number(aad + 11, plain_len, 2);
	return AAD_MAX;
}

static bool open_aead(struct stream_keys *k, const struct record *r, uint64_t number, uint8_t *room, struct span *plain)
{
	struct span payload = r->payload, data;
	uint8_t nonce[NONCE_BYTES], aad[AAD_MAX];
	size_t tag_len = k->suite->tag_len, aad_len;
	int len = 0;

	if (!set_nonce(k, number, &payload, nonce) || payload.len < tag_len || !span_take(&payload, payload.len - tag_len, &data))
		return false;
	aad_len = set_aad(k, r, number, data.len, aad);
	if (k->suite->mode == SUITE_CCM &&
	    EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, (void *)payload.at) <= 0)
		return false;
	if (!EVP_DecryptInit_ex(k->cipher, NULL, NULL, NULL, nonce))
		return false;
	if (k->suite->mode == SUITE_CCM && !EVP_DecryptUpdate(k->cipher, NULL, &len, NULL, (int)data.len))
		return false;
	if (!EVP_DecryptUpdate(k->cipher, NULL, &len, aad, (int)aad_len))
		return false;
	if (k->suite->mode == SUITE_CCM) { /* which looks at the tag as it decrypts */
		if (EVP_DecryptUpdate(k->cipher, room, &len, data.at, (int)data.len) <= 0)
			return false;
	} else if (!EVP_DecryptUpdate(k->cipher, room, &len, data.at, (int)data.len) ||
		   EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, (void *)payload.at) <= 0 ||
		   EVP_DecryptFinal_ex(k->cipher, room + data.len, &len) <= 0) {
		return false;
	}
	*plain = span_of(room, data.len);
	return true;
}

/** mac_holds() - is @mac that of the record's number, type, version, and @data? */
static bool mac_holds(struct stream_keys *k, const struct record *r, uint64_t number, struct span data, struct span mac)
{
	uint8_t aad[AAD_MAX], made[EVP_MAX_MD_SIZE];
	size_t len = 0;

	set_aad(k, r, number, data.len, aad);
	return EVP_MAC_init(k->mac, NULL, 0, NULL) && EVP_MAC_update(k->mac, aad, sizeof(aad)) &&
	       EVP_MAC_update(k->mac, data.at, data.len) && EVP_MAC_final(k->mac, made, &len, sizeof(made)) && len == mac.len &&
	       CRYPTO_memcmp(made, mac.at, len) == 0;
}

/** drop_padding() - each of the bytes says how many there are beside itself */
static bool drop_padding(struct span *bytes)
{
	size_t n;

	if (bytes->len == 0)
		return false;
	n = (size_t)bytes->at[bytes->len - 1] + 1;
	if (n > bytes->len)
		return false;
	for (size_t i = bytes->len - n; i < bytes->len; i++)
		if (bytes->at[i] != n - 1)
			return false;
	bytes->len -= n;
	return true;
}

static bool open_cbc(struct stream_keys *k, const struct record *r, uint64_t number, uint8_t *room, struct span *plain)
{
	struct span payload = r->payload, iv, blocks, mac, bytes;
	int len = 0;

	if (k->encrypt_then_mac) {
		if (payload.len < k->suite->tag_len || !span_take(&payload, payload.len - k->suite->tag_len, &blocks) ||
		    !mac_holds(k, r, number, blocks, payload))
			return false;
		payload = blocks;
	}
	if (!span_take(&payload, BLOCK_BYTES, &iv) || payload.len == 0 || payload.len % BLOCK_BYTES ||
	    !EVP_DecryptInit_ex(k->cipher, NULL, NULL, NULL, iv.at) ||
	    !EVP_DecryptUpdate(k->cipher, room, &len, payload.at, (int)payload.len))
		return false;
	bytes = span_of(room, (size_t)len);
	if (!drop_padding(&bytes))
		return false;
	if (!k->encrypt_then_mac) {
		if (bytes.len < k->suite->tag_len || !span_take(&bytes, bytes.len - k->suite->tag_len, plain))
			return false;
		mac = bytes;
		return mac_holds(k, r, number, *plain, mac);
	}
	*plain = bytes;
	return true;
}

/** take_type() - TLS 1.3: behind the data is the type, and behind that zeros at will */
static bool take_type(struct opened *out)
{
	size_t len = out->bytes.len;

	while (len > 0 && out->bytes.at[len - 1] == 0)
		len--;
	if (len == 0)
		return false;
	out->is_padded = len < out->bytes.len;
	out->type = out->bytes.at[len - 1];
	out->bytes.len = len - 1;
	return true;
}

static bool open_record(struct stream_keys *k, const struct record *r, uint64_t number, uint8_t *room, struct opened *out)
{
	if (r->payload.len > RECORD_PAYLOAD_MAX)
		return false;
	if (k->suite->mode == SUITE_CBC)
		return open_cbc(k, r, number, room, &out->bytes);
	if (!open_aead(k, r, number, room, &out->bytes))
		return false;
	return k->suite->version != TLS_1_3 || take_type(out);
}

/* OpenSSL notes why a record did not open, for a thread's next call that asks what went wrong; there it would be a lie. */
bool stream_keys_open(struct stream_keys *k, const struct record *r, uint64_t number, uint8_t *room, struct opened *out)
{
	*out = (struct opened){ .type = r->type };
	if (open_record(k, r, number, room, out))
		return true;
	ERR_clear_error();
	return false;
}
