/* outputs_judge.c - see outputs_judge.h */
#include "compare/outputs/outputs_judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/decimal.h"

static void show(struct finding *f, const struct cosine_sums *s, const struct cosine *c)
{
	char text[FINDING_TEXT];
	int len;

	len = snprintf(text, sizeof(text), "%" PRIu64 " numbers, length %.6g", s->count, sqrt(s->production));
	finding_text(f->production, span_of(text, (size_t)len));
	len = snprintf(text, sizeof(text), "%" PRIu64 " numbers, length %.6g, cosine %.9g", s->count, sqrt(s->shadow), c->value);
	finding_text(f->shadow, span_of(text, (size_t)len));
}

bool vectors_judge(struct collector *c, const struct output_rule *rule, const struct cosine_sums *s)
{
	struct finding *f;
	struct cosine cosine;
	bool agrees;

	if (!cosine_of(s, &cosine))
		return false;
	if (!c)
		return true;
	agrees = cosine.value >= rule->least;
	cosine_figures_add(&collector_outputs(c)->sum.cosine, &cosine, agrees);
	collector_judged(c, agrees);
	if (s->same)
		return true;
	f = collector_output(c, agrees ? DIFFERENCE_CLOSE : DIFFERENCE_VALUE, OUTPUT_COSINE, 1 - cosine.value);
	if (f)
		show(f, s, &cosine);
	return true;
}

static void show_length(char out[FINDING_TEXT], uint64_t count)
{
	char text[FINDING_TEXT];
	int len = snprintf(text, sizeof(text), "%" PRIu64 " numbers", count);

	finding_text(out, span_of(text, (size_t)len));
}

void vectors_other_dimension(struct collector *c, uint64_t production, uint64_t shadow)
{
	struct finding *f = collector_add(c, shadow < production ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA);

	collector_outputs(c)->sum.cosine.other_dimension++;
	collector_judged(c, false);
	if (!f)
		return;
	show_length(f->production, production);
	show_length(f->shadow, shadow);
}

enum difference_kind regression_judge(struct collector *c, const struct output_rule *rule, double production, double shadow)
{
	struct outputs_found *found = collector_outputs(c);
	enum nearness near;
	enum difference_kind kind;

	if (fabs(production - shadow) <= (fabs(production) + fabs(shadow)) * DECIMAL_ERROR)
		shadow = production; /* one number, printed by two programs that round differently */
	near = tolerance_nearness(&rule->tolerance, production, shadow);
	kind = near == NEAR_SAME ? DIFFERENCE_COUNT : near == NEAR_CLOSE ? DIFFERENCE_CLOSE : DIFFERENCE_VALUE;
	regression_figures_add(&found->sum.regression, shadow - production, near != NEAR_OUTSIDE);
	collector_judged(c, near != NEAR_OUTSIDE);
	collector_compared(c, 1);
	if (kind != DIFFERENCE_COUNT) {
		found->differences[kind]++;
		found->kind[kind] = OUTPUT_REGRESSION;
	}
	return kind;
}
