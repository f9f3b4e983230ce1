/* decision.c - see decision.h; numbers of pairs to go are those of going on as so far */
#include "report/decision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/evidence.h"
#include "report/gate_look.h"

#define SCALE_MAX 0x1p30 /* what takes a thousand million times as many pairs takes for ever */
#define SCALE_STEPS 8    /* to less than 1 % of the pairs to go */

const char *decision_state_name(enum decision_state state)
{
	static const char *const names[] = { "none", "keep_watching", "promote", "reject" };

	return names[state];
}

const char *decision_state_words(enum decision_state state)
{
	return state == DECISION_KEEP_WATCHING ? "keep watching" : decision_state_name(state);
}

/* struct standing - of a term or a join: which truth is shown, and in how many pairs either would be; 0: it is */
struct standing {
	enum gate_truth truth;
	double false_in, true_in;
};

/* struct weights - in how many ways a part can go wrong to hold, and not to hold */
struct weights {
	double holds, fails;
};

struct making {
	const struct decision_settings *set;
	struct gate_look look;
	enum looks looks;
	double pairs;
	struct decision_made *out;
	struct weights term[GATE_TERMS_MAX], join[GATE_TERMS_MAX];
	struct tails term_level[GATE_TERMS_MAX], join_level[GATE_TERMS_MAX]; /* of holding (low), of not holding (high) */
};

/* ---- the 2.5 %, shared out ---- */

static bool has_interval(const struct gate_term *t)
{
	return evidence_has_interval(t->value) && t->op != GATE_IS && t->op != GATE_IS_NOT;
}

static struct weights weight_of(const struct making *m, int node)
{
	return node < 0 ? m->term[~node] : m->join[node];
}

static void weigh(struct making *m)
{
	const struct gate *g = m->set->gate;

	for (size_t i = 0; i < g->term_count; i++) {
		struct gate_found found[GATE_TARGETS_MAX];
		size_t targets = gate_look_up(&m->look, &g->term[i], found);

		if (has_interval(&g->term[i]))
			m->term[i] = (struct weights){ (double)targets, 1 };
		else
			m->term[i] = (struct weights){ 0, 0 };
	}
	for (size_t i = 0; i < g->join_count; i++) {
		struct weights a = weight_of(m, g->join[i].left), b = weight_of(m, g->join[i].right);

		if (g->join[i].is_and)
			m->join[i] = (struct weights){ fmax(a.holds, b.holds), a.fails + b.fails };
		else
			m->join[i] = (struct weights){ a.holds + b.holds, fmax(a.fails, b.fails) };
	}
}

/* What one of two parts gets of the error that both share; all of it, where the other cannot go wrong. */
static double share(double error, double mine, double others)
{
	return mine > 0 ? error * mine / (mine + others) : error;
}

static void give(struct making *m, int node, struct tails level)
{
	if (node < 0)
		m->term_level[~node] = level;
	else
		m->join_level[node] = level;
}

static void share_out(struct making *m)
{
	const struct gate *g = m->set->gate;

	give(m, g->root, (struct tails){ DECISION_ERROR, DECISION_ERROR });
	for (size_t i = g->join_count; i-- > 0;) {
		int part[2] = { g->join[i].left, g->join[i].right };

		for (int k = 0; k < 2; k++) {
			struct weights mine = weight_of(m, part[k]), other = weight_of(m, part[1 - k]);
			struct tails level = m->join_level[i];

			if (g->join[i].is_and)
				level.high = share(level.high, mine.fails, other.fails);
			else
				level.low = share(level.low, mine.holds, other.holds);
			give(m, part[k], level);
		}
	}
}

/* ---- one term, one target ---- */

static bool is_upper(const struct gate_term *t)
{
	return t->op == GATE_ABOVE || t->op == GATE_AT_LEAST;
}

/*
 * The levels are those of holding and of not holding. A term with > holds where the value is shown to be above
 * its limit, which hangs on the lower bound.
 */
static struct tails tails_of(const struct gate_term *t, struct tails level)
{
	return is_upper(t) ? level : (struct tails){ level.high, level.low };
}

static enum gate_truth truth_within(const struct gate_term *t, struct interval i)
{
	switch (t->op) {
	case GATE_ABOVE:
		return i.high <= t->limit ? GATE_FALSE : i.low > t->limit ? GATE_TRUE : GATE_UNKNOWN;
	case GATE_AT_LEAST:
		return i.high < t->limit ? GATE_FALSE : i.low >= t->limit ? GATE_TRUE : GATE_UNKNOWN;
	case GATE_BELOW:
		return i.low >= t->limit ? GATE_FALSE : i.high < t->limit ? GATE_TRUE : GATE_UNKNOWN;
	case GATE_AT_MOST:
		return i.low > t->limit ? GATE_FALSE : i.high <= t->limit ? GATE_TRUE : GATE_UNKNOWN;
	case GATE_IS:
	case GATE_IS_NOT:
		break;
	}
	return GATE_UNKNOWN;
}

/* What only grows: is it decided whatever comes? */
static bool is_past(const struct gate_term *t, double value)
{
	return t->op == GATE_AT_LEAST || t->op == GATE_BELOW ? value >= t->limit : value > t->limit;
}

static struct standing open_for(double false_in, double true_in)
{
	return (struct standing){ GATE_UNKNOWN, false_in, true_in };
}

static struct standing shown(enum gate_truth truth)
{
	return truth == GATE_FALSE ? (struct standing){ GATE_FALSE, 0, INFINITY } : (struct standing){ GATE_TRUE, INFINITY, 0 };
}

static struct standing by_count(const struct making *m, const struct gate_term *t, const struct gate_found *f)
{
	double to_go = f->value > 0 ? (t->limit - f->value) / f->value * m->pairs : INFINITY;

	if (is_past(t, f->value) || f->truth == GATE_FALSE)
		return shown(f->truth);
	return open_for(to_go, INFINITY);
}

static struct standing by_value(const struct making *m, const struct gate_found *f)
{
	if (f->truth == GATE_TRUE && m->looks == LOOKS_ANYTIME)
		return open_for(INFINITY, INFINITY);
	return shown(f->truth);
}

/* How many times the pairs there are would show that it is @wanted? Infinite: none. */
static double scale_to(const struct making *m, const struct gate_term *t, const struct evidence *e, struct tails tails,
		       enum gate_truth wanted)
{
	double too_few = 1, enough = 2;

	if (wanted == GATE_TRUE ? is_upper(t) : !is_upper(t))
		tails.high = 0;
	else
		tails.low = 0;
	while (truth_within(t, evidence_interval(e, m->looks, tails, enough)) != wanted) {
		too_few = enough;
		enough *= 2;
		if (enough > SCALE_MAX || enough * (double)e->of > 0x1p53)
			return INFINITY;
	}
	for (int i = 0; i < SCALE_STEPS; i++) {
		double middle = (too_few + enough) / 2;

		*(truth_within(t, evidence_interval(e, m->looks, tails, middle)) == wanted ? &enough : &too_few) = middle;
	}
	return enough;
}

/* On which side is the value now, bounds aside? */
static enum gate_truth side_of(const struct gate_term *t, const struct evidence *e)
{
	return isnan(e->value) || e->value == t->limit ? GATE_UNKNOWN : truth_within(t, (struct interval){ e->value, e->value });
}

static struct standing by_interval(const struct making *m, const struct gate_term *t, const struct evidence *e, struct tails level)
{
	struct tails tails = tails_of(t, level);
	enum gate_truth truth = truth_within(t, evidence_interval(e, m->looks, tails, 1)), side = side_of(t, e);
	double to_go;

	if (truth != GATE_UNKNOWN)
		return shown(truth);
	if (side == GATE_UNKNOWN)
		return open_for(INFINITY, INFINITY);
	to_go = (scale_to(m, t, e, tails, side) - 1) * m->pairs;
	return side == GATE_FALSE ? open_for(to_go, INFINITY) : open_for(INFINITY, to_go);
}

static struct standing stand(const struct making *m, const struct gate_term *t, const struct gate_found *f,
			     const struct evidence *e, struct tails level)
{
	if (f->is_withheld)
		return open_for(INFINITY, INFINITY);
	if (has_interval(t) && e->kind != EVIDENCE_VALUE)
		return by_interval(m, t, e, level);
	if (f->truth == GATE_UNKNOWN)
		return open_for(INFINITY, INFINITY);
	return e->kind == EVIDENCE_COUNT ? by_count(m, t, f) : by_value(m, f);
}

static enum decision_state state_of(enum gate_truth truth)
{
	return truth == GATE_TRUE ? DECISION_REJECT : truth == GATE_FALSE ? DECISION_PROMOTE : DECISION_KEEP_WATCHING;
}

static void show_finite(const struct gate_term *t, double value, char *out, size_t size)
{
	if (isfinite(value))
		gate_show(t, value, out, size);
}

static void add_row(const struct making *m, const struct gate_term *t, const struct gate_found *f, const struct evidence *e,
		    struct standing s)
{
	struct decision_term *row = &m->out->rows[m->out->count];

	if (m->out->count == GATE_ROWS_MAX)
		return;
	m->out->count++;
	*row = (struct decision_term){ .term = t->text, .limit = t->limit, .value = e->value, .of = e->of, .why = f->why };
	memcpy(row->target, f->target, sizeof(row->target));
	row->witnesses = evidence_witnesses(e);
	gate_allowed(t, row->allowed, sizeof(row->allowed));
	row->interval = f->is_withheld ? (struct interval){ -INFINITY, INFINITY } : evidence_interval(e, m->looks, TAILS_95, 1);
	row->is_by_value = !has_interval(t) || (e->kind == EVIDENCE_VALUE && !f->is_withheld);
	row->state = state_of(s.truth);
	row->pairs_to_go = fmin(s.false_in, s.true_in);
	show_finite(t, row->value, row->shown, sizeof(row->shown));
	show_finite(t, row->interval.low, row->shown_low, sizeof(row->shown_low));
	show_finite(t, row->interval.high, row->shown_high, sizeof(row->shown_high));
}

/* ---- all of them ---- */

static struct standing either(struct standing a, struct standing b)
{
	return (struct standing){ a.truth > b.truth ? a.truth : b.truth, fmax(a.false_in, b.false_in), fmin(a.true_in, b.true_in) };
}

static struct standing both(struct standing a, struct standing b)
{
	return (struct standing){ a.truth < b.truth ? a.truth : b.truth, fmin(a.false_in, b.false_in), fmax(a.true_in, b.true_in) };
}

/* It holds if it holds for any target, so these share the chance to say so wrongly. */
static struct standing term_standing(const struct making *m, size_t n)
{
	const struct gate_term *t = &m->set->gate->term[n];
	struct gate_found found[GATE_TARGETS_MAX];
	size_t count = gate_look_up(&m->look, t, found);
	struct standing all = shown(GATE_FALSE);
	struct tails level = m->term_level[n];

	level.low /= (double)count;
	for (size_t i = 0; i < count; i++) {
		struct evidence e = { .value = NAN };
		struct standing s;

		if (!found[i].is_withheld)
			evidence_read(t->value, m->look.report, found[i].node, &e);
		s = stand(m, t, &found[i], &e, level);
		add_row(m, t, &found[i], &e, s);
		all = either(all, s);
		evidence_deinit(&e);
	}
	return all;
}

static struct standing whole_standing(const struct making *m)
{
	const struct gate *g = m->set->gate;
	struct standing term[GATE_TERMS_MAX], join[GATE_TERMS_MAX];

	for (size_t i = 0; i < g->term_count; i++)
		term[i] = term_standing(m, i);
	for (size_t i = 0; i < g->join_count; i++) {
		int l = g->join[i].left, r = g->join[i].right;
		struct standing a = l < 0 ? term[~l] : join[l], b = r < 0 ? term[~r] : join[r];

		join[i] = g->join[i].is_and ? both(a, b) : either(a, b);
	}
	return g->root < 0 ? term[~g->root] : join[g->root];
}

static double number_at(const struct json_doc *d, uint32_t node, const char *name)
{
	uint32_t at = json_doc_member(d, node, span_str(name));
	double n = at && d->nodes[at].type == JSON_NUMBER ? json_doc_double(d, at) : 0;

	return n > 0 ? n : 0;
}

static bool says(const struct json_doc *d, uint32_t node, const char *name, const char *what)
{
	uint32_t at = json_doc_member(d, node, span_str(name));

	return at && d->nodes[at].type == JSON_STRING && json_doc_says(d, at, span_str(what));
}

/* What all targets have in common; how many were compared. */
static double look_at_targets(struct making *m)
{
	const struct json_doc *d = m->look.report;
	uint32_t targets = m->look.comparison;
	double compared = 0;

	if (!targets || d->nodes[targets].type != JSON_OBJECT)
		return 0;
	for (uint32_t key = targets + 1; key < d->nodes[targets].next; key = d->nodes[key + 1].next) {
		if (says(d, key + 1, "looks", "anytime"))
			m->looks = LOOKS_ANYTIME;
		if (says(d, key + 1, "role", "control"))
			continue;
		m->pairs = fmax(m->pairs, number_at(d, key + 1, "pairs"));
		compared += number_at(d, key + 1, "compared");
	}
	return compared;
}

static void foretell(struct decision_made *d, struct standing s)
{
	double per_second = d->seconds > 0 ? (double)d->pairs / d->seconds : 0, left = d->watch_at_least_s - d->seconds;

	d->pairs_to_go = fmin(s.false_in, s.true_in);
	d->seconds_to_go = d->pairs_to_go > 0 ? per_second > 0 ? d->pairs_to_go / per_second : INFINITY : 0;
	if (s.false_in > s.true_in || left <= 0)
		return;
	if (d->state == DECISION_PROMOTE)
		d->state = DECISION_KEEP_WATCHING;
	d->seconds_to_go = fmax(d->seconds_to_go, left);
}

void decision_make(const struct decision_settings *set, const struct json_doc *report, struct decision_made *out)
{
	struct making m = { .set = set, .look = gate_look_of(report), .out = out };
	double compared = look_at_targets(&m);
	struct standing s;

	*out = (struct decision_made){ .looks = m.looks, .expression = set->gate->expression, .is_default = set->is_default,
				  .ends_run = set->ends_run,
				  .pairs = (uint64_t)fmin(m.pairs, 0x1p53), .seconds = number_at(report, 0, "seconds"),
				  .watch_at_least_s = set->watch_at_least_s };
	weigh(&m);
	share_out(&m);
	s = whole_standing(&m);
	out->state = state_of(s.truth);
	foretell(out, s);
	if (set->decided != DECISION_NONE && out->state == DECISION_KEEP_WATCHING) {
		out->state = set->decided;
		out->decided_why = set->decided_why;
		out->pairs_to_go = out->seconds_to_go = 0;
	}
	if (!(compared > 0) && out->state != DECISION_REJECT) {
		out->state = DECISION_NONE;
		out->pairs_to_go = out->seconds_to_go = INFINITY;
	}
}

/* ---- as JSON ---- */

static void known(struct json *j, const char *name, double n)
{
	json_key(j, name);
	json_exact(j, n); /* not finite: null */
}

static void to_go_json(struct json *j, double pairs)
{
	json_key(j, "pairs_to_go");
	if (pairs < 0x1p53)
		json_uint(j, (uint64_t)ceil(pairs));
	else
		json_null(j);
}

static void row_json(const struct decision_term *t, struct json *j)
{
	json_open(j, '{');
	json_text_or_null(j, "term", t->term);
	json_text_or_null(j, "target", t->target);
	json_text_or_null(j, "allowed", t->allowed);
	known(j, "limit", t->limit);
	known(j, "value", t->value);
	known(j, "low", t->interval.low);
	known(j, "high", t->interval.high);
	json_count(j, "of", t->of);
	json_count(j, "witnesses", t->witnesses);
	json_text_or_null(j, "by", t->is_by_value ? "value" : "interval");
	json_text_or_null(j, "state", decision_state_name(t->state));
	to_go_json(j, t->pairs_to_go);
	json_text_or_null(j, "why", t->why);
	json_close(j, '}');
}

void decision_json(const struct decision_made *d, struct json *j)
{
	struct buffer why = { 0 };

	decision_why(d, &why);
	json_open(j, '{');
	json_text_or_null(j, "state", decision_state_name(d->state));
	json_text_or_null(j, "looks", looks_name(d->looks));
	json_key(j, "why");
	json_text(j, buffer_span(&why));
	json_text_or_null(j, "expression", d->expression);
	json_key(j, "is_default");
	json_bool(j, d->is_default);
	json_key(j, "ends_run");
	json_bool(j, d->ends_run);
	json_count(j, "pairs", d->pairs);
	known(j, "watch_at_least_seconds", d->watch_at_least_s);
	to_go_json(j, d->pairs_to_go);
	known(j, "seconds_to_go", d->seconds_to_go);
	json_key(j, "terms");
	json_open(j, '[');
	for (size_t i = 0; i < d->count; i++)
		row_json(&d->rows[i], j);
	json_close(j, ']');
	json_close(j, '}');
	buffer_deinit(&why);
}
