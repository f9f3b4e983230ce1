/*
 * test_looks.c - bounds for one look and for every look
 *
 * Oracles: for one look the functions of statistics.h; for every look the evidence of anytime.h,
 * of which a bound has to be the point of crossing; and runs that are watched.
 */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdlib.h>

#include "base/anytime.h"
#include "base/looks.h"
#include "tests/rig/dice.h"

static const uint64_t counts[][2] = { { 0, 1 },	    { 1, 1 },	  { 0, 765 },	   { 3, 1000 },	  { 997, 1000 },
				      { 500, 1000 }, { 17, 90000 }, { 1000000, 3000000 }, { 2, 5000000000 } };

static void test_one_look(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t k = counts[i][0], n = counts[i][1];
		struct rate want = rate_of(k, n), is = looks_rate(LOOKS_ONCE, k, n, 1);
		struct interval share = looks_share(LOOKS_ONCE, k, n, 1, TAILS_95);

		assert_true(is.value == want.value);
		assert_true(is.interval.low == want.interval.low && is.interval.high == want.interval.high);
		assert_true(share.low == want.interval.low && share.high == want.interval.high);
	}
	for (uint64_t n = 1; n < 5000; n = n * 3 / 2 + 1) {
		struct ranks want = quantile_ranks(n, 0.9), is = looks_ranks(LOOKS_ONCE, n, 0.9, TAILS_95);
		double value;
		struct interval paired = paired_difference(n, 3, 5, 2 * n, &value);
		struct interval looked = looks_paired(LOOKS_ONCE, n, 3, 5, 2 * n, TAILS_95);

		assert_true(is.low == want.low && is.high == want.high);
		assert_true(looked.low == paired.low && looked.high == paired.high);
	}
}

/* A bound lies below a limit exactly if it is proven: or a gate and a decision would disagree. */
static void test_bounds_are_where_evidence_crosses(void **state)
{
	static const double levels[] = { 0.025, 0.0125, 0.001 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++) {
			uint64_t k = counts[i][0], n = counts[i][1];
			double rate = (double)k / (double)n, bar = -log(levels[l]);
			struct interval b = looks_share(LOOKS_ANYTIME, k, n, 1, (struct tails){ levels[l], levels[l] });

			assert_true(b.low <= rate && rate <= b.high);
			if (k < n) {
				assert_true(anytime_below(k, n, b.high + (b.high - rate) * 1e-5) >= bar);
				assert_true(b.high == 1 || anytime_below(k, n, b.high - (b.high - rate) * 1e-5) < bar);
			}
			if (k > 0) {
				assert_true(anytime_above(k, n, b.low - (rate - b.low) * 1e-5) >= bar);
				assert_true(b.low == 0 || anytime_above(k, n, b.low + (rate - b.low) * 1e-5) < bar);
			}
		}
}

/* The numbers that the documents give: with no mismatch, below 0.5 % from 765 pairs on, and watched from 973 on. */
static void test_none_of_many(void **state)
{
	uint64_t n;

	(void)state;
	for (n = 1; looks_rate(LOOKS_ONCE, 0, n, 1).interval.high > 0.005; n++)
		;
	assert_int_equal(n, 765);
	for (n = 1; looks_rate(LOOKS_ANYTIME, 0, n, 1).interval.high > 0.005; n++)
		;
	assert_in_range(n, 880, 1000);
	for (n = 4000; looks_rate(LOOKS_ANYTIME, 0, n, 1).interval.high > 0.001; n++)
		;
	assert_in_range(n, 4560, 4580);
}

static void test_what_is_not_asked_for(void **state)
{
	struct interval i = looks_share(LOOKS_ANYTIME, 5, 100, 1, (struct tails){ 0, 0.025 });
	struct ranks r = looks_ranks(LOOKS_ONCE, 1000, 0.5, (struct tails){ 0.025, 0 });

	(void)state;
	assert_true(i.low == 0 && i.high > 0.05 && i.high < 0.2);
	i = looks_paired(LOOKS_ANYTIME, 1, 2, 3, 400, (struct tails){ 0.025, 0 });
	assert_true(i.low > -0.1 && i.low < 0 && i.high == 1);
	assert_true(r.low > 400 && r.low < 500 && r.high == 0);
	assert_true(isnan(looks_share(LOOKS_ANYTIME, 0, 0, 1, TAILS_95).low));
	assert_true(isnan(looks_paired(LOOKS_ONCE, 0, 0, 0, 0, TAILS_95).high));
	assert_int_equal(looks_ranks(LOOKS_ANYTIME, 0, 0.5, TAILS_95).high, 0);
}

/* Pairs of ten witnesses each: the interval of a tenth of them, and where a part is left, none that is narrower. */
static void test_witnesses(void **state)
{
	struct rate whole = looks_rate(LOOKS_ANYTIME, 50, 6000, 10), tenth = looks_rate(LOOKS_ANYTIME, 5, 600, 1);
	struct rate part = looks_rate(LOOKS_ANYTIME, 54, 6000, 10), once = looks_rate(LOOKS_ONCE, 54, 6000, 10);

	(void)state;
	assert_true(whole.interval.low == tenth.interval.low && whole.interval.high == tenth.interval.high);
	assert_true(part.interval.low == whole.interval.low);
	assert_true(part.interval.high == looks_rate(LOOKS_ANYTIME, 6, 600, 1).interval.high);
	assert_true(once.interval.low == rate_of_witnesses(54, 6000, 10).interval.low);
	for (uint64_t n = 1; n < 3000; n++) /* all of all, however they are rounded */
		assert_true(looks_rate(LOOKS_ANYTIME, 8 * n, 8 * n, (double)n).interval.low ==
			    looks_rate(LOOKS_ANYTIME, 8, 8, 1).interval.low);
	assert_true(looks_rate(LOOKS_ANYTIME, 1, 100, 1000).interval.high == 1);
}

/* Four pairs that are one witness: an interval twice as wide, as that of a quarter of the pairs is, and of shares. */
static void test_widened(void **state)
{
	double value = 90.0 / 4000;
	struct interval all = looks_paired(LOOKS_ONCE, 40, 30, 120, 3810, TAILS_95), wide = looks_widened(all, value, 4);
	struct interval quarter = looks_paired(LOOKS_ONCE, 10, 8, 30, 952, TAILS_95);

	(void)state;
	assert_true(fabs((wide.high - wide.low) - 2 * (all.high - all.low)) < 1e-12);
	assert_true(fabs(wide.low - quarter.low) < 0.002 && fabs(wide.high - quarter.high) < 0.002);
	assert_true(looks_widened(all, value, 1e9).low == -1 && looks_widened(all, value, 1e9).high == 1);
	assert_true(isnan(looks_widened((struct interval){ NAN, NAN }, NAN, 2).low));
}

/* The level counts: half the error asks for more, and for one look as for all. */
static void test_levels(void **state)
{
	(void)state;
	for (int l = LOOKS_ONCE; l <= LOOKS_ANYTIME; l++) {
		enum looks looks = (enum looks)l;
		struct tails half = { 0.0125, 0.0125 };
		struct interval a = looks_share(looks, 9, 1000, 1, TAILS_95), b = looks_share(looks, 9, 1000, 1, half);
		struct interval c = looks_paired(looks, 1, 9, 20, 1000, TAILS_95), d = looks_paired(looks, 1, 9, 20, 1000, half);
		struct ranks e = looks_ranks(looks, 9000, 0.9, TAILS_95), f = looks_ranks(looks, 9000, 0.9, half);

		assert_true(b.low < a.low && b.high > a.high);
		assert_true(d.low < c.low && d.high > c.high);
		assert_true(f.low < e.low && f.high > e.high);
	}
	assert_true(fabs(normal_point(0.025) - 1.959963984540054) < 1e-12);
	assert_true(fabs(normal_point(0.001) - 3.090232306167813) < 1e-9); /* R: qnorm(0.999) */
}

/* Watched at every tenth value of 3,000, the ranks leave out the quantile at any look in at most 5 % of the runs. */
static void test_watched_quantiles(void **state)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99 };
	const char *wish = getenv("PROPERTY_ROUNDS");
	unsigned runs = wish ? 2000 : 100;

	(void)state;
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		unsigned wrong = 0, most = (unsigned)(0.05 * runs + 3 * sqrt(0.0475 * runs));

		for (unsigned run = 0; run < runs; run++) {
			struct dice dice = dice_of_seed(run + 1000 * i + 1);
			uint64_t at_most = 0;
			bool is_out = false;

			for (uint64_t n = 1; n <= 3000 && !is_out; n++) {
				struct ranks r;

				at_most += below(&dice, 1000) < (uint32_t)(1000 * quantiles[i] + 0.5);
				if (n % 10)
					continue;
				r = looks_ranks(LOOKS_ANYTIME, n, quantiles[i], TAILS_95);
				is_out = (r.low > 0 && at_most < r.low) || (r.high > 0 && at_most >= r.high);
			}
			wrong += is_out;
		}
		if (wrong > most)
			fail_msg("p%g: %u of %u runs left it out", 100 * quantiles[i], wrong, runs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_look),
		cmocka_unit_test(test_bounds_are_where_evidence_crosses),
		cmocka_unit_test(test_none_of_many),
		cmocka_unit_test(test_what_is_not_asked_for),
		cmocka_unit_test(test_witnesses),
		cmocka_unit_test(test_widened),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_watched_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
