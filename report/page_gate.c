/*
 * page_gate.c - what the gate asked, term by term, what the pairs have shown of it, and what it did not ask
 *
 * A gate that passed says no more than what it asked. So whatever would make a
 * reader hesitate and is not in its expression is named beside it: a green
 * page is not to be taken for more than it is.
 */
#include "report/page_impl.h"

#include <stdio.h>
#include <string.h>

#include "report/replay_speed.h"

#define RATIO_NOTABLE 1.5 /* of a latency */
#define PSI_NOTABLE 0.25  /* "much", by the usual reading */
#define SHARE_NOTABLE 0.01
#define PSI_DECISIONS 200 /* fewer say nothing of a distribution */

void page_gate_value(struct buffer *out, struct view term, double value)
{
	struct span text = view_is(term, JSON_STRING) ? json_doc_text(term.doc, term.at) : span_str("");

	if (text.len > 0 && memchr(text.at, '%', text.len))
		format_share(out, value);
	else if (text.len > 0 && text.at[text.len - 1] >= 'a') /* a unit of time: "shadow_p99 > 50ms" */
		format_time(out, value);
	else
		format_number(out, value);
}

static bool is_about_several(struct view terms)
{
	struct view first = { 0 };

	for (struct view_walk w = view_walk(terms); view_next(&w);) {
		struct view target = view_get(w.value, "target");

		if (!view_is(target, JSON_STRING))
			continue;
		if (first.there && !span_equal(json_doc_text(first.doc, first.at), json_doc_text(target.doc, target.at)))
			return true;
		first = target;
	}
	return false;
}

static void measured_cell(struct markup *p, struct view row)
{
	struct view value = view_get(row, "value"), why = view_get(row, "why");
	struct buffer text = { 0 };

	if (!view_is_number(value)) {
		buffer_add_str(&text, "not known");
		if (view_is(why, JSON_STRING)) {
			buffer_add_str(&text, ": ");
			view_text(why, &text);
		}
	} else {
		page_gate_value(&text, view_get(row, "term"), view_number(value));
	}
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static void outcome_cell(struct markup *p, struct view outcome)
{
	bool passes = view_is_text(outcome, "passes"), fails = view_is_text(outcome, "fails");
	const char *words = passes ? "✓ passes" : fails ? "✗ fails" : "? not known";

	if (markup_is_html(p))
		markup_cell_raw(p, "<span class=\"badge %s\">%s</span>", passes ? "good" : fails ? "bad" : "warn", words);
	else
		markup_cell(p, "%s", words);
}

static void text_cell(struct markup *p, struct view v)
{
	struct buffer text = { 0 };

	if (view_is(v, JSON_STRING))
		view_text(v, &text);
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static bool is_same(struct view a, struct view b)
{
	if (!view_is(a, JSON_STRING) || !view_is(b, JSON_STRING))
		return !view_is(a, JSON_STRING) && !view_is(b, JSON_STRING);
	return span_equal(json_doc_text(a.doc, a.at), json_doc_text(b.doc, b.at));
}

/** shown_of() - what the decision says of the same term and target; nothing if it does not */
static struct view shown_of(struct view decided, struct view row)
{
	struct view none = { 0 };

	for (struct view_walk w = view_walk(decided); view_next(&w);)
		if (is_same(view_get(w.value, "term"), view_get(row, "term")) &&
		    is_same(view_get(w.value, "target"), view_get(row, "target")))
			return w.value;
	return none;
}

static void bound_text(struct buffer *out, struct view shown, const char *name, const char *unknown)
{
	if (view_is_number(view_get(shown, name)))
		page_gate_value(out, view_get(shown, "term"), view_number(view_get(shown, name)));
	else
		buffer_add_str(out, unknown);
}

static void interval_cell(struct markup *p, struct view shown)
{
	bool has_low = view_is_number(view_get(shown, "low")), has_high = view_is_number(view_get(shown, "high"));
	uint64_t of = view_count(view_get(shown, "of")), witnesses = view_count(view_get(shown, "witnesses"));
	struct buffer text = { 0 };

	if (has_low || has_high) {
		bound_text(&text, shown, "low", "…");
		buffer_add_str(&text, " to ");
		bound_text(&text, shown, "high", "…");
		buffer_add_str(&text, " of ");
		format_count(&text, of);
		if (witnesses < of) {
			buffer_add_str(&text, " that count as ");
			format_count(&text, witnesses);
		}
	} else if (view_is_text(view_get(shown, "by"), "value")) {
		buffer_add_str(&text, "none: by value");
	}
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static void state_cell(struct markup *p, struct view state)
{
	bool passes = view_is_text(state, "promote"), fails = view_is_text(state, "reject");
	const char *words = passes ? "✓ promote" : fails ? "✗ reject" : view_is(state, JSON_STRING) ? "… keep watching" : "";

	if (markup_is_html(p) && *words)
		markup_cell_raw(p, "<span class=\"badge %s\">%s</span>", passes ? "good" : fails ? "bad" : "warn", words);
	else
		markup_cell(p, "%s", words);
}

/** titles() - of the columns that there are; @aligns has room for all */
static void titles(struct buffer *out, char *aligns, bool several, bool has_gate, const char *looks)
{
	snprintf(aligns, 8, "l%slw%s%s", several ? "w" : "", looks ? "wl" : "", has_gate ? "l" : "");
	buffer_printf(out, "fails if|%sallowed|measured", several ? "of|" : "");
	if (looks)
		buffer_printf(out, "|95 %% interval %s|shown", looks);
	if (has_gate)
		buffer_add_str(out, "|gate");
}

/* Of a run without --fail-on the decision alone: it asks for the default. */
void page_gate(struct markup *p, struct view report)
{
	struct view decision = view_get(report, "comparison.decision"), decided = view_get(decision, "terms");
	bool has_gate = view_size(view_get(report, "gate.terms")) > 0, is_decided = view_size(decided) > 0;
	struct view terms = has_gate ? view_get(report, "gate.terms") : decided;
	bool several = is_about_several(terms);
	struct buffer names = { 0 };
	char aligns[8];

	if (view_size(terms) == 0)
		return;
	markup_section(p, 2, "gate", has_gate ? "What the gate asked" : "What the decision asked");
	titles(&names, aligns, several, has_gate, is_decided ? page_looks(decision) : NULL);
	markup_table(p, aligns, buffer_text(&names));
	for (struct view_walk w = view_walk(terms); view_next(&w);) {
		struct view shown = shown_of(decided, w.value);

		text_cell(p, view_get(w.value, "term"));
		if (several)
			text_cell(p, view_get(w.value, "target"));
		text_cell(p, view_get(w.value, "allowed"));
		measured_cell(p, w.value);
		if (is_decided) {
			interval_cell(p, shown);
			state_cell(p, view_get(shown, "state"));
		}
		if (has_gate)
			outcome_cell(p, view_get(w.value, "outcome"));
	}
	markup_table_end(p);
	if (view_is_true(view_get(decision, "is_default")))
		markup_note(p, "No --fail-on was given, so this is the default condition. It decides the line above, and how a run ends that is to end when decided.");
	buffer_deinit(&names);
	markup_section_end(p);
}

/* ---- what it did not ask ---- */

static bool asks(struct view report, const char *word)
{
	struct view expression = view_get(report, "gate.expression");
	struct span text = view_is(expression, JSON_STRING) ? json_doc_text(expression.doc, expression.at) : span_str("");

	return text.len > 0 && memmem(text.at, text.len, word, strlen(word));
}

static void begin_item(struct buffer *out, size_t before, const char *what)
{
	buffer_add_str(out, out->len > before ? ", " : "");
	buffer_add_str(out, what);
}

static void notable_of_latency(struct buffer *out, size_t before, struct view report, struct view target)
{
	double ratio = view_number(view_get(target, "latency_us.p99_ratio"));

	if (replay_speed_of(report.doc) != SPEED_RECORDED || asks(report, "p99") || asks(report, "ratio") || ratio < RATIO_NOTABLE)
		return;
	begin_item(out, before, "latency p99 × ");
	format_number(out, ratio);
}

static void notable_of_decisions(struct buffer *out, size_t before, struct view report, struct view target)
{
	static const struct {
		const char *path, *what, *word;
	} drifts[] = { { "decision.score_psi", "drift of scores ", "score_psi" }, { "decision.label_psi", "drift of labels ", "label_psi" } };

	for (size_t i = 0; i < sizeof(drifts) / sizeof(drifts[0]); i++) {
		double psi = view_number(view_get(target, drifts[i].path));

		if (psi < PSI_NOTABLE || asks(report, drifts[i].word) || view_count(view_get(target, "decision.count")) < PSI_DECISIONS)
			continue;
		begin_item(out, before, drifts[i].what);
		format_number(out, psi);
	}
}

static void notable_share(struct buffer *out, size_t before, bool asked, double share, const char *what)
{
	if (asked || share < SHARE_NOTABLE)
		return;
	begin_item(out, before, what);
	format_share(out, share);
}

static double share_of(struct view target, const char *count, const char *of)
{
	double all = view_number(view_get(target, of));

	return all > 0 ? view_number(view_get(target, count)) / all : 0;
}

void page_not_asked(struct buffer *out, struct view report, struct view target)
{
	size_t before = out->len;

	if (!view_is(view_get(report, "gate"), JSON_OBJECT))
		return;
	notable_of_latency(out, before, report, target);
	notable_of_decisions(out, before, report, target);
	notable_share(out, before, asks(report, "mismatch") || asks(report, "value") || asks(report, "decision"),
		      view_number(view_get(target, "mismatch.low")), "mismatch at least ");
	notable_share(out, before, asks(report, "error") || asks(report, "failed"),
		      view_number(view_get(target, "error_rate.delta.low")), "more errors than production, at least ");
	notable_share(out, before, asks(report, "ignored_differing"), view_number(view_get(target, "ignored.rate")),
		      "what is left out differs in ");
	notable_share(out, before, asks(report, "generated_different") || asks(report, "common_prefix"),
		      share_of(target, "generated.different", "generated.pairs"), "generated texts that differ ");
	notable_share(out, before, asks(report, "compared") || asks(report, "not_comparable"),
		      share_of(target, "verdicts.not_comparable", "pairs"), "pairs that could not be compared ");
}
