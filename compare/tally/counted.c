/* counted.c - see counted.h; open addressing over an array of rows, so that rows can be sorted and walked */
#include "compare/tally/counted.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define ROOM_FIRST 16

void counted_init(struct counted *t, size_t cap, struct hash_key hash)
{
	*t = (struct counted){ .cap = cap, .hash = hash, .slots = 2 };
	while (t->slots < 2 * cap)
		t->slots *= 2;
}

void counted_deinit(struct counted *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->rows[i].key);
	free(t->rows);
	free(t->index);
	*t = (struct counted){ 0 };
}

static void add_bytes(struct counted_key *key, size_t *left, const void *bytes, size_t len)
{
	memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
	*left -= len;
}

void counted_key_add(struct counted_key *key, struct span text)
{
	size_t left = COUNTED_TEXT_MAX;

	if (COUNTED_KEY_MAX - key->len <= COUNTED_TEXT_MAX)
		return;
	while (text.len > 0) {
		size_t len = utf8_length(text);
		bool good = len > 0 && text.at[0] != '\0';
		struct span letter = good ? span_of(text.at, len) : SPAN_LITERAL("\xef\xbf\xbd");

		if (letter.len > left)
			break;
		add_bytes(key, &left, letter.at, letter.len);
		span_skip(&text, len ? len : 1);
	}
	key->bytes[key->len++] = '\0';
}

/* The slot of @key: its own, or the free one that would be its. There is always a free one. */
static size_t slot_of(const struct counted *t, const char *key, size_t len)
{
	size_t at = (size_t)hash_bytes(&t->hash, key, len) & (t->slots - 1);

	for (; t->index[at] != 0; at = (at + 1) & (t->slots - 1)) {
		const struct counted_row *row = &t->rows[t->index[at] - 1];

		if (row->key_len == len && memcmp(row->key, key, len) == 0)
			break;
	}
	return at;
}

static bool make_room(struct counted *t)
{
	size_t room = t->room ? 2 * t->room : ROOM_FIRST;
	struct counted_row *rows;

	if (t->count < t->room)
		return true;
	if (room > t->cap)
		room = t->cap;
	rows = realloc(t->rows, room * sizeof(*rows));
	if (!rows)
		return false;
	t->rows = rows;
	t->room = room;
	return true;
}

struct counted_row *counted_row(struct counted *t, const struct counted_key *key)
{
	struct counted_row *row;
	size_t at;

	if (!t->index)
		t->index = calloc(t->slots, sizeof(*t->index));
	if (!t->index)
		return NULL;
	at = slot_of(t, key->bytes, key->len);
	if (t->index[at] != 0)
		return &t->rows[t->index[at] - 1];
	if (t->count == t->cap || !make_room(t))
		return NULL;
	row = &t->rows[t->count];
	*row = (struct counted_row){ .key = malloc(key->len), .key_len = key->len };
	if (!row->key)
		return NULL;
	memcpy(row->key, key->bytes, key->len);
	t->index[at] = (uint16_t)++t->count;
	return row;
}

const struct counted_row *counted_find(const struct counted *t, const char *key, size_t len)
{
	size_t at;

	if (!t->index)
		return NULL;
	at = slot_of(t, key, len);
	return t->index[at] ? &t->rows[t->index[at] - 1] : NULL;
}

const char *counted_first(const struct counted_row *row)
{
	return row->key;
}

const char *counted_second(const struct counted_row *row)
{
	size_t first = strlen(row->key) + 1;

	return first < row->key_len ? row->key + first : "";
}

static int by_count(const void *a, const void *b)
{
	const struct counted_row *x = *(const struct counted_row *const *)a;
	const struct counted_row *y = *(const struct counted_row *const *)b;
	size_t shorter = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order;

	if (x->n[0] != y->n[0])
		return x->n[0] > y->n[0] ? -1 : 1;
	order = memcmp(x->key, y->key, shorter);
	return order ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

const struct counted_row **counted_order(const struct counted *t)
{
	const struct counted_row **rows = t->count ? malloc(t->count * sizeof(struct counted_row *)) : NULL;

	if (!rows)
		return NULL;
	for (size_t i = 0; i < t->count; i++)
		rows[i] = &t->rows[i];
	qsort(rows, t->count, sizeof(struct counted_row *), by_count);
	return rows;
}

static void add_numbers(uint64_t *into, const uint64_t *from)
{
	for (size_t i = 0; i < COUNTED_NUMBERS; i++)
		into[i] += from[i];
}

void counted_merge(struct counted *into, const struct counted *from, uint64_t *lost)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct counted_row *row = &from->rows[i];
		struct counted_key key = { .len = row->key_len };
		struct counted_row *mine;

		memcpy(key.bytes, row->key, row->key_len);
		mine = counted_row(into, &key);
		add_numbers(mine ? mine->n : lost, row->n);
		for (int m = 0; mine && m < 2; m++)
			if (row->max[m] > mine->max[m])
				mine->max[m] = row->max[m];
	}
}
