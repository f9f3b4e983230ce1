/*
 * self_connections.c - see self_connections.h
 *
 * Theory of operation: a table of 65,536 x 4 words, four for each local port.
 * A word is a keyed 64-bit hash of both ends; zero is empty. Four, because the
 * kernel may give one port to connections to different targets. Looking up is
 * four relaxed loads; two ends that are not ours match with a chance of 2^-62.
 * Relaxed order is enough: the packets that must be recognised exist only
 * after the word was written, and they take the way through the kernel.
 *
 * A closed socket's word stays for SELF_GRACE_NS, because its packets may still
 * wait in the capture ring. Those that wait to be erased stand in a queue in
 * the order of their closing; each add and remove erases what is due. The
 * generation guards against erasing a word that was since reused. If the queue
 * cannot grow, a word is erased at once: the marking header X-Shadowtap still
 * stops a loop.
 */
#include "replay/self_connections.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"

#define SELF_WAYS 4
#define SELF_SLOTS (65536u * SELF_WAYS)
#define SELF_GRACE_NS (10 * NS_PER_S)
#define SELF_NO_SLOT UINT32_MAX

struct grave {
	struct self_connections_ticket ticket;
	struct mono due;
};

struct self_connections {
	struct hash_key key;
	_Atomic uint64_t *words;
	uint32_t *generations; /* loop only; odd: a socket is open */
	struct grave *graves;  /* a ring */
	size_t first, count, cap;
};

struct self_connections *self_connections_new(void)
{
	struct self_connections *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->key = hash_key_random();
	/* calloc: pages that no port of ours touches stay unbacked */
	o->words = calloc(SELF_SLOTS, sizeof(*o->words));
	o->generations = calloc(SELF_SLOTS, sizeof(*o->generations));
	if (o->words && o->generations)
		return o;
	self_connections_free(o);
	return NULL;
}

void self_connections_free(struct self_connections *o)
{
	if (!o)
		return;
	free(o->words);
	free(o->generations);
	free(o->graves);
	free(o);
}

static uint64_t pair_hash(const struct self_connections *o, const struct endpoint *local, const struct endpoint *remote)
{
	const struct endpoint both[2] = { *local, *remote };
	uint64_t h = hash_bytes(&o->key, both, sizeof(both));

	return h ? h : 1;
}

/** erase() - forget @t, unless its slot serves another connection by now */
static void erase(struct self_connections *o, struct self_connections_ticket t)
{
	if (o->generations[t.slot] != t.generation)
		return;
	atomic_store_explicit(&o->words[t.slot], 0, memory_order_relaxed);
}

static void erase_due(struct self_connections *o, struct mono now)
{
	while (o->count > 0 && o->graves[o->first].due.ns <= now.ns) {
		erase(o, o->graves[o->first].ticket);
		o->first = (o->first + 1) % o->cap;
		o->count--;
	}
}

static bool graves_grow(struct self_connections *o)
{
	size_t cap = o->cap ? 2 * o->cap : 256;
	struct grave *grown = calloc(cap, sizeof(*grown));

	if (!grown)
		return false;
	for (size_t i = 0; i < o->count; i++)
		grown[i] = o->graves[(o->first + i) % o->cap];
	free(o->graves);
	o->graves = grown;
	o->first = 0;
	o->cap = cap;
	return true;
}

/** choose_slot() - one that holds @hash already, else an empty one, else one whose socket is closed */
static uint32_t choose_slot(const struct self_connections *o, uint16_t port, uint64_t hash)
{
	uint32_t base = (uint32_t)port * SELF_WAYS, empty = SELF_NO_SLOT, closed = SELF_NO_SLOT;

	for (uint32_t slot = base; slot < base + SELF_WAYS; slot++) {
		uint64_t word = atomic_load_explicit(&o->words[slot], memory_order_relaxed);

		if (word == hash)
			return slot;
		if (word == 0)
			empty = slot;
		else if (o->generations[slot] % 2 == 0)
			closed = slot;
	}
	if (empty != SELF_NO_SLOT)
		return empty;
	return closed != SELF_NO_SLOT ? closed : base;
}

void self_connections_add(struct self_connections *o, const struct endpoint *local, const struct endpoint *remote, struct mono now,
			  struct self_connections_ticket *ticket)
{
	uint64_t hash = pair_hash(o, local, remote);
	uint32_t slot;

	erase_due(o, now);
	slot = choose_slot(o, local->port, hash);
	o->generations[slot] = (o->generations[slot] + 1) | 1;
	atomic_store_explicit(&o->words[slot], hash, memory_order_relaxed);
	*ticket = (struct self_connections_ticket){ slot, o->generations[slot] };
}

void self_connections_remove(struct self_connections *o, struct self_connections_ticket t, struct mono now)
{
	erase_due(o, now);
	if (o->generations[t.slot] != t.generation)
		return;
	t.generation = ++o->generations[t.slot];
	if (o->count == o->cap && !graves_grow(o)) {
		erase(o, t);
		return;
	}
	o->graves[(o->first + o->count++) % o->cap] = (struct grave){ t, { now.ns + SELF_GRACE_NS } };
}

static bool has(const struct self_connections *o, const struct endpoint *local, const struct endpoint *remote)
{
	uint64_t words[SELF_WAYS], any = 0, hash;

	for (uint32_t way = 0; way < SELF_WAYS; way++) {
		words[way] = atomic_load_explicit(&o->words[(uint32_t)local->port * SELF_WAYS + way],
						  memory_order_relaxed);
		any |= words[way];
	}
	if (any == 0) /* nearly every packet: no hash is computed */
		return false;
	hash = pair_hash(o, local, remote);
	for (uint32_t way = 0; way < SELF_WAYS; way++)
		if (words[way] == hash)
			return true;
	return false;
}

bool self_connections_has(const struct self_connections *o, const struct endpoint *a, const struct endpoint *b)
{
	return has(o, a, b) || has(o, b, a);
}
