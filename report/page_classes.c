/*
 * page_classes.c - which class became which, and which of them the shadow decides otherwise
 *
 * Theory of operation. A report has how often each side decided for a class,
 * and the disagreements by pairs of classes. From both follows how often the
 * shadow agrees where production decided for a class; that is what hides in an
 * agreement over all: of 1 % rare ones every one may be wrong. Classes come by
 * the lower end of the interval of their disagreement: what is surely bad is
 * first, and two of three pairs are not. Confusions without a place of their
 * own are known in number alone: then agreements are told as bounds.
 */
#include "report/page_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/looks.h"

#define CLASSES_MAX   1024
#define CLASSES_SHOWN 12
#define MATRIX_MAX    14 /* of more classes there is a list of confusions */

struct class {
	struct view label;
	struct span text; /* as it stands in the report */
	uint64_t production, shadow, otherwise; /* decided; of production's, that the shadow decided otherwise */
	struct view instead; /* what the shadow says most often then */
	uint64_t instead_times;
	struct rate disagreement;
};

struct confusion {
	struct view production, shadow;
	uint64_t count;
};

struct classes {
	struct class *at; /* CLASSES_MAX, by text */
	struct confusion *confusion;
	size_t count, confusions;
	uint64_t overflow;
};

static struct span text_of(struct view v)
{
	return view_is(v, JSON_STRING) ? json_doc_text(v.doc, v.at) : span_of("", 0);
}

static int compare_texts(struct span s, struct span t)
{
	size_t n = s.len < t.len ? s.len : t.len;
	int order;

	if (s.len > 0 && t.len > 0 && s.at[0] <= '9' && t.at[0] <= '9' && s.len != t.len)
		return s.len < t.len ? -1 : 1; /* class numbers: 2 before 10 */
	order = n ? memcmp(s.at, t.at, n) : 0;
	return order ? order : (s.len > t.len) - (s.len < t.len);
}

static int by_text(const void *a, const void *b)
{
	const struct class *x = a, *y = b;

	return compare_texts(x->text, y->text);
}

static int by_disagreement(const void *a, const void *b)
{
	const struct class *x = a, *y = b;
	/* of a class that production never decided for, it is not known */
	double m = x->production ? x->disagreement.interval.low : -1, n = y->production ? y->disagreement.interval.low : -1;

	if (m != n)
		return m > n ? -1 : 1;
	if (x->otherwise != y->otherwise)
		return x->otherwise > y->otherwise ? -1 : 1;
	return by_text(a, b);
}

static struct class *class_of(const struct classes *c, struct view label)
{
	struct class key = { .text = text_of(label) };

	return c->count > 0 ? bsearch(&key, c->at, c->count, sizeof(key), by_text) : NULL;
}

static void add_confusion(struct classes *c, struct view entry)
{
	struct confusion one = { view_get(entry, "production"), view_get(entry, "shadow"), view_count(view_get(entry, "count")) };
	struct class *class = class_of(c, one.production);

	if (!view_is(one.production, JSON_STRING) || !view_is(one.shadow, JSON_STRING) || c->confusions == CLASSES_MAX ||
	    span_equal(text_of(one.production), text_of(one.shadow)))
		return;
	c->confusion[c->confusions++] = one;
	if (!class)
		return;
	class->otherwise += one.count;
	if (one.count > class->instead_times) {
		class->instead = one.shadow;
		class->instead_times = one.count;
	}
}

/** read_classes() - false when out of memory */
static bool read_classes(struct classes *c, struct view target)
{
	struct view decision = view_get(target, "decision");
	enum looks looks = view_is_text(view_get(target, "looks"), "anytime") ? LOOKS_ANYTIME : LOOKS_ONCE;
	double effect = view_number(view_get(target, "witnesses.design_effect"));

	*c = (struct classes){ .at = calloc(CLASSES_MAX, sizeof(*c->at)), .confusion = calloc(CLASSES_MAX, sizeof(*c->confusion)) };
	if (!c->at || !c->confusion)
		return false;
	c->overflow = view_count(view_get(decision, "confusion_overflow"));
	for (struct view_walk w = view_walk(view_get(decision, "labels")); c->count < CLASSES_MAX && view_next(&w);) {
		struct view label = view_get(w.value, "label");

		if (view_is(label, JSON_STRING))
			c->at[c->count++] = (struct class){ .label = label,
							    .text = text_of(label),
							    .production = view_count(view_get(w.value, "production")),
							    .shadow = view_count(view_get(w.value, "shadow")) };
	}
	qsort(c->at, c->count, sizeof(*c->at), by_text);
	for (struct view_walk w = view_walk(view_get(decision, "confusion")); view_next(&w);)
		add_confusion(c, w.value);
	for (size_t i = 0; i < c->count; i++)
		c->at[i].disagreement = looks_rate(looks, c->at[i].otherwise, c->at[i].production, effect >= 1 ? effect : 1);
	return true;
}

static void label(struct markup *p, struct view v)
{
	struct buffer text = { 0 };

	view_text(v, &text);
	markup_escaped(p, buffer_span(&text));
	buffer_deinit(&text);
}

/* ---- the matrix ---- */

static uint64_t confused(const struct classes *c, const struct class *production, const struct class *shadow)
{
	for (size_t i = 0; i < c->confusions; i++)
		if (span_equal(text_of(c->confusion[i].production), production->text) &&
		    span_equal(text_of(c->confusion[i].shadow), shadow->text))
			return c->confusion[i].count;
	return 0;
}

/* A long label is cut by the browser, and shown whole to who points at it. */
static void label_heading(struct markup *p, const char *class, struct view v)
{
	markup_raw(p, "<th class=\"%s\" title=\"", class);
	label(p, v);
	markup_raw(p, "\"><span>");
	label(p, v);
	markup_raw(p, "</span></th>");
}

static void total_cell(struct markup *p, const char *class, uint64_t n)
{
	markup_raw(p, "<td class=\"%s\">", class);
	format_count(p->out, n);
	markup_raw(p, "</td>");
}

static void matrix_row(struct markup *p, const struct classes *c, size_t row, uint64_t most)
{
	const struct class *production = &c->at[row];
	uint64_t otherwise = production->otherwise < production->production ? production->otherwise : production->production;

	markup_raw(p, "<tr>");
	label_heading(p, "row", production->label);
	for (size_t k = 0; k < c->count; k++) {
		uint64_t count = row == k ? 0 : confused(c, production, &c->at[k]);

		if (row == k)
			total_cell(p, "same", production->production - otherwise);
		else if (count == 0)
			markup_raw(p, "<td></td>");
		else
			markup_raw(p, "<td style=\"background:color-mix(in srgb,var(--shadow) %.0f%%,transparent)\">%llu</td>",
				   12 + 60 * (double)count / (double)most, (unsigned long long)count);
	}
	total_cell(p, "total", production->production);
	markup_raw(p, "</tr>\n");
}

/** matrix() - production down, shadow across; what lies off the diagonal is where the shadow decides otherwise */
static void matrix(struct markup *p, const struct classes *c)
{
	uint64_t most = 1;

	for (size_t i = 0; i < c->confusions; i++)
		most = c->confusion[i].count > most ? c->confusion[i].count : most;
	markup_raw(p,
		   "<div class=\"scroll\"><table class=\"heat\" id=\"matrix\"><thead><tr><th class=\"axes\"></th><th class=\"axes\" "
		   "colspan=\"%zu\">the shadow decided →</th></tr><tr><th class=\"axes\">production ↓</th>",
		   c->count + 1);
	for (size_t i = 0; i < c->count; i++)
		label_heading(p, "column", c->at[i].label);
	markup_raw(p, "<th class=\"axes\">in all</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < c->count; i++)
		matrix_row(p, c, i, most);
	markup_raw(p, "<tr><th class=\"axes\">in all</th>");
	for (size_t i = 0; i < c->count; i++)
		total_cell(p, "total", c->at[i].shadow);
	markup_raw(p, "<td></td></tr>\n</tbody></table></div>\n");
}

/* ---- the list, of many classes ---- */

static int by_count(const void *a, const void *b)
{
	const struct confusion *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : compare_texts(text_of(x->production), text_of(y->production));
}

static void confusion_list(struct markup *p, struct classes *c)
{
	qsort(c->confusion, c->confusions, sizeof(*c->confusion), by_count);
	markup_table(p, "wwr", "production decided|the shadow decided|times");
	for (size_t i = 0; i < c->confusions && i < CLASSES_SHOWN; i++) {
		markup_cell_code(p, c->confusion[i].production);
		markup_cell_code(p, c->confusion[i].shadow);
		markup_cell_count(p, c->confusion[i].count);
	}
	markup_table_end(p);
}

/* ---- class by class ---- */

static void class_row(struct markup *p, const struct class *class)
{
	struct buffer text = { 0 };

	markup_cell_code(p, class->label);
	markup_cell_count(p, class->production);
	markup_cell_count(p, class->otherwise);
	format_share(&text, 1 - class->disagreement.value);
	buffer_add_str(&text, " (");
	format_share(&text, 1 - class->disagreement.interval.high);
	buffer_add_str(&text, " to ");
	format_share(&text, 1 - class->disagreement.interval.low);
	buffer_add_str(&text, ")");
	markup_cell(p, "%s", buffer_text(&text));
	buffer_clear(&text);
	if (class->instead.there) {
		view_text(class->instead, &text);
		buffer_printf(&text, " (%llu)", (unsigned long long)class->instead_times);
	}
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

/** class_table() - those that production decided for and the shadow not always, worst first */
static void class_table(struct markup *p, struct classes *c, const char *looks)
{
	struct buffer titles = { 0 };
	size_t shown = 0, worse = 0;

	qsort(c->at, c->count, sizeof(*c->at), by_disagreement);
	for (size_t i = 0; i < c->count; i++)
		worse += c->at[i].otherwise > 0 && c->at[i].production > 0;
	if (worse == 0)
		return;
	buffer_printf(&titles, "production decided|times|otherwise|agreement (95 %% %s)|mostly instead", looks);
	markup_table(p, "wrrrl", buffer_text(&titles));
	buffer_deinit(&titles);
	for (size_t i = 0; i < c->count && shown < CLASSES_SHOWN; i++)
		if (c->at[i].otherwise > 0 && c->at[i].production > 0) {
			class_row(p, &c->at[i]);
			shown++;
		}
	markup_table_end(p);
	if (worse > shown)
		markup_note(p, "Worst first: by the upper end of the interval. %zu more classes have disagreements.", worse - shown);
	else
		markup_note(p, "Worst first: by the upper end of the interval. In the other classes all decisions agree.");
	if (c->overflow > 0)
		markup_note(p, "%llu disagreements are not told apart by class: agreements are at most as high as they stand here.",
			    (unsigned long long)c->overflow);
}

void page_classes(struct markup *p, struct view target)
{
	struct classes c;

	if (read_classes(&c, target) && c.confusions > 0) {
		if (markup_is_html(p) && c.count > 1 && c.count <= MATRIX_MAX)
			matrix(p, &c);
		else
			confusion_list(p, &c);
		class_table(p, &c, page_looks(target));
	}
	free(c.at);
	free(c.confusion);
}
