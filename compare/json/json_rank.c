/*
 * json_rank.c - rankings that a rule compares as a whole, in two documents
 *
 * A ranking is any list of json_list.h: labels or indices with scores (rerankers), scores alone (a candidate is its place),
 * names in their order. Whether the first k are the same is decided as it is for argmax and topk: one model may have
 * both within the tolerance. Lists of another length are another shape.
 */
#include "compare/json/json_decision_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEMS_MAX 100000 /* of a list; longer ones are compared item by item */

/** struct items - of one side, taken from a list */
struct items {
	struct rank_item *at;
	uint32_t count;
};

static uint64_t key_of(struct json_comparer *jc, const struct json_list *l, const struct json_pick *p)
{
	return p->label == NODE_NONE ? p->index : json_text_hash(jc, l->d, p->label) ^ l->d->nodes[p->label].type;
}

/** take_items() - false: a score is no number */
static bool take_items(struct json_comparer *jc, const struct json_list *l, struct items *out)
{
	uint32_t node = l->first;

	for (uint32_t i = 0; i < l->count; i++) {
		struct json_pick p = json_list_item(l, i, &node);

		if (isnan(p.score))
			return false;
		out->at[out->count++] = (struct rank_item){ key_of(jc, l, &p), p.score, 0 };
	}
	return true;
}

static void show_length(char out[FINDING_TEXT], uint32_t count)
{
	char text[FINDING_TEXT];
	int len = snprintf(text, sizeof(text), "%u items", count);

	finding_text(out, span_of(text, (size_t)len));
}

static void other_length(struct json_comparer *jc, uint32_t production, uint32_t shadow)
{
	struct finding *f = collector_add(jc->out, shadow < production ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA);

	collector_outputs(jc->out)->sum.rank.other_length++;
	collector_judged(jc->out, false);
	if (!f)
		return;
	show_length(f->production, production);
	show_length(f->shadow, shadow);
}

/** judge() - the result on record; what the best are called is in @scratch and @other */
static void judge(struct json_comparer *jc, const struct rank_result *r, bool agrees, bool same)
{
	struct finding *f;

	rank_figures_add(&collector_outputs(jc->out)->sum.rank, r, agrees);
	collector_judged(jc->out, agrees);
	if (same)
		return;
	f = collector_output(jc->out, agrees ? DIFFERENCE_CLOSE : DIFFERENCE_DECISION, OUTPUT_RANK, 1 - r->overlap);
	if (f) {
		finding_text(f->production, buffer_span(&jc->scratch));
		finding_text(f->shadow, buffer_span(&jc->other));
	}
}

/** compare_lists() - two of one length, with room for their items; false: they cannot be ranked */
static bool compare_lists(struct json_comparer *jc, const struct rule_effect *e, const struct json_list *a,
			  const struct json_list *b, struct rank_item *room, struct rank_pair *pairs)
{
	struct items items[2] = { { room, 0 }, { room + a->count, 0 } };
	struct rank_result r;
	bool same = json_list_same(a, b), agrees;

	if (!take_items(jc, a, &items[0]) || !take_items(jc, b, &items[1]))
		return false;
	r = rank_compare(items[0].at, items[0].count, items[1].at, items[1].count, (size_t)e->output.k, pairs);
	agrees = json_same_choice(jc, a, b, (size_t)e->output.k, &e->tolerance);
	judge(jc, &r, agrees, same);
	return true;
}

static bool has_index(const struct json_doc *d, uint32_t list)
{
	return d->nodes[list].type == JSON_ARRAY && json_doc_member(d, list + 1, NAME("index"));
}

bool json_rank(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b)
{
	enum json_list_kind kind = json_list_kind(jc->a, a);
	struct json_list la, lb;
	struct rank_item *room;
	struct rank_pair *pairs;
	size_t items, bytes;
	bool judged = false;

	if (kind == LIST_NONE || json_list_kind(jc->b, b) != kind || (e->output.preset && !has_index(jc->a, a)))
		return false;
	la = json_list_whole(jc->a, a, kind, NODE_NONE);
	lb = json_list_whole(jc->b, b, kind, NODE_NONE);
	if (la.count > ITEMS_MAX || lb.count > ITEMS_MAX)
		return false;
	if (la.count != lb.count) {
		other_length(jc, la.count, lb.count);
		return true;
	}
	items = 2 * (size_t)la.count;
	bytes = items * sizeof(*room) + la.count * sizeof(*pairs);
	room = json_room(jc, NULL, 1, 0, bytes);
	jc->failed |= !room;
	if (!room)
		return false;
	pairs = (struct rank_pair *)(room + items);
	judged = compare_lists(jc, e, &la, &lb, room, pairs);
	free(room);
	if (jc->memory)
		budget_release(jc->memory, bytes);
	return judged;
}
