/*
 * chance.h - for tests of figures: numbers by chance from a seed, the same on every machine, and how near a result has to be
 *
 * The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014); tests/data/outputs/make_rows.py has it too.
 */
#ifndef TESTS_RIG_CHANCE_H
#define TESTS_RIG_CHANCE_H

#include <math.h>
#include <stdint.h>

#include "tests/rig/unit.h"

#define NEAR(a, b, by)                                                                                       \
	do {                                                                                                 \
		if (!(fabs((double)(a) - (double)(b)) <= (by)))                                              \
			fail_msg("%s is %.10g, not %.10g", #a, (double)(a), (double)(b));                    \
	} while (0)

static uint64_t random_state; /* the seed goes in here */

static inline uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/** random_unit() - from 0 on, below 1 */
static inline double random_unit(void)
{
	return (double)(random_next() >> 11) / 9007199254740992.0;
}

#endif
