/*
 * boxes.h - detections: which boxes of one image are in both responses?
 *
 * Two boxes are the same find if they are of one class and their intersection is a large enough share of their union
 * (IoU). Production's boxes choose, the surest first (of equal ones the first in the list), the one that fits best among
 * those that are left.
 */
#ifndef COMPARE_BOXES_H
#define COMPARE_BOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"

#define BOXES_MAX 300 /* of one side */

/** struct box - two opposite corners, in any order; all finite. @place and @is_taken are ours */
struct box {
	double corner[4]; /* x, y, x, y, or y before x */
	double score;
	uint64_t class; /* the same number: the same class */
	uint32_t place;
	bool is_taken;
};

/** box_overlap() - intersection over union; of two boxes without an area 1 if they are the same, else 0 */
double box_overlap(const struct box *a, const struct box *b);

/** struct boxes_result - of one image; @flips: boxes that fit, but for their class; they are neither missed nor extra */
struct boxes_result {
	uint64_t production, shadow; /* boxes */
	uint64_t matched, flips;
	double overlap_sum; /* of those matched */
};

/** boxes_match() - at most BOXES_MAX of each; O(n m). @production is sorted anew; @overlap: the least IoU */
struct boxes_result boxes_match(struct box *production, size_t production_count, struct box *shadow, size_t shadow_count,
				double overlap);

/** struct boxes_figures - of many images; the zero value is of none */
#define BOXES_UNIT 1e-6
struct boxes_figures {
	uint64_t images, agree; /* agree: every box has its own */
	uint64_t production, shadow, matched, flips;
	uint64_t overlap_sum; /* in BOXES_UNIT */
	uint64_t not_judged;
};

void boxes_figures_add(struct boxes_figures *f, const struct boxes_result *r, bool agrees);
void boxes_figures_merge(struct boxes_figures *into, const struct boxes_figures *from);
bool boxes_figures_any(const struct boxes_figures *f);

/** boxes_figures_text() - a line for a terminal; nothing if the rule was met by nothing */
void boxes_figures_text(const struct boxes_figures *f, struct buffer *out);

/** boxes_figures_json() - the members, into an object that the caller has opened */
void boxes_figures_json(const struct boxes_figures *f, struct json *j);

/** boxes_figures_read() - add what the object @node (0: none) says to @f; NULL, or the member that is wrong (static text) */
const char *boxes_figures_read(struct boxes_figures *f, const struct json_doc *d, uint32_t node);

#endif
