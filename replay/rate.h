/*
 * rate.h - at most N requests a second (--rate), and an exact share of them
 *
 * A token bucket that holds one tenth of a second's tokens, at least one: a
 * burst in the traffic passes if it is short, and the mean never exceeds N.
 * The bucket is full at the start. Tokens are counted in billionths, so that
 * elapsed nanoseconds times N is exact and nothing is lost to rounding.
 */
#ifndef REPLAY_RATE_H
#define REPLAY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct rate {
	uint64_t per_s;  /* 0 = no limit */
	uint64_t credit; /* tokens, in billionths */
	uint64_t credit_max;
	struct mono filled_at;
};

void rate_init(struct rate *r, uint64_t per_s, struct mono now);

/** rate_change() - another N from now on; what the bucket holds stays, as far as it fits: no burst from the change */
void rate_change(struct rate *r, uint64_t per_s, struct mono now);

/** rate_ready_at() - when a token will be there; @now or earlier if there is one already */
struct mono rate_ready_at(struct rate *r, struct mono now);

/** rate_take() - take a token; false if there is none */
bool rate_take(struct rate *r, struct mono now);

/** struct share - @part of every SHARE_ONE, exact by counting, spread evenly */
struct share {
	uint64_t part, sum;
};

/** share_take() - is the next one in? */
bool share_take(struct share *s);

#endif
