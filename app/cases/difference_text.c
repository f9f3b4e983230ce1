/*
 * difference_text.c - see difference_text.h
 *
 * A row for each path that differs, in the order of the findings (gravest
 * first): the two values of its worst place side by side, and behind them how
 * much, where else, and by which rule. Values come from strangers: shown.h.
 */
#include "app/cases/difference_text.h"

#include <math.h>

#include "base/json.h"
#include "base/shown.h"
#include "report/format.h"

#define COLUMNS     4
#define COLUMN_MAX  40 /* a longer value moves those behind it */

/** struct cells - of a row, one after the other in @text, and a note behind them */
struct cells {
	struct buffer text;
	size_t end[COLUMNS]; /* of the cells in it; the note follows */
};

static struct span cell_of(const struct cells *row, size_t i)
{
	struct span s = buffer_span(&row->text), cell = { 0 };
	size_t begin = i ? row->end[i - 1] : 0;

	if (span_skip(&s, begin))
		span_take(&s, row->end[i] - begin, &cell);
	return cell;
}

/** letters_of() - columns that a text takes, a letter each */
static size_t letters_of(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.at[i] & 0xc0) != 0x80;
	return n;
}

/* ---- a finding in words ---- */

static void add_value(struct buffer *out, const struct finding *f, const char *value, enum difference_kind absent)
{
	if (f->kind == absent)
		buffer_add_str(out, "(absent)");
	else
		shown_add(out, span_str(value));
}

static void add_note(struct buffer *out, const struct finding *f)
{
	if (f->numbers > 0 && f->max_abs > 0) {
		buffer_add_str(out, "  by up to ");
		format_number(out, f->max_abs);
		if (f->relatives > 0 && isfinite(f->max_rel)) {
			buffer_add_str(out, ", ");
			format_share(out, f->max_rel);
		}
	}
	if (f->count > 1) {
		buffer_add_str(out, "  in ");
		format_count(out, f->count);
		buffer_add_str(out, " places");
	}
	if (f->rule) {
		buffer_add_str(out, "  by ");
		shown_add(out, span_str(f->rule));
	}
}

static void finding_cells(const struct finding *f, struct cells *row)
{
	struct buffer *out = &row->text;
	const char *path = f->path ? f->path : f->pattern;

	shown_add(out, span_str(path[0] ? path : "(all of it)"));
	row->end[0] = out->len;
	buffer_add_str(out, difference_name(f->kind));
	row->end[1] = out->len;
	add_value(out, f, f->production, DIFFERENCE_EXTRA);
	row->end[2] = out->len;
	add_value(out, f, f->shadow, DIFFERENCE_MISSING);
	row->end[3] = out->len;
	add_note(out, f);
}

static void head_cells(struct cells *row)
{
	static const char *const words[COLUMNS] = { "path", "differs in", "production", "shadow" };

	for (size_t i = 0; i < COLUMNS; i++) {
		buffer_add_str(&row->text, words[i]);
		row->end[i] = row->text.len;
	}
}

/* ---- the table ---- */

static void add_row(struct buffer *out, const struct cells *row, const size_t width[COLUMNS])
{
	struct span note = buffer_span(&row->text);

	buffer_add_str(out, " ");
	for (size_t i = 0; i < COLUMNS; i++) {
		struct span cell = cell_of(row, i);
		size_t letters = letters_of(cell);

		buffer_add_str(out, " ");
		buffer_add_span(out, cell);
		if (i + 1 < COLUMNS || row->end[COLUMNS - 1] < row->text.len)
			buffer_printf(out, "%*s", (int)(letters < width[i] ? width[i] - letters + 1 : 1), "");
	}
	span_skip(&note, row->end[COLUMNS - 1]);
	span_skip(&note, note.len > 0); /* one of its two blanks is there */
	buffer_add_span(out, note);
	buffer_add_str(out, "\n");
}

static void widen(size_t width[COLUMNS], const struct cells *row)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t letters = letters_of(cell_of(row, i));

		if (letters > width[i])
			width[i] = letters < COLUMN_MAX ? letters : COLUMN_MAX;
	}
}

static void add_table(struct buffer *out, const struct findings *f)
{
	struct cells rows[FINDINGS_MAX + 1] = { 0 };
	size_t width[COLUMNS] = { 0 }, count = f->count < FINDINGS_MAX ? f->count : FINDINGS_MAX;

	head_cells(&rows[0]);
	for (size_t i = 0; i < count; i++)
		finding_cells(&f->at[i], &rows[i + 1]);
	for (size_t i = 0; i <= count; i++)
		widen(width, &rows[i]);
	for (size_t i = 0; i <= count; i++) {
		add_row(out, &rows[i], width);
		buffer_deinit(&rows[i].text);
	}
	if (f->overflow > 0) {
		buffer_add_str(out, "  and ");
		format_count(out, f->overflow);
		buffer_add_str(out, " more, at other paths\n");
	}
}

/* ---- the whole ---- */

/** meaning_of() - of the verdict; of a reply that decides otherwise, in what it does */
static const char *meaning_of(const struct comparison *c)
{
	if (c->verdict == COMPARISON_DECISION && c->reply != REPLY_ALIKE)
		return reply_difference_meaning(c->reply);
	return c->verdict == COMPARISON_NOT_COMPARABLE ? "it cannot be said" : verdict_row(c->verdict)->meaning;
}

void difference_text(const struct comparison *c, struct buffer *out)
{
	const struct findings *f = &c->findings;

	buffer_add_str(out, comparison_name(c->verdict));
	if (c->reason)
		buffer_printf(out, " (%s)", c->reason);
	buffer_printf(out, ": %s", meaning_of(c));
	if (c->kind != BODY_NONE)
		buffer_printf(out, "; compared as %s", body_kind_name(c->kind));
	buffer_add_str(out, "\n");
	if (c->generated)
		buffer_add_str(out, "  nothing differs but what a language model said, which it would not say twice either\n");
	if (f->decisions_total > 0) {
		buffer_add_str(out, "  decisions: ");
		format_count(out, f->decisions_agree);
		buffer_add_str(out, " of ");
		format_count(out, f->decisions_total);
		buffer_add_str(out, " agree\n");
	}
	if (f->count > 0)
		add_table(out, f);
}

static void text_member(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	if (text)
		json_str(j, text);
	else
		json_null(j);
}

static void finding_json(struct json *j, const struct finding *f)
{
	json_open(j, '{');
	text_member(j, "path", f->path ? f->path : f->pattern);
	text_member(j, "kind", difference_name(f->kind));
	json_count(j, "count", f->count);
	text_member(j, "production", f->kind == DIFFERENCE_EXTRA ? NULL : f->production);
	text_member(j, "shadow", f->kind == DIFFERENCE_MISSING ? NULL : f->shadow);
	if (f->numbers > 0) {
		json_key(j, "max_abs");
		json_exact(j, f->max_abs);
	}
	if (f->relatives > 0) {
		json_key(j, "max_rel");
		json_exact(j, f->max_rel);
	}
	if (f->rule)
		text_member(j, "rule", f->rule);
	json_close(j, '}');
}

void difference_json(const struct comparison *c, struct buffer *out)
{
	const struct findings *f = &c->findings;
	struct json j = json_to(out);

	json_open(&j, '{');
	text_member(&j, "verdict", comparison_name(c->verdict));
	text_member(&j, "reason", c->reason);
	text_member(&j, "kind", body_kind_name(c->kind));
	json_key(&j, "generated");
	json_bool(&j, c->generated);
	json_count(&j, "decisions", f->decisions_total);
	json_count(&j, "decisions_agree", f->decisions_agree);
	json_key(&j, "differences");
	json_open(&j, '[');
	for (size_t i = 0; i < f->count; i++)
		finding_json(&j, &f->at[i]);
	json_close(&j, ']');
	json_count(&j, "differences_more", f->overflow);
	json_close(&j, '}');
	buffer_add_str(out, "\n");
}
