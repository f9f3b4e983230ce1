/*
 * rules.h - what can change while a run goes on: which requests are mirrored, and how their heads are written
 *
 * A set of rules is made whole from the options, or not at all, and is never
 * changed afterwards.
 */
#ifndef APP_RUN_RULES_H
#define APP_RUN_RULES_H

#include "app/options/target_settings.h"
#include "base/buffer.h"
#include "capture/source.h"
#include "policy/allow.h"
#include "policy/policy.h"
#include "policy/rewrite.h"

struct options;

/** struct lane_rules - what one lane goes by; never changed, but for the sample */
struct lane_rules {
	struct policy *policy;
	struct rewrite *shown; /* the fields that its events may show; NULL without -o */
};

struct rules {
	struct lane_rules *lane[SOURCE_LANES_MAX];
	size_t lane_count;
	struct rewrite *rewrite[TARGETS_MAX]; /* one per target, or one where there is none, for events */
	size_t rewrite_count;
	struct allow_list *handed_over; /* the fields that a broker gets, of -t nats://; NULL without one */
};

/** struct rules_wiring - what the options do not say about a policy */
struct rules_wiring {
	uint64_t share; /* of the requests; in parts per SHARE_ONE */
	bool (*is_own)(void *ctx, const struct request_origin *origin);
	struct policy_stats *(*stats)(void *ctx, size_t lane);
	void *ctx;
};

/**
 * rules_make() - compile all patterns and header rules
 * @lanes:   for how many
 * @wiring:  borrowed during the call, except ctx; NULL: nothing but a check is wanted
 * @out:     rules_deinit() in every case
 * @error:   on failure one sentence, or nothing when out of memory
 *
 * Logs a warning for each header with credentials that the options name.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int rules_make(const struct options *o, size_t lanes, const struct rules_wiring *wiring, struct rules *out,
	       struct buffer *error);

/** rules_set_share() - another share from the next request on, in every lane */
void rules_set_share(struct rules *r, uint64_t share);

/** rules_release_lanes() - the lanes free what is theirs */
void rules_release_lanes(struct rules *r);

/** lane_rules_free() - NULL allowed */
void lane_rules_free(struct lane_rules *r);

/** rules_deinit() - free what was not taken (and set to NULL) */
void rules_deinit(struct rules *r);

#endif
