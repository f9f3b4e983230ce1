/*
 * contrast_words.c - what a slice is, in words: "/inputs/0/shape/1 > 128"
 *
 * Between neighbouring cells there is a border, not a number: what is said is true of all numbers that came. Of
 * integers it is said in integers. Ends of the cell around 0 are called 0.
 */
#include <math.h>

#include "compare/tally/contrast.h"

/** is_nothing() - an end of the cell around 0 */
static bool is_nothing(double x)
{
	return fabs(x) < 1e-6;
}

static void add_number(struct buffer *out, double x, bool is_whole)
{
	if (is_whole && fabs(x) < 1e15)
		buffer_printf(out, "%lld", (long long)floor(x));
	else
		buffer_printf(out, "%.4g", is_nothing(x) ? 0 : x);
}

/** subject() - what is meant of the place */
static const char *subject(enum feature_aspect aspect)
{
	static const char *const words[FEATURE_ASPECT_COUNT] = {
		[FEATURE_VALUE] = "",
		[FEATURE_NUMBER] = "",
		[FEATURE_ELEMENTS] = "elements of ",
		[FEATURE_BYTES] = "bytes of ",
		[FEATURE_LEAST] = "least number of ",
		[FEATURE_GREATEST] = "greatest number of ",
		[FEATURE_ZEROS] = "share of zeros of ",
		[FEATURE_HOUR] = "",
	};

	return words[aspect];
}

static void add_place(const struct explained *x, struct buffer *out)
{
	if (x->name.len == 0)
		buffer_add_str(out, "the body");
	else
		buffer_add_span(out, x->name);
	if (x->aspect == FEATURE_HOUR)
		buffer_add_str(out, " (UTC)");
}

static void add_presence(const struct explained *x, struct buffer *out)
{
	static const struct {
		const char *there, *missing;
	} words[FEATURE_ASPECT_COUNT] = {
		[FEATURE_VALUE] = { "a short text, true, false or null", "none of a short text, true, false, null" },
		[FEATURE_NUMBER] = { "a number", "no number" },
		[FEATURE_ELEMENTS] = { "a list", "no list" },
		[FEATURE_BYTES] = { "a text", "no text" },
		[FEATURE_LEAST] = { "a list of many numbers", "no list of many numbers" },
		[FEATURE_GREATEST] = { "a list of many numbers", "no list of many numbers" },
		[FEATURE_ZEROS] = { "a list of many numbers", "no list of many numbers" },
		[FEATURE_HOUR] = { "known", "not known" },
	};
	bool in_body = x->name.len == 0 || x->name.at[0] == '/';

	add_place(x, out);
	if (!in_body)
		buffer_add_str(out, x->kind == EXPLAINED_THERE ? " is there" : " is missing");
	else if (x->kind == EXPLAINED_THERE)
		buffer_printf(out, " is %s", words[x->aspect].there);
	else
		buffer_printf(out, " is missing, or %s", words[x->aspect].missing);
}

static void add_between(const struct explained *x, struct buffer *out)
{
	bool whole = x->is_whole && x->aspect != FEATURE_ZEROS;
	bool one = whole ? floor(x->at_most) - floor(x->above) == 1 : is_nothing(x->above) && is_nothing(x->at_most);

	buffer_add_str(out, subject(x->aspect));
	add_place(x, out);
	if (one) {
		buffer_add_str(out, " = ");
		add_number(out, x->at_most, whole);
		return;
	}
	if (isfinite(x->above)) {
		buffer_add_str(out, !whole && x->above < 0 && is_nothing(x->above) ? " >= " : " > ");
		add_number(out, x->above, whole);
	}
	if (isfinite(x->above) && isfinite(x->at_most))
		buffer_add_str(out, " and");
	if (isfinite(x->at_most)) {
		buffer_add_str(out, !whole && x->at_most < 0 && is_nothing(x->at_most) ? " < " : " <= ");
		add_number(out, x->at_most, whole);
	}
}

void contrast_where(const struct explained *x, struct buffer *out)
{
	switch (x->kind) {
	case EXPLAINED_BETWEEN:
		add_between(x, out);
		break;
	case EXPLAINED_VALUE:
		if (!x->value.at) {
			buffer_printf(out, "it is value #%u of ", x->number);
			add_place(x, out);
			break;
		}
		add_place(x, out);
		buffer_add_str(out, " is \"");
		buffer_add_span(out, x->value);
		buffer_add_str(out, "\"");
		break;
	case EXPLAINED_GROUP:
		buffer_printf(out, "it is one of the rarer values of ");
		add_place(x, out);
		buffer_printf(out, ", in their group %u", x->number);
		break;
	case EXPLAINED_THERE:
	case EXPLAINED_MISSING:
		add_presence(x, out);
		break;
	}
}
