/*
 * json_match.c - what belongs to what when the order doesn't tell
 *
 * Theory of operation: members whose names are not the same in the same order are
 * matched through a table of hashes, so a hundred thousand of them cost a hundred
 * thousand look-ups; the hash is keyed, for the names come from strangers. Of
 * members of one name the last counts, wherever it stands.
 *
 * Elements of an array that a rule calls a set are matched in three rounds: those
 * whose values are the same; those that are the same but for numbers and the
 * order of arrays, by their first number; the rest in the order of the texts.
 * So close values find each other, and every element is compared with one other
 * at most. The values are hashed as the rules see them: what is ignored does not
 * count, 1 is 1.0, and members and sets have no order. Where the texts are not the same bytes the walk still
 * goes through the two, to see whether what is ignored in them differs.
 *
 * What is hashed is limited to a multiple of the documents, since sets may lie in
 * sets; beyond that elements are taken in order.
 */
#include "compare/json/json_impl.h"

#include <math.h>
#include <stdlib.h>

#include "base/decimal.h"

#define NO_RULES UINT32_MAX /* a state: of values that are hashed as they are */
#define FEW_MEMBERS 12 /* looked for by comparing each with each */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

uint64_t json_text_hash(struct json_comparer *jc, const struct json_doc *d, uint32_t node)
{
	struct span text = json_doc_text(d, node);

	if (d->nodes[node].escaped) {
		buffer_clear(&jc->scratch);
		json_unescape(text, &jc->scratch);
		jc->failed |= !buffer_ok(&jc->scratch);
		text = buffer_span(&jc->scratch);
	}
	return hash_bytes(&jc->key, text.at, text.len);
}

/** clear_table() - room for @count entries, half of it empty; its size less one, or 0 when out of memory */
static uint32_t clear_table(struct json_comparer *jc, size_t count)
{
	size_t size = 16;

	while (size < count * 2)
		size *= 2;
	if (size > jc->table_cap) {
		uint32_t *table = json_room(jc, jc->table, sizeof(*table), jc->table_cap, size);

		if (!table)
			return 0;
		jc->table = table;
		jc->table_cap = size;
	}
	memset(jc->table, 0, size * sizeof(*jc->table));
	return (uint32_t)(size - 1);
}

static bool repeats(struct json_comparer *jc, uint32_t object)
{
	const struct json_doc *d = jc->a;
	uint32_t first = object + 1, end = d->nodes[object].next, mask;

	if (d->nodes[object].count <= FEW_MEMBERS) {
		for (uint32_t i = first; i < end; i = d->nodes[i + 1].next)
			for (uint32_t j = first; j < i; j = d->nodes[j + 1].next)
				if (d->nodes[i].len == d->nodes[j].len &&
				    span_equal(json_doc_text(d, i), json_doc_text(d, j)))
					return true;
		return false;
	}
	mask = clear_table(jc, d->nodes[object].count);
	if (mask == 0)
		return true; /* json_match_members() will say that there is no memory */
	for (uint32_t i = first; i < end; i = d->nodes[i + 1].next) {
		uint32_t at = (uint32_t)json_text_hash(jc, d, i) & mask;

		for (; jc->table[at]; at = (at + 1) & mask)
			if (span_equal(json_doc_text(d, jc->table[at]), json_doc_text(d, i)))
				return true;
		jc->table[at] = i; /* never 0: that is the root */
	}
	return false;
}

bool json_same_names(struct json_comparer *jc, uint32_t a, uint32_t b)
{
	uint32_t i = a + 1, j = b + 1;

	if (jc->a->nodes[a].count != jc->b->nodes[b].count)
		return false;
	for (uint32_t n = jc->a->nodes[a].count; n > 0; n--) {
		/* escapes: two names may be the same and look different */
		if (jc->a->nodes[i].escaped || !span_equal(json_doc_text(jc->a, i), json_doc_text(jc->b, j)))
			return false;
		i = jc->a->nodes[i + 1].next;
		j = jc->b->nodes[j + 1].next;
	}
	return !repeats(jc, a);
}

static struct json_pair *add_pair(struct json_comparer *jc, struct json_pair p)
{
	if (jc->pair_count == jc->pair_cap) {
		size_t cap = jc->pair_cap ? jc->pair_cap * 2 : 64;
		struct json_pair *pairs = json_room(jc, jc->pairs, sizeof(*pairs), jc->pair_cap, cap);

		if (!pairs)
			return NULL;
		jc->pairs = pairs;
		jc->pair_cap = cap;
	}
	jc->pairs[jc->pair_count] = p;
	return &jc->pairs[jc->pair_count++];
}

/** same_name() - is this member of @d the one that the pair is about? */
static bool same_name(struct json_comparer *jc, const struct json_pair *p, const struct json_doc *d,
		      uint32_t name)
{
	const struct json_doc *other = p->a != NODE_NONE ? jc->a : jc->b;
	uint32_t node = p->a != NODE_NONE ? p->a : p->b;
	struct span text = json_doc_text(d, name);

	if (!d->nodes[name].escaped)
		return json_doc_says(other, node, text);
	buffer_clear(&jc->other);
	json_unescape(text, &jc->other);
	return json_doc_says(other, node, buffer_span(&jc->other));
}

/** take_members() - the members of one object into the pairs from @from on; the last of a name counts */
static bool take_members(struct json_comparer *jc, const struct json_doc *d, uint32_t object, bool shadow,
			 size_t from, uint32_t mask)
{
	for (uint32_t i = object + 1; i < d->nodes[object].next; i = d->nodes[i + 1].next) {
		uint32_t at = (uint32_t)json_text_hash(jc, d, i) & mask;
		struct json_pair *p = NULL;

		for (; jc->table[at]; at = (at + 1) & mask)
			if (same_name(jc, &jc->pairs[from + jc->table[at] - 1], d, i)) {
				p = &jc->pairs[from + jc->table[at] - 1];
				break;
			}
		if (!p) {
			p = add_pair(jc, (struct json_pair){ NODE_NONE, NODE_NONE, 0 });
			if (!p)
				return false;
			jc->table[at] = (uint32_t)(jc->pair_count - from);
		}
		if (shadow)
			p->b = i;
		else
			p->a = i;
	}
	return true;
}

static void report_member(struct json_comparer *jc, struct json_pair p, uint32_t state)
{
	const struct json_doc *d = p.a != NODE_NONE ? jc->a : jc->b;
	uint32_t name = p.a != NODE_NONE ? p.a : p.b;
	struct span key = json_doc_text(d, name);
	bool escaped = d->nodes[name].escaped;

	collector_enter_key(jc->out, key, escaped);
	json_one_sided(jc, path_rules_effect(jc->rules, path_rules_key(jc->rules, state, key, escaped)),
		       p.a != NODE_NONE ? p.a + 1 : NODE_NONE, p.b != NODE_NONE ? p.b + 1 : NODE_NONE);
	collector_leave(jc->out);
}

bool json_match_members(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state)
{
	size_t from = jc->pair_count, kept = from;
	uint32_t mask = clear_table(jc, (size_t)jc->a->nodes[a].count + jc->b->nodes[b].count);

	if (mask == 0 || !take_members(jc, jc->a, a, false, from, mask) ||
	    !take_members(jc, jc->b, b, true, from, mask)) {
		jc->pair_count = from;
		return false;
	}
	for (size_t i = from; i < jc->pair_count; i++) {
		struct json_pair p = jc->pairs[i];

		if (p.a != NODE_NONE && p.b != NODE_NONE)
			jc->pairs[kept++] = p;
		else
			report_member(jc, p, state);
	}
	jc->pair_count = kept;
	return true;
}

/**
 * struct hashing - a container that is being hashed
 * @next, @left: the next child, and how many there are still
 * @name:        hash of the name under which the container is a member itself
 */
struct hashing {
	uint32_t next, left, state, index;
	bool object, set;
	uint64_t exact, coarse, name;
};

static uint64_t number_hash(struct json_comparer *jc, struct span text, double *first)
{
	struct decimal d = decimal_read(text);
	uint64_t parts[2];

	if (isnan(*first) && !decimal_estimate(&d, first))
		*first = decimal_double(text);
	if (d.cut)
		return hash_bytes(&jc->key, text.at, text.len);
	while (d.digits && d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	parts[0] = d.digits;
	parts[1] = d.digits == 0 && d.kind == DECIMAL_FINITE ? 0 : (uint64_t)d.exponent * 8 + d.kind * 2u;
	if (d.kind == DECIMAL_INFINITE || (d.kind == DECIMAL_FINITE && d.digits))
		parts[1] += d.negative;
	return hash_bytes(&jc->key, parts, sizeof(parts));
}

static void scalar_hash(struct json_comparer *jc, const struct json_doc *d, uint32_t node,
			struct json_element *out)
{
	enum json_type type = d->nodes[node].type;

	out->coarse = mix(type, 1);
	if (type == JSON_NUMBER)
		out->exact = number_hash(jc, json_doc_text(d, node), &out->number);
	else if (type == JSON_STRING)
		out->exact = out->coarse = mix(json_text_hash(jc, d, node), 2);
	else
		out->exact = out->coarse;
}

/** add_child() - a child's hashes to those of its container */
static void add_child(struct hashing *h, uint64_t name, const struct json_element *child)
{
	h->coarse += mix(child->coarse, name + 4);
	if (h->object || h->set)
		h->exact += mix(child->exact, name + 4);
	else
		h->exact = mix(h->exact, child->exact) + 5;
}

/** next_child() - its node; @state and @name are set to its own */
static uint32_t next_child(struct json_comparer *jc, const struct json_doc *d, struct hashing *h,
			   uint32_t *state, uint64_t *name)
{
	uint32_t node = h->next;

	h->left--;
	*state = NO_RULES;
	*name = 0;
	if (h->object) {
		*name = json_text_hash(jc, d, node);
		if (h->state != NO_RULES)
			*state = path_rules_key(jc->rules, h->state, json_doc_text(d, node), d->nodes[node].escaped);
		node++;
	} else if (h->state != NO_RULES) {
		*state = path_rules_index(jc->rules, h->state, h->index++);
	}
	h->next = d->nodes[node].next;
	return node;
}

/** hash_value() - of the value at @out->node, as the rules see it, or as it is (NO_RULES); one walk without recursion
 */
static void hash_value(struct json_comparer *jc, const struct json_doc *d, uint32_t state,
		       struct json_element *out)
{
	static const struct rule_effect plain = { .values = VALUES_CLOSE };
	struct hashing stack[JSON_DEPTH_MAX];
	uint32_t node = out->node;
	uint64_t name = 0;
	size_t depth = 0;

	for (;;) {
		const struct json_node *n = &d->nodes[node];
		const struct rule_effect *e = state == NO_RULES ? &plain : path_rules_effect(jc->rules, state);

		jc->hash_budget -= jc->hash_budget > 0;
		out->exact = out->coarse = 0;
		if (!e->ignore && n->type >= JSON_ARRAY) {
			stack[depth++] = (struct hashing){ .next = node + 1,
							   .left = n->count,
							   .state = state,
							   .object = n->type == JSON_OBJECT,
							   .set = e->unordered,
							   .exact = n->type,
							   .coarse = n->type,
							   .name = name };
		} else if (!e->ignore) {
			scalar_hash(jc, d, node, out);
			if (depth > 0)
				add_child(&stack[depth - 1], name, out);
		}
		while (depth > 0 && stack[depth - 1].left == 0) {
			struct hashing *done = &stack[--depth];

			out->exact = mix(done->exact, 3);
			out->coarse = mix(done->coarse, 3);
			if (depth > 0)
				add_child(&stack[depth - 1], done->name, out);
		}
		if (depth == 0)
			return;
		node = next_child(jc, d, &stack[depth - 1], &state, &name);
	}
}

bool json_same_value(struct json_comparer *jc, const struct json_doc *da, uint32_t a, const struct json_doc *db,
		     uint32_t b)
{
	struct json_element ea = { .node = a, .number = NAN }, eb = { .node = b, .number = NAN };

	if (da->nodes[a].type == db->nodes[b].type && span_equal(json_doc_text(da, a), json_doc_text(db, b)))
		return true;
	if (da->nodes[a].type != db->nodes[b].type || jc->hash_budget == 0)
		return false;
	hash_value(jc, da, NO_RULES, &ea);
	hash_value(jc, db, NO_RULES, &eb);
	return ea.exact == eb.exact;
}

bool json_same_arguments(struct json_comparer *jc, const struct json_doc *da, uint32_t a, const struct json_doc *db,
			 uint32_t b)
{
	const struct json_doc *docs[] = { da, db };
	uint32_t nodes[] = { a, b };

	if (!a || !b)
		return a == b;
	if (json_same_value(jc, da, a, db, b))
		return true;
	if (da->nodes[a].type != JSON_STRING || db->nodes[b].type != JSON_STRING)
		return false;
	for (int side = 0; side < 2; side++) {
		struct buffer *text = &jc->argument_texts[side];

		buffer_clear(text);
		json_doc_unescape(docs[side], nodes[side], text);
		jc->failed |= !buffer_ok(text);
		if (json_doc_parse(&jc->arguments[side], buffer_span(text)) != 0)
			return false;
	}
	return json_same_value(jc, &jc->arguments[0], 0, &jc->arguments[1], 0);
}

/** take_elements() - the elements of one array, hashed; false when out of memory */
static bool take_elements(struct json_comparer *jc, int side, uint32_t array, uint32_t state)
{
	const struct json_doc *d = side == 0 ? jc->a : jc->b;
	uint32_t count = d->nodes[array].count, node = array + 1;

	if (count > jc->element_cap[side]) {
		struct json_element *more =
			json_room(jc, jc->elements[side], sizeof(*more), jc->element_cap[side], count);

		if (!more)
			return false;
		jc->elements[side] = more;
		jc->element_cap[side] = count;
	}
	for (uint32_t i = 0; i < count; i++, node = d->nodes[node].next) {
		struct json_element *e = &jc->elements[side][i];

		/* out of budget: no two are the same, all alike, and the first number is the index */
		*e = (struct json_element){
			.exact = (uint64_t)i * 2 + (uint64_t)side, .number = i, .node = node, .index = i
		};
		if (jc->hash_budget > 0) {
			e->number = NAN;
			hash_value(jc, d, path_rules_index(jc->rules, state, i), e);
			if (isnan(e->number))
				e->number = 0;
		}
	}
	return true;
}

static int compare(uint64_t x, uint64_t y)
{
	return x < y ? -1 : x > y;
}

static int by_exact(const void *x, const void *y)
{
	const struct json_element *a = x, *b = y;
	int way = compare(a->exact, b->exact);

	return way ? way : compare(a->index, b->index);
}

static int by_likeness(const void *x, const void *y)
{
	const struct json_element *a = x, *b = y;
	int way = compare(a->coarse, b->coarse);

	if (way == 0)
		way = a->number < b->number ? -1 : a->number > b->number;
	return way ? way : compare(a->index, b->index);
}

static int by_index(const void *x, const void *y)
{
	const struct json_element *a = x, *b = y;

	return compare(a->index, b->index);
}

/** struct elements - what is left to be matched on both sides, in the same sorted order */
struct elements {
	struct json_element *of[2];
	size_t count[2];
	bool moved; /* a pair does not stand at the same place on both sides */
};

static void sort_elements(struct elements *e, int (*order)(const void *, const void *))
{
	for (int side = 0; side < 2; side++)
		if (e->count[side])
			qsort(e->of[side], e->count[side], sizeof(*e->of[side]), order);
}

static bool same_bytes(const struct json_comparer *jc, uint32_t a, uint32_t b)
{
	return span_equal(json_doc_text(jc->a, a), json_doc_text(jc->b, b));
}

/** match_sorted() - one of each side with the same hash; the others stay. Pairs are to be walked through if
 * @alike is all that they are, or if they are equal by the rules and not the same bytes: something in them may be ignored */
static bool match_sorted(struct json_comparer *jc, struct elements *e, bool alike)
{
	size_t at[2] = { 0, 0 }, left[2] = { 0, 0 };

	while (at[0] < e->count[0] || at[1] < e->count[1]) {
		struct json_element *a = at[0] < e->count[0] ? &e->of[0][at[0]] : NULL;
		struct json_element *b = at[1] < e->count[1] ? &e->of[1][at[1]] : NULL;
		int way = !a ? 1 : !b ? -1 : alike ? compare(a->coarse, b->coarse) : compare(a->exact, b->exact);

		if (way == 0) {
			e->moved |= a->index != b->index;
			if ((alike || !same_bytes(jc, a->node, b->node)) &&
			    !add_pair(jc, (struct json_pair){ a->node, b->node, a->index }))
				return false;
			at[0]++;
			at[1]++;
		} else if (way < 0) {
			e->of[0][left[0]++] = e->of[0][at[0]++];
		} else {
			e->of[1][left[1]++] = e->of[1][at[1]++];
		}
	}
	e->count[0] = left[0];
	e->count[1] = left[1];
	return true;
}

static void report_element(struct json_comparer *jc, int side, const struct json_element *e, uint32_t state)
{
	collector_enter_index(jc->out, e->index);
	json_one_sided(jc, path_rules_effect(jc->rules, path_rules_index(jc->rules, state, e->index)),
		       side == 0 ? e->node : NODE_NONE, side == 0 ? NODE_NONE : e->node);
	collector_leave(jc->out);
}

static int by_place(const void *x, const void *y)
{
	const struct json_pair *a = x, *b = y;

	return compare(a->index, b->index);
}

/** note_order() - that the elements of a set stand in another order is left out, too, by the rule that says "set" */
static void note_order(struct json_comparer *jc, const struct elements *e, uint32_t a, uint32_t b, uint32_t state)
{
	if (e->moved && jc->a->nodes[a].count == jc->b->nodes[b].count)
		collector_add_ignored(jc->out, path_rules_effect(jc->rules, state)->unordered_by);
}

bool json_match_elements(struct json_comparer *jc, uint32_t a, uint32_t b, uint32_t state)
{
	size_t paired, from = jc->pair_count;
	struct elements e;

	if (!take_elements(jc, 0, a, state) || !take_elements(jc, 1, b, state))
		return false;
	e = (struct elements){ { jc->elements[0], jc->elements[1] },
			       { jc->a->nodes[a].count, jc->b->nodes[b].count },
			       false };
	sort_elements(&e, by_exact);
	if (!match_sorted(jc, &e, false))
		return false;
	sort_elements(&e, by_likeness);
	if (!match_sorted(jc, &e, true))
		return false;
	sort_elements(&e, by_index);
	paired = e.count[0] < e.count[1] ? e.count[0] : e.count[1];
	for (size_t i = 0; i < paired; i++) {
		e.moved |= e.of[0][i].index != e.of[1][i].index;
		if (!add_pair(jc, (struct json_pair){ e.of[0][i].node, e.of[1][i].node, e.of[0][i].index }))
			return false;
	}
	note_order(jc, &e, a, b, state);
	if (jc->pair_count > from) /* hashes are random: findings are to come in the order of the text */
		qsort(jc->pairs + from, jc->pair_count - from, sizeof(*jc->pairs), by_place);
	for (int side = 0; side < 2; side++)
		for (size_t i = paired; i < e.count[side]; i++)
			report_element(jc, side, &e.of[side][i], state);
	return true;
}

/** is_ranked() - an array whose elements are more than numbers: text is in each, or begins it */
static bool is_ranked(const struct json_doc *d, uint32_t array)
{
	uint32_t node = array;

	while (d->nodes[node].type == JSON_ARRAY && d->nodes[node].count > 0)
		node++;
	return d->nodes[node].type == JSON_STRING || d->nodes[node].type == JSON_OBJECT;
}

static uint64_t word_of(struct span text)
{
	uint64_t x = 0;

	memcpy(&x, text.at, text.len < 8 ? text.len : 8);
	return x;
}

/** elements_sum() - of a hash of each element's text; cheap: of its length and both ends */
static uint64_t elements_sum(struct json_comparer *jc, const struct json_doc *d, uint32_t array, bool cheap)
{
	uint64_t sum = 0;

	for (uint32_t i = array + 1; i < d->nodes[array].next; i = d->nodes[i].next) {
		struct span text = json_doc_text(d, i), end = text;

		if (!cheap) {
			sum += mix(hash_bytes(&jc->key, text.at, text.len), d->nodes[i].type);
			continue;
		}
		if (end.len > 8)
			span_skip(&end, end.len - 8);
		sum += mix(word_of(text), mix(word_of(end), text.len));
	}
	return sum;
}

/*
 * In an array of numbers the place is the meaning: a vector in another order is
 * another vector. Only what carries its name with it can be in another order.
 */
bool json_reordered(struct json_comparer *jc, uint32_t a, uint32_t b)
{
	const struct json_node *na = &jc->a->nodes[a], *nb = &jc->b->nodes[b];

	if (na->count != nb->count || na->count < 2 || na->len != nb->len || !is_ranked(jc->a, a))
		return false;
	if (elements_sum(jc, jc->a, a, true) != elements_sum(jc, jc->b, b, true))
		return false;
	if (jc->order_budget < (uint64_t)na->len + nb->len)
		return false;
	jc->order_budget -= (uint64_t)na->len + nb->len;
	return elements_sum(jc, jc->a, a, false) == elements_sum(jc, jc->b, b, false);
}
