/* ramp.c - see ramp.h */
#include "policy/ramp.h"

#include <math.h>
#include <string.h>

#define SHORTEST_LOOK_NS (50 * NS_PER_MS)

struct ramp ramp_new(const struct ramp_options *options, struct mono now)
{
	return (struct ramp){ .options = *options, .started = now, .raised = now, .last = now, .share = options->from };
}

int64_t ramp_look_every_ns(const struct ramp_options *options)
{
	int64_t step = options->over_ns / RAMP_STEPS;

	if (step > NS_PER_S)
		return NS_PER_S;
	return step < SHORTEST_LOOK_NS ? SHORTEST_LOOK_NS : step;
}

static enum ramp_trouble judge(const struct ramp_counts *then, const struct ramp_counts *now)
{
	uint64_t ended = now->ended - then->ended;

	if ((now->timeouts - then->timeouts) * 100 > ended)
		return RAMP_TIMEOUTS;
	if ((now->failed - then->failed) * 20 > ended)
		return RAMP_FAILURES;
	return now->queued * 2 > now->queue_max ? RAMP_QUEUE : RAMP_WELL;
}

static enum ramp_trouble find_trouble(struct ramp *r, const struct ramp_counts *counts, size_t count)
{
	struct ramp_counts *oldest = r->seen[r->look];
	enum ramp_trouble trouble = RAMP_WELL;

	for (size_t i = 0; i < count && i < RAMP_TARGETS && trouble == RAMP_WELL; i++) {
		trouble = judge(&oldest[i], &counts[i]);
		r->trouble_target = i;
	}
	if (count > 0)
		memcpy(oldest, counts, (count < RAMP_TARGETS ? count : RAMP_TARGETS) * sizeof(*counts));
	r->look = (r->look + 1) % RAMP_LOOKS;
	return trouble;
}

/* In doubles: a share times a time does not fit 64 bits; whole steps make the result exact at both ends. */
static uint64_t share_at(const struct ramp *r)
{
	int64_t step = (int64_t)((double)r->climbed_ns * RAMP_STEPS / (double)r->options.over_ns);

	if (step >= RAMP_STEPS)
		return r->options.to;
	return r->options.from + (r->options.to - r->options.from) * (uint64_t)step / RAMP_STEPS;
}

#define WANTED_MARGIN 1.1 /* the pace is an estimate, and to be late is worse */

/** weigh() - what the pairs say at @now, and which share they want */
static enum ramp_evidence weigh(struct ramp *r, struct mono now, const struct ramp_pairs *pairs)
{
	double passed = (double)(now.ns - r->raised.ns), left = (double)(r->options.decide_ns - (now.ns - r->started.ns));
	double came = (double)(pairs->count - r->raised_count);

	if (pairs->decided != RAMP_MORE)
		return pairs->decided;
	if (came < RAMP_PACE_PAIRS && ++r->raised_looks < RAMP_LOOKS)
		return r->evidence; /* as before: it is too early to say */
	r->wanted = left > 0 && came > 0 ? (double)r->share * WANTED_MARGIN * pairs->to_go * passed / (left * came) : INFINITY;
	return pairs->to_go * passed > left * came ? RAMP_MORE : RAMP_ENOUGH;
}

/** raise_to() - another share from now on, whose pace is not known yet */
static void raise_to(struct ramp *r, uint64_t share, struct mono now, const struct ramp_pairs *pairs)
{
	r->share = share;
	r->raised = now;
	r->raised_count = pairs ? pairs->count : 0;
	r->raised_looks = 0;
	r->evidence = pairs ? RAMP_ENOUGH : RAMP_MORE;
}

static bool has_ended(enum ramp_evidence evidence)
{
	return evidence == RAMP_PROMOTE || evidence == RAMP_REJECT;
}

/* What was decided stays so, whatever comes. */
static enum ramp_event end(struct ramp *r, enum ramp_evidence evidence)
{
	r->evidence = evidence;
	r->trouble = RAMP_WELL;
	if (evidence == RAMP_REJECT)
		r->share = 0;
	else if (r->options.keep < r->share)
		r->share = r->options.keep;
	return evidence == RAMP_REJECT ? RAMP_STOPPED : RAMP_KEPT;
}

enum ramp_event ramp_look(struct ramp *r, struct mono now, const struct ramp_pairs *pairs, const struct ramp_counts *counts,
			  size_t count)
{
	enum ramp_evidence evidence = pairs ? weigh(r, now, pairs) : RAMP_MORE;
	enum ramp_trouble before = r->trouble;
	int64_t elapsed = now.ns - r->last.ns;
	uint64_t share;

	if (has_ended(r->evidence))
		return RAMP_SAME;
	if (has_ended(evidence))
		return end(r, evidence);
	r->evidence = evidence;
	r->last = now;
	r->trouble = find_trouble(r, counts, count);
	if (r->share == r->options.to) /* there is nothing to hold */
		r->trouble = RAMP_WELL;
	if (r->trouble != RAMP_WELL) {
		r->held_times += before == RAMP_WELL;
		return before == RAMP_WELL ? RAMP_HELD : RAMP_SAME;
	}
	if (before != RAMP_WELL)
		return RAMP_RESUMED;
	if (evidence != RAMP_MORE)
		return RAMP_SAME;
	if (elapsed > 0 && r->climbed_ns < r->options.over_ns)
		r->climbed_ns += elapsed;
	share = share_at(r);
	if (pairs && (double)share > r->wanted)
		share = (uint64_t)r->wanted;
	if (share <= r->share)
		return RAMP_SAME;
	raise_to(r, share, now, pairs);
	return share == r->options.to ? RAMP_REACHED : RAMP_RAISED;
}

const char *ramp_trouble_text(enum ramp_trouble trouble)
{
	static const char *const texts[] = { [RAMP_WELL] = "well",
					     [RAMP_FAILURES] = "more than 5 % of its requests failed",
					     [RAMP_TIMEOUTS] = "more than 1 % of its requests timed out",
					     [RAMP_QUEUE] = "more than half of its queue is taken" };

	return texts[trouble];
}
