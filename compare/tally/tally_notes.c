/*
 * tally_notes.c - what a reader of the last lines has to know besides the rates
 *
 * How many texts of language models differ, since no mismatch says so; how near outputs are that are compared as a
 * whole; what requests have in common whose responses differ; and of each the first few: what was left
 * out of comparing and differs, since a model may be wrong just there; and rules to paste. Paths come
 * from bodies, so they are shown as text from strangers is.
 */
#include <math.h>
#include <stdlib.h>

#include "base/shown.h"
#include "compare/tally/proposal.h"
#include "compare/tally/tally_state.h"

#define SHOWN 5 /* lines of each */

static void more(struct buffer *out, size_t left)
{
	if (left > 0)
		buffer_printf(out, "             and %zu more, which the report has\n", left);
}

static void ignored_lines(const struct target_tally *g, struct buffer *out)
{
	const struct counted_row **rows = counted_order(&g->ignored);
	unsigned long long of = target_compared(g);

	for (size_t i = 0; rows && i < g->ignored.count && i < SHOWN; i++) {
		buffer_add_str(out, i == 0 ? "  ignored    " : "             ");
		shown_add(out, span_str(*counted_first(rows[i]) ? counted_first(rows[i]) : "\"\""));
		buffer_printf(out, " differs in %llu of %llu pairs (", (unsigned long long)rows[i]->n[PATH_PAIRS], of);
		shown_add(out, span_str(counted_second(rows[i])));
		buffer_add_str(out, ")\n");
	}
	more(out, rows && g->ignored.count > SHOWN ? g->ignored.count - SHOWN : 0);
	free(rows);
	if (g->ignored_pairs > 0 && (double)g->ignored_pairs > IGNORED_WARNING * (double)of)
		buffer_printf(out,
			      "  warning    what is ignored differs in %.2f%% of the pairs; make sure that none of it is what "
			      "the model answers\n",
			      100 * (double)g->ignored_pairs / (double)of);
}

/** generated_line() - of texts of language models: that they differ is no mismatch without a control, and is told */
static void generated_line(const struct target_tally *g, struct buffer *out)
{
	const char *between = "; decided otherwise: ";

	if (g->generated.pairs == 0)
		return;
	buffer_printf(out, "  generated  %llu of %llu texts differ", (unsigned long long)(g->generated.pairs - g->generated.same_text),
		      (unsigned long long)g->generated.pairs);
	for (int r = REPLY_ALIKE + 1; r < REPLY_DIFFERENCE_COUNT; r++) {
		if (g->generated.reply[r] == 0)
			continue;
		buffer_printf(out, "%s%s %llu", between, reply_difference_name((enum reply_difference)r),
			      (unsigned long long)g->generated.reply[r]);
		between = ", ";
	}
	buffer_add_str(out, "\n");
}

static void explained_line(const struct explained *x, struct buffer *out)
{
	double rate = 100 * (double)x->mismatches / (double)x->pairs;
	double beside = 100 * (double)x->other_mismatches / (double)x->other_pairs;
	struct buffer where = { 0 };

	contrast_where(x, &where);
	buffer_add_str(out, "  explained  ");
	if (isfinite(x->ratio))
		buffer_printf(out, "disagreement is %.3g times as high (%.2f%% against %.2f%%, ", x->ratio, rate, beside);
	else
		buffer_printf(out, "disagreement is found only (%.2f%% against none, ", rate);
	buffer_printf(out, "%llu of %llu pairs) where ", (unsigned long long)x->pairs,
		      (unsigned long long)(x->pairs + x->other_pairs));
	shown_add(out, buffer_span(&where));
	buffer_add_str(out, "\n");
	buffer_deinit(&where);
}

/** explained_lines() - what the requests have in common whose responses differ */
static void explained_lines(const struct target_tally *g, bool has_control, struct buffer *out)
{
	struct explained found[CONTRAST_MOST];
	size_t count = g->contrast ? contrast_find(g->contrast, target_request_effect(g, has_control), found) : 0;

	for (size_t i = 0; i < count; i++)
		explained_line(&found[i], out);
}

static void proposal_line(const struct target_tally *g, const struct counted_row *row, const char *rule,
			  enum proposal kind, struct buffer *out)
{
	buffer_add_str(out, "  to paste   ");
	shown_add(out, span_str(counted_second(row)));
	if (kind == PROPOSAL_IGNORE)
		buffer_printf(out, " differs in %llu of %llu pairs; if it is no part of the model's answer: ",
			      (unsigned long long)row->n[PATH_PAIRS], (unsigned long long)target_compared(g));
	else if (kind == PROPOSAL_VECTOR)
		buffer_add_str(out, " is a number of a vector; this compares vectors by where they point to: ");
	else
		buffer_printf(out, " differs by at most %.4g; this would let it pass: ", row->max[PATH_MAX_ABS]);
	shown_add(out, span_str(rule));
	buffer_add_str(out, "\n");
}

static void proposal_lines(const struct target_tally *g, struct buffer *out)
{
	const struct counted_row **rows = counted_order(&g->paths);
	size_t count = 0;

	for (size_t i = 0; rows && i < g->paths.count; i++) {
		struct buffer rule = { 0 };
		enum proposal kind = proposal_of(rows[i], target_compared(g), &rule);

		if (kind != PROPOSAL_NONE && count++ < SHOWN)
			proposal_line(g, rows[i], buffer_text(&rule), kind, out);
		buffer_deinit(&rule);
	}
	more(out, count > SHOWN ? count - SHOWN : 0);
	if (count > 0)
		buffer_add_str(out, "             each is a line for the file that --rules names\n");
	free(rows);
}

void tally_notes(const struct tally *t, size_t target, struct buffer *out)
{
	generated_line(t->target[target], out);
	explained_lines(t->target[target], control_of(t) != NULL, out);
	outputs_text(&t->target[target]->outputs, out);
	ignored_lines(t->target[target], out);
	proposal_lines(t->target[target], out);
}

void tally_goodput_text(const struct tally *t, size_t target, const char *note, struct buffer *out)
{
	const struct target_tally *g = t->target[target];

	goodput_text(&g->goodput, g->looks, note, out);
}
