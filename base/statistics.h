/*
 * statistics.h - what counts tell, and how surely
 *
 * Every interval is a 95 % interval unless a function takes @tail: what may be wrong on
 * either side, 0.025 for 95 %. All are for one look at data that is complete (looks.h
 * has those for data that is watched). What cannot be known, the rate of nothing
 * or a quantile beyond the data, is NaN or a rank of 0: callers write null and
 * never a number that looks like knowledge.
 */
#ifndef BASE_STATISTICS_H
#define BASE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

struct interval {
	double low, high;
};

/** struct rate - @count of @of: their ratio and its interval; all three NaN when @of is 0 */
struct rate {
	uint64_t count, of;
	double value;
	struct interval interval;
};

/**
 * rate_of() - a share with its Wilson interval
 *
 * Wilson's score interval keeps its coverage for shares near 0 and 1, where the
 * textbook's p ± 1.96 s claims certainty: 0 of 1000 is at most 0.38 %, not 0.
 * Source: Wilson, "Probable inference ...", JASA 22 (1927). A @count above @of counts as @of.
 */
struct rate rate_of(uint64_t count, uint64_t of);

/** normal_point() - what the standard normal distribution exceeds with probability @tail, 0 < @tail <= 0.5 */
double normal_point(double tail);

/**
 * rate_of_witnesses() - the same where observations are no independent witnesses: @of of them say as much as @of / @deff
 *
 * @deff is their design effect, at least 1: how many times the variance is that of as many independent ones.
 * Source: Kish, "Survey Sampling" (1965), 8.2; Wilson's interval with the effective size is that of Korn and Graubard,
 * "Confidence intervals for proportions with small expected number of positive counts", Survey Methodology 24 (1998).
 */
struct rate rate_of_witnesses(uint64_t count, uint64_t of, double deff);
struct rate rate_within(uint64_t count, uint64_t of, double deff, double tail);

/**
 * paired_difference() - the share of b minus the share of a, both observed on the same requests
 * @both, @only_a, @only_b, @neither: how often a and b were seen
 * @value: out, the difference; NaN if there was no request
 *
 * Production and shadow answer the same request, so a request that is bad for
 * both says nothing about their difference. Newcombe's method 10 takes that
 * into account; his interval of independent shares would be too wide.
 * Source: Newcombe, "Improved confidence intervals for the difference between
 * binomial proportions based on paired data", Statistics in Medicine 17 (1998).
 */
struct interval paired_difference(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither, double *value);
struct interval paired_within(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither, double tail, double *value);

/**
 * rate_difference() - @b minus @a, of which it is not known on which requests they fell together
 *
 * Newcombe's method 10 for independent samples. Where shares rise together, as those of two copies
 * of one model do, it is wider than need be and never too narrow.
 */
struct interval rate_difference(const struct rate *a, const struct rate *b, double *value);

/** struct ranks - of the order statistics that bound a quantile, counted from 1; 0: no value bounds it on that side */
struct ranks {
	uint64_t low, high;
};

/**
 * quantile_ranks() - between which of @n sorted values the @q-quantile lies, whatever the distribution
 *
 * How many of n values lie below the quantile is binomial (n, q): its 2.5 % and
 * 97.5 % points are the ranks. Exact up to a variance of 10^6, by the normal
 * approximation above, where the two differ by less than one rank in a thousand.
 */
struct ranks quantile_ranks(uint64_t n, double q);
struct ranks quantile_ranks_within(uint64_t n, double q, double tail);

/**
 * stability_index() - PSI: how far two histograms of the same bins are apart, beyond what chance does
 *
 * Half an event is added to each bin that either has, so that a bin seen on one
 * side only has a finite weight. Common reading: below 0.1 nothing, above 0.25
 * much.
 *
 * Two samples of one distribution are apart, too: with n and m events in k bins the plain index is
 * nearly (1/n + 1/m) times a chi squared of k - 1 degrees of freedom, 0.2 on average for 100 labels
 * of 1,000 responses each. That average is taken off, and what is below 0 is 0. Responses to the same
 * requests are less apart than that, so the index errs towards silence.
 * NaN below ten events a bin on either side, for then this holds no more.
 */
double stability_index(const uint64_t *a, const uint64_t *b, size_t bins);

#endif
