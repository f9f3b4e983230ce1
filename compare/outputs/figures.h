/*
 * figures.h - members of a report that hold figures, written and read back
 *
 * A reader notes the first member that cannot be what its name says and reads nothing of it; what is missing counts as
 * nothing. Counts above 2^53 are refused, and sums above 2^58: no run reaches them, and of many reports they cannot wrap
 * around.
 */
#ifndef COMPARE_FIGURES_H
#define COMPARE_FIGURES_H

#include "base/histogram.h"
#include "base/json.h"
#include "base/json_doc.h"

/** figure_exact() - a number that reads back as itself; null if it is not finite */
void figure_exact(struct json *j, const char *name, double value);

/** figure_double() - a number for readers; null if it is not finite */
void figure_double(struct json *j, const char *name, double value);

/** figure_histogram() - the member @name: buckets, greatest and sum, in the histogram's unit */
void figure_histogram(struct json *j, const char *name, const struct histogram *h);

/** struct figure_reader - @wrong: NULL, or the name of the first member that is damaged (as it was given) */
struct figure_reader {
	const struct json_doc *d;
	const char *wrong;
};

/** figure_member() - the node of the member @name of @node, which may be 0: of nothing; 0 if it is missing, null or no @type */
uint32_t figure_member(struct figure_reader *r, uint32_t node, const char *name, enum json_type type);

#define FIGURE_COUNT_MAX (UINT64_C(1) << 53)

/** figure_count() - 0 if it is missing */
uint64_t figure_count(struct figure_reader *r, uint32_t node, const char *name);

/** figure_real() - a finite number; 0 if it is missing or null */
double figure_real(struct figure_reader *r, uint32_t node, const char *name);

/** figure_histogram_read() - add what such a member says to @h */
void figure_histogram_read(struct figure_reader *r, uint32_t node, const char *name, struct histogram *h);

#endif
