/* first_pairs.c - see first_pairs.h */
#include "compare/tally/first_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/hash.h"

#define SLOTS_FIRST 64
#define SLOTS_MAX   (2 * (size_t)FIRST_PAIRS_MAX)
#define WRITTEN     ((FIRST_HASH_BITS + 8) / 8) /* bytes of a request in a report */

static bool is_sampled(const struct first_pairs *f, uint64_t hash)
{
	return hash < UINT64_C(1) << (FIRST_HASH_BITS - f->level);
}

/* Where it is, or a free slot where it belongs. */
static struct first_pair *slot_of(const struct first_pairs *f, uint64_t hash)
{
	size_t mask = f->slot_count - 1, at = (size_t)((hash * f->secret) >> 48) & mask;

	while (f->slots[at].verdict != FIRST_NONE && f->slots[at].hash != hash)
		at = (at + 1) & mask;
	return &f->slots[at];
}

/** resettle() - the sampled ones into @slots of @count, which takes the place of the old slots */
static void resettle(struct first_pairs *f, struct first_pair *slots, size_t count)
{
	struct first_pairs old = *f;

	f->slots = slots;
	f->slot_count = count;
	f->count = 0;
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i].verdict != FIRST_NONE && is_sampled(f, old.slots[i].hash)) {
			*slot_of(f, old.slots[i].hash) = old.slots[i];
			f->count++;
		}
	free(old.slots);
}

/** grow() - twice the slots; false: no more are allowed, or there is no memory */
static bool grow(struct first_pairs *f)
{
	size_t count = f->slot_count ? 2 * f->slot_count : SLOTS_FIRST;
	struct first_pair *slots = count <= SLOTS_MAX ? calloc(count, sizeof(*slots)) : NULL;

	if (!slots)
		return false;
	if (f->slot_count == 0)
		f->secret = hash_key_random().k0 | 1;
	resettle(f, slots, count);
	return true;
}

/**
 * drop() - those that are not sampled any more; in place, since this must not fail
 *
 * Each is taken out and put back, from behind a free slot on, so that no run of slots crosses the start: what was put
 * back then has only slots before it that are final.
 */
static void drop(struct first_pairs *f)
{
	size_t mask = f->slot_count - 1, start = 0;

	while (start < f->slot_count && f->slots[start].verdict != FIRST_NONE)
		start++;
	for (size_t i = 1; i < f->slot_count; i++) {
		struct first_pair *at = &f->slots[(start + i) & mask], moved = *at;

		if (moved.verdict == FIRST_NONE)
			continue;
		*at = (struct first_pair){ .verdict = FIRST_NONE };
		f->count--;
		if (!is_sampled(f, moved.hash))
			continue;
		*slot_of(f, moved.hash) = moved;
		f->count++;
	}
}

static void raise_level(struct first_pairs *f, unsigned level)
{
	if (level <= f->level)
		return;
	f->level = level;
	drop(f);
}

/** make_room() - for one more, whose hash is @hash; false if it is not sampled after that */
static bool make_room(struct first_pairs *f, uint64_t hash)
{
	while (2 * f->count >= f->slot_count && !grow(f)) {
		if (f->slot_count == 0 || f->level == FIRST_LEVEL_MAX)
			return false;
		raise_level(f, f->level + 1);
	}
	return is_sampled(f, hash);
}

/** settle() - which of two pairs of one request counts: one that was compared, then the smaller lot */
static void settle(struct first_pair *into, const struct first_pair *from)
{
	bool mine = into->verdict != FIRST_UNCOMPARED, other = from->verdict != FIRST_UNCOMPARED;

	if (other != mine ? other
	    : from->lot != into->lot ? from->lot < into->lot : from->verdict > into->verdict) {
		into->lot = from->lot;
		into->verdict = from->verdict;
	}
}

/** put() - @one if it is sampled; *@is_new: it was not there. Return: its slot, or NULL */
static struct first_pair *put(struct first_pairs *f, const struct first_pair *one, bool *is_new)
{
	struct first_pair *slot;

	*is_new = false;
	if (!is_sampled(f, one->hash))
		return NULL;
	slot = f->slot_count > 0 ? slot_of(f, one->hash) : NULL;
	if (slot && slot->verdict != FIRST_NONE)
		return slot;
	if (!make_room(f, one->hash))
		return NULL;
	*is_new = true;
	slot = slot_of(f, one->hash);
	*slot = *one;
	f->count++;
	return slot;
}

struct first_pair *first_pairs_add(struct first_pairs *f, uint64_t hash, uint8_t lot, enum first_verdict verdict)
{
	struct first_pair one = { .hash = hash >> (64 - FIRST_HASH_BITS), .lot = lot, .verdict = verdict };
	bool is_new;
	struct first_pair *slot = put(f, &one, &is_new);

	if (slot && !is_new && slot->verdict == FIRST_UNCOMPARED)
		settle(slot, &one);
	return slot;
}

uint64_t first_pairs_distinct(const struct first_pairs *f)
{
	return (uint64_t)f->count << f->level;
}

uint64_t first_pairs_with(const struct first_pairs *f, enum first_verdict verdict)
{
	uint64_t count = 0;

	for (size_t i = 0; i < f->slot_count; i++)
		count += f->slots[i].verdict == verdict;
	return verdict == FIRST_NONE ? 0 : count;
}

/* One of another sample: what its responses were stays there. */
static void merge_one(struct first_pairs *into, uint64_t hash, uint8_t lot, enum first_verdict verdict)
{
	struct first_pair one = { .hash = hash, .lot = lot, .verdict = verdict };
	bool is_new;
	struct first_pair *slot = put(into, &one, &is_new);

	if (slot && !is_new)
		settle(slot, &one);
}

void first_pairs_merge(struct first_pairs *into, const struct first_pairs *from)
{
	raise_level(into, from->level);
	for (size_t i = 0; i < from->slot_count; i++)
		if (from->slots[i].verdict != FIRST_NONE)
			merge_one(into, from->slots[i].hash, from->slots[i].lot, from->slots[i].verdict);
}

/* -- in reports ------------------------------------------------------------------------ */

static const char *const verdict_names[FIRST_VERDICTS] = {
	[FIRST_UNCOMPARED] = "uncompared",
	[FIRST_AGREES] = "agree",
	[FIRST_DIFFERS] = "differ",
	[FIRST_GENERATED] = "generated",
};

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Those of one verdict, each as hash and lot in one number, in order; @sorted has room for all. */
static void verdict_json(const struct first_pairs *f, struct json *j, enum first_verdict verdict, uint64_t *sorted)
{
	struct buffer bytes = { 0 };
	size_t count = 0;

	for (size_t i = 0; sorted && i < f->slot_count; i++)
		if (f->slots[i].verdict == verdict)
			sorted[count++] = (uint64_t)f->slots[i].hash << 8 | f->slots[i].lot;
	if (count > 0)
		qsort(sorted, count, sizeof(*sorted), by_hash);
	for (size_t i = 0; i < count; i++) {
		uint8_t one[WRITTEN];

		for (int b = 0; b < WRITTEN; b++)
			one[b] = (uint8_t)(sorted[i] >> 8 * (WRITTEN - 1 - b));
		buffer_add(&bytes, one, sizeof(one));
	}
	json_key(j, verdict_names[verdict]);
	json_hex(j, bytes.bytes, bytes.len);
	buffer_deinit(&bytes);
}

void first_pairs_json(const struct first_pairs *f, struct json *j, const char *name)
{
	uint64_t *sorted = f->count > 0 ? malloc(f->count * sizeof(*sorted)) : NULL;

	json_key(j, name);
	json_open(j, '{');
	json_count(j, "level", f->level);
	for (enum first_verdict v = FIRST_UNCOMPARED; v < FIRST_VERDICTS; v++)
		verdict_json(f, j, v, sorted);
	json_close(j, '}');
	free(sorted);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @text: 2 * WRITTEN digits */
static bool read_one(struct first_pairs *f, struct span text, enum first_verdict verdict)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.at[i]);

		if (digit < 0)
			return false;
		n = n << 4 | (uint64_t)digit;
	}
	merge_one(f, n >> 8, (uint8_t)n, verdict);
	return true;
}

bool first_pairs_read(struct first_pairs *f, const struct json_doc *d, uint32_t node)
{
	uint64_t level = 0;
	uint32_t at = json_doc_member(d, node, SPAN_LITERAL("level"));

	if (at && (!json_doc_uint(d, at, &level) || level > FIRST_LEVEL_MAX))
		return false;
	raise_level(f, (unsigned)level);
	for (enum first_verdict v = FIRST_UNCOMPARED; v < FIRST_VERDICTS; v++) {
		struct span text, one;

		at = json_doc_member(d, node, span_str(verdict_names[v]));
		if (!at)
			continue;
		if (d->nodes[at].type != JSON_STRING)
			return false;
		text = json_doc_text(d, at);
		while (span_take(&text, 2 * WRITTEN, &one))
			if (!read_one(f, one, v))
				return false;
		if (text.len > 0)
			return false;
	}
	return true;
}

void first_pairs_deinit(struct first_pairs *f)
{
	free(f->slots);
	*f = (struct first_pairs){ 0 };
}
