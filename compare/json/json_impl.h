/* json_impl.h - shared by the files of the JSON comparer, and by no others */
#ifndef COMPARE_JSON_IMPL_H
#define COMPARE_JSON_IMPL_H

#include "base/hash.h"
#include "compare/json/json_compare.h"
#include "compare/json/json_list.h"

#define VISITS_MAX 1000

/** struct json_pair - what has to be compared with what: nodes (of members: their names), and production's index */
struct json_pair {
	uint32_t a, b, index;
};

/** struct json_element - of an array whose order means nothing */
struct json_element {
	uint64_t exact, coarse; /* hashes of the value; coarse: without its numbers and the order of arrays */
	double number;          /* the first in it */
	uint32_t node, index;
};

enum frame_kind { FRAME_ELEMENTS, FRAME_MEMBERS, FRAME_PAIRED_ELEMENTS, FRAME_PAIRED_MEMBERS };

/** struct frame - a container that is being walked through */
struct frame {
	enum frame_kind kind;
	uint32_t a, b; /* the next nodes, in order */
	uint32_t left; /* pairs to go */
	uint32_t index;
	uint32_t missing, extra; /* elements behind the last pair */
	uint32_t state;          /* of the container */
	uint32_t container;      /* an object: production's node of it */
	size_t pairs, next;      /* in @pairs of the comparer: where ours begin, and the next */
};

struct json_comparer {
	struct path_rules *rules;
	const struct json_doc *a, *b; /* production, shadow */
	struct collector *out;
	struct hash_key key;
	struct buffer scratch, other, escapes;

	struct frame frames[JSON_DEPTH_MAX + 1];
	size_t depth;
	struct json_pair *pairs; /* a stack, as the frames are */
	size_t pair_count, pair_cap;
	struct json_doc arguments[2]; /* of calls of tools: JSON in a string */
	struct buffer argument_texts[2];
	uint32_t *table; /* for one call at a time */
	size_t table_cap;
	struct json_element *elements[2];
	size_t element_cap[2];
	struct json_pick picks[2][PATH_RULES_TOP_MAX];
	uint64_t hash_budget; /* nodes that may still be hashed for this pair of documents */
	uint64_t order_budget;

	/* of production's text, [equal_from, equal_to) is the same as the shadow's text, @shift bytes before */
	uint32_t equal_from, equal_to;
	int64_t shift;
	unsigned visits; /* pairs that were walked through for rules that haven't matched */
	bool failed;
	struct budget *memory;
	bool refused; /* by @memory */
};

/** json_room() - make an array of elements of @size bytes that has @cap of them one of @want; NULL: no memory */
void *json_room(struct json_comparer *jc, void *array, size_t size, size_t cap, size_t want);

/* json_values.c: scalars */

/** json_scalars() - two values of which neither is a container; at the path where @out of the comparer is */
void json_scalars(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b);

/** json_number_texts() - two numbers as text */
void json_number_texts(struct json_comparer *jc, const struct rule_effect *e, struct span a, struct span b);

/** json_difference() - a difference between two nodes; NODE_NONE: there is none on that side */
void json_difference(struct json_comparer *jc, enum difference_kind kind, uint32_t a, uint32_t b);

/** json_one_sided() - something that only one of the two has; the other node is NODE_NONE */
void json_one_sided(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b);

/** json_ignored() - of a place that a rule leaves out: note whether the two differ there, in any way but spelling */
void json_ignored(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b);

/** json_same_text() - do two strings say the same? */
bool json_same_text(struct json_comparer *jc, uint32_t a, uint32_t b);

/** json_text_hash() - of what a string or a number says; keyed */
uint64_t json_text_hash(struct json_comparer *jc, const struct json_doc *d, uint32_t node);

/* json_match.c: what belongs to what when the order doesn't tell */

/** json_same_names() - the members of two objects have the same names, each once, in the same order */
bool json_same_names(struct json_comparer *jc, uint32_t a, uint32_t b);

/** json_match_members() - pairs of members onto the stack; missing and extra ones are reported; false: no memory */
bool json_match_members(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state);

/** json_match_elements() - pairs of elements onto the stack, likewise */
bool json_match_elements(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state);

/**
 * json_same_value() - do two values of any documents say the same, whatever their spelling and the order of members?
 * No rule is asked and no tolerance allowed; "no" if looking costs more than the documents may cost.
 */
bool json_same_value(struct json_comparer *jc, const struct json_doc *da, uint32_t a, const struct json_doc *db,
		     uint32_t b);

/** json_same_arguments() - of two calls of a tool: strings that hold JSON, or values; 0: there are none */
bool json_same_arguments(struct json_comparer *jc, const struct json_doc *da, uint32_t a, const struct json_doc *db,
			 uint32_t b);

/** json_reordered() - are the elements of one array those of the other in another order, and does that mean something? */
bool json_reordered(struct json_comparer *jc, uint32_t a, uint32_t b);

/* json_decision.c */

/** json_decisions() - find and compare the decisions in both documents, without being told where */
void json_decisions(struct json_comparer *jc);

/** json_decide() - the decision that a rule names, at this place, whose state is @state */
void json_decide(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b, uint32_t state);

/* json_measure.c */

/**
 * json_measure() - compare what stands at this place as a whole, as the rule of @e says
 * Return: false if it can't be: then it is compared value by value. True: nothing below it is to be looked at.
 */
bool json_measure(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b);

/* json_rank.c: the same for a ranking */
bool json_rank(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b);

/* json_boxes.c: the same for the boxes of an image */
bool json_boxes(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b);

/* json_regression.c: the same for numbers */
bool json_regression(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b);

#endif
