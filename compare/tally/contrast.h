/*
 * contrast.h - what the requests have in common whose responses differ: slices that are found by themselves
 *
 * "Disagreement is 14x higher (12.86% against 0.91%, 140 of 5000 pairs) where /inputs/0/shape/1 > 128."
 *
 * Each feature of each request (request_features.h) is counted in up to CONTRAST_CELLS cells: how many pairs, and how many
 * mismatches. From these counts follow, when they are asked for, the slices that stand out (contrast_find.c). Of a
 * few mismatches the whole row of cells is kept: which slices are the same pairs, and examples.
 *
 * Bounded: CONTRAST_BYTES_MAX a target, whatever is sent. Features get places in the order in which they come. Of a
 * VALUE the first CONTRAST_VALUES texts have cells of their own, and the others are put by their hash into
 * CONTRAST_GROUPS; what is not to be shown is known by 12 bits of its hash alone. Cells of numbers grow twice as wide
 * as often as it takes for all to have a place.
 *
 * Merging adds. The result is the same in any order, and as if one tap had seen all, as long as there is room for
 * all features, and for the texts of each: cells of numbers depend on the numbers alone, and which rows are kept on
 * the ids alone. Where there is no room, who comes first has it. A text that one tap shows and another one doesn't has
 * two cells.
 */
#ifndef COMPARE_TALLY_CONTRAST_H
#define COMPARE_TALLY_CONTRAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_doc.h"
#include "compare/tally/request_features.h"

#define CONTRAST_CELLS     32
#define CONTRAST_VALUES    16
#define CONTRAST_GROUPS    (CONTRAST_CELLS - CONTRAST_VALUES)
#define CONTRAST_ROWS      64  /* mismatches of which all cells are kept */
#define CONTRAST_MOST      5   /* slices that are told */
#define CONTRAST_EXAMPLES  3
#define CONTRAST_PAIRS_MIN 20  /* in a slice, and beside it */
#define CONTRAST_ALPHA     0.05

/** CONTRAST_BYTES_MAX - a target takes no more; and besides, for texts that are to be shown, CONTRAST_TEXT_BYTES_MAX */
#define CONTRAST_BYTES_MAX      (256u << 10)
#define CONTRAST_TEXT_BYTES_MAX (48u << 10)

struct contrast;

/** contrast_new() - empty; @shows_texts: keep texts that are not open, too. NULL when out of memory */
struct contrast *contrast_new(bool shows_texts);

/** contrast_add() - one pair that was compared; @count features of its request, whose id is @id */
void contrast_add(struct contrast *e, const struct feature_value *features, size_t count, uint64_t id, bool is_mismatch);

/** contrast_merge() - add @from to @into; what would count more than 2^32 - 1 pairs is left out */
void contrast_merge(struct contrast *into, const struct contrast *from);

/* Of two that are the same pairs the first is told. */
enum explained_kind {
	EXPLAINED_VALUE,   /* one text, of true, false and null, too */
	EXPLAINED_BETWEEN, /* numbers */
	EXPLAINED_GROUP,   /* texts that share a group */
	EXPLAINED_THERE,
	EXPLAINED_MISSING,
};

/**
 * struct explained - a slice that stands out; borrowed from what it was found in, until that changes
 * @above, @at_most:  BETWEEN: more than the one and not more than the other; one of them may be infinite
 * @number:           VALUE: among the texts that have a place, from 1; GROUP: of the group
 * @value:            VALUE: the text; at is NULL if it is not to be shown
 */
struct explained {
	struct span name;
	enum feature_aspect aspect;
	enum explained_kind kind;
	double above, at_most;
	struct span value;
	unsigned number;
	bool is_whole;                          /* all numbers were integers */
	uint64_t pairs, mismatches;             /* in the slice */
	uint64_t other_pairs, other_mismatches; /* beside it */
	double ratio;     /* of the two rates; infinite if there is no mismatch beside it */
	double ratio_low; /* ... is at least this, all that were looked for considered */
	double p;         /* that chance alone finds such a slice, likewise */
	uint64_t examples[CONTRAST_EXAMPLES];
	size_t example_count;
};

/**
 * contrast_find() - those that stand out, the least likely first; how many
 * @effect:  the design effect of requests that come again, at least 1: so many pairs count as one
 */
size_t contrast_find(const struct contrast *e, double effect, struct explained out[CONTRAST_MOST]);

/** contrast_where() - append what a slice is: "/inputs/0/shape/1 > 128"; text of others is in it as it came */
void contrast_where(const struct explained *x, struct buffer *out);

/** contrast_json() - the members "explained_by" and "features" of a report's target; @e NULL: nothing was counted */
void contrast_json(const struct contrast *e, double effect, struct json *j);

/** contrast_read() - the member "features", which is node @node; -EINVAL: no such member was ever written; -ENOMEM */
int contrast_read(const struct json_doc *d, uint32_t node, struct contrast **out);

/** contrast_free() - NULL allowed */
void contrast_free(struct contrast *e);

#endif
