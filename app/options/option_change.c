/* option_change.c - see option_change.h */
#include "app/options/option_change.h"

#include <string.h>

#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "base/units.h"

static bool row_equal(const struct option_row *row, const struct options *a, const struct options *b)
{
	const struct option_ops *kind = option_ops_of(row->kind);

	return !kind->equal || kind->equal(a, b, (const char *)a + row->offset, (const char *)b + row->offset);
}

/* ---- values as texts ---- */

static void share_shown(uint64_t share, struct buffer *out)
{
	char text[UNITS_TEXT_MAX];

	buffer_add_str(out, share_text(share, text));
}

static void rate_shown(uint64_t rate, struct buffer *out)
{
	if (rate == 0)
		buffer_add_str(out, "no limit");
	else
		buffer_printf(out, "%llu", (unsigned long long)rate);
}

static void value_shown(const struct option_row *row, const struct options *o, struct buffer *out)
{
	const struct option_ops *kind = option_ops_of(row->kind);

	if (kind->show)
		kind->show(o, row, (const char *)o + row->offset, out);
}

static void row_change(const struct option_row *row, const struct options *from, const struct options *to,
		       struct buffer *out)
{
	buffer_printf(out, "%s%s ", out->len ? ", " : "", row->name);
	if (row->secret) {
		buffer_add_str(out, "changed");
		return;
	}
	value_shown(row, from, out);
	buffer_add_str(out, " -> ");
	value_shown(row, to, out);
}

static void target_changes(const struct target_settings *from, const struct target_settings *to, struct buffer *out)
{
	const char *name = from->url.name;

	if (from->sample_share != to->sample_share) {
		buffer_printf(out, "%ssample of %s ", out->len ? ", " : "", name);
		share_shown(from->sample_share, out);
		buffer_add_str(out, " -> ");
		share_shown(to->sample_share, out);
	}
	if (from->rate != to->rate) {
		buffer_printf(out, "%srate of %s ", out->len ? ", " : "", name);
		rate_shown(from->rate, out);
		buffer_add_str(out, " -> ");
		rate_shown(to->rate, out);
	}
	if (!option_equal_texts(NULL, NULL, &from->set_headers, &to->set_headers)) /* their values are what -H hides from ps */
		buffer_printf(out, "%sheader of %s changed", out->len ? ", " : "", name);
}

/* Values come from outside; a terminal must not obey their control characters. */
static void make_printable(struct buffer *text, size_t from)
{
	for (size_t i = from; i < text->len; i++)
		if (text->bytes[i] < ' ' || text->bytes[i] == 0x7f)
			text->bytes[i] = '?';
}

void option_changes(const struct options *from, const struct options *to, struct buffer *out)
{
	size_t begin = out->len;

	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].hot && !row_equal(&option_rows[i], from, to))
			row_change(&option_rows[i], from, to, out);
	for (size_t i = 0; i < from->target_count && i < to->target_count; i++)
		target_changes(&from->targets[i], &to->targets[i], out);
	make_printable(out, begin);
}

void option_restarts(const struct options *from, const struct options *to, struct buffer *out)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (!option_rows[i].hot && !row_equal(&option_rows[i], from, to))
			buffer_printf(out, "%s%s", out->len ? ", " : "", option_rows[i].name);
}

void option_keep_targets(struct options *o, const struct options *running)
{
	struct target_settings kept[TARGETS_MAX];

	for (size_t i = 0; i < running->target_count; i++) {
		kept[i] = running->targets[i];
		for (size_t k = 0; k < o->target_count; k++)
			if (strcmp(o->targets[k].url.name, kept[i].url.name) == 0) {
				kept[i] = o->targets[k];
				kept[i].url = running->targets[i].url;
			}
	}
	memcpy(o->targets, kept, running->target_count * sizeof(*kept));
	o->target_count = running->target_count;
}
