/*
 * page.c - the order of a page
 *
 * Theory of operation. A reader has a minute: the verdict is one line, four
 * figures stand below it, and then come the sections in the order of the
 * questions that people ask: where did the requests go, do the responses agree,
 * where do they not, how fast is it, can the capture be trusted, what was asked
 * for. Everything is read from the report's JSON (view.h).
 */
#include "report/page.h"

#include <errno.h>
#include <string.h>

#include "report/page_impl.h"
#include "report/replay_speed.h"

bool page_is_shadow(struct view target)
{
	return !view_is_text(view_get(target, "role"), "control");
}

size_t page_shadow_count(struct view targets)
{
	size_t count = 0;

	for (struct view_walk w = view_walk(targets); view_next(&w);)
		count += page_is_shadow(w.value);
	return count;
}

/** first_shadow() - the comparison with the first target that is no control */
static struct view first_shadow(struct view comparison)
{
	struct view none = { comparison.doc, 0, false };

	for (struct view_walk w = view_walk(view_get(comparison, "targets")); view_next(&w);)
		if (page_is_shadow(w.value))
			return w.value;
	return none;
}

const char *page_looks(struct view target)
{
	return looks_words(view_is_text(view_get(target, "looks"), "anytime") ? LOOKS_ANYTIME : LOOKS_ONCE);
}

void page_pace_words(struct buffer *out, struct view report)
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

/** whose_report() - the title and labels that the user gave it */
static void whose_report(struct markup *p, struct view report)
{
	struct buffer text = { 0 };

	if (view_is(view_get(report, "title"), JSON_STRING))
		view_text(view_get(report, "title"), &text);
	markup_raw(p, text.len > 0 ? "<b>" : "<b>shadowtap</b> report");
	markup_escaped(p, buffer_span(&text));
	markup_raw(p, text.len > 0 ? "</b>" : "");
	for (struct view_walk w = view_walk(view_get(report, "labels")); view_next(&w);) {
		buffer_clear(&text);
		buffer_add_str(&text, " · ");
		view_text(w.name, &text);
		buffer_add_str(&text, " ");
		view_text(w.value, &text);
		markup_escaped(p, buffer_span(&text));
	}
	buffer_deinit(&text);
}

/** add_second() - "2026-11-22 10:00:00 UTC" */
static void add_second(struct buffer *out, struct span rfc3339)
{
	const size_t day = strlen("2026-11-22"), second = strlen("2026-11-22T10:00:00");

	if (rfc3339.len < second)
		return;
	buffer_add(out, rfc3339.at, day);
	buffer_add_str(out, " ");
	buffer_add(out, rfc3339.at + day + 1, second - day - 1);
	buffer_add_str(out, " UTC, ");
}

/* @as_of: NULL, or when it was made while the run goes on */
static void top_line(struct markup *p, struct view report, const char *as_of)
{
	struct buffer text = { 0 }, started = { 0 };

	markup_raw(p, "<header class=\"top\"><span>");
	if (markup_is_html(p))
		whose_report(p, report);
	markup_raw(p, "</span><span>");
	view_text(view_get(report, "started"), &started);
	buffer_add_str(&text, as_of ? "live, as of " : "");
	add_second(&text, as_of ? span_str(as_of) : buffer_span(&started));
	buffer_add_str(&text, as_of ? "after " : "");
	format_time(&text, view_number(view_get(report, "seconds")) * 1e6);
	if (markup_is_html(p))
		markup_escaped(p, buffer_span(&text));
	markup_raw(p, "</span></header>\n");
	buffer_deinit(&text);
	buffer_deinit(&started);
}

/** latencies() - grey, with the reason, where the pace of the replay makes them say nothing about the model */
static void latencies(struct markup *p, struct view report, struct view target)
{
	enum replay_speed speed = replay_speed_of(report.doc);
	bool judged = speed == SPEED_RECORDED || !page_has_latency(target);
	struct buffer why = { 0 };

	if (!judged) {
		page_pace_words(&why, report);
		markup_raw(p, "<div class=\"unfit\" id=\"unfit\">\n");
		markup_note(p, "Times of the shadow are not judged here: %s. %s", buffer_text(&why),
			    speed == SPEED_MAX ? "It had as many requests at once as it could bear, and production did not."
					       : "That is another load than the one under which production's were measured.");
	}
	page_latency(p, target);
	page_streams(p, target);
	page_goodput(p, target);
	markup_raw(p, judged ? "" : "</div>\n");
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
	page_outputs(p, target);
	page_over_time(p, report, target);
	latencies(p, report, target);
	page_explained(p, target);
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
		markup_say(p, "Production's latency is measured at the tap, from the last byte of the request to the bytes of the "
			      "answer; the shadow's at shadowtap, from the last byte written. %sTimeouts are counted, never averaged.",
			   view_number(view_get(report, "sample")) < 1
				   ? "The shadow sees a sample of the traffic, so its load is lower than production's. "
				   : "");
	markup_say(p, "Drawn by shadowtap %s.", buffer_text(&version));
	markup_raw(p, "</footer>\n");
	buffer_deinit(&version);
}

static int draw(const struct json_doc *doc, enum medium medium, const char *as_of, struct buffer *out)
{
	struct view report = view_of(doc), comparison = view_get(report, "comparison"), targets, shadow;
	struct buffer title = { 0 };
	struct markup p;

	if (!view_is(report, JSON_OBJECT) || !view_is(view_get(report, "requests"), JSON_OBJECT))
		return -EINVAL;
	targets = view_get(comparison, "targets");
	shadow = first_shadow(comparison);
	if (view_is(view_get(report, "title"), JSON_STRING))
		view_text(view_get(report, "title"), &title);
	markup_begin(&p, medium, out, title.len > 0 ? buffer_text(&title) : "shadowtap report");
	buffer_deinit(&title);
	top_line(&p, report, as_of);
	page_headline(&p, report, shadow);
	page_merge_warnings(&p, report);
	page_shadows(&p, report);
	page_tiles(&p, report, shadow);
	page_gate(&p, report);
	page_against(&p, report);
	page_funnel(&p, report, comparison);
	for (struct view_walk w = view_walk(targets); view_next(&w);)
		compared_with(&p, report, w.name, w.value, view_size(targets) == 1);
	page_targets(&p, report);
	page_capture(&p, report);
	page_runs(&p, report);
	page_configuration(&p, report);
	footer(&p, report, shadow.there);
	markup_end(&p);
	return buffer_ok(out) ? 0 : -ENOMEM;
}

int page_draw(const struct json_doc *doc, enum medium medium, struct buffer *out)
{
	return draw(doc, medium, NULL, out);
}

int page_draw_live(const struct json_doc *doc, const char *as_of, struct buffer *out)
{
	return draw(doc, MEDIUM_HTML, as_of, out);
}
