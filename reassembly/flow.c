/*
 * flow.c - the table of TCP connections
 *
 * Theory of operation. A chained hash table under a random key (SipHash), since
 * whoever sends packets chooses the addresses. It doubles without a pause: two
 * arrays live side by side while each new flow moves a few old buckets, because
 * moving a million flows at once would take longer than the capture ring lasts.
 *
 * The hash is of the two ends alone. So flows with one 4-tuple in several
 * networks are neighbours, and the question whether a new one is a copy of
 * another (copies.c) needs no second table. The network is compared in the
 * cache line that the ends are in; aliases lie elsewhere and are read only when
 * the ends are equal and the networks are not. Whoever can choose VLAN tags
 * could so make one bucket long: SAME_ENDS_MAX bounds that.
 *
 * Flows also hang in one of three lists by the time of their last segment, so
 * expiry looks at the oldest only and needs no timers. Those of which only SYNs
 * were seen have their own list, and closed ones, which linger shortly: in this
 * order they go before any other when memory is short.
 */
#include "reassembly/flow.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024
#define BUCKETS_MOVED 4 /* per new flow while growing; two would be enough to finish before the next growth */
#define FLOW_OVERHEAD (sizeof(struct flow) + 16 + 2 * sizeof(struct flow *)) /* malloc's, and the buckets' */

_Static_assert(sizeof(struct endpoint) == 20, "endpoints are hashed as bytes: no padding");
_Static_assert(offsetof(struct flow, key) + sizeof(struct flow_key) <= 64, "a lookup reads one cache line");

/** struct words - an endpoint's bytes: compared as numbers, which is any order but the same one every time */
struct words {
	uint64_t at[2];
	uint32_t rest;
};

static inline struct words words_of(const struct endpoint *e)
{
	struct words w;

	memcpy(&w.at, e->addr, sizeof(w.at));
	memcpy(&w.rest, &e->port, sizeof(w.rest));
	return w;
}

static inline bool is_above(const struct endpoint *one, const struct endpoint *other)
{
	struct words a = words_of(one), b = words_of(other);

	if (a.at[1] != b.at[1])
		return a.at[1] > b.at[1];
	return a.at[0] != b.at[0] ? a.at[0] > b.at[0] : a.rest > b.rest;
}

static inline bool same_end(const struct endpoint *one, const struct endpoint *other)
{
	struct words a = words_of(one), b = words_of(other);

	return ((a.at[0] ^ b.at[0]) | (a.at[1] ^ b.at[1]) | (a.rest ^ b.rest)) == 0;
}

struct flow_key flow_key_of(const struct segment *segment, unsigned *dir)
{
	bool back = is_above(&segment->src, &segment->dst);

	*dir = back;
	return (struct flow_key){ .end = { back ? segment->dst : segment->src,
					   back ? segment->src : segment->dst },
				  .network = segment->network };
}

bool flow_table_init(struct flow_table *t, struct budget *budget)
{
	*t = (struct flow_table){ .hash_key = hash_key_random(),
				  .budget = budget,
				  .bucket_count = BUCKETS_FIRST };
	t->buckets = calloc(BUCKETS_FIRST, sizeof(struct flow *));
	return t->buckets != NULL;
}

void flow_table_deinit(struct flow_table *t)
{
	free(t->buckets);
	free(t->old_buckets);
}

static struct flow **bucket_of(struct flow_table *t, uint32_t hash)
{
	if (t->old_buckets && (hash & (t->old_count - 1)) >= t->old_next)
		return &t->old_buckets[hash & (t->old_count - 1)];
	return &t->buckets[hash & (t->bucket_count - 1)];
}

/** move_buckets() - a few steps of growing */
static void move_buckets(struct flow_table *t)
{
	for (int i = 0; i < BUCKETS_MOVED && t->old_next < t->old_count; i++) {
		struct flow *f = t->old_buckets[t->old_next++];

		while (f) {
			struct flow *next = f->chain, **to = &t->buckets[f->hash & (t->bucket_count - 1)];

			f->chain = *to;
			*to = f;
			f = next;
		}
	}
	if (t->old_next == t->old_count) {
		free(t->old_buckets);
		t->old_buckets = NULL;
	}
}

static void grow(struct flow_table *t)
{
	struct flow **buckets;

	if (t->old_buckets) {
		move_buckets(t);
		return;
	}
	if (t->count < t->bucket_count || t->bucket_count > SIZE_MAX / 4)
		return;
	buckets = calloc(t->bucket_count * 2, sizeof(struct flow *));
	if (!buckets)
		return; /* chains get longer: slower, not wrong */
	t->old_buckets = t->buckets;
	t->old_count = t->bucket_count;
	t->old_next = 0;
	t->buckets = buckets;
	t->bucket_count *= 2;
}

static uint32_t hash_of(const struct flow_table *t, const struct flow_key *key)
{
	uint32_t addr[2];

	if (key->end[0].family != 4 || key->end[1].family != 4)
		return (uint32_t)hash_bytes(&t->hash_key, key->end, sizeof(key->end));
	memcpy(&addr[0], key->end[0].addr + 12, 4); /* of IPv4 the rest is zero */
	memcpy(&addr[1], key->end[1].addr + 12, 4);
	return (uint32_t)hash_pair(&t->hash_key, (uint64_t)addr[0] << 32 | addr[1],
				   UINT64_C(12) << 56 | (uint64_t)key->end[0].port << 16 | key->end[1].port);
}

static bool is_in(const struct flow *f, uint32_t network)
{
	if (f->key.network == network)
		return true;
	for (uint8_t i = 0; i < f->alias_count; i++)
		if (f->alias[i] == network)
			return true;
	return false;
}

/** with_ends() - @f or the first after it in its bucket that has these ends */
static struct flow *with_ends(struct flow *f, uint32_t hash, const struct flow_key *key)
{
	while (f && (f->hash != hash || !same_end(&f->key.end[0], &key->end[0]) ||
		     !same_end(&f->key.end[1], &key->end[1])))
		f = f->chain;
	return f;
}

struct flow *flow_find(struct flow_table *t, const struct flow_key *key)
{
	uint32_t hash = hash_of(t, key);
	struct flow *f = with_ends(*bucket_of(t, hash), hash, key);

	while (f && !is_in(f, key->network))
		f = with_ends(f->chain, hash, key);
	return f;
}

struct flow *flow_same_ends(struct flow_table *t, const struct flow_key *key, const struct flow *after)
{
	uint32_t hash = after ? after->hash : hash_of(t, key);

	return with_ends(after ? after->chain : *bucket_of(t, hash), hash, key);
}

void flow_add_alias(struct flow *f, uint32_t network)
{
	f->alias[f->alias_next] = network;
	f->alias_next = (uint8_t)((f->alias_next + 1) % ALIASES_MAX);
	if (f->alias_count < ALIASES_MAX)
		f->alias_count++;
}

static void list_append(struct flow_list *list, struct flow *f)
{
	f->newer = NULL;
	f->older = list->newest;
	if (list->newest)
		list->newest->newer = f;
	else
		list->oldest = f;
	list->newest = f;
	list->count++;
}

static void list_unlink(struct flow_list *list, struct flow *f)
{
	if (f->newer)
		f->newer->older = f->older;
	else
		list->newest = f->older;
	if (f->older)
		f->older->newer = f->newer;
	else
		list->oldest = f->newer;
	list->count--;
}

void flow_drop_alias(struct flow *f, uint32_t network)
{
	for (uint8_t i = 0; i < f->alias_count; i++) {
		if (f->alias[i] != network)
			continue;
		f->alias[i] = f->alias[--f->alias_count];
		f->alias_next = f->alias_count;
		return;
	}
}

struct flow_list *flow_list_of(struct flow_table *t, const struct flow *f)
{
	switch (f->state) {
	case FLOW_OPENING:
		return &t->opening;
	case FLOW_CLOSED:
		return &t->closed;
	case FLOW_OPEN:
	case FLOW_IGNORED:
		break;
	}
	return &t->live;
}

struct flow *flow_add(struct flow_table *t, const struct flow_key *key, struct wall now)
{
	struct flow **bucket, *f;

	if (!budget_charge(t->budget, FLOW_OVERHEAD))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f) {
		budget_release(t->budget, FLOW_OVERHEAD);
		return NULL;
	}
	grow(t);
	f->key = *key;
	f->hash = hash_of(t, key);
	f->client = f->new_dir = CLIENT_UNKNOWN;
	f->last = now;
	bucket = bucket_of(t, f->hash);
	f->chain = *bucket;
	*bucket = f;
	t->count++;
	list_append(&t->opening, f);
	return f;
}

void flow_touch(struct flow_table *t, struct flow *f, struct wall now)
{
	struct flow_list *list = flow_list_of(t, f);

	f->last = now;
	if (list->newest == f)
		return;
	list_unlink(list, f);
	list_append(list, f);
}

void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state state)
{
	list_unlink(flow_list_of(t, f), f);
	f->state = state;
	list_append(flow_list_of(t, f), f);
}

void flow_remove(struct flow_table *t, struct flow *f)
{
	struct flow **at = bucket_of(t, f->hash);

	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
	t->count--;
	list_unlink(flow_list_of(t, f), f);
	budget_release(t->budget, FLOW_OVERHEAD);
	free(f);
}
