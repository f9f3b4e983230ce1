/*
 * rules.h - what can change while a run goes on: which requests are mirrored, and how their heads are written
 *
 * A set of rules is made whole from the options, or not at all, and is never
 * changed afterwards.
 */
#ifndef APP_RULES_H
#define APP_RULES_H

#include "app/options.h"
#include "policy/policy.h"
#include "policy/rewrite.h"

struct rules {
	struct policy *policy;
	struct rewrite *rewrite[TARGETS_MAX]; /* one per target, or one for the events of a dry run */
	size_t rewrite_count;
};

/**
 * rules_make() - compile all patterns and header rules
 * @policy:  o->policy with what the wiring adds
 * @out:     rules_deinit() in every case
 * @error:   on failure one sentence, or nothing when out of memory
 *
 * Logs a warning for each header with credentials that the options name.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int rules_make(const struct options *o, const struct policy_options *policy, struct rules *out,
	       struct buffer *error);

/** rules_deinit() - free what was not taken (and set to NULL) */
void rules_deinit(struct rules *r);

#endif
