/*
 * credentials.c - see credentials.h
 *
 * Theory of operation: an NKey is base32 (RFC 4648, without padding) of a
 * prefix, the 32 bytes of a key, and CRC-16/XMODEM of both, low byte first. A
 * public key of a user has the prefix 20 << 3, which makes its first letter U. A
 * seed has two bytes, the first five bits of 18 << 3 (S) and then the eight bits
 * of what it is for. The sum finds a key that was cut or mistyped before a server
 * says no more than "authorization violation". The public key is not in the file
 * and is calculated: it says to the server who signs.
 */
#include "relay/credentials.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/lines.h"

#define SEED_BYTES 36   /* 2, the key, 2 */
#define PUBLIC_BYTES 35 /* 1, the key, 2 */
#define KEY_BYTES 32
#define SIGNATURE_BYTES 64
#define PREFIX_SEED (18 << 3)
#define PREFIX_USER (20 << 3)
#define SEED_TEXT 58 /* letters of one */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static uint16_t crc16(const uint8_t *bytes, size_t len)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint16_t)(bytes[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? (uint16_t)(crc << 1 ^ 0x1021) : (uint16_t)(crc << 1);
	}
	return crc;
}

/** decode32() - exactly @len bytes; false for another length, or another letter */
static bool decode32(struct span text, uint8_t *out, size_t len)
{
	uint32_t bits = 0, count = 0;
	size_t n = 0;

	if (text.len != (len * 8 + 4) / 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.at[i] ? strchr(alphabet, text.at[i]) : NULL;

		if (!at)
			return false;
		bits = bits << 5 | (uint32_t)(at - alphabet);
		count += 5;
		if (count >= 8 && n < len) {
			count -= 8;
			out[n++] = (uint8_t)(bits >> count);
		}
	}
	return n == len;
}

static void encode32(const uint8_t *bytes, size_t len, char *out)
{
	uint32_t bits = 0, count = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 5; count -= 5)
			*out++ = alphabet[bits >> (count - 5) & 31];
	}
	if (count > 0)
		*out++ = alphabet[bits << (5 - count) & 31];
	*out = '\0';
}

static bool public_of(const uint8_t *private_key, char *out)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, KEY_BYTES);
	uint8_t raw[PUBLIC_BYTES] = { PREFIX_USER };
	size_t len = KEY_BYTES;
	bool ok = key && EVP_PKEY_get_raw_public_key(key, raw + 1, &len) == 1 && len == KEY_BYTES;
	uint16_t crc = crc16(raw, 1 + KEY_BYTES);

	EVP_PKEY_free(key);
	raw[PUBLIC_BYTES - 2] = (uint8_t)crc;
	raw[PUBLIC_BYTES - 1] = (uint8_t)(crc >> 8);
	if (ok)
		encode32(raw, sizeof(raw), out);
	return ok;
}

static int take_seed(struct span text, struct credentials *out)
{
	uint8_t raw[SEED_BYTES];
	uint16_t crc;
	bool ok = decode32(text, raw, sizeof(raw));

	if (ok) {
		crc = crc16(raw, SEED_BYTES - 2);
		ok = raw[SEED_BYTES - 2] == (uint8_t)crc && raw[SEED_BYTES - 1] == (uint8_t)(crc >> 8) &&
		     (raw[0] & 0xf8) == PREFIX_SEED && (uint8_t)(raw[0] << 5 | raw[1] >> 3) == PREFIX_USER &&
		     public_of(raw + 2, out->public_key);
	}
	if (ok) {
		memcpy(out->seed, text.at, text.len);
		out->seed[text.len] = '\0';
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	return ok ? 0 : -EINVAL;
}

/** next_line() - one with something in it, without the blanks around */
static bool next_line(struct span *text, struct span *line)
{
	while (line_take(text, line)) {
		while (line->len > 0 && line->at[0] <= ' ')
			span_skip(line, 1);
		while (line->len > 0 && line->at[line->len - 1] <= ' ')
			line->len--;
		if (line->len > 0)
			return true;
	}
	return false;
}

int credentials_nkey(struct span text, struct credentials *out)
{
	struct span line;

	while (next_line(&text, &line))
		if (line.len == SEED_TEXT && span_starts(line, SPAN_LITERAL("SU")))
			return take_seed(line, out);
	return -EINVAL;
}

/** is_dashes() - a line of "-----BEGIN @what-----"; with how many dashes differs between tools */
static bool is_dashes(struct span line, const char *what)
{
	size_t len = strlen(what);

	if (!span_starts(line, SPAN_LITERAL("---")))
		return false;
	while (line.len > 0 && line.at[0] == '-')
		span_skip(&line, 1);
	while (line.len > 0 && line.at[line.len - 1] == '-')
		line.len--;
	return line.len == len && memcmp(line.at, what, len) == 0;
}

/** between() - the line after "BEGIN @what"; empty if there is none */
static struct span between(struct span text, const char *what)
{
	struct span line;
	bool is_in = false;

	while (next_line(&text, &line)) {
		if (is_in)
			return line.at[0] != '-' ? line : span_of(NULL, 0);
		is_in = is_dashes(line, what);
	}
	return span_of(NULL, 0);
}

int credentials_creds(struct span text, struct credentials *out)
{
	struct span token = between(text, "BEGIN NATS USER JWT"), seed = between(text, "BEGIN USER NKEY SEED");
	int err = token.len > 0 && seed.len == SEED_TEXT ? take_seed(seed, out) : -EINVAL;

	if (err < 0)
		return err;
	buffer_add_span(&out->token, token);
	buffer_add(&out->token, "", 1);
	return buffer_ok(&out->token) ? 0 : -ENOMEM;
}

/** encode64() - with the alphabet for names of files and in URLs, without padding */
static void encode64(const uint8_t *bytes, size_t len, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0, count = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 6; count -= 6)
			*out++ = letters[bits >> (count - 6) & 63];
	}
	if (count > 0)
		*out++ = letters[bits << (6 - count) & 63];
	*out = '\0';
}

int credentials_sign(const struct credentials *c, struct span nonce, char *out)
{
	uint8_t raw[SEED_BYTES], signature[SIGNATURE_BYTES];
	size_t len = sizeof(signature);
	EVP_MD_CTX *sign = NULL;
	EVP_PKEY *key = NULL;
	bool ok = false;

	if (!decode32(span_str(c->seed), raw, sizeof(raw)))
		return -EINVAL;
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw + 2, KEY_BYTES);
	OPENSSL_cleanse(raw, sizeof(raw));
	sign = EVP_MD_CTX_new();
	if (key && sign && EVP_DigestSignInit(sign, NULL, NULL, NULL, key) == 1)
		ok = EVP_DigestSign(sign, signature, &len, nonce.at, nonce.len) == 1 && len == sizeof(signature);
	EVP_MD_CTX_free(sign);
	EVP_PKEY_free(key);
	if (ok)
		encode64(signature, sizeof(signature), out);
	return ok ? 0 : -ENOMEM;
}

void credentials_deinit(struct credentials *c)
{
	if (c->token.bytes)
		OPENSSL_cleanse(c->token.bytes, c->token.cap);
	buffer_deinit(&c->token);
	OPENSSL_cleanse(c, sizeof(*c));
}
