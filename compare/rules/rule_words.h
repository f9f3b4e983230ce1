/*
 * rule_words.h - the kinds of rules: their words, and what may follow each
 */
#ifndef COMPARE_RULE_WORDS_H
#define COMPARE_RULE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "compare/outputs/outputs.h"
#include "compare/tolerance.h"

#define RULE_TOP_MAX 100 /* the largest k */

#define RULE_WORDS(X)                                                                                          \
	X(IGNORE, "ignore")                                                                                    \
	X(EXACT, "exact") X(NUM, "num") X(TEXT, "text") X(ARGMAX, "argmax") X(TOPK, "topk") X(SET, "set")      \
	X(COSINE, "cosine") X(RANK, "rank") X(REGRESSION, "regression") X(BOXES, "boxes")

enum rule_word {
#define X(id, name) RULE_##id,
	RULE_WORDS(X)
#undef X
	RULE_WORD_COUNT
};

/** struct rule_parameters - what follows the words; what a word has no use for is left alone */
struct rule_parameters {
	struct tolerance tolerance; /* num */
	double k;                   /* topk, a whole number; 0: not given */
	struct output_rule output;
};

const char *rule_word_name(enum rule_word w);

/** rule_word_find() - RULE_WORD_COUNT if there is none */
enum rule_word rule_word_find(struct span text);

/** rule_word_list() - all of them, for a message: "ignore, exact or set" */
const char *rule_word_list(void);

/** rule_parameters_of() - those of @w where nothing follows it; @tolerance: that of the options */
struct rule_parameters rule_parameters_of(enum rule_word w, const struct tolerance *tolerance);

/** rule_parameter_take() - "rtol=1e-3" into @out; false if it may not follow @w */
bool rule_parameter_take(enum rule_word w, const char *text, struct rule_parameters *out);

/** rule_parameter_hint() - what may follow @w, for a message */
const char *rule_parameter_hint(enum rule_word w);

#endif
