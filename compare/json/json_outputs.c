/*
 * json_outputs.c - V2's outputs: tensors with a shape
 *
 * The last dimension is one input's scores, but of integers of 16 bits and more
 * it is ids: each is a label, in brackets or not. Where an output's data has no
 * brackets, its shape says how long a row is.
 */
#include "compare/json/json_decision_impl.h"

#include <math.h>

/** is_distribution() - numbers from 0 to 1 that add up to 1 */
static bool is_distribution(const struct json_doc *d, uint32_t array)
{
	double sum = 0;

	for (uint32_t i = 1; i <= d->nodes[array].count; i++) {
		double x = json_score(d, array + i);

		if (!(x >= 0 && x <= 1))
			return false;
		sum += x;
	}
	return fabs(sum - 1) < 1e-3;
}

void json_rows(struct json_comparer *jc, struct json_place data, uint32_t width, size_t top)
{
	uint32_t na = jc->a->nodes[data.a].count, nb = jc->b->nodes[data.b].count;
	const struct rule_effect *e;

	e = path_rules_effect(jc->rules, data.state);
	if (e->unordered || output_rule_names(&e->output))
		return;
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; width <= na - i && i <= nb && width <= nb - i; i += width) {
		e = path_rules_effect(jc->rules, path_rules_index(jc->rules, data.state, i));
		collector_index(jc->out, i);
		if (!e->ignore)
			json_decide_between(jc, (struct json_list){ jc->a, LIST_NUMBERS, data.a + 1 + i, width, NODE_NONE },
					    (struct json_list){ jc->b, LIST_NUMBERS, data.b + 1 + i, width, NODE_NONE }, top,
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

struct json_form json_form_of(const struct json_doc *d, uint32_t output)
{
	uint32_t shape = json_doc_member(d, output, NAME("shape"));
	struct json_form f = { 0, 0 };

	if (!shape || d->nodes[shape].type != JSON_ARRAY)
		return f;
	f.rank = d->nodes[shape].count;
	if (f.rank > 0 && !json_doc_uint(d, shape + f.rank, &f.width)) /* numbers take one node each */
		f.width = 0;
	return f;
}

bool json_is_flat(struct json_comparer *jc, uint32_t a, uint32_t b)
{
	return jc->a->nodes[a].type == JSON_ARRAY && jc->b->nodes[b].type == JSON_ARRAY &&
	       json_all_of_type(jc->a, a, JSON_NUMBER) && json_all_of_type(jc->b, b, JSON_NUMBER);
}

/** nested() - a tensor's data in brackets, of which the innermost are its rows, or hold its labels */
static void nested(struct json_comparer *jc, struct json_place p, bool labels, int rank)
{
	const struct json_node *na = &jc->a->nodes[p.a], *nb = &jc->b->nodes[p.b];
	struct json_place e = { p.a + 1, p.b + 1, 0 };

	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count == 0 || rank > RANK_MAX ||
	    path_rules_effect(jc->rules, p.state)->ignore || path_rules_effect(jc->rules, p.state)->unordered ||
	    output_rule_names(&path_rules_effect(jc->rules, p.state)->output))
		return;
	if (jc->a->nodes[p.a + 1].type != JSON_ARRAY) {
		if (labels)
			json_instances(jc, p, rank);
		else if (json_list_kind(jc->a, p.a) == LIST_NUMBERS)
			json_decide_lists(jc, p, LIST_NUMBERS, NODE_NONE, NODE_NONE);
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
static void tensor(struct json_comparer *jc, struct json_place output, struct json_place data)
{
	const struct json_doc *d = jc->a;
	struct json_form form = json_form_of(d, output.a);
	bool scores = has_type(d, output.a, NAME("FP")) || has_type(d, output.a, NAME("BF")) ||
		      has_type(d, output.a, NAME("INT8")) || has_type(d, output.a, NAME("UINT8"));

	if (jc->a->nodes[data.a].type != JSON_ARRAY || jc->b->nodes[data.b].type != JSON_ARRAY)
		return;
	if (!json_is_flat(jc, data.a, data.b) && json_doc_member(d, output.a, NAME("datatype")))
		nested(jc, data, !scores, 1); /* or labels that are no numbers */
	else if (!json_is_flat(jc, data.a, data.b) || (!scores && json_all_labels(jc->a, data.a) && json_all_labels(jc->b, data.b)))
		json_instances(jc, data, 1);
	else if (form.rank >= 2 && form.width >= 2 && form.width <= d->nodes[data.a].count)
		json_rows(jc, data, (uint32_t)form.width, 1);
	else if (form.rank == 1 && d->nodes[data.a].count >= 2 && is_distribution(d, data.a))
		json_decide_lists(jc, data, LIST_NUMBERS, NODE_NONE, NODE_NONE);
}

bool json_tensors(struct json_comparer *jc, struct json_place p)
{
	const struct json_node *na = &jc->a->nodes[p.a], *nb = &jc->b->nodes[p.b];
	struct json_place output = { p.a + 1, p.b + 1, 0 }, data;

	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count == 0 ||
	    path_rules_effect(jc->rules, p.state)->unordered || !json_doc_member(jc->a, p.a + 1, NAME("shape")))
		return false;
	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < na->count && i < nb->count; i++) {
		output.state = path_rules_index(jc->rules, p.state, i);
		collector_index(jc->out, i);
		if (!path_rules_effect(jc->rules, output.state)->ignore &&
		    json_member_place(jc, output, NAME("data"), &data)) {
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
