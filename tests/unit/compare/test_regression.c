/*
 * test_regression.c - numbers that a rule calls a model's answer
 *
 * The rows of tests/data/outputs/regression.txt hold what numpy says of random numbers, which are made again here and sent
 * as JSON and as tensors. Then tables: what agrees, what does not, and what cannot be judged.
 */
#include "tests/rig/outputs_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "compare/outputs/outputs.h"

#define NUMBERS_MAX 100

/* ---- as numpy has it ---- */

struct row {
	unsigned seed, count, power, outside;
	int scale;
	double bias, mae, rmse, p50, p99;
	double number[2][NUMBERS_MAX];
};

static void make_numbers(struct row *r)
{
	random_state = r->seed;
	for (unsigned i = 0; i < r->count; i++) {
		double a = ldexp(random_number(), r->scale), b = ldexp(random_number(), r->scale - (int)r->power);

		r->number[0][i] = a;
		r->number[1][i] = a + b;
	}
}

static bool near(double a, double b, double share)
{
	return fabs(a - b) <= share * fabs(b);
}

static void check(const struct row *r, const struct comparison *got)
{
	const struct regression_figures *f;
	double n = r->count;

	assert_non_null(got->findings.outputs);
	f = &got->findings.outputs->sum.regression;
	assert_int_equal(f->numbers, r->count);
	assert_int_equal(f->agree, r->count - r->outside);
	/* a bias is what is left of differences that cancel out: it is as exact as they are */
	if (fabs(f->sum / n - r->bias) > 1e-6 * r->mae || !near(f->sum_of_sizes / n, r->mae, 1e-6) ||
	    !near(sqrt(f->sum_of_squares / n), r->rmse, 1e-6))
		fail_msg("seed %u: bias %g, mae %g, rmse %g", r->seed, f->sum / n, f->sum_of_sizes / n, sqrt(f->sum_of_squares / n));
	if (!near(regression_quantile(f, 0.5), r->p50, 0.035) || !near(regression_quantile(f, 0.99), r->p99, 0.035))
		fail_msg("seed %u: p50 %g, p99 %g, not %g, %g", r->seed, regression_quantile(f, 0.5), regression_quantile(f, 0.99), r->p50,
			 r->p99);
	assert_int_equal(got->verdict, r->outside ? COMPARISON_VALUE : COMPARISON_CLOSE);
	assert_string_equal(got->reason, "regression");
	assert_int_equal(got->findings.decisions_total, r->count);
	assert_int_equal(got->findings.decisions_agree, f->agree);
}

static void write_json(struct buffer *out, const double *numbers, unsigned count)
{
	buffer_clear(out);
	buffer_add_str(out, "{\"predictions\":[");
	for (unsigned i = 0; i < count; i++)
		buffer_printf(out, "%s%.17g", i ? "," : "", numbers[i]);
	buffer_add_str(out, "]}");
}

static size_t write_tensor(struct buffer *out, const double *numbers, unsigned count)
{
	size_t head_len;

	buffer_clear(out);
	buffer_printf(out, "{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP64\",\"shape\":[%u,1],\"parameters\":{\"binary_data_size\":%u}}]}",
		      count, 8 * count);
	head_len = out->len;
	buffer_add(out, numbers, count * sizeof(*numbers));
	return head_len;
}

static FILE *open_rows(void)
{
	struct buffer path = { 0 };
	FILE *f;

	buffer_add(&path, __FILE__, strlen(__FILE__) - strlen("unit/compare/test_regression.c"));
	buffer_add_str(&path, "data/outputs/regression.txt");
	f = fopen(buffer_text(&path), "r"); /* tests run in the build directory, to which __FILE__ is relative */
	assert_non_null(f);
	buffer_deinit(&path);
	return f;
}

static void test_numpy(void **state)
{
	struct comparer *whole = comparer_of(NULL, "/predictions regression"), *each = comparer_of(NULL, "/predictions/* regression"),
			*tensors = comparer_of(NULL, "/outputs/*/data regression");
	struct buffer bodies[2] = { { 0 }, { 0 } };
	static struct row r;
	FILE *f = open_rows();
	unsigned rows = 0;

	while (fscanf(f, "%u %u %d %u %lf %lf %lf %lf %lf %u", &r.seed, &r.count, &r.scale, &r.power, &r.bias, &r.mae, &r.rmse, &r.p50,
		      &r.p99, &r.outside) == 10) {
		char head[16];
		size_t head_len = 0;

		assert_true(r.count >= 1 && r.count <= NUMBERS_MAX);
		make_numbers(&r);
		for (int side = 0; side < 2; side++)
			write_json(&bodies[side], r.number[side], r.count);
		check(&r, run(whole, buffer_span(&bodies[0]), buffer_span(&bodies[1]), NULL));
		check(&r, run(each, buffer_span(&bodies[0]), buffer_span(&bodies[1]), NULL));
		for (int side = 0; side < 2; side++)
			head_len = write_tensor(&bodies[side], r.number[side], r.count);
		snprintf(head, sizeof(head), "%zu", head_len);
		check(&r, run(tensors, buffer_span(&bodies[0]), buffer_span(&bodies[1]), head));
		rows++;
	}
	assert_int_equal(rows, 1000);
	fclose(f);
	comparer_free(whole);
	comparer_free(each);
	comparer_free(tensors);
	buffer_deinit(&bodies[0]);
	buffer_deinit(&bodies[1]);
}

/* ---- tables ---- */

#define P(text) "{\"predictions\":" text "}"

static const struct {
	const char *rules, *production, *shadow;
	enum comparison_verdict verdict;
	const char *reason;
	uint64_t numbers, agree, not_judged;
} cases[] = {
	{ "/predictions regression", P("[1.5]"), P("[1.5]"), COMPARISON_EQUAL, NULL, 1, 1, 0 },
	{ "/predictions regression", P("[1.5]"), P("[15e-1]"), COMPARISON_EQUAL, NULL, 1, 1, 0 },
	{ "/predictions regression", P("[1.5]"), P("[1.500001]"), COMPARISON_CLOSE, "regression", 1, 1, 0 },
	{ "/predictions regression", P("[1.5]"), P("[1.6]"), COMPARISON_VALUE, "regression", 1, 0, 0 },
	{ "/predictions regression rtol=0.1", P("[1.5]"), P("[1.6]"), COMPARISON_CLOSE, "regression", 1, 1, 0 },
	{ "/predictions regression atol=0.2 rtol=0", P("[1.5]"), P("[1.6]"), COMPARISON_CLOSE, "regression", 1, 1, 0 },
	{ "/predictions regression", P("[[1.5],[2]]"), P("[[1.5],[3]]"), COMPARISON_VALUE, "regression", 2, 1, 0 },
	{ "/predictions/*/y regression", P("[{\"y\":1.5},{\"y\":2}]"), P("[{\"y\":1.5},{\"y\":3}]"), COMPARISON_VALUE, "regression", 2, 1, 0 },
	{ "/predictions/* regression", P("[1,2]"), P("[1,3]"), COMPARISON_VALUE, "regression", 2, 1, 0 },
	{ "/predictions regression", P("[1.5]"), P("[1.5,2]"), COMPARISON_SCHEMA, NULL, 0, 0, 1 },
	{ "/predictions regression", P("[1.5]"), P("[\"a\"]"), COMPARISON_SCHEMA, NULL, 0, 0, 1 },
	{ "/predictions regression", P("[]"), P("[]"), COMPARISON_EQUAL, NULL, 0, 0, 1 },
	{ "/predictions regression", P("[NaN]"), P("[1]"), COMPARISON_VALUE, NULL, 0, 0, 1 },
	{ "/predictions regression", P("[1e308]"), P("[-1e308]"), COMPARISON_VALUE, NULL, 0, 0, 1 },
	{ "/predictions regression", P("[1e400]"), P("[1e400]"), COMPARISON_EQUAL, NULL, 0, 0, 1 },
	{ "/predictions regression", P("[1e200]"), P("[-1e200]"), COMPARISON_VALUE, "regression", 1, 0, 0 },
	{ "/predictions regression\n/predictions exact", P("[1.5]"), P("[1.500001]"), COMPARISON_VALUE, NULL, 0, 0, 0 },
	{ "/predictions regression", "{\"predictions\":[1],\"n\":1}", "{\"predictions\":[2],\"n\":2}", COMPARISON_VALUE, NULL, 1, 0, 0 },
};

static void test_cases(void **state)
{
	static const struct regression_figures none;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct comparer *c = comparer_of(NULL, cases[i].rules);
		const struct comparison *got = run(c, span_str(cases[i].production), span_str(cases[i].shadow), NULL);
		const struct outputs_found *o = got->findings.outputs;
		const struct regression_figures *f = o ? &o->sum.regression : &none;

		if (got->verdict != cases[i].verdict || (got->reason == NULL) != (cases[i].reason == NULL) ||
		    (got->reason && strcmp(got->reason, cases[i].reason) != 0) || f->numbers != cases[i].numbers ||
		    f->agree != cases[i].agree || f->not_judged != cases[i].not_judged)
			fail_msg("case %zu, %s and %s: %s (%s), %llu numbers, %llu agree, %llu not judged", i, cases[i].production,
				 cases[i].shadow, comparison_name(got->verdict), got->reason ? got->reason : "-",
				 (unsigned long long)f->numbers, (unsigned long long)f->agree, (unsigned long long)f->not_judged);
		assert_true(isfinite(f->sum) && isfinite(f->sum_of_squares));
		if (cases[i].numbers > 0) /* and no label is guessed */
			assert_int_equal(got->findings.decision_count, 0);
		comparer_free(c);
	}
}

/* Sizes from the least to the greatest find their bins again. */
static void test_bins(void **state)
{
	for (int power = -70; power <= 70; power++)
		for (int part = 0; part < 40; part++) {
			double size = ldexp(1 + part / 40.0, power), found;
			struct regression_figures *f = calloc(1, sizeof(*f));

			assert_non_null(f);
			regression_figures_add(f, -size, true);
			f->greatest = INFINITY; /* which would cover what the bin says */
			found = regression_quantile(f, 0.5);
			if (power < -64 ? found != 0 : power >= 64 ? found != ldexp(1, 64) : !near(found, size, 0.0313))
				fail_msg("%g is %g", size, found);
			free(f);
		}
}

static void test_adds_up(void **state)
{
	static struct outputs halves[2], whole;

	random_state = 6;
	for (int i = 0; i < 1000; i++) {
		double difference = (double)(random_next() % 4096) / 64 - 31;

		regression_figures_add(&halves[i % 2].regression, difference, difference < 1);
		regression_figures_add(&whole.regression, difference, difference < 1);
	}
	halves[1].regression.not_judged = whole.regression.not_judged = 4;
	check_adds_up(&whole, &halves[0], &halves[1]);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"{\"outputs\":{\"regression\":{\"agree\":1}}}",
		"{\"outputs\":{\"regression\":{\"sizes\":[[9999,1]]}}}",
		"{\"outputs\":{\"regression\":{\"sizes\":[[1]]}}}",
		"{\"outputs\":{\"regression\":{\"sizes\":[[1,9007199254740992],[2,1]]}}}",
		"{\"outputs\":{\"regression\":{\"sums\":{\"squares\":-1}}}}",
		"{\"outputs\":{\"regression\":{\"max\":\"1\"}}}",
	};
	static struct outputs o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc d = { 0 };

		assert_int_equal(json_doc_parse(&d, span_str(bad[i])), 0);
		if (!outputs_read(&o, &d, json_doc_member(&d, 0, SPAN_LITERAL("outputs"))))
			fail_msg("%s was read", bad[i]);
		json_doc_deinit(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numpy),	cmocka_unit_test(test_cases),	cmocka_unit_test(test_bins),
		cmocka_unit_test(test_adds_up), cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
