/*
 * json_decision_impl.h - shared by the files that look for decisions, and by no others
 *
 *   json_choice.c    two lists: is the best of both the same?
 *   json_instance.c  the response to one input, and arrays of such
 *   json_outputs.c   V2's outputs: tensors with a shape
 *   json_decision.c  where in a response all that stands
 *
 * Each asks those above it in this list, never those below.
 */
#ifndef COMPARE_JSON_DECISION_IMPL_H
#define COMPARE_JSON_DECISION_IMPL_H

#include "compare/json/json_impl.h"
#include "compare/json/json_list.h"

#define RANK_MAX 8 /* dimensions of an array of scores; so deep these files recurse */

#define NAME(s) SPAN_LITERAL(s)

/** struct json_place - the same value in both documents, and the state of the rules there */
struct json_place {
	uint32_t a, b, state;
};

/* json_choice.c */

/** json_same_choice() - do the best @top of two lists agree? What they are called goes into @scratch and @other */
bool json_same_choice(struct json_comparer *jc, const struct json_list *a, const struct json_list *b, size_t top,
		      const struct tolerance *t);

/** json_decide_between() - the best @top of two lists are a decision, unless neither has any */
void json_decide_between(struct json_comparer *jc, struct json_list a, struct json_list b, size_t top,
			 const struct tolerance *t);

/**
 * json_decide_lists() - the same for what stands at @p, if both are lists of this kind
 * @kind:                  of production's
 * @classes_a, @classes_b: arrays of labels for numbers, or NODE_NONE
 * Return: are they? What a rule leaves out is, too, and decides nothing.
 */
bool json_decide_lists(struct json_comparer *jc, struct json_place p, enum json_list_kind kind, uint32_t classes_a,
		       uint32_t classes_b);

/** json_decide_label() - two scalars that are labels themselves, with their scores or NaN */
void json_decide_label(struct json_comparer *jc, struct json_place p, double score_a, double score_b);

/* json_instance.c */

/** json_member_place() - a member that both objects have and no rule leaves out; false if it is none */
bool json_member_place(struct json_comparer *jc, struct json_place p, struct span name, struct json_place *out);

/** json_all_labels() - is each element of @array a label? Of an empty one, too */
bool json_all_labels(const struct json_doc *d, uint32_t array);

/** json_instance() - the response to one input: an object or a list; @rank: how many arrays it is in */
void json_instance(struct json_comparer *jc, struct json_place p, int rank);

/** json_instances() - an array with an element for each input; anything else decides nothing */
void json_instances(struct json_comparer *jc, struct json_place p, int rank);

/* json_outputs.c */

/** struct json_form - of an output: the numbers in its shape, and the last of them */
struct json_form {
	uint32_t rank;
	uint64_t width; /* 0: none */
};

struct json_form json_form_of(const struct json_doc *d, uint32_t output);

/** json_is_flat() - numbers without brackets between them, on both sides */
bool json_is_flat(struct json_comparer *jc, uint32_t a, uint32_t b);

/**
 * json_rows() - a tensor's data without brackets: rows of @width scores, of which the first @top count
 *
 * A row that only one of the two has in full is a finding of the comparison, not a decision.
 */
void json_rows(struct json_comparer *jc, struct json_place data, uint32_t width, size_t top);

/** json_tensors() - V2's outputs: true if that is what they are */
bool json_tensors(struct json_comparer *jc, struct json_place p);

/* json_decision.c */

/** json_form_here() - of the V2 output that the walk is in, if production's node @a is its data; else all zero */
struct json_form json_form_here(const struct json_comparer *jc, uint32_t a);

#endif
