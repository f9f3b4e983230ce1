/*
 * json_list.h - a list of one document in which a model may have decided, and the best of it
 *
 * A list is an array or an object whose elements are scores, labels with scores,
 * labels in the order of their rank, or members whose names are labels.
 *
 * Of equal scores the first is best; NaN never is, and where nothing else is
 * there, nothing is chosen.
 */
#ifndef COMPARE_JSON_LIST_H
#define COMPARE_JSON_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_doc.h"
#include "compare/json/json_names.h"

enum json_list_kind {
	LIST_NONE,
	LIST_NUMBERS, /* each a score */
	LIST_SCORED,  /* each a label with its score */
	LIST_NAMES,   /* strings, the best first */
	LIST_MEMBERS  /* of an object: the name is the label, the value its score */
};

/** struct json_list - some elements of an array, or all members of an object */
struct json_list {
	const struct json_doc *d;
	enum json_list_kind kind;
	uint32_t first, count;
	uint32_t classes; /* an array of strings: the label of each number; NODE_NONE */
};

/** struct json_pick - one of the best of a list: @label is a node, or NODE_NONE: then the index is the label */
struct json_pick {
	double score;
	uint32_t index, label;
};

/** json_is_label() - a string, a boolean or a whole number: a label itself */
bool json_is_label(const struct json_doc *d, uint32_t node);

/** json_score() - the number at @node; NaN if it is none, and of NODE_NONE */
double json_score(const struct json_doc *d, uint32_t node);

/** json_all_of_type() - are there elements in @array, all of this type, which takes one node each? */
bool json_all_of_type(const struct json_doc *d, uint32_t array, enum json_type type);

/** json_list_kind() - what kind of list an array or an object is; LIST_NONE also of what is neither */
enum json_list_kind json_list_kind(const struct json_doc *d, uint32_t node);

/** json_list_whole() - all of @node; @classes, which may be NODE_NONE, names its numbers if it has as many strings */
struct json_list json_list_whole(const struct json_doc *d, uint32_t node, enum json_list_kind kind, uint32_t classes);

/** json_list_item() - the @index-th of a list, at @node; moves @node on */
struct json_pick json_list_item(const struct json_list *l, uint32_t index, uint32_t *node);

/** json_list_choose() - the best of a list into @picks, which has room for @top, the best first; how many there are */
size_t json_list_choose(const struct json_list *l, size_t top, struct json_pick *picks);

/** json_list_same() - two lists of scores that are written alike have the same best; the first that is not ends this */
bool json_list_same(const struct json_list *a, const struct json_list *b);

#endif
