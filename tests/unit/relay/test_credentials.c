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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nkey),
		cmocka_unit_test(test_no_nkey),
		cmocka_unit_test(test_creds),
		cmocka_unit_test(test_creds_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
