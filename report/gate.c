/* gate.c - see gate.h; what a parsed expression says of a report */
#include "report/gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "base/units.h"
#include "report/gate_state.h"
#include "report/replay_speed.h"

/* Kleene's three values: what is unknown decides nothing that the rest decides alone. */
enum truth { FALSE, UNKNOWN, TRUE };

#define TARGETS_MAX 32

/* struct found - a term's value for one target */
struct found {
	char target[GATE_NAME_TEXT];
	double value;
	enum truth truth;
	const char *why;
};

struct evaluation {
	const struct gate *gate;
	const struct json_doc *report;
	enum replay_speed speed;
	uint32_t comparison, targets; /* comparison.targets and targets; 0: not in the report */
	struct gate_result *out;
};

static uint32_t member(const struct json_doc *d, uint32_t node, const char *name)
{
	return json_doc_member(d, node, span_str(name));
}

static enum truth holds(const struct gate_term *t, double value)
{
	if (isnan(value))
		return UNKNOWN;
	switch (t->op) {
	case GATE_ABOVE:
		return value > t->limit ? TRUE : FALSE;
	case GATE_AT_LEAST:
		return value >= t->limit ? TRUE : FALSE;
	case GATE_BELOW:
		return value < t->limit ? TRUE : FALSE;
	case GATE_AT_MOST:
		return value <= t->limit ? TRUE : FALSE;
	case GATE_IS:
		return value == t->limit ? TRUE : FALSE;
	case GATE_IS_NOT:
		return value != t->limit ? TRUE : FALSE;
	}
	return UNKNOWN;
}

static const char *reason(const struct gate_term *t)
{
	if (t->value->kind == GATE_TIME || (t->value->kind == GATE_RATIO && strstr(t->value->name, "ratio")))
		return "nothing was measured, or it lies among the timeouts";
	return "there is nothing that it could be computed from";
}

static double number_at(const struct json_doc *d, uint32_t node, const char *first, const char *second)
{
	uint32_t at = member(d, node, first);

	if (at && second)
		at = member(d, at, second);
	return at ? json_doc_double(d, at) : NAN;
}

static bool says(const struct json_doc *d, uint32_t node, const char *name, const char *what)
{
	uint32_t at = member(d, node, name);

	return at && d->nodes[at].type == JSON_STRING && json_doc_says(d, at, span_str(what));
}

/*
 * A generated text that differs counts as no mismatch without a control, so a
 * run of a language model would pass whatever the shadow says. Where such texts
 * are most of what was compared, a rate of mismatches that is low says nothing.
 */
static bool is_excused(const struct gate_term *t, const struct json_doc *d, uint32_t node)
{
	uint32_t noise = member(d, node, "noise");

	if (strncmp(t->value->path, "mismatch", 8) != 0 && strcmp(t->value->path, "noise.net_rate") != 0)
		return false;
	return number_at(d, node, "generated", "different") > 0 &&
	       2 * number_at(d, node, "generated", "pairs") > number_at(d, node, "compared", NULL) &&
	       !says(d, node, "role", "control") && !(noise && says(d, noise, "source", "control"));
}

/*
 * Times of the shadow at a pace that was not production's: beside production's
 * they say nothing, and as fast as possible not even alone. Production's own,
 * and the share of timeouts, are what they are.
 */
static bool is_beside_the_pace(const struct gate_term *t, enum replay_speed speed)
{
	const char *path = t->value->path;
	bool compares = strncmp(path, "latency_us.difference.", 22) == 0 || strstr(path, "_ratio");
	bool is_shadows = strncmp(path, "latency_us.shadow.", 18) == 0 || strncmp(path, "streams.shadow.", 15) == 0;

	return t->value->scope == GATE_COMPARED &&
	       ((compares && speed != SPEED_RECORDED) || (is_shadows && speed == SPEED_MAX));
}

static struct found look(const struct evaluation *e, const struct gate_term *t, uint32_t node, const char *name)
{
	struct found f = { .value = gate_value_read(t->value, e->report, node) };

	snprintf(f.target, sizeof(f.target), "%s", name);
	f.truth = holds(t, f.value);
	if (f.truth == UNKNOWN)
		f.why = reason(t);
	if (is_beside_the_pace(t, e->speed)) {
		f.truth = UNKNOWN;
		f.value = NAN;
		f.why = replay_speed_words(e->speed);
	}
	if (f.truth == FALSE && t->value->scope == GATE_COMPARED && is_excused(t, e->report, node)) {
		f.truth = UNKNOWN;
		f.value = NAN;
		f.why = "most of what was compared is generated text, and without --control it is not known how much of it differs anyway";
	}
	return f;
}

static struct found missing(const char *target, const char *why)
{
	struct found f = { .value = NAN, .truth = UNKNOWN, .why = why };

	snprintf(f.target, sizeof(f.target), "%s", target);
	return f;
}

static bool is_control(const struct evaluation *e, const char *name)
{
	uint32_t target = e->comparison ? member(e->report, e->comparison, name) : 0;
	uint32_t role = target ? member(e->report, target, "role") : 0;

	return role && json_doc_says(e->report, role, SPAN_LITERAL("control"));
}

/* What a term says of the targets it is about; at least one thing. */
static size_t look_up(const struct evaluation *e, const struct gate_term *t, struct found *out)
{
	uint32_t among = t->value->scope == GATE_COMPARED ? e->comparison : e->targets;
	const struct json_doc *d = e->report;
	struct buffer name = { 0 };
	size_t count = 0;

	if (t->value->scope == GATE_RUN) {
		out[0] = look(e, t, 0, "");
		return 1;
	}
	if (!among || d->nodes[among].type != JSON_OBJECT) {
		out[0] = missing(t->target, t->value->scope == GATE_COMPARED ? "answers were not compared" : "there was no target");
		return 1;
	}
	for (uint32_t key = among + 1; key < d->nodes[among].next && count < TARGETS_MAX; key = d->nodes[key + 1].next) {
		const char *text;

		buffer_clear(&name);
		json_doc_unescape(d, key, &name);
		text = buffer_text(&name);
		if (t->target[0] ? strcmp(text, t->target) == 0 : !is_control(e, text))
			out[count++] = look(e, t, key + 1, text);
	}
	buffer_deinit(&name);
	if (count == 0)
		out[count++] = missing(t->target, t->target[0] ? "no target has this name" : "there was no target");
	return count;
}

/* True for any target is true. */
static enum truth term_truth(const struct evaluation *e, const struct gate_term *t)
{
	struct found found[TARGETS_MAX];
	size_t count = look_up(e, t, found);
	enum truth most = FALSE;

	for (size_t i = 0; i < count; i++)
		if (found[i].truth > most)
			most = found[i].truth;
	return most;
}

static void show(const struct gate_term *t, double value, char *out, size_t size)
{
	switch (t->value->kind) {
	case GATE_COUNT:
		snprintf(out, size, "%.0f", value);
		return;
	case GATE_SHARE:
	case GATE_CHANGE:
		snprintf(out, size, "%.4g%%", 100 * value);
		return;
	case GATE_TIME:
		snprintf(out, size, fabs(value) < 1000 ? "%.0fus" : fabs(value) < 1e6 ? "%.4gms" : "%.4gs",
			 fabs(value) < 1000 ? value : fabs(value) < 1e6 ? value / 1e3 : value / 1e6);
		return;
	case GATE_RATIO:
		snprintf(out, size, "%.4g", value);
		return;
	}
}

/** allowed_text() - the other side of a term: "mismatch > 0.5%" allows at most 0.5% */
static void allowed_text(const struct gate_term *t, char *out, size_t size)
{
	static const char *const words[] = { [GATE_ABOVE] = "at most ", [GATE_AT_LEAST] = "below ", [GATE_BELOW] = "at least ",
					     [GATE_AT_MOST] = "above ", [GATE_IS] = "not ",          [GATE_IS_NOT] = "" };
	const char *limit = t->text + strcspn(t->text, "<>=!");

	limit += strspn(limit, "<>=! ");
	snprintf(out, size, "%s%s", words[t->op], limit);
}

static struct gate_failing seen(const struct gate_term *t, const struct found *found)
{
	struct gate_failing f = { .term = t->text, .value = found->value, .why = found->why };

	memcpy(f.target, found->target, sizeof(f.target));
	if (!f.why)
		show(t, f.value, f.shown, sizeof(f.shown));
	return f;
}

/** add_rows() - a term, for each target that it is about */
static void add_rows(const struct evaluation *e, const struct gate_term *t)
{
	static const char *const outcomes[] = { [FALSE] = "passes", [UNKNOWN] = "not known", [TRUE] = "fails" };
	struct found found[TARGETS_MAX];
	size_t count = look_up(e, t, found);

	for (size_t i = 0; i < count && e->out->row_count < GATE_ROWS_MAX; i++) {
		struct gate_row *row = &e->out->rows[e->out->row_count++];

		row->is = seen(t, &found[i]);
		row->outcome = outcomes[found[i].truth];
		allowed_text(t, row->allowed, sizeof(row->allowed));
	}
}

static void add_failing(const struct evaluation *e, const struct gate_term *t)
{
	struct found found[TARGETS_MAX];
	size_t count = look_up(e, t, found);

	for (size_t i = 0; i < count && e->out->count < GATE_TERMS_MAX; i++) {
		if (found[i].truth != FALSE)
			e->out->failing[e->out->count++] = seen(t, &found[i]);
	}
}

/*
 * Joins refer to joins made before them, so one walk up the list knows all
 * truths, and one walk down what the failure hangs on: the parts, not false, of
 * what is not false itself.
 */
void gate_evaluate(const struct gate *g, const struct json_doc *report, struct gate_result *out)
{
	struct evaluation e = { .gate = g, .report = report, .out = out };
	enum truth term[GATE_TERMS_MAX], join[GATE_TERMS_MAX], root;
	bool matters[GATE_TERMS_MAX] = { false };
	uint32_t comparison = member(report, 0, "comparison");

	*out = (struct gate_result){ 0 };
	e.speed = replay_speed_of(report);
	e.targets = member(report, 0, "targets");
	e.comparison = comparison ? member(report, comparison, "targets") : 0;
#define TRUTH(node) ((node) < 0 ? term[~(node)] : join[node])
	for (size_t i = 0; i < g->term_count; i++) {
		term[i] = term_truth(&e, &g->term[i]);
		add_rows(&e, &g->term[i]);
	}
	for (size_t i = 0; i < g->join_count; i++) {
		enum truth left = TRUTH(g->join[i].left), right = TRUTH(g->join[i].right);

		join[i] = g->join[i].is_and == (left < right) ? left : right;
	}
	root = TRUTH(g->root);
	out->passed = root == FALSE;
	if (out->passed)
		return;
	if (g->root < 0)
		add_failing(&e, &g->term[~g->root]);
	else
		matters[g->root] = true;
	for (size_t i = g->join_count; i-- > 0;) {
		int part[2] = { g->join[i].left, g->join[i].right };

		for (int k = 0; k < 2 && matters[i]; k++)
			if (TRUTH(part[k]) != FALSE && part[k] >= 0)
				matters[part[k]] = true;
	}
	for (size_t n = 0; n < g->term_count; n++) /* in the order of the text */
		for (size_t i = 0; i < g->join_count; i++)
			if (matters[i] && term[n] != FALSE && (g->join[i].left == ~(int)n || g->join[i].right == ~(int)n))
				add_failing(&e, &g->term[n]);
#undef TRUTH
}

static void text_or_null(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	if (text && text[0])
		json_str(j, text);
	else
		json_null(j);
}

static void term_members(const struct gate_failing *f, struct json *j)
{
	json_key(j, "term");
	json_str(j, f->term);
	text_or_null(j, "target", f->target);
	json_key(j, "value");
	json_exact(j, f->value);
	text_or_null(j, "why", f->why);
}

void gate_json(const struct gate *g, const struct gate_result *r, struct json *j)
{
	json_open(j, '{');
	json_key(j, "expression");
	json_str(j, g->expression);
	json_key(j, "passed");
	json_bool(j, r->passed);
	json_key(j, "failing");
	json_open(j, '[');
	for (size_t i = 0; i < r->count; i++) {
		json_open(j, '{');
		term_members(&r->failing[i], j);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "terms");
	json_open(j, '[');
	for (size_t i = 0; i < r->row_count; i++) {
		json_open(j, '{');
		term_members(&r->rows[i].is, j);
		json_key(j, "allowed");
		json_str(j, r->rows[i].allowed);
		json_key(j, "outcome");
		json_str(j, r->rows[i].outcome);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

void gate_sentence(const struct gate *g, const struct gate_result *r, struct buffer *out)
{
	if (r->passed) {
		buffer_printf(out, "gate passed: not (%s)", g->expression);
		return;
	}
	buffer_add_str(out, "gate failed: ");
	for (size_t i = 0; i < r->count; i++) {
		const struct gate_failing *f = &r->failing[i];

		buffer_printf(out, "%s%s (", i ? "; " : "", f->term);
		shown_add(out, span_str(f->target)); /* as a file has it, which may come from anywhere */
		buffer_printf(out, "%s%s%s)", f->target[0] ? ": " : "", f->why ? "not known, " : "", f->why ? f->why : f->shown);
	}
}

void gate_values_text(struct buffer *out)
{
	for (size_t i = 0; i < gate_value_count; i++)
		buffer_printf(out, "%s%s", i ? ", " : "", gate_values[i].name);
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->term_count; i++)
		free(g->term[i].text);
	free(g->expression);
	free(g);
}
