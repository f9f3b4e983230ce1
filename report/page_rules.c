/* page_rules.c - what rules left out of comparing although it differs, and the rules that a reader may want */
#include "report/page_impl.h"

#include "compare/tally/tally.h"

#define ROWS_SHOWN 25

bool page_warns_of_ignored(struct view target)
{
	return view_number(view_get(target, "ignored.rate")) > IGNORED_WARNING;
}

void page_ignored_sentence(struct buffer *out, struct view target)
{
	struct view ignored = view_get(target, "ignored");
	uint64_t pairs = view_count(view_get(ignored, "pairs"));

	if (pairs == 0)
		return;
	buffer_add_str(out, page_warns_of_ignored(target) ? " Warning: what rules leave out differs in " :
							    " What rules leave out differs in ");
	format_count(out, pairs);
	buffer_add_str(out, " of ");
	format_count(out, view_count(view_get(ignored, "of")));
	buffer_add_str(out, " pairs");
	if (page_warns_of_ignored(target))
		buffer_add_str(out, "; make sure that none of it is what the model answers");
	buffer_add_str(out, ".");
}

static void text_cell(struct markup *p, struct view v)
{
	struct buffer text = { 0 };

	view_text(v, &text);
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

void page_ignored(struct markup *p, struct view target)
{
	struct view ignored = view_get(target, "ignored"), paths = view_get(ignored, "paths");
	unsigned shown = 0;

	if (view_count(view_get(ignored, "pairs")) == 0)
		return;
	markup_section(p, 2, "ignored", "What was left out, and differs");
	markup_say(p, "Rules leave these places out of comparing. A pair that differs nowhere else is close, for the reason "
		      "“ignored”, and no mismatch: %llu pairs are.",
		   (unsigned long long)view_count(view_get(ignored, "alone")));
	markup_table(p, "wwrrr", "path|left out by|pairs|of|share");
	for (struct view_walk w = view_walk(paths); shown < ROWS_SHOWN && view_next(&w); shown++) {
		markup_cell_code(p, view_get(w.value, "path"));
		text_cell(p, view_get(w.value, "rule"));
		markup_cell_count(p, view_count(view_get(w.value, "pairs")));
		markup_cell_count(p, view_count(view_get(w.value, "of")));
		markup_cell_share(p, view_number(view_get(w.value, "rate")));
	}
	markup_table_end(p);
	if (view_size(paths) > shown || view_count(view_get(ignored, "paths_overflow")) > 0)
		markup_note(p, "%u more are in the JSON, and differences at %llu more places were only counted.",
			    view_size(paths) - shown, (unsigned long long)view_count(view_get(ignored, "paths_overflow")));
	markup_section_end(p);
}

static bool proposes_cosine(struct view rule)
{
	static const char word[] = " cosine";
	struct span text = json_doc_text(rule.doc, rule.at);

	return text.len >= sizeof(word) - 1 && span_skip(&text, text.len - (sizeof(word) - 1)) && span_equal(text, span_str(word));
}

static void proposal_row(struct markup *p, struct view path)
{
	struct view rule = view_get(path, "proposal"), pairs = view_get(path, "pairs");
	struct buffer why = { 0 };

	markup_cell_code(p, rule);
	if (proposes_cosine(rule)) {
		buffer_add_str(&why, "is a number of a vector, of which only the direction means something");
	} else if (view_count(view_get(path, "names")) == view_count(pairs)) {
		buffer_add_str(&why, "differs in ");
		format_count(&why, view_count(pairs));
		buffer_add_str(&why, " pairs and looks like an id or a clock");
	} else {
		buffer_add_str(&why, "differs by at most ");
		format_number(&why, view_number(view_get(path, "max_abs")));
	}
	markup_cell(p, "%s", buffer_text(&why));
	buffer_deinit(&why);
}

void page_proposals(struct markup *p, struct view target)
{
	unsigned shown = 0;

	for (struct view_walk w = view_walk(view_get(target, "paths")); shown < ROWS_SHOWN && view_next(&w);) {
		if (!view_is(view_get(w.value, "proposal"), JSON_STRING))
			continue;
		if (shown++ == 0) {
			markup_section(p, 3, "proposals", "Rules to paste");
			markup_table(p, "ww", "line for the file of --rules|because this path");
		}
		proposal_row(p, w.value);
	}
	if (shown == 0)
		return;
	markup_table_end(p);
	markup_note(p, "Only if what differs there is no part of what the model answers.");
	markup_section_end(p);
}
