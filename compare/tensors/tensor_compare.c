/*
 * tensor_compare.c - see tensor_compare.h
 *
 * Theory of operation: one walk over both tensors at once. Numbers are compared
 * as JSON numbers are: by the tolerance that the path's rule has, whole numbers
 * above 2^53 exactly, NaN equal to NaN.
 *
 * Decisions are what json_decision.c finds in a V2 response that is JSON:
 * floats, and integers of one byte, are scores, and each row of the last
 * dimension is a decision (of one dimension, if they are probabilities);
 * everything else is labels, each of them a decision. With a rule for the data,
 * rows of scores are decided as it says, whatever their type. The best scores
 * of a row are kept as it goes by. Two decisions that differ agree all the same
 * if one model has the other's choice within the tolerance of its own; only to
 * see that, a row is walked through again. So no tensor is ever copied.
 */
#include "compare/tensors/tensor_compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/tensors/tensor_measure.h"

#define EXACT_MAX (UINT64_C(1) << 53)

/** struct best - the largest scores of a row, descending; of equal ones the first */
struct best {
	uint32_t *index;
	double *score;
	uint32_t count;
};

/** struct half - one side of two tensors under comparison */
struct half {
	struct element_walk walk, row_start;
	struct best best;
	struct buffer scratch;
};

struct match {
	struct collector *collector;
	struct path_rules *rules;
	const struct rule_effect *effect;
	const struct tensor *production;
	struct half half[2]; /* production, shadow */
	uint64_t row;        /* elements of a decision; 0: rows decide nothing */
	uint32_t top;
	bool labels; /* each element is a decision */
	bool named;  /* say which output: there are several */
	uint64_t numbers;
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

/** write_labels() - "3", or "3,8,1", or "none" */
static struct span write_labels(const struct best *b, char text[LABEL_TEXT])
{
	size_t len = 0;

	for (uint32_t i = 0; i < b->count && len + 12 < LABEL_TEXT; i++)
		len += (size_t)snprintf(text + len, LABEL_TEXT - len, i ? ",%" PRIu32 : "%" PRIu32,
					b->index[i]);
	return b->count > 0 ? span_of(text, len) : SPAN_LITERAL("none");
}

static int by_index(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/** accepts() - has @own each choice of @other (sorted by index) within the tolerance of its last one? */
static bool accepts(const struct half *own, const struct best *other, const struct tolerance *t)
{
	struct element_walk walk = own->row_start;
	uint32_t found = 0;
	struct element e;

	if (own->best.count != other->count || other->count == 0)
		return false;
	for (uint32_t i = 0; found < other->count && element_next(&walk, &e); i++) {
		double score = element_number(&e), last = own->best.score[own->best.count - 1];

		if (i != other->index[found])
			continue;
		if (!(score >= last) && tolerance_nearness(t, last, score) == NEAR_OUTSIDE)
			return false;
		found++;
	}
	return found == other->count;
}

/** same_choice() - sorts the indices of both if they are not the same already */
static bool same_choice(struct match *m)
{
	struct best *p = &m->half[0].best, *s = &m->half[1].best;

	if (p->count == s->count &&
	    (p->count == 0 || memcmp(p->index, s->index, p->count * sizeof(*p->index)) == 0))
		return true;
	if (p->count > 0)
		qsort(p->index, p->count, sizeof(*p->index), by_index);
	if (s->count > 0)
		qsort(s->index, s->count, sizeof(*s->index), by_index);
	return accepts(&m->half[0], s, &m->effect->tolerance) || accepts(&m->half[1], p, &m->effect->tolerance);
}

/** record() - a decision; the collector is where it is found */
static void record(struct match *m, struct span p, double p_score, struct span s, double s_score, bool agrees)
{
	struct finding *f = agrees ? NULL : collector_add(m->collector, DIFFERENCE_DECISION);

	collector_decision(m->collector, p, p_score, s, s_score, agrees);
	if (f) {
		finding_text(f->production, p);
		finding_text(f->shadow, s);
	}
}

/** end_row() - the last element of a row was element @i */
static void end_row(struct match *m, uint64_t i)
{
	struct best *p = &m->half[0].best, *s = &m->half[1].best;
	double scores[2] = { p->count ? p->score[0] : NAN, s->count ? s->score[0] : NAN };
	char texts[2][LABEL_TEXT];
	struct span labels[2] = { write_labels(p, texts[0]), write_labels(s, texts[1]) };

	if (p->count > 0 || s->count > 0) {
		collector_index(m->collector, (uint32_t)(i + 1 - m->row));
		record(m, labels[0], scores[0], labels[1], scores[1], same_choice(m));
	}
	p->count = s->count = 0;
}

/** row_element() - element @i as a score */
static void row_element(struct match *m, uint64_t i, const struct element *p, const struct element *s)
{
	best_add(&m->half[0].best, m->top, (uint32_t)(i % m->row), element_number(p));
	best_add(&m->half[1].best, m->top, (uint32_t)(i % m->row), element_number(s));
	if ((i + 1) % m->row == 0)
		end_row(m, i);
}

/** is_distribution() - numbers from 0 to 1 that add up to 1 */
static bool is_distribution(struct element_walk walk)
{
	struct element e;
	double sum = 0;

	while (element_next(&walk, &e)) {
		double x = element_number(&e);

		if (!(x >= 0 && x <= 1))
			return false;
		sum += x;
	}
	return fabs(sum - 1) < 1e-3;
}

static bool has_scores(enum tensor_type type)
{
	return type == TENSOR_FP16 || type == TENSOR_BF16 || type == TENSOR_FP32 || type == TENSOR_FP64 ||
	       type == TENSOR_INT8 || type == TENSOR_UINT8;
}

/** choose_decisions() - what is a decision in these tensors */
static void choose_decisions(struct match *m, const struct tensor *p)
{
	bool by_rule = m->effect->decision;

	m->top = by_rule ? m->effect->top : 1;
	m->row = 0;
	m->labels = false;
	if (!by_rule && path_rules_decides(m->rules))
		return;
	if (!by_rule && !has_scores(p->type))
		m->labels = true;
	else if (p->rank >= 2 && p->row >= 2 && p->row <= p->count && p->row < UINT32_MAX)
		m->row = p->row;
	else if (p->rank < 2 && p->count >= 2 && p->count < UINT32_MAX &&
		 (by_rule || (p->rank == 1 && is_distribution(m->half[0].walk))))
		m->row = p->count;
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

/** label_of() - what an element says as a label; false if it is none */
static bool label_of(const struct match *m, const struct element *e, char text[FINDING_TEXT], struct span *out)
{
	bool truth = m->production->type == TENSOR_BOOL && e->kind == ELEMENT_UINT;

	if (e->kind == ELEMENT_REAL || e->kind == ELEMENT_OTHER)
		return false;
	*out = e->kind == ELEMENT_TEXT ? e->text : span_of(text, element_text(e, m, text, FINDING_TEXT));
	if (truth)
		*out = e->uint ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
	return true;
}

static void label_element(struct match *m, const struct element *p, const struct element *s)
{
	char texts[2][FINDING_TEXT];
	struct span labels[2];

	if (label_of(m, p, texts[0], &labels[0]) && label_of(m, s, texts[1], &labels[1]))
		record(m, labels[0], NAN, labels[1], NAN,
		       p->kind == s->kind && span_equal(labels[0], labels[1]));
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

/** same_element() - the very same value, whatever it was written in; NULL: there is none on that side */
static bool same_element(const struct element *p, const struct element *s)
{
	double a, b;

	if (!p || !s)
		return p == s;
	if (!is_number(p) || !is_number(s))
		return p->kind == s->kind && span_equal(p->text, s->text);
	if (p->kind == s->kind && p->kind != ELEMENT_REAL)
		return same_whole(p, s);
	a = element_number(p);
	b = element_number(s);
	return a == b || (isnan(a) && isnan(b));
}

/** ignored_element() - of an element that a rule leaves out: note whether it differs */
static void ignored_element(struct match *m, const struct element *p, const struct element *s)
{
	struct finding *f = same_element(p, s) ? NULL : collector_add_ignored(m->collector, m->effect->ignored_by);

	if (f && p)
		show(m, f->production, p);
	if (f && s)
		show(m, f->shadow, s);
}

/** at_element() - the path and its rule at element @i; false: it is ignored */
static bool at_element(struct match *m, uint32_t data_state, bool each, uint64_t i)
{
	uint32_t index = i < UINT32_MAX ? (uint32_t)i : UINT32_MAX;

	collector_index(m->collector, index);
	if (i == 0 || !each) {
		uint32_t state = path_rules_index(m->rules, data_state, index);

		path_rules_mark(m->rules, state);
		m->effect = path_rules_effect(m->rules, state);
	}
	return !m->effect->ignore;
}

/** compare_pair() - element @i, which both have */
static void compare_pair(struct match *m, uint64_t i, const struct element *p, const struct element *s,
			 bool ignored)
{
	if (ignored)
		ignored_element(m, p, s);
	else
		compare_elements(m, p, s);
	if (m->row > 0)
		row_element(m, i, p, s);
	else if (m->labels && !ignored)
		label_element(m, p, s);
}

/** compare_data() - all elements of two tensors; the collector is at their data */
static void compare_data(struct match *m, uint32_t data_state)
{
	struct half *production = &m->half[0], *shadow = &m->half[1];
	bool each = path_rules_each(m->rules, data_state);
	struct element p, s;

	collector_enter_index(m->collector, 0);
	for (uint64_t i = 0;; i++) {
		bool more_p, more_s, ignored;

		if (m->row > 0 && i % m->row == 0) {
			production->row_start = production->walk;
			shadow->row_start = shadow->walk;
		}
		more_p = element_next(&production->walk, &p);
		more_s = element_next(&shadow->walk, &s);
		if (!more_p && !more_s)
			break;
		ignored = !at_element(m, data_state, each, i);
		if (more_p && more_s)
			compare_pair(m, i, &p, &s, ignored);
		else if (ignored)
			ignored_element(m, more_p ? &p : NULL, more_s ? &s : NULL);
		else
			add(m, more_p ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA, more_p ? &p : NULL,
			    more_s ? &s : NULL);
	}
	collector_leave(m->collector);
	collector_compared(m->collector, m->numbers);
}

static void half_init(struct half *h, const struct tensors *in, const struct tensor *tensor)
{
	*h = (struct half){ 0 };
	element_walk_begin(&h->walk, in, tensor, &h->scratch);
}

static void half_deinit(struct half *h)
{
	best_deinit(&h->best);
	buffer_deinit(&h->scratch);
}

/** ignored_output() - the data of the @i-th of both, which @effect leaves out: note whether they differ */
static int ignored_output(struct match *m, const struct rule_effect *effect, const struct tensors *production,
			  const struct tensors *shadow, size_t i)
{
	struct element p, s;
	bool same = true, more_p = true, more_s = true, ok;

	half_init(&m->half[0], production, &production->at[i]);
	half_init(&m->half[1], shadow, &shadow->at[i]);
	while (same && (more_p || more_s)) {
		more_p = element_next(&m->half[0].walk, &p);
		more_s = element_next(&m->half[1].walk, &s);
		same = same_element(more_p ? &p : NULL, more_s ? &s : NULL);
	}
	if (!same)
		collector_add_ignored(m->collector, effect->ignored_by);
	ok = buffer_ok(&m->half[0].scratch) && buffer_ok(&m->half[1].scratch);
	half_deinit(&m->half[0]);
	half_deinit(&m->half[1]);
	return ok ? 0 : -ENOMEM;
}

/** compare_output() - the @i-th of both, of the same name; 0 or -ENOMEM */
static int compare_output(struct match *m, uint32_t state, const struct tensors *production,
			  const struct tensors *shadow, size_t i)
{
	bool ok = true, measured = false;

	half_init(&m->half[0], production, &production->at[i]);
	half_init(&m->half[1], shadow, &shadow->at[i]);
	m->effect = path_rules_effect(m->rules, state);
	m->production = &production->at[i];
	m->numbers = 0;
	if (m->effect->output.kind != OUTPUT_NONE) {
		measured = tensor_measure(m->collector, &m->effect->output, &m->half[0].walk, &m->half[1].walk);
		m->row = 0;
		m->labels = false;
	} else {
		choose_decisions(m, m->production);
	}
	if (m->row > 0)
		ok = best_init(&m->half[0].best, m->top) && best_init(&m->half[1].best, m->top);
	if (ok && !measured)
		compare_data(m, state);
	ok = ok && buffer_ok(&m->half[0].scratch) && buffer_ok(&m->half[1].scratch);
	half_deinit(&m->half[0]);
	half_deinit(&m->half[1]);
	return ok ? 0 : -ENOMEM;
}

/** enter_output() - the path and the rules' state at the @i-th output; the outputs are at @outputs */
static uint32_t enter_output(struct match *m, const struct tensors *in, uint32_t outputs, uint32_t i)
{
	struct span name = in->at[i].name;
	bool escaped = name.len > 0 && memchr(name.at, '\\', name.len);

	if (in->by_name) {
		collector_enter_key(m->collector, name, escaped);
		return path_rules_key(m->rules, outputs, name, escaped);
	}
	collector_enter_index(m->collector, i);
	return path_rules_index(m->rules, outputs, i);
}

int tensors_compare(struct collector *c, struct path_rules *rules, const struct tensors *production,
		    const struct tensors *shadow)
{
	struct match m = { .collector = c, .rules = rules, .named = production->count > 1 && !production->by_name };
	uint32_t outputs = path_rules_key(rules, PATH_RULES_ROOT, SPAN_LITERAL("outputs"), false);
	bool all = path_rules_effect(rules, outputs)->ignore;
	int err = 0;

	collector_enter_key(c, SPAN_LITERAL("outputs"), false);
	for (uint32_t i = 0; i < production->count && i < shadow->count && !err; i++) {
		const struct rule_effect *effect;
		uint32_t output, data;

		if (!span_equal(production->at[i].name, shadow->at[i].name))
			continue;
		output = enter_output(&m, production, outputs, i);
		data = path_rules_key(rules, output, SPAN_LITERAL("data"), false);
		effect = path_rules_effect(rules, data);
		if (!all && !path_rules_effect(rules, output)->ignore)
			path_rules_mark(rules, data);
		collector_enter_key(c, SPAN_LITERAL("data"), false);
		if (effect->ignore) /* here or above: below what is ignored everything is */
			err = ignored_output(&m, effect, production, shadow, i);
		else
			err = compare_output(&m, data, production, shadow, i);
		collector_leave(c);
		collector_leave(c);
	}
	collector_leave(c);
	return err;
}
