/* gate.c - see gate.h; what a parsed expression says of a report */
#include "report/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "report/gate_look.h"

struct evaluation {
	struct gate_look look;
	struct gate_result *out;
};

/* True for any target is true. */
static enum gate_truth term_truth(const struct evaluation *e, const struct gate_term *t)
{
	struct gate_found found[GATE_TARGETS_MAX];
	size_t count = gate_look_up(&e->look, t, found);
	enum gate_truth most = GATE_FALSE;

	for (size_t i = 0; i < count; i++)
		if (found[i].truth > most)
			most = found[i].truth;
	return most;
}

static struct gate_failing seen(const struct gate_term *t, const struct gate_found *found)
{
	struct gate_failing f = { .term = t->text, .value = found->value, .why = found->why };

	memcpy(f.target, found->target, sizeof(f.target));
	if (!f.why)
		gate_show(t, f.value, f.shown, sizeof(f.shown));
	return f;
}

/** add_rows() - a term, for each target that it is about */
static void add_rows(const struct evaluation *e, const struct gate_term *t)
{
	static const char *const outcomes[] = { [GATE_FALSE] = "passes", [GATE_UNKNOWN] = "not known", [GATE_TRUE] = "fails" };
	struct gate_found found[GATE_TARGETS_MAX];
	size_t count = gate_look_up(&e->look, t, found);

	for (size_t i = 0; i < count && e->out->row_count < GATE_ROWS_MAX; i++) {
		struct gate_row *row = &e->out->rows[e->out->row_count++];

		row->is = seen(t, &found[i]);
		row->outcome = outcomes[found[i].truth];
		gate_allowed(t, row->allowed, sizeof(row->allowed));
	}
}

static void add_failing(const struct evaluation *e, const struct gate_term *t)
{
	struct gate_found found[GATE_TARGETS_MAX];
	size_t count = gate_look_up(&e->look, t, found);

	for (size_t i = 0; i < count && e->out->count < GATE_TERMS_MAX; i++) {
		if (found[i].truth != GATE_FALSE)
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
	struct evaluation e = { gate_look_of(report), out };
	enum gate_truth term[GATE_TERMS_MAX], join[GATE_TERMS_MAX], root;
	bool matters[GATE_TERMS_MAX] = { false };

	*out = (struct gate_result){ 0 };
#define TRUTH(node) ((node) < 0 ? term[~(node)] : join[node])
	for (size_t i = 0; i < g->term_count; i++) {
		term[i] = term_truth(&e, &g->term[i]);
		add_rows(&e, &g->term[i]);
	}
	for (size_t i = 0; i < g->join_count; i++) {
		enum gate_truth left = TRUTH(g->join[i].left), right = TRUTH(g->join[i].right);

		join[i] = g->join[i].is_and == (left < right) ? left : right;
	}
	root = TRUTH(g->root);
	out->passed = root == GATE_FALSE;
	if (out->passed)
		return;
	if (g->root < 0)
		add_failing(&e, &g->term[~g->root]);
	else
		matters[g->root] = true;
	for (size_t i = g->join_count; i-- > 0;) {
		int part[2] = { g->join[i].left, g->join[i].right };

		for (int k = 0; k < 2 && matters[i]; k++)
			if (TRUTH(part[k]) != GATE_FALSE && part[k] >= 0)
				matters[part[k]] = true;
	}
	for (size_t n = 0; n < g->term_count; n++) /* in the order of the text */
		for (size_t i = 0; i < g->join_count; i++)
			if (matters[i] && term[n] != GATE_FALSE && (g->join[i].left == ~(int)n || g->join[i].right == ~(int)n))
				add_failing(&e, &g->term[n]);
#undef TRUTH
}

static void term_members(const struct gate_failing *f, struct json *j)
{
	json_key(j, "term");
	json_str(j, f->term);
	json_text_or_null(j, "target", f->target);
	json_key(j, "value");
	json_exact(j, f->value);
	json_text_or_null(j, "why", f->why);
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
