/* page_outputs.c - outputs that rules compare as a whole: how near they are */
#include "report/page_impl.h"

static void cosine_cell(struct markup *p, struct view v)
{
	if (view_is_number(v))
		markup_cell(p, "%.6f", view_number(v));
	else
		markup_cell(p, " ");
}

static void cosine(struct markup *p, struct view c)
{
	struct view ratio = view_get(c, "norm_ratio");

	markup_table(p, "rrrrrrrr", "embeddings|agree|cosine p50|p1|least|length of the shadow's, mean|least|greatest");
	markup_cell_count(p, view_count(view_get(c, "vectors")));
	markup_cell_count(p, view_count(view_get(c, "agree")));
	cosine_cell(p, view_get(c, "p50"));
	cosine_cell(p, view_get(c, "p1"));
	cosine_cell(p, view_get(c, "min"));
	cosine_cell(p, view_get(ratio, "mean"));
	cosine_cell(p, view_get(ratio, "min"));
	cosine_cell(p, view_get(ratio, "max"));
	markup_table_end(p);
	markup_note(p, "The cosine of production's vector and the shadow's to the same input; 99 %% of the pairs are above p1. Lengths are "
		       "in those of production's vectors: a cosine does not tell them.");
	if (view_count(view_get(c, "other_dimension")) > 0)
		markup_say(p, "Of another dimension, and so of no use beside the others: %llu.",
			   (unsigned long long)view_count(view_get(c, "other_dimension")));
	if (view_count(view_get(c, "not_judged")) > 0)
		markup_say(p, "Compared value by value, since they have no cosine: %llu.",
			   (unsigned long long)view_count(view_get(c, "not_judged")));
}

void page_outputs(struct markup *p, struct view target)
{
	struct view vectors = view_get(target, "outputs.cosine");

	if (!vectors.there)
		return;
	markup_section(p, 2, "outputs", "Outputs as a whole");
	cosine(p, vectors);
	markup_section_end(p);
}
