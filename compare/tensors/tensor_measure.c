/*
 * tensor_measure.c - see tensor_measure.h
 *
 * Both tensors are walked through twice: once to see whether all that is in them can be judged, once for the record.
 */
#include "compare/tensors/tensor_measure.h"

#include <math.h>
#include <stdio.h>

#include "compare/outputs/outputs_judge.h"

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

static bool cosine(struct collector *c, const struct output_rule *rule, const struct element_walk *production,
		   const struct element_walk *shadow)
{
	const struct tensor *p = production->tensor, *s = shadow->tensor;
	uint64_t row = p->rank >= 2 ? p->row : p->count;

	if (!is_real(p->type) || !is_real(s->type) || p->count != s->count || p->count == 0 || row == 0 ||
	    p->count % row != 0 || p->count > UINT32_MAX || !walk_rows(NULL, rule, *production, *shadow, row))
		return false;
	collector_enter_index(c, 0);
	walk_rows(c, rule, *production, *shadow, row);
	collector_leave(c);
	return true;
}

static bool are_numbers(struct element_walk p, struct element_walk s)
{
	struct element a, b;

	while (element_next(&p, &a) && element_next(&s, &b))
		if (!isfinite(element_number(&a) - element_number(&b)))
			return false;
	return true;
}

static void show(char out[FINDING_TEXT], double number)
{
	char text[FINDING_TEXT];
	int len = snprintf(text, sizeof(text), "%.9g", number);

	finding_text(out, span_of(text, (size_t)len));
}

static bool regression(struct collector *c, const struct output_rule *rule, struct element_walk p, struct element_walk s)
{
	struct element a, b;

	if (p.tensor->count != s.tensor->count || p.tensor->count == 0 || !are_numbers(p, s))
		return false;
	collector_enter_index(c, 0);
	for (uint64_t i = 0; element_next(&p, &a) && element_next(&s, &b); i++) {
		double production = element_number(&a), shadow = element_number(&b);
		enum difference_kind kind = regression_judge(c, rule, production, shadow);
		struct finding *f;

		collector_index(c, i < UINT32_MAX ? (uint32_t)i : UINT32_MAX);
		f = kind == DIFFERENCE_COUNT ? NULL : collector_add_numbers(c, kind, &rule->tolerance, production, shadow);
		if (f) {
			show(f->production, production);
			show(f->shadow, shadow);
		}
	}
	collector_leave(c);
	return true;
}

bool tensor_measure(struct collector *c, const struct output_rule *rule, const struct element_walk *production,
		    const struct element_walk *shadow)
{
	struct outputs *sum = &collector_outputs(c)->sum;

	switch (rule->kind) {
	case OUTPUT_COSINE:
		if (cosine(c, rule, production, shadow))
			return true;
		sum->cosine.not_judged++;
		break;
	case OUTPUT_REGRESSION:
		if (regression(c, rule, *production, *shadow))
			return true;
		sum->regression.not_judged++;
		break;
	case OUTPUT_RANK: /* stands in no tensor; nor do boxes stand in one */
		sum->rank.not_judged++;
		break;
	case OUTPUT_BOXES:
		sum->boxes.not_judged++;
		break;
	case OUTPUT_NONE:
	case OUTPUT_KIND_COUNT:
		break;
	}
	return false;
}
