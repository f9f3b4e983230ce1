/* json_list.c - see json_list.h */
#include "compare/json/json_list.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"

bool json_is_label(const struct json_doc *d, uint32_t node)
{
	uint64_t n;

	switch ((enum json_type)d->nodes[node].type) {
	case JSON_STRING:
	case JSON_TRUE:
	case JSON_FALSE:
		return true;
	case JSON_NUMBER: {
		struct span text = json_doc_text(d, node);

		return json_doc_uint(d, node, &n) ||
		       (text.len > 1 && text.at[0] == '-' && decimal_read(text).integer);
	}
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		return false;
	}
	return false;
}

double json_score(const struct json_doc *d, uint32_t node)
{
	struct decimal n;
	double x;

	if (node == NODE_NONE || d->nodes[node].type != JSON_NUMBER)
		return (double)NAN;
	n = decimal_read(json_doc_text(d, node));
	return decimal_estimate(&n, &x) ? x : json_doc_double(d, node);
}

/** scored() - is this value a label with a score: ["cat", 0.9] or {"label": "cat", "score": 0.9}? */
static bool scored(const struct json_doc *d, uint32_t node, uint32_t *label, uint32_t *score)
{
	const struct json_node *n = &d->nodes[node];

	if (n->type == JSON_ARRAY) {
		*label = node + 1;
		*score = node + 2;
		return n->count == 2 && d->nodes[node + 1].type == JSON_STRING &&
		       d->nodes[node + 2].type == JSON_NUMBER;
	}
	if (n->type != JSON_OBJECT)
		return false;
	*label = json_named(d, node, &json_label_names);
	*score = json_named(d, node, &json_score_names);
	return *label != NODE_NONE && *score != NODE_NONE && json_is_label(d, *label) &&
	       d->nodes[*score].type == JSON_NUMBER;
}

bool json_all_of_type(const struct json_doc *d, uint32_t array, enum json_type type)
{
	const struct json_node *n = &d->nodes[array];

	for (uint32_t i = 1; i <= n->count; i++)
		if (array + i >= n->next || d->nodes[array + i].type != type)
			return false;
	return n->count > 0;
}

enum json_list_kind json_list_kind(const struct json_doc *d, uint32_t node)
{
	const struct json_node *n = &d->nodes[node];
	uint32_t label, score;

	if (n->type == JSON_OBJECT) {
		for (uint32_t i = node + 1; i < n->next; i = d->nodes[i + 1].next)
			if (d->nodes[i + 1].type != JSON_NUMBER)
				return LIST_NONE;
		return n->count >= 2 ? LIST_MEMBERS : LIST_NONE;
	}
	if (n->type != JSON_ARRAY || n->count == 0)
		return LIST_NONE;
	if (d->nodes[node + 1].type == JSON_NUMBER)
		return n->count >= 2 && json_all_of_type(d, node, JSON_NUMBER) ? LIST_NUMBERS : LIST_NONE;
	if (d->nodes[node + 1].type == JSON_STRING)
		return json_all_of_type(d, node, JSON_STRING) ? LIST_NAMES : LIST_NONE;
	for (uint32_t i = node + 1; i < n->next; i = d->nodes[i].next)
		if (!scored(d, i, &label, &score))
			return LIST_NONE;
	return LIST_SCORED;
}

struct json_list json_list_whole(const struct json_doc *d, uint32_t node, enum json_list_kind kind, uint32_t classes)
{
	bool usable = classes != NODE_NONE && d->nodes[classes].type == JSON_ARRAY &&
		      d->nodes[classes].count == d->nodes[node].count && json_all_of_type(d, classes, JSON_STRING);

	return (struct json_list){ d, kind, node + 1, d->nodes[node].count, usable ? classes : NODE_NONE };
}

static void insert_pick(struct json_pick *picks, size_t *count, size_t top, struct json_pick p)
{
	size_t at = *count;

	if (isnan(p.score) || (at == top && p.score <= picks[at - 1].score))
		return;
	if (at < top)
		++*count;
	else
		at--;
	for (; at > 0 && picks[at - 1].score < p.score; at--)
		picks[at] = picks[at - 1];
	picks[at] = p;
}

struct json_pick json_list_item(const struct json_list *l, uint32_t index, uint32_t *node)
{
	struct json_pick p = { .index = index, .label = NODE_NONE };
	uint32_t score = *node;

	switch (l->kind) {
	case LIST_NONE:
	case LIST_NUMBERS:
		p.label = l->classes == NODE_NONE ? NODE_NONE : l->classes + 1 + index;
		break;
	case LIST_SCORED:
		scored(l->d, *node, &p.label, &score);
		break;
	case LIST_NAMES:
		p.label = *node;
		p.score = -(double)index;
		break;
	case LIST_MEMBERS:
		p.label = *node;
		score = ++*node;
		break;
	}
	*node = l->d->nodes[*node].next;
	if (l->kind != LIST_NAMES)
		p.score = json_score(l->d, score);
	return p;
}

size_t json_list_choose(const struct json_list *l, size_t top, struct json_pick *picks)
{
	uint32_t node = l->first;
	size_t count = 0;

	/* the many: only those that may be among the best are looked at further */
	if (l->kind == LIST_NUMBERS) {
		double lowest = -INFINITY;

		for (uint32_t i = 0; i < l->count; i++) {
			double score = json_score(l->d, node + i);

			if (!(score > lowest) && (count == top || isnan(score)))
				continue;
			insert_pick(picks, &count, top,
				    (struct json_pick){ score, i,
							l->classes == NODE_NONE ? NODE_NONE : l->classes + 1 + i });
			if (count == top)
				lowest = picks[count - 1].score;
		}
		return count;
	}
	for (uint32_t i = 0; i < l->count; i++)
		insert_pick(picks, &count, top, json_list_item(l, i, &node));
	return count;
}

bool json_list_same(const struct json_list *a, const struct json_list *b)
{
	if (a->d == b->d && a->first == b->first)
		return true;
	if (a->kind != LIST_NUMBERS || a->count != b->count || a->classes != NODE_NONE ||
	    b->classes != NODE_NONE)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct json_node *x = &a->d->nodes[a->first + i], *y = &b->d->nodes[b->first + i];

		if (x->len != y->len || memcmp(a->d->text.at + x->at, b->d->text.at + y->at, x->len) != 0)
			return false;
	}
	return true;
}
