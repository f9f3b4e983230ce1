/* test_units.c - numbers as people write them: what is taken, and what is refused rather than guessed */
#include "tests/rig/unit.h"

#include <string.h>

#include "base/units.h"

static const struct {
	const char *text;
	bool ok;
	uint64_t value;
} sizes[] = {
	{ "0", true, 0 },
	{ "262144", true, 262144 },
	{ "64K", true, 65536 },
	{ "64k", true, 65536 },
	{ "16M", true, 16777216 },
	{ "1G", true, 1073741824 },
	{ "2T", true, UINT64_C(2) << 40 },
	{ "", false, 0 },
	{ "K", false, 0 },
	{ "1.5M", false, 0 },
	{ "-1", false, 0 },
	{ " 1", false, 0 },
	{ "64KB", false, 0 },
	{ "18446744073709551616", false, 0 },
	{ "18014398509481984K", false, 0 }, /* 2^64 */
};

static void test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t n = 0;

		assert_int_equal(parse_size(sizes[i].text, &n), sizes[i].ok);
		if (sizes[i].ok)
			assert_int_equal(n, sizes[i].value);
	}
}

static const struct {
	const char *text;
	bool ok;
	int64_t ns;
} durations[] = {
	{ "300ms", true, 300000000 },
	{ "0.3", true, 300000000 },
	{ "0.3s", true, 300000000 },
	{ "5s", true, 5000000000 },
	{ "2m", true, 120000000000 },
	{ "1h", true, INT64_C(3600000000000) },
	{ "250us", true, 250000 },
	{ "1.5ms", true, 1500000 },
	{ ".5", true, 500000000 },
	{ "", false, 0 },
	{ ".", false, 0 },
	{ "1.2.3", false, 0 },
	{ "5 s", false, 0 },
	{ "-1s", false, 0 },
	{ "5sec", false, 0 },
	{ "1e3", false, 0 },
	{ "99999999999999999999", false, 0 },
	{ "200000000000d", false, 0 },
};

static void test_durations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		int64_t ns = -1;

		assert_int_equal(parse_duration(durations[i].text, &ns), durations[i].ok);
		if (durations[i].ok)
			assert_int_equal(ns, durations[i].ns);
	}
}

static const struct {
	const char *text;
	bool ok;
	uint64_t share;
} shares[] = {
	{ "5%", true, 50000000 },
	{ "0.05", true, 50000000 },
	{ "0.05%", true, 500000 },
	{ "100%", true, SHARE_ONE },
	{ "1", true, SHARE_ONE }, /* all, as a share */
	{ "0", true, 0 },
	{ "33.3%", true, 333000000 },
	{ "10", false, 0 }, /* per cent or a share? asked back, not guessed */
	{ "101%", false, 0 },
	{ "1.01", false, 0 },
	{ "%", false, 0 },
	{ "", false, 0 },
	{ "5%%", false, 0 },
	{ "-5%", false, 0 },
};

static void test_shares(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		uint64_t share = 7;

		assert_int_equal(parse_share(shares[i].text, &share), shares[i].ok);
		if (shares[i].ok)
			assert_int_equal(share, shares[i].share);
	}
}

static void test_texts(void **state)
{
	char t[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(size_text(67108864, t), "64M");
	assert_string_equal(size_text(1536, t), "1.5K");
	assert_string_equal(size_text(12, t), "12");
	assert_string_equal(duration_text(300000000, t), "300ms");
	assert_string_equal(duration_text(120000000000, t), "2m");
	assert_string_equal(duration_text(1250000000, t), "1.25s");
	assert_string_equal(duration_text(250000, t), "250us");
	assert_string_equal(share_text(50000000, t), "5%");
	assert_string_equal(share_text(500000, t), "0.05%");
	assert_string_equal(share_text(SHARE_ONE, t), "100%");
	assert_string_equal(count_text(1234567, t), "1,234,567");
	assert_string_equal(count_text(999, t), "999");
	assert_string_equal(count_text(1000, t), "1,000");
}

/* What is printed as a share is read back as the same share. */
static void test_share_round_trip(void **state)
{
	char t[UNITS_TEXT_MAX];

	(void)state;
	for (uint64_t share = 0; share <= SHARE_ONE; share += 1234567) {
		uint64_t back = 0;

		assert_true(parse_share(share_text(share, t), &back));
		assert_int_equal(back, share);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),  cmocka_unit_test(test_durations),
		cmocka_unit_test(test_shares), cmocka_unit_test(test_texts),
		cmocka_unit_test(test_share_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
