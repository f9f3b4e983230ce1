/* test_credentials.c - the files of --creds and --nkey */
#include "tests/rig/unit.h"

#include <errno.h>
#include <string.h>

#include "relay/credentials.h"

/* The private key is the bytes 0 to 31; made with another implementation. */
#define SEED "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
#define PUBLIC "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK"
#define OF_ACCOUNT "SAAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYMHI"

static void test_nkey(void **state)
{
	static const char *const texts[] = { SEED, SEED "\n", "# mine\n\n  " SEED "\r\n", "UABC\n" SEED };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct credentials c = { 0 };

		assert_int_equal(credentials_nkey(span_str(texts[i]), &c), 0);
		assert_string_equal(c.seed, SEED);
		assert_string_equal(c.public_key, PUBLIC);
		assert_int_equal(c.token.len, 0);
		credentials_deinit(&c);
		assert_string_equal(c.seed, "");
	}
}

static void test_no_nkey(void **state)
{
	static const char *const texts[] = {
		"", "SU", PUBLIC, OF_ACCOUNT, "secret",
		"SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776A",  /* another sum */
		"SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776YA", /* one more */
		"SU00AAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y",  /* no base32 */
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct credentials c = { 0 };

		assert_int_equal(credentials_nkey(span_str(texts[i]), &c), -EINVAL);
		assert_string_equal(c.seed, "");
		credentials_deinit(&c);
	}
}

static const char creds[] = "-----BEGIN NATS USER JWT-----\n"
			    "eyJ0eXAi.eyJqdGki.c2ln\n"
			    "------END NATS USER JWT------\n"
			    "\n"
			    "************************* IMPORTANT *************************\n"
			    "NKEY Seed printed below can be used to sign and prove identity.\n"
			    "\n"
			    "-----BEGIN USER NKEY SEED-----\n" SEED "\n"
			    "------END USER NKEY SEED------\n";

static void test_creds(void **state)
{
	struct credentials c = { 0 };

	assert_int_equal(credentials_creds(span_str(creds), &c), 0);
	assert_string_equal((char *)c.token.bytes, "eyJ0eXAi.eyJqdGki.c2ln");
	assert_string_equal(c.seed, SEED);
	assert_string_equal(c.public_key, PUBLIC);
	credentials_deinit(&c);
}

/* Cut anywhere, it is whole or refused; nothing is read behind its end. */
static void test_creds_cut(void **state)
{
	size_t needed = (size_t)(strstr(creds, SEED) - creds) + strlen(SEED);

	for (size_t len = 0; len < strlen(creds); len++) {
		struct credentials c = { 0 };

		assert_int_equal(credentials_creds(span_of(creds, len), &c), len < needed ? -EINVAL : 0);
		credentials_deinit(&c);
	}
}

/* RFC 8032, 7.1, tests 1 to 3: the private keys as seeds, the signatures as servers want them */
static const struct {
	const char *seed;
	struct span nonce;
	const char *signature;
} signatures[] = {
	{ "SUAJ2YNRTXX72WTAXKCEV5ES5QWMIRCJYVUXWMTJDFYDXLADDSXH6YALCA", SPAN_LITERAL(""),
	  "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc-bRr0lv18FlbviRlUUFDjnoQCw" },
	{ "SUAEZTIITMUP7FW2TW3MGRXMCFHA6W4KGGPTLK5GETNIZ5XNJ64KN63OVI", SPAN_LITERAL("\x72"),
	  "kqAJqfDUyrhyDoILX2QlQKKye1QWUD-Ps3YiI-vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA" },
	{ "SUAMLKUN6Q7Z7A335W3UILZR3S33CZWTQU2QO3YJJOC44OROBNCFR54NIM", SPAN_LITERAL("\xaf\x82"),
	  "YpHWV97sJAJIJ-acOr4BowzlSKKEdDpEXjaA19taw6wY_5tTjRbykK5n92CYTcZZSnwV6XFu0o3AJ77O6h7ECg" },
};

static void test_sign(void **state)
{
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		struct credentials c = { 0 };
		char out[CREDENTIALS_SIGNATURE];

		assert_int_equal(credentials_nkey(span_str(signatures[i].seed), &c), 0);
		assert_int_equal(credentials_sign(&c, signatures[i].nonce, out), 0);
		assert_string_equal(out, signatures[i].signature);
		credentials_deinit(&c);
		assert_int_equal(credentials_sign(&c, signatures[i].nonce, out), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nkey),
		cmocka_unit_test(test_no_nkey),
		cmocka_unit_test(test_creds),
		cmocka_unit_test(test_creds_cut),
		cmocka_unit_test(test_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
