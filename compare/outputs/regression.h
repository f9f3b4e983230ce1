/*
 * regression.h - numbers that a model answers: how far off, to which side, and how often too far
 *
 * A difference is the shadow's number less production's.
 */
#ifndef COMPARE_REGRESSION_H
#define COMPARE_REGRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"

/* Sizes of differences: sixteen bins for each power of two from 2^-64 on, below 2^64; one for what is less, one for more. */
#define REGRESSION_POWERS 64
#define REGRESSION_PARTS  16
#define REGRESSION_BINS	  (2 * REGRESSION_POWERS * REGRESSION_PARTS + 2)

/** struct regression_figures - the zero value is of none */
struct regression_figures {
	uint64_t agree; /* of those in @size: within the tolerance */
	uint64_t not_judged;
	uint64_t numbers;
	double sum, sum_of_sizes, sum_of_squares;
	double greatest;                /* size */
	uint64_t size[REGRESSION_BINS]; /* of the differences, without their signs */
};

/** regression_figures_add() - one difference, which is finite */
void regression_figures_add(struct regression_figures *f, double difference, bool agrees);
void regression_figures_merge(struct regression_figures *into, const struct regression_figures *from);
bool regression_figures_any(const struct regression_figures *f);

/** regression_quantile() - the size below which a share @q of the differences lies, within 3 %; NaN of none */
double regression_quantile(const struct regression_figures *f, double q);

/** regression_figures_text() - a line for a terminal; nothing if the rule was met by nothing */
void regression_figures_text(const struct regression_figures *f, struct buffer *out);

/** regression_figures_json() - the members, into an object that the caller has opened */
void regression_figures_json(const struct regression_figures *f, struct json *j);

/** regression_figures_read() - add what the object @node (0: none) says to @f; NULL, or the member that is wrong (static text) */
const char *regression_figures_read(struct regression_figures *f, const struct json_doc *d, uint32_t node);

#endif
