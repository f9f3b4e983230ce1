/* statistics.c - see statistics.h */
#include "base/statistics.h"

#include <math.h>

#define TAIL               0.025
#define EXACT_VARIANCE_MAX 1e6
#define PSI_EVENTS_MIN	   10

double normal_point(double tail)
{
	double low = 0, high = 40;

	if (tail == TAIL)
		return 1.959963984540054;
	for (int i = 0; i < 60; i++) {
		double z = (low + high) / 2;

		*(erfc(z / sqrt(2)) / 2 > tail ? &low : &high) = z;
	}
	return high;
}

struct rate rate_within(uint64_t count, uint64_t of, double deff, double tail)
{
	struct rate r = { count, of, NAN, { NAN, NAN } };
	double n = (double)of / fmax(deff, 1), z = normal_point(tail), p, centre, half, scale;

	if (of == 0)
		return r;
	p = count < of ? (double)count / (double)of : 1;
	scale = 1 + z * z / n;
	centre = (p + z * z / (2 * n)) / scale;
	half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
	r.value = p;
	/* at the ends the bound is exact, and rounding must not say otherwise */
	r.interval.low = count == 0 ? 0 : fmax(0, centre - half);
	r.interval.high = count >= of ? 1 : fmin(1, centre + half);
	return r;
}

struct rate rate_of_witnesses(uint64_t count, uint64_t of, double deff)
{
	return rate_within(count, of, deff, TAIL);
}

struct rate rate_of(uint64_t count, uint64_t of)
{
	return rate_within(count, of, 1, TAIL);
}

/*
 * Of shares, which do not overflow. Not hypot: glibc has another version of it since 2.35, and a program that was
 * built with that one does not start with an older glibc (packaging/tarball-build).
 */
static double both_ways(double x, double y)
{
	return sqrt(x * x + y * y);
}

struct interval rate_difference(const struct rate *a, const struct rate *b, double *value)
{
	double below = both_ways(b->value - b->interval.low, a->interval.high - a->value);
	double above = both_ways(b->interval.high - b->value, a->value - a->interval.low);

	*value = b->value - a->value;
	return (struct interval){ *value - below, *value + above };
}

/* The correlation of the two, with Newcombe's correction for continuity. */
static double paired_phi(double both, double only_a, double only_b, double neither)
{
	double under = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither);
	double over = both * neither - only_a * only_b;

	if (under <= 0)
		return 0;
	if (over > 0)
		over = fmax(over - (both + only_a + only_b + neither) / 2, 0);
	return over / sqrt(under);
}

struct interval paired_within(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither, double tail, double *value)
{
	uint64_t n = both + only_a + only_b + neither;
	struct rate a = rate_within(both + only_a, n, 1, tail), b = rate_within(both + only_b, n, 1, tail);
	double phi = paired_phi((double)both, (double)only_a, (double)only_b, (double)neither);
	double b_low = b.value - b.interval.low, a_high = a.interval.high - a.value;
	double b_high = b.interval.high - b.value, a_low = a.value - a.interval.low;
	double below = b_low * b_low - 2 * phi * b_low * a_high + a_high * a_high;
	double above = b_high * b_high - 2 * phi * b_high * a_low + a_low * a_low;

	*value = b.value - a.value;
	return (struct interval){ *value - sqrt(fmax(below, 0)), *value + sqrt(fmax(above, 0)) };
}

struct interval paired_difference(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither, double *value)
{
	return paired_within(both, only_a, only_b, neither, TAIL, value);
}

static double log_choose(double n, double k)
{
	int sign;

	return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

/*
 * Walk the binomial distribution from ten standard deviations below its mean,
 * where what is left out is below 10^-20, to where both points are passed.
 */
static struct ranks exact_ranks(uint64_t n, double q, double mean, double deviation, double tail)
{
	double start = floor(fmax(0, mean - 10 * deviation - 10)), all = (double)n;
	double mass = exp(log_choose(all, start) + start * log(q) + (all - start) * log1p(-q)), sum = 0;
	struct ranks r = { 0, 0 };

	for (uint64_t k = (uint64_t)start; k < n; k++) {
		sum += mass;
		if (sum <= tail)
			r.low = k + 1;
		if (sum >= 1 - tail) {
			r.high = k + 1;
			break;
		}
		mass *= (all - (double)k) / ((double)k + 1) * (q / (1 - q));
	}
	return r;
}

struct ranks quantile_ranks_within(uint64_t n, double q, double tail)
{
	double mean = (double)n * q, deviation = sqrt(mean * (1 - q)), z, high;

	if (n == 0 || !(q > 0 && q < 1))
		return (struct ranks){ 0, 0 };
	if (deviation * deviation <= EXACT_VARIANCE_MAX)
		return exact_ranks(n, q, mean, deviation, tail);
	z = normal_point(tail);
	high = ceil(mean + z * deviation) + 1;
	return (struct ranks){ (uint64_t)fmax(0, floor(mean - z * deviation)), high <= (double)n ? (uint64_t)high : 0 };
}

struct ranks quantile_ranks(uint64_t n, double q)
{
	return quantile_ranks_within(n, q, TAIL);
}

double stability_index(const uint64_t *a, const uint64_t *b, size_t bins)
{
	double total_a = 0, total_b = 0, used = 0, sum = 0;

	for (size_t i = 0; i < bins; i++) {
		total_a += (double)a[i];
		total_b += (double)b[i];
		used += a[i] > 0 || b[i] > 0;
	}
	if (!(fmin(total_a, total_b) >= PSI_EVENTS_MIN * used) || used <= 0)
		return NAN;
	for (size_t i = 0; i < bins; i++)
		if (a[i] > 0 || b[i] > 0) {
			double p = ((double)a[i] + 0.5) / (total_a + 0.5 * used);
			double r = ((double)b[i] + 0.5) / (total_b + 0.5 * used);

			sum += (r - p) * log(r / p);
		}
	return fmax(0, sum - (used - 1) * (1 / total_a + 1 / total_b));
}
