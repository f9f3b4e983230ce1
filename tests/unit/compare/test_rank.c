/*
 * test_rank.c - rankings that a rule compares as a whole
 *
 * The rows of tests/data/outputs/rank.txt hold what the definitions say of random rankings, which are made again here and
 * sent as rerankers send them. Then tables: what agrees, what does not, and what is no ranking.
 */
#include "tests/rig/outputs_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "compare/outputs/outputs.h"
#include "compare/outputs/rank.h"

#define ITEMS_MAX 60

/* ---- as the definitions have it ---- */

struct row {
	unsigned seed, count, k, steps, noise;
	double overlap, tau, ndcg;
	int same_first;
	struct rank_item items[2][ITEMS_MAX];
};

static void make_rankings(struct row *r)
{
	random_state = r->seed;
	for (unsigned i = 0; i < r->count; i++) {
		double score = (double)(random_next() % r->steps) / r->steps;
		double other = (score + r->noise / 100.0 * random_number()) * 64;
		unsigned key = random_next() % 20 == 0 ? i + 1000 : i;

		r->items[0][i] = (struct rank_item){ i, score, 0 };
		r->items[1][r->count - 1 - i] = (struct rank_item){ key, floor(other + 0.5) / 64, 0 };
	}
}

static bool near(double a, double b)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-6;
}

static void write_body(struct buffer *out, const struct rank_item *items, unsigned count)
{
	buffer_clear(out);
	buffer_add_str(out, "{\"results\":[");
	for (unsigned i = 0; i < count; i++)
		buffer_printf(out, "%s{\"index\":%u,\"relevance_score\":%.17g}", i ? "," : "", (unsigned)items[i].key, items[i].score);
	buffer_add_str(out, "]}");
}

/** check_comparer() - the same through the comparer; the figures' sums are of one list */
static void check_comparer(const struct row *r, struct buffer bodies[2])
{
	const struct comparison *got;
	const struct rank_figures *f;
	struct comparer *c;
	char rule[32];

	snprintf(rule, sizeof(rule), "/results rank k=%u\n", r->k);
	c = comparer_of(NULL, rule);
	for (int side = 0; side < 2; side++)
		write_body(&bodies[side], r->items[side], r->count);
	got = run(c, buffer_span(&bodies[0]), buffer_span(&bodies[1]), NULL);
	assert_non_null(got->findings.outputs);
	f = &got->findings.outputs->sum.rank;
	assert_int_equal(f->lists, 1);
	assert_int_equal(f->same_first, r->same_first);
	assert_int_equal(f->taus, !isnan(r->tau));
	if (!near((double)f->overlap_sum * RANK_UNIT, r->overlap) || !near((double)f->ndcg_sum * RANK_UNIT, r->ndcg) ||
	    (f->taus && !near(1 - (double)f->apart_sum * RANK_UNIT, r->tau)))
		fail_msg("seed %u: the comparer adds up something else", r->seed);
	if (r->overlap == 1)
		assert_int_equal(f->agree, 1); /* else they may be tied */
	assert_int_equal(got->findings.decisions_total, 1);
	assert_int_equal(got->findings.decisions_agree, f->agree);
	assert_true(f->agree ? got->verdict >= COMPARISON_CLOSE : got->verdict == COMPARISON_DECISION);
	comparer_free(c);
}

static FILE *open_rows(void)
{
	struct buffer path = { 0 };
	FILE *f;

	buffer_add(&path, __FILE__, strlen(__FILE__) - strlen("unit/compare/test_rank.c"));
	buffer_add_str(&path, "data/outputs/rank.txt");
	f = fopen(buffer_text(&path), "r"); /* tests run in the build directory, to which __FILE__ is relative */
	assert_non_null(f);
	buffer_deinit(&path);
	return f;
}

static void test_definitions(void **state)
{
	struct buffer bodies[2] = { { 0 }, { 0 } };
	struct rank_pair pairs[ITEMS_MAX];
	static struct row r, copy;
	FILE *f = open_rows();
	unsigned rows = 0;

	while (fscanf(f, "%u %u %u %u %u %lf %d %lf %lf", &r.seed, &r.count, &r.k, &r.steps, &r.noise, &r.overlap, &r.same_first,
		      &r.tau, &r.ndcg) == 9) {
		struct rank_result got;

		assert_true(r.count >= 1 && r.count <= ITEMS_MAX);
		make_rankings(&r);
		copy = r;
		got = rank_compare(copy.items[0], r.count, copy.items[1], r.count, r.k, pairs);
		if (!near(got.overlap, r.overlap) || !near(got.tau, r.tau) || !near(got.ndcg, r.ndcg) ||
		    got.same_first != r.same_first)
			fail_msg("seed %u: overlap %g, tau %g, ndcg %g, not %g, %g, %g", r.seed, got.overlap, got.tau, got.ndcg, r.overlap,
				 r.tau, r.ndcg);
		check_comparer(&r, bodies);
		rows++;
	}
	assert_int_equal(rows, 1000);
	fclose(f);
	buffer_deinit(&bodies[0]);
	buffer_deinit(&bodies[1]);
}

/* ---- tables ---- */

#define R(items) "{\"results\":[" items "]}"
#define I(index, score) "{\"index\":" #index ",\"relevance_score\":" #score "}"

static const struct {
	const char *rules, *production, *shadow;
	enum comparison_verdict verdict;
	const char *reason;
	uint64_t lists, agree, other, not_judged;
} cases[] = {
	{ "/results rank", R(I(0, 0.9) "," I(1, 0.5)), R(I(0, 0.9) "," I(1, 0.5)), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "/results rank", R(I(0, 0.9) "," I(1, 0.5)), R(I(0, 0.8) "," I(1, 0.4)), COMPARISON_CLOSE, "rank", 1, 1, 0, 0 },
	{ "/results rank", R(I(0, 0.9) "," I(1, 0.5)), R(I(1, 0.8) "," I(0, 0.4)), COMPARISON_CLOSE, "rank", 1, 1, 0, 0 },
	{ "/results rank k=1", R(I(0, 0.9) "," I(1, 0.5)), R(I(1, 0.8) "," I(0, 0.4)), COMPARISON_DECISION, "rank", 1, 0, 0, 0 },
	{ "/results rank k=1", R(I(0, 0.9) "," I(1, 0.9)), R(I(1, 0.8) "," I(0, 0.4)), COMPARISON_CLOSE, "rank", 1, 1, 0, 0 },
	{ "/results rank", R(I(0, 0.9) "," I(1, 0.5)), R(I(0, 0.9)), COMPARISON_SCHEMA, NULL, 0, 0, 1, 0 },
	{ "/results rank", R(I(0, 0.9)), R(I(0, 0.9) "," I(1, 0.5)), COMPARISON_SCHEMA, NULL, 0, 0, 1, 0 },
	{ "/results rank", R(""), R(""), COMPARISON_EQUAL, NULL, 0, 0, 0, 1 },
	{ "/results rank", R(I(0, NaN)), R(I(0, 0.5)), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "/results rank", R("{\"a\":1}"), R("{\"a\":2}"), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "/results rank", "{\"results\":7}", "{\"results\":8}", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "/ids rank k=2", "{\"ids\":[\"a\",\"b\",\"c\"]}", "{\"ids\":[\"b\",\"a\",\"c\"]}", COMPARISON_CLOSE, "rank", 1, 1, 0, 0 },
	{ "/ids rank k=2", "{\"ids\":[\"a\",\"b\",\"c\"]}", "{\"ids\":[\"b\",\"c\",\"a\"]}", COMPARISON_DECISION, "rank", 1, 0, 0, 0 },
	{ "/ids rank k=2", "{\"ids\":[\"a\",\"b\"]}", "{\"ids\":[\"\\u0061\",\"b\"]}", COMPARISON_CLOSE, "rank", 1, 1, 0, 0 },
	{ "/s rank k=1", "{\"s\":[0.1,0.9,0.3]}", "{\"s\":[0.9,0.1,0.3]}", COMPARISON_DECISION, "rank", 1, 0, 0, 0 },
	{ "\"\" rank k=1", "[{\"index\":1,\"score\":0.9},{\"index\":0,\"score\":0.1}]", "[{\"index\":0,\"score\":0.9},{\"index\":1,\"score\":0.1}]",
	  COMPARISON_DECISION, "rank", 1, 0, 0, 0 },
	{ "/data rank k=1", "{\"data\":[{\"index\":0,\"object\":\"score\",\"score\":0.9},{\"index\":1,\"object\":\"score\",\"score\":0.1}]}",
	  "{\"data\":[{\"index\":0,\"object\":\"score\",\"score\":0.7},{\"index\":1,\"object\":\"score\",\"score\":0.2}]}", COMPARISON_CLOSE,
	  "rank", 1, 1, 0, 0 },
	{ "/results rank\n/results exact", R(I(0, 0.9) "," I(1, 0.5)), R(I(0, 0.8) "," I(1, 0.4)), COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "/m rank k=1", "{\"m\":{\"a\":1,\"b\":2}}", "{\"m\":{\"b\":1,\"a\":2}}", COMPARISON_DECISION, "rank", 1, 0, 0, 0 },
};

static void test_cases(void **state)
{
	static const struct rank_figures none;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct comparer *c = comparer_of(NULL, cases[i].rules);
		const struct comparison *got = run(c, span_str(cases[i].production), span_str(cases[i].shadow), NULL);
		const struct outputs_found *o = got->findings.outputs;
		const struct rank_figures *f = o ? &o->sum.rank : &none;

		if (got->verdict != cases[i].verdict || (got->reason == NULL) != (cases[i].reason == NULL) ||
		    (got->reason && strcmp(got->reason, cases[i].reason) != 0) || f->lists != cases[i].lists ||
		    f->agree != cases[i].agree || f->other_length != cases[i].other || f->not_judged != cases[i].not_judged)
			fail_msg("case %zu, %s: %s (%s), %llu lists, %llu agree, %llu not judged", i, cases[i].production,
				 comparison_name(got->verdict), got->reason ? got->reason : "-", (unsigned long long)f->lists,
				 (unsigned long long)f->agree, (unsigned long long)f->not_judged);
		comparer_free(c);
	}
}

static void write_long(struct buffer *body, int count)
{
	buffer_clear(body);
	buffer_add_str(body, "{\"results\":[");
	for (int i = 0; i < count; i++)
		buffer_printf(body, "%s{\"index\":%d,\"score\":%d}", i ? "," : "", i, i);
	buffer_add_str(body, "]}");
}

/* A list that is longer than is ranked is compared item by item. */
static void test_long(void **state)
{
	struct comparer *c = comparer_of(NULL, "/results rank");
	struct buffer body = { 0 };
	const struct comparison *got;

	write_long(&body, 100001);
	got = run(c, buffer_span(&body), buffer_span(&body), NULL);
	assert_int_equal(got->verdict, COMPARISON_EQUAL);
	assert_int_equal(got->findings.outputs->sum.rank.not_judged, 1);
	comparer_free(c);
	buffer_deinit(&body);
}

/* What ranking takes is charged: with less and less memory a pair is too large, and is never judged by half. */
static void test_memory(void **state)
{
	struct compare_options poor = { .max_body = 64 << 20, .memory = 2 << 20, .rules = SPAN_LITERAL("/results rank"),
					.rules_name = "rules" };
	struct buffer body = { 0 }, error = { 0 };
	bool ranked = true;
	struct comparer *c;

	write_long(&body, 10000);
	for (; poor.memory > 100000; poor.memory -= 50000) {
		const struct comparison *got;

		assert_int_equal(comparer_new(&poor, &c, &error), 0);
		got = run(c, buffer_span(&body), buffer_span(&body), NULL);
		if (got->verdict == COMPARISON_EQUAL) {
			assert_true(ranked); /* with more it was */
			assert_int_equal(got->findings.outputs->sum.rank.lists, 1);
		} else {
			assert_string_equal(got->reason, "too_large");
			ranked = false;
		}
		comparer_free(c);
	}
	assert_false(ranked);
	buffer_deinit(&body);
}

static void test_adds_up(void **state)
{
	static struct outputs halves[2], whole;

	random_state = 5;
	for (int i = 0; i < 1000; i++) {
		struct rank_result r = { random_next() % 2, (double)(random_next() % 11) / 10,
					 random_next() % 7 ? (double)(random_next() % 2001) / 1000 - 1 : NAN,
					 (double)(random_next() % 1001) / 1000 };

		rank_figures_add(&halves[i % 2].rank, &r, r.overlap == 1);
		rank_figures_add(&whole.rank, &r, r.overlap == 1);
	}
	halves[1].rank.other_length = whole.rank.other_length = 4;
	check_adds_up(&whole, &halves[0], &halves[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
