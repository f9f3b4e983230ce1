/*
 * path_rules.h - the user's word on what counts, path by path
 *
 * Grammar of a rules file, line by line ('#' begins a comment at the start of a
 * line and after a blank):
 *
 *   PATTERN ignore                     no difference here or below counts; it is told all the same
 *   PATTERN exact                      numbers have to be the same (1 is 1.0)
 *   PATTERN num [rtol=R] [atol=A]      numbers are compared with this tolerance, big integers and numbers in
 *                                      strings too; what is left out is --rtol or --atol
 *   PATTERN text                       strings are compared as words: white space only separates them
 *   PATTERN argmax                     of the scores, only which is the largest; values that differ are close
 *   PATTERN topk k=K                   the same for the K largest, in any order; of strings the first K
 *   PATTERN set                        an array whose order means nothing
 *   PATTERN cosine [min=M]             a vector, or arrays of vectors: only where it points to counts
 *   PATTERN regression [rtol=R] [atol=A]  a number, or arrays of them, that the model answers: as num, and told apart
 *   PATTERN boxes [iou=I] [score=S]    the boxes found in an image: the same ones, by class and overlap
 *   PATTERN rank [k=K]                 a ranking: which are the K best (10 if left out), in any order
 *
 * PATTERN is a JSON pointer (RFC 6901: /a/0/b, ~0 is ~, ~1 is /) in which a step
 * may be * (any one member or element) or ** (any number of steps, none too); ~2
 * is a * that is meant. "" in quotes, or a pattern with blanks in quotes, where
 * \" and \\ are a quote and a backslash: "/a key" ignore.
 *
 * A rule holds for its path and for all below it (set, cosine, rank, regression and boxes: for its path alone; but what is
 * compared as a whole is not looked into, so no rule below it is asked).
 * Where several hold, the last one wins: first come those of the preset, then
 * those of the file in its order, then the options.
 *
 * All rules together are one automaton. It is walked along with a document, one
 * look-up a step, so the number of rules costs nothing; where no rule can hold
 * any more, nothing is looked up.
 */
#ifndef COMPARE_PATH_RULES_H
#define COMPARE_PATH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "compare/rules/rule_words.h"
#include "compare/tolerance.h"

#define PATH_RULES_TOP_MAX RULE_TOP_MAX

enum rule_values { VALUES_CLOSE, VALUES_EXACT, VALUES_NUMBER, VALUES_WORDS, VALUES_SCORES };

/** struct rule_effect - what holds at one place */
struct rule_effect {
	uint8_t values; /* enum rule_values; SCORES: of an argmax or topk, differences are never more than close */
	bool ignore;
	bool unordered;             /* here */
	bool decision;              /* here: the scores of a decision, of which the first @top count */
	uint32_t top;               /* 1: arg-max */
	struct tolerance tolerance; /* EXACT: zero */
	struct output_rule output;  /* here: what stands here is compared as a whole, if it can be */
	const char *ignored_by, *unordered_by; /* the rule: "rules.txt:3", "--ignore /x", "--preset v2"; or NULL */
};

struct path_rules_options {
	struct tolerance tolerance; /* --rtol, --atol */
	const char *preset;         /* NULL: none */
	struct span text;           /* of the rules file; borrowed during the call */
	const char *name;           /* its name, for messages */
	const char *const *ignore;
	size_t ignore_count;
	const char *const *unordered;
	size_t unordered_count;
};

struct path_rules;

/** path_rules_new() - 0, -EINVAL (@error: file, line, what to do) or -ENOMEM */
int path_rules_new(const struct path_rules_options *options, struct path_rules **out, struct buffer *error);
void path_rules_free(struct path_rules *r);

#define PATH_RULES_ROOT 0u /* the state at the root of every document */

/** path_rules_key() - the state one step down, at a member; @escaped: the key is as in a JSON text with backslashes */
uint32_t path_rules_key(struct path_rules *r, uint32_t state, struct span key, bool escaped);

/** path_rules_index() - the state at an element */
uint32_t path_rules_index(struct path_rules *r, uint32_t state, uint32_t index);

/** path_rules_each() - is the state at every element the same, whatever its index? */
bool path_rules_each(const struct path_rules *r, uint32_t state);

/** path_rules_inert() - no rule can begin to hold below; the state of all that is below is this one */
bool path_rules_inert(const struct path_rules *r, uint32_t state);

const struct rule_effect *path_rules_effect(const struct path_rules *r, uint32_t state);

/** path_rules_decides() - is there an argmax or topk among the rules? */
bool path_rules_decides(const struct path_rules *r);

/** path_rules_measures() - is there a rule for an output that is compared as a whole? */
bool path_rules_measures(const struct path_rules *r);

/** path_rules_label_maps() - does the preset's server respond with objects of the best labels and their scores? */
bool path_rules_label_maps(const struct path_rules *r);

/** path_rules_mark() - this place exists in a document: rules that end here have matched */
void path_rules_mark(struct path_rules *r, uint32_t state);

/** path_rules_pending() - rules (not of the preset) that have not matched yet */
size_t path_rules_pending(const struct path_rules *r);

/** path_rules_unmatched() - append them, one a line: "rules.txt:3: /outputs/x ignore" or "--ignore /x" */
void path_rules_unmatched(const struct path_rules *r, struct buffer *out);

#endif
