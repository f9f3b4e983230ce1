/*
 * view.h - read a report's JSON where members may be missing
 *
 * Pages are drawn from the JSON of a report and from nothing else, so that one
 * drawn at exit and one drawn a year later from the file are the same. A file
 * may be old, cut by hand or foreign: what is not there reads as nothing (0,
 * an empty text), so that no step has to ask.
 */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json_doc.h"

/** struct view - one value of a document (borrowed), or nothing */
struct view {
	const struct json_doc *doc;
	uint32_t at;
	bool there;
};

static inline struct view view_of(const struct json_doc *doc)
{
	return (struct view){ doc, 0, doc->count > 0 };
}

/** view_get() - the member at @path, names with dots between them ("requests.lost.gap") */
struct view view_get(struct view v, const char *path);

/** view_number() - a number; 0 when it is none or not finite */
double view_number(struct view v);

/** view_count() - an integer that is not negative; 0 when it is none */
uint64_t view_count(struct view v);

bool view_is_true(struct view v);

/** view_is() - is it a value of this type? */
bool view_is(struct view v, enum json_type type);

/** view_is_number() - is this figure known? What is not known is null in a report */
static inline bool view_is_number(struct view v)
{
	return view_is(v, JSON_NUMBER);
}

/** view_is_text() - is it this string? */
bool view_is_text(struct view v, const char *text);

/** view_text() - append what a string says; of a number or word, its text; of nothing, nothing */
void view_text(struct view v, struct buffer *out);

/** view_size() - elements of an array, members of an object; 0 of all else */
uint32_t view_size(struct view v);

/**
 * struct view_walk - for (struct view_walk w = view_walk(v); view_next(&w);) use w.name, w.value
 * @name:   of the member; nothing in an array
 */
struct view_walk {
	struct view name, value;
	uint32_t next, end;
	bool named;
};

struct view_walk view_walk(struct view v);
bool view_next(struct view_walk *w);

#endif
