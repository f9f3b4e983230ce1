/* page_compare.c - what the comparison with one target says: verdicts, latencies, paths, slices */
#include "report/page_impl.h"

#include <stdlib.h>
#include <string.h>

#include "compare/comparison.h"
#include "report/plots.h"

#define SLICES_SHOWN 40
#define SLICES_MAX   1300 /* 128 of each of ten kinds */
#define PATHS_SHOWN 30
#define FAR 0.5 /* of a relative difference */

/* ---- verdicts and statuses ---- */

/** verdict_read() - the @i-th in the order of reading: what is well, then what is not, worst last, then what is not known */
static const struct verdict_row *verdict_read(int i)
{
	const int unknown = COMPARISON_COUNT - 1;

	return verdict_row((enum comparison_verdict)(i < unknown ? unknown - 1 - i : unknown));
}

static void stacked_bar(struct markup *p, struct view verdicts, double pairs)
{
	if (!markup_is_html(p) || pairs <= 0)
		return;
	markup_raw(p, "<div class=\"stack\" role=\"img\" aria-label=\"verdicts\">");
	for (int i = 0; i < COMPARISON_COUNT; i++) {
		const struct verdict_row *row = verdict_read(i);
		double n = (double)view_count(view_get(verdicts, row->name));

		if (n > 0)
			markup_raw(p, "<i class=\"%s\" style=\"width:%.3f%%\" title=\"%s\"></i>", row->colour,
				   n / pairs * 100, row->name);
	}
	markup_raw(p, "</div>\n");
}

static void verdict_table(struct markup *p, struct view verdicts, double pairs)
{
	markup_table(p, "lrrw", "verdict|pairs|share|meaning");
	for (int i = 0; i < COMPARISON_COUNT; i++) {
		const struct verdict_row *row = verdict_read(i);
		uint64_t n = view_count(view_get(verdicts, row->name));

		if (n == 0)
			continue;
		if (markup_is_html(p))
			markup_cell_raw(p, "<i class=\"key %s\"></i>%s", row->colour, row->name);
		else
			markup_cell(p, "%s", row->name);
		markup_cell_count(p, n);
		markup_cell_share(p, pairs > 0 ? (double)n / pairs : 0);
		markup_cell(p, "%s", row->meaning);
	}
	markup_table_end(p);
}

/** status_cell() - a number, or the name of a call's status */
static void status_cell(struct markup *p, struct view status, const char *unknown)
{
	struct buffer text = { 0 };

	if (!view_is(status, JSON_NULL))
		view_text(status, &text);
	markup_cell(p, "%s", text.len > 0 && buffer_ok(&text) ? buffer_text(&text) : unknown);
	buffer_deinit(&text);
}

static void statuses(struct markup *p, struct view target)
{
	if (view_size(view_get(target, "status_matrix")) == 0)
		return;
	markup_section(p, 3, "statuses", "Statuses");
	markup_table(p, "llr", "production|shadow|pairs");
	for (struct view_walk w = view_walk(view_get(target, "status_matrix")); view_next(&w);) {
		status_cell(p, view_get(w.value, "production"), "not seen");
		status_cell(p, view_get(w.value, "shadow"), "no response");
		markup_cell_count(p, view_count(view_get(w.value, "count")));
	}
	markup_table_end(p);
	if (view_count(view_get(target, "status_overflow")) > 0)
		markup_note(p, "And other statuses in %llu pairs.",
			    (unsigned long long)view_count(view_get(target, "status_overflow")));
	markup_section_end(p);
}

static uint64_t decided_otherwise(struct view generated)
{
	uint64_t sum = 0;

	for (struct view_walk w = view_walk(view_get(generated, "decisions")); view_next(&w);)
		sum += view_count(w.value);
	return sum;
}

/** decisions_of_replies() - what is wrong with a reply whatever its words */
static void decisions_of_replies(struct markup *p, struct view generated)
{
	struct view decisions = view_get(generated, "decisions");

	if (decided_otherwise(generated) == 0)
		return;
	markup_table(p, "lrw", "decided otherwise|pairs|what it means");
	for (enum reply_difference r = REPLY_ALIKE + 1; r < REPLY_DIFFERENCE_COUNT; r++) {
		uint64_t n = view_count(view_get(decisions, reply_difference_name(r)));

		if (n == 0)
			continue;
		markup_cell(p, "%s", reply_difference_name(r));
		markup_cell_count(p, n);
		markup_cell(p, "%s", reply_difference_meaning(r));
	}
	markup_table_end(p);
}

/** generated() - texts of language models that differ are no mismatch unless a control says how much is usual */
static void generated(struct markup *p, struct view target)
{
	struct view g = view_get(target, "generated");
	struct buffer text = { 0 };
	uint64_t pairs = view_count(view_get(g, "pairs"));

	if (pairs + decided_otherwise(g) == 0)
		return;
	format_count(&text, pairs);
	buffer_add_str(&text, " pairs hold text that a language model generated: ");
	format_share(&text, pairs ? (double)view_count(view_get(g, "same_text")) / (double)pairs : 0);
	buffer_add_str(&text, " say the same, and on average the first ");
	format_share(&text, view_number(view_get(g, "common_prefix_share")));
	buffer_add_str(&text, " of the text is the same");
	if (view_is_number(view_get(g, "edit_share"))) {
		buffer_add_str(&text, "; ");
		format_share(&text, view_number(view_get(g, "edit_share")));
		buffer_add_str(&text, " of it would have to be edited to make one of the other");
	}
	buffer_add_str(&text, ".");
	if (!view_is_text(view_get(target, "noise.source"), "control") && !view_is_text(view_get(target, "role"), "control"))
		buffer_add_str(&text, " Generated text varies between runs: without a control these differences are counted, not "
				      "judged.");
	markup_say(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
	decisions_of_replies(p, g);
}

/* On which requests one of the two differs alone: that is all that tells the shadow from the control. */
static void noise_beside(struct buffer *out, struct view paired)
{
	uint64_t shadow = view_count(view_get(paired, "shadow")), control = view_count(view_get(paired, "control"));
	uint64_t both = view_count(view_get(paired, "both")), neither = view_count(view_get(paired, "neither"));

	if (both + shadow + control + neither == 0)
		return;
	buffer_add_str(out, " Of ");
	format_count(out, both + shadow + control + neither);
	buffer_add_str(out, " requests that it and the shadow answered, both differ in ");
	format_count(out, both);
	buffer_add_str(out, ", the shadow alone in ");
	format_count(out, shadow);
	buffer_add_str(out, ", the control alone in ");
	format_count(out, control);
	buffer_add_str(out, ".");
}

static void noise(struct markup *p, struct view target)
{
	struct view n = view_get(target, "noise"), mismatch = view_get(n, "mismatch"),
		    repeats = view_get(target, "repeats");
	struct buffer text = { 0 };

	if (view_is_text(view_get(n, "source"), "control")) {
		buffer_add_str(&text,
			       "Noise: the control, a second copy of production, differs from production in ");
		format_share(&text, view_number(view_get(mismatch, "rate")));
		buffer_add_str(&text, " of ");
		format_count(&text, view_count(view_get(mismatch, "of")));
		buffer_add_str(&text, " pairs.");
		noise_beside(&text, view_get(n, "paired"));
	} else if (view_count(view_get(repeats, "requests")) > 0) {
		buffer_add_str(&text, "Noise: of ");
		format_count(&text, view_count(view_get(repeats, "requests")));
		buffer_add_str(&text, " requests that were sent again, production answered ");
		format_count(&text, view_count(view_get(repeats, "same_production")));
		buffer_add_str(&text, " as before, and the shadow ");
		format_count(&text, view_count(view_get(repeats, "same_shadow")));
		buffer_add_str(&text, ".");
	} else {
		buffer_add_str(
			&text,
			"Noise is not known: there was no control (--control), and no request came twice.");
	}
	markup_note(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

/** same_bytes() - what else was not compared, and how much of what is equal is so only by what it says */
static void same_bytes(struct markup *p, struct view target)
{
	struct buffer text = { 0 };

	if (view_count(view_get(target, "compared")) == 0 || !view_is_number(view_get(target, "same_bytes")))
		return;
	buffer_add_str(&text, "The bodies of ");
	format_count(&text, view_count(view_get(target, "same_bytes")));
	buffer_add_str(&text, " of ");
	format_count(&text, view_count(view_get(target, "compared")));
	buffer_add_str(&text, " compared answers are the same bytes; others that are equal say the same in another spelling, order of "
			      "members or content coding. Of the headers only the kind of body is compared.");
	markup_note(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

void page_verdicts(struct markup *p, struct view target)
{
	struct view verdicts = view_get(target, "verdicts");
	double pairs = (double)view_count(view_get(target, "pairs"));

	if (pairs <= 0 && view_is_number(view_get(target, "pairs"))) {
		markup_say(p, "No exchange has ended yet.");
		return;
	}
	stacked_bar(p, verdicts, pairs);
	markup_raw(p, "<div class=\"two\"><div>");
	verdict_table(p, verdicts, pairs);
	markup_raw(p, "</div><div>");
	statuses(p, target);
	markup_raw(p, "</div></div>\n");
	same_bytes(p, target);
	generated(p, target);
	noise(p, target);
}

/* ---- latency ---- */

uint64_t page_quantile_least(const char *name)
{
	static const struct {
		const char *name;
		uint64_t least;
	} rows[] = { { "p90", 10 }, { "p95", 20 }, { "p99", PLOT_P99_LEAST }, { "p999", 1000 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].least;
	return 1;
}

void page_cell_quantile(struct markup *p, struct view quantiles, const char *name)
{
	struct view q = view_get(quantiles, name), count = view_get(quantiles, "count");

	if (!view_is_number(q) && view_count(count) > 0)
		markup_cell(p, "> max-time");
	else if (!view_is_number(q) || (view_is_number(count) && view_count(count) < page_quantile_least(name)))
		markup_cell(p, "–");
	else
		markup_cell_time(p, view_number(q));
}

static void latency_row(struct markup *p, const char *class, const char *what, struct view quantiles)
{
	static const char *const names[] = { "p50", "p90", "p95", "p99", "p999" };

	if (markup_is_html(p))
		markup_cell_raw(p, "<i class=\"key %s\"></i>%s", class, what);
	else
		markup_cell(p, "%s", what);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		page_cell_quantile(p, quantiles, names[i]);
	markup_cell_count(p, view_count(view_get(quantiles, "count")));
}

static void difference_cell(struct markup *p, struct view quantile)
{
	struct view low = view_get(quantile, "low"), high = view_get(quantile, "high");
	struct buffer text = { 0 };

	if (!view_is_number(view_get(quantile, "value"))) {
		buffer_add_str(&text, "–");
	} else {
		format_time(&text, view_number(view_get(quantile, "value")));
		buffer_add_str(&text, " (");
		if (!view_is_number(low))
			buffer_add_str(&text, "?");
		else
			format_time(&text, view_number(low));
		buffer_add_str(&text, " to ");
		if (!view_is_number(high))
			buffer_add_str(&text, "?");
		else
			format_time(&text, view_number(high));
		buffer_add_str(&text, ")");
	}
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static void differences(struct markup *p, struct view d, const char *looks)
{
	static const char *const names[] = { "p50", "p90", "p95", "p99" };
	double count = (double)view_count(view_get(d, "count"));
	struct buffer text = { 0 };

	if (count == 0)
		return;
	markup_section(p, 3, "difference", "The difference, pair by pair: shadow minus production");
	plot_differences(p, view_get(d, "buckets_below"), view_get(d, "buckets_above"));
	buffer_printf(&text, "p50 (95 %% interval %s)|p90|p95|p99", looks);
	markup_table(p, "rrrr", buffer_text(&text));
	buffer_clear(&text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (count < (double)page_quantile_least(names[i]))
			markup_cell(p, "–");
		else
			difference_cell(p, view_get(d, names[i]));
	markup_table_end(p);
	buffer_add_str(&text, "The shadow was slower in ");
	format_share(&text, (double)view_count(view_get(d, "slower")) / count);
	buffer_add_str(&text, " of ");
	format_count(&text, (uint64_t)count);
	buffer_add_str(&text, " pairs.");
	markup_note(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
	markup_section_end(p);
}

bool page_has_latency(struct view target)
{
	return view_count(view_get(target, "latency_us.production.total.count")) > 0 ||
	       view_count(view_get(target, "latency_us.shadow.total.count")) > 0;
}

void page_latency(struct markup *p, struct view target)
{
	struct view a = view_get(target, "latency_us.production"), b = view_get(target, "latency_us.shadow");
	uint64_t timeouts = view_count(view_get(target, "latency_us.timeouts"));

	if (!page_has_latency(target))
		return;
	markup_section(p, 2, "latency", "Latency");
	plot_latencies(p, view_get(a, "total"), view_get(b, "total"));
	markup_raw(p, "<ul class=\"legend\"><li><i class=\"key p\"></i>production</li><li><i class=\"key s\"></i>shadow</li>%s</ul>\n",
		   view_count(view_get(b, "total.count")) >= PLOT_P99_LEAST ? "<li><i class=\"dash\"></i>p99</li>" : "");
	markup_table(p, "lrrrrrr", "to the last byte of the answer|p50|p90|p95|p99|p99.9|answers");
	latency_row(p, "p", "production", view_get(a, "total"));
	latency_row(p, "s", "shadow", view_get(b, "total"));
	markup_table_end(p);
	markup_table(p, "lrrrrrr", "to its first byte|p50|p90|p95|p99|p99.9|answers");
	latency_row(p, "p", "production", view_get(a, "first_byte"));
	latency_row(p, "s", "shadow", view_get(b, "first_byte"));
	markup_table_end(p);
	if (view_count(view_get(b, "total.count")) < page_quantile_least("p999"))
		markup_note(p, "Quantiles are shown from this many answers on: p90 10, p95 20, p99 100, p99.9 1,000.");
	if (timeouts > 0)
		markup_note(p,
			    "%llu exchanges timed out. They have no latency but are longer than all that is "
			    "shown; a quantile that lies "
			    "among them is given as above --max-time.",
			    (unsigned long long)timeouts);
	differences(p, view_get(target, "latency_us.difference"), page_looks(target));
	markup_section_end(p);
}

/* ---- where they differ ---- */

static void badge(struct markup *p, struct view verdict)
{
	bool differs = view_is_text(verdict, "differs");

	if (!markup_is_html(p)) {
		struct buffer text = { 0 };

		view_text(verdict, &text);
		markup_cell(p, "%s", buffer_text(&text));
		buffer_deinit(&text);
		return;
	}
	markup_cell_raw(p, "<span class=\"badge%s\">%s</span>", differs ? " warn" : "",
		       differs                          ? "differs"
		       : view_is_text(verdict, "noise") ? "noise"
							: "close");
}

static void kind_cell(struct markup *p, struct view kind)
{
	struct buffer text = { 0 };

	view_text(kind, &text);
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static void number_cell(struct markup *p, struct view n)
{
	struct buffer text = { 0 };

	if (view_number(n) > 0)
		format_number(&text, view_number(n));
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

/** close_and_far() - are there values that no tolerance lets pass, but a rule about the decision? */
static bool close_and_far(struct view paths)
{
	for (struct view_walk w = view_walk(paths); view_next(&w);)
		if (view_is_text(view_get(w.value, "verdict"), "close") && view_number(view_get(w.value, "max_rel")) > FAR)
			return true;
	return false;
}

void page_paths(struct markup *p, struct view target)
{
	struct view paths = view_get(target, "paths");
	bool control = view_is_text(view_get(target, "noise.source"), "control");
	unsigned shown = 0;

	if (view_size(paths) == 0)
		return;
	markup_section(p, 2, "paths", "Where the answers differ");
	markup_table(p, control ? "wlrrrrrl" : "wlrrrrl",
		    control ? "path|how|pairs|share|control|max abs.|max rel.|"
			    : "path|how|pairs|share|max abs.|max rel.|");
	for (struct view_walk w = view_walk(paths); shown < PATHS_SHOWN && view_next(&w); shown++) {
		markup_cell_code(p, view_get(w.value, "path"));
		kind_cell(p, view_get(w.value, "kind"));
		markup_cell_count(p, view_count(view_get(w.value, "pairs")));
		markup_cell_share(p, view_number(view_get(w.value, "rate")));
		if (control)
			markup_cell_share(p, view_number(view_get(w.value, "control.rate")));
		number_cell(p, view_get(w.value, "max_abs"));
		number_cell(p, view_get(w.value, "max_rel"));
		badge(p, view_get(w.value, "verdict"));
	}
	markup_table_end(p);
	if (view_size(paths) > shown || view_count(view_get(target, "paths_overflow")) > 0)
		markup_note(
			p,
			"%u more paths are in the JSON, and differences at %llu more places were only counted.",
			view_size(paths) - shown,
			(unsigned long long)view_count(view_get(target, "paths_overflow")));
	if (close_and_far(paths))
		markup_note(p, "Close, and yet far apart: a rule such as argmax holds decisions against each other, and not the values.");
	page_proposals(p, target);
	markup_section_end(p);
}

/* ---- slices ---- */

/** whisker() - the rate with its interval, over an axis from 0 to @top */
static void whisker(struct markup *p, struct view slice, double top)
{
	double low = view_number(view_get(slice, "low")) / top * 100,
	       high = view_number(view_get(slice, "high")) / top * 100;
	double rate = view_number(view_get(slice, "rate")) / top * 100;

	markup_cell_raw(p,
			"<div class=\"whisker\"><i style=\"left:%.2f%%;width:%.2f%%\"></i><b "
			"style=\"left:%.2f%%\"></b></div>",
			low, high - low, rate);
}

static double highest_bound(struct view slices)
{
	double top = 0.001;

	for (struct view_walk w = view_walk(slices); view_next(&w);) {
		double high = view_number(view_get(w.value, "high"));

		top = high > top ? high : top;
	}
	return top > 1 ? 1 : top;
}

static void slice_row(struct markup *p, struct view slice, double top)
{
	uint64_t decisions = view_count(view_get(slice, "decisions"));
	bool compared = view_count(view_get(slice, "compared")) > 0;

	kind_cell(p, view_get(slice, "by"));
	markup_cell_code(p, view_get(slice, "value"));
	markup_cell_count(p, view_count(view_get(slice, "compared")));
	markup_cell_count(p, view_count(view_get(slice, "errors")));
	if (decisions > 0)
		markup_cell_share(p, (double)view_count(view_get(slice, "agree")) / (double)decisions);
	else
		markup_cell(p, "–");
	if (compared)
		markup_cell_share(p, view_number(view_get(slice, "rate")));
	else
		markup_cell(p, "–");
	if (markup_is_html(p) && compared)
		whisker(p, slice, top);
	else if (markup_is_html(p))
		markup_cell(p, "%s", "");
}

/** by_mismatch() - the worst first: for whom it is surely bad, then for whom it looks bad, then who has most pairs */
static int by_mismatch(const void *a, const void *b)
{
	static const char *const keys[] = { "low", "rate", "compared" };
	const struct view *x = a, *y = b;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		double m = view_number(view_get(*x, keys[i])), n = view_number(view_get(*y, keys[i]));

		if (m != n)
			return m > n ? -1 : 1;
	}
	return x->at < y->at ? -1 : x->at > y->at;
}

/** sorted_slices() - those that say something: not the one of requests that name no model */
static unsigned sorted_slices(struct view slices, struct view sorted[SLICES_MAX])
{
	unsigned n = 0;

	for (struct view_walk w = view_walk(slices); n < SLICES_MAX && view_next(&w);)
		if (!view_is_text(view_get(w.value, "by"), "model") || !view_is_text(view_get(w.value, "value"), ""))
			sorted[n++] = w.value;
	qsort(sorted, n, sizeof(*sorted), by_mismatch);
	return n;
}

void page_slices(struct markup *p, struct view target)
{
	struct view slices = view_get(target, "slices"), sorted[SLICES_MAX];
	unsigned count = sorted_slices(slices, sorted), shown;
	double top = highest_bound(slices);
	struct buffer titles = { 0 };

	if (count == 0)
		return;
	markup_section(p, 2, "slices", "By path, model and header");
	buffer_add_str(&titles, "by|slice|compared|failed|decisions agree|differ");
	if (markup_is_html(p)) {
		buffer_printf(&titles, "|95 %% interval %s, 0 to ", page_looks(target));
		format_share(&titles, top);
	}
	markup_table(p, markup_is_html(p) ? "lwrrrrl" : "lwrrrr", buffer_text(&titles));
	buffer_deinit(&titles);
	for (shown = 0; shown < SLICES_SHOWN && shown < count; shown++)
		slice_row(p, sorted[shown], top);
	markup_table_end(p);
	if (count > shown)
		markup_note(p, "Worst first: by the lower end of the interval. %u more slices are in the JSON.", count - shown);
	else
		markup_note(p, "Worst first: by the lower end of the interval.");
	if (view_count(view_get(target, "slices_overflow")) > 0)
		markup_note(p, "%llu pairs belong to slices beyond the number that is kept.",
			    (unsigned long long)view_count(view_get(target, "slices_overflow")));
	markup_section_end(p);
}
