/* governor.c - see governor.h */
#include "policy/governor.h"

#define CALM_NS (3 * NS_PER_S)

struct governor governor_new(uint32_t limit, struct mono now, int64_t cpu_ns)
{
	return (struct governor){ .limit = limit, .last = now, .last_cpu_ns = cpu_ns };
}

enum governor_event governor_look(struct governor *g, struct mono now, int64_t cpu_ns)
{
	int64_t elapsed = now.ns - g->last.ns, used = cpu_ns - g->last_cpu_ns;
	double usage;

	if (elapsed <= 0)
		return GOVERNOR_SAME;
	g->last = now;
	g->last_cpu_ns = cpu_ns;
	usage = 100.0 * (double)used / (double)elapsed;
	g->usage = (uint32_t)(usage + 0.5);
	if (usage > g->limit) {
		g->calm_ns = 0;
		if (g->halvings == GOVERNOR_HALVINGS)
			return GOVERNOR_SAME;
		g->halvings++;
		g->lowered_times++;
		return GOVERNOR_LOWERED;
	}
	g->calm_ns = usage < 0.8 * g->limit ? g->calm_ns + elapsed : 0;
	if (g->halvings == 0 || g->calm_ns < CALM_NS)
		return GOVERNOR_SAME;
	g->calm_ns = 0;
	g->halvings--;
	return GOVERNOR_RAISED;
}

uint64_t governor_share(const struct governor *g, uint64_t share)
{
	uint64_t left = share >> g->halvings;

	return left == 0 && share > 0 ? 1 : left;
}
