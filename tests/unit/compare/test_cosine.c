/*
 * test_cosine.c - embeddings that a rule compares as a whole
 *
 * The rows of tests/data/outputs/cosine.txt hold what numpy says of random vectors; they are made again here and sent
 * in every form in which servers send them. Then tables: what agrees, what does not, and what cannot be judged and is
 * compared value by value. And what many pairs add up to.
 */
#include "tests/rig/outputs_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "compare/outputs/cosine.h"
#include "compare/outputs/outputs.h"

#define NUMBERS_MAX 1536

/* ---- as numpy has it ---- */

struct row {
	unsigned seed, count, power, eighths;
	double cosine, ratio;
	float vector[2][NUMBERS_MAX];
};

static void make_vectors(struct row *r)
{
	random_state = r->seed;
	for (unsigned i = 0; i < r->count; i++) {
		double a = random_number(), b = random_number();

		r->vector[0][i] = (float)a;
		r->vector[1][i] = (float)((a + ldexp(b, -(int)r->power)) * (r->eighths / 8.0));
	}
}

static void add_numbers(struct buffer *out, const float *v, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buffer_printf(out, "%s%.9g", i ? "," : "", (double)v[i]);
}

static void add_base64(struct buffer *out, const float *v, unsigned count)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *bytes = (const uint8_t *)v;
	size_t len = count * sizeof(*v);

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)bytes[i] << 16 | (i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0) |
				(i + 2 < len ? bytes[i + 2] : 0);
		char text[4] = { digits[bits >> 18], digits[bits >> 12 & 63], i + 1 < len ? digits[bits >> 6 & 63] : '=',
				 i + 2 < len ? digits[bits & 63] : '=' };

		buffer_add(out, text, 4);
	}
}

enum form { FORM_FLOATS, FORM_BASE64, FORM_ROWS, FORM_NESTED, FORM_BINARY, FORM_COUNT };

/** write_body() - one vector in a form; of rows and arrays two of the same */
static void write_body(struct buffer *out, enum form form, const float *v, unsigned count, size_t *head_len)
{
	buffer_clear(out);
	switch (form) {
	case FORM_FLOATS:
		buffer_add_str(out, "{\"data\":[{\"index\":0,\"embedding\":[");
		add_numbers(out, v, count);
		buffer_add_str(out, "]}]}");
		break;
	case FORM_BASE64:
		buffer_add_str(out, "{\"data\":[{\"index\":0,\"embedding\":\"");
		add_base64(out, v, count);
		buffer_add_str(out, "\"}]}");
		break;
	case FORM_ROWS:
		buffer_printf(out, "{\"outputs\":[{\"name\":\"e\",\"datatype\":\"FP32\",\"shape\":[2,%u],\"data\":[", count);
		add_numbers(out, v, count);
		buffer_add_str(out, ",");
		add_numbers(out, v, count);
		buffer_add_str(out, "]}]}");
		break;
	case FORM_NESTED:
		buffer_add_str(out, "{\"outputs\":[{\"data\":[[[");
		add_numbers(out, v, count);
		buffer_add_str(out, "],[");
		add_numbers(out, v, count);
		buffer_add_str(out, "]]]}]}");
		break;
	case FORM_BINARY:
	case FORM_COUNT:
		buffer_printf(out, "{\"outputs\":[{\"name\":\"e\",\"datatype\":\"FP32\",\"shape\":[2,%u],"
				   "\"parameters\":{\"binary_data_size\":%u}}]}",
			      count, 8 * count);
		*head_len = out->len;
		buffer_add(out, v, count * sizeof(*v));
		buffer_add(out, v, count * sizeof(*v));
		break;
	}
}

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6;
}

static void check_form(struct comparer *c, enum form form, const struct row *r, struct buffer bodies[2])
{
	uint64_t vectors = form == FORM_FLOATS || form == FORM_BASE64 ? 1 : 2;
	const struct cosine_figures *f;
	const struct comparison *got;
	size_t head_len = 0;
	char head[16];
	bool agrees = r->cosine >= 0.999;

	for (int side = 0; side < 2; side++)
		write_body(&bodies[side], form, r->vector[side], r->count, &head_len);
	snprintf(head, sizeof(head), "%zu", head_len);
	got = run(c, buffer_span(&bodies[0]), buffer_span(&bodies[1]), form == FORM_BINARY ? head : NULL);
	if (!got->findings.outputs)
		fail_msg("seed %u, form %d: nothing was judged: %s", r->seed, form, comparison_name(got->verdict));
	f = &got->findings.outputs->sum.cosine;
	assert_int_equal(f->distance.count, vectors);
	assert_int_equal(f->not_judged, 0);
	if (!near(1 - COSINE_UNIT * (double)f->distance.max, r->cosine) || !near(f->ratio_min, r->ratio) ||
	    !near(f->ratio_max, r->ratio) || !near(f->ratio_sum / (double)vectors, r->ratio))
		fail_msg("seed %u, form %d: %.9f and %.9f, not %.9f and %.9f", r->seed, form,
			 1 - COSINE_UNIT * (double)f->distance.max, f->ratio_max, r->cosine, r->ratio);
	if (fabs(r->cosine - 0.999) < 1e-9)
		return;
	assert_int_equal(f->agree, agrees ? vectors : 0);
	assert_int_equal(got->verdict, agrees ? COMPARISON_CLOSE : COMPARISON_VALUE);
	assert_string_equal(got->reason, "cosine");
	assert_int_equal(got->findings.decisions_total, vectors);
	assert_int_equal(got->findings.decisions_agree, f->agree);
}

static FILE *open_rows(void)
{
	struct buffer path = { 0 };
	FILE *f;

	buffer_add(&path, __FILE__, strlen(__FILE__) - strlen("unit/compare/test_cosine.c"));
	buffer_add_str(&path, "data/outputs/cosine.txt");
	f = fopen(buffer_text(&path), "r"); /* tests run in the build directory, to which __FILE__ is relative */
	assert_non_null(f);
	buffer_deinit(&path);
	return f;
}

static void test_numpy(void **state)
{
	struct comparer *openai = comparer_of("openai", ""), *v2 = comparer_of("v2", "/outputs/*/data cosine\n");
	struct buffer bodies[2] = { { 0 }, { 0 } };
	static struct row r;
	FILE *f = open_rows();
	unsigned rows = 0;

	while (fscanf(f, "%u %u %u %u %lf %lf", &r.seed, &r.count, &r.power, &r.eighths, &r.cosine, &r.ratio) == 6) {
		assert_true(r.count >= 1 && r.count <= NUMBERS_MAX);
		make_vectors(&r);
		if (memcmp(r.vector[0], r.vector[1], r.count * sizeof(float)) == 0)
			continue;
		for (enum form form = 0; form < FORM_COUNT; form++)
			check_form(form < FORM_ROWS ? openai : v2, form, &r, bodies);
		rows++;
	}
	assert_true(rows > 990);
	fclose(f);
	comparer_free(openai);
	comparer_free(v2);
	buffer_deinit(&bodies[0]);
	buffer_deinit(&bodies[1]);
}

/* ---- tables ---- */

#define E(vector) "{\"data\":[{\"object\":\"embedding\",\"embedding\":" vector "}]}"
#define F32(text) "\"" text "\"" /* AACAPwAAAEA= is 1, 2; AACAP3sUAEA= is 1, 2.00125 */

static const struct {
	const char *preset, *rules, *production, *shadow;
	enum comparison_verdict verdict;
	const char *reason;
	uint64_t vectors, agree, other, not_judged;
} cases[] = {
	{ "openai", "", E("[1,2]"), E("[1,2]"), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "openai", "", E("[1,2]"), E("[1.0,20e-1]"), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "openai", "", E("[0.1,2]"), E("[0.10000000000000001,2]"), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "openai", "", E("[1,2]"), E("[1,2.01]"), COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	{ "openai", "", E("[1,2]"), E("[100,200]"), COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	{ "openai", "", E("[1,2]"), E("[-1,-2]"), COMPARISON_VALUE, "cosine", 1, 0, 0, 0 },
	{ "openai", "", E("[1,2]"), E("[1,3]"), COMPARISON_VALUE, "cosine", 1, 0, 0, 0 },
	{ "openai", "/data/*/embedding cosine min=0.98", E("[1,2]"), E("[1,3]"), COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	{ "openai", "/data/*/embedding cosine min=1", E("[1,2]"), E("[1,2.01]"), COMPARISON_VALUE, "cosine", 1, 0, 0, 0 },
	/* the user has the last word */
	{ "openai", "/data/*/embedding num rtol=0.1", E("[1,2]"), E("[1,2.01]"), COMPARISON_CLOSE, NULL, 0, 0, 0, 0 },
	{ "openai", "/data/*/embedding num rtol=0.1", E("[1,2]"), E("[1,3]"), COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "openai", "/data exact", E("[1,2]"), E("[1,2.01]"), COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "openai", "/data/*/embedding ignore", E("[1,2]"), E("[1,3]"), COMPARISON_CLOSE, "ignored", 0, 0, 0, 0 },
	{ "openai", "/data/*/embedding/1 exact", E("[1,2]"), E("[1,2.01]"), COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	{ NULL, "", E("[1,2]"), E("[1,2.01]"), COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	/* another length */
	{ "openai", "", E("[1,2]"), E("[1,2,3]"), COMPARISON_SCHEMA, NULL, 0, 0, 1, 0 },
	{ "openai", "", E("[1,2,3]"), E("[1,2]"), COMPARISON_SCHEMA, NULL, 0, 0, 1, 0 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACAPw==")), COMPARISON_SCHEMA, NULL, 0, 0, 1, 0 },
	/* base64 */
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACAPwAAAEA=")), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACAP3sUAEA=")), COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACAPw\\u0041AAEA=")), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACAPwAAAMA=")), COMPARISON_VALUE, "cosine", 1, 0, 0, 0 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E("[1,2]"), COMPARISON_SCHEMA, NULL, 0, 0, 0, 1 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACAPwAAAE")), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E(F32("AACAPwAAAEA=")), E(F32("AACA=wAAAEA=")), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E(F32("AAAA")), E(F32("AAAB")), COMPARISON_VALUE, NULL, 0, 0, 0, 1 }, /* three bytes */
	{ "openai", "", E(F32("AACAPwAAwH8=")), E(F32("AACAPwAAAEA=")), COMPARISON_VALUE, NULL, 0, 0, 0, 1 }, /* NaN */
	{ "openai", "", E(F32("")), E(F32("")), COMPARISON_EQUAL, NULL, 0, 0, 0, 1 },
	/* no cosine: value by value */
	{ "openai", "", E("[]"), E("[]"), COMPARISON_EQUAL, NULL, 0, 0, 0, 0 },
	{ "openai", "", E("[]"), E("[1]"), COMPARISON_SCHEMA, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[0,0]"), E("[0,0]"), COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "openai", "", E("[0,0]"), E("[0,1]"), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[1,NaN]"), E("[1,2]"), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[1,NaN]"), E("[1.0,NaN]"), COMPARISON_EQUAL, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[1e300,1]"), E("[1e300,2]"), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[1e999,1]"), E("[1e999,2]"), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[1,\"a\"]"), E("[1,\"b\"]"), COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("[1,null]"), E("[1,2]"), COMPARISON_SCHEMA, NULL, 0, 0, 0, 1 },
	{ "openai", "", E("7"), E("8"), COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "openai", "", E("{\"a\":1}"), E("{\"a\":2}"), COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "openai", "", E("null"), E("[1,2]"), COMPARISON_SCHEMA, NULL, 0, 0, 0, 1 },
	/* many */
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}]}",
	  "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}]}", COMPARISON_EQUAL, NULL, 2, 2, 0, 0 },
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}],\"n\":1}",
	  "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}],\"n\":2}", COMPARISON_VALUE, NULL, 2, 2, 0, 0 },
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}]}",
	  "{\"data\":[{\"embedding\":[3,4]},{\"embedding\":[1,2]}]}", COMPARISON_ORDER, NULL, 0, 0, 0, 0 },
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}]}",
	  "{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[4,3]}]}", COMPARISON_VALUE, "cosine", 2, 1, 0, 0 },
	{ "openai", "", "{\"data\":[{\"data\":[[1,2],[3,4]]}]}", "{\"data\":[{\"data\":[[1,2],[3,4.01]]}]}", COMPARISON_CLOSE, "cosine",
	  2, 2, 0, 0 },
	{ "openai", "", "{\"data\":[{\"data\":[[1,2],[0,0]]}]}", "{\"data\":[{\"data\":[[1,2.1],[0,1]]}]}", COMPARISON_VALUE, NULL,
	  0, 0, 0, 1 },
	/* beside other differences the reason is not the cosine */
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]}],\"n\":1}", "{\"data\":[{\"embedding\":[2,1]}],\"n\":2}",
	  COMPARISON_VALUE, NULL, 1, 0, 0, 0 },
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]}],\"n\":1}", "{\"data\":[{\"embedding\":[1,2.01]}],\"n\":2}",
	  COMPARISON_VALUE, NULL, 1, 1, 0, 0 },
	{ "openai", "", "{\"data\":[{\"embedding\":[1,2]}],\"id\":1}", "{\"data\":[{\"embedding\":[1,2.01]}],\"id\":2}",
	  COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	/* Text Embeddings Inference */
	{ "tei", "", "[[1,2],[3,4]]", "[[1,2],[3,4.01]]", COMPARISON_CLOSE, "cosine", 2, 2, 0, 0 },
	{ "tei", "", "[[[1,2],[3,4]]]", "[[[1,2],[4,3]]]", COMPARISON_VALUE, "cosine", 2, 1, 0, 0 },
	{ "tei", "", E("[1,2]"), E("[1,2.01]"), COMPARISON_CLOSE, "cosine", 1, 1, 0, 0 },
	{ "tei", "", "[0.9,0.8]", "[0.9,0.7]", COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "tei", "", "[[{\"index\":7,\"value\":0.5}]]", "[[{\"index\":7,\"value\":0.6}]]", COMPARISON_VALUE, NULL, 0, 0, 0, 0 },
	{ "tei", "", "[{\"index\":1,\"score\":0.9},{\"index\":0,\"score\":0.1}]",
	  "[{\"index\":0,\"score\":0.9},{\"index\":1,\"score\":0.1}]", COMPARISON_CLOSE, "rank", 0, 0, 0, 0 },
	{ "tei", "", "[{\"label\":\"cat\",\"score\":0.9},{\"label\":\"dog\",\"score\":0.1}]",
	  "[{\"label\":\"dog\",\"score\":0.9},{\"label\":\"cat\",\"score\":0.1}]", COMPARISON_DECISION, NULL, 0, 0, 0, 0 },
	/* at the root, and V2 */
	{ NULL, "\"\" cosine", "[[1,2],[3,4]]", "[[1,2],[3,4.01]]", COMPARISON_CLOSE, "cosine", 2, 2, 0, 0 },
	{ NULL, "/* cosine", "[[1,2],[3,4]]", "[[1,2],[3,4.01]]", COMPARISON_CLOSE, "cosine", 2, 2, 0, 0 },
	{ "v2", "/outputs/0/data cosine", "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[1,2,3,4]}]}",
	  "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[1,2,4,3]}]}", COMPARISON_VALUE, "cosine", 2, 1, 0, 0 },
	{ "v2", "/outputs/0/data cosine", "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[2,3],\"data\":[1,2,3,4]}]}",
	  "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[2,3],\"data\":[1,2,4,3]}]}", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "v2", "/outputs/0/data cosine", "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[2,0],\"data\":[1,2]}]}",
	  "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[2,0],\"data\":[1,3]}]}", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "v2", "/outputs/0/data cosine", "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[4],\"data\":[0.1,0.2,0.3,0.4]}]}",
	  "{\"outputs\":[{\"datatype\":\"FP32\",\"shape\":[4],\"data\":[0.4,0.3,0.2,0.1]}]}", COMPARISON_VALUE, "cosine", 1, 0, 0, 0 },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct comparer *c = comparer_of(cases[i].preset, cases[i].rules);
		const struct comparison *got = run(c, span_str(cases[i].production), span_str(cases[i].shadow), NULL);
		static const struct cosine_figures none;
		const struct outputs_found *o = got->findings.outputs;
		const struct cosine_figures *f = o ? &o->sum.cosine : &none;
		uint64_t judged = f->distance.count + f->other_dimension;

		if (got->verdict != cases[i].verdict || (got->reason == NULL) != (cases[i].reason == NULL) ||
		    (got->reason && strcmp(got->reason, cases[i].reason) != 0) || f->distance.count != cases[i].vectors ||
		    f->agree != cases[i].agree || f->other_dimension != cases[i].other || f->not_judged != cases[i].not_judged)
			fail_msg("case %zu, %s and %s: %s (%s), %llu agree, %llu vectors, %llu other, %llu not judged", i,
				 cases[i].production, cases[i].shadow, comparison_name(got->verdict),
				 got->reason ? got->reason : "-", (unsigned long long)f->agree,
				 (unsigned long long)f->distance.count, (unsigned long long)f->other_dimension,
				 (unsigned long long)f->not_judged);
		if (o && o->judged != judged + o->sum.rank.lists)
			fail_msg("case %zu: %llu judged", i, (unsigned long long)o->judged);
		comparer_free(c);
	}
}

/* A model in half precision: every number differs, and what they mean does not. JSON here, sixteen bits there. */
static void test_half_precision(void **state)
{
	static const char head[] = "{\"outputs\":[{\"name\":\"e\",\"datatype\":\"BF16\",\"shape\":[1,384],"
				   "\"parameters\":{\"binary_data_size\":768}}]}";
	struct comparer *each = comparer_of("v2", "/outputs/*/datatype ignore\n"),
			*whole = comparer_of("v2", "/outputs/*/datatype ignore\n/outputs/*/data cosine\n");
	struct header json = { SPAN_LITERAL("Content-Type"), SPAN_LITERAL("application/json") };
	struct header binary = { SPAN_LITERAL("Inference-Header-Content-Length"), SPAN_LITERAL("98") };
	struct message post = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") } };
	struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	static struct row r = { .seed = 3, .count = 384, .power = 20, .eighths = 8 };
	struct buffer bodies[2] = { { 0 }, { 0 } };
	struct response p = { .result = RESPONSE_WHOLE, .status_code = 200, .headers = &json, .header_count = 1 }, s = p;
	struct pair pair = { &post, &p, &s, &answered };
	const struct comparison *got;

	assert_int_equal(sizeof(head) - 1, 98);
	make_vectors(&r);
	buffer_add_str(&bodies[0], "{\"outputs\":[{\"name\":\"e\",\"datatype\":\"FP32\",\"shape\":[1,384],\"data\":[");
	add_numbers(&bodies[0], r.vector[0], r.count);
	buffer_add_str(&bodies[0], "]}]}");
	buffer_add_str(&bodies[1], head);
	for (unsigned i = 0; i < r.count; i++)
		buffer_add(&bodies[1], (const uint8_t *)&r.vector[0][i] + 2, 2); /* the upper half is a BF16, rounded down */
	p.body = bodies[0].bytes;
	p.body_len = bodies[0].len;
	s.headers = &binary;
	s.body = bodies[1].bytes;
	s.body_len = bodies[1].len;
	assert_int_equal(comparer_run(each, &pair)->verdict, COMPARISON_VALUE);
	got = comparer_run(whole, &pair);
	assert_int_equal(got->verdict, COMPARISON_CLOSE);
	assert_string_equal(got->reason, "cosine");
	assert_true(got->findings.outputs->sum.cosine.distance.max < 1e-4 / COSINE_UNIT);
	comparer_free(each);
	comparer_free(whole);
	buffer_deinit(&bodies[0]);
	buffer_deinit(&bodies[1]);
}

/* A comparer forgets what the pair before gave. */
static void test_forgets(void **state)
{
	struct comparer *c = comparer_of("openai", "");
	struct span a = SPAN_LITERAL(E("[1,2]")), b = SPAN_LITERAL(E("[1,2.01]")), none = SPAN_LITERAL("{\"a\":1}");

	for (int i = 0; i < 3; i++)
		assert_int_equal(run(c, a, b, NULL)->findings.outputs->sum.cosine.distance.count, 1);
	assert_null(run(c, none, none, NULL)->findings.outputs);
	comparer_free(c);
}

/* Nothing is guessed where a rule says what stands there: rows of V2 would be decisions. */
static void test_no_guess(void **state)
{
	static const char body[] = "{\"outputs\":[{\"name\":\"e\",\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[1,2,3,4]}]}";
	struct comparer *guess = comparer_of("v2", ""), *rule = comparer_of("v2", "/outputs/*/data cosine");

	assert_int_equal(run(guess, span_str(body), span_str(body), NULL)->findings.decision_count, 2);
	assert_int_equal(run(rule, span_str(body), span_str(body), NULL)->findings.decision_count, 0);
	assert_int_equal(run(rule, span_str(body), span_str(body), NULL)->findings.decisions_total, 2);
	comparer_free(guess);
	comparer_free(rule);
}

/* ---- figures ---- */

static struct buffer written(const struct outputs *o)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	outputs_json(o, &j);
	json_close(&j, '}');
	assert_true(buffer_ok(&out));
	return out;
}

static const char *read_back(struct outputs *o, struct span text)
{
	struct json_doc d = { 0 };
	const char *wrong;

	*o = (struct outputs){ 0 };
	assert_int_equal(json_doc_parse(&d, text), 0);
	wrong = outputs_read(o, &d, json_doc_member(&d, 0, SPAN_LITERAL("outputs")));
	json_doc_deinit(&d);
	return wrong;
}

/* Halves give the whole, and what is read back is what was written; ratios are such that their sums are exact. */
static void test_adds_up(void **state)
{
	static struct outputs halves[2], whole, again;
	struct buffer texts[3];

	random_state = 4;
	for (int i = 0; i < 1000; i++) {
		struct cosine c = { 1 - ldexp((double)(random_next() % 1000), -(int)(random_next() % 20) - 10),
				    (double)(1 + random_next() % 1000) / 64 };
		bool agrees = c.value > 0.5;

		cosine_figures_add(&halves[i % 2].cosine, &c, agrees);
		cosine_figures_add(&whole.cosine, &c, agrees);
	}
	halves[0].cosine.not_judged = 3;
	halves[1].cosine.other_dimension = 5;
	whole.cosine.not_judged = 3;
	whole.cosine.other_dimension = 5;
	outputs_merge(&halves[0], &halves[1]);
	texts[0] = written(&whole);
	texts[1] = written(&halves[0]);
	assert_string_equal(buffer_text(&texts[0]), buffer_text(&texts[1]));
	assert_null(read_back(&again, buffer_span(&texts[0])));
	texts[2] = written(&again);
	assert_string_equal(buffer_text(&texts[0]), buffer_text(&texts[2]));
	for (int i = 0; i < 3; i++)
		buffer_deinit(&texts[i]);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"{\"outputs\":{\"cosine\":[]}}",
		"{\"outputs\":{\"cosine\":{\"agree\":-1}}}",
		"{\"outputs\":{\"cosine\":{\"agree\":1}}}",
		"{\"outputs\":{\"cosine\":{\"not_judged\":9007199254740993}}}",
		"{\"outputs\":{\"cosine\":{\"distance\":{\"buckets\":[[1]]}}}}",
		"{\"outputs\":{\"cosine\":{\"distance\":7}}}",
		"{\"outputs\":{\"cosine\":{\"norm_ratio\":{\"sum\":-1}}}}",
		"{\"outputs\":{\"cosine\":{\"norm_ratio\":{\"min\":\"1\"}}}}",
	};
	static struct outputs o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!read_back(&o, span_str(bad[i])))
			fail_msg("%s was read", bad[i]);
	assert_null(read_back(&o, SPAN_LITERAL("{}")));
	assert_null(read_back(&o, SPAN_LITERAL("{\"outputs\":{}}")));
	assert_false(outputs_any(&o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numpy),	 cmocka_unit_test(test_cases),	 cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_no_guess), cmocka_unit_test(test_adds_up), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_half_precision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
