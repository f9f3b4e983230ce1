/*
 * dice.h - chance for tests: from a seed, or as a fuzzer's input says
 *
 * With an input each draw takes a byte or two of it, and 0 when it is used up, so that a shorter
 * input makes a shorter story.
 */
#ifndef TESTS_RIG_DICE_H
#define TESTS_RIG_DICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct dice {
	uint64_t state; /* of the seed; 0: @in decides */
	struct span in;
};

/** dice_of_seed() - the same draws for the same seed */
static inline struct dice dice_of_seed(uint64_t seed)
{
	return (struct dice){ .state = seed * 0x9e3779b97f4a7c15U | 1 };
}

static inline uint32_t below(struct dice *d, uint32_t n)
{
	uint8_t high = 0, low = 0;

	if (d->state == 0) {
		if (n > 256)
			span_u8(&d->in, &high);
		span_u8(&d->in, &low);
		return ((uint32_t)high << 8 | low) % n;
	}
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)(d->state >> 16) % n;
}

static inline bool one_in(struct dice *d, uint32_t n)
{
	return below(d, n) == n - 1; /* of an input that is used up: never */
}

#endif
