/* beta.c - see beta.h */
#include "base/beta.h"

#include <math.h>

#define HALF_LOG_2PI  0.918938533204672741780
#define STIRLING_FROM 10 /* from here on six terms are exact to 1e-15 */
#define SERIES_BELOW  0.1
#define STEPS_MAX     100000
#define WIDE_FROM     1000 /* variance in events from which on the fraction takes hundreds of steps */
#define PANELS        4
#define LOG_NOTHING   40 /* e^-40 of the greatest is nothing */

/* log Gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + this */
static double stirling_rest(double x)
{
	static const double series[] = { 1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360 };
	double sum = 0;
	int sign;

	if (x < STIRLING_FROM)
		return lgamma_r(x, &sign) - ((x - 0.5) * log(x) - x + HALF_LOG_2PI);
	for (int i = 5; i >= 0; i--)
		sum = sum / (x * x) + series[i];
	return sum / x;
}

/*
 * deviance() - x log(x / m) - d, where @d is x - m
 *
 * Near m both terms are nearly d. There log(x / m) = 2 artanh(v) with v = d / (x + m), of which the
 * first term of the series takes d away but for d v.
 */
static double deviance(double x, double m, double d)
{
	double v = d / (x + m), square = v * v, power = 2 * x * v, sum = d * v, before;

	if (!(fabs(v) < SERIES_BELOW))
		return x * log(x / m) - d;
	for (int odd = 3;; odd += 2) {
		before = sum;
		power *= square;
		sum += power / odd;
		if (sum == before)
			return sum;
	}
}

double log_beta_ratio(double a, double b, double x, double y)
{
	double n = a + b, d = a * y - b * x; /* a - n x */

	return deviance(a, n * x, d) + deviance(b, n * y, -d) + HALF_LOG_2PI - 0.5 * log(a / n) - 0.5 * log(b) +
	       stirling_rest(a) + stirling_rest(b) - stirling_rest(n);
}

/* The continued fraction by Lentz's method, without his guards: for x below the mean its denominators are above 0. */
static double fraction(double a, double b, double x)
{
	double c = 1, d = 1 / (1 - (a + b) / (a + 1) * x), value = d;

	for (int m = 1; m < STEPS_MAX; m++) {
		double even = m / (a + 2 * m - 1) * ((b - m) / (a + 2 * m)) * x;
		double odd = -(a + m) / (a + 2 * m) * ((a + b + m) / (a + 2 * m + 1)) * x;
		double step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		value *= d * c;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = d * c;
		value *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return value;
}

/* Points and weights of Gauss and Legendre, 16 of them, those above 0. */
static const double gauss[][2] = {
	{ 0.095012509837637440, 0.18945061045506850 }, { 0.28160355077925891, 0.18260341504492359 },
	{ 0.45801677765722739, 0.16915651939500254 },  { 0.61787624440264375, 0.14959598881657673 },
	{ 0.75540440835500303, 0.12462897125553387 },  { 0.86563120238783174, 0.095158511682492785 },
	{ 0.94457502307323258, 0.062253523938647893 }, { 0.98940093499164993, 0.027152459411754095 },
};

/* log of e^(a u) (y + x e^-u)^(a + b), from the smaller one of x and y, of which little is lost */
static double log_fall(double a, double b, double x, double y, double u)
{
	if (x < y)
		return a * u + (a + b) * log1p(x * expm1(-u));
	return (a + b) * log1p(y * expm1(u)) - b * u;
}

/*
 * quadrature() - what lies below x, over x^a y^b, for x below the mean
 *
 * In log odds, u below those of x, the integrand has fallen by log_fall(): nearly a bell's flank, of which slope and
 * curvature at x say where it ends.
 */
static double quadrature(double a, double b, double x, double y)
{
	double slope = a * y - b * x, curvature = (a + b) * x * y, sum = 0;
	double end = 2 * LOG_NOTHING / (sqrt(slope * slope + 2 * LOG_NOTHING * curvature) + slope);
	double half = end / PANELS / 2;

	for (int panel = 0; panel < PANELS; panel++)
		for (int i = 0; i < 16; i++) {
			double u = half * (2 * panel + 1 + (i < 8 ? gauss[i][0] : -gauss[i - 8][0]));

			sum += gauss[i % 8][1] * exp(-log_fall(a, b, x, y, u));
		}
	return half * sum;
}

/* The same for any x below the mean. */
static double flank(double a, double b, double x, double y)
{
	return (a + b) * x * y > WIDE_FROM ? quadrature(a, b, x, y) : fraction(a, b, x) / a;
}

double log_beta_below(double a, double b, double x, double y)
{
	double whole, above;

	if (x * (a + b + 2) < a + 1)
		return log(flank(a, b, x, y));
	whole = log_beta_ratio(a, b, x, y);
	above = log(flank(b, a, y, x)) - whole; /* the share of the integral that lies above x */
	return whole + log1p(-exp(fmin(above, 0)));
}
