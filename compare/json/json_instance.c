/*
 * json_instance.c - the response to one input, and arrays of such
 *
 * An element is an array of numbers (the largest is the decision: its index), a
 * list of labels with scores (the label of the best), an object with a label or
 * scores by the names of json_names.h, an object of scores by label, or a plain
 * integer, boolean or string, which is a label itself.
 */
#include "compare/json/json_decision_impl.h"

#include <math.h>

bool json_member_place(struct json_comparer *jc, struct json_place p, struct span name, struct json_place *out)
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
	uint32_t score = json_named(d, object, &json_score_names);
	uint32_t vector = json_named(d, object, &json_vector_names);
	struct json_pick best;

	if (score != NODE_NONE)
		return json_score(d, score);
	if (vector == NODE_NONE || json_list_kind(d, vector) == LIST_NONE || json_list_kind(d, vector) == LIST_NAMES)
		return (double)NAN;
	struct json_list l = json_list_whole(d, vector, json_list_kind(d, vector), NODE_NONE);
	return json_list_choose(&l, 1, &best) ? best.score : (double)NAN;
}

/** object() - one input's response: a label, or scores */
static bool object(struct json_comparer *jc, struct json_place p)
{
	struct json_place m;
	bool decided = false;

	for (size_t i = 0; i < json_label_names.count && !decided; i++) {
		if (!json_member_place(jc, p, json_label_names.at[i], &m) || !json_is_label(jc->a, m.a) ||
		    !json_is_label(jc->b, m.b))
			continue;
		if (span_equal(json_label_names.at[i], NAME("index"))) /* of a list, unless it is ranked: see ranking() */
			continue;
		collector_enter_key(jc->out, json_label_names.at[i], false);
		json_decide_label(jc, m, best_score(jc->a, p.a), best_score(jc->b, p.b));
		collector_leave(jc->out);
		decided = true;
	}
	for (size_t i = 0; i < json_vector_names.count && !decided; i++) {
		if (!json_member_place(jc, p, json_vector_names.at[i], &m))
			continue;
		collector_enter_key(jc->out, json_vector_names.at[i], false);
		decided = json_decide_lists(jc, m, json_list_kind(jc->a, m.a),
					    json_named(jc->a, p.a, &json_classes_names),
					    json_named(jc->b, p.b, &json_classes_names));
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

	if (json_list_kind(d, object) != LIST_MEMBERS)
		return false;
	for (uint32_t i = object + 1; i < d->nodes[object].next; i = d->nodes[i + 1].next) {
		double x = json_score(d, i + 1);

		if (!(x >= 0 && x <= 1))
			return false;
		sum += x;
	}
	return sum < 1 + 1e-3 && (best_alone || sum > 1 - 1e-3);
}

/** label_map() - one input's response is {"cat": 0.9, "dog": 0.1}, the names being the labels */
static void label_map(struct json_comparer *jc, struct json_place p)
{
	bool best_alone = path_rules_label_maps(jc->rules);

	if (are_shares(jc->a, p.a, best_alone) && are_shares(jc->b, p.b, best_alone))
		json_decide_lists(jc, p, LIST_MEMBERS, NODE_NONE, NODE_NONE);
}

bool json_all_labels(const struct json_doc *d, uint32_t array)
{
	const struct json_node *n = &d->nodes[array];

	for (uint32_t i = array + 1; i < n->next; i = d->nodes[i].next)
		if (!json_is_label(d, i))
			return false;
	return true;
}

void json_instance(struct json_comparer *jc, struct json_place p, int rank)
{
	enum json_type ta = jc->a->nodes[p.a].type, tb = jc->b->nodes[p.b].type;
	enum json_list_kind kind;

	if (ta != tb || path_rules_effect(jc->rules, p.state)->ignore)
		return;
	if (ta == JSON_OBJECT) {
		if (!object(jc, p))
			label_map(jc, p);
	} else if (ta == JSON_ARRAY) {
		kind = json_list_kind(jc->a, p.a);
		if (kind != LIST_NAMES && json_decide_lists(jc, p, kind, NODE_NONE, NODE_NONE))
			return;
		json_instances(jc, p, rank + 1);
	}
}

void json_instances(struct json_comparer *jc, struct json_place p, int rank)
{
	const struct json_node *na = &jc->a->nodes[p.a], *nb = &jc->b->nodes[p.b];
	struct json_place e = { p.a + 1, p.b + 1, 0 };
	bool labels;

	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count == 0 || rank > RANK_MAX ||
	    path_rules_effect(jc->rules, p.state)->unordered || output_rule_names(&path_rules_effect(jc->rules, p.state)->output))
		return;
	labels = json_all_labels(jc->a, p.a) && json_all_labels(jc->b, p.b);
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na->count && i < nb->count; i++) {
		collector_index(jc->out, i);
		e.state = path_rules_index(jc->rules, p.state, i);
		if (labels)
			json_decide_label(jc, e, (double)NAN, (double)NAN);
		else
			json_instance(jc, e, rank);
		e.a = jc->a->nodes[e.a].next;
		e.b = jc->b->nodes[e.b].next;
	}
	collector_leave(jc->out);
}
