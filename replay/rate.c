/* rate.c - see rate.h */
#include "replay/rate.h"

#include "base/units.h"

#define TOKEN UINT64_C(1000000000)

/* Above this a bucket would not fit 64 bits, and no socket could follow anyway. */
#define RATE_MAX UINT64_C(10000000000)

void rate_init(struct rate *r, uint64_t per_s, struct mono now)
{
	uint64_t burst = per_s / 10 > 0 ? per_s / 10 : 1;

	if (per_s > RATE_MAX)
		per_s = 0;
	*r = (struct rate){
		.per_s = per_s, .credit = burst * TOKEN, .credit_max = burst * TOKEN, .filled_at = now
	};
}

static void fill(struct rate *r, struct mono now)
{
	uint64_t missing = r->credit_max - r->credit;
	int64_t elapsed = now.ns - r->filled_at.ns;

	if (elapsed <= 0)
		return;
	r->filled_at = now;
	/* Compared by division: elapsed times the rate overflows after a long silence. */
	if ((uint64_t)elapsed > missing / r->per_s)
		r->credit = r->credit_max;
	else
		r->credit += (uint64_t)elapsed * r->per_s;
}

void rate_change(struct rate *r, uint64_t per_s, struct mono now)
{
	struct rate old = *r;

	rate_init(r, per_s, now);
	if (old.per_s == 0 || r->per_s == 0)
		return;
	fill(&old, now);
	if (old.credit < r->credit)
		r->credit = old.credit;
}

struct mono rate_ready_at(struct rate *r, struct mono now)
{
	if (r->per_s == 0)
		return now;
	fill(r, now);
	if (r->credit >= TOKEN)
		return now;
	return (struct mono){ now.ns + (int64_t)((TOKEN - r->credit + r->per_s - 1) / r->per_s) };
}

bool rate_take(struct rate *r, struct mono now)
{
	if (r->per_s == 0)
		return true;
	fill(r, now);
	if (r->credit < TOKEN)
		return false;
	r->credit -= TOKEN;
	return true;
}

bool share_take(struct share *s)
{
	s->sum += s->part;
	if (s->sum < SHARE_ONE)
		return false;
	s->sum -= SHARE_ONE;
	return true;
}
