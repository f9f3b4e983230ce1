/*
 * counted.h - a bounded table of names, each with a few counters
 *
 * Labels, confusions, statuses, reasons, paths and slices are all this: a key
 * of one or two texts, and numbers that add up. The first @cap names get a
 * place; what comes after is for the caller to count as overflow. Names that
 * are frequent come early, so the places go to them.
 *
 * Texts are made valid UTF-8 and cut to COUNTED_TEXT_MAX bytes on the way in,
 * so that a table read from a report finds the names that it wrote.
 */
#ifndef COMPARE_TALLY_COUNTED_H
#define COMPARE_TALLY_COUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/span.h"

#define COUNTED_NUMBERS  7
#define COUNTED_TEXT_MAX 160
#define COUNTED_KEY_MAX  (2 * COUNTED_TEXT_MAX + 2)

/** struct counted_key - one or two texts, each ended by a NUL */
struct counted_key {
	char bytes[COUNTED_KEY_MAX];
	size_t len;
};

struct counted_row {
	char *key; /* own memory */
	size_t key_len;
	uint64_t n[COUNTED_NUMBERS];
	double max[2];
};

struct counted {
	struct counted_row *rows;
	size_t count, room, cap;
	uint16_t *index; /* row + 1; 0 is free; twice as many as cap, rounded up to a power of two */
	size_t slots;
	struct hash_key hash;
};

/** counted_init() - at most @cap rows, below 32768; memory is taken when the first comes */
void counted_init(struct counted *t, size_t cap, struct hash_key hash);
void counted_deinit(struct counted *t);

/** counted_key_add() - append a text to a key; at most two */
void counted_key_add(struct counted_key *key, struct span text);

/** counted_row() - the row of @key, made if there is room; NULL if there is none, or no memory */
struct counted_row *counted_row(struct counted *t, const struct counted_key *key);

/** counted_find() - the row of a key as rows hold it, or NULL */
const struct counted_row *counted_find(const struct counted *t, const char *key, size_t len);

/** counted_first(), counted_second() - the texts of a row's key; the second is "" if there is none */
const char *counted_first(const struct counted_row *row);
const char *counted_second(const struct counted_row *row);

/**
 * counted_order() - the rows by n[0], greatest first, then by key: the same rows give the same order
 * Return: count pointers, given (free); NULL when out of memory or empty.
 */
const struct counted_row **counted_order(const struct counted *t);

/** counted_merge() - add @from to @into; what has no place is added up in @lost[COUNTED_NUMBERS] */
void counted_merge(struct counted *into, const struct counted *from, uint64_t *lost);

#endif
