/*
 * test_nats_hello.c - INFO as servers write it, and the CONNECT that follows from it
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/nats_hello.h"
#include "tests/rig/fail_alloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEED "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
#define PUBLIC "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK"

static void test_info(void **state)
{
	static const struct {
		const char *json;
		int err;
		struct nats_info expect;
	} rows[] = {
		{ "{}", 0, { 0 } },
		{ "{\"server_id\":\"N\",\"max_payload\":1048576,\"headers\":true,\"tls_required\":true,\"nonce\":\"abc-_\"}", 0,
		  { .max_payload = 1048576, .headers = true, .tls_required = true, .nonce = "abc-_" } },
		{ "{\"tls_available\":true,\"tls_required\":false}", 0, { .tls_available = true } },
		{ "{\"max_payload\":67108865}", 0, { .max_payload = 67108864 } },
		{ "{\"max_payload\":18446744073709551615}", 0, { .max_payload = 67108864 } },
		{ "{\"max_payload\":-1,\"headers\":1,\"nonce\":7}", 0, { 0 } },
		{ "{\"max_payload\":\"8\"}", 0, { 0 } },
		{ "{\"nonce\":\"a\\u0041\"}", -EPROTO, { 0 } },
		{ "[]", -EPROTO, { 0 } },
		{ "", -EPROTO, { 0 } },
		{ "{\"max_payload\":1", -EPROTO, { 0 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nats_info info = { 0 };

		assert_int_equal(nats_info_read(span_str(rows[i].json), &info), rows[i].err);
		if (rows[i].err == 0)
			assert_memory_equal(&info, &rows[i].expect, sizeof(info));
	}
}

/* A later INFO says what has changed. */
static void test_info_again(void **state)
{
	struct nats_info info = { .max_payload = 1000, .headers = true };

	assert_int_equal(nats_info_read(span_str("{\"max_payload\":2000}"), &info), 0);
	assert_int_equal(info.max_payload, 2000);
	assert_true(info.headers);
}

static void test_nonce_limit(void **state)
{
	char json[NATS_NONCE_MAX + 20];

	for (int len = NATS_NONCE_MAX - 1; len <= NATS_NONCE_MAX; len++) {
		struct nats_info info = { 0 };

		snprintf(json, sizeof(json), "{\"nonce\":\"%0*d\"}", len, 0);
		assert_int_equal(nats_info_read(span_str(json), &info), len < NATS_NONCE_MAX ? 0 : -EPROTO);
	}
}

#define HEAD "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":"
#define MIDDLE ",\"name\":\"tap-1\",\"lang\":\"c\",\"version\":\"" SHADOWTAP_VERSION "\",\"protocol\":1,\"headers\":"

static const struct {
	const char *user, *password;
	bool is_tls, headers, has_key, has_token;
	const char *nonce, *expect;
} connects[] = {
	{ "", "", false, true, false, false, "", HEAD "false" MIDDLE "true,\"no_responders\":true}\r\n" },
	{ "", "", true, false, false, false, "n", HEAD "true" MIDDLE "false,\"no_responders\":false}\r\n" },
	{ "me", "a\"b\\", false, true, false, false, "",
	  HEAD "false" MIDDLE "true,\"no_responders\":true,\"user\":\"me\",\"pass\":\"a\\\"b\\\\\"}\r\n" },
	{ "a-token", "", false, true, false, false, "", HEAD "false" MIDDLE "true,\"no_responders\":true,\"auth_token\":\"a-token\"}\r\n" },
	{ "", "", false, true, true, false, "", HEAD "false" MIDDLE "true,\"no_responders\":true}\r\n" },
	{ "", "", false, true, true, false, "PXoWU7zWAMt75FY",
	  HEAD "false" MIDDLE "true,\"no_responders\":true,\"nkey\":\"" PUBLIC "\",\"sig\":\"%s\"}\r\n" },
	{ "", "", false, true, true, true, "PXoWU7zWAMt75FY",
	  HEAD "false" MIDDLE "true,\"no_responders\":true,\"jwt\":\"eyJ.eyJ.c2ln\",\"sig\":\"%s\"}\r\n" },
};

static void test_connect(void **state)
{
	for (size_t i = 0; i < COUNT(connects); i++) {
		struct credentials who = { 0 };
		struct nats_identity identity = { "tap-1", connects[i].user, connects[i].password, &who, connects[i].is_tls };
		struct nats_info info = { .headers = connects[i].headers };
		char signature[CREDENTIALS_SIGNATURE] = "", expect[1024];
		struct buffer out = { 0 };

		snprintf(info.nonce, sizeof(info.nonce), "%s", connects[i].nonce);
		if (connects[i].has_key) {
			assert_int_equal(credentials_nkey(span_str(SEED), &who), 0);
			assert_int_equal(credentials_sign(&who, span_str(info.nonce), signature), 0);
		}
		if (connects[i].has_token)
			buffer_add(&who.token, "eyJ.eyJ.c2ln", 13);
		snprintf(expect, sizeof(expect), connects[i].expect, signature);
		assert_int_equal(nats_connect_write(&identity, &info, &out), 0);
		assert_string_equal(buffer_text(&out), expect);
		buffer_deinit(&out);
		credentials_deinit(&who);
	}
}

/* What holds secrets is one block, even if every byte of them has to be escaped. */
static void test_one_block(void **state)
{
	char secret[3001];
	struct nats_identity identity = { "", "u", secret, NULL, false };
	struct nats_info info = { 0 };
	struct buffer out = { 0 };

	memset(secret, '\x01', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	fail_all_further = true;
	fail_at = 1; /* the second allocation would fail */
	assert_int_equal(nats_connect_write(&identity, &info, &out), 0);
	assert_int_equal(fail_at, 0);
	fail_at = 0;
	buffer_deinit(&out);
	assert_int_equal(nats_connect_write(&identity, &info, &out), -ENOMEM);
	fail_at = -1;
	fail_all_further = false;
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_info_again),
		cmocka_unit_test(test_nonce_limit),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
