/*
 * test_json_property.c - what has to hold for any document
 *
 * A document is made at random and written twice: the second time with its
 * members in another order, its numbers and strings written otherwise, and
 * other white space. Both say the same. Then one value is changed, and exactly
 * that place has to be found. And the attacks: what is many, deep or the same in
 * every way that could cost more than it should; a cost that is not linear would
 * show as a test that does not end.
 */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compare/json/json_compare.h"
#include "tests/rig/json_bench.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS 4000
#define DEPTH 4
#define CHILDREN 6
#define PATH_BYTES 512

static uint64_t random_bits(void)
{
	static uint64_t x = 0x853c49e6748fea9bu;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1du >> 16;
}

/* raw, escaped, as a step of a pointer */
static const char *const names[][3] = {
	{ "a", "\\u0061", "a" },
	{ "b/c", "b\\/c", "b~1c" },
	{ "d~e", "d\\u007ee", "d~0e" },
	{ "*", "\\u002A", "*" },
	{ "", "", "" },
	{ "a long name", "a\\u0020long name", "a long name" },
	{ "\xc3\xa9", "\\u00e9", "\xc3\xa9" },
	{ "\xf0\x9f\x98\x80", "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
	{ "label", "l\\u0061bel", "label" },
	{ "score", "sco\\u0072e", "score" },
};

/** struct pen - both writings of a document under way */
struct pen {
	bool shuffle_arrays;
	int leaves, planted; /* leaves so far; which of them is changed in the second writing, -1: none */
	char path[PATH_BYTES], planted_path[PATH_BYTES];
};

static void space(struct buffer *b)
{
	static const char *const spaces[] = { "", "", " ", "\n\t", "  \r\n" };

	buffer_add_str(b, spaces[random_bits() % COUNT(spaces)]);
}

static void write_number(struct buffer *a, struct buffer *b, bool planted)
{
	double x = (double)(int64_t)(random_bits() % 2000001 - 1000000) / (random_bits() % 2 ? 1 : 8192);
	char text[64];

	snprintf(text, sizeof(text), "%.17g", x);
	buffer_add_str(a, text);
	if (planted)
		x = x * 1.5 + 1;
	snprintf(text, sizeof(text), random_bits() % 2 ? "%.17e" : "%.14f", x);
	buffer_add_str(b, text);
}

static void write_leaf(struct pen *p, struct buffer *a, struct buffer *b)
{
	static const char *const words[][2] = { { "null", "true" },
						{ "true", "false" },
						{ "false", "true" },
						{ "NaN", "1" },
						{ "-Infinity", "Infinity" },
						{ "[]", "{}" },
						{ "{}", "[0]" },
						{ "9007199254740993", "9007199254740992" } };
	bool planted = p->leaves++ == p->planted;
	size_t i;

	if (planted)
		strcpy(p->planted_path, p->path);
	switch (random_bits() % 3) {
	case 0:
		write_number(a, b, planted);
		return;
	case 1:
		i = random_bits() % COUNT(names);
		buffer_printf(a, "\"%s\"", names[i][0]);
		buffer_printf(b, "\"%s%s\"", names[i][1], planted ? "!" : "");
		return;
	default:
		i = random_bits() % COUNT(words);
		buffer_add_str(a, words[i][0]);
		buffer_add_str(b, words[i][planted ? 1 : 0]);
	}
}

static void write_value(struct pen *p, struct buffer *a, struct buffer *b, int depth);

/** write_children() - each apart; then those of the first in order, those of the second perhaps not */
static void write_children(struct pen *p, struct buffer *a, struct buffer *b, bool object, int depth)
{
	struct buffer parts[2][CHILDREN] = { 0 };
	size_t count = random_bits() % (CHILDREN + 1), order[CHILDREN], len = strlen(p->path),
	       first = random_bits();

	for (size_t i = 0; i < count; i++) {
		const char *const *name = names[(first + i) % COUNT(names)];

		order[i] = i;
		if (object) {
			buffer_printf(&parts[0][i], "\"%s\":", name[0]);
			buffer_printf(&parts[1][i], "\"%s\"", name[random_bits() % 2]);
			space(&parts[1][i]);
			buffer_add_str(&parts[1][i], ":");
			snprintf(p->path + len, PATH_BYTES - len, "/%s", name[2]);
		} else {
			snprintf(p->path + len, PATH_BYTES - len, "/%zu", i);
		}
		write_value(p, &parts[0][i], &parts[1][i], depth + 1);
		p->path[len] = '\0';
	}
	if (object || p->shuffle_arrays)
		for (size_t i = count; i > 1; i--) {
			size_t j = random_bits() % i, kept = order[i - 1];

			order[i - 1] = order[j];
			order[j] = kept;
		}
	for (size_t i = 0; i < count; i++) {
		buffer_add_str(a, i ? "," : "");
		buffer_add_str(b, i ? "," : "");
		buffer_add_span(a, buffer_span(&parts[0][i]));
		buffer_add_span(b, buffer_span(&parts[1][order[i]]));
	}
	for (size_t i = 0; i < count; i++) {
		buffer_deinit(&parts[0][i]);
		buffer_deinit(&parts[1][i]);
	}
}

static void write_value(struct pen *p, struct buffer *a, struct buffer *b, int depth)
{
	uint64_t kind = depth < DEPTH ? random_bits() % 4 : 0;

	space(b);
	if (kind < 2 && depth > 0) {
		write_leaf(p, a, b);
	} else {
		bool object = kind != 2;

		buffer_add_str(a, object ? "{" : "[");
		buffer_add_str(b, object ? "{" : "[");
		write_children(p, a, b, object, depth);
		buffer_add_str(a, object ? "}" : "]");
		buffer_add_str(b, object ? "}" : "]");
	}
	space(b);
}

static void expect_equal(struct bench *t, struct buffer *a, struct buffer *b)
{
	struct findings f = bench_run(t, buffer_span(a), buffer_span(b));

	while (f.count > 0 && f.at[f.count - 1].kind == DIFFERENCE_IGNORED && f.at[f.count - 1].rule) /* the order of a set */
		f.count--;
	if (f.count > 0 || collector_verdict(t->out) < COMPARISON_CLOSE || collector_has(t->out, DIFFERENCE_CLOSE))
		fail_msg("%s at %s of %s and %s", difference_name(f.at[0].kind), f.at[0].path, buffer_text(a),
			 buffer_text(b));
}

static void expect_found(struct bench *t, struct buffer *a, struct buffer *b, const char *path)
{
	struct findings f = bench_run(t, buffer_span(a), buffer_span(b));
	size_t others = 0;
	bool found = false;

	for (size_t i = 0; i < f.count; i++) {
		if (f.at[i].kind == DIFFERENCE_DECISION)
			continue;
		if (strcmp(f.at[i].path, path) == 0)
			found = true;
		else
			others += strncmp(f.at[i].path, path, strlen(path)) !=
				  0; /* [0] for {} has its own below */
	}
	if (!found || others)
		fail_msg("%s: %s and %s", path, buffer_text(a), buffer_text(b));
}

static void rounds(const char *rules, bool shuffle_arrays)
{
	struct buffer a = { 0 }, b = { 0 };
	struct bench t;

	bench_open(&t, rules);
	for (int round = 0; round < ROUNDS; round++) {
		struct pen p = { .shuffle_arrays = shuffle_arrays,
				 .planted = round % 2 ? (int)(random_bits() % 8) : -1 };

		buffer_clear(&a);
		buffer_clear(&b);
		write_value(&p, &a, &b, 0);
		if (p.planted >= p.leaves)
			p.planted = -1;
		if (p.planted < 0) {
			expect_equal(&t, &a, &b);
			expect_equal(&t, &b, &a);
		} else if (shuffle_arrays) {
			bench_run(&t, buffer_span(&a), buffer_span(&b));
			assert_true(collector_verdict(t.out) < COMPARISON_CLOSE);
		} else {
			expect_found(&t, &a, &b, p.planted_path);
		}
	}
	bench_close(&t);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void test_same_and_planted(void **state)
{
	rounds("", false);
}

static void test_sets(void **state)
{
	rounds("/** set", true);
}

#define MANY 100000

/** write_many() - @step 1: from 0 up, -1: from the last down; @format twice takes the number */
static void write_many(struct buffer *out, char open, const char *format, int step, unsigned offset)
{
	buffer_clear(out);
	buffer_add(out, &open, 1);
	for (unsigned n = 0; n < MANY; n++) {
		unsigned i = offset + (step > 0 ? n : MANY - 1 - n);

		if (n)
			buffer_add_str(out, ",");
		buffer_printf(out, format, i, i);
	}
	buffer_add_str(out, open == '{' ? "}" : "]");
}

static void test_attacks(void **state)
{
	struct buffer a = { 0 }, b = { 0 };
	struct findings f;
	struct bench t;

	bench_open(&t, "/** set\n");
	write_many(&a, '{', "\"k%u\":%u", 1, 0);
	write_many(&b, '{', "\"k%u\":%u", -1, 0);
	expect_equal(&t, &a, &b);
	write_many(&b, '{', "\"k%u\":%u", 1, MANY); /* other names, all of them */
	f = bench_run(&t, buffer_span(&a), buffer_span(&b));
	assert_int_equal(f.count, FINDINGS_MAX);
	assert_int_equal(f.overflow, 2 * MANY - FINDINGS_MAX);
	assert_int_equal(collector_verdict(t.out), COMPARISON_SCHEMA);
	write_many(&a, '{', "\"k\":%u", 1, 0); /* one name */
	write_many(&b, '{', "\"k\":%u", 1, MANY);
	f = bench_run(&t, buffer_span(&a), buffer_span(&b));
	assert_int_equal(f.count, 1);
	assert_string_equal(f.at[0].path, "/k");
	write_many(&a, '[', "[%u,\"x\",{\"y\":%u}]", 1, 0);
	write_many(&b, '[', "[\"x\",%u,{\"y\":%u}]", -1, 0);
	expect_equal(&t, &a, &b);
	write_many(&a, '[', "%u", 1, 0); /* nothing has a partner of its own */
	write_many(&b, '[', "\"%u\"", -1, 0);
	f = bench_run(&t, buffer_span(&a), buffer_span(&b));
	assert_int_equal(f.count, 1);
	assert_int_equal(f.at[0].count, MANY);
	bench_close(&t);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

/* Sixty-four paths that are close, and then one that is wrong */
static void test_graver(void **state)
{
	struct buffer a = { 0 }, b = { 0 };
	struct findings f;
	struct bench t;

	bench_open(&t, "");
	buffer_add_str(&a, "{");
	buffer_add_str(&b, "{");
	for (int i = 0; i < 200; i++) {
		buffer_printf(&a, "\"k%d\":1,", i);
		buffer_printf(&b, "\"k%d\":1.000001,", i);
	}
	buffer_add_str(&a, "\"v\":1,\"t\":1}");
	buffer_add_str(&b, "\"v\":2,\"t\":null}");
	f = bench_run(&t, buffer_span(&a), buffer_span(&b));
	assert_int_equal(f.count, FINDINGS_MAX);
	assert_int_equal(f.overflow, 202 - FINDINGS_MAX);
	assert_string_equal(f.at[0].path, "/t");
	assert_int_equal(f.at[0].kind, DIFFERENCE_TYPE);
	assert_string_equal(f.at[1].path, "/v");
	assert_string_equal(f.at[1].production, "1");
	assert_string_equal(f.at[1].shadow, "2");
	assert_string_equal(f.at[2].path, "/k0");
	assert_true(fabs(f.at[2].max_abs - 1e-6) < 1e-12);
	bench_close(&t);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_and_planted),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_graver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
