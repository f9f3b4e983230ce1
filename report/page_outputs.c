/* page_outputs.c - outputs that rules compare as a whole: how near they are */
#include "report/page_impl.h"

#include <math.h>

static void figure_cell(struct markup *p, struct view v)
{
	if (view_is_number(v))
		markup_cell(p, "%.6f", view_number(v));
	else
		markup_cell(p, " ");
}

/** not_judged() - how many outputs of a kind could not be compared as a whole, and why */
static void not_judged(struct markup *p, struct view kind, const char *why)
{
	uint64_t count = view_count(view_get(kind, "not_judged"));

	if (count > 0)
		markup_say(p, "Compared value by value, since %s: %llu.", why, (unsigned long long)count);
}

static void cosine(struct markup *p, struct view c)
{
	struct view ratio = view_get(c, "norm_ratio");

	markup_table(p, "rrrrrrrr", "embeddings|agree|cosine p50|p1|least|length of the shadow's, mean|least|greatest");
	markup_cell_count(p, view_count(view_get(c, "vectors")));
	markup_cell_count(p, view_count(view_get(c, "agree")));
	figure_cell(p, view_get(c, "p50"));
	figure_cell(p, view_get(c, "p1"));
	figure_cell(p, view_get(c, "min"));
	figure_cell(p, view_get(ratio, "mean"));
	figure_cell(p, view_get(ratio, "min"));
	figure_cell(p, view_get(ratio, "max"));
	markup_table_end(p);
	markup_note(p, "The cosine of production's vector and the shadow's to the same input; 99 %% of the pairs are above p1. Lengths are "
		       "in those of production's vectors: a cosine does not tell them.");
	if (view_count(view_get(c, "other_dimension")) > 0)
		markup_say(p, "Of another dimension, and so of no use beside the others: %llu.",
			   (unsigned long long)view_count(view_get(c, "other_dimension")));
	not_judged(p, c, "they have no cosine");
}

static void rank(struct markup *p, struct view r)
{
	uint64_t lists = view_count(view_get(r, "lists"));

	markup_table(p, "rrrrrr", "rankings|agree|the same first|overlap of the first k|NDCG of ten|Kendall's tau");
	markup_cell_count(p, lists);
	markup_cell_count(p, view_count(view_get(r, "agree")));
	markup_cell_share(p, lists > 0 ? view_number(view_get(r, "same_first")) / (double)lists : NAN);
	markup_cell_share(p, view_number(view_get(r, "overlap")));
	figure_cell(p, view_get(r, "ndcg"));
	figure_cell(p, view_get(r, "tau"));
	markup_table_end(p);
	markup_note(p, "The first k are compared as a set; NDCG takes production's order for the right one.");
	if (view_count(view_get(r, "other_length")) > 0)
		markup_say(p, "Of another length: %llu.", (unsigned long long)view_count(view_get(r, "other_length")));
	not_judged(p, r, "they are no rankings");
}

static void number_cell(struct markup *p, struct view v)
{
	struct buffer text = { 0 };

	if (view_is_number(v))
		format_number(&text, view_number(v));
	markup_cell(p, "%s", text.len > 0 ? buffer_text(&text) : " ");
	buffer_deinit(&text);
}

static void regression(struct markup *p, struct view r)
{
	static const char *const names[] = { "bias", "mae", "rmse", "p50", "p99", "max" };

	markup_table(p, "rrrrrrrrr", "numbers|agree|outside|bias|mean error|root of squares|error p50|p99|greatest");
	markup_cell_count(p, view_count(view_get(r, "numbers")));
	markup_cell_count(p, view_count(view_get(r, "agree")));
	markup_cell_share(p, view_number(view_get(r, "outside")));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		number_cell(p, view_get(r, names[i]));
	markup_table_end(p);
	markup_note(p, "Of the shadow's numbers less production's. A bias moves whatever threshold is behind the model.");
	not_judged(p, r, "they are no numbers, or not of the same shape");
}

static void boxes(struct markup *p, struct view b)
{
	static const char *const counts[] = { "images", "agree", "production", "missed", "flips", "extra" };

	markup_table(p, "rrrrrrrr", "images|agree|boxes of production|missed|of another class|extra|F1|overlap");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		markup_cell_count(p, view_count(view_get(b, counts[i])));
	number_cell(p, view_get(b, "f1"));
	number_cell(p, view_get(b, "overlap"));
	markup_table_end(p);
	markup_note(p, "A box is the same if it is of the same class and overlaps enough. F1 counts those against all boxes of both.");
	not_judged(p, b, "they are no boxes, or too many");
}

void page_outputs(struct markup *p, struct view target)
{
	struct view vectors = view_get(target, "outputs.cosine"), rankings = view_get(target, "outputs.rank");
	struct view numbers = view_get(target, "outputs.regression"), found = view_get(target, "outputs.boxes");

	if (!vectors.there && !rankings.there && !numbers.there && !found.there)
		return;
	markup_section(p, 2, "outputs", "Outputs as a whole");
	if (vectors.there)
		cosine(p, vectors);
	if (rankings.there)
		rank(p, rankings);
	if (numbers.there)
		regression(p, numbers);
	if (found.there)
		boxes(p, found);
	markup_section_end(p);
}
