/*
 * flow.c - the table of TCP connections
 *
 * Theory of operation. A chained hash table under a random key (SipHash), since
 * whoever sends packets chooses the addresses. It doubles without a pause: two
 * arrays live side by side while each new flow moves a few old buckets, because
 * moving a million flows at once would take longer than the capture ring lasts.
 *
 * Flows also hang in one of two lists by the time of their last segment, so
 * expiry looks at the oldest only and needs no timers. Closed flows have their
 * own list: they linger shortly, and go first when memory is short.
 */
#include "reassembly/flow.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024
#define BUCKETS_MOVED 4 /* per new flow while growing; two would be enough to finish before the next growth */
#define FLOW_OVERHEAD (sizeof(struct flow) + 16 + 2 * sizeof(struct flow *)) /* malloc's, and the buckets' */

_Static_assert(sizeof(struct endpoint) == 20, "endpoints are hashed as bytes: no padding");
_Static_assert(sizeof(struct flow_key) == 44, "keys are hashed as bytes: no padding");

struct flow_key flow_key_of(const struct segment *segment, unsigned *dir)
{
	int order = memcmp(&segment->src, &segment->dst, sizeof(segment->src));

	*dir = order > 0;
	return (struct flow_key){ .end = { order > 0 ? segment->dst : segment->src,
					   order > 0 ? segment->src : segment->dst },
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

struct flow *flow_find(struct flow_table *t, const struct flow_key *key)
{
	uint32_t hash = (uint32_t)hash_bytes(&t->hash_key, key, sizeof(*key));
	struct flow *f = *bucket_of(t, hash);

	while (f && (f->hash != hash || memcmp(&f->key, key, sizeof(*key)) != 0))
		f = f->chain;
	return f;
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

struct flow_list *flow_list_of(struct flow_table *t, const struct flow *f)
{
	return f->state == FLOW_CLOSED ? &t->closed : &t->live;
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
	f->hash = (uint32_t)hash_bytes(&t->hash_key, key, sizeof(*key));
	f->client = f->new_dir = CLIENT_UNKNOWN;
	f->last = now;
	bucket = bucket_of(t, f->hash);
	f->chain = *bucket;
	*bucket = f;
	t->count++;
	list_append(&t->live, f);
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
