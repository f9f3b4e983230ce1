/*
 * distinct.h - how many different things were seen, in 16 KiB
 *
 * Theory of operation: the hashes themselves are kept up to DISTINCT_EXACT of
 * them, so small counts are exact. One more, and they become registers of a
 * HyperLogLog: each remembers the longest run of zero bits among the hashes
 * that fell to it. What the struct says depends on the set of hashes alone and
 * not on their order, so counts of several taps are merged without loss.
 *
 * The standard error of the estimate is 1.04 / sqrt(4096) = 1.6 %.
 * Sources: Flajolet et al., "HyperLogLog", 2007; the estimator without bias
 * tables is from Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017.
 */
#ifndef BASE_DISTINCT_H
#define BASE_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISTINCT_EXACT     1024
#define DISTINCT_SLOTS     2048 /* half of them used at most */
#define DISTINCT_REGISTERS 4096
#define DISTINCT_RANK_MAX  53   /* 64 bits, of which 12 choose the register, and one */

/** struct distinct - the zero value is empty */
struct distinct {
	bool estimated;
	size_t kept; /* hashes, while not estimated */
	union {
		uint64_t slot[DISTINCT_SLOTS]; /* 0: free */
		uint8_t reg[DISTINCT_REGISTERS];
	};
};

/** distinct_add() - one thing, by a 64-bit hash that is the same wherever it is seen */
void distinct_add(struct distinct *d, uint64_t hash);

/** distinct_count() - exact unless d->estimated */
uint64_t distinct_count(const struct distinct *d);

void distinct_merge(struct distinct *into, const struct distinct *from);

#endif
