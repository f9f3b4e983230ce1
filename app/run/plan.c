/* plan.c - see plan.h */
#include "app/run/plan.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/anytime.h"
#include "base/json.h"
#include "report/format.h"

/* of the limit: none, half, nearly it, it, a little above, twice, five times */
static const double multiples[] = { 0, 0.5, 0.9, 1, 2, 5 };

#define MULTIPLES (sizeof(multiples) / sizeof(multiples[0]))

static double effect_of(const struct plan_facts *f)
{
	return f->design_effect > 1 ? f->design_effect : 1;
}

/** scaled() - independent pairs as pairs that are not; what never ends stays so */
static uint64_t scaled(uint64_t pairs, double effect)
{
	double n = ceil((double)pairs * effect);

	return pairs == UINT64_MAX || n >= 0x1p53 ? UINT64_MAX : (uint64_t)n;
}

static void finish(const struct plan_facts *f, struct plan_row *row)
{
	if (row->pairs == UINT64_MAX) {
		row->end = PLAN_NEVER;
		row->pairs = 0;
	}
	row->seconds = row->end == PLAN_NEVER || !(f->pairs_per_second > 0) ? NAN : (double)row->pairs / f->pairs_per_second;
}

static struct plan_row row_of(const struct plan_facts *f, double rate, bool is_expected)
{
	bool below = rate < f->limit;
	struct plan_row row = { .rate = rate, .end = below ? PLAN_PROMOTE : PLAN_REJECT, .is_expected = is_expected };

	row.pairs = rate == f->limit ? UINT64_MAX : scaled(anytime_pairs_to_go(rate, 0, f->limit, below, PLAN_ALPHA), effect_of(f));
	finish(f, &row);
	return row;
}

static int by_rate(const void *a, const void *b)
{
	double x = ((const struct plan_row *)a)->rate, y = ((const struct plan_row *)b)->rate;

	return (x > y) - (x < y);
}

size_t plan_rows(const struct plan_facts *f, struct plan_row rows[PLAN_ROWS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < MULTIPLES; i++)
		if (multiples[i] * f->limit <= 1 && multiples[i] * f->limit != f->expect)
			rows[count++] = row_of(f, multiples[i] * f->limit, false);
	if (f->expect >= 0)
		rows[count++] = row_of(f, f->expect, true);
	qsort(rows, count, sizeof(*rows), by_rate);
	return count;
}

struct plan_row plan_rest(const struct plan_facts *f)
{
	double rate = f->of > 0 ? (double)f->count / (double)f->of : 0, effect = effect_of(f);
	bool below = rate < f->limit;
	struct plan_row row = { .rate = rate, .end = below ? PLAN_PROMOTE : PLAN_REJECT };

	row.pairs = scaled(anytime_pairs_to_go(rate, (uint64_t)((double)f->of / effect), f->limit, below, PLAN_ALPHA), effect);
	finish(f, &row);
	return row;
}

/* ---- as text ---- */

static const char *end_name(enum plan_end end)
{
	static const char *const names[] = { [PLAN_PROMOTE] = "promote", [PLAN_REJECT] = "reject", [PLAN_NEVER] = "never" };

	return names[end];
}

static void add_time(struct buffer *out, double seconds)
{
	static const struct {
		double below, unit;
		const char *name;
	} units[] = { { 120, 1, "s" }, { 7200, 60, "min" }, { 172800, 3600, "h" }, { INFINITY, 86400, "days" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (seconds < units[i].below) {
			double n = seconds / units[i].unit;

			buffer_printf(out, n < 10 ? "%.1f %s" : "%.0f %s", n, units[i].name);
			return;
		}
}

static void add_share(struct buffer *out, double share)
{
	buffer_printf(out, "%.4g %%", share * 100);
}

static void add_column(struct buffer *out, struct buffer *cell, int width)
{
	buffer_printf(out, "  %*s", width, buffer_text(cell));
	buffer_clear(cell);
}

static void add_row(struct buffer *out, const struct plan_row *row)
{
	struct buffer cell = { 0 };

	add_share(&cell, row->rate);
	add_column(out, &cell, 13);
	buffer_printf(out, "  %-7s", end_name(row->end));
	if (row->end != PLAN_NEVER)
		format_count(&cell, row->pairs);
	else
		buffer_add_str(&cell, "-");
	add_column(out, &cell, 13);
	if (isnan(row->seconds))
		buffer_add_str(&cell, "-");
	else
		add_time(&cell, row->seconds);
	add_column(out, &cell, 9);
	buffer_add_str(out, row->is_expected ? "  expected\n" : "\n");
	buffer_deinit(&cell);
}

static void add_rest(struct buffer *out, const struct plan_facts *f)
{
	struct plan_row rest = plan_rest(f);

	buffer_add_str(out, "so far: ");
	format_count(out, f->count);
	buffer_add_str(out, " of ");
	format_count(out, f->of);
	buffer_add_str(out, " pairs, ");
	add_share(out, rest.rate);
	if (rest.end == PLAN_NEVER) {
		buffer_add_str(out, "; if it stays so, this is never decided\n");
		return;
	}
	if (rest.pairs == 0) {
		buffer_printf(out, "; this is decided: %s\n", end_name(rest.end));
		return;
	}
	buffer_printf(out, "; if it stays so, %s after ", end_name(rest.end));
	format_count(out, rest.pairs);
	buffer_add_str(out, " more");
	if (!isnan(rest.seconds)) {
		buffer_add_str(out, ", ");
		add_time(out, rest.seconds);
	}
	buffer_add_str(out, "\n");
}

void plan_text(const struct plan_facts *f, struct buffer *out)
{
	struct plan_row rows[PLAN_ROWS_MAX];
	size_t count = plan_rows(f, rows);

	buffer_add_str(out, "is the mismatch below ");
	add_share(out, f->limit);
	buffer_add_str(out, "? Looked at any time, wrong at most once in 40 on either side\n");
	if (f->pairs_per_second > 0)
		buffer_printf(out, "%.3g pairs a second", f->pairs_per_second);
	else
		buffer_add_str(out, "no time is known: --rate says how many requests come a second");
	if (effect_of(f) > 1)
		buffer_printf(out, "; %.3g of them tell as much as one that is like no other", effect_of(f));
	buffer_add_str(out, "\n");
	if (f->of > 0)
		add_rest(out, f);
	buffer_printf(out, "  %13s  %-7s  %13s  %9s\n", "true mismatch", "decided", "after pairs", "time");
	for (size_t i = 0; i < count; i++)
		add_row(out, &rows[i]);
}

/* ---- as JSON ---- */

static void double_member(struct json *j, const char *name, double x)
{
	json_key(j, name);
	json_exact(j, x);
}

static void row_json(struct json *j, const struct plan_row *row)
{
	json_open(j, '{');
	double_member(j, "mismatch", row->rate);
	json_key(j, "decided");
	json_str(j, end_name(row->end));
	json_key(j, "pairs");
	if (row->end == PLAN_NEVER)
		json_null(j);
	else
		json_uint(j, row->pairs);
	double_member(j, "seconds", row->seconds);
	json_close(j, '}');
}

void plan_json(const struct plan_facts *f, struct buffer *out)
{
	struct plan_row rows[PLAN_ROWS_MAX], rest;
	size_t count = plan_rows(f, rows);
	struct json j = json_to(out);

	json_open(&j, '{');
	double_member(&j, "limit", f->limit);
	double_member(&j, "expect", f->expect);
	double_member(&j, "pairs_per_second", f->pairs_per_second);
	double_member(&j, "design_effect", effect_of(f));
	json_key(&j, "rest");
	if (f->of > 0) {
		rest = plan_rest(f);
		row_json(&j, &rest);
	} else {
		json_null(&j);
	}
	json_key(&j, "rows");
	json_open(&j, '[');
	for (size_t i = 0; i < count; i++)
		row_json(&j, &rows[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	buffer_add_str(out, "\n");
}
