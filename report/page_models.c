/* page_models.c - what models decided, how their scores moved, how their streams ran */
#include "report/page_impl.h"

#include <stdlib.h>
#include <string.h>

#include "report/plots.h"

#define MATRIX_MAX 14 /* more classes than these are a list of confusions, not a matrix */
#define CONFUSIONS_SHOWN 12
#define SCORE_BINS 20 /* of the report's bins those that divide 0..1 */

/* ---- the confusion of decisions ---- */

static uint64_t confused(struct view confusion, struct view production, struct view shadow)
{
	for (struct view_walk w = view_walk(confusion); view_next(&w);)
		if (span_equal(json_doc_text(w.value.doc, view_get(w.value, "production").at),
			       json_doc_text(production.doc, production.at)) &&
		    span_equal(json_doc_text(w.value.doc, view_get(w.value, "shadow").at),
			       json_doc_text(shadow.doc, shadow.at)))
			return view_count(view_get(w.value, "count"));
	return 0;
}

static int by_label(const void *a, const void *b)
{
	const struct view *x = a, *y = b;
	struct span s = json_doc_text(x->doc, x->at), t = json_doc_text(y->doc, y->at);
	size_t n = s.len < t.len ? s.len : t.len;
	int order;

	if (s.len > 0 && t.len > 0 && s.at[0] <= '9' && t.at[0] <= '9' && s.len != t.len)
		return s.len < t.len ? -1 : 1; /* class numbers: 2 before 10 */
	order = n ? memcmp(s.at, t.at, n) : 0;
	return order ? order : (s.len > t.len) - (s.len < t.len);
}

static size_t labels_of(struct view decision, struct view *labels)
{
	size_t n = 0;

	for (struct view_walk w = view_walk(view_get(decision, "labels")); view_next(&w);) {
		if (n == MATRIX_MAX)
			return 0;
		labels[n] = view_get(w.value, "label");
		if (view_is(labels[n], JSON_STRING))
			n++;
	}
	qsort(labels, n, sizeof(*labels), by_label);
	return n;
}

static void label(struct markup *p, struct view v)
{
	struct buffer text = { 0 };

	view_text(v, &text);
	markup_escaped(p, buffer_span(&text));
	buffer_deinit(&text);
}

static bool is_confusion(struct view entry)
{
	struct view a = view_get(entry, "production"), b = view_get(entry, "shadow");

	return a.there && b.there && !span_equal(json_doc_text(a.doc, a.at), json_doc_text(b.doc, b.at));
}

/** matrix() - production down, shadow across; what lies off the diagonal is where the shadow decides otherwise */
static void matrix(struct markup *p, struct view confusion, const struct view *labels, size_t n)
{
	uint64_t most = 1;

	for (struct view_walk w = view_walk(confusion); view_next(&w);) {
		uint64_t count = is_confusion(w.value) ? view_count(view_get(w.value, "count")) : 0;

		most = count > most ? count : most;
	}
	markup_raw(p, "<div class=\"scroll\"><table class=\"heat\"><thead><tr><th></th>");
	for (size_t i = 0; i < n; i++) {
		markup_raw(p, "<th>");
		label(p, labels[i]);
		markup_raw(p, "</th>");
	}
	markup_raw(p, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < n; i++) {
		markup_raw(p, "<tr><th>");
		label(p, labels[i]);
		markup_raw(p, "</th>");
		for (size_t k = 0; k < n; k++) {
			uint64_t count = i == k ? 0 : confused(confusion, labels[i], labels[k]);

			if (i == k)
				markup_raw(p, "<td class=\"same\"></td>");
			else if (count == 0)
				markup_raw(p, "<td></td>");
			else
				markup_raw(p,
					   "<td style=\"background:color-mix(in srgb,var(--shadow) "
					   "%.0f%%,transparent)\">%llu</td>",
					   12 + 60 * (double)count / (double)most, (unsigned long long)count);
		}
		markup_raw(p, "</tr>\n");
	}
	markup_raw(p, "</tbody></table></div>\n");
	markup_note(p,
		    "Rows: what production decided; columns: what the shadow decided; only where they differ.");
}

static int by_count(const void *a, const void *b)
{
	uint64_t x = view_count(view_get(*(const struct view *)a, "count"));
	uint64_t y = view_count(view_get(*(const struct view *)b, "count"));

	return x < y ? 1 : x > y ? -1 : 0;
}

/** most_frequent() - put @entry among the @n that are kept, most frequent first; how many are kept now */
static size_t most_frequent(struct view *kept, size_t n, struct view entry)
{
	if (n == CONFUSIONS_SHOWN && by_count(&entry, &kept[n - 1]) >= 0)
		return n;
	n -= n == CONFUSIONS_SHOWN;
	kept[n++] = entry;
	for (size_t i = n - 1; i > 0 && by_count(&kept[i - 1], &kept[i]) > 0; i--) {
		struct view v = kept[i];

		kept[i] = kept[i - 1];
		kept[i - 1] = v;
	}
	return n;
}

static void confusion_list(struct markup *p, struct view confusion)
{
	struct view kept[CONFUSIONS_SHOWN];
	size_t n = 0;

	for (struct view_walk w = view_walk(confusion); view_next(&w);)
		if (is_confusion(w.value))
			n = most_frequent(kept, n, w.value);
	markup_table(p, "wwr", "production decided|the shadow decided|times");
	for (size_t i = 0; i < n; i++) {
		markup_cell_code(p, view_get(kept[i], "production"));
		markup_cell_code(p, view_get(kept[i], "shadow"));
		markup_cell_count(p, view_count(view_get(kept[i], "count")));
	}
	markup_table_end(p);
}

static bool has_confusion(struct view confusion)
{
	for (struct view_walk w = view_walk(confusion); view_next(&w);)
		if (is_confusion(w.value))
			return true;
	return false;
}

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
	struct view decision = view_get(target, "decision"), confusion = view_get(decision, "confusion");
	struct view labels[MATRIX_MAX];
	struct buffer text = { 0 };
	uint64_t count = view_count(view_get(decision, "count"));
	size_t n;

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
	n = markup_is_html(p) ? labels_of(decision, labels) : 0;
	if (n > 1 && has_confusion(confusion))
		matrix(p, confusion, labels, n);
	else if (has_confusion(confusion))
		confusion_list(p, confusion);
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
		markup_say(p, "The shadow's share less production's: %+.2f %% (95 %% interval %+.2f %% to %+.2f %%).",
			   100 * view_number(view_get(delta, "value")), 100 * view_number(view_get(delta, "low")),
			   100 * view_number(view_get(delta, "high")));
	markup_section_end(p);
}
