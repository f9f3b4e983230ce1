/* distinct.c - see distinct.h */
#include "base/distinct.h"

#include <math.h>
#include <string.h>

#define REGISTER_BITS 12

static void register_add(struct distinct *d, uint64_t hash)
{
	size_t at = (size_t)(hash >> (64 - REGISTER_BITS));
	uint64_t rest = hash << REGISTER_BITS;
	uint8_t rank = rest ? (uint8_t)(__builtin_clzll(rest) + 1) : DISTINCT_RANK_MAX;

	if (rank > d->reg[at])
		d->reg[at] = rank;
}

/* false: there is no room for another */
static bool slot_add(struct distinct *d, uint64_t hash)
{
	size_t at = (size_t)(hash % DISTINCT_SLOTS);

	for (; d->slot[at] != 0; at = (at + 1) % DISTINCT_SLOTS)
		if (d->slot[at] == hash)
			return true;
	if (d->kept == DISTINCT_EXACT)
		return false;
	d->slot[at] = hash;
	d->kept++;
	return true;
}

static void become_registers(struct distinct *d)
{
	uint64_t hashes[DISTINCT_SLOTS];

	memcpy(hashes, d->slot, sizeof(hashes));
	memset(d->reg, 0, sizeof(d->reg));
	d->estimated = true;
	d->kept = 0;
	for (size_t i = 0; i < DISTINCT_SLOTS; i++)
		if (hashes[i] != 0)
			register_add(d, hashes[i]);
}

void distinct_add(struct distinct *d, uint64_t hash)
{
	if (hash == 0) /* means a free slot */
		hash = 1;
	if (!d->estimated && !slot_add(d, hash))
		become_registers(d);
	if (d->estimated)
		register_add(d, hash);
}

void distinct_merge(struct distinct *into, const struct distinct *from)
{
	if (!from->estimated) {
		for (size_t i = 0; i < DISTINCT_SLOTS; i++)
			if (from->slot[i] != 0)
				distinct_add(into, from->slot[i]);
		return;
	}
	if (!into->estimated)
		become_registers(into);
	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
		if (from->reg[i] > into->reg[i])
			into->reg[i] = from->reg[i];
}

/* Ertl's sigma and tau: both series converge within about 60 turns, when a term no longer changes the sum. */
static double sigma(double x)
{
	double y = 1, z = x, before;

	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before && isfinite(z));
	return z;
}

static double tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x <= 0 || x >= 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

uint64_t distinct_count(const struct distinct *d)
{
	const double m = DISTINCT_REGISTERS;
	uint32_t with_rank[DISTINCT_RANK_MAX + 1] = { 0 };
	double z;

	if (!d->estimated)
		return d->kept;
	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
		with_rank[d->reg[i]]++;
	if (with_rank[0] == DISTINCT_REGISTERS)
		return 0;
	z = m * tau(1 - with_rank[DISTINCT_RANK_MAX] / m);
	for (int k = DISTINCT_RANK_MAX - 1; k >= 1; k--)
		z = 0.5 * (z + with_rank[k]);
	z += m * sigma(with_rank[0] / m);
	if (!(z > 0)) /* every register full: a hostile file, since no run sees 2^64 things */
		return UINT64_MAX;
	z = m * m / (2 * M_LN2) / z;
	return z < 1.8e19 ? (uint64_t)(z + 0.5) : UINT64_MAX;
}
