/*
 * path_automaton.c - see path_automaton.h
 *
 * Theory of operation: the subset construction. An item is a place in a pattern
 * (a number for each, over all patterns); a state is the sorted set of items at
 * which the patterns can stand after some path, and the last pattern that still
 * holds from above. From a state, only keys that an item waits for lead
 * somewhere of their own; everything else takes the same step. States are found
 * again by a hash of their items, so the number of states is that of the paths
 * the patterns can tell apart.
 *
 * "**" can make that number exponential. Patterns are the user's own, so it is
 * enough to stop: WORK_MAX items looked at is a fraction of a second.
 */
#include "compare/rules/path_automaton.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"

#define WORK_MAX 20000000
#define STATES_MAX 16384
#define TABLE_SIZE (STATES_MAX * 2)

/** struct item - a place in a pattern; @step NULL: its end */
struct item {
	const struct pattern_step *step;
	uint32_t pattern;
};

/** struct set - items of a state under construction */
struct set {
	uint32_t *at;
	size_t count, cap;
};

/** struct build - everything needed only while the automaton grows */
struct build {
	struct automaton *a;
	const struct pattern *patterns;
	struct item *items;
	size_t item_count;
	uint32_t *kept; /* the items of all states, one after the other */
	size_t kept_count, kept_cap;
	size_t *from; /* of each state: where its items begin in @kept; one more than states */
	uint32_t table[TABLE_SIZE];
	struct set next;
	struct span *keys;
	size_t work, state_cap, edge_cap, end_cap;
};

static int number_items(struct build *b, const struct pattern *patterns, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += patterns[i].count + 1;
	b->items = calloc(total + 1, sizeof(*b->items));
	b->keys = calloc(total + 1, sizeof(*b->keys));
	b->next.at = calloc(total + 1, sizeof(*b->next.at));
	b->from = calloc(STATES_MAX + 1, sizeof(*b->from));
	if (!b->items || !b->keys || !b->next.at || !b->from)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		for (size_t s = 0; s <= patterns[i].count; s++)
			b->items[b->item_count++] =
				(struct item){ s < patterns[i].count ? &patterns[i].steps[s] : NULL,
					       (uint32_t)i };
	return 0;
}

/** reach() - an item, and those behind a ** that may stand for nothing; called in ascending order, so sets are sorted */
static void reach(struct build *b, uint32_t item)
{
	struct set *s = &b->next;

	for (;; item++) {
		if (s->count == 0 || s->at[s->count - 1] < item)
			s->at[s->count++] = item;
		if (!b->items[item].step || b->items[item].step->kind != STEP_DEEP)
			return;
	}
}

/** latest() - the pattern that decides what holds below: the one from above, or a later one that ends here */
static uint32_t latest(const struct build *b, uint32_t above, bool *stops)
{
	uint32_t below = above, last = NO_PATTERN;

	for (size_t i = 0; i < b->next.count; i++) {
		const struct item *item = &b->items[b->next.at[i]];

		if (item->step)
			continue;
		last = item->pattern;
		if (b->patterns[last].below && (below == NO_PATTERN || last > below))
			below = last;
	}
	*stops = last != NO_PATTERN && b->patterns[last].stops;
	return below;
}

/** note_ends() - the patterns that end in the state that is being added */
static int note_ends(struct build *b, struct automaton_state *s)
{
	struct automaton *a = b->a;

	s->ends = (uint32_t)a->end_count;
	for (size_t i = 0; i < b->next.count; i++) {
		if (b->items[b->next.at[i]].step)
			continue;
		if (!array_room((void **)&a->ends, &b->end_cap, a->end_count, sizeof(*a->ends)))
			return -ENOMEM;
		a->ends[a->end_count++] = b->items[b->next.at[i]].pattern;
		s->end_count++;
	}
	return 0;
}

static bool is_state(const struct build *b, uint32_t state, uint32_t below)
{
	size_t count = b->from[state + 1] - b->from[state];

	return b->a->states[state].below == below && count == b->next.count &&
	       (count == 0 || memcmp(b->kept + b->from[state], b->next.at, count * sizeof(*b->kept)) == 0);
}

/** intern() - the state for the items in @next; a new one if there is none yet */
static int intern(struct build *b, uint32_t above, uint32_t *out)
{
	static const struct hash_key key = { 1, 2 };
	struct automaton *a = b->a;
	struct automaton_state s = { 0 };
	bool stops;
	size_t at;

	s.below = latest(b, above, &stops);
	at = (hash_bytes(&key, b->next.at, b->next.count * sizeof(*b->next.at)) + s.below) % TABLE_SIZE;
	for (; b->table[at]; at = (at + 1) % TABLE_SIZE)
		if (is_state(b, b->table[at] - 1, s.below)) {
			*out = b->table[at] - 1;
			return 0;
		}
	if (a->state_count == STATES_MAX)
		return -E2BIG;
	if (note_ends(b, &s) < 0 ||
	    !array_room((void **)&a->states, &b->state_cap, a->state_count, sizeof(*a->states)))
		return -ENOMEM;
	for (size_t i = 0; i < b->next.count; i++) {
		if (!array_room((void **)&b->kept, &b->kept_cap, b->kept_count, sizeof(*b->kept)))
			return -ENOMEM;
		b->kept[b->kept_count++] = b->next.at[i];
	}
	*out = (uint32_t)a->state_count;
	s.other = stops ? *out : NO_PATTERN; /* NO_PATTERN: its steps have to be built */
	a->states[a->state_count++] = s;
	b->from[a->state_count] = b->kept_count;
	b->table[at] = *out + 1;
	return 0;
}

/** follow() - the state after @key, or (NULL) after a key that no item waits for */
static int follow(struct build *b, uint32_t state, const struct span *key, uint32_t *out)
{
	b->next.count = 0;
	b->work += b->from[state + 1] - b->from[state] + 1;
	if (b->work > WORK_MAX)
		return -E2BIG;
	for (size_t i = b->from[state]; i < b->from[state + 1]; i++) {
		uint32_t item = b->kept[i];
		const struct pattern_step *step = b->items[item].step;

		if (!step)
			continue;
		if (step->kind == STEP_DEEP)
			reach(b, item);
		else if (step->kind == STEP_ANY || (key && span_equal(step->key, *key)))
			reach(b, item + 1);
	}
	return intern(b, b->a->states[state].below, out);
}

static int by_key(const void *x, const void *y)
{
	const struct span *a = x, *b = y;

	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len ? memcmp(a->at, b->at, a->len) : 0;
}

static bool is_index(struct span key)
{
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] < '0' || key.at[i] > '9')
			return false;
	return key.len > 0 && key.len <= 10;
}

/** collect_keys() - what the items of a state wait for, sorted, each once */
static size_t collect_keys(struct build *b, uint32_t state)
{
	size_t count = 0, unique = 0;

	for (size_t i = b->from[state]; i < b->from[state + 1]; i++) {
		const struct pattern_step *step = b->items[b->kept[i]].step;

		if (step && step->kind == STEP_KEY)
			b->keys[count++] = step->key;
	}
	if (count)
		qsort(b->keys, count, sizeof(*b->keys), by_key);
	for (size_t i = 0; i < count; i++)
		if (unique == 0 || by_key(&b->keys[unique - 1], &b->keys[i]) != 0)
			b->keys[unique++] = b->keys[i];
	return unique;
}

static int build_steps(struct build *b, uint32_t state)
{
	struct automaton *a = b->a;
	size_t count;
	uint32_t to;
	int r;

	if (a->states[state].other == state)
		return 0;
	count = collect_keys(b, state);
	a->states[state].edges = (uint32_t)a->edge_count;
	a->states[state].edge_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		r = follow(b, state, &b->keys[i], &to);
		if (r < 0)
			return r;
		if (!array_room((void **)&a->edges, &b->edge_cap, a->edge_count, sizeof(*a->edges)))
			return -ENOMEM;
		a->edges[a->edge_count++] = (struct automaton_edge){ b->keys[i], to };
		a->states[state].indices |= is_index(b->keys[i]);
	}
	r = follow(b, state, NULL, &to);
	a->states[state].other = to;
	return r;
}

static int build(struct build *b, const struct pattern *patterns, size_t count)
{
	uint32_t root, item = 0;
	int r = number_items(b, patterns, count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		reach(b, item);
		item += (uint32_t)patterns[i].count + 1;
	}
	r = intern(b, NO_PATTERN, &root);
	for (uint32_t s = 0; r == 0 && s < b->a->state_count; s++)
		r = build_steps(b, s);
	return r;
}

int automaton_init(struct automaton *a, const struct pattern *patterns, size_t count)
{
	struct build *b = calloc(1, sizeof(*b));
	int r = -ENOMEM;

	*a = (struct automaton){ 0 };
	if (b) {
		b->a = a;
		b->patterns = patterns;
		r = build(b, patterns, count);
		free(b->items);
		free(b->keys);
		free(b->next.at);
		free(b->kept);
		free(b->from);
		free(b);
	}
	if (r < 0)
		automaton_deinit(a);
	return r;
}

void automaton_deinit(struct automaton *a)
{
	free(a->states);
	free(a->edges);
	free(a->ends);
	*a = (struct automaton){ 0 };
}

uint32_t automaton_step(const struct automaton *a, uint32_t state, struct span key)
{
	const struct automaton_state *s = &a->states[state];
	size_t low = s->edges, high = s->edges + s->edge_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int way = by_key(&key, &a->edges[mid].key);

		if (way == 0)
			return a->edges[mid].to;
		if (way < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return s->other;
}
