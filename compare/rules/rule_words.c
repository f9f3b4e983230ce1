/* rule_words.c - see rule_words.h */
#include "compare/rules/rule_words.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/** struct parameter - @at: where in struct rule_parameters its number is kept */
struct parameter {
	enum rule_word word;
	const char *name;
	size_t at;
	double low, high;
	bool whole;
};

#define AT(member) offsetof(struct rule_parameters, member)

static const struct parameter parameters[] = {
	{ RULE_NUM, "rtol=", AT(tolerance.rtol), 0, DBL_MAX, false },
	{ RULE_NUM, "atol=", AT(tolerance.atol), 0, DBL_MAX, false },
	{ RULE_TOPK, "k=", AT(k), 1, RULE_TOP_MAX, true },
	{ RULE_COSINE, "min=", AT(output.least), 0, 1, false },
	{ RULE_REGRESSION, "rtol=", AT(output.tolerance.rtol), 0, DBL_MAX, false },
	{ RULE_REGRESSION, "atol=", AT(output.tolerance.atol), 0, DBL_MAX, false },
	{ RULE_BOXES, "iou=", AT(output.least), 0, 1, false },
	{ RULE_BOXES, "score=", AT(output.score), 0, 1, false },
	{ RULE_RANK, "k=", AT(output.k), 1, RULE_TOP_MAX, true },
};

const char *rule_word_name(enum rule_word w)
{
	static const char *const names[] = {
#define X(id, name) [RULE_##id] = name,
		RULE_WORDS(X)
#undef X
	};

	return names[w];
}

enum rule_word rule_word_find(struct span text)
{
	enum rule_word w = 0;

	while (w < RULE_WORD_COUNT && !span_equal(text, span_str(rule_word_name(w))))
		w++;
	return w;
}

const char *rule_word_list(void)
{
	return "ignore, exact, num, text, argmax, topk, set, cosine, rank, regression or boxes";
}

struct rule_parameters rule_parameters_of(enum rule_word w, const struct tolerance *tolerance)
{
	struct rule_parameters p = { .tolerance = *tolerance };

	if (w == RULE_EXACT)
		p.tolerance = (struct tolerance){ 0, 0 };
	if (w == RULE_COSINE)
		p.output = (struct output_rule){ .kind = OUTPUT_COSINE, .least = 0.999 };
	if (w == RULE_REGRESSION)
		p.output = (struct output_rule){ .kind = OUTPUT_REGRESSION, .tolerance = *tolerance };
	if (w == RULE_BOXES)
		p.output = (struct output_rule){ .kind = OUTPUT_BOXES, .least = 0.5, .score = 0.3 };
	if (w == RULE_RANK)
		p.output = (struct output_rule){ .kind = OUTPUT_RANK, .k = 10 };
	return p;
}

static bool parse_number(const char *text, double *out)
{
	char *end;

	if (!((*text >= '0' && *text <= '9') || *text == '.'))
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && isfinite(*out);
}

bool rule_parameter_take(enum rule_word w, const char *text, struct rule_parameters *out)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		const struct parameter *p = &parameters[i];
		size_t len = strlen(p->name);
		double value;

		if (p->word != w || strncmp(text, p->name, len) != 0)
			continue;
		if (!parse_number(text + len, &value) || value < p->low || value > p->high ||
		    (p->whole && value != floor(value)))
			return false;
		memcpy((char *)out + p->at, &value, sizeof(value));
		return true;
	}
	return false;
}

const char *rule_parameter_hint(enum rule_word w)
{
	static const char *const hints[RULE_WORD_COUNT] = {
		[RULE_NUM] = "after num come rtol=NUMBER and atol=NUMBER, neither of them negative",
		[RULE_TOPK] = "after topk comes k=NUMBER, from 1 to 100",
		[RULE_REGRESSION] = "after regression come rtol=NUMBER and atol=NUMBER, neither of them negative",
		[RULE_BOXES] = "after boxes come iou=NUMBER and score=NUMBER, from 0 to 1",
		[RULE_RANK] = "after rank comes k=NUMBER, from 1 to 100",
		[RULE_COSINE] = "after cosine comes min=NUMBER, from 0 to 1",
	};

	return hints[w] ? hints[w] : "nothing follows this kind of rule; comments begin with #";
}
