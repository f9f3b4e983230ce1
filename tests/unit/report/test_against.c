/* test_against.c - two reports held against each other: what has changed, and what cannot be told apart */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/statistics.h"
#include "report/against.h"
#include "report/page.h"
#include "report/view.h"

/** struct run - what is put into a report of one run */
struct run {
	const char *name, *speed;
	uint64_t mismatches, pairs, times, slow; /* of @times, those that take twice as long */
	uint64_t timeouts;
	const char *paths, *slices;
};

static const struct run usual = { "a", "1", 10, 1000, 1000, 0, 0, "", "" };

static void add_share(struct buffer *out, const char *name, uint64_t count, uint64_t of)
{
	struct rate r = rate_of(count, of);

	buffer_printf(out, "\"%s\":{\"count\":%llu,\"of\":%llu,\"rate\":%.9g,\"low\":%.9g,\"high\":%.9g}", name,
		      (unsigned long long)count, (unsigned long long)of, r.value, r.interval.low, r.interval.high);
}

static void add_times(struct buffer *out, const char *name, uint64_t count, uint64_t slow)
{
	struct json j = json_to(out);
	struct histogram *h = calloc(1, sizeof(*h));

	for (uint64_t i = 0; i < count; i++) /* 10 ms to 20 ms, evenly */
		histogram_add(h, (10000 + i * 10000 / count) * (i < slow ? 2 : 1));
	buffer_printf(out, "\"%s\":{\"total\":{\"max\":%llu,", name, (unsigned long long)h->max);
	histogram_buckets_json(h, &j, "buckets");
	buffer_add_str(out, "}}");
	free(h);
}

static void add_run(struct buffer *out, const struct run *r)
{
	buffer_printf(out, "{\"requests\":{},\"started\":\"2026-01-01T00:00:00Z\",\"seconds\":60,\"speed\":%s,\"comparison\":{\"targets\":{"
			   "\"%s\":{\"role\":\"shadow\",\"pairs\":%llu,\"compared\":%llu,\"verdicts\":{\"error\":0},",
		      r->speed, r->name, (unsigned long long)r->pairs, (unsigned long long)r->pairs);
	add_share(out, "mismatch", r->mismatches, r->pairs);
	buffer_printf(out, ",\"latency_us\":{\"timeouts\":%llu,", (unsigned long long)r->timeouts);
	add_times(out, "production", 1000, 0);
	buffer_add_str(out, ",");
	add_times(out, "shadow", r->times, r->slow);
	buffer_printf(out, "},\"paths\":[%s],\"slices\":[%s]},\"control\":{\"role\":\"control\"}}}}", r->paths, r->slices);
}

/** struct held - two runs against each other, parsed */
struct held {
	struct buffer now, base, text;
	struct json_doc now_doc, base_doc, doc;
};

static struct view hold(struct held *h, struct run now, struct run base)
{
	struct json j = json_to(&h->text);

	*h = (struct held){ 0 };
	add_run(&h->now, &now);
	add_run(&h->base, &base);
	assert_int_equal(json_doc_parse(&h->now_doc, buffer_span(&h->now)), 0);
	assert_int_equal(json_doc_parse(&h->base_doc, buffer_span(&h->base)), 0);
	assert_int_equal(against_json(&h->now_doc, &h->base_doc, &j), 0);
	assert_int_equal(json_doc_parse(&h->doc, buffer_span(&h->text)), 0);
	return view_get(view_get(view_of(&h->doc), "targets"), now.name);
}

static void let_go(struct held *h)
{
	json_doc_deinit(&h->now_doc);
	json_doc_deinit(&h->base_doc);
	json_doc_deinit(&h->doc);
	buffer_deinit(&h->now);
	buffer_deinit(&h->base);
	buffer_deinit(&h->text);
}

static struct view value_of(struct view target, const char *name)
{
	for (struct view_walk w = view_walk(view_get(target, "values")); view_next(&w);)
		if (view_is_text(view_get(w.value, "name"), name))
			return w.value;
	return (struct view){ 0 };
}

static void check_change(struct view target, const char *name, const char *change)
{
	struct view value = value_of(target, name), said = view_get(value, "change");

	if (!value.there || (change ? !view_is_text(said, change) : !view_is(said, JSON_NULL)))
		fail_msg("%s: not %s", name, change ? change : "alike");
}

static void test_shares(void **state)
{
	struct run more = usual, little = usual, twice = usual;
	struct held h;
	struct view target;

	(void)state;
	target = hold(&h, usual, usual);
	check_change(target, "mismatch", NULL);
	check_change(target, "error", NULL);
	assert_true(view_number(view_get(value_of(target, "mismatch"), "difference")) == 0);
	assert_false(value_of(target, "decision_agreement").there); /* neither has it */
	let_go(&h);
	more.mismatches = 30;
	check_change(hold(&h, more, usual), "mismatch", "higher");
	let_go(&h);
	check_change(hold(&h, usual, more), "mismatch", "lower");
	let_go(&h);
	/* twice as many mismatches of a hundredth of the pairs are no news */
	little.pairs = 100;
	little.mismatches = 2;
	check_change(hold(&h, little, usual), "mismatch", NULL);
	let_go(&h);
	/* the interval is that of Newcombe, who has this example: 56 of 70 against 48 of 80 */
	twice.mismatches = 56;
	twice.pairs = 70;
	little.mismatches = 48;
	little.pairs = 80;
	target = hold(&h, twice, little);
	check_change(target, "mismatch", "higher");
	assert_true(view_number(view_get(value_of(target, "mismatch"), "low")) > 0.0523 &&
		    view_number(view_get(value_of(target, "mismatch"), "low")) < 0.0525);
	assert_true(view_number(view_get(value_of(target, "mismatch"), "high")) > 0.3338 &&
		    view_number(view_get(value_of(target, "mismatch"), "high")) < 0.3340);
	let_go(&h);
}

static void test_latencies(void **state)
{
	struct run slow = usual, fast = usual, late = usual;
	struct held h;
	struct view target;

	(void)state;
	target = hold(&h, usual, usual);
	check_change(target, "shadow_p50", NULL);
	check_change(target, "shadow_p99", NULL);
	let_go(&h);
	slow.slow = 900;
	target = hold(&h, slow, usual);
	check_change(target, "shadow_p50", "higher");
	check_change(target, "production_p50", NULL);
	let_go(&h);
	fast.speed = "\"max\""; /* that says nothing of the shadow */
	target = hold(&h, slow, fast);
	assert_false(value_of(target, "shadow_p50").there);
	assert_true(value_of(target, "production_p50").there);
	let_go(&h);
	late.timeouts = 100; /* of 1100: the p99 is among them */
	target = hold(&h, late, usual);
	assert_false(value_of(target, "shadow_p99").there);
	assert_true(value_of(target, "shadow_p50").there);
	let_go(&h);
	late.timeouts = 0;
	late.times = 3; /* no interval */
	assert_false(value_of(hold(&h, late, usual), "shadow_p50").there);
	let_go(&h);
}

static const char path_a[] = "{\"path\":\"/a\",\"kind\":\"value\",\"pairs\":100,\"rate\":0.1,\"low\":0.083,\"high\":0.12}";
static const char path_a_less[] = "{\"path\":\"/a\",\"kind\":\"value\",\"pairs\":20,\"rate\":0.02,\"low\":0.013,\"high\":0.031}";
static const char path_b[] = "{\"path\":\"/b\",\"kind\":\"value\",\"pairs\":1,\"rate\":0.001,\"low\":0.0002,\"high\":0.0056}";

static void test_paths(void **state)
{
	struct run with = usual, without = usual, less = usual;
	struct held h;
	struct view target, first;

	(void)state;
	with.paths = path_a;
	less.paths = path_a_less;
	target = hold(&h, with, without);
	first = view_get(target, "paths");
	assert_int_equal(view_size(first), 1);
	for (struct view_walk w = view_walk(first); view_next(&w);)
		assert_true(view_is_text(view_get(w.value, "change"), "new") && view_is_text(view_get(w.value, "path"), "/a"));
	let_go(&h);
	target = hold(&h, without, with);
	for (struct view_walk w = view_walk(view_get(target, "paths")); view_next(&w);)
		assert_true(view_is_text(view_get(w.value, "change"), "gone"));
	assert_int_equal(view_size(view_get(target, "paths")), 1);
	let_go(&h);
	target = hold(&h, with, less);
	for (struct view_walk w = view_walk(view_get(target, "paths")); view_next(&w);)
		assert_true(view_is_text(view_get(w.value, "change"), "higher"));
	let_go(&h);
	with.paths = path_b; /* one of a thousand is not news */
	target = hold(&h, with, without);
	assert_int_equal(view_size(view_get(target, "paths")), 0);
	assert_int_equal(view_count(view_get(target, "paths_alike")), 1);
	let_go(&h);
}

static void test_slices(void **state)
{
	struct run now = usual, base = usual;
	struct held h;
	struct view target;

	(void)state;
	now.slices = "{\"by\":\"path\",\"value\":\"/x\",\"rate\":0.5,\"low\":0.4,\"high\":0.6},{\"by\":\"path\",\"value\":\"/new\",\"rate\":1,"
		     "\"low\":0.9,\"high\":1},{\"by\":\"model\",\"value\":\"/x\",\"rate\":0.1,\"low\":0.08,\"high\":0.12}";
	base.slices = "{\"by\":\"model\",\"value\":\"/x\",\"rate\":0.1,\"low\":0.08,\"high\":0.12},{\"by\":\"path\",\"value\":\"/x\",\"rate\":0.1,"
		      "\"low\":0.08,\"high\":0.12}";
	target = hold(&h, now, base);
	assert_int_equal(view_size(view_get(target, "slices")), 1);
	for (struct view_walk w = view_walk(view_get(target, "slices")); view_next(&w);)
		assert_true(view_is_text(view_get(w.value, "by"), "path") && view_is_text(view_get(w.value, "value"), "/x"));
	assert_int_equal(view_count(view_get(target, "slices_alike")), 1);
	let_go(&h);
}

/* The one shadow of each run is the same, whatever it is called; the control is not looked at. */
static void test_names(void **state)
{
	struct run other = usual;
	struct held h;

	(void)state;
	other.name = "b";
	assert_true(value_of(hold(&h, usual, other), "mismatch").there);
	assert_int_equal(view_size(view_get(view_of(&h.doc), "targets")), 1);
	let_go(&h);
}

/* ---- what is said holds ---- */

#define RUNS 400

/** drawn() - mismatches of so many pairs, each with probability 0.03 */
static uint64_t drawn(uint64_t *seed, uint64_t pairs)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < pairs; i++) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		n += (*seed >> 16) % 1000 < 30;
	}
	return n;
}

/* Of two runs of the same shadow, the mismatch is said to have changed about once in twenty. */
static void test_false_alarms(void **state)
{
	uint64_t seed = 88172645463325252U, alarms = 0;

	(void)state;
	for (int i = 0; i < RUNS; i++) {
		struct run a = usual, b = usual;
		struct held h;
		struct view target;

		a.pairs = 1000;
		b.pairs = 700;
		a.mismatches = drawn(&seed, a.pairs);
		b.mismatches = drawn(&seed, b.pairs);
		a.times = b.times = 0;
		target = hold(&h, a, b);
		alarms += view_is(view_get(value_of(target, "mismatch"), "change"), JSON_STRING);
		let_go(&h);
	}
	if (alarms < RUNS / 50 || alarms > RUNS / 12)
		fail_msg("%llu of %d", (unsigned long long)alarms, RUNS);
}

static void test_page(void **state)
{
	struct run with = usual;
	struct buffer report = { 0 }, page = { 0 };
	struct json_doc doc = { 0 };
	struct held h;

	(void)state;
	with.paths = path_a;
	with.mismatches = 100;
	hold(&h, with, usual);
	buffer_add_span(&report, buffer_span(&h.now));
	report.len--;
	buffer_printf(&report, ",\"against\":%s}", buffer_text(&h.text));
	assert_int_equal(json_doc_parse(&doc, buffer_span(&report)), 0);
	assert_int_equal(page_draw(&doc, MEDIUM_MARKDOWN, &page), 0);
	assert_non_null(strstr(buffer_text(&page), "## Against the run of 2026-01-01T00:00:00Z\n"));
	assert_non_null(strstr(buffer_text(&page), "higher: +9.00 %, +7.10 % to +11.1 %"));
	assert_non_null(strstr(buffer_text(&page), "cannot be told apart: "));
	assert_non_null(strstr(buffer_text(&page), "new: +10.0 %"));
	assert_non_null(strstr(buffer_text(&page), "paths: 1 changed, 0 cannot be told apart."));
	json_doc_deinit(&doc);
	buffer_deinit(&report);
	buffer_deinit(&page);
	let_go(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_latencies),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
