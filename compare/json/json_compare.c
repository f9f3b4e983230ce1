/*
 * json_compare.c - see json_compare.h; here the walk through both documents
 *
 * Theory of operation: a stack of frames, one for each container that is open on
 * the way to where we are; as deep as a document can be, so nothing recurses.
 * Along go the state of the rules and the collector's path. A frame goes through
 * pairs of values: in order as long as the order tells what belongs to what,
 * else as json_match.c has paired them.
 *
 * Equal subtrees are stepped over. For two containers of the same length the
 * texts are compared up to the first byte that differs; everything in them that
 * ends before it is known to be equal, and what begins behind it is looked at on
 * its own. So a byte is compared once, however deep it lies. Scalars are
 * compared as text before anything is read.
 *
 * What a rule ignores is looked at all the same, as a whole: that it differs makes the pair no more than close,
 * and is counted, so that two responses are not called equal because a rule says not to look.
 *
 * Rules are said to match where a path exists, not where something differs.
 * Therefore, as long as there are rules that have not matched, the documents are
 * first walked through for these alone (the first VISITS_MAX of them).
 */
#include "compare/json/json_compare.h"

#include <errno.h>
#include <stdlib.h>

#include "compare/json/json_impl.h"

void *json_room(struct json_comparer *jc, void *array, size_t size, size_t cap, size_t want)
{
	void *more;

	if (!budget_grow(jc->memory, cap * size, want * size)) {
		jc->refused = true;
		return NULL;
	}
	more = realloc(array, want * size);
	if (!more && jc->memory)
		budget_release(jc->memory, (want - cap) * size);
	return more;
}

struct json_comparer *json_comparer_new(struct path_rules *rules, struct budget *memory)
{
	struct json_comparer *jc = calloc(1, sizeof(*jc));

	if (!jc)
		return NULL;
	jc->rules = rules;
	jc->memory = jc->arguments[0].memory = jc->arguments[1].memory = memory;
	jc->key = hash_key_random();
	return jc;
}

void json_comparer_rest(struct json_comparer *jc)
{
	buffer_deinit(&jc->scratch);
	buffer_deinit(&jc->other);
	buffer_deinit(&jc->escapes);
	for (int side = 0; side < 2; side++) {
		buffer_deinit(&jc->argument_texts[side]);
		json_doc_deinit(&jc->arguments[side]);
	}
	if (jc->memory)
		budget_release(jc->memory, jc->pair_cap * sizeof(*jc->pairs) + jc->table_cap * sizeof(*jc->table) +
						   (jc->element_cap[0] + jc->element_cap[1]) * sizeof(*jc->elements[0]));
	free(jc->pairs);
	free(jc->table);
	free(jc->elements[0]);
	free(jc->elements[1]);
	jc->pairs = NULL;
	jc->table = NULL;
	jc->elements[0] = jc->elements[1] = NULL;
	jc->pair_cap = jc->table_cap = jc->element_cap[0] = jc->element_cap[1] = 0;
}

void json_comparer_free(struct json_comparer *jc)
{
	if (!jc)
		return;
	json_comparer_rest(jc);
	free(jc);
}

static inline uint64_t load(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static size_t common_prefix(struct span a, struct span b)
{
	size_t i = 0;

	while (a.len - i >= 8 && load(a.at + i) == load(b.at + i))
		i += 8;
	while (i < a.len && a.at[i] == b.at[i])
		i++;
	return i;
}

/** equal_texts() - do two containers consist of the same bytes? */
static bool equal_texts(struct json_comparer *jc, const struct json_node *a, const struct json_node *b)
{
	int64_t shift = (int64_t)a->at - b->at;

	if (a->len != b->len)
		return false;
	if (shift != jc->shift || a->at < jc->equal_from || a->at >= jc->equal_to) {
		struct span ta = span_of(jc->a->text.at + a->at, a->len),
			    tb = span_of(jc->b->text.at + b->at, b->len);

		jc->shift = shift;
		jc->equal_from = a->at;
		jc->equal_to = a->at + (uint32_t)common_prefix(ta, tb);
	}
	return a->at + a->len <= jc->equal_to;
}

static struct frame *push(struct json_comparer *jc, enum frame_kind kind, uint32_t state)
{
	struct frame *f = &jc->frames[jc->depth++];

	*f = (struct frame){ .kind = kind, .state = state, .pairs = jc->pair_count, .next = jc->pair_count };
	return f;
}

static void open_object(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state)
{
	struct frame *f;

	if (json_same_names(jc, a, b)) {
		f = push(jc, FRAME_MEMBERS, state);
		f->container = a;
		f->a = a + 1;
		f->b = b + 1;
		f->left = jc->a->nodes[a].count;
		return;
	}
	f = push(jc, FRAME_PAIRED_MEMBERS, state);
	f->container = a;
	if (!json_match_members(jc, a, b, state))
		jc->failed = true;
	f->left = (uint32_t)(jc->pair_count - f->pairs);
}

static void open_array(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state)
{
	uint32_t na = jc->a->nodes[a].count, nb = jc->b->nodes[b].count;
	struct frame *f;

	if (path_rules_effect(jc->rules, state)->unordered) {
		f = push(jc, FRAME_PAIRED_ELEMENTS, state);
		if (!json_match_elements(jc, a, b, state))
			jc->failed = true;
		f->left = (uint32_t)(jc->pair_count - f->pairs);
	} else {
		f = push(jc, FRAME_ELEMENTS, state);
		f->a = a + 1;
		f->b = b + 1;
		f->left = na < nb ? na : nb;
		f->missing = na - f->left;
		f->extra = nb - f->left;
	}
	collector_enter_index(jc->out, 0);
}

/** measures_below() - may there be an output that is compared as a whole here or below? It is looked at if it is equal, too */
static bool measures_below(const struct json_comparer *jc, uint32_t state)
{
	return path_rules_measures(jc->rules) && !path_rules_inert(jc->rules, state);
}

/** visit() - compare two values at the path where we are; of containers the contents are still to come */
static void visit(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state)
{
	const struct json_node *na = &jc->a->nodes[a], *nb = &jc->b->nodes[b];
	const struct rule_effect *e = path_rules_effect(jc->rules, state);
	bool decides = path_rules_decides(jc->rules) && !path_rules_inert(jc->rules, state);
	bool looks = decides || measures_below(jc, state);

	if (e->ignore) {
		json_ignored(jc, e, a, b);
		return;
	}
	if (e->decision)
		json_decide(jc, e, a, b, state);
	if (e->output.kind != OUTPUT_NONE && json_measure(jc, e, a, b))
		return;
	if (na->type < JSON_ARRAY || na->type != nb->type) {
		json_scalars(jc, e, a, b);
		return;
	}
	if (!looks && equal_texts(jc, na, nb))
		return;
	if (na->type == JSON_OBJECT)
		open_object(jc, a, b, state);
	else if (!decides && !e->unordered && !equal_texts(jc, na, nb) && json_reordered(jc, a, b))
		json_difference(jc, DIFFERENCE_ORDER, a, b);
	else
		open_array(jc, a, b, state);
}

/** same_scalar() - two values of one node each, with the same text */
static inline bool same_scalar(const struct json_comparer *jc, const struct json_node *a,
			       const struct json_node *b)
{
	const uint8_t *x = jc->a->text.at + a->at, *y = jc->b->text.at + b->at;
	uint32_t i = 0;

	if (a->type != b->type || a->len != b->len || a->type >= JSON_ARRAY)
		return false;
	for (; a->len - i >= 8; i += 8)
		if (load(x + i) != load(y + i))
			return false;
	for (; i < a->len; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/** report_rest() - elements that only one of the arrays has; the path's last step is an index of it */
static void report_rest(struct json_comparer *jc, const struct frame *f)
{
	uint32_t a = f->a, b = f->b;

	for (uint32_t i = 0; i < f->missing + f->extra; i++) {
		uint32_t state = path_rules_index(jc->rules, f->state, f->index + i);
		const struct rule_effect *e = path_rules_effect(jc->rules, state);

		collector_index(jc->out, f->index + i);
		json_one_sided(jc, e, f->missing ? a : NODE_NONE, f->missing ? NODE_NONE : b);
		if (f->missing)
			a = jc->a->nodes[a].next;
		else
			b = jc->b->nodes[b].next;
	}
}

/** walk_elements() - until a container has to be entered, or to the end */
static void walk_elements(struct json_comparer *jc, struct frame *f)
{
	bool each = path_rules_each(jc->rules, f->state);
	uint32_t state = each ? path_rules_index(jc->rules, f->state, 0) : 0;
	bool measures = measures_below(jc, f->state);
	size_t depth = jc->depth;

	while (f->left > 0) {
		const struct json_node *na = &jc->a->nodes[f->a], *nb = &jc->b->nodes[f->b];
		uint32_t a = f->a, b = f->b, index = f->index;

		f->a = na->next;
		f->b = nb->next;
		f->index++;
		f->left--;
		if (!measures && same_scalar(jc, na, nb))
			continue;
		if (!each)
			state = path_rules_index(jc->rules, f->state, index);
		collector_index(jc->out, index);
		visit(jc, a, b, state);
		if (jc->depth > depth)
			return;
	}
}

/** visit_member() - of two members, given by the nodes of their names; true if a container was entered */
static bool visit_member(struct json_comparer *jc, uint32_t state, uint32_t a, uint32_t b)
{
	const struct json_node *name = &jc->a->nodes[a];
	struct span key = json_doc_text(jc->a, a);
	size_t depth = jc->depth;

	if (!measures_below(jc, state) && same_scalar(jc, &jc->a->nodes[a + 1], &jc->b->nodes[b + 1]))
		return false;
	collector_enter_key(jc->out, key, name->escaped);
	visit(jc, a + 1, b + 1, path_rules_key(jc->rules, state, key, name->escaped));
	if (jc->depth > depth)
		return true;
	collector_leave(jc->out);
	return false;
}

static void walk_members(struct json_comparer *jc, struct frame *f)
{
	while (f->left > 0) {
		uint32_t a = f->a, b = f->b;

		f->a = jc->a->nodes[a + 1].next;
		f->b = jc->b->nodes[b + 1].next;
		f->left--;
		if (visit_member(jc, f->state, a, b))
			return;
	}
}

static void walk_pairs(struct json_comparer *jc, struct frame *f)
{
	size_t depth = jc->depth;

	while (f->left > 0) {
		struct json_pair p = jc->pairs[f->next++];

		f->left--;
		if (f->kind == FRAME_PAIRED_MEMBERS) {
			if (visit_member(jc, f->state, p.a, p.b))
				return;
			continue;
		}
		collector_index(jc->out, p.index);
		visit(jc, p.a, p.b, path_rules_index(jc->rules, f->state, p.index));
		if (jc->depth > depth)
			return;
	}
}

/** pop() - the frame on top is done: so is the step that led to it */
static void pop(struct json_comparer *jc)
{
	struct frame *f = &jc->frames[--jc->depth];

	if (f->kind == FRAME_ELEMENTS)
		report_rest(jc, f);
	if (f->kind == FRAME_ELEMENTS || f->kind == FRAME_PAIRED_ELEMENTS)
		collector_leave(jc->out);
	jc->pair_count = f->pairs;
	if (jc->depth > 0) {
		enum frame_kind outer = jc->frames[jc->depth - 1].kind;

		if (outer == FRAME_MEMBERS || outer == FRAME_PAIRED_MEMBERS)
			collector_leave(jc->out);
	}
}

static void walk(struct json_comparer *jc)
{
	visit(jc, 0, 0, PATH_RULES_ROOT);
	while (jc->depth > 0) {
		struct frame *f = &jc->frames[jc->depth - 1];

		if (f->left == 0)
			pop(jc);
		else if (f->kind == FRAME_ELEMENTS)
			walk_elements(jc, f);
		else if (f->kind == FRAME_MEMBERS)
			walk_members(jc, f);
		else
			walk_pairs(jc, f);
	}
}

/** mark_rules() - walk through one document so that rules know where they match */
static void mark_rules(struct json_comparer *jc, const struct json_doc *d)
{
	struct frame *f = jc->frames;
	size_t depth = 0;
	uint32_t state = PATH_RULES_ROOT, i = 0;

	for (;;) {
		const struct json_node *n = &d->nodes[i];

		path_rules_mark(jc->rules, state);
		if (n->type >= JSON_ARRAY && n->count > 0 && !path_rules_inert(jc->rules, state))
			f[depth++] = (struct frame){ .a = i + 1,
						     .left = n->count,
						     .state = state,
						     .kind = n->type == JSON_ARRAY ? FRAME_ELEMENTS
										   : FRAME_MEMBERS };
		while (depth > 0 && f[depth - 1].left == 0)
			depth--;
		if (depth == 0 || path_rules_pending(jc->rules) == 0)
			return;
		i = f[depth - 1].a;
		f[depth - 1].left--;
		if (f[depth - 1].kind == FRAME_MEMBERS) {
			state = path_rules_key(jc->rules, f[depth - 1].state, json_doc_text(d, i),
					       d->nodes[i].escaped);
			i++;
		} else {
			state = path_rules_index(jc->rules, f[depth - 1].state, f[depth - 1].index++);
		}
		f[depth - 1].a = d->nodes[i].next;
	}
}

int json_compare(struct json_comparer *jc, const struct json_doc *production, const struct json_doc *shadow,
		 struct collector *out)
{
	jc->a = production;
	jc->b = shadow;
	jc->out = out;
	jc->failed = jc->refused = false;
	jc->depth = 0;
	jc->pair_count = 0;
	jc->equal_from = 0;
	jc->equal_to = 0;
	jc->shift = 0;
	jc->hash_budget = 8 * ((uint64_t)production->count + shadow->count);
	jc->order_budget = 4 * ((uint64_t)production->text.len + shadow->text.len);
	if (path_rules_pending(jc->rules) > 0 && jc->visits < VISITS_MAX) {
		jc->visits++;
		mark_rules(jc, production);
		if (shadow != production)
			mark_rules(jc, shadow);
	}
	if (!path_rules_decides(jc->rules))
		json_decisions(jc);
	if (production != shadow || path_rules_decides(jc->rules) || path_rules_measures(jc->rules))
		walk(jc);
	if (jc->refused)
		return -EFBIG;
	return jc->failed || !collector_ok(out) ? -ENOMEM : 0;
}
