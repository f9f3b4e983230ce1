/*
 * json_decision.c - what a model decided, found in its response without being told where
 *
 * Theory of operation: servers put their responses under a few names, and what
 * stands there tells by its shape what it is:
 *
 *   {"predictions": [...]}     V1: an element for each input
 *   {"outputs": [{"data": ..., "shape": [...]}]}   V2: the last dimension is one input's scores
 *   {"outputs": ...}           TF Serving by columns: an array, or an object of named arrays
 *   {"results": [...]}         TF Serving's classify: pairs of label and score; rerankers: index and score
 *   {"result": {"classifications": [{"classes": [...]}]}}   the same over gRPC
 *   {"data": [{...}]}          vLLM's classify: label and probs
 *   [...]                      the same without a name
 *   {...}                      one input: label, probabilities, ...
 *   {"cat": 0.9, "dog": 0.1}   TorchServe: scores by label, if they are shares that add up to 1; with its
 *                              preset also to less, since it answers the best five
 *
 * Under results, data and no name at all only what has labels counts: arrays of
 * numbers there are embeddings as often as scores. Elsewhere an element is an array of numbers (the largest is
 * the decision: its index), a list of labels with scores (the label of the best), an object with a label or
 * scores by the names in the tables below, or a plain integer, boolean or string,
 * which is a label itself. A plain number with a point is a regression and
 * decides nothing; so does an array of one number. In V2's outputs the last dimension of integers
 * of 16 bits and more is not scores but ids: each is a label, in brackets or not.
 * Where an output's data has no brackets, its shape says how long a row is, for
 * the decisions found here and for those of a rule (json_decide()).
 *
 * Of equal scores the first is best; NaN never is, and where nothing else is
 * there, nothing is decided ("none"). Two decisions agree as well if one model
 * has both of them within the tolerance of its best: then it has no preference
 * that the other could contradict.
 *
 * In an array that a rule calls a set no place belongs to an input, so nothing is
 * decided by place there.
 *
 * Both documents are walked through together, the production's shape leading;
 * what one of them has alone is a finding of the comparison, not a decision.
 */
#include "compare/json_impl.h"

#include <math.h>
#include <stdio.h>

#include "base/decimal.h"

#define RANK_MAX 8 /* dimensions of an array of scores; so deep this file recurses */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NAME(s) SPAN_LITERAL(s)

#define LABEL_NAMES(X)                                                                                         \
	X("label")                                                                                             \
	X("class") X("class_name") X("predicted_class") X("predicted_label") X("prediction") X("index")
#define SCORE_NAMES(X) X("score") X("probability") X("confidence") X("prob") X("relevance_score")
#define VECTOR_NAMES(X) X("probabilities") X("scores") X("probs") X("logits") X("confidences")
#define CLASSES_NAMES(X) X("labels") X("classes") X("class_names")

#define ROW(s) { (const uint8_t *)(s), sizeof(s) - 1 },
static const struct span label_names[] = { LABEL_NAMES(ROW) };
static const struct span score_names[] = { SCORE_NAMES(ROW) };
static const struct span vector_names[] = { VECTOR_NAMES(ROW) };
static const struct span classes_names[] = { CLASSES_NAMES(ROW) };

/** struct place - the same value in both documents */
struct place {
	uint32_t a, b, state;
};

enum list_kind {
	LIST_NONE,
	LIST_NUMBERS, /* each a score */
	LIST_SCORED,  /* each a label with its score */
	LIST_NAMES,   /* strings, the best first */
	LIST_MEMBERS  /* of an object: the name is the label, the value its score */
};

static bool is_scalar_label(const struct json_doc *d, uint32_t node)
{
	uint64_t n;

	switch ((enum json_type)d->nodes[node].type) {
	case JSON_STRING:
	case JSON_TRUE:
	case JSON_FALSE:
		return true;
	case JSON_NUMBER: {
		struct span text = json_doc_text(d, node);

		return json_doc_uint(d, node, &n) ||
		       (text.len > 1 && text.at[0] == '-' && decimal_read(text).integer);
	}
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		return false;
	}
	return false;
}

static double score_at(const struct json_doc *d, uint32_t node)
{
	struct decimal n;
	double x;

	if (node == NODE_NONE || d->nodes[node].type != JSON_NUMBER)
		return (double)NAN;
	n = decimal_read(json_doc_text(d, node));
	return decimal_estimate(&n, &x) ? x : json_doc_double(d, node);
}

/** any_member() - the value of the last member with one of these names; NODE_NONE */
static uint32_t any_member(const struct json_doc *d, uint32_t object, const struct span *names, size_t count)
{
	if (d->nodes[object].type != JSON_OBJECT)
		return NODE_NONE;
	for (size_t i = 0; i < count; i++) {
		uint32_t node = json_doc_member(d, object, names[i]);

		if (node)
			return node;
	}
	return NODE_NONE;
}

/** scored() - is this value a label with a score: ["cat", 0.9] or {"label": "cat", "score": 0.9}? */
static bool scored(const struct json_doc *d, uint32_t node, uint32_t *label, uint32_t *score)
{
	const struct json_node *n = &d->nodes[node];

	if (n->type == JSON_ARRAY) {
		*label = node + 1;
		*score = node + 2;
		return n->count == 2 && d->nodes[node + 1].type == JSON_STRING &&
		       d->nodes[node + 2].type == JSON_NUMBER;
	}
	if (n->type != JSON_OBJECT)
		return false;
	*label = any_member(d, node, label_names, COUNT(label_names));
	*score = any_member(d, node, score_names, COUNT(score_names));
	return *label != NODE_NONE && *score != NODE_NONE && is_scalar_label(d, *label) &&
	       d->nodes[*score].type == JSON_NUMBER;
}

static bool all_of_type(const struct json_doc *d, uint32_t array, enum json_type type)
{
	const struct json_node *n = &d->nodes[array];

	for (uint32_t i = 1; i <= n->count; i++)
		if (array + i >= n->next || d->nodes[array + i].type != type)
			return false;
	return n->count > 0;
}

/** list_kind() - what kind of list an array or an object is */
static enum list_kind list_kind(const struct json_doc *d, uint32_t node)
{
	const struct json_node *n = &d->nodes[node];
	uint32_t label, score;

	if (n->type == JSON_OBJECT) {
		for (uint32_t i = node + 1; i < n->next; i = d->nodes[i + 1].next)
			if (d->nodes[i + 1].type != JSON_NUMBER)
				return LIST_NONE;
		return n->count >= 2 ? LIST_MEMBERS : LIST_NONE;
	}
	if (n->type != JSON_ARRAY || n->count == 0)
		return LIST_NONE;
	if (d->nodes[node + 1].type == JSON_NUMBER)
		return n->count >= 2 && all_of_type(d, node, JSON_NUMBER) ? LIST_NUMBERS : LIST_NONE;
	if (d->nodes[node + 1].type == JSON_STRING)
		return all_of_type(d, node, JSON_STRING) ? LIST_NAMES : LIST_NONE;
	for (uint32_t i = node + 1; i < n->next; i = d->nodes[i].next)
		if (!scored(d, i, &label, &score))
			return LIST_NONE;
	return LIST_SCORED;
}

/** struct list - some elements of an array, or all members of an object */
struct list {
	const struct json_doc *d;
	enum list_kind kind;
	uint32_t first, count;
	uint32_t classes; /* an array of strings: the label of each number; NODE_NONE */
};

static void insert_pick(struct json_pick *picks, size_t *count, size_t top, struct json_pick p)
{
	size_t at = *count;

	if (isnan(p.score) || (at == top && p.score <= picks[at - 1].score))
		return;
	if (at < top)
		++*count;
	else
		at--;
	for (; at > 0 && picks[at - 1].score < p.score; at--)
		picks[at] = picks[at - 1];
	picks[at] = p;
}

/** item() - the @index-th of a list, at @node; moves @node on */
static struct json_pick item(const struct list *l, uint32_t index, uint32_t *node)
{
	struct json_pick p = { .index = index, .label = NODE_NONE };
	uint32_t score = *node;

	switch (l->kind) {
	case LIST_NONE:
	case LIST_NUMBERS:
		p.label = l->classes == NODE_NONE ? NODE_NONE : l->classes + 1 + index;
		break;
	case LIST_SCORED:
		scored(l->d, *node, &p.label, &score);
		break;
	case LIST_NAMES:
		p.label = *node;
		p.score = -(double)index;
		break;
	case LIST_MEMBERS:
		p.label = *node;
		score = ++*node;
		break;
	}
	*node = l->d->nodes[*node].next;
	if (l->kind != LIST_NAMES)
		p.score = score_at(l->d, score);
	return p;
}

static size_t choose(const struct list *l, size_t top, struct json_pick *picks)
{
	uint32_t node = l->first;
	size_t count = 0;

	if (l->kind ==
	    LIST_NUMBERS) { /* the many: only those that may be among the best are looked at further */
		double lowest = -INFINITY;

		for (uint32_t i = 0; i < l->count; i++) {
			double score = score_at(l->d, node + i);

			if (!(score > lowest) && (count == top || isnan(score)))
				continue;
			insert_pick(
				picks, &count, top,
				(struct json_pick){ score, i,
						    l->classes == NODE_NONE ? NODE_NONE : l->classes + 1 + i });
			if (count == top)
				lowest = picks[count - 1].score;
		}
		return count;
	}
	for (uint32_t i = 0; i < l->count; i++)
		insert_pick(picks, &count, top, item(l, i, &node));
	return count;
}

/** same_label() - of a pick of production and one of the shadow */
static bool same_label(struct json_comparer *jc, const struct json_pick *a, const struct json_pick *b)
{
	if (a->label == NODE_NONE || b->label == NODE_NONE)
		return a->label == b->label && a->index == b->index;
	return jc->a->nodes[a->label].type == jc->b->nodes[b->label].type &&
	       json_same_text(jc, a->label, b->label);
}

/** is_tied() - has @l an item with the label of @foreign whose score is as good as that of @last? */
static bool is_tied(struct json_comparer *jc, const struct list *l, const struct json_pick *foreign,
		    bool of_shadow, const struct json_pick *last, const struct tolerance *t)
{
	double slack = isfinite(last->score) ? fabs(last->score) * DECIMAL_ERROR : 0;
	uint32_t node = l->first;

	for (uint32_t i = 0; i < l->count; i++) {
		struct json_pick p = item(l, i, &node);

		if (of_shadow ? same_label(jc, &p, foreign) : same_label(jc, foreign, &p))
			return p.score >= last->score - slack ||
			       tolerance_nearness(t, last->score, p.score) != NEAR_OUTSIDE;
	}
	return false;
}

/** struct choice - the best of one side's list */
struct choice {
	struct list list;
	struct json_pick *picks;
	size_t count;
};

/** one_agrees() - each pick of @other is among those of @own, or tied with the last of them */
static bool one_agrees(struct json_comparer *jc, const struct choice *own, const struct choice *other,
		       bool other_is_shadow, const struct tolerance *t)
{
	for (size_t i = 0; i < other->count; i++) {
		bool found = false;

		for (size_t j = 0; j < own->count && !found; j++)
			found = other_is_shadow ? same_label(jc, &own->picks[j], &other->picks[i])
						: same_label(jc, &other->picks[i], &own->picks[j]);
		if (!found && (own->list.kind == LIST_NAMES || own->count == 0 ||
			       !is_tied(jc, &own->list, &other->picks[i], other_is_shadow,
					&own->picks[own->count - 1], t)))
			return false;
	}
	return own->count == other->count;
}

/* Without printf(), which would cost more than finding the largest of ten numbers */
static void add_index(struct buffer *out, uint32_t index)
{
	char digits[10];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + index % 10);
	while (index /= 10);
	buffer_add(out, digits + at, sizeof(digits) - at);
}

/** write_labels() - "3", "cat", or "3,8,1" */
static void write_labels(const struct choice *c, struct buffer *out)
{
	buffer_clear(out);
	for (size_t i = 0; i < c->count && out->len < LABEL_TEXT; i++) {
		if (i > 0)
			buffer_add_str(out, ",");
		if (c->picks[i].label == NODE_NONE)
			add_index(out, c->picks[i].index);
		else
			json_doc_unescape(c->list.d, c->picks[i].label, out);
	}
	if (c->count == 0)
		buffer_add_str(out, "none");
}

/** record() - a decision at this place, its labels being in @scratch and @other */
static void record(struct json_comparer *jc, double production, double shadow, bool agrees)
{
	struct span a = buffer_span(&jc->scratch), b = buffer_span(&jc->other);
	struct finding *f;

	jc->failed |= !buffer_ok(&jc->scratch) || !buffer_ok(&jc->other);
	collector_decision(jc->out, a, production, b, shadow, agrees);
	f = agrees ? NULL : collector_add(jc->out, DIFFERENCE_DECISION);
	if (f) {
		finding_text(f->production, a);
		finding_text(f->shadow, b);
	}
}

/** same_numbers() - two lists of scores that are written alike have the same best; the first that is not ends this */
static bool same_numbers(const struct list *a, const struct list *b)
{
	if (a->d == b->d && a->first == b->first)
		return true;
	if (a->kind != LIST_NUMBERS || a->count != b->count || a->classes != NODE_NONE ||
	    b->classes != NODE_NONE)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct json_node *x = &a->d->nodes[a->first + i], *y = &b->d->nodes[b->first + i];

		if (x->len != y->len || memcmp(a->d->text.at + x->at, b->d->text.at + y->at, x->len) != 0)
			return false;
	}
	return true;
}

static void decide(struct json_comparer *jc, struct list a, struct list b, size_t top,
		   const struct tolerance *t)
{
	struct choice ca = { a, jc->picks[0], choose(&a, top, jc->picks[0]) };
	struct choice cb = { b, jc->picks[1], 0 };
	bool same = same_numbers(&a, &b), agrees;

	if (same)
		memcpy(jc->picks[1], jc->picks[0], ca.count * sizeof(*ca.picks));
	cb.count = same ? ca.count : choose(&b, top, jc->picks[1]);
	if (ca.count == 0 && cb.count == 0)
		return;
	agrees = same || one_agrees(jc, &ca, &cb, true, t) || one_agrees(jc, &cb, &ca, false, t);
	write_labels(&ca, &jc->scratch);
	write_labels(&cb, &jc->other);
	record(jc, ca.count && a.kind != LIST_NAMES ? ca.picks[0].score : (double)NAN,
	       cb.count && b.kind != LIST_NAMES ? cb.picks[0].score : (double)NAN, agrees);
}

static struct list whole(const struct json_doc *d, uint32_t node, enum list_kind kind, uint32_t classes)
{
	bool usable = classes != NODE_NONE && d->nodes[classes].type == JSON_ARRAY &&
		      d->nodes[classes].count == d->nodes[node].count && all_of_type(d, classes, JSON_STRING);

	return (struct list){ d, kind, node + 1, d->nodes[node].count, usable ? classes : NODE_NONE };
}

/** decide_lists() - if both are lists of one kind */
static bool decide_lists(struct json_comparer *jc, struct place p, enum list_kind kind, uint32_t classes_a,
			 uint32_t classes_b)
{
	const struct rule_effect *e = path_rules_effect(jc->rules, p.state);

	if (kind == LIST_NONE || list_kind(jc->b, p.b) != kind)
		return false;
	if (!e->ignore && !(e->unordered && kind == LIST_NUMBERS))
		decide(jc, whole(jc->a, p.a, kind, classes_a), whole(jc->b, p.b, kind, classes_b),
		       e->decision ? e->top : 1, &e->tolerance);
	return true;
}

/** decide_label() - two scalars that are labels themselves */
static void decide_label(struct json_comparer *jc, struct place p, double score_a, double score_b)
{
	enum json_type ta = jc->a->nodes[p.a].type, tb = jc->b->nodes[p.b].type;
	bool agrees;

	if (path_rules_effect(jc->rules, p.state)->ignore)
		return;
	agrees = ta == tb && json_same_text(jc, p.a, p.b); /* uses the buffers */
	buffer_clear(&jc->scratch);
	buffer_clear(&jc->other);
	json_doc_unescape(jc->a, p.a, &jc->scratch);
	json_doc_unescape(jc->b, p.b, &jc->other);
	record(jc, score_a, score_b, agrees);
}

/** member_place() - a member that both objects have; false if they don't */
static bool member_place(struct json_comparer *jc, struct place p, struct span name, struct place *out)
{
	out->a = json_doc_member(jc->a, p.a, name);
	out->b = json_doc_member(jc->b, p.b, name);
	if (!out->a || !out->b)
		return false;
	out->state = path_rules_key(jc->rules, p.state, name, false);
	return !path_rules_effect(jc->rules, out->state)->ignore;
}

static double best_score(const struct json_doc *d, uint32_t object)
{
	uint32_t score = any_member(d, object, score_names, COUNT(score_names));
	uint32_t vector = any_member(d, object, vector_names, COUNT(vector_names));
	struct json_pick best;

	if (score != NODE_NONE)
		return score_at(d, score);
	if (vector == NODE_NONE || list_kind(d, vector) == LIST_NONE || list_kind(d, vector) == LIST_NAMES)
		return (double)NAN;
	struct list l = whole(d, vector, list_kind(d, vector), NODE_NONE);
	return choose(&l, 1, &best) ? best.score : (double)NAN;
}

/** object() - one input's response: a label, or scores */
static bool object(struct json_comparer *jc, struct place p)
{
	struct place m;
	bool decided = false;

	for (size_t i = 0; i < COUNT(label_names) && !decided; i++) {
		if (!member_place(jc, p, label_names[i], &m) || !is_scalar_label(jc->a, m.a) ||
		    !is_scalar_label(jc->b, m.b))
			continue;
		if (span_equal(label_names[i],
			       NAME("index"))) /* of a list, unless it is ranked: see ranking() */
			continue;
		collector_enter_key(jc->out, label_names[i], false);
		decide_label(jc, m, best_score(jc->a, p.a), best_score(jc->b, p.b));
		collector_leave(jc->out);
		decided = true;
	}
	for (size_t i = 0; i < COUNT(vector_names) && !decided; i++) {
		if (!member_place(jc, p, vector_names[i], &m))
			continue;
		collector_enter_key(jc->out, vector_names[i], false);
		decided = decide_lists(jc, m, list_kind(jc->a, m.a),
				       any_member(jc->a, p.a, classes_names, COUNT(classes_names)),
				       any_member(jc->b, p.b, classes_names, COUNT(classes_names)));
		collector_leave(jc->out);
	}
	return decided;
}

/*
 * are_shares() - is each member's value a number from 0 to 1, and do they add up to 1, or to less if these may be the best alone?
 */
static bool are_shares(const struct json_doc *d, uint32_t object, bool best_alone)
{
	double sum = 0;

	if (list_kind(d, object) != LIST_MEMBERS)
		return false;
	for (uint32_t i = object + 1; i < d->nodes[object].next; i = d->nodes[i + 1].next) {
		double x = score_at(d, i + 1);

		if (!(x >= 0 && x <= 1))
			return false;
		sum += x;
	}
	return sum < 1 + 1e-3 && (best_alone || sum > 1 - 1e-3);
}

/** label_map() - one input's response is {"cat": 0.9, "dog": 0.1}, the names being the labels */
static void label_map(struct json_comparer *jc, struct place p)
{
	bool best_alone = path_rules_label_maps(jc->rules);

	if (are_shares(jc->a, p.a, best_alone) && are_shares(jc->b, p.b, best_alone))
		decide_lists(jc, p, LIST_MEMBERS, NODE_NONE, NODE_NONE);
}

static bool all_labels(const struct json_doc *d, uint32_t array)
{
	const struct json_node *n = &d->nodes[array];

	for (uint32_t i = array + 1; i < n->next; i = d->nodes[i].next)
		if (!is_scalar_label(d, i))
			return false;
	return true;
}

static void instances(struct json_comparer *jc, struct place p, int rank);

/** instance() - the response to one input */
static void instance(struct json_comparer *jc, struct place p, int rank)
{
	enum json_type ta = jc->a->nodes[p.a].type, tb = jc->b->nodes[p.b].type;
	enum list_kind kind;

	if (ta != tb || path_rules_effect(jc->rules, p.state)->ignore)
		return;
	if (ta == JSON_OBJECT) {
		if (!object(jc, p))
			label_map(jc, p);
	} else if (ta == JSON_ARRAY) {
		kind = list_kind(jc->a, p.a);
		if (kind != LIST_NAMES && decide_lists(jc, p, kind, NODE_NONE, NODE_NONE))
			return;
		instances(jc, p, rank + 1);
	}
}

/** instances() - an array with an element for each input */
static void instances(struct json_comparer *jc, struct place p, int rank)
{
	const struct json_node *na = &jc->a->nodes[p.a], *nb = &jc->b->nodes[p.b];
	struct place e = { p.a + 1, p.b + 1, 0 };
	bool labels;

	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count == 0 || rank > RANK_MAX ||
	    path_rules_effect(jc->rules, p.state)->unordered)
		return;
	labels = all_labels(jc->a, p.a) && all_labels(jc->b, p.b);
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na->count && i < nb->count; i++) {
		collector_index(jc->out, i);
		e.state = path_rules_index(jc->rules, p.state, i);
		if (labels)
			decide_label(jc, e, (double)NAN, (double)NAN);
		else
			instance(jc, e, rank);
		e.a = jc->a->nodes[e.a].next;
		e.b = jc->b->nodes[e.b].next;
	}
	collector_leave(jc->out);
}

/** is_distribution() - numbers from 0 to 1 that add up to 1 */
static bool is_distribution(const struct json_doc *d, uint32_t array)
{
	double sum = 0;

	for (uint32_t i = 1; i <= d->nodes[array].count; i++) {
		double x = score_at(d, array + i);

		if (!(x >= 0 && x <= 1))
			return false;
		sum += x;
	}
	return fabs(sum - 1) < 1e-3;
}

/**
 * rows() - a tensor's data without brackets: rows of @width scores, of which the first @top count
 * A row that only one of the two has in full is a finding of the comparison, not a decision.
 */
static void rows(struct json_comparer *jc, struct place data, uint32_t width, size_t top)
{
	uint32_t na = jc->a->nodes[data.a].count, nb = jc->b->nodes[data.b].count;
	const struct rule_effect *e;

	if (path_rules_effect(jc->rules, data.state)->unordered)
		return;
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; width <= na - i && i <= nb && width <= nb - i; i += width) {
		e = path_rules_effect(jc->rules, path_rules_index(jc->rules, data.state, i));
		collector_index(jc->out, i);
		if (!e->ignore)
			decide(jc, (struct list){ jc->a, LIST_NUMBERS, data.a + 1 + i, width, NODE_NONE },
			       (struct list){ jc->b, LIST_NUMBERS, data.b + 1 + i, width, NODE_NONE }, top,
			       &e->tolerance);
	}
	collector_leave(jc->out);
}

/** has_type() - does the datatype of a V2 output begin so? */
static bool has_type(const struct json_doc *d, uint32_t output, struct span prefix)
{
	uint32_t type = json_doc_member(d, output, NAME("datatype"));

	return type && span_starts(json_doc_text(d, type), prefix);
}

/** struct form - of an output: the numbers in its shape, and the last of them */
struct form {
	uint32_t rank;
	uint64_t width; /* 0: none */
};

static struct form form_of(const struct json_doc *d, uint32_t output)
{
	uint32_t shape = json_doc_member(d, output, NAME("shape"));
	struct form f = { 0, 0 };

	if (!shape || d->nodes[shape].type != JSON_ARRAY)
		return f;
	f.rank = d->nodes[shape].count;
	if (f.rank > 0 && !json_doc_uint(d, shape + f.rank, &f.width)) /* numbers take one node each */
		f.width = 0;
	return f;
}

/** is_flat() - numbers without brackets between them, on both sides */
static bool is_flat(struct json_comparer *jc, uint32_t a, uint32_t b)
{
	return jc->a->nodes[a].type == JSON_ARRAY && jc->b->nodes[b].type == JSON_ARRAY &&
	       all_of_type(jc->a, a, JSON_NUMBER) && all_of_type(jc->b, b, JSON_NUMBER);
}

/** nested() - a tensor's data in brackets, of which the innermost are its rows, or hold its labels */
static void nested(struct json_comparer *jc, struct place p, bool labels, int rank)
{
	const struct json_node *na = &jc->a->nodes[p.a], *nb = &jc->b->nodes[p.b];
	struct place e = { p.a + 1, p.b + 1, 0 };

	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count == 0 || rank > RANK_MAX ||
	    path_rules_effect(jc->rules, p.state)->ignore || path_rules_effect(jc->rules, p.state)->unordered)
		return;
	if (jc->a->nodes[p.a + 1].type != JSON_ARRAY) {
		if (labels)
			instances(jc, p, rank);
		else if (list_kind(jc->a, p.a) == LIST_NUMBERS)
			decide_lists(jc, p, LIST_NUMBERS, NODE_NONE, NODE_NONE);
		return;
	}
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na->count && i < nb->count; i++) {
		collector_index(jc->out, i);
		e.state = path_rules_index(jc->rules, p.state, i);
		nested(jc, e, labels, rank + 1);
		e.a = jc->a->nodes[e.a].next;
		e.b = jc->b->nodes[e.b].next;
	}
	collector_leave(jc->out);
}

/** tensor() - one output of V2, at its data */
static void tensor(struct json_comparer *jc, struct place output, struct place data)
{
	const struct json_doc *d = jc->a;
	struct form form = form_of(d, output.a);
	bool scores = has_type(d, output.a, NAME("FP")) || has_type(d, output.a, NAME("BF")) ||
		      has_type(d, output.a, NAME("INT8")) || has_type(d, output.a, NAME("UINT8"));

	if (jc->a->nodes[data.a].type != JSON_ARRAY || jc->b->nodes[data.b].type != JSON_ARRAY)
		return;
	if (!is_flat(jc, data.a, data.b) && json_doc_member(d, output.a, NAME("datatype")))
		nested(jc, data, !scores, 1); /* or labels that are no numbers */
	else if (!is_flat(jc, data.a, data.b) || (!scores && all_labels(jc->a, data.a) && all_labels(jc->b, data.b)))
		instances(jc, data, 1);
	else if (form.rank >= 2 && form.width >= 2 && form.width <= d->nodes[data.a].count)
		rows(jc, data, (uint32_t)form.width, 1);
	else if (form.rank == 1 && d->nodes[data.a].count >= 2 && is_distribution(d, data.a))
		decide_lists(jc, data, LIST_NUMBERS, NODE_NONE, NODE_NONE);
}

/** tensors() - V2's outputs: true if that is what they are */
static bool tensors(struct json_comparer *jc, struct place p)
{
	const struct json_node *na = &jc->a->nodes[p.a], *nb = &jc->b->nodes[p.b];
	struct place output = { p.a + 1, p.b + 1, 0 }, data;

	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count == 0 ||
	    path_rules_effect(jc->rules, p.state)->unordered || !json_doc_member(jc->a, p.a + 1, NAME("shape")))
		return false;
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na->count && i < nb->count; i++) {
		output.state = path_rules_index(jc->rules, p.state, i);
		collector_index(jc->out, i);
		if (!path_rules_effect(jc->rules, output.state)->ignore &&
		    member_place(jc, output, NAME("data"), &data)) {
			collector_enter_key(jc->out, NAME("data"), false);
			tensor(jc, output, data);
			collector_leave(jc->out);
		}
		output.a = jc->a->nodes[output.a].next;
		output.b = jc->b->nodes[output.b].next;
	}
	collector_leave(jc->out);
	return true;
}

/** labelled_rows() - columns "classes" and "scores" of TF Serving: a label for each score */
static bool labelled_rows(struct json_comparer *jc, struct place p)
{
	struct place scores, classes, s, c;
	uint32_t na, nb;

	if (!member_place(jc, p, NAME("scores"), &scores) || !member_place(jc, p, NAME("classes"), &classes))
		return false;
	na = jc->a->nodes[scores.a].count;
	nb = jc->b->nodes[scores.b].count;
	if (jc->a->nodes[scores.a].type != JSON_ARRAY || jc->b->nodes[scores.b].type != JSON_ARRAY ||
	    jc->a->nodes[classes.a].count != na || jc->b->nodes[classes.b].count != nb || na == 0 ||
	    jc->a->nodes[classes.a].type != JSON_ARRAY || jc->b->nodes[classes.b].type != JSON_ARRAY ||
	    path_rules_effect(jc->rules, scores.state)->unordered)
		return false;
	s = (struct place){ scores.a + 1, scores.b + 1, 0 };
	c = (struct place){ classes.a + 1, classes.b + 1, 0 };
	collector_enter_key(jc->out, NAME("scores"), false);
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na && i < nb; i++) {
		collector_index(jc->out, i);
		s.state = path_rules_index(jc->rules, scores.state, i);
		decide_lists(jc, s, list_kind(jc->a, s.a), c.a, c.b);
		s = (struct place){ jc->a->nodes[s.a].next, jc->b->nodes[s.b].next, 0 };
		c = (struct place){ jc->a->nodes[c.a].next, jc->b->nodes[c.b].next, 0 };
	}
	collector_leave(jc->out);
	collector_leave(jc->out);
	return true;
}

/** columns() - TF Serving's outputs by name */
static void columns(struct json_comparer *jc, struct place p)
{
	if (labelled_rows(jc, p))
		return;
	for (uint32_t i = p.a + 1; i < jc->a->nodes[p.a].next; i = jc->a->nodes[i + 1].next) {
		struct span key = json_doc_text(jc->a, i);
		struct place m;

		if (jc->a->nodes[i].escaped || jc->a->nodes[i + 1].type != JSON_ARRAY ||
		    !member_place(jc, p, key, &m))
			continue;
		collector_enter_key(jc->out, key, false);
		instances(jc, m, 0);
		collector_leave(jc->out);
	}
}

/** ranking() - a list of indices with their scores is one decision: which is best */
static bool ranking(struct json_comparer *jc, struct place p)
{
	if (jc->a->nodes[p.a].type != JSON_ARRAY || jc->a->nodes[p.a].count == 0 ||
	    !json_doc_member(jc->a, p.a + 1, NAME("relevance_score")))
		return false;
	return decide_lists(jc, p, list_kind(jc->a, p.a), NODE_NONE, NODE_NONE);
}

/** has_labels() - the first element of an array is an object, or a list of labels with scores */
static bool has_labels(const struct json_doc *d, uint32_t array)
{
	return d->nodes[array].count > 0 &&
	       (d->nodes[array + 1].type == JSON_OBJECT || list_kind(d, array + 1) == LIST_SCORED);
}

/** under() - what stands under one of the well-known names */
static void under(struct json_comparer *jc, struct span name, struct place p)
{
	bool outputs = span_equal(name, NAME("outputs"));
	bool general = span_equal(name, NAME("data")) || span_equal(name, NAME("results"));

	if ((outputs && tensors(jc, p)) || ranking(jc, p))
		return;
	if (jc->a->nodes[p.a].type == JSON_ARRAY) {
		if (!general || has_labels(jc->a, p.a)) /* such words stand before anything, embeddings too */
			instances(jc, p, 0);
	} else if (outputs && jc->a->nodes[p.a].type == JSON_OBJECT && jc->b->nodes[p.b].type == JSON_OBJECT)
		columns(jc, p);
	else
		instance(jc, p, 0);
}

/** are_named() - does the first of a list of classes have a label? A model without labels has scores alone */
static bool are_named(const struct json_doc *d, uint32_t classes)
{
	uint32_t label = d->nodes[classes].count > 0 ? json_doc_member(d, classes + 1, NAME("label")) : 0;

	return label && d->nodes[label].len > 0;
}

/** classifications() - TF Serving's Classify over gRPC: true if that is what it is */
static bool classifications(struct json_comparer *jc, struct place root)
{
	struct place result, list, e, classes;

	if (!member_place(jc, root, NAME("result"), &result) || !member_place(jc, result, NAME("classifications"), &list) ||
	    jc->a->nodes[list.a].type != JSON_ARRAY || jc->b->nodes[list.b].type != JSON_ARRAY ||
	    path_rules_effect(jc->rules, list.state)->unordered)
		return false;
	e = (struct place){ list.a + 1, list.b + 1, 0 };
	collector_enter_key(jc->out, NAME("result"), false);
	collector_enter_key(jc->out, NAME("classifications"), false);
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < jc->a->nodes[list.a].count && i < jc->b->nodes[list.b].count; i++) {
		e.state = path_rules_index(jc->rules, list.state, i);
		collector_index(jc->out, i);
		if (!path_rules_effect(jc->rules, e.state)->ignore && member_place(jc, e, NAME("classes"), &classes) &&
		    are_named(jc->a, classes.a)) {
			collector_enter_key(jc->out, NAME("classes"), false);
			decide_lists(jc, classes, list_kind(jc->a, classes.a), NODE_NONE, NODE_NONE);
			collector_leave(jc->out);
		}
		e.a = jc->a->nodes[e.a].next;
		e.b = jc->b->nodes[e.b].next;
	}
	collector_leave(jc->out);
	collector_leave(jc->out);
	collector_leave(jc->out);
	return true;
}

void json_decisions(struct json_comparer *jc)
{
	static const struct span names[] = { ROW("predictions") ROW("outputs") ROW("results") ROW("data") };
	struct place root = { 0, 0, PATH_RULES_ROOT }, m;

	if (jc->a->nodes[0].type != jc->b->nodes[0].type ||
	    path_rules_effect(jc->rules, PATH_RULES_ROOT)->ignore)
		return;
	if (jc->a->nodes[0].type == JSON_ARRAY) {
		if (has_labels(jc->a, 0))
			instances(jc, root, 0);
		return;
	}
	if (jc->a->nodes[0].type != JSON_OBJECT)
		return;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!member_place(jc, root, names[i], &m))
			continue;
		collector_enter_key(jc->out, names[i], false);
		under(jc, names[i], m);
		collector_leave(jc->out);
		return;
	}
	if (jc->b->nodes[0].type == JSON_OBJECT && !classifications(jc, root) && !object(jc, root))
		label_map(jc, root);
}

/** decide_below() - a rule's decision here, or in each of the arrays here */
static void decide_below(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b,
			 int rank)
{
	const struct json_node *na = &jc->a->nodes[a], *nb = &jc->b->nodes[b];
	enum list_kind kind = list_kind(jc->a, a);

	if (kind != LIST_NONE && kind == list_kind(jc->b, b)) {
		decide(jc, whole(jc->a, a, kind, NODE_NONE), whole(jc->b, b, kind, NODE_NONE), e->top,
		       &e->tolerance);
		return;
	}
	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || rank == RANK_MAX)
		return;
	collector_enter_index(jc->out, 0);
	a++;
	b++;
	for (uint32_t i = 0; i < na->count && i < nb->count; i++) {
		collector_index(jc->out, i);
		decide_below(jc, e, a, b, rank + 1);
		a = jc->a->nodes[a].next;
		b = jc->b->nodes[b].next;
	}
	collector_leave(jc->out);
}

/** enclosing_output() - the V2 output that production's node @a is the data of; NODE_NONE if it is none */
static uint32_t enclosing_output(const struct json_comparer *jc, uint32_t a)
{
	const struct frame *f = jc->depth > 0 ? &jc->frames[jc->depth - 1] : NULL;

	if (!f || (f->kind != FRAME_MEMBERS && f->kind != FRAME_PAIRED_MEMBERS) ||
	    json_doc_member(jc->a, f->container, NAME("data")) != a ||
	    !json_doc_member(jc->a, f->container, NAME("datatype")))
		return NODE_NONE;
	return f->container;
}

/*
 * A tensor without brackets has its rows in its shape. Its last dimension being
 * 1, there is nothing to choose from.
 */
void json_decide(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b, uint32_t state)
{
	uint32_t output = enclosing_output(jc, a);
	struct form form = output == NODE_NONE ? (struct form){ 0, 0 } : form_of(jc->a, output);

	if (form.rank < 2 || !is_flat(jc, a, b))
		decide_below(jc, e, a, b, 0);
	else if (form.width >= 2 && form.width <= jc->a->nodes[a].count)
		rows(jc, (struct place){ a, b, state }, (uint32_t)form.width, e->top);
}
