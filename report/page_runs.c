/*
 * page_runs.c - of a report that was added up: the runs in it, and what of them does not go together
 *
 * Sums of runs that were compared in different ways look like any other sum.
 * So what merging found stands at the top, not among the small print.
 */
#include "report/page_impl.h"

#define WARNINGS_SHOWN 8
#define RUNS_SHOWN     64

void page_merge_warnings(struct markup *p, struct view report)
{
	struct buffer text = { 0 };
	unsigned shown = 0;

	if (view_size(view_get(report, "merged")) == 0 || view_size(view_get(report, "warnings")) == 0)
		return;
	for (struct view_walk w = view_walk(view_get(report, "warnings")); shown < WARNINGS_SHOWN && view_next(&w); shown++) {
		buffer_add_str(&text, shown == 0 ? "Added up of several runs: " : "; ");
		view_text(w.value, &text);
	}
	markup_raw(p, "<div class=\"verdict warn banner\" id=\"merge-warnings\">");
	markup_say(p, "%s.", buffer_text(&text));
	markup_raw(p, "</div>\n");
	buffer_deinit(&text);
}

/* What a run's labels and source say, with commas between. */
static void add_words(struct buffer *out, struct view v)
{
	for (struct view_walk w = view_walk(v); view_next(&w);) {
		buffer_add_str(out, out->len > 0 ? ", " : "");
		if (view_is(v, JSON_OBJECT)) {
			view_text(w.name, out);
			buffer_add_str(out, " ");
		}
		view_text(w.value, out);
	}
}

static void text_cell(struct markup *p, struct view v)
{
	struct buffer text = { 0 };

	if (view_is(v, JSON_STRING))
		view_text(v, &text);
	markup_cell(p, "%s", text.len > 0 ? buffer_text(&text) : "–");
	buffer_deinit(&text);
}

static void run_row(struct markup *p, struct view run)
{
	struct buffer labels = { 0 }, source = { 0 }, started = { 0 };

	add_words(&labels, view_get(run, "labels"));
	add_words(&source, view_get(run, "source.interfaces"));
	add_words(&source, view_get(run, "source.files"));
	view_text(view_get(run, "started"), &started);
	text_cell(p, view_get(run, "title"));
	markup_cell(p, "%s", labels.len > 0 ? buffer_text(&labels) : "–");
	text_cell(p, view_get(run, "host"));
	markup_cell(p, "%s", source.len > 0 ? buffer_text(&source) : "–");
	markup_cell(p, "%.19s", buffer_text(&started));
	markup_cell_time(p, view_number(view_get(run, "seconds")) * 1e6);
	buffer_deinit(&labels);
	buffer_deinit(&source);
	buffer_deinit(&started);
}

void page_runs(struct markup *p, struct view report)
{
	struct view merged = view_get(report, "merged");
	unsigned shown = 0;

	if (view_size(merged) == 0)
		return;
	markup_section(p, 2, "runs", "The runs that were added up");
	markup_table(p, "wwlwlr", "title|labels|host|source|started, UTC|took");
	for (struct view_walk w = view_walk(merged); shown < RUNS_SHOWN && view_next(&w); shown++)
		run_row(p, w.value);
	markup_table_end(p);
	if (view_size(merged) > shown)
		markup_note(p, "And %u more.", view_size(merged) - shown);
	markup_section_end(p);
}
