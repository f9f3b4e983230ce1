/* tolerance.h - how far apart two numbers may be: |a - b| <= atol + rtol * |production| */
#ifndef COMPARE_TOLERANCE_H
#define COMPARE_TOLERANCE_H

#include <math.h>

struct tolerance {
	double rtol, atol;
};

enum nearness { NEAR_SAME, NEAR_CLOSE, NEAR_OUTSIDE };

/** tolerance_allows() - the largest difference from @production that is still close */
static inline double tolerance_allows(const struct tolerance *t, double production)
{
	return t->atol + t->rtol * fabs(production);
}

/** tolerance_nearness() - NaN is the same as NaN, an infinity as itself, and neither is close to anything else */
static inline enum nearness tolerance_nearness(const struct tolerance *t, double production, double shadow)
{
	if (production == shadow || (isnan(production) && isnan(shadow)))
		return NEAR_SAME;
	if (!isfinite(production) || !isfinite(shadow))
		return NEAR_OUTSIDE;
	return fabs(production - shadow) <= tolerance_allows(t, production) ? NEAR_CLOSE : NEAR_OUTSIDE;
}

#endif
