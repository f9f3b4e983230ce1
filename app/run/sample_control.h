/*
 * sample_control.h - the share of the requests that is mirrored now
 *
 * What was asked for (-S, the config file) or where the ramp is (--ramp), less
 * what the CPU governor takes off (--max-cpu). Everything happens on the loop,
 * with timers that run only if there is a ramp or a governor; each change is
 * told in one line.
 */
#ifndef APP_RUN_SAMPLE_CONTROL_H
#define APP_RUN_SAMPLE_CONTROL_H

#include <stdbool.h>
#include <uv.h>

#include "policy/governor.h"
#include "policy/ramp.h"
#include "replay/replay_stats.h"
#include "report/document.h"

/** struct sample_hooks - what the ramp looks at, and who uses the share */
struct sample_hooks {
	size_t (*counts)(void *ctx, struct ramp_counts counts[RAMP_TARGETS]); /* returns how many targets */
	const char *(*target_name)(void *ctx, size_t target);
	struct ramp_pairs (*pairs)(void *ctx); /* asked only with --decide-within */
	void (*on_share)(void *ctx, uint64_t share);
	void *ctx;
};

/** struct sample_settings - what the options say of the sample, see stages_sample() */
struct sample_settings {
	uint64_t share;           /* parts per SHARE_ONE; of no meaning with a ramp */
	struct ramp_options ramp; /* .over_ns 0: none */
	uint32_t max_cpu;         /* per cent of one core; 0: no limit */
};

struct sample_control {
	struct sample_settings set;
	struct sample_hooks hooks;
	uint64_t asked; /* the share without the governor */
	uint64_t share;
	struct ramp ramp;
	struct governor governor;
	bool has_ramp, has_governor;
	uv_timer_t ramp_timer, governor_timer;
};

/** sample_counts() - what a ramp looks at, of one target with room for @queue_max requests */
struct ramp_counts sample_counts(const struct target_stats *s, uint64_t queue_max);

/** sample_control_init() - the share to begin with; no timer runs yet */
void sample_control_init(struct sample_control *s, struct sample_settings set);

/** sample_control_open() - begin to look; on_share is called at changes from here on */
void sample_control_open(struct sample_control *s, uv_loop_t *loop, const struct sample_hooks *hooks);

/**
 * sample_control_ask() - another share was asked for, without effect on a ramp; does not call on_share
 * Return: the share to use.
 */
uint64_t sample_control_ask(struct sample_control *s, uint64_t share);

void sample_control_close(struct sample_control *s);

/** struct sample_facts - what the report says of the ramp and the governor */
struct sample_facts {
	struct document_ramp ramp;
	struct document_governor governor;
};

/** sample_control_facts() - fill in what @out says of the sample; it points into @store */
void sample_control_facts(const struct sample_control *s, struct sample_facts *store, struct document_facts *out);

#endif
