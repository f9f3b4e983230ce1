/*
 * test_http1_keep.c - for how long a connection is kept, and which ends are called stale
 */
#include "tests/rig/unit.h"

#include "replay/http1_keep.h"

#define MS NS_PER_MS

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * MS };
}

static void test_kept_until(void **state)
{
	static const struct {
		int64_t told_s, open_ms, usable_ms; /* 0: not kept */
	} rows[] = {
		{ -1, 10, 1500 },
		{ 5, 0, 4500 },
		{ 5, 300, 4200 },
		{ 1, 499, 1 },
		{ 1, 500, 0 },
		{ 0, 1, 0 },
		{ 3600, 0, 60000 },
		{ 999999999, 0, 60000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http1_keep k;

		http1_keep_opened(&k, rows[i].open_ms * MS);
		assert_int_equal(http1_keep_idle(&k, rows[i].told_s, MS, at(1000)), rows[i].usable_ms > 0);
		assert_int_equal(k.idle_since.ns, at(1000).ns);
		if (rows[i].usable_ms > 0)
			assert_int_equal(k.usable_until.ns, at(1000 + rows[i].usable_ms).ns);
	}
}

/* Idle since second 1, opened in 10 ms, its quickest response took 20 ms. */
static void test_was_closing(void **state)
{
	static const struct {
		int64_t began_ms, since_ms, now_ms;
		bool expect;
	} rows[] = {
		{ 1400, 1400, 1400, true },
		{ 1399, 1399, 1399, false }, /* busy until a moment ago */
		{ 2000, 2000, 2290, true },  /* there and back twice, and the slack */
		{ 2000, 2000, 2291, false }, /* the server had the request */
		{ 2000, 2100, 2390, true },  /* counted from its last byte */
	};
	struct http1_keep k;

	http1_keep_opened(&k, 10 * MS);
	http1_keep_idle(&k, -1, 20 * MS, at(500));
	http1_keep_idle(&k, -1, 90 * MS, at(1000));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(http1_keep_was_closing(&k, at(rows[i].began_ms), at(rows[i].since_ms), at(rows[i].now_ms)),
				 rows[i].expect);
	http1_keep_opened(&k, 100 * MS); /* a slow way counts even if responses are quick */
	http1_keep_idle(&k, -1, MS, at(1000));
	assert_true(http1_keep_was_closing(&k, at(2000), at(2000), at(2450)));
	assert_false(http1_keep_was_closing(&k, at(2000), at(2000), at(2451)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kept_until), cmocka_unit_test(test_was_closing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
