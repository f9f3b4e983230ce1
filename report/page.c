/*
 * page.c - the order of a page, and what stands on top of it
 *
 * Theory of operation. A reader has a minute: the verdict is one line, four
 * figures stand below it, and then come the sections in the order of the
 * questions that people ask: where did the requests go, do the responses agree,
 * where do they not, how fast is it, can the capture be trusted, what was asked
 * for. Everything is read from the report's JSON (view.h).
 *
 * The verdict is the gate's, if there was one (--fail-on). Without one the page
 * says what was measured and leaves the judgement to the reader: a colour would
 * be a threshold that nobody chose.
 */
#include "report/page.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "report/page_impl.h"
#include "report/replay_speed.h"

/** first_shadow() - the comparison with the first target that is no control */
static struct view first_shadow(struct view comparison)
{
	struct view none = { comparison.doc, 0, false };

	for (struct view_walk w = view_walk(view_get(comparison, "targets")); view_next(&w);)
		if (!view_is_text(view_get(w.value, "role"), "control"))
			return w.value;
	return none;
}

/* ---- the verdict ---- */

static void add_view(struct buffer *out, struct view v)
{
	view_text(v, out);
}

static void headline(struct markup *p, const char *class, struct buffer *title)
{
	markup_raw(p, "<div class=\"verdict %s\" id=\"verdict\"><h1>", class);
	if (!markup_is_html(p))
		buffer_add_str(p->out, "# ");
	markup_escaped(p, buffer_span(title));
	markup_raw(p, "</h1>");
	buffer_add_str(p->out, "\n");
}

void page_gate_value(struct buffer *out, struct view term, double value)
{
	struct span text = view_is(term, JSON_STRING) ? json_doc_text(term.doc, term.at) : span_str("");

	if (text.len > 0 && memchr(text.at, '%', text.len))
		format_share(out, value);
	else
		format_number(out, value);
}

static void failing_terms(struct buffer *out, struct view gate, bool several)
{
	bool first = true;

	for (struct view_walk w = view_walk(view_get(gate, "failing")); view_next(&w); first = false) {
		struct view value = view_get(w.value, "value");

		buffer_add_str(out, first ? "" : "; ");
		add_view(out, view_get(w.value, "term"));
		if (several && view_is(view_get(w.value, "target"), JSON_STRING)) {
			buffer_add_str(out, " of “");
			add_view(out, view_get(w.value, "target"));
			buffer_add_str(out, "”");
		}
		buffer_add_str(out, ", and it is ");
		if (!view_is_number(value)) {
			buffer_add_str(out, "not known");
			if (view_is(view_get(w.value, "why"), JSON_STRING)) {
				buffer_add_str(out, " (");
				add_view(out, view_get(w.value, "why"));
				buffer_add_str(out, ")");
			}
		} else
			page_gate_value(out, view_get(w.value, "term"), view_number(value));
	}
}

/** words_alone() - only words of a language model tell whether this target agrees, and no control tells what
 * that means; as the gate has it
 */
static bool words_alone(struct view target)
{
	struct view generated = view_get(target, "generated");

	return view_count(view_get(generated, "different")) > 0 &&
	       2 * view_count(view_get(generated, "pairs")) > view_count(view_get(target, "compared")) &&
	       !view_is_text(view_get(target, "role"), "control") &&
	       !view_is_text(view_get(target, "noise.source"), "control");
}

static double same_words(struct view target)
{
	return view_number(view_get(target, "generated.same_text")) /
	       view_number(view_get(target, "generated.pairs"));
}

static void agreement(struct buffer *out, struct view target)
{
	struct view mismatch = view_get(target, "mismatch");
	bool decides = view_count(view_get(target, "decision.count")) > 0;

	if (words_alone(target)) {
		format_share(out, same_words(target));
		buffer_add_str(out, " of the generated texts are the same; what that means needs a control");
		return;
	}
	if (decides) {
		format_share(out, view_number(view_get(target, "decision.rate")));
		buffer_add_str(out, " of the shadow's decisions and ");
	}
	format_share(out, 1 - view_number(view_get(mismatch, "rate")));
	buffer_add_str(out, decides ? " of its answers agree with production"
				    : " of the shadow's answers agree with production");
}

static void mismatch_sentence(struct buffer *out, struct view target)
{
	struct view mismatch = view_get(target, "mismatch");

	format_count(out, view_count(view_get(mismatch, "count")));
	buffer_add_str(out, " of ");
	format_count(out, view_count(view_get(mismatch, "of")));
	buffer_add_str(out, " compared answers differ (95 % interval ");
	format_share(out, view_number(view_get(mismatch, "low")));
	buffer_add_str(out, " to ");
	format_share(out, view_number(view_get(mismatch, "high")));
	buffer_add_str(out, ").");
}

static void words_sentence(struct buffer *out, struct view target)
{
	format_count(out, view_count(view_get(target, "generated.same_text")));
	buffer_add_str(out, " of ");
	format_count(out, view_count(view_get(target, "generated.pairs")));
	buffer_add_str(out, " texts are the same; on average the first ");
	format_share(out, view_number(view_get(target, "generated.common_prefix_share")));
	buffer_add_str(out, " of a text is. A language model seldom says a thing twice in the same words; a second "
			    "copy of production would show how much of this is usual (--control).");
	if (view_count(view_get(target, "mismatch.count")) == 0)
		return;
	buffer_add_str(out, " Beside that, answers that differ in more than words: ");
	format_count(out, view_count(view_get(target, "mismatch.count")));
	buffer_add_str(out, ".");
}

static void decisions_sentence(struct buffer *out, struct view target)
{
	struct view decision = view_get(target, "decision");

	if (view_count(view_get(decision, "count")) == 0)
		return;
	buffer_add_str(out, " ");
	format_count(out, view_count(view_get(decision, "agree")));
	buffer_add_str(out, " of ");
	format_count(out, view_count(view_get(decision, "count")));
	buffer_add_str(out, " decisions agree.");
}

static void errors_sentence(struct buffer *out, struct view target)
{
	struct view rate = view_get(target, "error_rate");

	if (view_count(view_get(rate, "shadow.of")) == 0)
		return;
	buffer_add_str(out, " Errors: shadow ");
	format_share(out, view_number(view_get(rate, "shadow.rate")));
	buffer_add_str(out, ", production ");
	format_share(out, view_number(view_get(rate, "production.rate")));
	buffer_add_str(out, ".");
}

/** pace_words() - "replayed as fast as possible", "replayed at 10 times the recorded pace" */
static void pace_words(struct buffer *out, struct view report)
{
	struct view speed = view_get(report, "speed");

	if (view_is_text(speed, "mixed")) {
		buffer_add_str(out, "replayed at different paces");
	} else if (view_is_number(speed)) {
		buffer_add_str(out, "replayed at ");
		format_number(out, view_number(speed));
		buffer_add_str(out, " times the recorded pace");
	} else {
		buffer_add_str(out, replay_speed_words(SPEED_MAX));
	}
}

static void ratio_sentence(struct buffer *out, struct view report, struct view target)
{
	struct view ratio = view_get(target, "latency_us.p99_ratio");

	if (!view_is_number(ratio))
		return;
	if (replay_speed_of(report.doc) != SPEED_RECORDED) {
		buffer_add_str(out, " Latency is not judged: ");
		pace_words(out, report);
		buffer_add_str(out, ".");
		return;
	}
	buffer_printf(out, " At p99 the shadow takes %.3g times as long.", view_number(ratio));
}

static void noise_sentence(struct buffer *out, struct view target)
{
	struct view noise = view_get(target, "noise");

	if (view_is_text(view_get(noise, "source"), "none") || !view_is_number(view_get(noise, "net_rate")))
		return;
	buffer_add_str(out, " Net of noise (");
	buffer_add_str(out, view_is_text(view_get(noise, "source"), "control") ? "the control"
									       : "repeated requests");
	buffer_add_str(out, "), ");
	format_share(out, view_number(view_get(noise, "net_rate")));
	buffer_add_str(out, " differ.");
}

static uint64_t sum_of(struct view counts)
{
	uint64_t sum = 0;

	for (struct view_walk w = view_walk(counts); view_next(&w);)
		sum += view_count(w.value);
	return sum;
}

static void mirrored_title(struct buffer *out, struct view report)
{
	uint64_t sent = 0, answered = 0, failed = 0;

	for (struct view_walk w = view_walk(view_get(report, "targets")); view_next(&w);) {
		sent += view_count(view_get(w.value, "sent"));
		answered += sum_of(view_get(w.value, "answered"));
		failed += sum_of(view_get(w.value, "failed"));
	}
	if (view_is_true(view_get(report, "dry_run"))) {
		format_count(out, view_count(view_get(report, "requests.chosen")));
		buffer_add_str(out, " requests chosen, none sent: a dry run");
		return;
	}
	format_count(out, sent);
	buffer_add_str(out, " requests mirrored: ");
	format_count(out, answered);
	buffer_add_str(out, " answered, ");
	format_count(out, failed);
	buffer_add_str(out, " failed");
}

/** failed_words() - "all 80 timed out after 300 ms", with the target's name where there are others; then what to try */
static void failed_words(struct buffer *out, struct view report, struct view name, struct view failed)
{
	if (view_size(view_get(report, "targets")) > 1) {
		buffer_add_str(out, "Target “");
		view_text(name, out);
		buffer_add_str(out, "”: all ");
	} else {
		buffer_add_str(out, "All ");
	}
	format_count(out, view_count(view_get(failed, "count")));
	buffer_add_str(out, " ");
	view_text(view_get(failed, "how"), out);
}

static void gate_title(struct buffer *out, struct view gate)
{
	buffer_add_str(out, view_is_true(view_get(gate, "passed")) ? "The gate passed" : "The gate failed");
}

static const char *title_of(struct buffer *title, struct view report, struct view target)
{
	struct view gate = view_get(report, "gate"), all_failed = view_get(report, "all_failed");
	struct view_walk first = view_walk(all_failed);

	if (view_size(all_failed) > 0 && view_next(&first)) {
		failed_words(title, report, first.name, first.value);
		return "bad";
	}
	if (view_is(gate, JSON_OBJECT)) {
		gate_title(title, gate);
		return view_is_true(view_get(gate, "passed")) ? "good" : "bad";
	}
	if (!target.there) {
		mirrored_title(title, report);
		return "";
	}
	if (view_count(view_get(target, "mismatch.of")) == 0) {
		buffer_add_str(title, "No answers could be compared");
		return "warn";
	}
	agreement(title, target);
	return words_alone(target) ? "warn" : "";
}

/** failures() - what to do about the one in the headline, then the others; and the gate, which lost its place to it */
static void failures(struct markup *p, struct view report)
{
	struct view all_failed = view_get(report, "all_failed"), gate = view_get(report, "gate");
	struct buffer text = { 0 };
	bool is_first = true;

	for (struct view_walk w = view_walk(all_failed); view_next(&w); is_first = false) {
		buffer_clear(&text);
		if (!is_first) {
			failed_words(&text, report, w.name, w.value);
			buffer_add_str(&text, ": ");
		} else {
			buffer_add_str(&text, "What to do: ");
		}
		view_text(view_get(w.value, "try"), &text);
		markup_say(p, "%s", buffer_text(&text));
	}
	buffer_clear(&text);
	if (!is_first && view_is(gate, JSON_OBJECT)) {
		gate_title(&text, gate);
		markup_say(p, "%s.", buffer_text(&text));
	}
	buffer_deinit(&text);
}

/** is_shadow() - a target that is no control */
static bool is_shadow(struct view target)
{
	return !view_is_text(view_get(target, "role"), "control");
}

static size_t shadow_count(struct view targets)
{
	size_t count = 0;

	for (struct view_walk w = view_walk(targets); view_next(&w);)
		count += is_shadow(w.value);
	return count;
}

/** not_asked() - a gate that passed says no more than what it asked */
static void not_asked(struct markup *p, struct view report)
{
	struct view targets = view_get(report, "comparison.targets");
	bool several = shadow_count(targets) > 1;

	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		struct buffer text = { 0 }, name = { 0 };

		page_not_asked(&text, report, w.value);
		view_text(w.name, &name);
		if (is_shadow(w.value) && text.len > 0) {
			markup_raw(p, "<p class=\"notable\">");
			if (!markup_is_html(p))
				buffer_add_str(p->out, "\n");
			markup_escaped(p, SPAN_LITERAL("Not asked, and notable"));
			markup_escaped(p, several ? SPAN_LITERAL(" of “") : SPAN_LITERAL(""));
			markup_escaped(p, several ? buffer_span(&name) : SPAN_LITERAL(""));
			markup_escaped(p, several ? SPAN_LITERAL("”: ") : SPAN_LITERAL(": "));
			markup_escaped(p, buffer_span(&text));
			markup_raw(p, ".</p>");
			buffer_add_str(p->out, markup_is_html(p) ? "\n" : ".\n");
		}
		buffer_deinit(&text);
		buffer_deinit(&name);
	}
}

static void verdict(struct markup *p, struct view report, struct view target)
{
	struct view gate = view_get(report, "gate");
	struct buffer text = { 0 };
	const char *class = title_of(&text, report, target);

	headline(p, class, &text);
	failures(p, report);
	buffer_clear(&text);
	failing_terms(&text, gate, view_size(view_get(report, "targets")) > 1);
	if (text.len == 0 && view_size(view_get(gate, "terms")) == 0 && view_is(view_get(gate, "expression"), JSON_STRING)) {
		buffer_add_str(&text, "It asked whether ");
		add_view(&text, view_get(gate, "expression"));
		buffer_add_str(&text, ": no");
	}
	if (text.len > 0)
		markup_say(p, "%s.", buffer_text(&text));
	buffer_clear(&text);
	if (view_count(view_get(target, "mismatch.of")) > 0) {
		if (words_alone(target)) {
			words_sentence(&text, target);
		} else {
			mismatch_sentence(&text, target);
			noise_sentence(&text, target);
		}
		decisions_sentence(&text, target);
		errors_sentence(&text, target);
		ratio_sentence(&text, report, target);
		page_ignored_sentence(&text, target);
		markup_say(p, "%s", buffer_text(&text));
	}
	not_asked(p, report);
	buffer_clear(&text);
	add_view(&text, view_get(report, "nothing_sent"));
	if (view_is(view_get(report, "nothing_sent"), JSON_STRING))
		markup_say(p, "%s", buffer_text(&text));
	markup_raw(p, "</div>\n");
	buffer_deinit(&text);
}

/* ---- the key figures ---- */

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
	markup_escaped(p, buffer_span(figure));
	markup_raw(p, "</b><span>");
	markup_escaped(p, buffer_span(more));
	markup_raw(p, "</span></div>\n");
}

static void tile_share(struct markup *p, const char *id, const char *what, double share, const char *more,
		       struct view rate)
{
	struct buffer figure = { 0 }, under = { 0 };

	if (isnan(share))
		buffer_add_str(&figure, "–");
	else
		format_share(&figure, share);
	if (rate.there) {
		buffer_add_str(&under, "95 %: ");
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
	struct buffer figure = { 0 }, more = { 0 };

	if (!view_is_number(view_get(b, "p99")))
		buffer_add_str(&figure, view_count(view_get(b, "count")) ? "above the limit" : "–");
	else
		format_time(&figure, view_number(view_get(b, "p99")));
	buffer_add_str(&more, "production ");
	if (!view_is_number(view_get(a, "p99")))
		buffer_add_str(&more, "–");
	else
		format_time(&more, view_number(view_get(a, "p99")));
	if (!is_judged) {
		buffer_add_str(&more, "; not judged: ");
		pace_words(&more, report);
	}
	markup_raw(p, is_judged ? "" : "<div class=\"unfit\">");
	tile(p, "shadow-p99", "Shadow's latency, p99", &figure, &more);
	markup_raw(p, is_judged ? "" : "</div>\n");
	buffer_deinit(&figure);
	buffer_deinit(&more);
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
	tile_share(p, "shadow-errors", "Shadow's errors",
		   !view_is_number(view_get(rate, "shadow.rate")) ? (double)NAN : view_number(view_get(rate, "shadow.rate")),
		   buffer_text(&more), none);
	buffer_deinit(&more);
}

static void tile_compared(struct markup *p, struct view target)
{
	struct buffer figure = { 0 }, more = { 0 };

	format_count(&figure, view_count(view_get(target, "compared")));
	buffer_add_str(&more, "of ");
	format_count(&more, view_count(view_get(target, "pairs")));
	buffer_add_str(&more, " pairs; ");
	if (view_is_true(view_get(target, "distinct_is_estimate")))
		buffer_add_str(&more, "about ");
	format_count(&more, view_count(view_get(target, "distinct_requests")));
	buffer_add_str(&more, " distinct");
	tile(p, "compared", "Answers compared", &figure, &more);
	buffer_deinit(&figure);
	buffer_deinit(&more);
}

/** agreement_tile() - decisions, where the model makes any; else answers */
static void agreement_tile(struct markup *p, struct view target)
{
	struct view decision = view_get(target, "decision"), mismatch = view_get(target, "mismatch");
	struct view none = { 0 };

	if (view_count(view_get(decision, "count")) > 0)
		tile_share(p, "decision-agreement", "Decisions that agree",
			   view_number(view_get(decision, "rate")), "", decision);
	else if (words_alone(target))
		tile_share(p, "same-text", "Generated texts that are the same", same_words(target),
			   "not known without a control whether that is usual", none);
	else
		tile_share(p, "answer-agreement", "Answers that agree",
			   !view_is_number(view_get(mismatch, "rate")) ? (double)NAN
								       : 1 - view_number(view_get(mismatch, "rate")),
			   "", none);
}

static void tiles(struct markup *p, struct view report, struct view target)
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

/** shadows() - a row for each, where there are several: the figures below are about the first */
static void shadows(struct markup *p, struct view report)
{
	struct view targets = view_get(report, "comparison.targets");

	if (shadow_count(targets) < 2)
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
		if (is_shadow(w.value)) {
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

/* ---- the whole ---- */

static void top_line(struct markup *p, struct view report)
{
	struct buffer text = { 0 };

	markup_raw(p, "<header class=\"top\"><span><b>shadowtap</b> report</span><span>");
	view_text(view_get(report, "started"), &text);
	if (text.len > 19)
		text.len = 19;
	for (size_t i = 0; i < text.len; i++)
		if (text.bytes[i] == 'T')
			text.bytes[i] = ' ';
	buffer_add_str(&text, " UTC, ");
	format_time(&text, view_number(view_get(report, "seconds")) * 1e6);
	if (markup_is_html(p))
		markup_escaped(p, buffer_span(&text));
	markup_raw(p, "</span></header>\n");
	buffer_deinit(&text);
}

/** latencies() - grey, with the reason, where the pace of the replay makes them say nothing about the model */
static void latencies(struct markup *p, struct view report, struct view target)
{
	enum replay_speed speed = replay_speed_of(report.doc);
	struct buffer why = { 0 };

	if (speed != SPEED_RECORDED) {
		pace_words(&why, report);
		markup_raw(p, "<div class=\"unfit\" id=\"unfit\">\n");
		markup_note(p, "Times of the shadow are not judged here: %s. %s", buffer_text(&why),
			    speed == SPEED_MAX ? "It had as many requests at once as it could bear, and production did not."
					       : "That is another load than the one under which production's were measured.");
	}
	page_latency(p, target);
	page_streams(p, target);
	markup_raw(p, speed != SPEED_RECORDED ? "</div>\n" : "");
	buffer_deinit(&why);
}

static void compared_with(struct markup *p, struct view report, struct view name, struct view target, bool alone)
{
	struct buffer title = { 0 };
	bool control = view_is_text(view_get(target, "role"), "control");

	buffer_add_str(&title, control ? "The control" : "Answers of the shadow");
	if (!alone || control) {
		buffer_add_str(&title, " “");
		view_text(name, &title);
		buffer_add_str(&title, "”");
	}
	buffer_add_str(&title, " beside production's");
	markup_section(p, 2, control ? "control" : "answers", buffer_text(&title));
	buffer_deinit(&title);
	page_verdicts(p, target);
	markup_section_end(p);
	if (control)
		return;
	page_decisions(p, target);
	latencies(p, report, target);
	page_slices(p, target);
	page_ignored(p, target);
	page_paths(p, target);
	page_examples(p, target);
}

static void footer(struct markup *p, struct view report, bool compared)
{
	struct buffer version = { 0 };

	view_text(view_get(report, "shadowtap"), &version);
	markup_raw(p, "<footer>");
	if (!markup_is_html(p))
		buffer_add_str(p->out, "\n---\n");
	if (compared)
		markup_say(p, "Production's latency is measured at the tap, from the last byte of the request "
			      "to the bytes of the "
			      "answer; the shadow's at shadowtap, from the last byte written. The shadow sees a "
			      "sample of the "
			      "traffic, so its load is lower than production's. Timeouts are counted, never "
			      "averaged.");
	markup_say(p, "Drawn by shadowtap %s.", buffer_text(&version));
	markup_raw(p, "</footer>\n");
	buffer_deinit(&version);
}

int page_draw(const struct json_doc *doc, enum medium medium, struct buffer *out)
{
	struct view report = view_of(doc), comparison = view_get(report, "comparison"), targets, shadow;
	struct markup p;

	if (!view_is(report, JSON_OBJECT) || !view_is(view_get(report, "requests"), JSON_OBJECT))
		return -EINVAL;
	targets = view_get(comparison, "targets");
	shadow = first_shadow(comparison);
	markup_begin(&p, medium, out, "shadowtap report");
	top_line(&p, report);
	verdict(&p, report, shadow);
	shadows(&p, report);
	tiles(&p, report, shadow);
	page_gate(&p, report);
	page_funnel(&p, report, comparison);
	for (struct view_walk w = view_walk(targets); view_next(&w);)
		compared_with(&p, report, w.name, w.value, view_size(targets) == 1);
	page_targets(&p, report);
	page_capture(&p, report);
	page_configuration(&p, report);
	footer(&p, report, shadow.there);
	markup_end(&p);
	return buffer_ok(out) ? 0 : -ENOMEM;
}
