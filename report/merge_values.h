/*
 * merge_values.h - the same member of several reports, as one value
 *
 * Private to merge.c. A set is one node of each report that has it.
 */
#ifndef REPORT_MERGE_VALUES_H
#define REPORT_MERGE_VALUES_H

#include "base/json.h"
#include "report/merge.h"

struct merge {
	const struct json_doc *docs;
	size_t count;
	struct json j;
	struct buffer *error;
	struct buffer warnings; /* own memory; a line each */
	int err;
};

struct merge_set {
	uint32_t node[MERGE_REPORTS_MAX]; /* 0, the whole report, where has is false */
	bool has[MERGE_REPORTS_MAX];
};

/** merge_members() - the members called @name of a set of objects; null counts as not there */
struct merge_set merge_members(const struct merge *m, const struct merge_set *from, const char *name);

/** merge_reports() - the set of the reports themselves */
struct merge_set merge_reports(const struct merge *m);

/** merge_first() - the first report that has it; count if none has */
size_t merge_first(const struct merge *m, const struct merge_set *s);

/** merge_differs() - is the value, as text, not the same wherever it is? */
bool merge_differs(const struct merge *m, const struct merge_set *s);

/** merge_each() - call @each once for every name that any of the objects has, in the order they come */
void merge_each(struct merge *m, const struct merge_set *from, void *ctx,
		void (*each)(struct merge *m, void *ctx, const char *name, const struct merge_set *members));

/** merge_value() - write the value: counts are added, objects member by member, times by buckets, else the first's */
void merge_value(struct merge *m, const char *name, const struct merge_set *s, int depth);

/** merge_copy() - write node @node of report @doc as it is; what JSON does not have (NaN) becomes null */
void merge_copy(struct merge *m, size_t doc, uint32_t node, int depth);

/** merge_fail() - the reports do not fit together: "@name" is @what */
void merge_fail(struct merge *m, size_t doc, const char *name, const char *what);

#endif
