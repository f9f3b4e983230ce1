/*
 * tally_merge.c - two tallies: the counts of one are added to the other's
 *
 * Theory of operation. Taps and runs are added up by this, in any order with
 * the same result but where tables are full (tally.c). Targets are the same by
 * name, dimensions of slices too. What was answered to a request at first stays
 * behind: repeats are found among the requests of one run.
 */
#include "compare/tally/tally_state.h"

#include <errno.h>

static void merge_table(struct counted *into, const struct counted *from, uint64_t *overflow)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	counted_merge(into, from, lost);
	*overflow += lost[0];
}

static void merge_reasons(struct counted *into, const struct counted *from)
{
	for (size_t i = 0; i < from->count; i++)
		tally_count_reason(into, counted_first(&from->rows[i]), from->rows[i].n[0]);
}

static void merge_side(struct side_tally *into, const struct side_tally *from)
{
	histogram_merge(&into->first_byte, &from->first_byte);
	histogram_merge(&into->total, &from->total);
	histogram_merge(&into->first_token, &from->first_token);
	histogram_merge(&into->second_token, &from->second_token);
	histogram_merge(&into->gap, &from->gap);
	histogram_merge(&into->speed, &from->speed);
	into->streams += from->streams;
	into->events += from->events;
	into->tokens += from->tokens;
	for (size_t i = 0; i < SCORE_BINS; i++)
		into->score[i] += from->score[i];
	into->label_overflow += from->label_overflow;
}

static void merge_labels(struct target_tally *into, const struct target_tally *from)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	counted_merge(&into->labels, &from->labels, lost);
	into->side[PRODUCTION].label_overflow += lost[LABEL_PRODUCTION];
	into->side[SHADOW].label_overflow += lost[LABEL_SHADOW];
}

static void merge_paths(struct target_tally *into, const struct target_tally *from)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	counted_merge(&into->paths, &from->paths, lost);
	into->path_overflow += from->path_overflow + lost[PATH_DIFFERENCES];
	lost[PATH_DIFFERENCES] = 0;
	counted_merge(&into->ignored, &from->ignored, lost);
	into->ignored_overflow += from->ignored_overflow + lost[PATH_DIFFERENCES];
	into->ignored_pairs += from->ignored_pairs;
	into->ignored_alone += from->ignored_alone;
	into->same_bytes += from->same_bytes;
}

static void merge_counts(struct target_tally *into, const struct target_tally *from)
{
	for (int v = 0; v < COMPARISON_COUNT; v++)
		into->verdict[v] += from->verdict[v];
	for (int k = 0; k < BODY_KIND_COUNT; k++)
		into->kind[k] += from->kind[k];
	into->generated.pairs += from->generated.pairs;
	into->generated.same_text += from->generated.same_text;
	into->generated.different += from->generated.different;
	into->generated.common_prefix += from->generated.common_prefix;
	into->generated.edits += from->generated.edits;
	into->generated.edits_of += from->generated.edits_of;
	into->generated.text += from->generated.text;
	for (int r = 0; r < REPLY_DIFFERENCE_COUNT; r++)
		into->generated.reply[r] += from->generated.reply[r];
	into->bad.both += from->bad.both;
	into->bad.production += from->bad.production;
	into->bad.shadow += from->bad.shadow;
	into->bad.neither += from->bad.neither;
	into->decisions += from->decisions;
	into->decisions_agree += from->decisions_agree;
	into->decisions_otherwise += from->decisions_otherwise;
	outputs_merge(&into->outputs, &from->outputs);
	goodput_merge(&into->goodput, &from->goodput);
	into->timeouts += from->timeouts;
	into->numbers += from->numbers;
	keep_max(&into->max_abs, from->max_abs);
	keep_max(&into->max_rel, from->max_rel);
	into->repeats.requests += from->repeats.requests;
	into->repeats.same_production += from->repeats.same_production;
	into->repeats.same_shadow += from->repeats.same_shadow;
	into->repeats.forgotten += from->repeats.forgotten;
}

static int merge_contrast(struct target_tally *into, const struct target_tally *from)
{
	if (!from->contrast)
		return 0;
	if (!into->contrast)
		into->contrast = contrast_new(false);
	if (!into->contrast)
		return -ENOMEM;
	contrast_merge(into->contrast, from->contrast);
	return 0;
}

static int merge_target(struct target_tally *into, const struct target_tally *from)
{
	int err;

	merge_counts(into, from);
	merge_reasons(&into->errors, &from->errors);
	merge_reasons(&into->not_comparable, &from->not_comparable);
	into->confusion_overflow += from->confusion_overflow;
	into->status_overflow += from->status_overflow;
	into->slice_overflow += from->slice_overflow;
	merge_table(&into->confusion, &from->confusion, &into->confusion_overflow);
	merge_table(&into->statuses, &from->statuses, &into->status_overflow);
	merge_labels(into, from);
	merge_paths(into, from);
	first_pairs_merge(&into->first, &from->first);
	witnesses_merge(&into->witnesses, &from->witnesses);
	over_time_merge(&into->over_time, &from->over_time);
	for (int s = 0; s < SIDES; s++)
		merge_side(&into->side[s], &from->side[s]);
	histogram_merge(&into->above, &from->above);
	histogram_merge(&into->below, &from->below);
	noise_merge(&into->noise, &from->noise);
	err = examples_merge(&into->examples, &from->examples);
	return err ? err : merge_contrast(into, from);
}

static void merge_slices(struct tally *into, struct target_tally *g, const struct tally *from,
			 const struct target_tally *other)
{
	for (size_t i = 0; i < from->dimension_count; i++) {
		size_t mine = tally_dimension(into, span_str(from->dimension[i]));

		if (mine < DIMENSIONS)
			merge_table(&g->slices[mine], &other->slices[i], &g->slice_overflow);
		else
			for (size_t k = 0; k < other->slices[i].count; k++)
				g->slice_overflow += other->slices[i].rows[k].n[SLICE_PAIRS];
	}
}

int tally_merge(struct tally *into, const struct tally *from)
{
	int err;

	for (size_t i = 0; i < from->target_count; i++) {
		const struct target_tally *other = from->target[i];
		struct target_tally *g = tally_target_add(into, span_str(other->name), other->is_control);

		if (!g)
			return into->target_count == TALLY_TARGETS_MAX ? -ENOSPC : -ENOMEM;
		if (other->looks == LOOKS_ANYTIME)
			g->looks = LOOKS_ANYTIME;
		err = merge_target(g, other);
		if (err < 0)
			return err;
		merge_slices(into, g, from, other);
	}
	return 0;
}
