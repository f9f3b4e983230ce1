/* looks.c - see looks.h */
#include "base/looks.h"

#include <math.h>
#include <stdbool.h>

#include "base/anytime.h"

#define STEPS_MAX 60
#define PRECISE   1e-7 /* of a bound's distance from the rate: below what six digits show */

const char *looks_name(enum looks looks)
{
	return looks == LOOKS_ANYTIME ? "anytime" : "once";
}

const char *looks_words(enum looks looks)
{
	return looks == LOOKS_ANYTIME ? "at any time" : "at one look";
}

struct rate looks_rate(enum looks looks, uint64_t count, uint64_t of, double deff)
{
	struct rate r = rate_of_witnesses(count, of, deff);

	if (looks == LOOKS_ANYTIME)
		r.interval = looks_share(looks, count, of, deff, TAILS_95);
	return r;
}

/* ---- watched ---- */

typedef double evidence_fn(uint64_t count, uint64_t of, double limit);

/*
 * The limit next to the rate at which @evidence reaches @bar; it rises from the rate to @end. By secants, and
 * every third time in the middle, as a secant may creep (and infinite evidence has none).
 */
static double bound(evidence_fn *evidence, uint64_t count, uint64_t of, double end, double bar)
{
	double rate = (double)count / (double)of, credible = rate, proven = end, lacks = -INFINITY, exceeds = INFINITY;

	for (int i = 0; i < STEPS_MAX && fabs(proven - credible) > PRECISE * fabs(proven - rate); i++) {
		bool has_secant = i % 3 != 2 && isfinite(lacks) && isfinite(exceeds);
		double part = has_secant ? lacks / (lacks - exceeds) : 0.5;
		double middle = credible + part * (proven - credible), apart = evidence(count, of, middle) - bar;

		if (apart < 0) {
			credible = middle;
			lacks = apart;
		} else {
			proven = middle;
			exceeds = apart;
		}
	}
	return proven;
}

static struct interval watched_share(uint64_t count, uint64_t of, struct tails tails)
{
	struct interval i = { 0, 1 };

	if (tails.low > 0 && count > 0)
		i.low = bound(anytime_above, count, of, 0, -log(tails.low));
	if (tails.high > 0 && count < of)
		i.high = bound(anytime_below, count, of, 1, -log(tails.high));
	return i;
}

/*
 * Of n values, those above the quantile are a count of rate 1 - q. Taken from that side, where high
 * quantiles are small rates, which is where the evidence is sharp.
 */
static struct ranks watched_ranks(uint64_t n, double q, struct tails tails)
{
	uint64_t expected = (uint64_t)(q * (double)n), credible, proven;
	struct ranks r = { 0, 0 };

	if (tails.low > 0 && anytime_above(n, n, 1 - q) >= -log(tails.low)) {
		for (proven = 0, credible = expected + 1; credible - proven > 1;) {
			uint64_t middle = proven + (credible - proven) / 2;

			*(anytime_above(n - middle, n, 1 - q) < -log(tails.low) ? &credible : &proven) = middle;
		}
		r.low = proven + 1; /* no value below this one is the quantile */
	}
	if (tails.high > 0 && anytime_below(0, n, 1 - q) >= -log(tails.high)) {
		for (credible = expected, proven = n; proven - credible > 1;) {
			uint64_t middle = credible + (proven - credible) / 2;

			*(anytime_below(n - middle, n, 1 - q) < -log(tails.high) ? &credible : &proven) = middle;
		}
		r.high = proven;
	}
	return r;
}

/* ---- either ---- */

/* Of witnesses as many as pairs count for: a part of one is a whole one where that makes the interval wider. */
static struct interval watched_witnesses(uint64_t count, uint64_t of, double deff, struct tails tails)
{
	uint64_t all = (uint64_t)fmax(1, floor((double)of / deff));
	double part = (double)count * (double)all / (double)of; /* in this order: exact where it is a whole number */
	struct interval i = watched_share((uint64_t)floor(part), all, (struct tails){ tails.low, 0 });

	i.high = watched_share((uint64_t)ceil(part), all, (struct tails){ 0, tails.high }).high;
	return i;
}

struct interval looks_share(enum looks looks, uint64_t count, uint64_t of, double deff, struct tails tails)
{
	struct interval i = { 0, 1 };

	if (of == 0)
		return (struct interval){ NAN, NAN };
	if (count > of)
		count = of;
	if (looks == LOOKS_ANYTIME)
		return deff > 1 ? watched_witnesses(count, of, deff, tails) : watched_share(count, of, tails);
	if (tails.low > 0)
		i.low = rate_within(count, of, deff, tails.low).interval.low;
	if (tails.high > 0)
		i.high = rate_within(count, of, deff, tails.high).interval.high;
	return i;
}

static struct interval paired(enum looks looks, uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither, double tail)
{
	double value;

	if (looks == LOOKS_ANYTIME)
		return anytime_paired(only_b, both + neither, only_a, 2 * tail);
	return paired_within(both, only_a, only_b, neither, tail, &value);
}

struct interval looks_paired(enum looks looks, uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither,
			     struct tails tails)
{
	struct interval i = { -1, 1 };

	if (both + only_a + only_b + neither == 0)
		return (struct interval){ NAN, NAN };
	if (tails.low > 0 && tails.low == tails.high)
		return paired(looks, both, only_a, only_b, neither, tails.low);
	if (tails.low > 0)
		i.low = paired(looks, both, only_a, only_b, neither, tails.low).low;
	if (tails.high > 0)
		i.high = paired(looks, both, only_a, only_b, neither, tails.high).high;
	return i;
}

struct interval looks_widened(struct interval i, double value, double deff)
{
	i.low = value - sqrt(deff) * (value - i.low);
	i.high = value + sqrt(deff) * (i.high - value);
	return (struct interval){ i.low < -1 ? -1 : i.low, i.high > 1 ? 1 : i.high }; /* what is NaN stays it */
}

struct ranks looks_ranks(enum looks looks, uint64_t n, double q, struct tails tails)
{
	struct ranks r = { 0, 0 };

	if (n == 0 || !(q > 0 && q < 1))
		return r;
	if (looks == LOOKS_ANYTIME)
		return watched_ranks(n, q, tails);
	if (tails.low > 0)
		r.low = quantile_ranks_within(n, q, tails.low).low;
	if (tails.high > 0)
		r.high = quantile_ranks_within(n, q, tails.high).high;
	return r;
}
