/*
 * policy.h - which requests are mirrored
 *
 * The order of the steps is that of docs/contract.md, "Order of decisions":
 * method, deny list, preset and path, host, header, loop guard, sample. The
 * first that refuses the request names the decision. Rules see the request as
 * captured. Everything is decided at the end of the head, so the body of a
 * request that is not mirrored is never copied.
 *
 * A policy is immutable but for its sample, and belongs to one lane. Rules that
 * change while a lane runs are a new policy that takes the old one's place; the
 * counters are therefore not in it, if the options name others.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/policy_stats.h"
#include "message/message.h"

enum sample_by { SAMPLE_BY_REQUEST, SAMPLE_BY_CONNECTION, SAMPLE_BY_CLIENT, SAMPLE_BY_PROXIED, SAMPLE_BY_ID, SAMPLE_BY_HEADER };

/** enum h2_heads - HTTP/2: what must be known of a head; auto is needed with a preset that names the model, else whole */
enum h2_heads { H2_HEADS_AUTO, H2_HEADS_WHOLE, H2_HEADS_NEEDED };

/** struct texts - a list of strings owned by the options */
struct texts {
	const char **at;
	size_t count;
};

struct policy_options {
	struct texts methods;       /* none: POST and PUT; "any" = every method but CONNECT */
	const char *preset;         /* NULL or "any", "v2", "tfserving", "torchserve", "openai", "tei", "mlflow" */
	struct texts paths;         /* PCRE2: one must match the target's path and query, if there is any */
	struct texts not_paths;     /* none may match */
	struct texts hosts;         /* one must match Host, letters of either case; no Host is an empty text */
	struct texts match_headers; /* "Name: RE": each must match some field of that name */
	bool allow_side_effects;    /* skip the built-in deny list */
	enum h2_heads h2_heads;
	uint64_t sample_share;      /* parts per SHARE_ONE */
	uint64_t sample_phase;      /* where the exact sample begins, below SHARE_ONE (sample.h, "several lanes") */
	enum sample_by sample_by;
	const char *sample_header;  /* with SAMPLE_BY_HEADER */
	/* true if the two ends are one of our own connections to a target; may be NULL */
	bool (*is_own)(void *ctx, const struct request_origin *origin);
	void *is_own_ctx;
	struct policy_stats *stats; /* where to count; borrowed, written by the lane; NULL: in the policy itself */
};

struct policy;

/**
 * policy_new() - compile all rules
 * @options:  borrowed during the call, except is_own_ctx
 * @error:    on failure, one sentence that names the option and what to do
 * Return: 0, or -EINVAL (a bad pattern, an unknown preset or method), or -ENOMEM.
 */
int policy_new(const struct policy_options *options, struct policy **out, struct buffer *error);

/** policy_needs_whole() - must every field of a head be known? (head_decision.needs_whole of the http floor) */
bool policy_needs_whole(const struct policy *p);

/** policy_set_share() - another share from the next request on; any thread, while @p is not freed */
void policy_set_share(struct policy *p, uint64_t share);

/** policy_take_over() - the lane: @p follows @old, and its exact sample goes on counting where @old's stopped */
void policy_take_over(struct policy *p, const struct policy *old);

/** policy_decide() - the decision on a head; counts nothing but the sample's own turn, and retries of gRPC */
enum decision policy_decide(struct policy *p, const struct request_head *head,
			    const struct request_origin *origin);

/** policy_stats() - counters; the lane writes them as requests complete, any thread reads */
struct policy_stats *policy_stats(struct policy *p);

void policy_free(struct policy *p);

/** preset_names() - "v2, tfserving, ..." for messages and --help */
const char *preset_names(void);

#endif
