/*
 * tally.c - see tally.h; what a tally is, and what follows from its counts
 *
 * Theory of operation: everything is a count, a sum, a maximum, a bucket or a
 * set, so that two tallies can be added and their order doesn't matter. What
 * is shown besides, rates and quantiles and what is noise, is computed from
 * those where it is written (tally_json.c).
 *
 * What isn't additive: repeats of a request are found among the requests of one
 * run; of a request that two runs had, one first pair counts, by lot; and where
 * a table is full it depends on the order who has a place.
 */
#include "compare/tally/tally_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void target_free(struct target_tally *g)
{
	struct counted *tables[] = { &g->errors,   &g->not_comparable, &g->confusion, &g->labels,
				     &g->statuses, &g->paths,          &g->ignored };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		counted_deinit(tables[i]);
	for (size_t i = 0; i < DIMENSIONS; i++)
		counted_deinit(&g->slices[i]);
	noise_deinit(&g->noise);
	examples_deinit(&g->examples);
	first_pairs_deinit(&g->first);
	contrast_free(g->contrast);
	free(g);
}

struct target_tally *tally_target_add(struct tally *t, struct span name, bool is_control)
{
	struct hash_key hash = hash_key_random(); /* those who send requests choose paths and labels */
	struct target_tally *g;
	char text[NAME_TEXT];

	example_text(text, sizeof(text), name);
	for (size_t i = 0; i < t->target_count; i++)
		if (strcmp(t->target[i]->name, text) == 0)
			return t->target[i];
	g = t->target_count < TALLY_TARGETS_MAX ? calloc(1, sizeof(*g)) : NULL;
	if (!g)
		return NULL;
	memcpy(g->name, text, sizeof(text));
	memcpy(g->goodput.slo, t->slo.text, sizeof(g->goodput.slo));
	g->is_control = is_control;
	counted_init(&g->errors, TALLY_REASONS_MAX, hash);
	counted_init(&g->not_comparable, TALLY_REASONS_MAX, hash);
	counted_init(&g->confusion, TALLY_CONFUSIONS_MAX, hash);
	counted_init(&g->labels, TALLY_LABELS_MAX, hash);
	counted_init(&g->statuses, TALLY_STATUSES_MAX, hash);
	counted_init(&g->paths, TALLY_PATHS_MAX, hash);
	counted_init(&g->ignored, TALLY_IGNORED_MAX, hash);
	for (size_t i = 0; i < DIMENSIONS; i++)
		counted_init(&g->slices[i], TALLY_SLICES_MAX, hash);
	noise_init(&g->noise, TALLY_PATHS_MAX, hash);
	t->target[t->target_count++] = g;
	return g;
}

size_t tally_dimension(struct tally *t, struct span name)
{
	char text[NAME_TEXT];

	example_text(text, sizeof(text), name);
	for (size_t i = 0; i < t->dimension_count; i++)
		if (strcmp(t->dimension[i], text) == 0)
			return i;
	if (t->dimension_count == DIMENSIONS)
		return DIMENSIONS;
	memcpy(t->dimension[t->dimension_count], text, sizeof(text));
	return t->dimension_count++;
}

struct tally *tally_empty(void)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t) {
		tally_dimension(t, SPAN_LITERAL("path"));
		tally_dimension(t, SPAN_LITERAL("model"));
	}
	return t;
}

static bool make_features(struct tally *t, const struct tally_options *options)
{
	struct features_options set = { options->has_header, options->has_header_ctx, t->open_headers, 0 };

	for (size_t i = DIMENSION_HEADERS; i < t->dimension_count; i++)
		t->open_headers[set.open_header_count++] = t->dimension[i] + strlen("header:");
	t->features = features_new(&set);
	return t->features != NULL;
}

struct tally *tally_new(const struct tally_options *options)
{
	struct tally *t = tally_empty();

	if (!t)
		return NULL;
	t->show_bodies = options->show_bodies;
	if (options->slo)
		t->slo = *options->slo;
	for (size_t i = 0; i < options->target_count; i++) {
		struct target_tally *g = tally_target_add(t, span_str(options->targets[i].name), options->targets[i].is_control);

		if (!g)
			goto fail;
		g->looks = options->looks;
	}
	for (size_t i = 0; i < options->slice_header_count; i++) {
		struct buffer name = { 0 };

		buffer_add_str(&name, "header:");
		buffer_add_str(&name, options->slice_headers[i]);
		tally_dimension(t, buffer_span(&name));
		buffer_deinit(&name);
	}
	if (make_features(t, options))
		return t;
fail:
	tally_free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->target_count; i++)
		target_free(t->target[i]);
	features_free(t->features);
	free(t);
}

const struct target_tally *control_of(const struct tally *t)
{
	for (size_t i = 0; i < t->target_count; i++)
		if (t->target[i]->is_control)
			return t->target[i];
	return NULL;
}

struct judged *tally_judged(const struct tally *t, size_t target, const struct comparison *c)
{
	const struct target_tally *g = t->target[target], *control = control_of(t);

	return control && (g == control || !g->is_control) ? judged_new(c, &g->paths) : NULL;
}

void tally_add_beside(struct tally *t, size_t target, const struct judged *judged, size_t other,
		      const struct judged *of_other)
{
	struct target_tally *g = t->target[target], *h = t->target[other];

	if (h->is_control && !g->is_control)
		noise_add(&g->noise, judged, &g->paths, of_other, &h->paths);
	else if (g->is_control && !h->is_control)
		noise_add(&h->noise, of_other, &h->paths, judged, &g->paths);
}

uint64_t target_pairs(const struct target_tally *g)
{
	uint64_t pairs = 0;

	for (enum comparison_verdict v = 0; v < COMPARISON_COUNT; v++)
		pairs += g->verdict[v];
	return pairs;
}

uint64_t target_compared(const struct target_tally *g)
{
	uint64_t compared = 0;

	for (enum comparison_verdict v = 0; v < COMPARISON_COUNT; v++)
		compared += comparison_is_compared(v) ? g->verdict[v] : 0;
	return compared;
}

struct rate target_mismatch(const struct target_tally *g, bool has_control)
{
	uint64_t wrong = 0, excused = has_control ? 0 : g->generated.different;

	for (enum comparison_verdict v = 0; v < COMPARISON_COUNT; v++)
		wrong += comparison_is_mismatch(v) ? g->verdict[v] : 0;
	return looks_rate(g->looks, wrong > excused ? wrong - excused : 0, target_compared(g), target_effect(g, has_control).deff);
}

double latency_quantile(const struct histogram *h, uint64_t timeouts, double q)
{
	uint64_t rank = (uint64_t)(q * ((double)h->count + (double)timeouts));

	if (h->count == 0 || (timeouts > 0 && rank >= h->count))
		return NAN;
	return (double)histogram_at(h, rank);
}

static double brief_quantile(const struct histogram *h, uint64_t timeouts, double q)
{
	double us = latency_quantile(h, timeouts, q);

	return isnan(us) && h->count + timeouts > 0 ? INFINITY : us;
}

struct tally_brief tally_brief(const struct tally *t, size_t target)
{
	const struct target_tally *g = t->target[target];
	const struct histogram *p = &g->side[PRODUCTION].total, *s = &g->side[SHADOW].total;
	bool has_control = control_of(t) != NULL;
	double deff = target_effect(g, has_control).deff;
	uint64_t clients = witness_groups_seen(&g->witnesses, WITNESS_CLIENTS);

	return (struct tally_brief){
		.looks = g->looks,
		.mismatch = target_mismatch(g, has_control),
		.mismatch_distinct = target_mismatch_distinct(g, has_control),
		.decisions = looks_rate(g->looks, g->decisions_agree, g->decisions, deff),
		.witnesses = { witness_count(target_compared(g), deff), first_pairs_distinct(&g->first),
			       clients > WITNESS_TOLD ? WITNESS_TOLD : clients, g->first.level > 0, clients > WITNESS_TOLD },
		.generated_apart = has_control ? 0 : g->generated.different,
		.production = { brief_quantile(p, 0, 0.5), brief_quantile(p, 0, 0.99) },
		.target = { brief_quantile(s, g->timeouts, 0.5), brief_quantile(s, g->timeouts, 0.99) },
	};
}

/* -- scores ---------------------------------------------------------------------------- */

static size_t power_bin(double beyond) /* 0: up to 1; 1: up to 2; 2: up to 4 */
{
	int power = beyond > 1 ? (int)ceil(log2(beyond)) : 0;

	return (size_t)(power > SCORE_POWERS ? SCORE_POWERS : power);
}

size_t score_bin(double score)
{
	if (score < 0)
		return SCORE_LINEAR + SCORE_POWERS + 1 + power_bin(fmin(-score, 0x1p30));
	if (score > 1)
		return SCORE_LINEAR + power_bin(fmin(score, 0x1p30)) - 1;
	return score < 1 ? (size_t)(score * SCORE_LINEAR) : SCORE_LINEAR - 1;
}

int64_t score_bin_number(size_t bin)
{
	if (bin <= SCORE_LINEAR + SCORE_POWERS)
		return (int64_t)bin;
	return -(int64_t)(bin - SCORE_LINEAR - SCORE_POWERS);
}

size_t score_bin_of_number(double number)
{
	if (!(number >= -(SCORE_POWERS + 1) && number <= SCORE_LINEAR + SCORE_POWERS) || number != floor(number))
		return SCORE_BINS;
	return number >= 0 ? (size_t)number : SCORE_LINEAR + SCORE_POWERS + (size_t)-number;
}
