/* witnesses.c - see witnesses.h */
#include "compare/tally/witnesses.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

#define COUNT_MAX (UINT64_C(1) << 53) /* as in tally_read.c */

/* The same on every tap: groups are added up by these. */
static const struct hash_key group_key = { 0x7368616477746170, 0x7769746e65737365 };

struct witness_groups witness_groups_of(const struct request_origin *origin, uint64_t request)
{
	struct endpoint client = origin->proxied.family ? origin->proxied : origin->client;
	struct endpoint ends[2] = { origin->client, origin->server };

	client.port = 0;
	return (struct witness_groups){ {
		[WITNESS_REQUESTS] = request,
		[WITNESS_CLIENTS] = hash_bytes(&group_key, &client, sizeof(client)),
		[WITNESS_CONNECTIONS] = hash_bytes(&group_key, ends, sizeof(ends)),
	} };
}

static void bucket_add(struct witness_bucket *into, const struct witness_bucket *from)
{
	into->pairs += from->pairs;
	into->mismatch += from->mismatch;
	into->generated += from->generated;
}

void witnesses_add(struct witnesses *w, const struct witness_groups *groups, bool mismatch, bool generated)
{
	const struct witness_bucket one = { 1, mismatch, generated };

	for (int kind = 0; kind < WITNESS_KINDS; kind++)
		bucket_add(&w->bucket[kind][groups->hash[kind] % WITNESS_BUCKETS], &one);
}

void witnesses_merge(struct witnesses *into, const struct witnesses *from)
{
	for (int kind = 0; kind < WITNESS_KINDS; kind++)
		for (int i = 0; i < WITNESS_BUCKETS; i++)
			bucket_add(&into->bucket[kind][i], &from->bucket[kind][i]);
}

/* -- what follows ---------------------------------------------------------------------- */

/* struct spread - how pairs and mismatches lie in the buckets of one kind */
struct spread {
	double pairs, mismatch, used, with_mismatch;
	double squares;  /* of the pairs */
	double residues; /* squares of the mismatches less those expected */
};

static double mismatch_of(const struct witness_bucket *b, bool generated)
{
	return (double)(b->mismatch - (generated ? 0 : b->generated));
}

static struct spread spread_of(const struct witness_bucket *buckets, bool generated)
{
	struct spread s = { 0 };

	for (int i = 0; i < WITNESS_BUCKETS; i++) {
		double m = (double)buckets[i].pairs, wrong = mismatch_of(&buckets[i], generated);

		s.pairs += m;
		s.mismatch += wrong;
		s.used += m > 0;
		s.with_mismatch += wrong > 0;
		s.squares += m * m;
	}
	for (int i = 0; i < WITNESS_BUCKETS && s.pairs > 0; i++) {
		double residue = mismatch_of(&buckets[i], generated) - s.mismatch / s.pairs * (double)buckets[i].pairs;

		s.residues += residue * residue;
	}
	return s;
}

/** measured() - the variance between the buckets over that of independent pairs; 1 where nothing varies */
static double measured(const struct spread *s)
{
	double right = s->pairs - s->mismatch;

	if (s->used < 2 || s->mismatch <= 0 || right <= 0)
		return 1;
	return fmax(1, s->used / (s->used - 1) * s->residues * s->pairs / (s->mismatch * right));
}

/**
 * size_bound() - the effect if the pairs of a group all fare alike
 *
 * The sum over buckets is that over groups, and what chance adds by dealing two of them into one bucket. It is at most
 * what it would be if all that came again were one group, and at least what it would be if all were of one size.
 */
static double size_bound(const struct spread *s, double distinct)
{
	double squares = (WITNESS_BUCKETS * s->squares - s->pairs * s->pairs) / (WITNESS_BUCKETS - 1);
	double again = distinct > 0 ? fmax(s->pairs - distinct, 0) : s->pairs;

	squares = fmin(squares, (again + 1) * (again + 1) + s->pairs - again - 1);
	if (distinct > 0)
		squares = fmax(squares, s->pairs * s->pairs / distinct);
	return fmax(1, squares / s->pairs);
}

/* More than three standard deviations above 1, which is what is measured of mismatches that do not fall together. */
static bool falls_together(const struct spread *s, double effect)
{
	return effect > 1 + 3 * sqrt(2 * s->squares) / s->pairs;
}

/** is_measured() - are there mismatches enough, in groups of which none outweighs the others? @bound: their size bound */
static bool is_measured(const struct spread *s, double bound)
{
	double seldom = fmin(s->mismatch, s->pairs - s->mismatch) / s->pairs;

	return s->with_mismatch >= WITNESS_MEASURED && seldom * s->pairs / bound >= WITNESS_MEASURED;
}

static double effect_of(const struct witnesses *w, enum witness_kind kind, double distinct, bool generated)
{
	struct spread s = spread_of(w->bucket[kind], generated);
	double effect = measured(&s), bound;

	if (s.pairs <= 0)
		return 1;
	bound = size_bound(&s, kind == WITNESS_REQUESTS ? distinct : 0);
	if (is_measured(&s, bound))
		return falls_together(&s, effect) ? fmin(effect, bound) : 1;
	return kind == WITNESS_REQUESTS || falls_together(&s, effect) ? bound : 1;
}

struct witness_effect witness_effect(const struct witnesses *w, uint64_t distinct, bool generated)
{
	struct witness_effect worst = { 1, WITNESS_PAIRS };

	for (enum witness_kind kind = 0; kind < WITNESS_KINDS; kind++) {
		double effect = effect_of(w, kind, (double)distinct, generated);

		if (effect > worst.deff)
			worst = (struct witness_effect){ effect, kind };
	}
	return worst;
}

double witness_request_effect(const struct witnesses *w, uint64_t distinct, bool generated)
{
	return effect_of(w, WITNESS_REQUESTS, (double)distinct, generated);
}

uint64_t witness_count(uint64_t pairs, double deff)
{
	double count = floor((double)pairs / fmax(deff, 1));

	return pairs == 0 ? 0 : count > 1 ? (uint64_t)count : 1;
}

uint64_t witness_groups_seen(const struct witnesses *w, enum witness_kind kind)
{
	int empty = 0;
	double seen;

	for (int i = 0; i < WITNESS_BUCKETS; i++)
		empty += w->bucket[kind][i].pairs == 0;
	seen = empty > 0 ? WITNESS_BUCKETS * log((double)WITNESS_BUCKETS / empty) : WITNESS_TOLD + 1;
	return (uint64_t)fmin(floor(seen + 0.5), WITNESS_TOLD + 1);
}

/* -- in reports ------------------------------------------------------------------------ */

const char *witness_kind_name(enum witness_kind kind)
{
	static const char *const names[] = {
		[WITNESS_REQUESTS] = "requests",
		[WITNESS_CLIENTS] = "clients",
		[WITNESS_CONNECTIONS] = "connections",
		[WITNESS_PAIRS] = "pairs",
	};

	return names[kind];
}

static void bucket_json(struct json *j, int index, const struct witness_bucket *b)
{
	json_open(j, '[');
	json_int(j, index);
	json_uint(j, b->pairs);
	json_uint(j, b->mismatch);
	json_uint(j, b->generated);
	json_close(j, ']');
}

void witnesses_json(const struct witnesses *w, struct json *j, const char *name)
{
	json_key(j, name);
	json_open(j, '{');
	for (enum witness_kind kind = 0; kind < WITNESS_KINDS; kind++) {
		json_key(j, witness_kind_name(kind));
		json_open(j, '[');
		for (int i = 0; i < WITNESS_BUCKETS; i++)
			if (w->bucket[kind][i].pairs > 0)
				bucket_json(j, i, &w->bucket[kind][i]);
		json_close(j, ']');
	}
	json_close(j, '}');
}

static bool read_bucket(struct witness_bucket *buckets, const struct json_doc *d, uint32_t node)
{
	uint64_t n[4];
	struct witness_bucket one;
	uint32_t at = node + 1;

	if (d->nodes[node].type != JSON_ARRAY || d->nodes[node].count != 4)
		return false;
	for (int i = 0; i < 4; i++, at = d->nodes[at].next)
		if (!json_doc_uint(d, at, &n[i]) || n[i] > COUNT_MAX)
			return false;
	one = (struct witness_bucket){ n[1], n[2], n[3] };
	if (n[0] >= WITNESS_BUCKETS || one.mismatch > one.pairs || one.generated > one.mismatch)
		return false;
	bucket_add(&buckets[n[0]], &one);
	return buckets[n[0]].pairs <= COUNT_MAX;
}

bool witnesses_read(struct witnesses *w, const struct json_doc *d, uint32_t node)
{
	for (enum witness_kind kind = 0; kind < WITNESS_KINDS; kind++) {
		uint32_t list = json_doc_member(d, node, span_str(witness_kind_name(kind)));

		if (list && d->nodes[list].type != JSON_ARRAY)
			return false;
		for (uint32_t at = list + 1; list && at < d->nodes[list].next; at = d->nodes[at].next)
			if (!read_bucket(w->bucket[kind], d, at))
				return false;
	}
	return true;
}
