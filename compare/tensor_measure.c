/*
 * tensor_measure.c - see tensor_measure.h
 *
 * Both tensors are walked through twice: once to see whether each row has a cosine, once for the record.
 */
#include "compare/tensor_measure.h"

#include "compare/vectors.h"

static bool is_real(enum tensor_type type)
{
	return type == TENSOR_FP16 || type == TENSOR_BF16 || type == TENSOR_FP32 || type == TENSOR_FP64;
}

/** walk_rows() - false if one cannot be judged. @c: NULL: only to see that */
static bool walk_rows(struct collector *c, const struct output_rule *rule, struct element_walk p, struct element_walk s,
		      uint64_t row)
{
	struct cosine_sums sums = cosine_begin();
	struct element a, b;
	bool judged = true;

	for (uint64_t i = 0; judged && element_next(&p, &a) && element_next(&s, &b);) {
		cosine_element(&sums, element_number(&a), element_number(&b));
		if (++i % row != 0)
			continue;
		if (c)
			collector_index(c, (uint32_t)(i - row));
		judged = vectors_judge(c, rule, &sums);
		sums = cosine_begin();
	}
	return judged;
}

bool tensor_measure(struct collector *c, const struct output_rule *rule, const struct element_walk *production,
		    const struct element_walk *shadow)
{
	const struct tensor *p = production->tensor, *s = shadow->tensor;
	uint64_t row = p->rank >= 2 ? p->row : p->count;

	if (rule->kind == OUTPUT_RANK) { /* a ranking stands in no tensor */
		collector_outputs(c)->sum.rank.not_judged++;
		return false;
	}
	if (!is_real(p->type) || !is_real(s->type) || p->count != s->count || p->count == 0 || row == 0 ||
	    p->count % row != 0 || p->count > UINT32_MAX || !walk_rows(NULL, rule, *production, *shadow, row)) {
		collector_outputs(c)->sum.cosine.not_judged++;
		return false;
	}
	collector_enter_index(c, 0);
	walk_rows(c, rule, *production, *shadow, row);
	collector_leave(c);
	return true;
}
