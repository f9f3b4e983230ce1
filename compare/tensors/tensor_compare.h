/* tensor_compare.h - the data of two V2 responses, element by element */
#ifndef COMPARE_TENSOR_COMPARE_H
#define COMPARE_TENSOR_COMPARE_H

#include "compare/findings.h"
#include "compare/rules/path_rules.h"
#include "compare/tensors/tensors.h"

/**
 * tensors_compare() - outputs of the same name at the same place (tensors_align() puts them there)
 * Findings are at /outputs/N/data/I, as if the data were a flat JSON array. What is not data (names, shapes,
 * types) is compared with the frames. Return: 0 or -ENOMEM.
 */
int tensors_compare(struct collector *c, struct path_rules *rules, const struct tensors *production,
		    const struct tensors *shadow);

#endif
