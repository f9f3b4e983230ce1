/*
 * case_keeper.h - which pairs of a run become cases: the gravest of each verdict and path
 *
 * At most CASES_MAX are kept. Where one too many comes, a group (of a target,
 * a verdict and a path of the request) that has the most gives up its least grave: one
 * path that always fails leaves room for what fails once. The same request to the
 * same target is one case.
 *
 * Copies: requests and responses are gone when their pair is decided. They are
 * charged to a budget of the keeper's own, and a pair that has no room in it is
 * counted and no case. Nor are a call of gRPC, which no curl sends, HEAD, what is
 * no mismatch, and where nothing differs but what a language model said.
 *
 * One thread at a time: the comparing one, until it has ended.
 */
#ifndef APP_CASES_CASE_KEEPER_H
#define APP_CASES_CASE_KEEPER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "compare/comparer.h"
#include "compare/comparison.h"

#define CASES_MAX 20

/** struct kept_case - one pair, all of it own memory */
struct kept_case {
	size_t target;
	enum comparison_verdict verdict;
	double severity; /* within a verdict */
	struct message *message;
	struct span path; /* of the request, in @message */
	struct response *production, *shadow; /* shadow: NULL if there was none */
	struct buffer differences;            /* difference_text() */
};

struct case_keeper;

/** case_keeper_new() - @memory: bytes for all cases together; NULL when out of memory */
struct case_keeper *case_keeper_new(size_t memory);

/** case_keeper_offer() - a pair that was compared; borrowed, copied if it is to be kept */
void case_keeper_offer(struct case_keeper *k, size_t target, const struct pair *pair, const struct comparison *c);

/** case_keeper_count(), case_keeper_at() - what is kept, in no order that matters */
size_t case_keeper_count(const struct case_keeper *k);
const struct kept_case *case_keeper_at(const struct case_keeper *k, size_t i);

/** case_keeper_refused() - pairs that would have been cases, but for want of memory */
uint64_t case_keeper_refused(const struct case_keeper *k);

/** case_keeper_free() - NULL allowed */
void case_keeper_free(struct case_keeper *k);

#endif
