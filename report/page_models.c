/* page_models.c - what models decided, how their scores moved, how their streams ran */
#include "report/page_impl.h"

#include "report/plots.h"

#define SCORE_BINS 20 /* of the report's bins those that divide 0..1 */

/* ---- drift ---- */

static const char *drift_word(double psi)
{
	return psi < 0.1 ? "little" : psi < 0.25 ? "some" : "much";
}

static void drift(struct markup *p, struct view decision)
{
	struct view labels = view_get(decision, "label_psi"), scores = view_get(decision, "score_psi");

	if (!view_is_number(labels) && !view_is_number(scores)) /* of outputs as a whole alone */
		return;
	markup_section(p, 3, "drift", "Do the distributions drift?");
	if (view_is_number(scores)) {
		plot_bins(p, view_get(decision, "scores.production"), view_get(decision, "scores.shadow"),
			  SCORE_BINS);
		markup_raw(p, "<ul class=\"legend\"><li><i class=\"key p\"></i>production</li><li><i "
			      "class=\"key s\"></i>shadow</li>"
			      "<li>score of the decision, 0 to 1</li></ul>\n");
	}
	markup_table(p, "lrl", "population stability index|PSI|drift");
	if (view_is_number(labels)) {
		markup_cell(p, "what is decided");
		markup_cell(p, "%.3f", view_number(labels));
		markup_cell(p, "%s", drift_word(view_number(labels)));
	}
	if (view_is_number(scores)) {
		markup_cell(p, "score of the decision");
		markup_cell(p, "%.3f", view_number(scores));
		markup_cell(p, "%s", drift_word(view_number(scores)));
	}
	markup_table_end(p);
	markup_note(p, "Below 0.1 is little, above 0.25 much, by the usual reading of this index. It compares "
		       "distributions, not pairs: two "
		       "models can drift little and still disagree often.");
	markup_section_end(p);
}

void page_decisions(struct markup *p, struct view target)
{
	struct view decision = view_get(target, "decision");
	struct buffer text = { 0 };
	uint64_t count = view_count(view_get(decision, "count"));

	if (count == 0)
		return;
	markup_section(p, 2, "decisions", "Decisions");
	format_count(&text, view_count(view_get(decision, "agree")));
	buffer_add_str(&text, " of ");
	format_count(&text, count);
	buffer_add_str(&text, " decisions agree: ");
	format_share(&text, view_number(view_get(decision, "rate")));
	buffer_printf(&text, " (95 %% interval %s, ", page_looks(target));
	format_share(&text, view_number(view_get(decision, "low")));
	buffer_add_str(&text, " to ");
	format_share(&text, view_number(view_get(decision, "high")));
	buffer_add_str(&text, ").");
	if (view_count(view_get(decision, "agree_otherwise")) > 0) {
		buffer_add_str(&text, " Of those that agree, ");
		format_count(&text, view_count(view_get(decision, "agree_otherwise")));
		buffer_add_str(&text, " are not the same: one of the models has both within the tolerance, or they are the same "
				      "first k in another order.");
	}
	markup_say(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
	page_classes(p, target);
	drift(p, decision);
	markup_section_end(p);
}

/* ---- streams ---- */

static void speed_cell(struct markup *p, struct view v)
{
	if (view_is_number(v))
		markup_cell(p, "%.1f", view_number(v));
	else
		markup_cell(p, " ");
}

static void stream_row(struct markup *p, const char *class, const char *what, struct view s)
{
	if (markup_is_html(p))
		markup_cell_raw(p, "<i class=\"key %s\"></i>%s", class, what);
	else
		markup_cell(p, "%s", what);
	markup_cell_count(p, view_count(view_get(s, "count")));
	markup_cell_count(p, view_count(view_get(s, "tokens")));
	page_cell_quantile(p, view_get(s, "first_token"), "p50");
	page_cell_quantile(p, view_get(s, "first_token"), "p99");
	page_cell_quantile(p, view_get(s, "second_token"), "p50");
	page_cell_quantile(p, view_get(s, "gap"), "p50");
	page_cell_quantile(p, view_get(s, "gap"), "p99");
	speed_cell(p, view_get(s, "tokens_per_second.p50"));
	speed_cell(p, view_get(s, "tokens_per_second.p10"));
}

void page_streams(struct markup *p, struct view target)
{
	struct view a = view_get(target, "streams.production"), b = view_get(target, "streams.shadow");

	if (view_count(view_get(a, "count")) + view_count(view_get(b, "count")) == 0)
		return;
	markup_section(p, 2, "streams", "Streams of tokens");
	markup_table(p, "lrrrrrrrrr", "|streams|tokens|first token p50|p99|second p50|between tokens p50|p99|tokens/s p50|p10");
	stream_row(p, "p", "production", a);
	stream_row(p, "s", "shadow", b);
	markup_table_end(p);
	markup_section_end(p);
}

void page_goodput(struct markup *p, struct view target)
{
	struct view goodput = view_get(target, "goodput"), delta = view_get(goodput, "delta");

	if (!view_get(goodput, "slo").there)
		return;
	markup_section(p, 2, "goodput", "Goodput");
	markup_table(p, "wrrr", "answered so|production|shadow|of");
	markup_cell_code(p, view_get(goodput, "slo"));
	markup_cell_share(p, view_number(view_get(goodput, "production.rate")));
	markup_cell_share(p, view_number(view_get(goodput, "shadow.rate")));
	markup_cell_count(p, view_count(view_get(goodput, "shadow.of")));
	markup_table_end(p);
	if (view_is_number(view_get(delta, "value")))
		markup_say(p, "The shadow's share less production's: %+.2f %% (95 %% interval %s, %+.2f %% to %+.2f %%).",
			   100 * view_number(view_get(delta, "value")), page_looks(target),
			   100 * view_number(view_get(delta, "low")), 100 * view_number(view_get(delta, "high")));
	markup_section_end(p);
}
