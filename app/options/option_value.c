/*
 * option_value.c - see option_value.h
 *
 * What lower floors check when they compile it (patterns, presets, header
 * fields) is not checked here a second time: their sentence would have to be
 * kept equal to ours. What only the whole set of options can tell (a target is
 * missing, -x without -r) is options.c's.
 */
#include "app/options/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/options/texts.h"
#include "base/units.h"

#define SHOWN_MAX 60

void option_shown(struct buffer *out, const char *text)
{
	size_t len = strnlen(text, SHOWN_MAX + 1);

	buffer_add(out, text, len < SHOWN_MAX ? len : SHOWN_MAX);
	if (len > SHOWN_MAX)
		buffer_add_str(out, "...");
}

bool option_is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	return len > 0;
}

/*
 * "-S 10", "--sample 10" or "tap.conf:3: sample = 10", for the beginning of a
 * message. -H shows no more than the name of the field, -t nothing (its URL may
 * hold a password, which is what would make it wrong).
 */
static void add_label(struct buffer *out, const struct option_input *in)
{
	const char *between = in->file ? " = " : option_takes_value(in->row) ? " " : "=";
	const char *value = in->value;
	enum option_privacy privacy = option_ops_of(in->row->kind)->privacy;
	size_t name_len = value ? strcspn(value, ":") : 0;

	if (in->file) {
		option_shown(out, in->file);
		buffer_printf(out, ":%u: %s", in->line, in->row->name);
	} else if (in->by_letter) {
		buffer_printf(out, "-%c", in->row->letter);
	} else {
		buffer_printf(out, "--%s", in->row->name);
	}
	if (!value || privacy == OPTION_PRIVATE)
		return;
	if (privacy == OPTION_NAME_ONLY) {
		if (value[name_len] == ':' && option_is_token(value, name_len))
			buffer_printf(out, "%s'%.*s: ...'", between,
				      (int)(name_len < SHOWN_MAX ? name_len : SHOWN_MAX), value);
		return;
	}
	buffer_add_str(out, between);
	if (*value)
		option_shown(out, value);
	else
		buffer_add_str(out, "''");
}

int option_wrong(struct buffer *error, const struct option_input *in, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_label(error, in);
	buffer_printf(error, ": %s", text);
	return -EINVAL;
}

int option_out_of_memory(struct buffer *error)
{
	buffer_add_str(error, "out of memory while reading the options");
	return -ENOMEM;
}

int option_add_text(struct options *o, struct texts *list, const char *text, struct buffer *error)
{
	return texts_add(o->owner, list, text) ? 0 : option_out_of_memory(error);
}

/* ---- the row's range, default and choices ---- */

static const char *number_text(const struct option_row *row, uint64_t n, char *out)
{
	const struct option_unit *unit = option_ops_of(row->kind)->unit;

	if (unit)
		return unit->text(n, out);
	snprintf(out, UNITS_TEXT_MAX, "%" PRIu64, n);
	return out;
}

void option_range(const struct option_row *row, struct buffer *out)
{
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX];

	if (row->max == UINT64_MAX)
		buffer_printf(out, "%s or more", number_text(row, row->min, from));
	else
		buffer_printf(out, "%s to %s", number_text(row, row->min, from), number_text(row, row->max, to));
}

void option_initial(const struct option_row *row, struct buffer *out)
{
	char text[UNITS_TEXT_MAX];

	if (row->shown)
		buffer_add_str(out, row->shown);
	else if (row->initial_text)
		buffer_add_str(out, row->initial_text);
	else if (option_takes_value(row) && row->initial > 0)
		buffer_add_str(out, number_text(row, row->initial, text));
}

/* The next of the words that are left in *@words; an empty one is the end */
static struct span next_choice(const char **words)
{
	size_t len = strcspn(*words, " ");
	struct span word = span_of(*words, len);

	*words += len + strspn(*words + len, " ");
	return word;
}

int option_choice(const struct option_row *row, const char *word)
{
	const char *words = row->choices;
	struct span choice;

	for (int n = 0; (choice = next_choice(&words)).len > 0; n++)
		if (span_equal(choice, span_str(word)))
			return n;
	return -1;
}

void option_show_choice(const struct option_row *row, int n, struct buffer *out)
{
	const char *words = row->choices;

	for (; n > 0; n--)
		next_choice(&words);
	buffer_add_span(out, next_choice(&words));
}

/* ---- fields ---- */

bool option_equal_u32(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return *(const uint32_t *)x == *(const uint32_t *)y;
}

bool option_equal_u64(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return *(const uint64_t *)x == *(const uint64_t *)y;
}

bool option_equal_texts(const struct options *a, const struct options *b, const void *x, const void *y)
{
	const struct texts *s = x, *t = y;

	(void)a, (void)b;
	if (s->count != t->count)
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->at[i], t->at[i]) != 0)
			return false;
	return true;
}

bool option_text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void option_default_u32(const struct option_row *row, void *field)
{
	*(uint32_t *)field = (uint32_t)row->initial;
}

void option_default_u64(const struct option_row *row, void *field)
{
	*(uint64_t *)field = row->initial;
}

/* ---- the kinds ---- */

const struct option_ops *option_ops_of(enum option_kind kind)
{
	static const struct option_ops *const kinds[] = {
#define X(id, kind) &kind,
		OPTION_KINDS(X)
#undef X
	};

	return kinds[kind];
}

/** is_told() - may its value stand in a report? Headers and the user of a URL may be credentials */
static bool is_told(const struct option_row *row)
{
	return !row->secret && row->kind != OPTION_HEADER && row->kind != OPTION_TARGET && row->kind != OPTION_CONTROL;
}

/** note_given() - for the report: "--sample 5%" */
static int note_given(struct options *o, const struct option_input *in, struct buffer *error)
{
	struct buffer text = { 0 };
	const char *kept;

	buffer_printf(&text, "--%s", in->row->name);
	if (in->value && is_told(in->row))
		buffer_printf(&text, " %s", in->value);
	else if (in->value)
		buffer_add_str(&text, " ...");
	kept = buffer_ok(&text) ? texts_copy(o->owner, buffer_span(&text)) : NULL;
	buffer_deinit(&text);
	return kept ? option_add_text(o, &o->given, kept, error) : option_out_of_memory(error);
}

int option_apply(struct options *o, const struct option_input *in, struct buffer *error)
{
	int err;

	if (option_takes_value(in->row) && in->value[0] == '\0')
		return option_wrong(error, in, "the value is empty; give %s", in->row->value);
	err = option_ops_of(in->row->kind)->parse(o, in, (char *)o + in->row->offset, error);
	return err < 0 ? err : note_given(o, in, error);
}
