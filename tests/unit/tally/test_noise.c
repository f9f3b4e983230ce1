/*
 * test_noise.c - requests on which shadow and control differ: counted by hand, simulated, written, read, added
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/tally/noise.h"
#include "tests/rig/fail_alloc.h"

/* struct rig - two targets' tables of paths, and what they have in common */
struct rig {
	struct counted paths[2];
	struct noise noise;
};

/* @places: for paths that both may have */
static struct rig rig_of(size_t places)
{
	struct rig rig;

	for (int i = 0; i < 2; i++)
		counted_init(&rig.paths[i], 16, (struct hash_key){ 1, 2 });
	noise_init(&rig.noise, places, (struct hash_key){ 3, 4 });
	return rig;
}

static void rig_end(struct rig *rig)
{
	noise_deinit(&rig->noise);
	for (int i = 0; i < 2; i++)
		counted_deinit(&rig->paths[i]);
}

/* A pair that differs at each letter of @at; "." is a mismatch without a path, "i" is what a rule leaves out. */
static struct judged *judge(struct rig *rig, int target, const char *at)
{
	static const char *const paths[] = { ['a'] = "/a", ['b'] = "/b", ['c'] = "/c", ['i'] = "/i" };
	struct finding findings[8] = { { .kind = DIFFERENCE_VALUE } };
	struct comparison c = { .verdict = *at ? COMPARISON_VALUE : COMPARISON_EQUAL, .findings = { .at = findings } };

	for (; *at; at++) {
		struct finding *f = &findings[c.findings.count];
		struct counted_key key = { .len = 0 };

		if (*at == '.')
			continue;
		c.findings.count++;
		*f = (struct finding){ .kind = *at == 'i' ? DIFFERENCE_IGNORED : DIFFERENCE_VALUE, .pattern = paths[(int)*at] };
		counted_key_add(&key, span_str(difference_name(f->kind)));
		counted_key_add(&key, span_str(f->pattern));
		if (f->kind != DIFFERENCE_IGNORED)
			counted_row(&rig->paths[target], &key);
	}
	return judged_new(&c, &rig->paths[target]);
}

static void add(struct rig *rig, const char *shadow, const char *control)
{
	struct judged *s = judge(rig, 0, shadow), *c = judge(rig, 1, control);

	assert_true(s && c);
	noise_add(&rig->noise, s, &rig->paths[0], c, &rig->paths[1]);
	free(s);
	free(c);
}

static const uint64_t *path_counts(const struct noise *n, const char *pattern)
{
	static const uint64_t none[COUNTED_NUMBERS];
	struct counted_key key = { .len = 0 };
	const struct counted_row *row;

	counted_key_add(&key, SPAN_LITERAL("value"));
	counted_key_add(&key, span_str(pattern));
	row = counted_find(&n->paths, key.bytes, key.len);
	return row ? row->n : none;
}

static void test_counting(void **state)
{
	static const struct {
		const char *shadow, *control;
		uint64_t both, only_shadow, only_control, neither, a[3], b[3]; /* so far */
	} steps[] = {
		{ "", "", 0, 0, 0, 1, { 0, 0, 0 }, { 0, 0, 0 } },
		{ "a", "", 0, 1, 0, 1, { 0, 1, 0 }, { 0, 0, 0 } },
		{ "a", "a", 1, 1, 0, 1, { 1, 1, 0 }, { 0, 0, 0 } },
		{ "", "b", 1, 1, 1, 1, { 1, 1, 0 }, { 0, 0, 1 } },
		{ "ab", "ba", 2, 1, 1, 1, { 2, 1, 0 }, { 1, 0, 1 } }, /* in whatever order */
		{ "aab", "cbb", 3, 1, 1, 1, { 2, 2, 0 }, { 2, 0, 1 } }, /* a pair counts once */
		{ ".", "a", 4, 1, 1, 1, { 2, 2, 1 }, { 2, 0, 1 } },
		{ "ib", "i", 5, 1, 1, 1, { 2, 2, 1 }, { 2, 1, 1 } }, /* what is left out is no difference */
	};
	struct rig rig = rig_of(16);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		add(&rig, steps[i].shadow, steps[i].control);
		if (rig.noise.both != steps[i].both || rig.noise.shadow != steps[i].only_shadow ||
		    rig.noise.control != steps[i].only_control || rig.noise.neither != steps[i].neither ||
		    memcmp(path_counts(&rig.noise, "/a"), steps[i].a, sizeof(steps[i].a)) != 0 ||
		    memcmp(path_counts(&rig.noise, "/b"), steps[i].b, sizeof(steps[i].b)) != 0)
			fail_msg("step %zu: %s against %s is counted otherwise", i, steps[i].shadow, steps[i].control);
	}
	assert_int_equal(rig.noise.path_overflow, 0);
	rig_end(&rig);
}

static void test_not_judged(void **state)
{
	struct comparison c = { .verdict = COMPARISON_NOT_COMPARABLE };
	struct rig rig = rig_of(16);

	(void)state;
	assert_null(judged_new(&c, &rig.paths[0]));
	c.verdict = COMPARISON_ERROR;
	assert_null(judged_new(&c, &rig.paths[0]));
	fail_at = 0;
	c.verdict = COMPARISON_EQUAL;
	assert_null(judged_new(&c, &rig.paths[0]));
	fail_at = -1;
	rig_end(&rig);
}

/*
 * Shadow 5 %, control 4.5 %, 4 % on the same requests: the interval holds the truth in 95 % of the runs, and is less than
 * half as wide as that of independent shares.
 */
static void test_coverage(void **state)
{
	enum { RUNS = 1000, N = 10000 };
	int hits = 0;
	double width = 0, unpaired = 0;

	(void)state;
	random_state = 36;
	for (int run = 0; run < RUNS; run++) {
		struct noise n = { 0 };
		struct noise none = { 0 };
		struct net net, loose;
		struct rate shadow, control;

		for (int i = 0; i < N; i++) {
			double u = random_unit();

			*(u < 0.04 ? &n.both : u < 0.05 ? &n.shadow : u < 0.055 ? &n.control : &n.neither) += 1;
		}
		shadow = rate_of(n.both + n.shadow, N);
		control = rate_of(n.both + n.control, N);
		net = noise_net(&n, LOOKS_ONCE, &shadow, &control, 1);
		loose = noise_net(&none, LOOKS_ONCE, &shadow, &control, 1);
		assert_string_equal(net.shares, "paired");
		assert_string_equal(loose.shares, "independent");
		NEAR(net.value, loose.value, 1e-12);
		hits += net.interval.low <= 0.005 && 0.005 <= net.interval.high;
		width += net.interval.high - net.interval.low;
		unpaired += loose.interval.high - loose.interval.low;
	}
	if (hits < 935 || hits > 965)
		fail_msg("%d of %d intervals hold the truth", hits, RUNS);
	assert_true(width < 0.5 * unpaired);
	NEAR(width / RUNS, 2 * 0.0024, 2e-4);
	NEAR(unpaired / RUNS, 2 * 0.0059, 2e-4);
}

/* By path likewise: noise that is as frequent on both sides is called so in 97.5 % of the runs, what is added is found. */
static void test_paths_by_interval(void **state)
{
	enum { RUNS = 400, N = 2000 };
	int noise = 0, found = 0;

	(void)state;
	random_state = 37;
	for (int run = 0; run < RUNS; run++) {
		for (int planted = 0; planted < 2; planted++) {
			uint64_t both = 0, shadow = 0, control = 0;
			double more = planted ? 0.02 : 0;
			struct net net;

			for (int i = 0; i < N; i++) {
				double u = random_unit();

				both += u < 0.002;
				shadow += u >= 0.002 && u < 0.006 + more;
				control += u >= 0.006 + more && u < 0.01 + more;
			}
			net = (struct net){ .raw = (double)(both + shadow) / N, .floor = (double)(both + control) / N };
			net.shares = "paired";
			net.interval = paired_difference(both, control, shadow, N - both - shadow - control, &net.value);
			*(planted ? &found : &noise) += net_is_noise(&net) != planted;
		}
	}
	if (noise < RUNS * 0.955 || found < RUNS * 0.97)
		fail_msg("of %d: noise %d, found %d", RUNS, noise, found);
}

static void test_what_is_noise(void **state)
{
	static const struct {
		struct net net;
		bool is_noise;
	} rows[] = {
		{ { 0.01, 0.02, -0.01, { -0.02, 0 }, "paired" }, true },
		{ { 0.02, 0.01, 0.01, { 0.001, 0.02 }, "paired" }, false },
		{ { 0.02, 0.01, 0.01, { -0.001, 0.02 }, "paired" }, true },  /* it may be as frequent */
		{ { 0.1, 0, 0.1, { -0.05, 0.3 }, "paired" }, false },        /* few pairs are no excuse */
		{ { 0.0003, 0, 0.0003, { 0.0001, 1 }, "paired" }, true },    /* Diffy's floor */
		{ { 0.0004, 0, 0.0004, { 0.0001, 1 }, "independent" }, false },
		{ { 0.4, 0.27, 0.13, { 0.1, 0.2 }, "paired" }, true },       /* 19.4 % of the sum */
		{ { 0.4, 0.26, 0.14, { 0.1, 0.2 }, "paired" }, false },
		{ { 0.4, NAN, NAN, { NAN, NAN }, NULL }, false },            /* nothing is known of noise */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (net_is_noise(&rows[i].net) != rows[i].is_noise)
			fail_msg("row %zu", i);
}

/* -- reports --------------------------------------------------------------------------- */

static struct buffer written(const struct noise *n)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	noise_json(n, &j, true);
	json_close(&j, '}');
	assert_true(buffer_ok(&out));
	return out;
}

static const char *read_from(struct noise *n, const char *text)
{
	struct buffer report = { 0 };
	struct json_doc d = { 0 };
	const char *damaged;

	buffer_printf(&report, "{\"noise\":%s}", text);
	assert_int_equal(json_doc_parse(&d, buffer_span(&report)), 0);
	noise_init(n, 16, (struct hash_key){ 5, 6 });
	damaged = noise_read(n, &d, json_doc_member(&d, 0, SPAN_LITERAL("noise")));
	json_doc_deinit(&d);
	buffer_deinit(&report);
	return damaged;
}

static const char *some_paths(void)
{
	static const char *const all[] = { "", "", "a", "b", "ab", "c", "bc", "." };

	return all[(int)(8 * random_unit())];
}

/* What is read back writes the same, and two parts added write what the whole does. */
static void test_reports(void **state)
{
	struct rig whole = rig_of(16), part[2] = { rig_of(16), rig_of(16) };
	struct buffer want, half, got;
	struct noise again;

	(void)state;
	random_state = 38;
	for (int i = 0; i < 300; i++) {
		const char *shadow = some_paths(), *control = some_paths();

		add(&whole, shadow, control);
		add(&part[i % 3 == 0], shadow, control);
	}
	want = written(&whole.noise);
	half = written(&part[1].noise);
	assert_null(read_from(&again, buffer_text(&half)));
	noise_merge(&again, &part[0].noise);
	got = written(&again);
	assert_string_equal(buffer_text(&want), buffer_text(&got));
	buffer_deinit(&want);
	buffer_deinit(&half);
	buffer_deinit(&got);
	noise_deinit(&again);
	rig_end(&whole);
	for (int i = 0; i < 2; i++)
		rig_end(&part[i]);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *text, *damaged;
	} rows[] = {
		{ "{}", NULL },
		{ "{\"paired\":{}}", NULL },
		{ "{\"paired\":[]}", "noise.paired" },
		{ "{\"paired\":{\"both\":-1}}", "noise.paired" },
		{ "{\"paired\":{\"neither\":9007199254740994}}", "noise.paired" },
		{ "{\"paths\":{}}", "noise.paths" },
		{ "{\"paths\":[1]}", "noise.paths" },
		{ "{\"paths\":[{\"path\":\"/a\"}]}", "noise.paths" },
		{ "{\"paths\":[{\"path\":\"/a\",\"kind\":\"value\"}]}", NULL },
		{ "{\"paths\":[{\"path\":\"/a\",\"kind\":\"value\",\"both\":1}]}", "noise.paths" }, /* of no request */
		{ "{\"paired\":{\"both\":3},\"paths\":[{\"path\":\"/a\",\"kind\":\"value\",\"both\":2},"
		  "{\"path\":\"/a\",\"kind\":\"value\",\"shadow\":1}]}", NULL },
		{ "{\"paired\":{\"both\":3},\"paths\":[{\"path\":\"/a\",\"kind\":\"value\",\"both\":2},"
		  "{\"path\":\"/a\",\"kind\":\"value\",\"shadow\":2}]}", "noise.paths" },
		{ "{\"paths_overflow\":\"1\"}", "noise.paths" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct noise n;
		const char *damaged = read_from(&n, rows[i].text);

		if (damaged != rows[i].damaged && (!damaged || !rows[i].damaged || strcmp(damaged, rows[i].damaged) != 0))
			fail_msg("%s: %s", rows[i].text, damaged ? damaged : "read");
		noise_deinit(&n);
	}
}

/* A path that finds no place is counted as overflow, and then no path is judged by what is in the table. */
static void test_overflow(void **state)
{
	struct rig rig = rig_of(2);
	struct rate rate = rate_of(5, 10), floor = rate_of(1, 10);
	struct counted_key key = { .len = 0 };
	struct net net;

	(void)state;
	counted_key_add(&key, SPAN_LITERAL("value"));
	counted_key_add(&key, SPAN_LITERAL("/a"));
	add(&rig, "a", "b");
	net = noise_path_net(&rig.noise, LOOKS_ONCE, counted_find(&rig.paths[0], key.bytes, key.len), &rate, &floor, 1);
	assert_string_equal(net.shares, "paired");
	NEAR(net.value, 1, 0);
	add(&rig, "ab", "a");
	add(&rig, "", "c"); /* it has a place among the control's paths, and none here */
	add(&rig, "", "c");
	assert_int_equal(rig.noise.path_overflow, 2);
	net = noise_path_net(&rig.noise, LOOKS_ONCE, counted_find(&rig.paths[0], key.bytes, key.len), &rate, &floor, 1);
	assert_string_equal(net.shares, "independent");
	NEAR(net.value, 0.4, 1e-12);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_not_judged),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_paths_by_interval),
		cmocka_unit_test(test_what_is_noise),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
