/*
 * page_headline.c - the verdict on top of a page: one line, and the sentences that it rests on
 *
 * The verdict is the gate's, if there was one (--fail-on). Without one the page
 * says what was measured and leaves the judgement to the reader: a colour would
 * be a threshold that was not chosen. Where all requests to a target failed
 * alike, that is the news, and whatever a gate says comes after it.
 */
#include "report/page_impl.h"

#include <math.h>

#include "report/replay_speed.h"

static void add_view(struct buffer *out, struct view v)
{
	view_text(v, out);
}

static void title_line(struct markup *p, const char *class, struct buffer *title)
{
	markup_raw(p, "<div class=\"verdict %s\" id=\"verdict\"><h1>", class);
	if (!markup_is_html(p))
		buffer_add_str(p->out, "# ");
	markup_words(p, buffer_span(title));
	markup_raw(p, "</h1>");
	buffer_add_str(p->out, "\n");
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

bool page_words_alone(struct view target)
{
	struct view generated = view_get(target, "generated");

	return view_count(view_get(generated, "different")) > 0 &&
	       2 * view_count(view_get(generated, "pairs")) > view_count(view_get(target, "compared")) &&
	       !view_is_text(view_get(target, "role"), "control") &&
	       !view_is_text(view_get(target, "noise.source"), "control");
}

double page_same_words(struct view target)
{
	return view_number(view_get(target, "generated.same_text")) /
	       view_number(view_get(target, "generated.pairs"));
}

static void agreement(struct buffer *out, struct view target)
{
	struct view mismatch = view_get(target, "mismatch");
	bool decides = view_count(view_get(target, "decision.count")) > 0;

	if (page_words_alone(target)) {
		format_share(out, page_same_words(target));
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
	buffer_printf(out, " compared answers differ (95 %% interval %s, ", page_looks(target));
	format_share(out, view_number(view_get(mismatch, "low")));
	buffer_add_str(out, " to ");
	format_share(out, view_number(view_get(mismatch, "high")));
	buffer_add_str(out, ").");
}

/** witnesses_sentence() - what the interval rests on, where that is fewer than the pairs */
static void witnesses_sentence(struct buffer *out, struct view target)
{
	struct view once = view_get(target, "mismatch_distinct"), count = view_get(target, "witnesses.count");

	if (!view_is_number(count) || view_count(count) >= view_count(view_get(target, "mismatch.of")))
		return;
	buffer_add_str(out, " They are answers to ");
	page_requests_words(out, target);
	buffer_add_str(out, ", and count as ");
	format_count(out, view_count(count));
	buffer_add_str(out, view_count(count) == 1 ? " witness." : " witnesses.");
	if (!view_is_number(view_get(once, "rate")))
		return;
	buffer_add_str(out, " Of the requests, each by its first pair, ");
	format_share(out, view_number(view_get(once, "rate")));
	buffer_printf(out, " differ (95 %% interval %s, ", page_looks(target));
	format_share(out, view_number(view_get(once, "low")));
	buffer_add_str(out, " to ");
	format_share(out, view_number(view_get(once, "high")));
	buffer_add_str(out, ").");
}

static void words_sentence(struct buffer *out, struct view target)
{
	format_count(out, view_count(view_get(target, "generated.same_text")));
	buffer_add_str(out, " of ");
	format_count(out, view_count(view_get(target, "generated.pairs")));
	buffer_add_str(out, " texts are the same; on average the first ");
	format_share(out, view_number(view_get(target, "generated.common_prefix_share")));
	buffer_add_str(out, " of a text is. Generated text varies from run to run; a second "
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

static void ratio_sentence(struct buffer *out, struct view report, struct view target)
{
	struct view ratio = view_get(target, "latency_us.p99_ratio");
	struct view low = view_get(target, "latency_us.p99_ratio_low"), high = view_get(target, "latency_us.p99_ratio_high");

	if (!view_is_number(ratio))
		return;
	if (replay_speed_of(report.doc) != SPEED_RECORDED) {
		buffer_add_str(out, " Latency is not judged: ");
		page_pace_words(out, report);
		buffer_add_str(out, ".");
		return;
	}
	if (view_count(view_get(target, "latency_us.shadow.total.count")) < page_quantile_least("p99"))
		return;
	buffer_add_str(out, " At p99 the shadow takes ");
	format_time(out, view_number(view_get(target, "latency_us.shadow.total.p99")));
	buffer_add_str(out, " and production ");
	format_time(out, view_number(view_get(target, "latency_us.production.total.p99")));
	buffer_printf(out, ": %.3g times as long", view_number(ratio));
	if (view_is_number(low) && view_is_number(high))
		buffer_printf(out, ", between %.3g and %.3g", view_number(low), view_number(high));
	buffer_add_str(out, ".");
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
	buffer_add_str(out, " differ");
	if (view_is_number(view_get(noise, "low"))) {
		buffer_add_str(out, ", between ");
		format_share(out, view_number(view_get(noise, "low")));
		buffer_add_str(out, " and ");
		format_share(out, view_number(view_get(noise, "high")));
		buffer_printf(out, " %s", page_looks(target));
	}
	buffer_add_str(out, ".");
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
	if (view_get(report, "relay").there && view_size(view_get(report, "targets")) == 0) {
		format_count(out, view_count(view_get(report, "relay.requests")));
		buffer_add_str(out, " requests handed over: of ");
		format_count(out, view_count(view_get(report, "relay.offered")));
		buffer_add_str(out, " records the broker has ");
		format_count(out, view_count(view_get(report, "relay.acked")) + view_count(view_get(report, "relay.duplicate")));
		return;
	}
	format_count(out, sent);
	buffer_add_str(out, answered == 0 && failed > 0 ? " requests attempted: " : " requests mirrored: ");
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

/** gate_title() - and its class: values that pass by chance are no reason to promote, so they are not green alone */
static const char *gate_title(struct buffer *out, struct view report)
{
	struct view state = view_get(report, "comparison.decision.state");

	if (!view_is_true(view_get(report, "gate.passed"))) {
		buffer_add_str(out, "The gate failed");
		buffer_add_str(out, view_is_text(state, "reject") ? ": reject" : "");
		return "bad";
	}
	buffer_add_str(out, "The gate passed");
	if (view_is_text(state, "keep_watching")) {
		buffer_add_str(out, " by its values, and the pairs do not show it yet: keep watching");
		return "warn";
	}
	buffer_add_str(out, view_is_text(state, "promote") ? ": promote" : "");
	return "good";
}

/** decision_title() - of a run that was to end decided, what it came to, and its class; NULL of another run */
static const char *decision_title(struct buffer *out, struct view decision)
{
	struct view state = view_get(decision, "state");

	if (!view_is_true(view_get(decision, "ends_run")))
		return NULL;
	if (view_is_text(state, "promote")) {
		buffer_add_str(out, "Promote: ");
		return "good";
	}
	if (view_is_text(state, "reject")) {
		buffer_add_str(out, "Reject: ");
		return "bad";
	}
	buffer_add_str(out, "Keep watching: ");
	return "warn";
}

static const char *title_of(struct buffer *title, struct view report, struct view target)
{
	struct view state = view_get(report, "comparison.decision.state");
	const char *decided;
	struct view gate = view_get(report, "gate"), all_failed = view_get(report, "all_failed");
	struct view_walk first = view_walk(all_failed);

	if (view_size(all_failed) > 0 && view_next(&first)) {
		failed_words(title, report, first.name, first.value);
		return "bad";
	}
	if (view_is(gate, JSON_OBJECT))
		return gate_title(title, report);
	if (!target.there) {
		mirrored_title(title, report);
		return "";
	}
	if (view_count(view_get(target, "mismatch.of")) == 0) {
		buffer_add_str(title, "No answers could be compared");
		return "warn";
	}
	decided = decision_title(title, view_get(report, "comparison.decision"));
	agreement(title, target);
	if (page_too_few(view_get(target, "mismatch.of"))) {
		buffer_add_str(title, "; that is of ");
		format_count(title, view_count(view_get(target, "mismatch.of")));
		if (view_is_text(state, "promote") || view_is_text(state, "reject"))
			return decided ? decided : "";
		buffer_add_str(title, ", too few to judge");
		return "warn";
	}
	if (decided)
		return decided;
	return page_words_alone(target) ? "warn" : "";
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
		gate_title(&text, report);
		markup_say(p, "%s.", buffer_text(&text));
	}
	buffer_deinit(&text);
}

/** decision() - what the pairs have shown, and what by */
static void decision(struct markup *p, struct view decision)
{
	bool keeps_watching = view_is_text(view_get(decision, "state"), "keep_watching");
	struct view pairs = view_get(decision, "pairs_to_go"), seconds = view_get(decision, "seconds_to_go");
	struct buffer text = { 0 }, to_go = { 0 };

	if (!view_is(view_get(decision, "state"), JSON_STRING))
		return;
	if (keeps_watching)
		buffer_add_str(&text, decision_state_words(DECISION_KEEP_WATCHING));
	else
		view_text(view_get(decision, "state"), &text);
	buffer_add_str(&text, ": ");
	view_text(view_get(decision, "why"), &text);
	if (keeps_watching)
		decision_to_go_text(view_is_number(pairs) ? view_number(pairs) : (double)INFINITY,
				    view_is_number(seconds) ? view_number(seconds) : (double)INFINITY, &to_go);
	if (to_go.len > 0)
		buffer_printf(&text, "; %s", buffer_text(&to_go));
	markup_say(p, "Decision: %s.", buffer_text(&text));
	buffer_deinit(&text);
	buffer_deinit(&to_go);
}

/** not_asked() - a gate that passed says no more than what it asked */
static void not_asked(struct markup *p, struct view report)
{
	struct view targets = view_get(report, "comparison.targets");
	bool several = page_shadow_count(targets) > 1;

	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		struct buffer text = { 0 }, name = { 0 };

		page_not_asked(&text, report, w.value);
		view_text(w.name, &name);
		if (page_is_shadow(w.value) && text.len > 0) {
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

void page_headline(struct markup *p, struct view report, struct view target)
{
	struct view gate = view_get(report, "gate");
	struct buffer text = { 0 };
	const char *class = title_of(&text, report, target);

	title_line(p, class, &text);
	failures(p, report);
	decision(p, view_get(report, "comparison.decision"));
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
		if (page_words_alone(target)) {
			words_sentence(&text, target);
		} else {
			mismatch_sentence(&text, target);
			witnesses_sentence(&text, target);
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
