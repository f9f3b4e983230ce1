/*
 * tensor_compare.c - see tensor_compare.h
 *
 * Theory of operation: one walk over both tensors at once. Numbers are compared
 * as JSON numbers are: by the tolerance that the path's rule has, whole numbers
 * above 2^53 exactly, NaN equal to NaN. The production's and the shadow's best
 * scores of a row are kept on the way, so no tensor is ever copied.
 *
 * A decision is one row of the last dimension. Without a rule for one that is so for
 * tensors of floating-point numbers whose rows have at least two elements, on
 * both sides the same number: the arg-max, the first one of several, NaN never.
 */
#include "compare/tensor_compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_MAX (UINT64_C(1) << 53)

/** struct best - the largest scores of a row, descending; of equal ones the first */
struct best {
	uint32_t *index;
	double *score;
	uint32_t count;
};

/** struct match - two tensors under comparison */
struct match {
	struct collector *collector;
	struct path_rules *rules;
	const struct rule_effect *effect;
	const struct tensor *production;
	uint64_t row; /* elements of a decision; 0: there are none */
	uint32_t top;
	struct best best[2];
	uint64_t numbers;
	bool named; /* say which output: there are several */
};

/* ---- decisions ---- */

static bool best_init(struct best *b, uint32_t top)
{
	b->count = 0;
	b->index = calloc(top, sizeof(*b->index));
	b->score = calloc(top, sizeof(*b->score));
	return b->index && b->score;
}

static void best_deinit(struct best *b)
{
	free(b->index);
	free(b->score);
}

static void best_add(struct best *b, uint32_t top, uint32_t index, double score)
{
	uint32_t at = b->count;

	if (isnan(score) || (at == top && !(score > b->score[top - 1])))
		return;
	if (at == top)
		at--;
	else
		b->count++;
	for (; at > 0 && score > b->score[at - 1]; at--) {
		b->index[at] = b->index[at - 1];
		b->score[at] = b->score[at - 1];
	}
	b->index[at] = index;
	b->score[at] = score;
}

static int by_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/** same_best() - the same indices, in any order; sorts those of more than one */
static bool same_best(struct best *a, struct best *b)
{
	if (a->count != b->count)
		return false;
	if (a->count > 1) {
		qsort(a->index, a->count, sizeof(*a->index), by_index);
		qsort(b->index, b->count, sizeof(*b->index), by_index);
	}
	return a->count == 0 || memcmp(a->index, b->index, a->count * sizeof(*a->index)) == 0;
}

static struct span label_of(const struct best *b, char text[LABEL_TEXT])
{
	return span_of(text, b->count ? (size_t)snprintf(text, LABEL_TEXT, "%" PRIu32, b->index[0]) : 0);
}

/** end_row() - a decision is complete; it is found at the data as a whole, the collector being at an element */
static void end_row(struct match *m)
{
	struct best *p = &m->best[0], *s = &m->best[1];
	char production[LABEL_TEXT], shadow[LABEL_TEXT];
	struct span labels[2] = { label_of(p, production), label_of(s, shadow) };
	double scores[2] = { p->count ? p->score[0] : NAN, s->count ? s->score[0] : NAN };
	bool agrees = same_best(p, s);
	struct finding *f;

	collector_decision(m->collector, labels[0], scores[0], labels[1], scores[1], agrees);
	p->count = s->count = 0;
	if (agrees)
		return;
	collector_leave(m->collector);
	f = collector_add(m->collector, DIFFERENCE_DECISION);
	if (f) {
		finding_text(f->production, labels[0]);
		finding_text(f->shadow, labels[1]);
	}
	collector_enter_index(m->collector, 0);
}

static bool is_real(enum tensor_type type)
{
	return type == TENSOR_FP16 || type == TENSOR_BF16 || type == TENSOR_FP32 || type == TENSOR_FP64;
}

/** choose_rows() - what is a decision in these tensors */
static void choose_rows(struct match *m, const struct tensor *p, const struct tensor *s)
{
	m->top = m->effect->decision ? m->effect->top : 1;
	m->row = 0;
	if (!m->effect->decision && (path_rules_decides(m->rules) || !is_real(p->type) || p->row < 2))
		return;
	if (p->row > 0 && p->row == s->row && p->row < UINT32_MAX && p->count == s->count &&
	    p->count % p->row == 0)
		m->row = p->row;
}

/* ---- elements ---- */

static size_t element_text(const struct element *e, const struct match *m, char *text, size_t room)
{
	int len = 0, digits = m->production->type == TENSOR_FP64 ? 17 : 9;

	switch (e->kind) {
	case ELEMENT_REAL:
		len = snprintf(text, room, "%.*g", digits, e->real);
		break;
	case ELEMENT_UINT:
		len = snprintf(text, room, "%" PRIu64, e->uint);
		break;
	case ELEMENT_INT:
		len = snprintf(text, room, "%" PRId64, e->integer);
		break;
	case ELEMENT_TEXT:
	case ELEMENT_OTHER:
		len = (int)(e->text.len < room ? e->text.len : room);
		if (len > 0)
			memcpy(text, e->text.at, (size_t)len);
		break;
	}
	return (size_t)len;
}

static void show(const struct match *m, char out[FINDING_TEXT], const struct element *e)
{
	char text[2 * FINDING_TEXT + 8];
	size_t len = element_text(e, m, text, FINDING_TEXT);

	if (m->named) /* behind a value that may be long: the value is what is cut */
		len += (size_t)snprintf(text + len, FINDING_TEXT, " (%.*s)",
					(int)(m->production->name.len < 40 ? m->production->name.len : 40),
					(const char *)m->production->name.at);
	finding_text(out, span_of(text, len));
}

static void add(struct match *m, enum difference_kind kind, const struct element *p, const struct element *s)
{
	struct finding *f = collector_add(m->collector, kind);

	if (!f)
		return;
	if (p)
		show(m, f->production, p);
	if (s)
		show(m, f->shadow, s);
}

static bool is_number(const struct element *e)
{
	return e->kind == ELEMENT_REAL || e->kind == ELEMENT_UINT || e->kind == ELEMENT_INT;
}

/** is_big() - a whole number that a double cannot tell from its neighbours */
static bool is_big(const struct element *e)
{
	return (e->kind == ELEMENT_UINT && e->uint > EXACT_MAX) ||
	       (e->kind == ELEMENT_INT && e->integer < -(int64_t)EXACT_MAX);
}

static bool same_whole(const struct element *p, const struct element *s)
{
	return p->kind == s->kind && (p->kind == ELEMENT_UINT ? p->uint == s->uint : p->integer == s->integer);
}

static void compare_numbers(struct match *m, const struct element *p, const struct element *s)
{
	const struct rule_effect *effect = m->effect;
	double a = element_number(p), b = element_number(s);
	enum difference_kind kind = DIFFERENCE_VALUE;
	enum nearness near;
	struct finding *f;

	m->numbers++;
	if (p->kind != ELEMENT_REAL && s->kind != ELEMENT_REAL && (is_big(p) || is_big(s)) &&
	    effect->values != VALUES_NUMBER)
		near = same_whole(p, s) ? NEAR_SAME : NEAR_OUTSIDE;
	else
		near = tolerance_nearness(&effect->tolerance, a, b);
	if (near == NEAR_SAME)
		return;
	if (near == NEAR_CLOSE || effect->values == VALUES_SCORES)
		kind = DIFFERENCE_CLOSE;
	f = collector_add_numbers(m->collector, kind, &effect->tolerance, a, b);
	if (f) {
		show(m, f->production, p);
		show(m, f->shadow, s);
	}
}

static void compare_elements(struct match *m, const struct element *p, const struct element *s)
{
	if (is_number(p) && is_number(s))
		compare_numbers(m, p, s);
	else if (p->kind != s->kind)
		add(m, DIFFERENCE_TYPE, p, s);
	else if (!span_equal(p->text, s->text))
		add(m, DIFFERENCE_VALUE, p, s);
}

/** at_element() - the path and its rule at element @i; NULL: it is ignored */
static const struct rule_effect *at_element(struct match *m, uint32_t data_state, bool each, uint64_t i)
{
	uint32_t index = i < UINT32_MAX ? (uint32_t)i : UINT32_MAX;

	collector_index(m->collector, index);
	if (i == 0 || !each) {
		uint32_t state = path_rules_index(m->rules, data_state, index);

		path_rules_mark(m->rules, state);
		m->effect = path_rules_effect(m->rules, state);
	}
	return m->effect->ignore ? NULL : m->effect;
}

/** compare_data() - all elements of two tensors; the collector is at their data */
static void compare_data(struct match *m, uint32_t data_state, struct element_walk *production,
			 struct element_walk *shadow)
{
	bool each = path_rules_each(m->rules, data_state), more_p, more_s;
	struct element p, s;

	collector_enter_index(m->collector, 0);
	for (uint64_t i = 0;
	     more_p = element_next(production, &p), more_s = element_next(shadow, &s), more_p || more_s; i++) {
		if (at_element(m, data_state, each, i)) {
			if (more_p && more_s)
				compare_elements(m, &p, &s);
			else
				add(m, more_p ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA, more_p ? &p : NULL,
				    more_s ? &s : NULL);
		}
		if (m->row == 0)
			continue;
		best_add(&m->best[0], m->top, (uint32_t)(i % m->row), element_number(&p));
		best_add(&m->best[1], m->top, (uint32_t)(i % m->row), element_number(&s));
		if ((i + 1) % m->row == 0)
			end_row(m);
	}
	collector_leave(m->collector);
	collector_compared(m->collector, m->numbers);
}

/** compare_output() - the @i-th of both, of the same name; 0 or -ENOMEM */
static int compare_output(struct match *m, uint32_t state, const struct tensors *production,
			  const struct tensors *shadow, size_t i)
{
	const struct tensor *p = &production->at[i], *s = &shadow->at[i];
	struct buffer scratch[2] = { { 0 }, { 0 } };
	struct element_walk walks[2];
	int err = 0;

	m->effect = path_rules_effect(m->rules, state);
	m->production = p;
	m->numbers = 0;
	choose_rows(m, p, s);
	element_walk_begin(&walks[0], production, p, &scratch[0]);
	element_walk_begin(&walks[1], shadow, s, &scratch[1]);
	if (m->row > 0 && !(best_init(&m->best[0], m->top) & best_init(&m->best[1], m->top)))
		err = -ENOMEM;
	else
		compare_data(m, state, &walks[0], &walks[1]);
	if (!buffer_ok(&scratch[0]) || !buffer_ok(&scratch[1]))
		err = -ENOMEM;
	best_deinit(&m->best[0]);
	best_deinit(&m->best[1]);
	m->best[0] = m->best[1] = (struct best){ 0 };
	buffer_deinit(&scratch[0]);
	buffer_deinit(&scratch[1]);
	return err;
}

int tensors_compare(struct collector *c, struct path_rules *rules, const struct tensors *production,
		    const struct tensors *shadow)
{
	struct match m = { .collector = c, .rules = rules, .named = production->count > 1 };
	uint32_t outputs = path_rules_key(rules, PATH_RULES_ROOT, SPAN_LITERAL("outputs"), false);
	int err = 0;

	if (path_rules_effect(rules, outputs)->ignore)
		return 0;
	collector_enter_key(c, SPAN_LITERAL("outputs"), false);
	collector_enter_index(c, 0);
	for (uint32_t i = 0; i < production->count && i < shadow->count && !err; i++) {
		uint32_t output = path_rules_index(rules, outputs, i);
		uint32_t data = path_rules_key(rules, output, SPAN_LITERAL("data"), false);

		if (!span_equal(production->at[i].name, shadow->at[i].name) ||
		    path_rules_effect(rules, output)->ignore)
			continue;
		path_rules_mark(rules, data);
		if (path_rules_effect(rules, data)->ignore)
			continue;
		collector_index(c, i);
		collector_enter_key(c, SPAN_LITERAL("data"), false);
		err = compare_output(&m, data, production, shadow, i);
		collector_leave(c);
	}
	collector_leave(c);
	collector_leave(c);
	return err;
}
