/*
 * cosine.h - embeddings: how far apart do two vectors point?
 *
 * Two vectors of the same model in another precision differ in every number and mean the same: what is made of them
 * (a search, a clustering) depends on the angle between them. The cosine is summed up in double precision, element by
 * element, and is right to 1e-12 for vectors of some thousand numbers.
 */
#ifndef COMPARE_COSINE_H
#define COMPARE_COSINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/json.h"
#include "base/json_doc.h"

/** struct cosine_sums - over the elements of two vectors; of none if .same is true and all else zero */
struct cosine_sums {
	double dot, production, shadow; /* products, squares */
	uint64_t count;
	bool same; /* each element is that of the other vector */
};

static inline struct cosine_sums cosine_begin(void)
{
	return (struct cosine_sums){ .same = true };
}

static inline void cosine_element(struct cosine_sums *s, double production, double shadow)
{
	s->dot += production * shadow;
	s->production += production * production;
	s->shadow += shadow * shadow;
	s->same = s->same && production == shadow;
	s->count++;
}

/** struct cosine - of two vectors; @ratio: the shadow's length in that of production */
struct cosine {
	double value, ratio;
};

/**
 * cosine_of() - the cosine of two vectors, from -1 to 1
 *
 * Vectors that are the same have a cosine of 1 and a ratio of 1, whatever they are made of.
 * Return: false if there is none: no element, a vector of zeros, or numbers that are not finite or too large to be squared.
 */
bool cosine_of(const struct cosine_sums *s, struct cosine *out);

#define COSINE_UNIT 1e-9 /* of 1 - cos in the histogram */

/** struct cosine_figures - of many pairs of vectors; the zero value is of none */
struct cosine_figures {
	uint64_t agree;           /* of those in @distance: at least what the rule asks for */
	uint64_t other_dimension; /* the two vectors have not the same length; not in @distance */
	uint64_t not_judged;      /* the rule held, and there was no cosine: compared value by value */
	struct histogram distance; /* 1 - cos, in COSINE_UNIT */
	double ratio_min, ratio_max, ratio_sum;
};

void cosine_figures_add(struct cosine_figures *f, const struct cosine *c, bool agrees);
void cosine_figures_merge(struct cosine_figures *into, const struct cosine_figures *from);

/** cosine_figures_any() - was the rule met by anything? */
bool cosine_figures_any(const struct cosine_figures *f);

/** cosine_figures_text() - a line for a terminal; nothing if the rule was met by nothing */
void cosine_figures_text(const struct cosine_figures *f, struct buffer *out);

/** cosine_figures_json() - the members, into an object that the caller has opened */
void cosine_figures_json(const struct cosine_figures *f, struct json *j);

/** cosine_figures_read() - add what the object @node says to @f; NULL, or the member that is wrong (static text) */
const char *cosine_figures_read(struct cosine_figures *f, const struct json_doc *d, uint32_t node);

#endif
