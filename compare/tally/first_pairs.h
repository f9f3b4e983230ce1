/*
 * first_pairs.h - the first pair of each different request, of a fair sample of the requests
 *
 * Theory of operation. Ten thousand pairs of ten requests are ten witnesses: a request that comes again is answered
 * again in the same way. So besides the share of all pairs that differ there is the share of the different requests
 * whose first pair does; each of them counts once, and whoever looks at any time sees independent observations, as
 * far as different requests are that. For this it has to be known which requests came before, in bounded memory.
 *
 * Adaptive sampling: only requests with a hash below a threshold are remembered. When there is no room for another,
 * the threshold is halved, and those above it go. What remains depends on the set of hashes alone: a fair sample of
 * the different requests, whatever their order and however often each came. There are about 2^level times as many, with
 * a standard error of 1.2 / sqrt(FIRST_PAIRS_MAX) = 0.94 % once any were dropped, and exactly as many before. Two taps'
 * samples are merged under the smaller threshold, and are then what one tap would have.
 * Sources: Flajolet, "On adaptive sampling", Computing 43 (1990), after Wegman; Gibbons, "Distinct sampling for highly-
 * accurate answers to distinct values queries and event reports", VLDB 2001.
 *
 * Size. A report holds all that is in memory, or reports could not be merged: 12 digits a request, 192 KiB at most.
 * Fewer would not do for a limit of 0.1 %: with no mismatch among 8,192 requests, the fewest that a halving leaves on
 * average, the interval ends at 0.05 %, and twice there if it is one that may be looked at at any time. 40 bits of hash
 * are kept: two of 16,384 requests are taken for one once in 8,000 runs.
 *
 * Of a request that two taps saw first, one pair counts, by lot (a byte of the pair's id): the graver of the two would
 * make the rate rise with the number of taps. Hashes are the same on every tap, so a sender can choose them; where a
 * slot lies is secret, so that none can make the search for it long.
 */
#ifndef COMPARE_TALLY_FIRST_PAIRS_H
#define COMPARE_TALLY_FIRST_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"

#define FIRST_PAIRS_MAX  16384
#define FIRST_HASH_BITS  40
#define FIRST_LEVEL_MAX  26 /* at most FIRST_PAIRS_MAX hashes are that small */

/* What the first pair that was compared says of its request. */
enum first_verdict { FIRST_NONE, FIRST_UNCOMPARED, FIRST_AGREES, FIRST_DIFFERS, FIRST_GENERATED, FIRST_VERDICTS };

/** struct first_pair - a request; 24 bytes. What its first responses were is for tally_repeats.c, and stays in this run */
struct first_pair {
	uint64_t hash : FIRST_HASH_BITS;
	uint64_t lot : 8;
	uint64_t verdict : 8;   /* FIRST_NONE: a free slot */
	uint64_t responses : 8; /* are the hashes below known? */
	struct {
		uint32_t bytes, fingerprint;
	} side[2];
};

/** struct first_pairs - zero is empty. At most 768 KiB, as much as its requests need */
struct first_pairs {
	struct first_pair *slots; /* own memory; a power of two, half of them used at most */
	size_t slot_count, count;
	uint64_t secret;
	unsigned level;
};

/**
 * first_pairs_add() - a pair of the request with @hash, 64 bits that are the same wherever it is seen
 * @lot:     a byte by chance, the same for the pair wherever it is seen
 * @verdict: of the pair; counts if none of the request's pairs was compared before
 *
 * Return: the request, valid until the next call; NULL if it is not in the sample. Out of memory, the sample is smaller.
 */
struct first_pair *first_pairs_add(struct first_pairs *f, uint64_t hash, uint8_t lot, enum first_verdict verdict);

/** first_pairs_distinct() - how many different requests there were; exact at level 0 */
uint64_t first_pairs_distinct(const struct first_pairs *f);

/** first_pairs_with() - how many requests of the sample have this verdict */
uint64_t first_pairs_with(const struct first_pairs *f, enum first_verdict verdict);

void first_pairs_merge(struct first_pairs *into, const struct first_pairs *from);

/** first_pairs_json() - the member @name: the level, and for each verdict its requests, 10 digits of hash and 2 of lot */
void first_pairs_json(const struct first_pairs *f, struct json *j, const char *name);

/** first_pairs_read() - add what first_pairs_json() wrote to @f; false if @node is no such object */
bool first_pairs_read(struct first_pairs *f, const struct json_doc *d, uint32_t node);

/** first_pairs_deinit() - frees the slots; the rest is as in a new one */
void first_pairs_deinit(struct first_pairs *f);

#endif
