/*
 * json_regression.c - numbers that a rule calls a model's answer, in two documents
 *
 * One number, or arrays of numbers of the same shape: either all of them are judged, or the place is compared value by
 * value as if there were no rule.
 */
#include "compare/json/json_decision_impl.h"

#include <math.h>

#include "compare/outputs/outputs_judge.h"

/** can_be_judged() - are all of them finite numbers, in the same places? */
static bool can_be_judged(struct json_comparer *jc, uint32_t a, uint32_t b, int rank)
{
	const struct json_node *na = &jc->a->nodes[a], *nb = &jc->b->nodes[b];
	bool good = true;

	if (na->type == JSON_NUMBER && nb->type == JSON_NUMBER)
		return isfinite(json_score(jc->a, a) - json_score(jc->b, b));
	if (na->type != JSON_ARRAY || nb->type != JSON_ARRAY || na->count != nb->count || na->count == 0 || rank == RANK_MAX)
		return false;
	a++;
	b++;
	for (uint32_t i = 0; i < na->count && good; i++) {
		good = can_be_judged(jc, a, b, rank + 1);
		a = jc->a->nodes[a].next;
		b = jc->b->nodes[b].next;
	}
	return good;
}

static void judge_number(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b)
{
	double production = json_score(jc->a, a), shadow = json_score(jc->b, b);
	enum difference_kind kind = regression_judge(jc->out, rule, production, shadow);
	struct finding *f;

	if (kind == DIFFERENCE_COUNT)
		return;
	f = collector_add_numbers(jc->out, kind, &rule->tolerance, production, shadow);
	if (f) {
		finding_text(f->production, json_doc_text(jc->a, a));
		finding_text(f->shadow, json_doc_text(jc->b, b));
	}
}

static void judge(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b)
{
	uint32_t count = jc->a->nodes[a].count;

	if (jc->a->nodes[a].type == JSON_NUMBER) {
		judge_number(jc, rule, a, b);
		return;
	}
	collector_enter_index(jc->out, 0);
	a++;
	b++;
	for (uint32_t i = 0; i < count; i++) {
		collector_index(jc->out, i);
		judge(jc, rule, a, b);
		a = jc->a->nodes[a].next;
		b = jc->b->nodes[b].next;
	}
	collector_leave(jc->out);
}

bool json_regression(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b)
{
	if (!can_be_judged(jc, a, b, 0))
		return false;
	judge(jc, rule, a, b);
	return true;
}
