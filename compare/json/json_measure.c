/*
 * json_measure.c - outputs that a rule compares as a whole: where they stand in two documents
 *
 * Theory of operation: a vector is an array of numbers, or a string that holds them in base64, as OpenAI's servers
 * send them on request; where a rule names an array of arrays, each innermost one is a vector. V2's data without
 * brackets has the length of its vectors in the shape. Either all that stands at a place can be judged, or nothing
 * there is, and the walk goes on value by value as if there were no rule. So arrays of arrays are read twice, once to
 * see whether all of them have a cosine and once for the record; a vector alone is read once.
 *
 * Vectors of another length are judged: nothing made of them can be used. So are not a vector here and something else
 * there, or numbers here and base64 there: that is another type, which the walk tells.
 */
#include "compare/json/json_decision_impl.h"

#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "compare/outputs/outputs_judge.h"

/** struct vector - numbers of one document: nodes, one after the other, or little-endian floats */
struct vector {
	const struct json_doc *d;
	uint32_t first;
	size_t count;
	const uint8_t *floats; /* NULL: nodes */
};

static double vector_at(const struct vector *v, size_t i)
{
	return v->floats ? vector_float(v->floats + 4 * i) : json_score(v->d, v->first + (uint32_t)i);
}

/** sum_up() - of two vectors of one length; texts that round in another way are the same number */
static struct cosine_sums sum_up(const struct vector *a, const struct vector *b)
{
	struct cosine_sums s = cosine_begin();

	for (size_t i = 0; i < a->count; i++) {
		double x = vector_at(a, i), y = vector_at(b, i);

		if (fabs(x - y) <= (fabs(x) + fabs(y)) * DECIMAL_ERROR)
			y = x;
		cosine_element(&s, x, y);
	}
	return s;
}

/** judge() - two vectors; false, with nothing on record, if there is no cosine. @looks: nothing is put on record in any case */
static bool judge(struct json_comparer *jc, const struct output_rule *rule, const struct vector *a,
		  const struct vector *b, bool looks)
{
	struct cosine_sums s;

	if (a->count != b->count) {
		if (!looks)
			vectors_other_dimension(jc->out, a->count, b->count);
		return true;
	}
	s = sum_up(a, b);
	return vectors_judge(looks ? NULL : jc->out, rule, &s);
}

/** take_floats() - what a string holds in base64, into @out; false if that is no vector */
static bool take_floats(struct json_comparer *jc, const struct json_doc *d, uint32_t node, struct buffer *out,
			struct vector *v)
{
	buffer_clear(out);
	buffer_clear(&jc->escapes);
	if (d->nodes[node].escaped)
		json_doc_unescape(d, node, &jc->escapes);
	if (!base64_decode(d->nodes[node].escaped ? buffer_span(&jc->escapes) : json_doc_text(d, node), out))
		return false;
	if (!buffer_ok(out) || !buffer_ok(&jc->escapes)) {
		jc->failed = true;
		return false;
	}
	*v = (struct vector){ d, node, out->len / 4, out->bytes };
	return out->len > 0 && out->len % 4 == 0;
}

static bool vectors_of_strings(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b, bool looks)
{
	struct vector va, vb;

	return take_floats(jc, jc->a, a, &jc->scratch, &va) && take_floats(jc, jc->b, b, &jc->other, &vb) &&
	       judge(jc, rule, &va, &vb, looks);
}

static bool is_vector(const struct json_doc *d, uint32_t node)
{
	return d->nodes[node].type == JSON_ARRAY && json_all_of_type(d, node, JSON_NUMBER);
}

static bool vectors_of_arrays(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b, bool looks)
{
	struct vector va = { jc->a, a + 1, jc->a->nodes[a].count, NULL }, vb = { jc->b, b + 1, jc->b->nodes[b].count, NULL };

	struct cosine_sums same = { .count = va.count, .same = true };

	if (span_equal(json_doc_text(jc->a, a), json_doc_text(jc->b, b)))
		return vectors_judge(looks ? NULL : jc->out, rule, &same);
	return is_vector(jc->b, b) && judge(jc, rule, &va, &vb, looks);
}

/** vectors_below() - those in two values; false: not all can be judged */
static bool vectors_below(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b, bool looks,
			  int rank)
{
	const struct json_node *na = &jc->a->nodes[a], *nb = &jc->b->nodes[b];
	bool judged = true;

	if (na->type != nb->type)
		return false;
	if (na->type == JSON_STRING)
		return vectors_of_strings(jc, rule, a, b, looks);
	if (is_vector(jc->a, a))
		return vectors_of_arrays(jc, rule, a, b, looks);
	if (na->type != JSON_ARRAY || na->count != nb->count || na->count == 0 || rank == RANK_MAX)
		return false;
	collector_enter_index(jc->out, 0);
	a++;
	b++;
	for (uint32_t i = 0; i < na->count && judged; i++) {
		collector_index(jc->out, i);
		judged = jc->a->nodes[a].type >= JSON_STRING && vectors_below(jc, rule, a, b, looks, rank + 1);
		a = jc->a->nodes[a].next;
		b = jc->b->nodes[b].next;
	}
	collector_leave(jc->out);
	return judged;
}

/** rows() - of data without brackets: @width numbers each */
static bool rows(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b, uint32_t width, bool looks)
{
	uint32_t count = jc->a->nodes[a].count;
	bool judged = true;

	collector_enter_index(jc->out, 0);
	for (uint32_t i = 0; i < count && judged; i += width) {
		struct vector va = { jc->a, a + 1 + i, width, NULL }, vb = { jc->b, b + 1 + i, width, NULL };

		collector_index(jc->out, i);
		judged = judge(jc, rule, &va, &vb, looks);
	}
	collector_leave(jc->out);
	return judged;
}

static bool cosine(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b)
{
	struct json_form form = json_form_here(jc, a);
	uint32_t na = jc->a->nodes[a].count;

	if (form.rank >= 2 && json_is_flat(jc, a, b)) {
		uint32_t width = (uint32_t)form.width;

		return form.width > 0 && form.width <= na && na % width == 0 && na == jc->b->nodes[b].count &&
		       rows(jc, rule, a, b, width, true) && rows(jc, rule, a, b, width, false);
	}
	if (jc->a->nodes[a].type == JSON_STRING || is_vector(jc->a, a))
		return vectors_below(jc, rule, a, b, false, 0);
	return vectors_below(jc, rule, a, b, true, 0) && vectors_below(jc, rule, a, b, false, 0);
}

/** is_meant() - is that what the rule is about: a string, or numbers in arrays? */
static bool is_meant(const struct json_doc *d, uint32_t node)
{
	if (d->nodes[node].type == JSON_NUMBER)
		return false;
	while (d->nodes[node].type == JSON_ARRAY && d->nodes[node].count > 0)
		node++;
	return d->nodes[node].type == JSON_NUMBER || d->nodes[node].type == JSON_STRING;
}

bool json_measure(struct json_comparer *jc, const struct rule_effect *e, uint32_t a, uint32_t b)
{
	struct outputs *sum = &collector_outputs(jc->out)->sum;

	switch (e->output.kind) {
	case OUTPUT_COSINE:
		if (cosine(jc, &e->output, a, b))
			return true;
		sum->cosine.not_judged += is_meant(jc->a, a) || is_meant(jc->b, b);
		break;
	case OUTPUT_RANK:
		if (json_rank(jc, e, a, b))
			return true;
		sum->rank.not_judged += !e->output.preset;
		break;
	case OUTPUT_REGRESSION:
		if (json_regression(jc, &e->output, a, b))
			return true;
		sum->regression.not_judged++;
		break;
	case OUTPUT_BOXES:
		if (json_boxes(jc, &e->output, a, b))
			return true;
		sum->boxes.not_judged++;
		break;
	case OUTPUT_NONE:
	case OUTPUT_KIND_COUNT:
		break;
	}
	return false;
}
