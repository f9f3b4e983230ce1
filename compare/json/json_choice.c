/*
 * json_choice.c - two lists: is the best of both the same?
 *
 * A list from which nothing can be chosen decided "none". Two decisions agree as
 * well if one model has both of them within the tolerance of its best: then it
 * has no preference that the other could contradict.
 */
#include "compare/json/json_decision_impl.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"

/** same_label() - of a pick of production and one of the shadow */
static bool same_label(struct json_comparer *jc, const struct json_pick *a, const struct json_pick *b)
{
	if (a->label == NODE_NONE || b->label == NODE_NONE)
		return a->label == b->label && a->index == b->index;
	return jc->a->nodes[a->label].type == jc->b->nodes[b->label].type &&
	       json_same_text(jc, a->label, b->label);
}

/** is_tied() - has @l an item with the label of @foreign whose score is as good as that of @last? */
static bool is_tied(struct json_comparer *jc, const struct json_list *l, const struct json_pick *foreign,
		    bool of_shadow, const struct json_pick *last, const struct tolerance *t)
{
	double slack = isfinite(last->score) ? fabs(last->score) * DECIMAL_ERROR : 0;
	uint32_t node = l->first;

	for (uint32_t i = 0; i < l->count; i++) {
		struct json_pick p = json_list_item(l, i, &node);

		if (of_shadow ? same_label(jc, &p, foreign) : same_label(jc, foreign, &p))
			return p.score >= last->score - slack ||
			       tolerance_nearness(t, last->score, p.score) != NEAR_OUTSIDE;
	}
	return false;
}

/** struct choice - the best of one side's list */
struct choice {
	struct json_list list;
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

/** choose() - the best @top of both into the two picks; do they agree? Their labels go into @scratch and @other */
static bool choose(struct json_comparer *jc, struct choice *a, struct choice *b, size_t top, const struct tolerance *t)
{
	bool same = json_list_same(&a->list, &b->list), agrees;

	a->picks = jc->picks[0];
	b->picks = jc->picks[1];
	a->count = json_list_choose(&a->list, top, a->picks);
	if (same)
		memcpy(b->picks, a->picks, a->count * sizeof(*a->picks));
	b->count = same ? a->count : json_list_choose(&b->list, top, b->picks);
	agrees = same || one_agrees(jc, a, b, true, t) || one_agrees(jc, b, a, false, t);
	write_labels(a, &jc->scratch);
	write_labels(b, &jc->other);
	return agrees;
}

bool json_same_choice(struct json_comparer *jc, const struct json_list *a, const struct json_list *b, size_t top,
		      const struct tolerance *t)
{
	struct choice ca = { .list = *a }, cb = { .list = *b };

	return choose(jc, &ca, &cb, top, t);
}

void json_decide_between(struct json_comparer *jc, struct json_list a, struct json_list b, size_t top,
			 const struct tolerance *t)
{
	struct choice ca = { .list = a }, cb = { .list = b };
	bool agrees = choose(jc, &ca, &cb, top, t);

	if (ca.count == 0 && cb.count == 0)
		return;
	record(jc, ca.count && a.kind != LIST_NAMES ? ca.picks[0].score : (double)NAN,
	       cb.count && b.kind != LIST_NAMES ? cb.picks[0].score : (double)NAN, agrees);
}

bool json_decide_lists(struct json_comparer *jc, struct json_place p, enum json_list_kind kind, uint32_t classes_a,
		       uint32_t classes_b)
{
	const struct rule_effect *e = path_rules_effect(jc->rules, p.state);

	if (kind == LIST_NONE || json_list_kind(jc->b, p.b) != kind)
		return false;
	if (!e->ignore && !output_rule_names(&e->output) && !(e->unordered && kind == LIST_NUMBERS))
		json_decide_between(jc, json_list_whole(jc->a, p.a, kind, classes_a), json_list_whole(jc->b, p.b, kind, classes_b),
				    e->decision ? e->top : 1, &e->tolerance);
	return true;
}

void json_decide_label(struct json_comparer *jc, struct json_place p, double score_a, double score_b)
{
	enum json_type ta = jc->a->nodes[p.a].type, tb = jc->b->nodes[p.b].type;
	bool agrees;

	if (path_rules_effect(jc->rules, p.state)->ignore || output_rule_names(&path_rules_effect(jc->rules, p.state)->output))
		return;
	agrees = ta == tb && json_same_text(jc, p.a, p.b); /* uses the buffers */
	buffer_clear(&jc->scratch);
	buffer_clear(&jc->other);
	json_doc_unescape(jc->a, p.a, &jc->scratch);
	json_doc_unescape(jc->b, p.b, &jc->other);
	record(jc, score_a, score_b, agrees);
}
