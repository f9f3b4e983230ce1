/* hpack_table.c - see hpack_table.h */
#include "http/http2/hpack_table.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 16
#define ROOM_MIN 256

static size_t store_size(const struct hpack_store *s)
{
	return sizeof(*s) + s->slots * sizeof(s->entries[0]) + s->room;
}

/** stores_free() - @s and what is older */
static void stores_free(struct hpack_table *t, struct hpack_store *s)
{
	while (s) {
		struct hpack_store *older = s->older;

		if (t->budget)
			budget_release(t->budget, store_size(s));
		free(s);
		s = older;
	}
}

static struct hpack_store *store_new(struct budget *budget, uint32_t slots, uint32_t room)
{
	struct hpack_store shape = { .slots = slots, .room = room }, *s;

	if (!budget_grow(budget, 0, store_size(&shape)))
		return NULL;
	s = malloc(store_size(&shape));
	if (s)
		*s = shape;
	else if (budget)
		budget_release(budget, store_size(&shape));
	return s;
}

/** keep() - a copy of @bytes, for which there is room */
static const uint8_t *keep(struct hpack_store *s, struct span bytes)
{
	uint8_t *at = (uint8_t *)&s->entries[s->slots] + s->used;

	if (bytes.len > 0)
		memcpy(at, bytes.at, bytes.len);
	s->used += (uint32_t)bytes.len;
	return at;
}

/** push() - @name is kept already, unless @copy */
static void push(struct hpack_store *s, struct span name, bool copy, struct span value)
{
	struct hpack_entry *e = &s->entries[s->next++ & (s->slots - 1)];

	e->name = copy && name.at ? keep(s, name) : name.at;
	e->name_len = (uint32_t)name.len;
	e->value = keep(s, value);
	e->value_len = (uint32_t)value.len;
}

/** renew() - a store that has room for one more entry, of @more bytes, with everything that is there */
static bool renew(struct hpack_table *t, uint32_t more)
{
	uint32_t live = t->size - t->count * HPACK_ENTRY_OVERHEAD, slots = SLOTS_MIN;
	struct hpack_store *s;

	while (slots <= t->count)
		slots *= 2;
	s = store_new(t->budget, slots, live + live / 2 + more + ROOM_MIN);
	if (!s)
		return false;
	for (uint32_t n = t->count; n > 0; n--) {
		const struct hpack_entry *e = hpack_table_entry(t, n);

		push(s, span_of(e->name, e->name_len), true, span_of(e->value, e->value_len));
	}
	s->older = t->store;
	t->store = s;
	return true;
}

static void evict(struct hpack_table *t, uint32_t max)
{
	while (t->size > max) {
		const struct hpack_entry *oldest = hpack_table_entry(t, t->count);

		t->size -= oldest->name_len + oldest->value_len + HPACK_ENTRY_OVERHEAD;
		t->count--;
	}
}

void hpack_table_begin(struct hpack_table *t)
{
	struct hpack_store *s = t->store;

	if (!s)
		return;
	if (s->older) {
		stores_free(t, s->older);
		s->older = NULL;
	}
	if (t->count == 0)
		s->used = 0;
}

bool hpack_table_insert(struct hpack_table *t, struct span name, bool lasts, struct span value)
{
	size_t size = name.len + value.len + HPACK_ENTRY_OVERHEAD;
	size_t bytes = value.len + (lasts ? 0 : name.len);

	t->changes++;
	if (size > t->max) {
		evict(t, 0);
		return true;
	}
	evict(t, t->max - (uint32_t)size);
	if (!t->store || t->count == t->store->slots || t->store->room - t->store->used < bytes) {
		if (!renew(t, (uint32_t)(name.len + value.len)))
			return false;
		lasts = false; /* it may lie in the store before */
	}
	push(t->store, name, !lasts, value);
	t->count++;
	t->size += (uint32_t)size;
	return true;
}

bool hpack_table_repeat(struct hpack_table *t, uint32_t n)
{
	struct hpack_entry e = *hpack_table_entry(t, n);
	uint32_t size = e.name_len + e.value_len + HPACK_ENTRY_OVERHEAD;

	if (t->count == t->store->slots || size > t->max)
		return hpack_table_insert(t, span_of(e.name, e.name_len), false, span_of(e.value, e.value_len));
	t->changes++;
	evict(t, t->max - size);
	t->store->entries[t->store->next++ & (t->store->slots - 1)] = e;
	t->count++;
	t->size += size;
	return true;
}

void hpack_table_resize(struct hpack_table *t, uint32_t max)
{
	t->changes++;
	t->max = max;
	evict(t, max);
}

void hpack_table_clear(struct hpack_table *t)
{
	t->changes++;
	evict(t, 0);
}

void hpack_table_free(struct hpack_table *t)
{
	hpack_table_clear(t);
	stores_free(t, t->store);
	t->store = NULL;
}

size_t hpack_table_held(const struct hpack_table *t)
{
	size_t held = 0;

	for (const struct hpack_store *s = t->store; s; s = s->older)
		held += store_size(s);
	return held;
}
