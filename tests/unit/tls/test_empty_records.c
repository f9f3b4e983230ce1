/*
 * test_empty_records.c - records with no data in them, and with one byte
 *
 * OpenSSL's peers send none. Some stacks put one in front of each message in CBC, so that its last block says nothing of the
 * next one's nonce, and anyone may keep a connection alive with them. So behind a handshake of OpenSSL's the client's
 * records are made here, of the secrets in its key log: each has a number, also those that are empty.
 */
#include "tests/rig/unit.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "tests/rig/hearing_reader.h"
#include "tests/rig/tls_talk.h"
#include "tests/rig/tls_tap.h"
#include "tls/hello.h"
#include "tls/key_log.h"
#include "tls/records.h"

#define TAG 16
#define MAC 20 /* SHA-1 */

/** struct maker - who writes the client's records */
struct maker {
	int version;
	bool is_cbc;
	uint8_t key[16], mac[MAC], iv[12];
	uint64_t number;
};

struct known {
	struct key_log_entry client, master;
};

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	struct known *known = ctx;

	if (entry->kind == TLS_CLIENT_TRAFFIC)
		known->client = *entry;
	else if (entry->kind == TLS_MASTER_SECRET)
		known->master = *entry;
}

static void derive(const char *name, OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* RFC 8446, 7.1 */
static void expand(const struct key_log_entry *secret, const char *label, uint8_t *out, size_t len)
{
	uint8_t info[32] = { 0, (uint8_t)len, (uint8_t)(6 + strlen(label)) };
	size_t info_len = 3 + 6 + strlen(label) + 1;
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, strlen(label));
	derive("HKDF",
	       (OSSL_PARAM[]){ OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
			       OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
			       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret->secret, secret->secret_len),
			       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, info_len), OSSL_PARAM_construct_end() },
	       out, len);
}

/* RFC 5246, 6.3: both sides' MAC keys, keys and nonces */
static void expand_master(struct maker *m, const struct key_log_entry *master, const struct server_hello *sh)
{
	size_t mac = m->is_cbc ? MAC : 0;
	uint8_t block[2 * (MAC + 16 + 4)];

	derive("TLS1-PRF",
	       (OSSL_PARAM[]){ OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
			       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)master->secret, 48),
			       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (char *)"key expansion", 13),
			       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)sh->random, 32),
			       OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)master->random, 32),
			       OSSL_PARAM_construct_end() },
	       block, sizeof(block));
	memcpy(m->mac, block, mac);
	memcpy(m->key, block + 2 * mac, 16);
	memcpy(m->iv, block + 2 * mac + 32, 4);
	m->number = 1; /* behind the end of the handshake */
}

static struct maker maker_of(const struct tls_talk *t, int version, bool is_cbc)
{
	struct maker m = { .version = version, .is_cbc = is_cbc };
	struct known known = { 0 };
	struct key_log_sink sink = { &known, on_entry, NULL };
	struct key_log log = { 0 };
	struct buffer scratch = { 0 };
	struct server_hello sh;

	key_log_feed(&log, buffer_span(&t->key_log), &sink);
	key_log_end(&log, &sink);
	if (version == TLS1_3_VERSION) {
		expand(&known.client, "key", m.key, 16);
		expand(&known.client, "iv", m.iv, 12);
		return m;
	}
	for (size_t i = 0; i < t->flight_count; i++)
		if (t->flights[i].of_server && t->flights[i].bytes.bytes[0] == RECORD_HANDSHAKE &&
		    server_hello_read(buffer_span(&t->flights[i].bytes), &scratch, &sh) == HELLO_WHOLE)
			break;
	expand_master(&m, &known.master, &sh);
	buffer_deinit(&scratch);
	return m;
}

static void put_number(uint8_t *out, uint64_t n, int bytes)
{
	for (int i = 0; i < bytes; i++)
		out[i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
}

/** seal() - behind the header and @at bytes in @record; the length of what it adds */
static size_t seal(const struct maker *m, const uint8_t *nonce, struct span aad, struct span plain, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len = 0;

	assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, m->key, nonce), 1);
	assert_int_equal(EVP_EncryptUpdate(c, NULL, &len, aad.at, (int)aad.len), 1);
	assert_int_equal(EVP_EncryptUpdate(c, out, &len, plain.at, (int)plain.len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(c, out + plain.len, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, out + plain.len), 1);
	EVP_CIPHER_CTX_free(c);
	return plain.len + TAG;
}

/** aad_of() - RFC 5246, 6.2.3.1: number, type, version, length of @plain */
static struct span aad_of(const struct maker *m, struct span plain, uint8_t aad[13])
{
	put_number(aad, m->number, 8);
	memcpy(aad + 8, "\x17\x03\x03", 3);
	put_number(aad + 11, plain.len, 2);
	return span_of(aad, 13);
}

static size_t seal_cbc(const struct maker *m, struct span plain, uint8_t *out)
{
	uint8_t aad[13], inner[512];
	size_t n, padded;
	unsigned mac_len = 0;
	int len = 0;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	memcpy(inner, aad_of(m, plain, aad).at, 13);
	memcpy(inner + 13, plain.at, plain.len);
	assert_non_null(HMAC(EVP_sha1(), m->mac, MAC, inner, 13 + plain.len, inner + 13 + plain.len, &mac_len));
	n = plain.len + MAC;
	padded = (n / 16 + 1) * 16;
	memset(inner + 13 + n, (int)(padded - n - 1), padded - n);
	memset(out, 0x42, 16); /* the nonce */
	assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_128_cbc(), NULL, m->key, out), 1);
	EVP_CIPHER_CTX_set_padding(c, 0);
	assert_int_equal(EVP_EncryptUpdate(c, out + 16, &len, inner + 13, (int)padded), 1);
	EVP_CIPHER_CTX_free(c);
	return 16 + padded;
}

static size_t seal_12(const struct maker *m, struct span plain, uint8_t *out)
{
	uint8_t aad[13], nonce[12];

	memcpy(nonce, m->iv, 4);
	put_number(nonce + 4, m->number + 77, 8);
	memcpy(out, nonce + 4, 8);
	return 8 + seal(m, nonce, aad_of(m, plain, aad), plain, out + 8);
}

static size_t seal_13(const struct maker *m, struct span plain, uint8_t *record)
{
	uint8_t nonce[12], inner[256];

	memcpy(inner, plain.at, plain.len);
	inner[plain.len] = RECORD_APPLICATION_DATA;
	memcpy(nonce, m->iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(m->number >> 8 * i);
	put_number(record + 3, plain.len + 1 + TAG, 2); /* it is protected as it is */
	return seal(m, nonce, span_of(record, RECORD_HEADER_BYTES), span_of(inner, plain.len + 1), record + RECORD_HEADER_BYTES);
}

static void add_record(struct maker *m, const char *text, struct buffer *out)
{
	uint8_t record[600] = { RECORD_APPLICATION_DATA, 3, 3 }, *at = record + RECORD_HEADER_BYTES;
	struct span plain = span_of(text, strlen(text));
	size_t len = m->version == TLS1_3_VERSION ? seal_13(m, plain, record) : m->is_cbc ? seal_cbc(m, plain, at)
											     : seal_12(m, plain, at);

	put_number(record + 3, len, 2);
	buffer_add(out, record, RECORD_HEADER_BYTES + len);
	m->number++;
}

static const struct {
	int version;
	const char *suite;
	bool is_cbc;
} kinds[] = { { TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", false },
	      { TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", false },
	      { TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", true } };

/* One record is lost where @lost says so: those behind it are found, empty or not. */
static void run_kind(size_t kind, int lost, size_t mss)
{
	static const char *const texts[] = { "", "he", "", "", "l", "lo", "" };
	static struct heard heard;
	struct tls_tap_options options = {
		.inner = { &hear_ops, &heard }, .memory = 64 << 20, .connections = 10, .wait_ns = NS_PER_S
	};
	struct tls_talk t;
	struct tls_tap tap = { 0 };
	struct maker m;
	uint32_t sent[2] = { 0 };
	uint64_t expected = 0;

	heard = (struct heard){ .bytes = 0 };
	tls_talk_init(&t, &(struct tls_talk_options){ .version = kinds[kind].version, .suite = kinds[kind].suite, .no_etm = true });
	tls_talk_handshake(&t);
	tls_tap_open(&tap, &options);
	tls_tap_tell(&tap, buffer_span(&t.key_log));
	tls_tap_feed(&tap, 4000, false, sent, TCP_SYN, span_of(NULL, 0));
	tls_tap_feed(&tap, 4000, true, sent, TCP_SYN | TCP_ACK, span_of(NULL, 0));
	for (size_t i = 0; i < t.flight_count; i++)
		tls_tap_feed(&tap, 4000, t.flights[i].of_server, sent, TCP_ACK, buffer_span(&t.flights[i].bytes));
	m = maker_of(&t, kinds[kind].version, kinds[kind].is_cbc);
	for (int i = 0; i < 7; i++) {
		struct buffer record = { 0 };
		struct span rest, part = { 0 };

		add_record(&m, texts[i], &record);
		rest = buffer_span(&record);
		if (i == lost)
			sent[0] += (uint32_t)rest.len;
		else
			expected += strlen(texts[i]);
		while (i != lost && rest.len > 0) {
			span_take(&rest, rest.len < mss ? rest.len : mss, &part);
			tls_tap_feed(&tap, 4000, false, sent, TCP_ACK, part);
		}
		buffer_deinit(&record);
	}
	tls_tap_feed(&tap, 4000, false, sent, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	tls_tap_finish(&tap);
	assert_int_equal(counter_get(&tap.stats.tls_fate[TLS_READ]), 1);
	if (heard.bytes != expected)
		fail_msg("%s, record %d lost: %zu bytes, not %llu", kinds[kind].suite, lost, heard.bytes, (unsigned long long)expected);
	tls_tap_close(&tap);
	tls_talk_deinit(&t);
}

static void test_whole(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < 3; kind++)
		for (size_t mss = 1; mss < 200; mss += 66)
			run_kind(kind, -1, mss);
}

static void test_one_lost(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < 3; kind++)
		for (int lost = 0; lost < 6; lost++)
			run_kind(kind, lost, 1448);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_one_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
