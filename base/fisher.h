/*
 * fisher.h - Fisher's exact test: are there more of them in here than chance puts there?
 */
#ifndef BASE_FISHER_H
#define BASE_FISHER_H

#include <stdint.h>

/** struct draw - @inside of @all were drawn, @marked of @all are marked; the counts fit together */
struct draw {
	uint64_t all, marked, inside;
};

/**
 * fisher_log_first() - the logarithm of the chance that just @hits of those inside are marked
 * At most fisher_log_upper(): what is not small enough by this is not small enough by that.
 */
double fisher_log_first(const struct draw *d, uint64_t hits);

/**
 * fisher_log_upper() - the logarithm of the chance that @hits or more of those inside are marked, if who is inside
 * has nothing to do with who is marked: the upper tail of the hypergeometric distribution
 * Source: Fisher, "The logic of inductive inference", 1935. -INFINITY of more hits than there can be.
 */
double fisher_log_upper(const struct draw *d, uint64_t hits);

#endif
