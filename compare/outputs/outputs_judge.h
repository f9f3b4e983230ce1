/*
 * outputs_judge.h - two outputs as a whole, wherever they came from: judged, and put on record
 */
#ifndef COMPARE_OUTPUTS_JUDGE_H
#define COMPARE_OUTPUTS_JUDGE_H

#include <stdint.h>
#include <string.h>

#include "compare/outputs/cosine.h"
#include "compare/findings.h"
#include "compare/outputs/outputs.h"

/** vector_float() - four bytes, little-endian, as a number of IEEE 754 */
static inline double vector_float(const uint8_t *bytes)
{
	uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/**
 * vectors_judge() - two vectors of one length, at the path where the collector is
 * @c: NULL: only to see whether they can be judged
 *
 * Return: false, with nothing on record, if they have no cosine.
 */
bool vectors_judge(struct collector *c, const struct output_rule *rule, const struct cosine_sums *s);

/** vectors_other_dimension() - two vectors of @production and @shadow numbers */
void vectors_other_dimension(struct collector *c, uint64_t production, uint64_t shadow);

/**
 * regression_judge() - two finite numbers, whose difference is finite
 * Return: what kind of difference they are, VALUE or CLOSE, for the caller to add; DIFFERENCE_COUNT: none.
 */
enum difference_kind regression_judge(struct collector *c, const struct output_rule *rule, double production, double shadow);

#endif
