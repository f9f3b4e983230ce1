/*
 * test_statistics.c - intervals that hold what they promise
 *
 * Each formula is checked in another way: published values, the equation that
 * the bound solves, a brute-force sum, and simulation with a fixed seed.
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"

/* Published or computed with other tools, to the digits given. */
static const struct {
	uint64_t count, of;
	double low, high, by;
} wilson_table[] = {
	{ 0, 1000, 0, 0.0038268, 1e-7 },
	{ 0, 3000, 0, 0.0012789, 1e-7 },
	{ 0, 10000, 0, 0.00038400, 1e-8 },
	{ 22, 540, 0.027, 0.061, 5e-4 },  /* 2.7 - 6.1 %: the digits' forest against its logistic regression */
	{ 81, 263, 0.2553, 0.3662, 5e-5 }, /* the four rows of Newcombe's paper on single proportions, 1998 */
	{ 15, 148, 0.0624, 0.1605, 5e-5 },
	{ 0, 20, 0, 0.1611, 5e-5 },
	{ 1, 29, 0.0061, 0.1718, 5e-5 },
	{ 1, 1, 0.2065, 1, 5e-5 },
	{ 10, 10, 0.7225, 1, 5e-5 },
};

static void test_wilson(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wilson_table) / sizeof(wilson_table[0]); i++) {
		struct rate r = rate_of(wilson_table[i].count, wilson_table[i].of);

		NEAR(r.interval.low, wilson_table[i].low, wilson_table[i].by);
		NEAR(r.interval.high, wilson_table[i].high, wilson_table[i].by);
		NEAR(r.value, (double)wilson_table[i].count / (double)wilson_table[i].of, 1e-12);
	}
}

/* The bounds are where the score test just rejects: |p - bound| = z sqrt(bound (1 - bound) / n). */
static void test_wilson_solves_its_equation(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 100000; n = n * 3 + 1)
		for (uint64_t k = 0; k <= n; k += n / 7 + 1) {
			struct rate r = rate_of(k, n);
			double bounds[] = { r.interval.low, r.interval.high };

			assert_true(r.interval.low <= r.value && r.value <= r.interval.high);
			for (int b = 0; b < 2; b++)
				if (bounds[b] > 0 && bounds[b] < 1)
					NEAR(fabs(r.value - bounds[b]),
					     1.959963984540054 * sqrt(bounds[b] * (1 - bounds[b]) / (double)n), 1e-9);
		}
}

static void test_nothing_is_not_known(void **state)
{
	struct rate none = rate_of(0, 0), some = rate_of(1, 10), more = rate_of(7, 5);
	struct interval i;
	double value;

	(void)state;
	assert_true(isnan(none.value) && isnan(none.interval.low) && isnan(none.interval.high));
	assert_true(more.value == 1 && more.interval.high == 1 && more.interval.low < 1);
	i = rate_difference(&none, &some, &value);
	assert_true(isnan(value) && isnan(i.low) && isnan(i.high));
	i = paired_difference(0, 0, 0, 0, &value);
	assert_true(isnan(value) && isnan(i.low) && isnan(i.high));
	assert_int_equal(quantile_ranks(0, 0.5).low, 0);
	assert_int_equal(quantile_ranks(100, 0).high, 0);
	assert_int_equal(quantile_ranks(100, NAN).high, 0);
}

/* Newcombe's worked examples: 56/70 - 48/80 (independent), and the airways data of the paired paper. */
static void test_newcombe(void **state)
{
	struct rate a = rate_of(48, 80), b = rate_of(56, 70);
	double value;
	struct interval i = rate_difference(&a, &b, &value);

	(void)state;
	NEAR(value, 0.2, 1e-12);
	NEAR(i.low, 0.0524, 5e-5);
	NEAR(i.high, 0.3339, 5e-5);
	i = paired_difference(212, 144, 256, 707, &value); /* b - a = (468 - 356) / 1319 */
	NEAR(value, 0.0849, 5e-5);
	NEAR(i.low, 0.0553, 1e-3);
	NEAR(i.high, 0.1143, 1e-3);
	/* what is bad for both alike cancels: the paired interval is the narrower one */
	a = rate_of(100, 1000);
	b = rate_of(104, 1000);
	{
		struct interval loose = rate_difference(&a, &b, &value);
		struct interval tight = paired_difference(98, 2, 6, 894, &value);

		assert_true(tight.high - tight.low < (loose.high - loose.low) / 3);
		assert_true(tight.low > loose.low && tight.high < loose.high);
	}
}

/* The same question from the other side gives the same answer with the sign turned. */
static void test_newcombe_is_symmetric(void **state)
{
	(void)state;
	random_state = 1;
	for (int turn = 0; turn < 2000; turn++) {
		uint64_t n[4];
		double there, back;
		struct interval i, k;

		for (int c = 0; c < 4; c++)
			n[c] = random_next() % 50;
		n[3]++;
		i = paired_difference(n[0], n[1], n[2], n[3], &there);
		k = paired_difference(n[0], n[2], n[1], n[3], &back);
		NEAR(there, -back, 1e-12);
		NEAR(i.low, -k.high, 1e-12);
		NEAR(i.high, -k.low, 1e-12);
		assert_true(i.low <= there + 1e-12 && there <= i.high + 1e-12 && i.low >= -1 && i.high <= 1);
	}
}

static double choose(int n, int k)
{
	double c = 1;

	for (int i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return c;
}

/* By its definition: the chance that the quantile lies between the two order statistics, summed term by term. */
static void test_ranks_by_definition(void **state)
{
	static const double quantiles[] = { 0.5, 0.9, 0.95, 0.99 };

	(void)state;
	for (int n = 1; n <= 300; n += n < 40 ? 1 : 37)
		for (size_t at = 0; at < 4; at++) {
			double q = quantiles[at], below = 0;
			struct ranks r = quantile_ranks((uint64_t)n, q), want = { 0, 0 };

			for (int k = 0; k < n; k++) {
				below += choose(n, k) * pow(q, k) * pow(1 - q, n - k);
				if (below <= 0.025)
					want.low = (uint64_t)k + 1;
				if (below >= 0.975 && want.high == 0)
					want.high = (uint64_t)k + 1;
			}
			if (r.low != want.low || r.high != want.high)
				fail_msg("n %d, q %g: ranks %d - %d, not %d - %d", n, q, (int)r.low, (int)r.high,
					 (int)want.low, (int)want.high);
		}
}

/* Where the exact walk ends, the approximation continues it. */
static void test_ranks_of_many(void **state)
{
	struct ranks exact = quantile_ranks(4000000, 0.5), near = quantile_ranks(4000001, 0.5);
	struct ranks huge = quantile_ranks(UINT64_C(1) << 50, 0.99);

	(void)state;
	NEAR(exact.low, near.low, 2);
	NEAR(exact.high, near.high, 3);
	NEAR(exact.low, 2000000 - 1959.96, 2);
	assert_true(huge.low < 0.99 * 0x1p50 && huge.high > 0.99 * 0x1p50 && huge.high - huge.low < 20000000);
	assert_int_equal(quantile_ranks(50, 0.99).high, 0); /* the largest of 50 may be below the 99 % point */
	assert_int_equal(quantile_ranks(5, 0.5).low, 0);    /* median of five: no 95 % interval exists */
	assert_int_equal(quantile_ranks(6, 0.5).low, 1);
	assert_int_equal(quantile_ranks(6, 0.5).high, 6);
}

/* Does the interval hold the truth as often as it says? 95 %, with what chance allows in 4000 turns. */
static void covers(const char *what, int hits, int turns, double at_least, double at_most)
{
	double share = (double)hits / turns;

	if (share < at_least || share > at_most)
		fail_msg("%s: %.2f %% of the intervals hold the truth", what, 100 * share);
}

static void test_coverage_of_rates(void **state)
{
	static const double truths[] = { 0.002, 0.02, 0.3 };
	enum { TURNS = 4000, N = 800 };

	(void)state;
	random_state = 42;
	for (int t = 0; t < 3; t++) {
		int hits = 0;

		for (int turn = 0; turn < TURNS; turn++) {
			uint64_t count = 0;
			struct rate r;

			for (int i = 0; i < N; i++)
				count += random_unit() < truths[t];
			r = rate_of(count, N);
			hits += r.interval.low <= truths[t] && truths[t] <= r.interval.high;
		}
		covers("Wilson", hits, TURNS, 0.935, 0.985);
	}
}

static void test_coverage_of_paired_difference(void **state)
{
	enum { TURNS = 4000, N = 500 };
	int hits = 0;

	(void)state;
	random_state = 43;
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t cell[4] = { 0 };
		struct interval i;
		double value;

		for (int k = 0; k < N; k++) { /* 5 % bad for both, 1 % for a alone, 3 % for b alone: b - a = 2 % */
			double u = random_unit();

			cell[u < 0.05 ? 0 : u < 0.06 ? 1 : u < 0.09 ? 2 : 3]++;
		}
		i = paired_difference(cell[0], cell[1], cell[2], cell[3], &value);
		hits += i.low <= 0.02 && 0.02 <= i.high;
	}
	covers("Newcombe, paired", hits, TURNS, 0.935, 0.975);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void test_coverage_of_quantiles(void **state)
{
	enum { TURNS = 3000, N = 300 };
	static const double quantiles[] = { 0.5, 0.9 };

	(void)state;
	random_state = 44;
	for (int at = 0; at < 2; at++) {
		struct ranks r = quantile_ranks(N, quantiles[at]);
		double truth = -log(1 - quantiles[at]), values[N]; /* of an exponential distribution */
		int hits = 0;

		for (int turn = 0; turn < TURNS; turn++) {
			for (int i = 0; i < N; i++)
				values[i] = -log(1 - random_unit());
			qsort(values, N, sizeof(values[0]), by_value);
			hits += values[r.low - 1] <= truth && truth <= values[r.high - 1];
		}
		covers("quantile", hits, TURNS, 0.94, 0.975);
	}
}

static void test_stability_index(void **state)
{
	const uint64_t a[] = { 500, 300, 200, 0 }, b[] = { 300, 300, 400, 0 }, none[4] = { 0 };
	const uint64_t left[] = { 1000, 0 }, right[] = { 0, 1000 }, few[] = { 10, 9 }, enough[] = { 10, 10 };
	/* (0.3 - 0.5) ln(0.3 / 0.5) + (0.4 - 0.2) ln 2, before smoothing */
	double plain = -0.2 * log(0.6) + 0.2 * log(2);

	(void)state;
	NEAR(stability_index(a, b, 4), plain - 2 * 0.002, 0.001); /* less what chance does */
	NEAR(stability_index(a, a, 4), 0, 1e-12);
	NEAR(stability_index(a, b, 4), stability_index(b, a, 4), 1e-12);
	assert_true(isnan(stability_index(a, none, 4)));
	assert_true(isfinite(stability_index(left, right, 2)) && stability_index(left, right, 2) > 5);
	assert_true(isnan(stability_index(few, right, 2)) && !isnan(stability_index(enough, right, 2)));
	assert_true(isnan(stability_index(none, none, 4)) && isnan(stability_index(a, a, 0)));
}

/* @n events of the first @bins bins; bin i is 1 + @slope · i as frequent as the first. */
static void draw(uint64_t *bin, size_t bins, size_t n, double slope)
{
	double all = (double)bins + slope * (double)(bins * (bins - 1)) / 2;

	memset(bin, 0, bins * sizeof(*bin));
	for (size_t i = 0; i < n; i++) {
		double u = random_unit() * all;
		size_t at = 0;

		for (; at + 1 < bins && u >= 1 + slope * (double)at; at++)
			u -= 1 + slope * (double)at;
		bin[at]++;
	}
}

/* Without drift there is none, with many labels too; a drift is told as it is, whatever the number of responses. */
static void test_stability_index_of_chance(void **state)
{
	static const struct {
		size_t bins, n, m;
		double slope, truth; /* of the second sample; the index of the two distributions */
	} rows[] = {
		{ 20, 200, 200, 0, 0 }, /* 0.18 on average, taken as it comes, and above 0.1 in 93 % of the runs; now in 6 % */
		{ 100, 1000, 1000, 0, 0 },
		{ 100, 5000, 1000, 0, 0 },
		{ 20, 400, 400, 0.1, NAN },
		{ 20, 4000, 400, 0.1, NAN },
		{ 5, 5000, 5000, 1, NAN },
	};
	enum { TURNS = 200 };

	(void)state;
	random_state = 45;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		double sum = 0, truth = rows[r].truth, all = (double)rows[r].bins;
		int above = 0;

		for (int turn = 0; turn < TURNS; turn++) {
			uint64_t a[100], b[100];
			double index;

			draw(a, rows[r].bins, rows[r].n, 0);
			draw(b, rows[r].bins, rows[r].m, rows[r].slope);
			index = stability_index(a, b, rows[r].bins);
			sum += index / TURNS;
			above += index > 0.1;
		}
		if (truth == 0 && (above > TURNS / 10 || sum > 0.03))
			fail_msg("row %zu: %d times a drift, %g on average", r, above, sum);
		if (truth == 0)
			continue;
		truth = 0;
		for (size_t i = 0; i < rows[r].bins; i++) {
			double p = 1 / all, q = (1 + rows[r].slope * (double)i) / (all + rows[r].slope * all * (all - 1) / 2);

			truth += (q - p) * log(q / p);
		}
		NEAR(sum, truth, 0.05 * truth + 0.005);
	}
}

/* Pairs that count for fewer have the interval of that many; the share stays that of all. */
static void test_witnesses(void **state)
{
	struct rate many = rate_of_witnesses(220, 5400, 10), few = rate_of(22, 540), none = rate_of_witnesses(0, 5000, 5);

	(void)state;
	NEAR(many.value, few.value, 1e-15);
	NEAR(many.interval.low, few.interval.low, 1e-12);
	NEAR(many.interval.high, few.interval.high, 1e-12);
	assert_int_equal(many.count, 220);
	assert_int_equal(many.of, 5400);
	NEAR(none.interval.high, 0.0038268, 1e-7); /* 0 of 1000 */
	NEAR(rate_of_witnesses(22, 540, 0.2).interval.low, few.interval.low, 0); /* never more than there are */
	NEAR(rate_of_witnesses(3, 3, 100).interval.high, 1, 0);
	assert_true(rate_of_witnesses(3, 3, 100).interval.low >= 0 && rate_of_witnesses(3, 3, 100).interval.low < 0.01);
	assert_true(isnan(rate_of_witnesses(0, 0, 3).value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wilson),
		cmocka_unit_test(test_wilson_solves_its_equation),
		cmocka_unit_test(test_nothing_is_not_known),
		cmocka_unit_test(test_newcombe),
		cmocka_unit_test(test_newcombe_is_symmetric),
		cmocka_unit_test(test_ranks_by_definition),
		cmocka_unit_test(test_ranks_of_many),
		cmocka_unit_test(test_coverage_of_rates),
		cmocka_unit_test(test_coverage_of_paired_difference),
		cmocka_unit_test(test_coverage_of_quantiles),
		cmocka_unit_test(test_stability_index),
		cmocka_unit_test(test_stability_index_of_chance),
		cmocka_unit_test(test_witnesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
