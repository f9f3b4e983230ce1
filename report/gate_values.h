/*
 * gate_values.h - what --fail-on can ask for, and where a report holds it
 *
 * Private to gate*.c. A row says of whom the value is, of what kind, at which
 * dotted path it stands, and what it is divided by if it is a share of
 * something: an object at the path means the sum of its counts. Verdicts and
 * what replies decide follow from their lists (compare/verdicts.h).
 */
#ifndef REPORT_GATE_VALUES_H
#define REPORT_GATE_VALUES_H

#include <stddef.h>

#include "base/json_doc.h"
#include "base/span.h"

enum gate_kind { GATE_COUNT, GATE_SHARE, GATE_CHANGE, GATE_TIME, GATE_RATIO };

/* COMPARED: of comparison.targets.NAME; TARGET: of targets.NAME; RUN: of the report itself */
enum gate_scope { GATE_COMPARED, GATE_TARGET, GATE_RUN };

struct gate_value {
	const char *name;
	enum gate_scope scope;
	enum gate_kind kind;
	const char *path, *over;
};

extern const struct gate_value gate_values[];
extern const size_t gate_value_count;

/** gate_value_find() - the row called @name, or NULL */
const struct gate_value *gate_value_find(struct span name);

/** gate_value_near() - the name that @name was probably meant to be, or NULL */
const char *gate_value_near(struct span name);

/** gate_value_read() - what object @node of the report says; NaN: nothing, or null */
double gate_value_read(const struct gate_value *v, const struct json_doc *report, uint32_t node);

#endif
