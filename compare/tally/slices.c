/* slices.c - see slices.h */
#include "compare/tally/slices.h"

#include <string.h>

/* What follows the first @what in @text; false if it isn't there. */
static bool after(struct span text, struct span what, struct span *rest)
{
	const uint8_t *at = text.len ? memmem(text.at, text.len, what.at, what.len) : NULL;

	if (!at)
		return false;
	*rest = text;
	return span_skip(rest, (size_t)(at - text.at) + what.len);
}

static struct span until(struct span text, const char *ends)
{
	size_t len = 0;

	while (len < text.len && (text.at[len] == '\0' || !strchr(ends, text.at[len])))
		len++;
	span_truncate(&text, len);
	return text;
}

struct span slice_path(struct span target)
{
	struct span rest, authority;

	target = until(target, "?#");
	if (!span_starts(target, SPAN_LITERAL("http://")) && !span_starts(target, SPAN_LITERAL("https://")))
		return target;
	if (!after(target, SPAN_LITERAL("://"), &rest))
		return target;
	authority = until(rest, "/");
	span_skip(&rest, authority.len);
	return rest.len ? rest : SPAN_LITERAL("/");
}

struct span slice_value(const struct request_head *head, struct span model, struct span dimension)
{
	const struct span *value;

	if (span_equal(dimension, SPAN_LITERAL("path")))
		return slice_path(head->target);
	if (span_equal(dimension, SPAN_LITERAL("model")))
		return model;
	if (!span_starts(dimension, SPAN_LITERAL("header:")))
		return span_of("", 0);
	span_skip(&dimension, strlen("header:"));
	value = request_head_find(head, dimension);
	return value ? *value : span_of("", 0);
}
