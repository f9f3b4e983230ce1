/*
 * test_boxes.c - detections that a rule compares as a whole
 *
 * The rows of tests/data/outputs/boxes.txt hold what a matrix of all overlaps says of random boxes, which are made again
 * here and sent in each form. Then tables: what agrees, what does not, and what is no detection.
 */
#include "tests/rig/outputs_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "compare/outputs/boxes.h"
#include "compare/outputs/outputs.h"

#define COUNT_MAX 25

/* ---- as the matrix has it ---- */

struct row {
	unsigned seed, boxes, noise, least, production, shadow, matched, flips;
	double overlap_sum;
	struct box box[2][COUNT_MAX];
	unsigned count[2];
};

static void make_boxes(struct row *r)
{
	random_state = r->seed;
	r->count[0] = r->count[1] = 0;
	for (unsigned i = 0; i < r->boxes; i++) {
		uint64_t v[4], fate;
		struct box b = { 0 };

		for (int k = 0; k < 4; k++)
			v[k] = random_next() % 256;
		v[2] += v[0];
		v[3] += v[1];
		for (int k = 0; k < 4; k++)
			b.corner[k] = (double)v[k] / 256;
		b.score = (double)(random_next() % 101) / 100;
		b.class = random_next() % 3;
		r->box[0][r->count[0]++] = b;
		for (int k = 0; k < 4; k++)
			if (random_next() % 2)
				b.corner[k] = (double)(v[k] + random_next() % (r->noise + 1)) / 256;
		fate = random_next() % 10;
		if (fate == 1)
			b.class = (b.class + 1) % 3;
		if (fate > 0)
			r->box[1][r->count[1]++] = b;
	}
}

enum form { FORM_HUGGING_FACE, FORM_ULTRALYTICS, FORM_TORCHSERVE, FORM_TENSORFLOW, FORM_COUNT };

static void write_item(struct buffer *out, enum form form, const struct box *b)
{
	static const char *const formats[] = {
		[FORM_HUGGING_FACE] = "{\"label\":\"c%u\",\"score\":%.17g,\"box\":{\"xmin\":%.17g,\"ymin\":%.17g,\"xmax\":%.17g,\"ymax\":%.17g}}",
		[FORM_ULTRALYTICS] = "{\"name\":\"c%u\",\"confidence\":%.17g,\"box\":{\"x1\":%.17g,\"y1\":%.17g,\"x2\":%.17g,\"y2\":%.17g}}",
	};

	const double *c = b->corner;
	unsigned class = (unsigned)b->class;

	if (form == FORM_TORCHSERVE)
		buffer_printf(out, "{\"c%u\":[%.17g,%.17g,%.17g,%.17g],\"score\":%.17g}", class, c[0], c[1], c[2], c[3], b->score);
	else
		buffer_printf(out, formats[form], class, b->score, c[0], c[1], c[2], c[3]);
}

static void write_columns(struct buffer *out, const struct box *boxes, unsigned count)
{
	buffer_add_str(out, "{\"detection_boxes\":[");
	for (unsigned i = 0; i < count; i++)
		buffer_printf(out, "%s[%.17g,%.17g,%.17g,%.17g]", i ? "," : "", boxes[i].corner[1], boxes[i].corner[0], boxes[i].corner[3],
			      boxes[i].corner[2]);
	buffer_add_str(out, "],\"detection_scores\":[");
	for (unsigned i = 0; i < count; i++)
		buffer_printf(out, "%s%.17g", i ? "," : "", boxes[i].score);
	buffer_add_str(out, "],\"detection_classes\":[");
	for (unsigned i = 0; i < count; i++)
		buffer_printf(out, "%s%u.0", i ? "," : "", (unsigned)boxes[i].class);
	buffer_add_str(out, "]}");
}

static void write_body(struct buffer *out, enum form form, const struct box *boxes, unsigned count)
{
	buffer_clear(out);
	buffer_add_str(out, "{\"predictions\":[");
	if (form == FORM_TENSORFLOW) {
		write_columns(out, boxes, count);
	} else {
		buffer_add_str(out, "[");
		for (unsigned i = 0; i < count; i++) {
			buffer_add_str(out, i ? "," : "");
			write_item(out, form, &boxes[i]);
		}
		buffer_add_str(out, "]");
	}
	buffer_add_str(out, "]}");
}

static void check(const struct row *r, enum form form, struct buffer bodies[2])
{
	bool agrees = r->matched == r->production && r->matched == r->shadow;
	const struct boxes_figures *f;
	const struct comparison *got;
	struct comparer *c;
	char rule[64];

	snprintf(rule, sizeof(rule), "/predictions/* boxes iou=%.2f\n", r->least / 100.0);
	c = comparer_of(NULL, rule);
	for (int side = 0; side < 2; side++)
		write_body(&bodies[side], form, r->box[side], r->count[side]);
	got = run(c, buffer_span(&bodies[0]), buffer_span(&bodies[1]), NULL);
	if (!got->findings.outputs)
		fail_msg("seed %u, form %d: nothing was judged: %s", r->seed, form, comparison_name(got->verdict));
	f = &got->findings.outputs->sum.boxes;
	if (f->images != 1 || f->production != r->production || f->shadow != r->shadow || f->matched != r->matched ||
	    f->flips != r->flips || fabs((double)f->overlap_sum * BOXES_UNIT - r->overlap_sum) > 1e-6)
		fail_msg("seed %u, form %d: %llu of %llu and %llu match, %llu flips, overlap %g", r->seed, form,
			 (unsigned long long)f->matched, (unsigned long long)f->production, (unsigned long long)f->shadow,
			 (unsigned long long)f->flips, (double)f->overlap_sum * BOXES_UNIT);
	assert_int_equal(f->agree, agrees);
	assert_true(agrees ? got->verdict >= COMPARISON_CLOSE : got->verdict == COMPARISON_DECISION);
	assert_int_equal(got->findings.decisions_total, 1);
	comparer_free(c);
}

static FILE *open_rows(void)
{
	struct buffer path = { 0 };
	FILE *f;

	buffer_add(&path, __FILE__, strlen(__FILE__) - strlen("unit/compare/test_boxes.c"));
	buffer_add_str(&path, "data/outputs/boxes.txt");
	f = fopen(buffer_text(&path), "r"); /* tests run in the build directory, to which __FILE__ is relative */
	assert_non_null(f);
	buffer_deinit(&path);
	return f;
}

static void test_matrix(void **state)
{
	struct buffer bodies[2] = { { 0 }, { 0 } };
	static struct row r;
	FILE *f = open_rows();
	unsigned rows = 0;

	while (fscanf(f, "%u %u %u %u %u %u %u %u %lf", &r.seed, &r.boxes, &r.noise, &r.least, &r.production, &r.shadow, &r.matched,
		      &r.flips, &r.overlap_sum) == 9) {
		assert_true(r.boxes >= 1 && r.boxes <= COUNT_MAX);
		make_boxes(&r);
		for (enum form form = 0; form < FORM_COUNT; form++)
			check(&r, form, bodies);
		rows++;
	}
	assert_int_equal(rows, 1000);
	fclose(f);
	buffer_deinit(&bodies[0]);
	buffer_deinit(&bodies[1]);
}

/* ---- tables ---- */

#define B(label, score, x1, y1, x2, y2) \
	"{\"label\":\"" label "\",\"score\":" #score ",\"box\":{\"xmin\":" #x1 ",\"ymin\":" #y1 ",\"xmax\":" #x2 ",\"ymax\":" #y2 "}}"

static const struct {
	const char *production, *shadow;
	enum comparison_verdict verdict;
	const char *reason;
	uint64_t images, matched, flips, not_judged;
} cases[] = {
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[" B("a", 0.9, 0, 0, 10, 10) "]", COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[" B("a", 0.9, 0, 0, 1e1, 10.0) "]", COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[" B("a", 0.8, 0, 0, 10, 11) "]", COMPARISON_CLOSE, "boxes", 1, 1, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[" B("a", 0.9, 10, 10, 0, 0) "]", COMPARISON_CLOSE, "boxes", 1, 1, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[" B("b", 0.9, 0, 0, 10, 10) "]", COMPARISON_DECISION, "boxes", 1, 0, 1, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[" B("a", 0.9, 20, 20, 30, 30) "]", COMPARISON_DECISION, "boxes", 1, 0, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "]", "[]", COMPARISON_DECISION, "boxes", 1, 0, 0, 0 },
	{ "[]", "[" B("a", 0.9, 0, 0, 10, 10) "]", COMPARISON_DECISION, "boxes", 1, 0, 0, 0 },
	{ "[]", "[]", COMPARISON_EQUAL, NULL, 1, 0, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, 10) "," B("b", 0.2, 0, 0, 1, 1) "]", "[" B("a", 0.9, 0, 0, 10, 10) "]",
	  COMPARISON_CLOSE, "boxes", 1, 1, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 0, 10) "]", "[" B("a", 0.9, 0, 0, 0, 10) "]", COMPARISON_EQUAL, NULL, 1, 1, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 0, 10) "]", "[" B("a", 0.9, 0, 0, 0, 11) "]", COMPARISON_DECISION, "boxes", 1, 0, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 1e300, 1e300) "]", "[" B("a", 0.9, 0, 0, 1e300, 2e300) "]", COMPARISON_DECISION, "boxes", 1, 0, 0, 0 },
	{ "[" B("a", 0.9, 0, 0, 10, NaN) "]", "[" B("a", 0.9, 0, 0, 10, 10) "]", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "[" B("a", 0.9, 0, 0, 10, 1e999) "]", "[" B("a", 0.9, 0, 0, 10, 10) "]", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "[{\"label\":\"a\",\"score\":0.9}]", "[{\"label\":\"a\",\"score\":0.8}]", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "[1]", "[2]", COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "{\"detection_boxes\":[[0,0,1,1]],\"detection_scores\":[0.9]}", "{\"detection_boxes\":[[0,0,1,1]],\"detection_scores\":[0.8]}",
	  COMPARISON_CLOSE, "boxes", 1, 1, 0, 0 },
	{ "{\"detection_boxes\":[[0,0,1,1]],\"detection_scores\":[]}", "{\"detection_boxes\":[[0,0,1,1]],\"detection_scores\":[]}",
	  COMPARISON_EQUAL, NULL, 0, 0, 0, 1 },
	{ "{\"detection_boxes\":[[0,0,1]],\"detection_scores\":[0.9]}", "{\"detection_boxes\":[[0,0,2]],\"detection_scores\":[0.9]}",
	  COMPARISON_VALUE, NULL, 0, 0, 0, 1 },
	{ "{\"detection_boxes\":[],\"detection_scores\":[]}", "{\"detection_boxes\":[[0,0,2,2]],\"detection_scores\":[0.9]}",
	  COMPARISON_DECISION, "boxes", 1, 0, 0, 0 },
};

static void test_cases(void **state)
{
	static const struct boxes_figures none;
	struct comparer *c = comparer_of(NULL, "\"\" boxes");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct comparison *got = run(c, span_str(cases[i].production), span_str(cases[i].shadow), NULL);
		const struct outputs_found *o = got->findings.outputs;
		const struct boxes_figures *f = o ? &o->sum.boxes : &none;

		if (got->verdict != cases[i].verdict || (got->reason == NULL) != (cases[i].reason == NULL) ||
		    (got->reason && strcmp(got->reason, cases[i].reason) != 0) || f->images != cases[i].images ||
		    f->matched != cases[i].matched || f->flips != cases[i].flips || f->not_judged != cases[i].not_judged)
			fail_msg("case %zu, %s and %s: %s (%s), %llu images, %llu match, %llu flips, %llu not judged", i, cases[i].production,
				 cases[i].shadow, comparison_name(got->verdict), got->reason ? got->reason : "-",
				 (unsigned long long)f->images, (unsigned long long)f->matched, (unsigned long long)f->flips,
				 (unsigned long long)f->not_judged);
	}
	comparer_free(c);
}

/* Two hundred thousand boxes are compared value by value; those that are not sure enough do not count against the limit. */
static void test_many(void **state)
{
	struct comparer *c = comparer_of(NULL, "\"\" boxes score=0.5");
	static const double scores[] = { 0.9, 0.4 };
	struct buffer body = { 0 };

	for (int i = 0; i < 2; i++) {
		const struct comparison *got;

		buffer_clear(&body);
		buffer_add_str(&body, "{\"detection_boxes\":[");
		for (int k = 0; k < 200000; k++)
			buffer_add_str(&body, k ? ",[0,0,1,1]" : "[0,0,1,1]");
		buffer_add_str(&body, "],\"detection_scores\":[");
		for (int k = 0; k < 200000; k++)
			buffer_printf(&body, "%s%g", k ? "," : "", k < 10 ? 0.9 : scores[i]);
		buffer_add_str(&body, "]}");
		got = run(c, buffer_span(&body), buffer_span(&body), NULL);
		assert_int_equal(got->verdict, COMPARISON_EQUAL);
		assert_int_equal(got->findings.outputs->sum.boxes.not_judged, i == 0);
		assert_int_equal(got->findings.outputs->sum.boxes.matched, i == 0 ? 0 : 10);
	}
	buffer_deinit(&body);
	comparer_free(c);
}

static void test_adds_up(void **state)
{
	static struct outputs halves[2], whole;

	random_state = 7;
	for (int i = 0; i < 1000; i++) {
		uint64_t matched = random_next() % 20, flips = random_next() % 3;
		struct boxes_result r = { matched + flips + random_next() % 4, matched + flips + random_next() % 4, matched, flips,
					  (double)matched * 0.875 };

		boxes_figures_add(&halves[i % 2].boxes, &r, r.production == matched);
		boxes_figures_add(&whole.boxes, &r, r.production == matched);
	}
	halves[1].boxes.not_judged = whole.boxes.not_judged = 4;
	check_adds_up(&whole, &halves[0], &halves[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
