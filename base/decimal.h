/*
 * decimal.h - what a number in a text says: digits and a power of ten
 *
 * Texts are numbers as JSON writes them, and NaN, Infinity with a sign before
 * them. Anything else is read without harm as far as it looks like a number.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum decimal_kind { DECIMAL_FINITE, DECIMAL_INFINITE, DECIMAL_NAN };

/**
 * struct decimal - (-1)^negative * digits * 10^exponent
 * @cut:     there were more than 19 significant digits: those behind are left out, the value is a little larger
 * @integer: written without a point and an exponent
 */
struct decimal {
	uint64_t digits;
	int64_t exponent;
	uint8_t kind;
	bool negative, cut, integer;
};

/** DECIMAL_ERROR - decimal_estimate() is off by at most this share of the value */
#define DECIMAL_ERROR 0x1p-50

struct decimal decimal_read(struct span text);

/** decimal_same() - do both say the same number? false as well if it takes more than 19 digits to know. NaN is NaN. */
bool decimal_same(const struct decimal *a, const struct decimal *b);

/** decimal_estimate() - the value within DECIMAL_ERROR, fast; false if that cannot be had without decimal_double() */
bool decimal_estimate(const struct decimal *d, double *out);

/** decimal_double() - the double nearest to what @text says; what is above all doubles is infinite */
double decimal_double(struct span text);

#endif
