/*
 * beta.h - integrals of the beta density, in logs
 *
 * The evidence of anytime.h is a ratio of such integrals, of 10^9 events as well
 * as of none. So both functions are relative to x^a y^b, with which the large
 * parts cancel before they are computed, and not after.
 */
#ifndef BASE_BETA_H
#define BASE_BETA_H

/**
 * log_beta_ratio() - the natural log of B(a, b) / (x^a y^b)
 * @a, @b: above 0, finite
 * @x, @y: above 0, of sum 1; both are asked for, since 1 - x is not exact
 *
 * To about 1e-14, plus 1e-16 of the result, whatever the size of @a and @b.
 * Source: lgamma by Stirling's series with the remainder kept apart; Loader, "Fast and accurate
 * computation of binomial probabilities" (2000), is where the deviances below come from.
 */
double log_beta_ratio(double a, double b, double x, double y);

/**
 * log_beta_below() - the natural log of the integral of t^(a-1) (1-t)^(b-1) from 0 to @x, over x^a y^b
 *
 * With @a and @b, and @x and @y, exchanged it is the integral from @x to 1. To about 1e-12, in microseconds whatever
 * the size of @a and @b: by the continued fraction of the incomplete beta function (DLMF 8.17.22), of which few terms
 * are needed but near the mean of large ones; by quadrature there.
 */
double log_beta_below(double a, double b, double x, double y);

#endif
