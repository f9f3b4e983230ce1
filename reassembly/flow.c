/*
 * flow.c - the table of TCP connections
 *
 * Theory of operation. Open addressing: a slot of eight bytes holds a flow's hash
 * and its place in the pool (base/pool.h), so the question whether there is a
 * flow reads one cache line of a small table, and no flow but the one that is
 * meant. The table doubles without a pause: two arrays live side by side while
 * each new flow moves a few old slots, because moving a million at once would
 * take longer than the capture ring lasts. In the younger array a flow that goes
 * lets those behind it move up; in the older one, which has not long to live, it
 * leaves a mark.
 *
 * The sender of a packet chooses its addresses, so the hash has a random key: a
 * sum of the words, each times a random factor of 64 bits, of which the upper
 * half is taken. Two different pairs of ends have one hash for one key in 2^32,
 * whichever they are (Lemire and Kaser, "Strongly universal string hashing is
 * fast", 2014). It is no secret function: from hashes the factors could be
 * computed. But no hash leaves the program, nor does what a lookup finds. A
 * bijection at the end breaks the sum's regularity, for ports that count up would
 * else step through the table evenly, and with some keys from slot to slot.
 *
 * The hash is of the two ends alone. So flows with one 4-tuple in several
 * domains are neighbours, and the question whether a new one is a copy of
 * another (duplicates.c) needs no second table. A sender of many VLAN
 * tags could make one neighbourhood long: SAME_ENDS_MAX bounds that.
 *
 * Flows also hang in one of three lists by the time of their last segment, so
 * expiry looks at the oldest only and needs no timers. Those of which only SYNs
 * were seen have their own list, and closed ones, which linger shortly: in this
 * order they go before any other when memory is short.
 *
 * A fourth list has the few with a gap that may still close, by the time when that
 * is to be looked at; it is as long for all, so who joins is the last. It hangs in
 * the incarnations.
 *
 * With short connections most flows are closed ones, and what they take is what
 * has to come through the caches. So all that ends with a connection is apart,
 * in its incarnation, whose memory the next connection has while it is still warm.
 */
#include "reassembly/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define SLOTS_FIRST 1024
#define SLOTS_MOVED 16 /* per new flow while growing: done long before the next growth */
/* With its share of the slots, which is 38 while they double, and of a slab; malloc takes 16 for the others. */
#define FLOW_BYTES (sizeof(struct flow) + 40)
#define INCARNATION_BYTES (sizeof(struct incarnation) + 16)
#define ALIASES_BYTES (sizeof(struct aliases) + 16)

/* What a slot says in the place of a flow; places begin at POOL_SLAB. */
#define SLOT_FREE 0
#define SLOT_LEFT                                                                                              \
	1 /* of the old slots only: a flow that was here is gone or has moved, others may lie behind */

struct flow_slot {
	uint32_t hash;
	uint32_t place;
};

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

	if (a.at[1] != b.at[1]) /* IPv4's are told apart by this */
		return a.at[1] > b.at[1];
	return a.at[0] != b.at[0] ? a.at[0] > b.at[0] : a.rest > b.rest;
}

static inline bool same_end(const struct endpoint *one, const struct endpoint *other)
{
	struct words a = words_of(one), b = words_of(other);

	return ((a.at[0] ^ b.at[0]) | (a.at[1] ^ b.at[1]) | (a.rest ^ b.rest)) == 0;
}

static inline uint32_t address_word(const struct endpoint *e, size_t i)
{
	uint32_t word;

	memcpy(&word, e->addr + i * sizeof(word), sizeof(word));
	return word;
}

static inline uint64_t hash_address(const uint64_t factors[4], const struct endpoint *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < 4; i++)
		sum += factors[i] * address_word(e, i);
	return sum;
}

/** hash_ends() - see the top. The family is left out: two pairs of ends at most differ in nothing else */
static inline uint32_t hash_ends(const uint64_t factors[FLOW_HASH_WORDS + 1], const struct endpoint *low,
				 const struct endpoint *high)
{
	uint64_t sum = factors[9] + factors[8] * ((uint32_t)low->port << 16 | high->port);
	uint32_t hash;

	if (low->family == 4 && high->family == 4) /* the rest of the addresses is zero */
		sum += factors[3] * address_word(low, 3) + factors[7] * address_word(high, 3);
	else
		sum += hash_address(factors, low) + hash_address(factors + 4, high);
	hash = (uint32_t)(sum >> 32);
	hash = (hash ^ hash >> 16) * 0x7feb352dU;
	return hash ^ hash >> 15;
}

/* ---- slots --------------------------------------------------------------- */

static bool slots_new(struct flow_slots *slots, size_t count)
{
	*slots = (struct flow_slots){ calloc(count, sizeof(*slots->at)), count };
	return slots->at != NULL;
}

static inline struct flow_slot *slot_at(const struct flow_slots *slots, size_t number)
{
	return &slots->at[number & (slots->count - 1)];
}

struct flow_ends flow_ends_of(const struct flow_table *t, const struct segment *segment, unsigned *dir)
{
	bool back = is_above(&segment->src, &segment->dst);
	const struct endpoint *low = back ? &segment->dst : &segment->src;
	const struct endpoint *high = back ? &segment->src : &segment->dst;
	uint32_t hash = hash_ends(t->factors, low, high);

	*dir = back;
	__builtin_prefetch(slot_at(&t->slots, hash));
	return (struct flow_ends){ .end = { low, high }, .domain = segment->domain, .hash = hash };
}

static void slots_add(const struct flow_slots *slots, struct flow_slot slot)
{
	size_t at = slot.hash;

	while (slot_at(slots, at)->place != SLOT_FREE)
		at++;
	*slot_at(slots, at) = slot;
}

/** slots_find() - the slot of a flow that is in the table; NULL if it is not among these */
static struct flow_slot *slots_find(const struct flow_slots *slots, const struct flow *f)
{
	for (size_t at = f->hash; slot_at(slots, at)->place != SLOT_FREE; at++)
		if (slot_at(slots, at)->place == f->place)
			return slot_at(slots, at);
	return NULL;
}

/** slots_remove() - free @slot; those behind it that would lie there if it had been free move up */
static void slots_remove(const struct flow_slots *slots, struct flow_slot *slot)
{
	size_t mask = slots->count - 1, gap = (size_t)(slot - slots->at), at = gap;

	for (;;) {
		const struct flow_slot *next = slot_at(slots, ++at);

		if (next->place == SLOT_FREE)
			break;
		if (((at - next->hash) & mask) < ((at - gap) & mask))
			continue; /* it lies behind the gap and where it belongs */
		*slot_at(slots, gap) = *next;
		gap = at;
	}
	slot_at(slots, gap)->place = SLOT_FREE;
}

/** move_slots() - a few steps of growing */
static void move_slots(struct flow_table *t)
{
	for (int i = 0; i < SLOTS_MOVED && t->old_next < t->old.count; i++) {
		struct flow_slot *slot = slot_at(&t->old, t->old_next++);

		if (slot->place > SLOT_LEFT)
			slots_add(&t->slots, *slot);
		if (slot->place != SLOT_FREE)
			slot->place = SLOT_LEFT;
	}
	if (t->old_next == t->old.count) {
		free(t->old.at);
		t->old = (struct flow_slots){ 0 };
	}
}

/** grow() - before a flow is added; false if there is no slot for it */
static bool grow(struct flow_table *t)
{
	struct flow_slots more;

	if (t->old.at) {
		move_slots(t);
		return true;
	}
	if (t->count < t->slots.count / 8 * 5)
		return true;
	if (t->slots.count > UINT32_MAX / 2 || !slots_new(&more, 2 * t->slots.count))
		return t->count < t->slots.count / 8 * 7; /* neighbourhoods get longer: slower, not wrong */
	t->old = t->slots;
	t->old_next = 0;
	t->slots = more;
	return true;
}

bool flow_table_init(struct flow_table *t, struct budget *budget)
{
	struct hash_key key = hash_key_random();

	*t = (struct flow_table){ .budget = budget };
	for (uint64_t i = 0; i <= FLOW_HASH_WORDS; i++)
		t->factors[i] = hash_bytes(&key, &i, sizeof(i));
	pool_init(&t->pool, sizeof(struct flow));
	return slots_new(&t->slots, SLOTS_FIRST);
}

void flow_table_deinit(struct flow_table *t)
{
	free(t->slots.at);
	free(t->old.at);
	pool_deinit(&t->pool);
}

/* ---- one flow ------------------------------------------------------------ */

static bool is_in(const struct flow *f, uint32_t domain)
{
	if (f->key.domain == domain)
		return true;
	for (uint8_t i = 0; f->aliases && i < f->aliases->count; i++)
		if (f->aliases->domain[i] == domain)
			return true;
	return false;
}

/** next_alike() - of the flows in @slots that have these ends, the one after @steps */
static inline struct flow *next_alike(const struct flow_table *t, const struct flow_slots *slots,
				      const struct flow_ends *ends, size_t *steps)
{
	const struct flow_slot *slot;

	while ((slot = slot_at(slots, ends->hash + *steps))->place != SLOT_FREE) {
		++*steps;
		if (slot->hash == ends->hash && slot->place != SLOT_LEFT) {
			struct flow *f = pool_at(&t->pool, slot->place);

			if (same_end(&f->key.end[0], ends->end[0]) && same_end(&f->key.end[1], ends->end[1]))
				return f;
		}
	}
	return NULL;
}

struct flow *flow_same_ends(const struct flow_table *t, const struct flow_ends *ends, struct flow_walk *walk)
{
	struct flow *f = walk->among_old ? NULL : next_alike(t, &t->slots, ends, &walk->steps);

	if (f || !t->old.at)
		return f;
	if (!walk->among_old)
		*walk = (struct flow_walk){ .among_old = true };
	return next_alike(t, &t->old, ends, &walk->steps);
}

struct flow *flow_find(const struct flow_table *t, struct flow_ends *ends)
{
	const struct flow_slots *slots = &t->slots;

	ends->elsewhere = false;
	do {
		struct flow *f;
		size_t steps = 0;

		while ((f = next_alike(t, slots, ends, &steps))) {
			if (is_in(f, ends->domain))
				return f;
			ends->elsewhere = true;
		}
		slots = slots == &t->slots && t->old.at ? &t->old : NULL;
	} while (slots);
	return NULL;
}

/** charged() - memory for @bytes, of which the budget pays for @charge; or NULL */
static void *charged(struct flow_table *t, size_t bytes, size_t charge)
{
	void *memory;

	if (!budget_charge(t->budget, charge))
		return NULL;
	memory = malloc(bytes);
	if (!memory)
		budget_release(t->budget, charge);
	return memory;
}

/** incarnation_new() - @charge: what else the budget has to pay for. Not calloc(): glibc's never takes what was freed last */
static struct incarnation *incarnation_new(struct flow_table *t, size_t charge)
{
	struct incarnation *incarnation = charged(t, sizeof(*incarnation), INCARNATION_BYTES + charge);

	if (incarnation)
		*incarnation = (struct incarnation){ 0 };
	return incarnation;
}

bool flow_add_alias(struct flow_table *t, struct flow *f, uint32_t domain)
{
	struct aliases *a = f->aliases;

	if (!a) {
		a = charged(t, sizeof(*a), ALIASES_BYTES);
		if (!a)
			return false;
		*a = (struct aliases){ 0 };
		f->aliases = a;
	}
	a->domain[a->next] = domain;
	a->next = (uint8_t)((a->next + 1) % ALIASES_MAX);
	if (a->count < ALIASES_MAX)
		a->count++;
	return true;
}

static inline void list_append(struct flow_list *list, struct flow *f)
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

static inline void list_unlink(struct flow_list *list, struct flow *f)
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

void flow_drop_alias(struct flow *f, uint32_t domain)
{
	struct aliases *a = f->aliases;

	for (uint8_t i = 0; a && i < a->count; i++) {
		if (a->domain[i] != domain)
			continue;
		a->domain[i] = a->domain[--a->count];
		a->next = a->count;
		return;
	}
}

/** list_of() - the list that it is in, by its state */
static inline struct flow_list *list_of(struct flow_table *t, const struct flow *f)
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

/** place_for() - a flow in the pool, of which nothing is set but that, and a slot for it; or NULL */
static struct flow *place_for(struct flow_table *t, uint32_t hash)
{
	uint32_t place = grow(t) ? pool_take(&t->pool) : 0;
	struct flow *f;

	if (place == 0)
		return NULL;
	f = pool_at(&t->pool, place);
	memset(f, 0, sizeof(*f));
	f->hash = hash;
	f->place = place;
	slots_add(&t->slots, (struct flow_slot){ hash, place });
	t->count++;
	return f;
}

struct flow *flow_add(struct flow_table *t, const struct flow_ends *ends, struct wall now)
{
	struct incarnation *incarnation = incarnation_new(t, FLOW_BYTES);
	struct flow *f = incarnation ? place_for(t, ends->hash) : NULL;

	if (!f) {
		if (incarnation)
			budget_release(t->budget, FLOW_BYTES + INCARNATION_BYTES);
		free(incarnation);
		return NULL;
	}
	f->key = (struct flow_key){ { *ends->end[0], *ends->end[1] }, ends->domain };
	f->incarnation = incarnation;
	f->client = f->new_dir = CLIENT_UNKNOWN;
	f->last = now;
	list_append(&t->opening, f);
	return f;
}

void flow_touch(struct flow_table *t, struct flow *f, struct wall now)
{
	struct flow_list *list = list_of(t, f);

	f->last = now;
	if (list->newest == f)
		return;
	list_unlink(list, f);
	list_append(list, f);
}

void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state state)
{
	list_unlink(list_of(t, f), f);
	f->state = state;
	list_append(list_of(t, f), f);
}

void flow_wait(struct flow_table *t, struct flow *f, struct wall look)
{
	struct incarnation *incarnation = f->incarnation;

	if (incarnation->waiting)
		return;
	incarnation->waiting = true;
	incarnation->look = look;
	incarnation->newer = NULL;
	incarnation->older = t->waiting_newest;
	if (incarnation->older)
		incarnation->older->incarnation->newer = f;
	else
		t->waiting_oldest = f;
	t->waiting_newest = f;
}

void flow_wait_no_more(struct flow_table *t, struct flow *f)
{
	struct incarnation *incarnation = f->incarnation;

	incarnation->waiting = false;
	*(incarnation->newer ? &incarnation->newer->incarnation->older : &t->waiting_newest) = incarnation->older;
	*(incarnation->older ? &incarnation->older->incarnation->newer : &t->waiting_oldest) = incarnation->newer;
}

static size_t free_incarnation(struct flow *f)
{
	if (!f->incarnation)
		return 0;
	free(f->incarnation);
	f->incarnation = NULL;
	return INCARNATION_BYTES;
}

void flow_close(struct flow_table *t, struct flow *f)
{
	if (f->incarnation->waiting)
		flow_wait_no_more(t, f);
	for (unsigned d = 0; d < 2; d++) {
		f->base[d] = (uint32_t)f->incarnation->half[d].at.base;
		f->next[d] = (uint32_t)f->incarnation->half[d].at.next;
		f->synced[d] = f->incarnation->half[d].at.synced;
	}
	budget_release(t->budget, free_incarnation(f));
	flow_set_state(t, f, FLOW_CLOSED);
}

bool flow_begin(struct flow_table *t, struct flow *f)
{
	struct incarnation *incarnation = incarnation_new(t, 0);

	if (!incarnation)
		return false;
	f->incarnation = incarnation;
	f->client = f->new_dir = CLIENT_UNKNOWN;
	f->has_isn[0] = f->has_isn[1] = false;
	f->at_known[0] = f->at_known[1] = false;
	f->first[0] = f->first[1] = (struct first_data){ 0 };
	flow_set_state(t, f, FLOW_OPENING);
	return true;
}

void flow_remove(struct flow_table *t, struct flow *f)
{
	const struct flow *next = f->newer;
	struct flow_slot *slot;

	if (f->incarnation && f->incarnation->waiting)
		flow_wait_no_more(t, f);
	if (next) { /* the oldest go one after another; they and their slots were last touched long ago */
		__builtin_prefetch(slot_at(&t->slots, next->hash));
		for (size_t line = 0; next->newer && line < sizeof(*next); line += 64)
			__builtin_prefetch((const uint8_t *)next->newer + line);
	}
	slot = slots_find(&t->slots, f);
	if (slot)
		slots_remove(&t->slots, slot);
	else
		slots_find(&t->old, f)->place = SLOT_LEFT;
	t->count--;
	list_unlink(list_of(t, f), f);
	budget_release(t->budget, FLOW_BYTES + free_incarnation(f) + (f->aliases ? ALIASES_BYTES : 0));
	free(f->aliases);
	pool_give(&t->pool, f->place);
}
