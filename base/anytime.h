/*
 * anytime.h - what counts tell to those who look while they grow
 *
 * An interval of statistics.h covers the truth in 95 % of the runs that are
 * looked at once. Whoever watches it until it crosses a limit is wrong far
 * oftener: at a rate equal to the limit, in 40 % of the runs. What is computed
 * here may be looked at after every pair, for ever, and acted upon at any of these
 * looks: the chance that it is wrong at any of them is at most alpha.
 *
 * The price is width, about twice that of Wilson's interval. Everything follows
 * from the counts, so there is no state, and what was counted by several is added.
 *
 * Evidence is given as its natural log: 0 says nothing, log(1 / alpha) proves at level
 * alpha, below 0 speaks against. It is a bet on the claim that wins nothing on
 * average where the claim is false (a test martingale, Ville 1939), so it seldom gets
 * high by chance. It may be infinite: one mismatch proves a rate above 0.
 *
 * Nothing here is NaN. A count above its total counts as the total. That a rate is below a limit which
 * no rate reaches, such as 1.5, is certain. Evidence takes a microsecond or two, whatever the counts; the
 * interval of means 30. Intervals of rates and ranks follow from the evidence (looks.h).
 *
 * Sources: Robbins, Annals of Mathematical Statistics 41 (1970); Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform,
 * nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021), Proposition 7; Waudby-Smith and
 * Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024).
 */
#ifndef BASE_ANYTIME_H
#define BASE_ANYTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/statistics.h"

/**
 * anytime_below(), anytime_above() - log of the evidence that the rate is below, or above, @limit
 *
 * How much likelier @count of @of is under rates drawn from a Beta distribution that is cut to the side which is
 * claimed, than under @limit itself. That is Beta(1/2, 1/2) below it, and above it Beta(1/2, 1 / (4 @limit)), whose
 * mean is about twice the limit. Holds if the rate moves, as long as it is never on the side that is claimed.
 */
double anytime_below(uint64_t count, uint64_t of, double limit);
double anytime_above(uint64_t count, uint64_t of, double limit);

/**
 * anytime_pairs_to_go() - how many more pairs until anytime_below() or anytime_above() proves it
 * @rate:  of the @of pairs that came, and of those to come
 * @below: is it to be proven that the rate is below @limit? Above it otherwise
 * @alpha: the level: proven is evidence of log(1 / @alpha)
 *
 * Return: 0 if it is proven now; UINT64_MAX if it never will be, or not within 2^53 pairs.
 */
uint64_t anytime_pairs_to_go(double rate, uint64_t of, double limit, bool below, double alpha);

/**
 * anytime_paired() - the mean of differences that are 1 (@plus times), 0 (@zero) or -1 (@minus)
 *
 * A request on which the shadow alone is wrong counts 1, production alone -1. From -1 to 1 when there was none.
 * The means of which neither side's evidence proves that they are not it, at level @alpha / 2 each.
 */
struct interval anytime_paired(uint64_t plus, uint64_t zero, uint64_t minus, double alpha);

/**
 * anytime_mean_below(), anytime_mean_above() - log of the evidence that the mean of such differences is below, or
 * above, @limit
 *
 * The mean of what 16 gamblers have who staked 0.9 · 2^(-j/2), j = 0 … 15, of the most that can be staked
 * without ruin on each difference being above the limit. Holds if the mean moves.
 */
double anytime_mean_below(uint64_t plus, uint64_t zero, uint64_t minus, double limit);
double anytime_mean_above(uint64_t plus, uint64_t zero, uint64_t minus, double limit);

#endif
