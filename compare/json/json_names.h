/*
 * json_names.h - the names by which servers call what decides
 *
 * Of one kind the first name that an object has counts.
 */
#ifndef COMPARE_JSON_NAMES_H
#define COMPARE_JSON_NAMES_H

#include "base/json_doc.h"
#include "base/span.h"

#define NODE_NONE UINT32_MAX /* no node of a document */

struct json_names {
	const struct span *at;
	size_t count;
};

extern const struct json_names json_label_names;   /* what was decided: "label", "class", ... */
extern const struct json_names json_score_names;   /* how sure of it: "score", "probability", ... */
extern const struct json_names json_vector_names;  /* scores of all labels: "probabilities", ... */
extern const struct json_names json_classes_names; /* which labels these are of: "labels", ... */

/** json_named() - the value of the last member with one of @names; NODE_NONE, also if @object is none */
uint32_t json_named(const struct json_doc *d, uint32_t object, const struct json_names *names);

#endif
