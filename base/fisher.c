/*
 * fisher.c - see fisher.h
 *
 * The first term by log-factorials, the others from it by the ratio of
 * neighbours. Above the mean terms fall at least as a geometric row, so few
 * of them count.
 */
#include "base/fisher.h"

#include <math.h>

#define SMALL 1e-17 /* of the sum: what is added no more */

static double log_factorial(uint64_t n)
{
	int sign;

	return lgamma_r((double)n + 1, &sign);
}

static double log_choose(uint64_t n, uint64_t k)
{
	return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

static uint64_t most_hits(const struct draw *d)
{
	return d->marked < d->inside ? d->marked : d->inside;
}

/** least_hits() - those inside that have no room among the unmarked */
static uint64_t least_hits(const struct draw *d)
{
	uint64_t unmarked = d->all - d->marked;

	return d->inside > unmarked ? d->inside - unmarked : 0;
}

double fisher_log_first(const struct draw *d, uint64_t hits)
{
	if (hits > most_hits(d) || hits < least_hits(d))
		return -INFINITY;
	return log_choose(d->marked, hits) + log_choose(d->all - d->marked, d->inside - hits) -
	       log_choose(d->all, d->inside);
}

double fisher_log_upper(const struct draw *d, uint64_t hits)
{
	uint64_t least = least_hits(d), most = most_hits(d);
	double marked = (double)d->marked, inside = (double)d->inside, rest = (double)(d->all - d->marked) - inside;
	double sum = 1, term = 1;

	if (hits <= least)
		return 0;
	for (uint64_t k = hits; k < most && term > SMALL * sum; k++) {
		double x = (double)k;

		term *= (marked - x) * (inside - x) / ((x + 1) * (rest + x + 1));
		sum += term;
	}
	return fmin(0, fisher_log_first(d, hits) + log(sum));
}
