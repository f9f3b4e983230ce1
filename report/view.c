/* view.c - see view.h */
#include "report/view.h"

#include <math.h>
#include <string.h>

static const struct json_node *node_of(struct view v)
{
	return v.there ? &v.doc->nodes[v.at] : NULL;
}

bool view_is(struct view v, enum json_type type)
{
	return v.there && node_of(v)->type == type;
}

static struct view member(struct view v, struct span name)
{
	struct view found = { v.doc, 0, false };

	if (!view_is(v, JSON_OBJECT))
		return found;
	found.at = json_doc_member(v.doc, v.at, name);
	found.there = found.at > 0;
	return found;
}

struct view view_get(struct view v, const char *path)
{
	while (*path && v.there) {
		size_t len = strcspn(path, ".");

		v = member(v, span_of(path, len));
		path += len + (path[len] == '.');
	}
	return v;
}

double view_number(struct view v)
{
	double n = view_is(v, JSON_NUMBER) ? json_doc_double(v.doc, v.at) : 0;

	return isfinite(n) ? n : 0;
}

uint64_t view_count(struct view v)
{
	uint64_t n;

	return view_is(v, JSON_NUMBER) && json_doc_uint(v.doc, v.at, &n) ? n : 0;
}

bool view_is_true(struct view v)
{
	return view_is(v, JSON_TRUE);
}

bool view_is_text(struct view v, const char *text)
{
	return view_is(v, JSON_STRING) && span_equal(json_doc_text(v.doc, v.at), span_of(text, strlen(text)));
}

void view_text(struct view v, struct buffer *out)
{
	if (view_is(v, JSON_STRING))
		json_doc_unescape(v.doc, v.at, out);
	else if (v.there && node_of(v)->type < JSON_STRING)
		buffer_add_span(out, json_doc_text(v.doc, v.at));
}

uint32_t view_size(struct view v)
{
	return view_is(v, JSON_ARRAY) || view_is(v, JSON_OBJECT) ? node_of(v)->count : 0;
}

struct view_walk view_walk(struct view v)
{
	struct view_walk w = { .named = view_is(v, JSON_OBJECT) };

	if (view_size(v) > 0) {
		w.value.doc = w.name.doc = v.doc;
		w.next = v.at + 1;
		w.end = node_of(v)->next;
	}
	return w;
}

bool view_next(struct view_walk *w)
{
	if (w->next >= w->end)
		return false;
	if (w->named)
		w->name = (struct view){ w->name.doc, w->next++, true };
	w->value = (struct view){ w->value.doc, w->next, true };
	w->next = w->value.doc->nodes[w->next].next;
	return true;
}
