/*
 * outputs.h - outputs that a rule compares as a whole: what came of them, added up
 *
 * A rule may say of a place that what stands there is one output and not a lot of values: an embedding, a ranking, a
 * price. It is then judged by one figure, agrees or does not, and its figures are added up. Everything here is a count, a
 * sum, a least or a greatest, so that what two pairs or two reports gave is added up alike. One thread at a time.
 */
#ifndef COMPARE_OUTPUTS_H
#define COMPARE_OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "compare/outputs/boxes.h"
#include "compare/outputs/cosine.h"
#include "compare/outputs/rank.h"
#include "compare/outputs/regression.h"
#include "compare/tolerance.h"
#include "compare/verdicts.h"

/* The words of rules that name a kind of output. */
#define OUTPUT_KINDS(X) X(COSINE, "cosine") X(RANK, "rank") X(REGRESSION, "regression") X(BOXES, "boxes")

enum output_kind {
	OUTPUT_NONE,
#define X(id, name) OUTPUT_##id,
	OUTPUT_KINDS(X)
#undef X
	OUTPUT_KIND_COUNT
};

/** struct output_rule - what a rule says of the output at a place */
struct output_rule {
	enum output_kind kind; /* NONE: it says nothing */
	double least;          /* cosine: that agrees; boxes: overlap of what is the same */
	double score;          /* boxes: those below it do not count */
	struct tolerance tolerance; /* regression: of what agrees */
	double k;              /* rank: a whole number, of the places that count */
	bool preset;           /* of a preset, which knows less than a user: rank needs items with an index, and a place
				* that is something else may be a decision */
};

/** output_rule_names() - does the user say what stands there? Then nothing is guessed */
static inline bool output_rule_names(const struct output_rule *r)
{
	return r->kind != OUTPUT_NONE && !r->preset;
}

/** struct outputs - of one pair, or of many; the zero value is of none */
struct outputs {
	struct cosine_figures cosine;
	struct rank_figures rank;
	struct regression_figures regression;
	struct boxes_figures boxes;
};

/** outputs_any() - is there something to tell? */
bool outputs_any(const struct outputs *o);

void outputs_merge(struct outputs *into, const struct outputs *from);

/** outputs_text() - append a line for a terminal for each kind that there is */
void outputs_text(const struct outputs *o, struct buffer *out);

/** outputs_json() - the member "outputs": an object for each kind that there is */
void outputs_json(const struct outputs *o, struct json *j);

/**
 * outputs_read() - add what such a member says to @o
 * @node: the member's value in @d, or 0: there is none
 *
 * Return: NULL, or the name of a member that cannot be what it is called; @o is of no use then. Static text.
 */
const char *outputs_read(struct outputs *o, const struct json_doc *d, uint32_t node);

/** struct outputs_found - of one pair, while it is compared */
struct outputs_found {
	struct outputs sum;
	uint64_t judged, agree;
	uint64_t differences[DIFFERENCE_COUNT]; /* that stand for an output */
	enum output_kind kind[DIFFERENCE_COUNT]; /* of the last of them */
};

void outputs_found_clear(struct outputs_found *f);

/** outputs_found_kind() - the kind of rule that all @differences of kind @d come of, as a word; NULL: others are among them */
const char *outputs_found_kind(const struct outputs_found *f, enum difference_kind d, uint64_t differences);

#endif
