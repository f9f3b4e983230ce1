/*
 * looks.h - intervals that say how often they may be looked at
 *
 * A recording is compared to its end and looked at once: the intervals of statistics.h hold, and are
 * the narrowest. A live run is looked at while it grows, and is ended when it pleases: only those of
 * anytime.h hold. This is the one place that chooses, so that a number which is shown, a gate and a
 * decision cannot disagree.
 *
 * Watched bounds are limits at which one-sided evidence reaches its level: a bound is below a limit
 * exactly if it is proven that the rate is. They are closer than those of a two-sided mixture, most
 * of all where nothing was counted.
 */
#ifndef BASE_LOOKS_H
#define BASE_LOOKS_H

#include <stdint.h>

#include "base/statistics.h"

enum looks { LOOKS_ONCE, LOOKS_ANYTIME };

/** struct tails - the chance to be wrong below and above, each at most 0.5; 0: that bound is not asked for, and not computed */
struct tails {
	double low, high;
};

#define TAILS_95 ((struct tails){ 0.025, 0.025 })

/** looks_name() - "once", "anytime", as reports have it */
const char *looks_name(enum looks looks);

/** looks_words() - for people, after "95 % ": "at one look", "at any time" */
const char *looks_words(enum looks looks);

/**
 * looks_rate() - a share and its 95 % interval; all NaN when @of is 0
 * @deff:  design effect of what was counted (rate_of_witnesses()); 1: each is a witness of its own
 *
 * Watched, a bound is that of as many witnesses, of which a part is taken for a whole one on the side that makes
 * the interval wider. With an effect that is measured on the way it holds about as well as the effect is known.
 */
struct rate looks_rate(enum looks looks, uint64_t count, uint64_t of, double deff);

/** looks_share() - where the rate is of which @count of @of were seen; what is not asked for is 0, or 1. NaN when @of is 0 */
struct interval looks_share(enum looks looks, uint64_t count, uint64_t of, double deff, struct tails tails);

/** looks_paired() - the share of b minus that of a, as paired_difference() has them; not asked for: -1, 1. NaN of nothing */
struct interval looks_paired(enum looks looks, uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither,
			     struct tails tails);

/**
 * looks_widened() - the interval @i around @value of a difference of shares whose pairs count for fewer witnesses
 * @deff: their design effect: as of as many fewer pairs, it is sqrt(@deff) times as wide. Within -1 and 1
 */
struct interval looks_widened(struct interval i, double value, double deff);

/** looks_ranks() - as quantile_ranks(); 0 as well for what is not asked for */
struct ranks looks_ranks(enum looks looks, uint64_t n, double q, struct tails tails);

#endif
