/* page_against.c - what has changed since another run, and what cannot be told apart (against.h) */
#include "report/page_impl.h"

static void add_value(struct buffer *out, struct view row, const char *name, bool with_sign)
{
	struct view v = view_get(row, name);
	double value = view_number(v);

	if (!view_is_number(v)) {
		buffer_add_str(out, "not known");
		return;
	}
	if (with_sign && value > 0)
		buffer_add_str(out, "+");
	if (view_is_text(view_get(row, "unit"), "us")) {
		format_time(out, value);
	} else if (value < 0) { /* a share of less */
		buffer_add_str(out, "-");
		format_share(out, -value);
	} else {
		format_share(out, value);
	}
}

static void value_cell(struct markup *p, struct view row, const char *name)
{
	struct buffer text = { 0 };

	add_value(&text, row, name, false);
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

/** change_cell() - "higher by +0.5 % (+0.2 % to +0.8 %)" */
static void change_cell(struct markup *p, struct view row)
{
	struct view change = view_get(row, "change");
	struct buffer text = { 0 };

	if (view_is(change, JSON_STRING)) {
		view_text(change, &text);
		buffer_add_str(&text, ": ");
		add_value(&text, row, "difference", true);
		buffer_add_str(&text, ", ");
	} else {
		buffer_add_str(&text, "cannot be told apart: ");
	}
	add_value(&text, row, "low", true);
	buffer_add_str(&text, " to ");
	add_value(&text, row, "high", true);
	markup_cell(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static void figures(struct markup *p, struct view values)
{
	if (view_size(values) == 0) {
		markup_say(p, "Nothing was compared that both runs have.");
		return;
	}
	markup_table(p, "lrrl", "|then|now|change");
	for (struct view_walk w = view_walk(values); view_next(&w);) {
		struct buffer name = { 0 };

		view_text(view_get(w.value, "name"), &name);
		for (size_t i = 0; i < name.len; i++)
			if (name.bytes[i] == '_')
				name.bytes[i] = ' ';
		markup_cell(p, "%s", buffer_text(&name));
		buffer_deinit(&name);
		value_cell(p, w.value, "base");
		value_cell(p, w.value, "now");
		change_cell(p, w.value);
	}
	markup_table_end(p);
}

static void list(struct markup *p, struct view target, const char *name, const char *titles, const char *first, const char *second)
{
	struct buffer more = { 0 }, alike = { 0 };
	struct view rows = view_get(target, name);

	buffer_printf(&more, "%s_more", name);
	buffer_printf(&alike, "%s_alike", name);
	if (view_size(rows) > 0) {
		markup_table(p, "wlrrl", titles);
		for (struct view_walk w = view_walk(rows); view_next(&w);) {
			markup_cell_code(p, view_get(w.value, first));
			markup_cell_code(p, view_get(w.value, second));
			value_cell(p, w.value, "base");
			value_cell(p, w.value, "now");
			change_cell(p, w.value);
		}
		markup_table_end(p);
	}
	if (view_size(rows) > 0 || view_count(view_get(target, buffer_text(&alike))) > 0)
		markup_note(p, "%s: %u changed, %llu cannot be told apart.", name,
			    view_size(rows) + (unsigned)view_count(view_get(target, buffer_text(&more))),
			    (unsigned long long)view_count(view_get(target, buffer_text(&alike))));
	buffer_deinit(&more);
	buffer_deinit(&alike);
}

void page_against(struct markup *p, struct view report)
{
	struct view against = view_get(report, "against"), targets = view_get(against, "targets");
	struct buffer title = { 0 };

	if (!view_is(against, JSON_OBJECT))
		return;
	buffer_add_str(&title, "Against the run of ");
	view_text(view_get(against, "started"), &title);
	markup_section(p, 2, "against", buffer_text(&title));
	buffer_deinit(&title);
	if (view_size(targets) == 0)
		markup_say(p, "The two runs have no target in common that was compared.");
	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		if (view_size(targets) > 1) {
			struct buffer name = { 0 };

			view_text(w.name, &name);
			markup_section(p, 3, "against-target", buffer_text(&name));
			buffer_deinit(&name);
		}
		figures(p, view_get(w.value, "values"));
		list(p, w.value, "paths", "path|differs in|then|now|change", "path", "kind");
		list(p, w.value, "slices", "by|value|then|now|change", "by", "value");
		if (view_size(targets) > 1)
			markup_section_end(p);
	}
	markup_note(p, "Each change has a 95 %% interval: of what has not changed, one in twenty is taken for changed.");
	markup_section_end(p);
}
