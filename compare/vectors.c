/* vectors.c - see vectors.h */
#include "compare/vectors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

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
