/*
 * json_schema.h - does a value have the form that a schema asks for?
 *
 * Of JSON Schema only what requests to language models use to say which arguments
 * a tool takes: type, properties, required, additionalProperties (false), items,
 * enum and const of scalars. Of everything else nothing is asked: a value is
 * refused only where it is certain that the schema refuses it.
 */
#ifndef COMPARE_JSON_SCHEMA_H
#define COMPARE_JSON_SCHEMA_H

#include <stdbool.h>

#include "base/json_doc.h"

/**
 * json_schema_allows() - @node of @d by schema @at of @schema
 * Bounded: what takes more than a million steps is allowed.
 */
bool json_schema_allows(const struct json_doc *schema, uint32_t at, const struct json_doc *d, uint32_t node);

#endif
