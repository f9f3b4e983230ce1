/* tensor_measure.h - outputs of V2 that a rule compares as a whole */
#ifndef COMPARE_TENSOR_MEASURE_H
#define COMPARE_TENSOR_MEASURE_H

#include "compare/findings.h"
#include "compare/outputs/outputs.h"
#include "compare/tensors/tensors.h"

/**
 * tensor_measure() - compare the data of two tensors as @rule says; the collector is at the data
 * @production, @shadow: at their beginnings; they stay there
 *
 * Of more than one dimension each row of the last is a vector. Return: false, with that alone on record, if it can't be:
 * for a cosine no floating point, for a regression no finite numbers; another number of elements.
 */
bool tensor_measure(struct collector *c, const struct output_rule *rule, const struct element_walk *production,
		    const struct element_walk *shadow);

#endif
