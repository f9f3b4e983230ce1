/* test_last_byte.c - of records of OpenSSL, their number is always among those that are likely, and few others are */
#include "tests/rig/unit.h"

#include <string.h>

#include "tests/rig/tls_talk_keys.h"
#include "tls/hello.h"
#include "tls/last_byte.h"

#define WRONG_FROM  1000
#define WRONG_COUNT 12800

static const struct {
	const char *name;
	uint16_t number;
} suites[] = { { "TLS_AES_128_GCM_SHA256", 0x1301 }, { "TLS_AES_256_GCM_SHA384", 0x1302 }, { "TLS_CHACHA20_POLY1305_SHA256", 0x1303 },
	       { "TLS_AES_128_CCM_SHA256", 0x1304 }, { "TLS_AES_128_CCM_8_SHA256", 0x1305 } };

static unsigned count_bits(uint64_t bits)
{
	return (unsigned)__builtin_popcountll(bits);
}

/** count_wrong() - of WRONG_COUNT numbers that the record has not, how many are likely? */
static unsigned count_wrong(struct last_byte *l, const struct record *r)
{
	unsigned likely = 0;

	for (uint64_t n = WRONG_FROM; n < WRONG_FROM + WRONG_COUNT; n += LAST_BYTE_NUMBERS)
		likely += count_bits(last_byte_likely(l, r, n, LAST_BYTE_NUMBERS));
	return likely;
}

/* Records of one byte and of many, whose last byte is at the start, within and at the end of a block */
static void check_suite(const char *name, uint16_t number, size_t pads_to)
{
	static const size_t sizes[] = { 1, 14, 15, 16, 17, 62, 63, 64, 65, 1400, 16000, RECORD_PLAIN_MAX };
	static uint8_t body[RECORD_PLAIN_MAX];
	struct secrets *s = secrets_new(10, 0);
	struct secrets_candidate list[1];
	struct last_byte l;
	struct tls_talk t;

	tls_talk_init(&t, &(struct tls_talk_options){ .version = TLS1_3_VERSION, .suite = name, .pads_to = pads_to });
	tls_talk_handshake(&t);
	add_talk_secrets(s, &t);
	assert_int_equal(secrets_unclaimed(s, 0, 1, list, 1), 1);
	assert_true(last_byte_init(&l, suite_find(TLS_1_3, number), span_of(list[0].secret, list[0].len)));
	for (uint64_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct span bytes;
		struct record r;
		unsigned wrong;

		tls_talk_write(&t, 0, span_of(body, sizes[i]));
		bytes = last_record(&t);
		assert_int_equal(record_take(&bytes, &r), FRAMING_WHOLE);
		assert_true(last_byte_likely(&l, &r, 0, LAST_BYTE_NUMBERS) >> i & 1);
		assert_int_equal(last_byte_likely(&l, &r, i, 1), 1);
		assert_int_equal(last_byte_likely(&l, &r, i, 0), 0);
		wrong = count_wrong(&l, &r); /* 3 of 256 are 150 */
		if (wrong < 80 || wrong > 250)
			fail_msg("%s, %zu bytes: %u of %d are likely", name, sizes[i], wrong, WRONG_COUNT);
	}
	last_byte_deinit(&l);
	secrets_free(s);
	tls_talk_deinit(&t);
}

static void test_suites(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		check_suite(suites[i].name, suites[i].number, 0);
		check_suite(suites[i].name, suites[i].number, 256);
	}
}

/* Nothing is there behind the tag */
static void test_short(void **state)
{
	static const uint8_t header[] = { RECORD_APPLICATION_DATA, 3, 3, 0, 16 }, payload[16], secret[32];
	struct record r = { .header = span_of(header, 5), .payload = span_of(payload, 16), .type = RECORD_APPLICATION_DATA };

	(void)state;
	for (size_t len = 0; len <= 16; len++)
		for (size_t i = 0; i < 4; i++) {
			const struct suite *suite = suite_of_secret(32, i);
			struct last_byte l;

			assert_true(last_byte_init(&l, suite, span_of(secret, 32)));
			r.payload.len = len;
			if (len <= suite->tag_len)
				assert_int_equal(last_byte_likely(&l, &r, 0, LAST_BYTE_NUMBERS), 0);
			last_byte_deinit(&l);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
