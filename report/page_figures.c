/*
 * page_figures.c - the figures under the verdict: four tiles, and a row for each shadow where there are several
 *
 * A figure that is not known is a dash, never 0. Of agreement the tile shows
 * what says most of a model: its decisions if it makes any, generated texts if
 * there is nothing else, and responses otherwise.
 */
#include "report/page_impl.h"

#include <math.h>

#include "report/replay_speed.h"

#define TOO_FEW 30 /* of which a share says next to nothing */

/* ---- the tiles ---- */

static void tile(struct markup *p, const char *id, const char *what, const struct buffer *figure,
		 const struct buffer *more)
{
	if (!markup_is_html(p)) {
		markup_cell(p, "%s", what);
		markup_cell(p, "%.*s", (int)figure->len, (const char *)figure->bytes);
		markup_cell(p, "%.*s", (int)more->len, (const char *)more->bytes);
		return;
	}
	markup_raw(p, "<div class=\"tile\"><span>");
	markup_escaped(p, span_str(what));
	markup_raw(p, "</span><b id=\"%s\">", id);
	markup_words(p, buffer_span(figure));
	markup_raw(p, "</b><span>");
	markup_words(p, buffer_span(more));
	markup_raw(p, "</span></div>\n");
}

static void tile_share(struct markup *p, const char *id, const char *what, double share, const char *more,
		       struct view rate, const char *looks)
{
	struct buffer figure = { 0 }, under = { 0 };

	if (isnan(share))
		buffer_add_str(&figure, "–");
	else
		format_share(&figure, share);
	if (rate.there) {
		buffer_printf(&under, "95 %% %s: ", looks);
		format_share(&under, view_number(view_get(rate, "low")));
		buffer_add_str(&under, " – ");
		format_share(&under, view_number(view_get(rate, "high")));
	}
	buffer_add_str(&under, more);
	tile(p, id, what, &figure, &under);
	buffer_deinit(&figure);
	buffer_deinit(&under);
}

static void tile_latency(struct markup *p, struct view report, struct view target)
{
	bool is_judged = replay_speed_of(report.doc) == SPEED_RECORDED;
	struct view a = view_get(target, "latency_us.production.total"),
		    b = view_get(target, "latency_us.shadow.total");
	const char *q = view_count(view_get(b, "count")) < page_quantile_least("p99") ? "p50" : "p99";
	struct buffer figure = { 0 }, more = { 0 };

	if (!view_is_number(view_get(b, q)))
		buffer_add_str(&figure, view_count(view_get(b, "count")) ? "above the limit" : "–");
	else
		format_time(&figure, view_number(view_get(b, q)));
	buffer_add_str(&more, "production ");
	if (!view_is_number(view_get(a, q)))
		buffer_add_str(&more, "–");
	else
		format_time(&more, view_number(view_get(a, q)));
	if (!is_judged) {
		buffer_add_str(&more, "; not judged: ");
		page_pace_words(&more, report);
	}
	markup_raw(p, is_judged ? "" : "<div class=\"unfit\">");
	tile(p, q[1] == '9' ? "shadow-p99" : "shadow-p50", q[1] == '9' ? "Shadow's latency, p99" : "Shadow's latency, p50", &figure, &more);
	markup_raw(p, is_judged ? "" : "</div>\n");
	buffer_deinit(&figure);
	buffer_deinit(&more);
}

/** few_words() - what stands behind a share of so few; whether they decide all the same, the decision says */
static const char *few_words(struct view count)
{
	return page_too_few(count) ? "; few pairs" : "";
}

static void tile_errors(struct markup *p, struct view target)
{
	struct view rate = view_get(target, "error_rate");
	struct buffer more = { 0 };
	struct view none = { 0 };

	buffer_add_str(&more, "production ");
	if (!view_is_number(view_get(rate, "production.rate")))
		buffer_add_str(&more, "–");
	else
		format_share(&more, view_number(view_get(rate, "production.rate")));
	buffer_add_str(&more, few_words(view_get(rate, "shadow.of")));
	tile_share(p, "shadow-errors", "Shadow's errors",
		   !view_is_number(view_get(rate, "shadow.rate")) ? (double)NAN : view_number(view_get(rate, "shadow.rate")),
		   buffer_text(&more), none, NULL);
	buffer_deinit(&more);
}

void page_requests_words(struct buffer *out, struct view target)
{
	uint64_t requests = view_count(view_get(target, "distinct_requests"));
	struct view clients = view_get(target, "witnesses.clients");

	if (view_is_true(view_get(target, "distinct_is_estimate")))
		buffer_add_str(out, "about ");
	format_count(out, requests);
	buffer_add_str(out, requests == 1 ? " request" : " different requests");
	if (view_is_number(clients)) {
		buffer_add_str(out, " of ");
		format_count(out, view_count(clients));
		buffer_add_str(out, view_count(clients) == 1 ? " client" : " clients");
	} else if (view_get(target, "witnesses").there) {
		buffer_add_str(out, " of more than 1,000 clients");
	}
}

static void tile_compared(struct markup *p, struct view target)
{
	struct buffer figure = { 0 }, more = { 0 };

	format_count(&figure, view_count(view_get(target, "compared")));
	buffer_add_str(&more, "of ");
	format_count(&more, view_count(view_get(target, "pairs")));
	buffer_add_str(&more, " pairs");
	if (view_count(view_get(target, "compared")) > 0) {
		buffer_add_str(&more, "; ");
		page_requests_words(&more, target);
	}
	if (view_count(view_get(target, "compared")) > 0 && view_is_number(view_get(target, "witnesses.count"))) {
		buffer_add_str(&more, ": counts as ");
		format_count(&more, view_count(view_get(target, "witnesses.count")));
		buffer_add_str(&more, view_count(view_get(target, "witnesses.count")) == 1 ? " witness" : " witnesses");
	}
	tile(p, "compared", "Answers compared", &figure, &more);
	buffer_deinit(&figure);
	buffer_deinit(&more);
}

bool page_too_few(struct view count)
{
	return view_count(count) > 0 && view_count(count) < TOO_FEW;
}

/** agreement_tile() - decisions, where the model makes any; else answers */
static void agreement_tile(struct markup *p, struct view target)
{
	struct view decision = view_get(target, "decision"), mismatch = view_get(target, "mismatch");
	struct view none = { 0 };

	if (view_count(view_get(decision, "count")) > 0)
		tile_share(p, "decision-agreement", "Decisions that agree",
			   view_number(view_get(decision, "rate")), few_words(view_get(decision, "count")), decision, page_looks(target));
	else if (page_words_alone(target))
		tile_share(p, "same-text", "Generated texts that are the same", page_same_words(target),
			   "not known without a control whether that is usual", none, NULL);
	else
		tile_share(p, "answer-agreement", "Answers that agree",
			   !view_is_number(view_get(mismatch, "rate")) ? (double)NAN
								       : 1 - view_number(view_get(mismatch, "rate")),
			   few_words(view_get(mismatch, "of")), none, NULL);
}

void page_tiles(struct markup *p, struct view report, struct view target)
{
	if (!target.there)
		return;
	markup_raw(p, "<div class=\"tiles\">\n");
	if (!markup_is_html(p))
		markup_table(p, "lrw", "figure| |");
	tile_compared(p, target);
	agreement_tile(p, target);
	tile_errors(p, target);
	tile_latency(p, report, target);
	markup_raw(p, "</div>\n");
}

/* ---- several shadows ---- */

static void rate_cell(struct markup *p, struct view rate)
{
	if (view_is_number(rate))
		markup_cell_share(p, view_number(rate));
	else
		markup_cell(p, "–");
}

/** target_outcome() - what the gate's terms say of one target: the worst of them */
static const char *target_outcome(struct view report, struct view name)
{
	const char *worst = "–";

	for (struct view_walk w = view_walk(view_get(report, "gate.terms")); view_next(&w);) {
		struct view target = view_get(w.value, "target"), outcome = view_get(w.value, "outcome");

		if (!view_is(target, JSON_STRING) ||
		    !span_equal(json_doc_text(target.doc, target.at), json_doc_text(name.doc, name.at)))
			continue;
		if (view_is_text(outcome, "fails"))
			return "✗ fails";
		if (view_is_text(outcome, "not known"))
			worst = "? not known";
		else if (worst[0] != '?')
			worst = "✓ passes";
	}
	return worst;
}

void page_shadows(struct markup *p, struct view report)
{
	struct view targets = view_get(report, "comparison.targets");

	if (page_shadow_count(targets) < 2)
		return;
	markup_section(p, 2, "shadows", "The shadows side by side");
	markup_table(p, "wwlrrrrr", "shadow|address|gate|compared|decisions agree|answers differ|errors|p99");
	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		struct buffer name = { 0 };
		struct view all = view_get(report, "targets"), url = { 0 };

		view_text(w.name, &name);
		for (struct view_walk k = view_walk(all); view_next(&k);)
			if (span_equal(json_doc_text(k.name.doc, k.name.at), json_doc_text(w.name.doc, w.name.at)))
				url = view_get(k.value, "url");
		if (page_is_shadow(w.value)) {
			markup_cell(p, "%s", buffer_text(&name));
			markup_cell_code(p, url);
			markup_cell(p, "%s", target_outcome(report, w.name));
			markup_cell_count(p, view_count(view_get(w.value, "compared")));
			rate_cell(p, view_get(w.value, "decision.rate"));
			rate_cell(p, view_get(w.value, "mismatch.rate"));
			rate_cell(p, view_get(w.value, "error_rate.shadow.rate"));
			page_cell_quantile(p, view_get(w.value, "latency_us.shadow.total"), "p99");
		}
		buffer_deinit(&name);
	}
	markup_table_end(p);
	markup_note(p, "The figures below are those of the first; each has its own sections further down.");
	markup_section_end(p);
}
