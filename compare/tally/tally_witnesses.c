/*
 * tally_witnesses.c - as how many independent pairs the pairs of a target count, in a tally and in its report
 *
 * What counts as a mismatch is decided when a report is made, since it depends
 * on whether there is a control: so generated texts are kept apart here, too.
 */
#include "compare/tally/tally_state.h"

static enum first_verdict first_verdict_of(const struct comparison *c, bool mismatch, bool generated)
{
	if (!comparison_is_compared(c->verdict))
		return FIRST_UNCOMPARED;
	if (generated)
		return FIRST_GENERATED;
	return mismatch ? FIRST_DIFFERS : FIRST_AGREES;
}

void tally_add_witness(struct target_tally *g, const struct pair *pair, const struct comparison *c)
{
	const struct request_origin *origin = &pair->request->origin;
	bool mismatch = comparison_is_mismatch(c->verdict), generated = c->generated && c->verdict == COMPARISON_VALUE;
	uint64_t request = tally_request_hash(pair->request);
	struct witness_groups groups;
	struct first_pair *first;

	first = first_pairs_add(&g->first, request, (uint8_t)origin->id, first_verdict_of(c, mismatch, generated));
	tally_add_repeat(g, pair, c, first);
	if (!comparison_is_compared(c->verdict))
		return;
	groups = witness_groups_of(origin, request);
	witnesses_add(&g->witnesses, &groups, mismatch, generated);
}

/* Of the different requests, those with a pair that was compared: about, if they are a sample. */
static uint64_t distinct_compared(const struct target_tally *g)
{
	return first_pairs_distinct(&g->first) - (first_pairs_with(&g->first, FIRST_UNCOMPARED) << g->first.level);
}

struct witness_effect target_effect(const struct target_tally *g, bool has_control)
{
	return witness_effect(&g->witnesses, distinct_compared(g), has_control);
}

double target_request_effect(const struct target_tally *g, bool has_control)
{
	return witness_request_effect(&g->witnesses, distinct_compared(g), has_control);
}

struct rate target_mismatch_distinct(const struct target_tally *g, bool has_control)
{
	uint64_t agree = first_pairs_with(&g->first, FIRST_AGREES), differ = first_pairs_with(&g->first, FIRST_DIFFERS);
	uint64_t generated = first_pairs_with(&g->first, FIRST_GENERATED);

	return looks_rate(g->looks, differ + (has_control ? generated : 0), agree + differ + generated, 1);
}

static void groups_json(struct json *j, const struct witnesses *w, enum witness_kind kind)
{
	uint64_t seen = witness_groups_seen(w, kind);

	json_key(j, witness_kind_name(kind));
	if (seen > WITNESS_TOLD)
		json_null(j);
	else
		json_uint(j, seen);
}

void tally_witnesses_json(const struct target_tally *g, bool has_control, enum tally_extent extent, struct json *j)
{
	struct witness_effect effect = target_effect(g, has_control);
	struct rate distinct = target_mismatch_distinct(g, has_control);

	rate_object(j, "mismatch_distinct", &distinct);
	json_count(j, "distinct_requests", first_pairs_distinct(&g->first));
	json_key(j, "distinct_is_estimate");
	json_bool(j, g->first.level > 0);
	if (extent == TALLY_WHOLE)
		first_pairs_json(&g->first, j, "first_pairs");
	json_key(j, "witnesses");
	json_open(j, '{');
	json_count(j, "count", witness_count(target_compared(g), effect.deff));
	json_key(j, "by");
	json_str(j, witness_kind_name(effect.by));
	json_key(j, "design_effect");
	json_double(j, effect.deff);
	groups_json(j, &g->witnesses, WITNESS_CLIENTS);
	groups_json(j, &g->witnesses, WITNESS_CONNECTIONS);
	if (extent == TALLY_WHOLE)
		witnesses_json(&g->witnesses, j, "buckets");
	json_close(j, '}');
}
