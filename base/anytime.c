/* anytime.c - see anytime.h */
#include "base/anytime.h"

#include <math.h>

#include "base/beta.h"

#define PRIOR       0.5  /* of rates: Beta(1/2, 1/2) */
#define LIMIT_LEAST 1e-300
#define PAIRS_MAX   0x1p53
#define STAKES	    16

/* struct split - how many were, and how many were not; no integers, since what is foretold has shares of pairs */
struct split {
	double seen, unseen;
};

static struct split split_of(uint64_t count, uint64_t of)
{
	return (struct split){ (double)(count < of ? count : of), count < of ? (double)(of - count) : 0 };
}

/* log of B(1/2 + seen, 1/2) / B(1/2, 1/2) where all was seen: at the mean, where it is precise, less the mean's part */
static double evidence_below_one(struct split n)
{
	double q = PRIOR / (2 * PRIOR + n.seen);

	return log_beta_ratio(PRIOR + n.seen, PRIOR, 1 - q, q) - log_beta_ratio(PRIOR, PRIOR, 1 - q, q) +
	       n.seen * log1p(-q);
}

/*
 * Towards the limits 0 and 1 the evidence tends to what is returned for them: it is infinite where one pair
 * has proven the claim, and sinks slowly where there is no rate left that could be claimed.
 */
static double evidence_below(struct split n, double limit)
{
	if (limit > 1 || (limit == 1 && n.unseen > 0))
		return INFINITY;
	if (limit < 0)
		return -INFINITY;
	if (limit == 1)
		return evidence_below_one(n);
	if (limit < LIMIT_LEAST)
		return log(PRIOR / (PRIOR + n.seen));
	return log_beta_below(PRIOR + n.seen, PRIOR + n.unseen, limit, 1 - limit) -
	       log_beta_below(PRIOR, PRIOR, limit, 1 - limit);
}

static double evidence_above(struct split n, double limit)
{
	double b;

	if (limit < 0 || (limit < LIMIT_LEAST && n.seen > 0))
		return INFINITY;
	if (limit > 1)
		return -INFINITY;
	if (limit < LIMIT_LEAST)
		return 0;
	b = PRIOR / limit / 2; /* the prior's mean lies at twice the limit, where it is small */
	if (limit == 1)
		return log(b / (b + n.unseen));
	return log_beta_below(b + n.unseen, PRIOR + n.seen, 1 - limit, limit) -
	       log_beta_below(b, PRIOR, 1 - limit, limit);
}

double anytime_below(uint64_t count, uint64_t of, double limit)
{
	return evidence_below(split_of(count, of), limit);
}

double anytime_above(uint64_t count, uint64_t of, double limit)
{
	return evidence_above(split_of(count, of), limit);
}

static bool is_proven(double rate, double of, double limit, bool below, double bar)
{
	struct split n = { rate * of, (1 - rate) * of };

	return (below ? evidence_below(n, limit) : evidence_above(n, limit)) >= bar;
}

/* Along a rate the evidence may sink at first, but once it rises it rises for ever: the bar is crossed once. */
uint64_t anytime_pairs_to_go(double rate, uint64_t of, double limit, bool below, double alpha)
{
	double bar = -log(alpha), too_few = (double)of, enough = fmax(too_few, 1);

	if (is_proven(rate, too_few, limit, below, bar))
		return 0;
	if (!(below ? rate < limit : rate > limit))
		return UINT64_MAX;
	do {
		enough *= 2;
		if (enough > PAIRS_MAX)
			return UINT64_MAX;
	} while (!is_proven(rate, enough, limit, below, bar));
	while (enough - too_few > 1) {
		double middle = floor((too_few + enough) / 2);

		*(is_proven(rate, middle, limit, below, bar) ? &enough : &too_few) = middle;
	}
	return (uint64_t)enough - of;
}

/* 0 of what is infinite is 0 */
static double times(uint64_t count, double log_factor)
{
	return count > 0 ? (double)count * log_factor : 0;
}

/* The log of what is left of 1 that was staked on differences above @limit, @share of the most that can be. */
static double winnings(uint64_t plus, uint64_t zero, uint64_t minus, double limit, double share)
{
	double stake = share / (1 + limit);
	double from_plus = times(plus, log1p(stake * (1 - limit))), from_zero = times(zero, log1p(-stake * limit));

	return from_plus + from_zero + times(minus, log1p(-share));
}

double anytime_mean_above(uint64_t plus, uint64_t zero, uint64_t minus, double limit)
{
	double all[STAKES], most = -INFINITY, sum = 0, share = 0.9;

	if (limit < -1 || (limit == -1 && plus + zero > 0))
		return INFINITY;
	if (limit > 1)
		return -INFINITY;
	for (int i = 0; i < STAKES; i++, share *= M_SQRT1_2) {
		all[i] = limit > -1 ? winnings(plus, zero, minus, limit, share) : times(minus, log1p(-share));
		most = fmax(most, all[i]);
	}
	for (int i = 0; i < STAKES; i++)
		sum += exp(all[i] - most);
	return most + log(sum / STAKES);
}

double anytime_mean_below(uint64_t plus, uint64_t zero, uint64_t minus, double limit)
{
	return anytime_mean_above(minus, zero, plus, -limit);
}

/* The least mean of which it is not proven that the true one is above it. */
static double mean_bound(uint64_t plus, uint64_t zero, uint64_t minus, double bar)
{
	double n = (double)plus + (double)zero + (double)minus;
	double too_low = -1, credible = n > 0 ? ((double)plus - (double)minus) / n : -1;

	if (plus + zero == 0)
		return -1;
	while (credible - too_low > 1e-15) {
		double middle = (too_low + credible) / 2;

		if (middle <= too_low || middle >= credible)
			break;
		*(anytime_mean_above(plus, zero, minus, middle) < bar ? &credible : &too_low) = middle;
	}
	return too_low;
}

struct interval anytime_paired(uint64_t plus, uint64_t zero, uint64_t minus, double alpha)
{
	double bar = -log(alpha / 2);

	return (struct interval){ mean_bound(plus, zero, minus, bar), -mean_bound(minus, zero, plus, bar) };
}
