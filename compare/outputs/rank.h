/*
 * rank.h - rankings: which come first, and how much of the order stays?
 *
 * Two lists of scored items, of which the same key is the same item. The order is that of the scores, the best first;
 * of equal scores that of the list.
 */
#ifndef COMPARE_RANK_H
#define COMPARE_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"

#define RANK_NDCG 10 /* places that count for NDCG */

/** struct rank_item - @key and @score are the caller's; @rank, from 0, is ours */
struct rank_item {
	uint64_t key;
	double score; /* not NaN */
	uint32_t rank;
};

/** struct rank_pair - an item of both lists */
struct rank_pair {
	double production, shadow; /* scores */
	uint32_t production_rank, shadow_rank;
};

/**
 * struct rank_result - @overlap: of the first k of both, the share that is in both
 * @tau:  Kendall's tau-b over the items of both; NaN where one side has no two different scores
 * @ndcg: of the shadow's order, the gain of an item being 1 / log2(1 + place) of production's order
 */
struct rank_result {
	bool same_first;
	double overlap, tau, ndcg;
};

/**
 * rank_compare() - two lists of at least one item each
 * @production, @shadow: sorted anew
 * @pairs:               room for as many as the shorter one has
 *
 * Of a key that comes more than once the best belongs to the best. O(n log n). Source of tau-b in that time: Knight,
 * "A computer method for calculating Kendall's tau with ungrouped data", JASA 61 (1966).
 */
struct rank_result rank_compare(struct rank_item *production, size_t production_count, struct rank_item *shadow,
				size_t shadow_count, size_t k, struct rank_pair *pairs);

/** struct rank_figures - of many pairs of lists; shares in RANK_UNIT, so that sums are exact; the zero value is of none */
#define RANK_UNIT 1e-6
struct rank_figures {
	uint64_t lists, agree; /* agree: the same first k */
	uint64_t same_first;
	uint64_t overlap_sum, ndcg_sum;
	uint64_t taus, apart_sum; /* apart: 1 - tau */
	uint64_t other_length;    /* the two have not as many items; not in @lists */
	uint64_t not_judged;
};

void rank_figures_add(struct rank_figures *f, const struct rank_result *r, bool agrees);
void rank_figures_merge(struct rank_figures *into, const struct rank_figures *from);
bool rank_figures_any(const struct rank_figures *f);

/** rank_figures_text() - a line for a terminal; nothing if the rule was met by nothing */
void rank_figures_text(const struct rank_figures *f, struct buffer *out);

/** rank_figures_json() - the members, into an object that the caller has opened */
void rank_figures_json(const struct rank_figures *f, struct json *j);

/** rank_figures_read() - add what the object @node (0: none) says to @f; NULL, or the member that is wrong (static text) */
const char *rank_figures_read(struct rank_figures *f, const struct json_doc *d, uint32_t node);

#endif
