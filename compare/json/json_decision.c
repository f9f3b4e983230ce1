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
 * numbers there are embeddings as often as scores. What an element says is read by
 * json_instance.c, V2's tensors by json_outputs.c, and json_choice.c says whether
 * two lists have the same best. A plain number with a point is a regression and
 * decides nothing; so does an array of one number.
 *
 * In an array that a rule calls a set no place belongs to an input, so nothing is
 * decided by place there.
 *
 * Both documents are walked through together, the production's shape leading;
 * what one of them has alone is a finding of the comparison, not a decision.
 */
#include "compare/json/json_decision_impl.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/** labelled_rows() - columns "classes" and "scores" of TF Serving: a label for each score */
static bool labelled_rows(struct json_comparer *jc, struct json_place p)
{
	struct json_place scores, classes, s, c;
	uint32_t na, nb;

	if (!json_member_place(jc, p, NAME("scores"), &scores) || !json_member_place(jc, p, NAME("classes"), &classes))
		return false;
	na = jc->a->nodes[scores.a].count;
	nb = jc->b->nodes[scores.b].count;
	if (jc->a->nodes[scores.a].type != JSON_ARRAY || jc->b->nodes[scores.b].type != JSON_ARRAY ||
	    jc->a->nodes[classes.a].count != na || jc->b->nodes[classes.b].count != nb || na == 0 ||
	    jc->a->nodes[classes.a].type != JSON_ARRAY || jc->b->nodes[classes.b].type != JSON_ARRAY ||
	    path_rules_effect(jc->rules, scores.state)->unordered)
		return false;
	s = (struct json_place){ scores.a + 1, scores.b + 1, 0 };
	c = (struct json_place){ classes.a + 1, classes.b + 1, 0 };
	collector_enter_key(jc->out, NAME("scores"), false);
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na && i < nb; i++) {
		collector_index(jc->out, i);
		s.state = path_rules_index(jc->rules, scores.state, i);
		json_decide_lists(jc, s, json_list_kind(jc->a, s.a), c.a, c.b);
		s = (struct json_place){ jc->a->nodes[s.a].next, jc->b->nodes[s.b].next, 0 };
		c = (struct json_place){ jc->a->nodes[c.a].next, jc->b->nodes[c.b].next, 0 };
	}
	collector_leave(jc->out);
	collector_leave(jc->out);
	return true;
}

/** columns() - TF Serving's outputs by name */
static void columns(struct json_comparer *jc, struct json_place p)
{
	if (labelled_rows(jc, p))
		return;
	for (uint32_t i = p.a + 1; i < jc->a->nodes[p.a].next; i = jc->a->nodes[i + 1].next) {
		struct span key = json_doc_text(jc->a, i);
		struct json_place m;

		if (jc->a->nodes[i].escaped || jc->a->nodes[i + 1].type != JSON_ARRAY ||
		    !json_member_place(jc, p, key, &m))
			continue;
		collector_enter_key(jc->out, key, false);
		json_instances(jc, m, 0);
		collector_leave(jc->out);
	}
}

/** ranking() - a list of indices with their scores is one decision: which is best */
static bool ranking(struct json_comparer *jc, struct json_place p)
{
	if (jc->a->nodes[p.a].type != JSON_ARRAY || jc->a->nodes[p.a].count == 0 ||
	    !json_doc_member(jc->a, p.a + 1, NAME("relevance_score")))
		return false;
	return json_decide_lists(jc, p, json_list_kind(jc->a, p.a), NODE_NONE, NODE_NONE);
}

/** has_labels() - the first element of an array is an object, or a list of labels with scores */
static bool has_labels(const struct json_doc *d, uint32_t array)
{
	return d->nodes[array].count > 0 &&
	       (d->nodes[array + 1].type == JSON_OBJECT || json_list_kind(d, array + 1) == LIST_SCORED);
}

/** under() - what stands under one of the well-known names */
static void under(struct json_comparer *jc, struct span name, struct json_place p)
{
	bool outputs = span_equal(name, NAME("outputs"));
	bool general = span_equal(name, NAME("data")) || span_equal(name, NAME("results"));

	if ((outputs && json_tensors(jc, p)) || ranking(jc, p))
		return;
	if (jc->a->nodes[p.a].type == JSON_ARRAY) {
		if (!general || has_labels(jc->a, p.a)) /* such words stand before anything, embeddings too */
			json_instances(jc, p, 0);
	} else if (outputs && jc->a->nodes[p.a].type == JSON_OBJECT && jc->b->nodes[p.b].type == JSON_OBJECT)
		columns(jc, p);
	else
		json_instance(jc, p, 0);
}

/** are_named() - does the first of a list of classes have a label? A model without labels has scores alone */
static bool are_named(const struct json_doc *d, uint32_t classes)
{
	uint32_t label = d->nodes[classes].count > 0 ? json_doc_member(d, classes + 1, NAME("label")) : 0;

	return label && d->nodes[label].len > 0;
}

/** classifications() - TF Serving's Classify over gRPC: true if that is what it is */
static bool classifications(struct json_comparer *jc, struct json_place root)
{
	struct json_place result, list, e, classes;

	if (!json_member_place(jc, root, NAME("result"), &result) || !json_member_place(jc, result, NAME("classifications"), &list) ||
	    jc->a->nodes[list.a].type != JSON_ARRAY || jc->b->nodes[list.b].type != JSON_ARRAY ||
	    path_rules_effect(jc->rules, list.state)->unordered)
		return false;
	e = (struct json_place){ list.a + 1, list.b + 1, 0 };
	collector_enter_key(jc->out, NAME("result"), false);
	collector_enter_key(jc->out, NAME("classifications"), false);
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < jc->a->nodes[list.a].count && i < jc->b->nodes[list.b].count; i++) {
		e.state = path_rules_index(jc->rules, list.state, i);
		collector_index(jc->out, i);
		if (!path_rules_effect(jc->rules, e.state)->ignore && json_member_place(jc, e, NAME("classes"), &classes) &&
		    are_named(jc->a, classes.a)) {
			collector_enter_key(jc->out, NAME("classes"), false);
			json_decide_lists(jc, classes, json_list_kind(jc->a, classes.a), NODE_NONE, NODE_NONE);
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
	static const struct span names[] = { SPAN_LITERAL("predictions"), SPAN_LITERAL("outputs"), SPAN_LITERAL("results"),
					     SPAN_LITERAL("data") };
	struct json_place root = { 0, 0, PATH_RULES_ROOT }, m;

	if (jc->a->nodes[0].type != jc->b->nodes[0].type ||
	    path_rules_effect(jc->rules, PATH_RULES_ROOT)->ignore)
		return;
	if (jc->a->nodes[0].type == JSON_ARRAY) {
		if (has_labels(jc->a, 0))
			json_instances(jc, root, 0);
		return;
	}
	if (jc->a->nodes[0].type != JSON_OBJECT)
		return;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!json_member_place(jc, root, names[i], &m))
			continue;
		collector_enter_key(jc->out, names[i], false);
		under(jc, names[i], m);
		collector_leave(jc->out);
		return;
	}
	if (!classifications(jc, root))
		json_instance(jc, root, 0);
}

/** decide_below() - a rule's decision here, or in each of the arrays here */
static void decide_below(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b,
			 int rank)
{
	const struct json_node *na = &jc->a->nodes[a], *nb = &jc->b->nodes[b];
	enum json_list_kind kind = json_list_kind(jc->a, a);

	if (kind != LIST_NONE && kind == json_list_kind(jc->b, b)) {
		json_decide_between(jc, json_list_whole(jc->a, a, kind, NODE_NONE), json_list_whole(jc->b, b, kind, NODE_NONE),
				    e->top, &e->tolerance);
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

struct json_form json_form_here(const struct json_comparer *jc, uint32_t a)
{
	const struct frame *f = jc->depth > 0 ? &jc->frames[jc->depth - 1] : NULL;

	if (!f || (f->kind != FRAME_MEMBERS && f->kind != FRAME_PAIRED_MEMBERS) ||
	    json_doc_member(jc->a, f->container, NAME("data")) != a ||
	    !json_doc_member(jc->a, f->container, NAME("datatype")))
		return (struct json_form){ 0, 0 };
	return json_form_of(jc->a, f->container);
}

/*
 * A tensor without brackets has its rows in its shape. Its last dimension being
 * 1, there is nothing to choose from.
 */
void json_decide(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b, uint32_t state)
{
	struct json_form form = json_form_here(jc, a);

	if (form.rank < 2 || !json_is_flat(jc, a, b))
		decide_below(jc, e, a, b, 0);
	else if (form.width >= 2 && form.width <= jc->a->nodes[a].count)
		json_rows(jc, (struct json_place){ a, b, state }, (uint32_t)form.width, e->top);
}
