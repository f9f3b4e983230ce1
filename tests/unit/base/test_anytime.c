/*
 * test_anytime.c - evidence that holds however often it is looked at
 *
 * Four oracles. Rows from another tool (anytime_rows.h). What the evidence is worth on average, summed over all
 * outcomes of a few pairs, is exactly 1. Simulated streams are looked at often. And whatever the counts, nothing is
 * NaN, and more of the one thing never proves the other.
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdlib.h>

#include "base/anytime.h"
#include "tests/unit/base/anytime_rows.h"

#define STREAMS 200 /* unless PROPERTY_ROUNDS says otherwise, as ./test --long does; of these, at most 4000 */

/* to 1e-9 of the number, or of 1 where it is below */
#define SAME(a, b) NEAR(a, b, 1e-9 * fmax(1, fabs((double)(b))))

static int streams(void)
{
	const char *wish = getenv("PROPERTY_ROUNDS");

	return wish ? (int)fmin(atof(wish), 4000) : STREAMS;
}

/* ---- rows ---- */

static void test_evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(evidence) / sizeof(evidence[0]); i++) {
		SAME(anytime_below(evidence[i].count, evidence[i].of, evidence[i].limit), evidence[i].below);
		SAME(anytime_above(evidence[i].count, evidence[i].of, evidence[i].limit), evidence[i].above);
	}
}

static void test_means(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
		uint64_t plus = means[i].plus, zero = means[i].zero, minus = means[i].minus;
		struct interval got = anytime_paired(plus, zero, minus, 0.05);

		SAME(got.low, means[i].low);
		SAME(got.high, means[i].high);
		SAME(anytime_mean_above(plus, zero, minus, means[i].limit), means[i].above);
		SAME(anytime_mean_below(plus, zero, minus, means[i].limit), means[i].below);
	}
}

/* ---- what it is worth on average ---- */

static double choose(int n, int k)
{
	double c = 1;

	for (int i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return c;
}

/* At the limit the evidence is worth 1 on average, over all that can happen; where the claim is false, less. */
static void test_evidence_is_fair(void **state)
{
	static const double limits[] = { 0.001, 0.05, 0.3, 0.5, 0.9, 0.995 };

	(void)state;
	for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++)
		for (int n = 1; n <= 12; n++)
			for (int turn = 0; turn < 3; turn++) {
				double rate = limits[l] * (turn == 0 ? 1 : turn == 1 ? 0.7 : 1.004);
				double below = 0, above = 0;

				for (int k = 0; k <= n; k++) {
					double chance = choose(n, k) * pow(rate, k) * pow(1 - rate, n - k);

					below += chance * exp(anytime_below((uint64_t)k, (uint64_t)n, limits[l]));
					above += chance * exp(anytime_above((uint64_t)k, (uint64_t)n, limits[l]));
				}
				if (turn == 0) {
					SAME(below, 1);
					SAME(above, 1);
				}
				assert_true(turn == 0 || (turn == 1 ? above < 1 : below < 1));
			}
}

static void test_mean_evidence_is_fair(void **state)
{
	static const struct {
		double plus, minus;
	} chances[] = { { 0.1, 0.1 }, { 0.03, 0.01 }, { 0, 0.2 }, { 0.5, 0 }, { 0.2, 0.7 }, { 0.98, 0.01 } };

	(void)state;
	for (size_t c = 0; c < sizeof(chances) / sizeof(chances[0]); c++)
		for (int n = 1; n <= 10; n++) {
			double mean = chances[c].plus - chances[c].minus, zero = 1 - chances[c].plus - chances[c].minus;
			double below = 0, above = 0;

			for (int p = 0; p <= n; p++)
				for (int m = 0; p + m <= n; m++) {
					double chance = choose(n, p) * choose(n - p, m) * pow(chances[c].plus, p) *
							pow(chances[c].minus, m) * pow(zero, n - p - m);
					uint64_t plus = (uint64_t)p, minus = (uint64_t)m, rest = (uint64_t)(n - p - m);

					below += chance * exp(anytime_mean_below(plus, rest, minus, mean));
					above += chance * exp(anytime_mean_above(plus, rest, minus, mean));
				}
			SAME(below, 1);
			SAME(above, 1);
		}
}

/* ---- streams that are watched ---- */

/* How many of @n: counted by the gaps between them, which are few where @rate is small. */
static uint64_t draw(uint64_t n, double rate)
{
	uint64_t hits = 0;
	double at = 0;

	for (;;) {
		at += 1 + floor(log(1 - random_unit()) / log1p(-rate));
		if (at > (double)n)
			return hits;
		hits++;
	}
}

/* @wrong of @of streams, where @share may be: three standard deviations more are chance */
static void at_most(const char *what, int wrong, int of, double share)
{
	double most = of * share + 3 * sqrt(of * share * (1 - share));

	if (wrong > most)
		fail_msg("%s: %d of %d streams are wrong, at most %.1f may be", what, wrong, of, most);
}

/*
 * The rate is the limit, or goes to and fro between the limit and thrice that: whoever looks 200 times is told what is
 * false in at most 2.5 % of the streams. Wilson's interval, watched in this way, is wrong in a quarter of them or more.
 */
static void test_watched_rates(void **state)
{
	enum { LOOKS = 200, STEP = 100 };
	const double limit = 0.005, bar = log(40);
	int all = streams(), below = 0, above = 0, moving = 0, wilson = 0;

	(void)state;
	random_state = 151;
	for (int s = 0; s < all; s++) {
		uint64_t count = 0, moved = 0, of = 0;
		bool b = false, a = false, m = false, w = false;

		for (int look = 0; look < LOOKS; look++) {
			struct rate r;

			count += draw(STEP, limit);
			moved += draw(STEP, look / 20 % 2 ? 3 * limit : limit);
			of += STEP;
			r = rate_of(count, of);
			b |= anytime_below(count, of, limit) >= bar;
			a |= anytime_above(count, of, limit) >= bar;
			m |= anytime_below(moved, of, limit) >= bar;
			w |= r.interval.low > limit || r.interval.high < limit;
		}
		below += b;
		above += a;
		moving += m;
		wilson += w;
	}
	at_most("below", below, all, 0.025);
	at_most("above", above, all, 0.025);
	at_most("below, of a rate that moves", moving, all, 0.025);
	assert_true(wilson > all / 4); /* or the streams would not catch anything */
}

/* What it takes to show that a rate is below 0.1 %, if it is 0 or half of that; docs/comparing.md has these numbers. */
static void test_power(void **state)
{
	(void)state;
	assert_in_range(anytime_pairs_to_go(0, 0, 0.001, true, 0.025), 4500, 4650);
	assert_in_range(anytime_pairs_to_go(0.0005, 0, 0.001, true, 0.025), 33000, 35500);
	assert_in_range(anytime_pairs_to_go(0.025, 0, 0.005, false, 0.025), 150, 500);
}

/* 2 % plus, 2 % minus: no difference. Newcombe's interval, watched, sees one in a quarter of the streams. */
static void test_watched_means(void **state)
{
	enum { LOOKS = 100, STEP = 100 };
	const double bar = log(40);
	int all = streams(), below = 0, above = 0, once = 0;

	(void)state;
	random_state = 153;
	for (int s = 0; s < all; s++) {
		uint64_t plus = 0, minus = 0, n = 0;
		bool b = false, a = false, o = false;

		for (int look = 0; look < LOOKS; look++) {
			struct interval i;
			double value;

			plus += draw(STEP, 0.02);
			minus += draw(STEP, 0.02);
			n += STEP;
			if (plus + minus > n)
				minus = n - plus;
			b |= anytime_mean_below(plus, n - plus - minus, minus, 0) >= bar;
			a |= anytime_mean_above(plus, n - plus - minus, minus, 0) >= bar;
			i = paired_difference(0, minus, plus, n - plus - minus, &value);
			o |= i.low > 0 || i.high < 0;
		}
		below += b;
		above += a;
		once += o;
	}
	at_most("mean below", below, all, 0.025);
	at_most("mean above", above, all, 0.025);
	assert_true(once > all / 5);
}

/* ---- whatever the counts ---- */

static const uint64_t sizes[] = { 0, 1, 2, 3, 10, 100, 999, 5000, 1000000, 1000000000, UINT64_C(1) << 53 };
static const double limits[] = { -0.5, 0,   5e-324, 1e-300, 1e-12,     1e-6, 0.001,
				 0.05, 0.5, 0.9,    0.999,  1 - 1e-16, 1,    1.5 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The counts from none to all: ends, and some between. */
static uint64_t some_count(uint64_t of, int i)
{
	static const double shares[] = { 0, 1e-9, 1e-6, 0.001, 0.05, 0.5, 0.9, 0.999, 1 };

	return i == 1 ? of > 0 : i == 9 ? of - (of > 0) : i > 9 ? of : (uint64_t)(shares[i - (i > 1)] * (double)of);
}

#define COUNTS 11

static double slack(double value) /* rounding of what is large */
{
	return isfinite(value) ? 1e-9 * (1 + fabs(value)) : 0;
}

/* One more of what is counted speaks against below and for above; a higher limit the other way round. */
static void check_evidence(uint64_t count, uint64_t of, size_t l)
{
	double below = anytime_below(count, of, limits[l]), above = anytime_above(count, of, limits[l]);

	assert_false(isnan(below) || isnan(above));
	if (count < of) {
		assert_true(anytime_below(count + 1, of, limits[l]) <= below + slack(below));
		assert_true(anytime_above(count + 1, of, limits[l]) >= above - slack(above));
	}
	if (l > 0) {
		assert_true(anytime_below(count, of, limits[l - 1]) <= below + slack(below));
		assert_true(anytime_above(count, of, limits[l - 1]) >= above - slack(above));
	}
}

static void test_rates_of_all_counts(void **state)
{
	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++)
		for (int i = 0; i < COUNTS; i++)
			for (size_t l = 0; l < COUNT(limits); l++)
				check_evidence(some_count(sizes[s], i), sizes[s], l);
}

static void test_means_of_all_counts(void **state)
{
	static const double means_at[] = { -2, -1, -0.9, -0.01, 0, 1e-9, 0.01, 0.9, 1, 2 };

	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++)
		for (int p = 0; p < COUNTS; p++)
			for (int m = 0; m < COUNTS; m++) {
				uint64_t of = sizes[s], plus = some_count(of, p), minus = some_count(of, m), zero;
				double value, last = INFINITY;
				struct interval i;

				if (plus > of - minus)
					continue;
				zero = of - minus - plus;
				value = of > 0 ? ((double)plus - (double)minus) / (double)of : 0;
				i = anytime_paired(plus, zero, minus, 0.05);
				assert_true(-1 <= i.low && i.low <= value && value <= i.high && i.high <= 1);
				for (size_t l = 0; l < COUNT(means_at); l++) {
					double above = anytime_mean_above(plus, zero, minus, means_at[l]);
					double below = anytime_mean_below(minus, zero, plus, -means_at[l]);

					assert_false(isnan(above));
					assert_true(above == below); /* the same question from the other side */
					assert_true(above <= last + slack(last));
					last = above;
				}
			}
}

/* How many more pairs: the first number at which it is proven, as the evidence itself says. */
static void test_pairs_to_go(void **state)
{
	const double bar = log(40);
	uint64_t n;

	(void)state;
	for (double limit = 1e-5; limit < 0.9; limit *= 3) {
		n = anytime_pairs_to_go(0, 0, limit, true, 0.025);
		assert_true(anytime_below(0, n, limit) >= bar && anytime_below(0, n - 1, limit) < bar);
		assert_int_equal(anytime_pairs_to_go(0, 7, limit, true, 0.025), n > 7 ? n - 7 : 0);
		assert_int_equal(anytime_pairs_to_go(0, n, limit, true, 0.025), 0);
		n = anytime_pairs_to_go(1, 0, limit, false, 0.025);
		assert_true(anytime_above(n, n, limit) >= bar && anytime_above(n - 1, n - 1, limit) < bar);
	}
	assert_true(anytime_pairs_to_go(0.01, 100, 0.01, true, 0.05) == UINT64_MAX);
	assert_true(anytime_pairs_to_go(0.01, 100, 0.01, false, 0.05) == UINT64_MAX);
	assert_true(anytime_pairs_to_go(0.02, 100, 0.01, true, 0.05) == UINT64_MAX);
	assert_true(anytime_pairs_to_go(NAN, 100, 0.01, true, 0.05) == UINT64_MAX);
	assert_true(anytime_pairs_to_go(0.01 - 1e-12, 100, 0.01, true, 0.05) == UINT64_MAX); /* 10^20 pairs */
	/* the closer, the longer, by the square of the distance */
	n = anytime_pairs_to_go(0.009, 0, 0.01, true, 0.05);
	assert_in_range(anytime_pairs_to_go(0.0099, 0, 0.01, true, 0.05), 50 * n, 200 * n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_means),
		cmocka_unit_test(test_evidence_is_fair),
		cmocka_unit_test(test_mean_evidence_is_fair),
		cmocka_unit_test(test_watched_rates),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_watched_means),
		cmocka_unit_test(test_rates_of_all_counts),
		cmocka_unit_test(test_means_of_all_counts),
		cmocka_unit_test(test_pairs_to_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
