/*
 * hpack_table.h - the dynamic table (RFC 7541, 2.3.2 and 4), as far as it is known
 *
 * Entries are counted from the newest one, 1, on. Their bytes lie in one
 * allocation with the entries, the store, which is made at the first insertion
 * and grows as it is used. Bytes in it are never written over: when it is full,
 * a new store takes what is still there, and the old one stays until the next
 * block begins. So spans into the table outlive insertions and evictions of their
 * own block. A name that an entry takes from another one is not copied: a block of
 * few bytes cannot make many.
 */
#ifndef HTTP_HTTP2_HPACK_TABLE_H
#define HTTP_HTTP2_HPACK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/span.h"

#define HPACK_ENTRY_OVERHEAD 32 /* that each entry adds to the table's size (RFC 7541, 4.1) */

/** struct hpack_entry - @name is NULL where it is not known; lengths in 32 bits, as there may be many entries */
struct hpack_entry {
	const uint8_t *name, *value;
	uint32_t name_len, value_len;
};

struct hpack_store {
	struct hpack_store *older; /* of the same block */
	uint32_t slots, next;      /* entries that there is room for, a power of two; where the next one goes */
	uint32_t used, room;       /* bytes behind the entries */
	struct hpack_entry entries[];
};

struct hpack_table {
	struct budget *budget;     /* charged with the stores; may be NULL */
	struct hpack_store *store; /* NULL until the first insertion */
	uint64_t changes;          /* insertions and evictions so far, or more */
	uint32_t max;              /* highest @size */
	uint32_t size, count;      /* of the entries */
};

/** hpack_table_entry() - the @n-th newest entry, from 1 on, borrowed; NULL if there is none */
static inline const struct hpack_entry *hpack_table_entry(const struct hpack_table *t, uint32_t n)
{
	return n <= t->count ? &t->store->entries[(t->store->next - n) & (t->store->slots - 1)] : NULL;
}

/** hpack_table_begin() - a block begins: spans into the table that were lent so far are no longer used */
void hpack_table_begin(struct hpack_table *t);

/**
 * hpack_table_insert() - insert an entry as the newest one, and evict what then is too much
 * @name:   of NULL if not known
 * @lasts:  @name is borrowed from an entry, or for ever; else it is copied, as @value is
 *
 * An entry larger than the table empties it (RFC 7541, 4.4). Return: false, nothing changed but evictions,
 * when out of memory or over the budget; then the entries that are there are no longer the newest ones.
 */
bool hpack_table_insert(struct hpack_table *t, struct span name, bool lasts, struct span value);

/**
 * hpack_table_repeat() - insert the @n-th newest entry, which is there, once more: as hpack_table_insert() does, but
 * without a copy of its bytes where they can be shared
 */
bool hpack_table_repeat(struct hpack_table *t, uint32_t n);

/** hpack_table_resize() - another maximum size; evicts what is too much */
void hpack_table_resize(struct hpack_table *t, uint32_t max);

/** hpack_table_clear() - evict everything; spans into the table stay valid as with an insertion */
void hpack_table_clear(struct hpack_table *t);

/** hpack_table_free() - evict everything and free the memory */
void hpack_table_free(struct hpack_table *t);

/** hpack_table_held() - bytes of memory */
size_t hpack_table_held(const struct hpack_table *t);

#endif
