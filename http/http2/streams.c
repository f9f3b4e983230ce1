/* streams.c - see streams.h */
#include "http/http2/streams.h"

#include <stdlib.h>
#include <string.h>

void stream_pool_deinit(struct stream_pool *pool)
{
	while (pool->spare) {
		struct h2_stream *st = pool->spare;

		pool->spare = st->next;
		free(st);
	}
	pool->spare_count = 0;
}

/** place() - the index of the first that is not below @id: a new one's is behind the others, the oldest ends first */
static uint32_t place(const struct streams *s, uint32_t id)
{
	uint32_t low = 0, high = s->count, guess;

	if (s->count == 0 || s->at[s->count - 1]->id < id)
		return s->count;
	if (s->at[0]->id >= id)
		return 0;
	guess = (id - s->at[0]->id) / 2; /* ... where none between them has ended yet */
	if (guess < s->count && s->at[guess]->id == id)
		return guess;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->at[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct h2_stream *streams_search(struct streams *s, uint32_t id)
{
	uint32_t i = place(s, id);

	if (i == s->count || s->at[i]->id != id) {
		s->absent = id;
		return NULL;
	}
	s->last = i;
	return s->at[i];
}

struct h2_stream *streams_next(const struct streams *s, uint32_t *id)
{
	uint32_t i = place(s, *id + 1);

	if (i == s->count)
		return NULL;
	*id = s->at[i]->id;
	return s->at[i];
}

struct h2_stream *streams_above(const struct streams *s, uint32_t id, uint32_t *count)
{
	uint32_t i = place(s, id + 1);

	*count = s->count - i;
	return *count > 0 ? s->at[i] : NULL;
}

static bool grow(struct streams *s, struct budget *budget)
{
	uint32_t cap = s->cap ? s->cap * 2 : 4;
	struct h2_stream **at;

	if (!budget_charge(budget, (cap - s->cap) * sizeof(*at)))
		return false;
	at = realloc(s->at, cap * sizeof(*at));
	if (!at) {
		budget_release(budget, (cap - s->cap) * sizeof(*at));
		return false;
	}
	s->at = at;
	s->cap = cap;
	return true;
}

static struct h2_stream *take(struct stream_pool *pool)
{
	struct h2_stream *st = pool->spare;

	if (!budget_charge(pool->budget, sizeof(*st)))
		return NULL;
	if (st) {
		pool->spare = st->next;
		pool->spare_count--;
	} else {
		st = malloc(sizeof(*st));
	}
	if (!st) {
		budget_release(pool->budget, sizeof(*st));
		return NULL;
	}
	memset(st, 0, sizeof(*st));
	return st;
}

struct h2_stream *streams_add(struct streams *s, struct stream_pool *pool, uint32_t id)
{
	uint32_t i = place(s, id);
	struct h2_stream *st;

	if (s->count == STREAMS_OPEN_MAX || (s->count == s->cap && !grow(s, pool->budget)))
		return NULL;
	st = take(pool);
	if (!st)
		return NULL;
	st->id = id;
	memmove(&s->at[i + 1], &s->at[i], (s->count - i) * sizeof(*s->at));
	s->at[i] = st;
	s->count++;
	s->last = i;
	s->absent = 0;
	return st;
}

void streams_remove(struct streams *s, struct stream_pool *pool, struct h2_stream *st)
{
	uint32_t i = s->last < s->count && s->at[s->last] == st ? s->last : place(s, st->id);

	s->absent = st->id; /* more frames of it are to come, when its response is not wanted */
	s->count--;
	memmove(&s->at[i], &s->at[i + 1], (s->count - i) * sizeof(*s->at));
	budget_release(pool->budget, sizeof(*st));
	if (pool->spare_count >= SPARE_STREAMS_MAX) {
		free(st);
		return;
	}
	st->next = pool->spare;
	pool->spare = st;
	pool->spare_count++;
}

void streams_deinit(struct streams *s, struct stream_pool *pool)
{
	budget_release(pool->budget, s->cap * sizeof(*s->at));
	free(s->at);
	*s = (struct streams){ 0 };
}
