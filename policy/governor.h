/*
 * governor.h - --max-cpu P%: when shadowtap takes more of the CPU than it may, it mirrors less
 *
 * Theory of operation: pure arithmetic on two clocks, wall and CPU of the whole
 * process, in per cent of one core. At each look above the limit the sample is
 * halved, down to a 64th; after three seconds in a row below 80 % of the limit it
 * is doubled, up to what was asked for. Between 80 and 100 % nothing changes,
 * which is what keeps it from swinging when the load fits.
 */
#ifndef POLICY_GOVERNOR_H
#define POLICY_GOVERNOR_H

#include <stdint.h>

#include "base/clock.h"

#define GOVERNOR_LOOK_NS NS_PER_S
#define GOVERNOR_HALVINGS 6

enum governor_event { GOVERNOR_SAME, GOVERNOR_LOWERED, GOVERNOR_RAISED };

struct governor {
	uint32_t limit; /* per cent of one core */
	struct mono last;
	int64_t last_cpu_ns;
	int64_t calm_ns;   /* below 80 % of the limit, in a row */
	unsigned halvings; /* the sample is divided by two so many times */
	uint32_t usage;    /* per cent, at the last look */
	uint64_t lowered_times;
};

struct governor governor_new(uint32_t limit, struct mono now, int64_t cpu_ns);

/** governor_look() - @cpu_ns: CPU time that the process has used so far */
enum governor_event governor_look(struct governor *g, struct mono now, int64_t cpu_ns);

/** governor_share() - what is left of @share; at least one part in 10^9 of a share that is not 0 */
uint64_t governor_share(const struct governor *g, uint64_t share);

#endif
