/*
 * json_values.c - numbers and strings: the same, close, or different
 *
 * Theory of operation of numbers: the same text is the same number, unread. Else
 * both are read as digits and an exponent: if these say the same (1, 1.0, 10e-1)
 * nothing differs. Integers above 2^53 have no double of their own; as ids and
 * labels they have to be the same, unless a rule gave this path a tolerance.
 * Everything else is estimated. What lies within the estimate's error of each
 * other, 2^-50 of the value, is the same number, printed by two programs that
 * round differently; only where no difference at all is allowed the right doubles
 * decide that. They decide as well where the difference is as near to the
 * tolerance as the estimate may be off. Everywhere else the estimate is enough.
 */
#include "compare/json/json_impl.h"

#include <math.h>

#include "base/decimal.h"

#define DOUBLE_INTEGERS (UINT64_C(1) << 53)

void json_difference(struct json_comparer *jc, enum difference_kind kind, uint32_t a, uint32_t b)
{
	struct finding *f = collector_add(jc->out, kind);

	if (f && a != NODE_NONE)
		finding_text(f->production, json_doc_text(jc->a, a));
	if (f && b != NODE_NONE)
		finding_text(f->shadow, json_doc_text(jc->b, b));
}

void json_ignored(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b)
{
	struct finding *f;

	if (a != NODE_NONE && b != NODE_NONE && json_same_value(jc, jc->a, a, jc->b, b))
		return;
	f = collector_add_ignored(jc->out, e->ignored_by);
	if (f && a != NODE_NONE)
		finding_text(f->production, json_doc_text(jc->a, a));
	if (f && b != NODE_NONE)
		finding_text(f->shadow, json_doc_text(jc->b, b));
}

void json_one_sided(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b)
{
	if (e->ignore)
		json_ignored(jc, e, a, b);
	else
		json_difference(jc, b == NODE_NONE ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA, a, b);
}

static bool is_large(const struct decimal *d)
{
	return d->exponent > 0 || d->digits > DOUBLE_INTEGERS;
}

/** nearness_of() - and the two values, for the record */
static enum nearness nearness_of(const struct rule_effect *e, struct span a, struct span b, double *x,
				 double *y)
{
	struct decimal da = decimal_read(a), db = decimal_read(b);
	bool estimated;

	if (decimal_same(&da, &db))
		return NEAR_SAME;
	estimated = decimal_estimate(&da, x) && decimal_estimate(&db, y);
	if (da.integer && db.integer && (is_large(&da) || is_large(&db)) && e->values != VALUES_NUMBER) {
		if (!estimated) {
			*x = decimal_double(a);
			*y = decimal_double(b);
		}
		return NEAR_OUTSIDE;
	}
	if (estimated) {
		double apart = fabs(*x - *y), error = (fabs(*x) + fabs(*y)) * DECIMAL_ERROR;
		double allowed = tolerance_allows(&e->tolerance, *x),
		       unsure = error + allowed * 2 * DECIMAL_ERROR;

		if (apart <= error && allowed > 0 && isfinite(apart) && !(da.integer && db.integer))
			return NEAR_SAME; /* 0.1 and 0.10000000000000001 */
		if (apart > error && apart < allowed - unsure)
			return NEAR_CLOSE;
		if (apart > error && apart > allowed + unsure && isfinite(apart))
			return NEAR_OUTSIDE;
	}
	*x = decimal_double(a);
	*y = decimal_double(b);
	return tolerance_nearness(&e->tolerance, *x, *y);
}

void json_number_texts(struct json_comparer *jc, const struct rule_effect *e, struct span a, struct span b)
{
	enum difference_kind kind;
	struct finding *f;
	enum nearness n;
	double x, y;

	if (span_equal(a, b))
		return;
	collector_compared(jc->out, 1);
	n = nearness_of(e, a, b, &x, &y);
	if (n == NEAR_SAME)
		return;
	kind = n == NEAR_CLOSE || e->values == VALUES_SCORES ? DIFFERENCE_CLOSE : DIFFERENCE_VALUE;
	f = collector_add_numbers(jc->out, kind, &e->tolerance, x, y);
	if (f) {
		finding_text(f->production, a);
		finding_text(f->shadow, b);
	}
}

bool json_same_text(struct json_comparer *jc, uint32_t a, uint32_t b)
{
	struct span ta = json_doc_text(jc->a, a), tb = json_doc_text(jc->b, b);

	if (span_equal(ta, tb))
		return true;
	if (!jc->a->nodes[a].escaped)
		return jc->b->nodes[b].escaped && json_doc_says(jc->b, b, ta);
	if (!jc->b->nodes[b].escaped)
		return json_doc_says(jc->a, a, tb);
	buffer_clear(&jc->scratch);
	json_unescape(tb, &jc->scratch);
	jc->failed |= !buffer_ok(&jc->scratch);
	return json_doc_says(jc->a, a, buffer_span(&jc->scratch));
}

/** is_number() - does a string hold a number, and nothing else? */
static bool is_number(struct span text)
{
	bool digit = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c >= '0' && c <= '9')
			digit = true;
		else if (c == '-' || c == '+') {
			if (i > 0 && (text.at[i - 1] | 0x20) != 'e')
				return false;
		} else if ((c != '.' && (c | 0x20) != 'e') || !digit)
			return false;
	}
	return digit;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span next_word(struct span *text)
{
	struct span word;
	size_t len = 0;

	while (text->len && is_space(text->at[0]))
		span_skip(text, 1);
	while (len < text->len && !is_space(text->at[len]))
		len++;
	span_take(text, len, &word);
	return word;
}

static bool same_words(struct json_comparer *jc, uint32_t a, uint32_t b)
{
	struct span ta, tb, word;

	buffer_clear(&jc->scratch);
	buffer_clear(&jc->other);
	json_doc_unescape(jc->a, a, &jc->scratch);
	json_doc_unescape(jc->b, b, &jc->other);
	jc->failed |= !buffer_ok(&jc->scratch) || !buffer_ok(&jc->other);
	ta = buffer_span(&jc->scratch);
	tb = buffer_span(&jc->other);
	do {
		word = next_word(&ta);
		if (!span_equal(word, next_word(&tb)))
			return false;
	} while (word.len);
	return true;
}

/* Where a language model's calls of tools have their arguments: JSON in a string, whose spelling says nothing. */
static const char *const argument_places[] = {
	"/choices/*/message/tool_calls/*/function/arguments",
	"/choices/*/message/function_call/arguments",
	"/choices/*/delta/tool_calls/*/function/arguments",
	"/choices/*/delta/function_call/arguments",
	"/output/*/arguments",
	"/response/output/*/arguments",
	"/item/*/arguments",
	"/item/*/arguments_delta",
	"/content_block/*/partial_json",
};

static bool is_argument(const struct collector *c)
{
	for (size_t i = 0; i < sizeof(argument_places) / sizeof(*argument_places); i++)
		if (collector_is_at(c, argument_places[i]))
			return true;
	return false;
}

static void strings(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b)
{
	struct span ta = json_doc_text(jc->a, a), tb = json_doc_text(jc->b, b);
	bool close;

	if (json_same_text(jc, a, b) || (is_argument(jc->out) && json_same_arguments(jc, jc->a, a, jc->b, b)))
		return;
	if (e->values == VALUES_NUMBER && is_number(ta) && is_number(tb)) {
		json_number_texts(jc, e, ta, tb);
		return;
	}
	close = e->values == VALUES_SCORES || (e->values == VALUES_WORDS && same_words(jc, a, b));
	json_difference(jc, close ? DIFFERENCE_CLOSE : DIFFERENCE_VALUE, a, b);
}

void json_scalars(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b)
{
	enum json_type ta = jc->a->nodes[a].type, tb = jc->b->nodes[b].type;

	if (ta == JSON_NUMBER && tb == JSON_NUMBER)
		json_number_texts(jc, e, json_doc_text(jc->a, a), json_doc_text(jc->b, b));
	else if (ta == JSON_STRING && tb == JSON_STRING)
		strings(jc, e, a, b);
	else if ((ta == JSON_TRUE && tb == JSON_FALSE) || (ta == JSON_FALSE && tb == JSON_TRUE))
		json_difference(jc, DIFFERENCE_VALUE, a, b);
	else if (ta != tb)
		json_difference(jc, DIFFERENCE_TYPE, a, b);
}
