/*
 * json_compare.h - two JSON documents, value by value
 *
 * Objects are compared by the names of their members, arrays in order unless a
 * rule says "set", numbers within a tolerance, strings by what they say. Cost
 * is linear in the documents (n log n where members or elements have to be
 * matched out of order), even of documents made to be slow. One thread at a
 * time.
 */
#ifndef COMPARE_JSON_COMPARE_H
#define COMPARE_JSON_COMPARE_H

#include "base/json_doc.h"
#include "compare/findings.h"
#include "compare/rules/path_rules.h"

struct json_comparer;

/**
 * json_comparer_new() - NULL when out of memory
 * @rules:   borrowed as long as the comparer lives
 * @memory:  borrowed likewise: what is charged for matching; NULL: nothing is
 */
struct json_comparer *json_comparer_new(struct path_rules *rules, struct budget *memory);
/** json_comparer_rest() - free what comparing has grown; the next documents take it anew */
void json_comparer_rest(struct json_comparer *jc);

void json_comparer_free(struct json_comparer *jc);

/**
 * json_compare() - add what differs, and what was decided, to @out, below the path it is at
 *
 * @production and @shadow may be the same document: of responses with the same bytes one is parsed, so that its
 * decisions are counted among those that agree, and rules can match. Nothing else is looked at then.
 * Return: 0, or -ENOMEM, or -EFBIG (the budget has no room): what was found is not all.
 */
int json_compare(struct json_comparer *jc, const struct json_doc *production, const struct json_doc *shadow,
		 struct collector *out);

#endif
