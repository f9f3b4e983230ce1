/* page_explained.c - where disagreement is higher than beside it: slices that nobody had to think of */
#include "report/page_impl.h"

static void sentence(struct buffer *out, struct view x)
{
	uint64_t pairs = view_count(view_get(x, "pairs"));

	if (view_is_number(view_get(x, "ratio"))) {
		buffer_add_str(out, "Disagreement is ");
		format_number(out, view_number(view_get(x, "ratio")));
		buffer_add_str(out, " times as high (");
	} else {
		buffer_add_str(out, "Disagreement is found only (");
	}
	format_share(out, view_number(view_get(x, "rate")));
	buffer_add_str(out, " against ");
	format_share(out, view_number(view_get(x, "other_rate")));
	buffer_add_str(out, ", ");
	format_count(out, pairs);
	buffer_add_str(out, " of ");
	format_count(out, pairs + view_count(view_get(x, "other_pairs")));
	buffer_add_str(out, " pairs) where ");
	view_text(view_get(x, "where"), out);
	buffer_add_str(out, ".");
}

/** surely() - what is sure of it, and where to look */
static void surely(struct buffer *out, struct view x)
{
	const char *between = " For example: ";

	if (view_number(view_get(x, "ratio_low")) > 1) {
		buffer_add_str(out, "At least ");
		format_number(out, view_number(view_get(x, "ratio_low")));
		buffer_add_str(out, " times, all that was looked for considered.");
	}
	for (struct view_walk w = view_walk(view_get(x, "examples")); view_next(&w);) {
		buffer_add_str(out, between);
		view_text(w.value, out);
		between = ", ";
	}
}

void page_explained(struct markup *p, struct view target)
{
	struct view explained = view_get(target, "explained_by");

	if (view_size(explained) == 0)
		return;
	markup_section(p, 2, "explained", "What requests have in common whose answers differ");
	for (struct view_walk w = view_walk(explained); view_next(&w);) {
		struct buffer text = { 0 }, more = { 0 };

		sentence(&text, w.value);
		surely(&more, w.value);
		markup_say(p, "%s", buffer_text(&text));
		if (more.len > 0)
			markup_note(p, "%s", buffer_text(&more));
		buffer_deinit(&text);
		buffer_deinit(&more);
	}
	markup_section_end(p);
}
