/*
 * ramp.h - --ramp A..B/T: the sample rises from A to B in T, as long as the shadow bears it
 *
 * Theory of operation: pure arithmetic on a time and on counters that the
 * caller reads. T is cut into 20 steps, and the share rises by a twentieth
 * of B - A with each. Time does not count while the shadow is in trouble: the share
 * stays where it is and goes on from there. Trouble of any target is trouble:
 * in the last ten looks, more than 5 % of what ended had failed (a status of
 * 500 or above, failed.*, or shed.breaker), or more than 1 % had timed out, or
 * more than half of the queue is taken now.
 *
 * With --decide-within the pairs that were compared have a say. The share rises
 * only while, at their pace since it rose last, they would not decide in the time
 * that is left, and no further than would be enough; time does not count while
 * they would. Their pace is known from RAMP_PACE_PAIRS pairs or RAMP_LOOKS looks on. Once they
 * have decided the share goes down to --keep, or to nothing if the shadow is
 * rejected, and stays there.
 */
#ifndef POLICY_RAMP_H
#define POLICY_RAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define RAMP_STEPS 20
#define RAMP_LOOKS 10
#define RAMP_TARGETS 16
#define RAMP_PACE_PAIRS 20

#define RAMP_KEEP_ALL UINT64_MAX

struct ramp_options {
	uint64_t from, to; /* parts per SHARE_ONE; from <= to */
	int64_t over_ns;   /* 0: no ramp */
	int64_t decide_ns; /* from the start; 0: the pairs have no say */
	uint64_t keep;     /* once the shadow may be promoted; RAMP_KEEP_ALL: as it is then */
};

/* What the pairs say of the sample. MORE: they would not decide in time; ENOUGH: they would. */
enum ramp_evidence { RAMP_MORE, RAMP_ENOUGH, RAMP_PROMOTE, RAMP_REJECT };

/** struct ramp_pairs - that were compared since the start */
struct ramp_pairs {
	uint64_t count;
	double to_go;                /* until they decide; infinite: not known, or never */
	enum ramp_evidence decided;  /* PROMOTE or REJECT; MORE: not yet */
};

/** struct ramp_counts - of one target, since the start; @queued and @queue_max now */
struct ramp_counts {
	uint64_t ended, failed, timeouts;
	uint64_t queued, queue_max;
};

enum ramp_trouble { RAMP_WELL, RAMP_FAILURES, RAMP_TIMEOUTS, RAMP_QUEUE };

enum ramp_event { RAMP_SAME, RAMP_RAISED, RAMP_HELD, RAMP_RESUMED, RAMP_REACHED, RAMP_KEPT, RAMP_STOPPED };

struct ramp {
	struct ramp_options options;
	struct mono last;
	int64_t climbed_ns; /* time that counted */
	uint64_t share;
	struct ramp_counts seen[RAMP_LOOKS][RAMP_TARGETS];
	size_t look; /* which row is the oldest */
	enum ramp_trouble trouble;
	size_t trouble_target;
	uint64_t held_times;
	struct mono started, raised; /* raised: when the share rose last */
	uint64_t raised_count;       /* pairs until then */
	size_t raised_looks;         /* looks since */
	double wanted;               /* the share that would be enough, as far as the pairs say; in parts per SHARE_ONE */
	enum ramp_evidence evidence; /* the last, or the one that has decided */
};

struct ramp ramp_new(const struct ramp_options *options, struct mono now);

/** ramp_look_every_ns() - how often ramp_look() wants to be called: a second, or a step if that is shorter */
int64_t ramp_look_every_ns(const struct ramp_options *options);

/**
 * ramp_look() - what is to become of the share at @now?
 * @pairs:  NULL: they have no say
 * @counts: of @count targets, at most RAMP_TARGETS
 *
 * Return: what changed since the last look; the share is then in ramp->share.
 */
enum ramp_event ramp_look(struct ramp *r, struct mono now, const struct ramp_pairs *pairs, const struct ramp_counts *counts,
			  size_t count);

/** ramp_trouble_text() - for messages: "more than 5 % of its requests failed" */
const char *ramp_trouble_text(enum ramp_trouble trouble);

#endif
