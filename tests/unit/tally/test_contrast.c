/*
 * test_contrast.c - slices that are found by themselves: found when they are there, not when they aren't, told once
 *
 * Requests are made at random (fixed seeds). PROPERTY_ROUNDS says how many runs are simulated, up to ROUNDS_MAX.
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "compare/tally/contrast.h"
#include "tests/rig/fail_alloc.h"

#define MANY 1100
#define ROUNDS_MAX 1000 /* a minute */

static unsigned below(unsigned n)
{
	return (unsigned)(random_next() % n);
}

static unsigned rounds(unsigned usual)
{
	const char *wish = getenv("PROPERTY_ROUNDS");
	unsigned long runs = wish ? strtoul(wish, NULL, 10) : usual;

	return runs < ROUNDS_MAX ? (unsigned)runs : ROUNDS_MAX;
}

/* ---- requests ---- */

/** struct made - the features of a request, with all that they borrow */
struct made {
	struct feature_value at[MANY];
	char name[MANY][16], text[MANY][16];
	size_t count;
};

static void put_number(struct made *m, const char *name, double x)
{
	struct feature_value v = { .name = span_str(name), .aspect = FEATURE_NUMBER };

	v.code = feature_code(x);
	v.is_whole = floor(x) == x;
	m->at[m->count++] = v;
}

static void put_text(struct made *m, const char *name, const char *text, bool is_open)
{
	m->at[m->count++] = (struct feature_value){ span_str(name), FEATURE_VALUE, 0, false, is_open, span_str(text) };
}

static void put_nth(struct made *m, const char *name, unsigned n, bool is_open)
{
	char *text = m->text[m->count];

	snprintf(text, sizeof(m->text[0]), "t%u", n);
	put_text(m, name, text, is_open);
}

static const char *const sizes[] = { "/a", "/b/0", "/b/1", "/c/d", "/e", "/f", "/g/0/h", "/i" };
static const char *const rates[] = { "/temperature", "/top_p", "/x/0", "/x/1", "/x/2", "/x/3" };
static const char *const words[] = { "/task", "/lang", "/tenant", "/stream", "/format", "/user" };

/** usual() - what many requests have: 1,500 candidates; its shape, padded to a power of two, is one of them, and returned */
static double usual(struct made *m)
{
	double shape = exp2(random_unit() < 0.03 ? 8 + below(2) : below(8));

	m->count = 0;
	put_nth(m, "path", below(4), true);
	put_nth(m, "model", below(3), true);
	put_nth(m, "client", below(60), false);
	put_number(m, "/inputs/0/shape/1", shape);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (below(8))
			put_number(m, sizes[i], floor(exp2(random_unit() * (4 + (double)i))));
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		put_number(m, rates[i], random_unit() * 2 - (i % 2 ? 1 : 0));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (below(5))
			put_nth(m, words[i], below(2u << i), false);
	return shape;
}

/* ---- reports ---- */

static struct buffer written(const struct contrast *e)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	contrast_json(e, 1, &j);
	json_close(&j, '}');
	assert_true(buffer_ok(&out));
	return out;
}

static struct contrast *read_back(struct span text)
{
	struct json_doc d = { 0 };
	struct contrast *e;

	assert_int_equal(json_doc_parse(&d, text), 0);
	assert_int_equal(contrast_read(&d, json_doc_member(&d, 0, SPAN_LITERAL("features")), &e), 0);
	json_doc_deinit(&d);
	return e;
}

static void same_text(const struct contrast *a, const struct contrast *b)
{
	struct buffer x = written(a), y = written(b);

	if (!span_equal(buffer_span(&x), buffer_span(&y)))
		fail_msg("%s\n\nand\n\n%s", buffer_text(&x), buffer_text(&y));
	buffer_deinit(&x);
	buffer_deinit(&y);
}

static const char *where_of(const struct explained *x)
{
	static char text[256];
	struct buffer out = { 0 };

	contrast_where(x, &out);
	snprintf(text, sizeof(text), "%s", buffer_text(&out));
	buffer_deinit(&out);
	return text;
}

static struct contrast *empty(bool shows)
{
	struct contrast *e = contrast_new(shows);

	assert_non_null(e);
	return e;
}

/* ---- statistics ---- */

/* Nothing is there to be found, and it is looked for again and again: how many runs find something at any time? */
static void test_nothing_there(void **state)
{
	unsigned runs = rounds(12), wrong = 0;
	static struct made m;

	(void)state;
	for (unsigned run = 0; run < runs; run++) {
		struct contrast *e = empty(false);
		struct explained found[CONTRAST_MOST];
		double rate = run % 3 == 0 ? 0.01 : run % 3 == 1 ? 0.1 : 0.5;
		size_t count = 0;

		random_state = 1000 + run;
		for (unsigned n = 1; n <= 5000; n++) {
			usual(&m);
			contrast_add(e, m.at, m.count, random_next(), random_unit() < rate);
			if (n >= 64 && (n % 500 == 0 || (n & (n - 1)) == 0))
				count += contrast_find(e, 1, found);
		}
		wrong += count > 0;
		contrast_free(e);
	}
	print_message("          %u of %u runs find what isn't there\n", wrong, runs);
	assert_true(wrong <= runs * 5 / 100 + (runs < 20));
}

/* Each request comes ten times, and is answered in the same way each time: it is one witness, not ten. */
static void test_repeats(void **state)
{
	unsigned runs = rounds(12), wrong[2] = { 0, 0 };
	static struct made m;

	(void)state;
	for (unsigned run = 0; run < runs; run++) {
		struct contrast *e = empty(false);
		struct explained found[CONTRAST_MOST];

		random_state = 2000 + run;
		for (unsigned n = 0; n < 500; n++) {
			bool bad = random_unit() < 0.1;

			usual(&m);
			for (int again = 0; again < 10; again++)
				contrast_add(e, m.at, m.count, random_next(), bad);
		}
		wrong[0] += contrast_find(e, 1, found) > 0;
		wrong[1] += contrast_find(e, 10, found) > 0;
		contrast_free(e);
	}
	print_message("          %u of %u runs find what isn't there, taken for independent %u\n", wrong[1], runs, wrong[0]);
	assert_true(wrong[0] > runs / 2);
	assert_true(wrong[1] <= runs * 5 / 100 + (runs < 20));
}

/** struct power - what came of some runs */
struct power {
	unsigned found, right; /* ... with the right threshold */
};

/** planted() - in runs with @pairs pairs, is the slice of 3 % with @times the mismatches found first? */
static struct power planted(unsigned runs, unsigned pairs, double times)
{
	struct power power = { 0, 0 };
	static struct made m;

	for (unsigned run = 0; run < runs; run++) {
		struct contrast *e = empty(false);
		struct explained found[CONTRAST_MOST];

		random_state = 77 + run;
		for (unsigned n = 0; n < pairs; n++) {
			double shape = usual(&m);

			contrast_add(e, m.at, m.count, random_next(), random_unit() < (shape > 128 ? 0.009 * times : 0.009));
		}
		if (contrast_find(e, 1, found) > 0) {
			power.found++;
			power.right += strcmp(where_of(&found[0]), "/inputs/0/shape/1 > 128") == 0;
			assert_true(span_equal(found[0].name, SPAN_LITERAL("/inputs/0/shape/1")));
			assert_true(found[0].ratio_low > 1 && found[0].ratio_low < times && found[0].ratio > 0.4 * times);
			assert_int_equal(found[0].pairs + found[0].other_pairs, pairs);
			assert_in_range(found[0].example_count, 1, CONTRAST_EXAMPLES);
		}
		contrast_free(e);
	}
	print_message("          %.0f times in 3 %% of %u pairs: found in %u of %u, with its threshold in %u\n", times, pairs, power.found,
		      runs, power.right);
	return power;
}

static void test_planted(void **state)
{
	unsigned runs = rounds(8);
	struct power many = planted(runs, 5000, 14), few = planted(runs, 1500, 14), weak = planted(runs, 5000, 5);

	(void)state;
	assert_true(many.found >= runs * 19 / 20 && many.right >= runs * 9 / 10);
	assert_true(few.found >= runs / 8);
	assert_true(weak.found >= runs / 50);
}

/* The same pairs under another name, or with others around them, are told once; another slice is another. */
static void test_told_once(void **state)
{
	static struct made m;
	struct contrast *e = empty(true);
	struct explained found[CONTRAST_MOST];

	(void)state;
	random_state = 5;
	for (int n = 0; n < 20000; n++) {
		bool bad = usual(&m) > 128, other = below(25) == 0;

		put_number(&m, "/copy", bad ? 1000 : 1);
		put_number(&m, "/nearly", bad || below(50) == 0);
		put_text(&m, "/half", bad || below(2) ? "yes" : "no", false);
		put_text(&m, "/other", other ? "it" : "not", false);
		contrast_add(e, m.at, m.count, random_next(), random_unit() < (bad ? 0.4 : other ? 0.1 : 0.01));
	}
	assert_int_equal(contrast_find(e, 1, found), 2);
	assert_true(strcmp(where_of(&found[0]), "/inputs/0/shape/1 > 128") == 0 || strcmp(where_of(&found[0]), "/copy > 1") == 0);
	assert_string_equal(where_of(&found[1]), "/other is \"it\"");
	contrast_free(e);
}

/* All that differ are inside: the ratio isn't known, its lower bound is. */
static void test_only_there(void **state)
{
	struct contrast *e = empty(false);
	struct explained found[CONTRAST_MOST];
	static struct made m;

	(void)state;
	for (unsigned n = 0; n < 400; n++) {
		m.count = 0;
		put_number(&m, "/x", n % 10 == 0 ? -3.5 : 2);
		contrast_add(e, m.at, m.count, n + 1, n % 10 == 0);
	}
	assert_int_equal(contrast_find(e, 1, found), 1);
	assert_string_equal(where_of(&found[0]), "/x <= 0");
	assert_true(isinf(found[0].ratio) && isfinite(found[0].ratio_low) && found[0].ratio_low > 1);
	assert_int_equal(found[0].mismatches, 40);
	assert_int_equal(found[0].other_mismatches, 0);
	assert_int_equal(found[0].example_count, CONTRAST_EXAMPLES);
	for (size_t i = 0; i < CONTRAST_EXAMPLES; i++)
		assert_int_equal(found[0].examples[i] % 10, 1);
	contrast_free(e);
}

/* ---- words ---- */

#define BETWEEN(name_, aspect_, above_, at_most_, whole)                                                      \
	{ .name = SPAN_LITERAL(name_), .aspect = FEATURE_##aspect_, .kind = EXPLAINED_BETWEEN,                \
	  .above = above_, .at_most = at_most_, .is_whole = whole }

static void test_words(void **state)
{
	const double low = feature_edge(FEATURE_NUMBER, -1), high = feature_edge(FEATURE_NUMBER, 0);
	const struct {
		struct explained x;
		const char *words;
	} rows[] = {
		{ BETWEEN("/x", NUMBER, 128, INFINITY, true), "/x > 128" },
		{ BETWEEN("/x", NUMBER, -INFINITY, 107.6, true), "/x <= 107" },
		{ BETWEEN("/x", NUMBER, 90.5, 107.6, true), "/x > 90 and <= 107" },
		{ BETWEEN("/x", NUMBER, 3.4, 4, true), "/x = 4" },
		{ BETWEEN("/x", NUMBER, -4.76, -4, true), "/x = -4" },
		{ BETWEEN("/x", NUMBER, 0.595, 0.7071, false), "/x > 0.595 and <= 0.7071" },
		{ BETWEEN("/x", NUMBER, low, high, false), "/x = 0" },
		{ BETWEEN("/x", NUMBER, low, high, true), "/x = 0" },
		{ BETWEEN("/x", NUMBER, low, INFINITY, false), "/x >= 0" },
		{ BETWEEN("/x", NUMBER, -INFINITY, low, false), "/x < 0" },
		{ BETWEEN("/x", NUMBER, high, INFINITY, false), "/x > 0" },
		{ BETWEEN("/messages", ELEMENTS, 8, INFINITY, true), "elements of /messages > 8" },
		{ BETWEEN("/prompt", BYTES, 4096, INFINITY, true), "bytes of /prompt > 4096" },
		{ BETWEEN("body", BYTES, 4096, INFINITY, true), "bytes of body > 4096" },
		{ BETWEEN("", ELEMENTS, 8, INFINITY, true), "elements of the body > 8" },
		{ BETWEEN("/d", LEAST, -INFINITY, low, false), "least number of /d < 0" },
		{ BETWEEN("/d", ZEROS, 0.45, 0.5, false), "share of zeros of /d > 0.45 and <= 0.5" },
		{ BETWEEN("hour", HOUR, 16, 17, true), "hour (UTC) = 17" },
		{ BETWEEN("hour", HOUR, 17, INFINITY, true), "hour (UTC) > 17" },
		{ { .name = SPAN_LITERAL("/task"), .kind = EXPLAINED_VALUE, .number = 3 }, "it is value #3 of /task" },
		{ { .name = SPAN_LITERAL("/task"), .kind = EXPLAINED_VALUE, .number = 3, .value = SPAN_LITERAL("sum") }, "/task is \"sum\"" },
		{ { .name = SPAN_LITERAL("/user"), .kind = EXPLAINED_GROUP, .number = 5 },
		  "it is one of the rarer values of /user, in their group 5" },
		{ { .name = SPAN_LITERAL("header:accept"), .kind = EXPLAINED_MISSING }, "header:accept is missing" },
		{ { .name = SPAN_LITERAL("/a"), .aspect = FEATURE_NUMBER, .kind = EXPLAINED_MISSING }, "/a is missing, or no number" },
		{ { .name = SPAN_LITERAL("/a"), .aspect = FEATURE_BYTES, .kind = EXPLAINED_THERE }, "/a is a text" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(where_of(&rows[i].x), rows[i].words);
}

/* ---- merging, files ---- */

/** add_made() - @count usual requests, a share of them to each of @taps, and all to @one */
static void add_made(struct contrast **taps, unsigned tap_count, struct contrast *one, unsigned count)
{
	static struct made m;

	for (unsigned n = 0; n < count; n++) {
		double shape = usual(&m);
		uint64_t id = random_next();
		bool bad = random_unit() < (shape > 128 ? 0.2 : 0.02);

		for (size_t i = 0; i < m.count; i++) /* as many texts as have room */
			if (m.at[i].aspect == FEATURE_VALUE && strlen((const char *)m.at[i].text.at) > 2)
				m.at[i].text.len = 2;
		contrast_add(one, m.at, m.count, id, bad);
		contrast_add(taps[below(tap_count)], m.at, m.count, id, bad);
	}
}

/* Taps merged, in any order and through files, say what one tap that saw all says. */
static void test_taps(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		struct contrast *one = empty(true), *taps[3] = { empty(true), empty(true), empty(true) };

		random_state = round;
		add_made(taps, 3, one, 3000);
		for (int order = 0; order < 3; order++) {
			struct contrast *merged = empty(false);

			for (int i = 0; i < 3; i++) {
				struct buffer text = written(taps[(order + i * (order == 1 ? 2 : 1)) % 3]);
				struct contrast *again = read_back(buffer_span(&text));

				contrast_merge(merged, again);
				contrast_free(again);
				buffer_deinit(&text);
			}
			same_text(merged, one);
			contrast_free(merged);
		}
		for (int i = 0; i < 3; i++)
			contrast_free(taps[i]);
		contrast_free(one);
	}
}

/* Cells of numbers get as wide as they have to, whatever the order in which numbers come. */
static void test_widths(void **state)
{
	static struct made m;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct contrast *forth = empty(false), *back = empty(false);
		double numbers[200];
		int count = 1 + round * 4;

		random_state = (uint64_t)round;
		for (int i = 0; i < count; i++)
			numbers[i] = (below(2) ? 1 : -1) * exp2((random_unit() - 0.5) * round) * (below(9) != 0);
		for (int i = 0; i < count; i++) {
			m.count = 0;
			put_number(&m, "/x", numbers[i]);
			contrast_add(forth, m.at, m.count, (uint64_t)i + 1, i % 3 == 0);
		}
		for (int i = count - 1; i >= 0; i--) {
			m.count = 0;
			put_number(&m, "/x", numbers[i]);
			contrast_add(back, m.at, m.count, (uint64_t)i + 1, i % 3 == 0);
		}
		same_text(forth, back);
		contrast_free(forth);
		contrast_free(back);
	}
}

/* ---- bounds ---- */

static double number_at(struct span text, const char *name)
{
	struct json_doc d = { 0 };
	uint32_t node;
	double x;

	assert_int_equal(json_doc_parse(&d, text), 0);
	node = json_doc_member(&d, json_doc_member(&d, 0, SPAN_LITERAL("features")), span_str(name));
	assert_true(node > 0);
	x = d.nodes[node].type == JSON_ARRAY ? d.nodes[node].count : json_doc_double(&d, node);
	json_doc_deinit(&d);
	return x;
}

/** put_many() - @count features from the @first on, with a text of its own in each request */
static void put_many(struct made *m, unsigned first, unsigned count, unsigned request)
{
	m->count = 0;
	for (unsigned i = 0; i < count; i++) {
		snprintf(m->name[i], sizeof(m->name[i]), "/%u", first + i);
		put_nth(m, m->name[i], request, true);
	}
}

/* More features, and more texts, than there is room for: counted where there is room, and memory ends. */
static void test_full(void **state)
{
	static struct made m;
	size_t before = allocated;
	struct contrast *e = empty(true), *again;
	struct buffer text;

	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		put_many(&m, n, 1000, n);
		contrast_add(e, m.at, m.count, n + 1, n % 2);
	}
	assert_true(allocated - before <= CONTRAST_BYTES_MAX + CONTRAST_TEXT_BYTES_MAX);
	text = written(e);
	assert_true(number_at(buffer_span(&text), "list") == FEATURES_MAX);
	assert_true(number_at(buffer_span(&text), "rows") == CONTRAST_ROWS);
	/* the features of the first request are there: the n-th is missing from the n-th on */
	assert_true(number_at(buffer_span(&text), "refused") == 300.0 * 1000 - (300.0 * FEATURES_MAX - 300.0 * 299 / 2));
	again = read_back(buffer_span(&text));
	same_text(e, again);
	contrast_free(again);
	contrast_free(e);
	buffer_deinit(&text);
}

/* A tap that was full does not know whether its requests have a feature: they are left out of the figures for it. */
static void test_full_taps(void **state)
{
	static struct made m;
	struct contrast *full = empty(false), *other = empty(false), *merged = empty(false);
	struct explained found[CONTRAST_MOST];

	(void)state;
	for (unsigned n = 0; n < 1000; n++) {
		put_many(&m, 0, 600, 0);
		contrast_add(full, m.at, m.count, 5000 + n, n % 2);
	}
	for (unsigned n = 0; n < 1000; n++) {
		m.count = 0;
		put_number(&m, "/only/here", n % 10);
		contrast_add(other, m.at, m.count, n, n % 10 == 9);
	}
	contrast_merge(merged, other);
	contrast_merge(merged, full);
	/* against all pairs, "is there" would be the slice that is better, and "missing" stand out with 500 of 1000 */
	assert_int_equal(contrast_find(merged, 1, found) > 0, true);
	for (size_t i = 0; i < contrast_find(merged, 1, found); i++)
		if (span_equal(found[i].name, SPAN_LITERAL("/only/here"))) {
			assert_string_equal(where_of(&found[i]), "/only/here > 8");
			assert_int_equal(found[i].pairs, 100);
			assert_int_equal(found[i].other_pairs, 900);
		}
	contrast_free(full);
	contrast_free(other);
	contrast_free(merged);
}

static void test_out_of_memory(void **state)
{
	static struct made m;

	(void)state;
	for (long n = 0; n < 20; n++) {
		struct contrast *e = empty(true);

		fail_at = n;
		for (unsigned k = 0; k < 3; k++) {
			put_many(&m, 0, 8, k);
			contrast_add(e, m.at, m.count, k + 1, true);
		}
		fail_at = -1;
		contrast_free(e);
	}
}

/* ---- what is shown ---- */

static void test_texts(void **state)
{
	static struct made m;

	(void)state;
	for (int shows = 0; shows < 2; shows++) {
		struct contrast *e = empty(shows);
		struct explained found[CONTRAST_MOST];
		struct buffer text;

		for (unsigned n = 0; n < 600; n++) {
			m.count = 0;
			put_text(&m, "path", "/v1/open", true);
			put_text(&m, "/secret", n % 10 ? "nothing" : "what a person wrote", false);
			contrast_add(e, m.at, m.count, n + 1, n % 10 == 0);
		}
		text = written(e);
		assert_non_null(strstr(buffer_text(&text), "/v1/open"));
		assert_int_equal(strstr(buffer_text(&text), "what a person wrote") != NULL, shows);
		assert_int_equal(contrast_find(e, 1, found), 1);
		if (shows)
			assert_string_equal(where_of(&found[0]), "/secret is \"what a person wrote\"");
		else
			assert_non_null(strstr(where_of(&found[0]), " of /secret"));
		/* two cells, of which 12 bits are told, or more */
		assert_int_equal(strstr(buffer_text(&text), "\"/secret\",\"aspect\":\"value\",\"cells\":[[\"00000") != NULL, !shows);
		buffer_deinit(&text);
		contrast_free(e);
	}
}

/* ---- files of others ---- */

#define FEATURE(rest) "{\"pairs\":9,\"mismatch\":4,\"list\":[{\"at\":\"/x\",\"aspect\":\"number\"," rest "}]}"

static const struct {
	const char *features;
	bool good;
} files[] = {
	{ "{\"pairs\":9,\"mismatch\":4}", true },
	{ FEATURE("\"cells\":[[1,9,4]]"), true },
	{ FEATURE("\"cells\":[[1,5,4],[2,4,0]],\"shift\":3,\"whole\":true"), true },
	{ FEATURE("\"cells\":[[1,5,1,\"x\"]],\"unseen\":[3,2]"), true },
	{ "{\"pairs\":9,\"mismatch\":4,\"list\":[{\"at\":\"/x\",\"aspect\":\"new\"},{\"at\":\"\xff\",\"aspect\":\"number\"}]}", true },
	{ "{\"pairs\":9,\"mismatch\":4,\"rows\":[[\"0123456789abcdef\",\"..0zz\"],[\"0123456789abcdef\",\"\"]]}", true },
	{ "{\"pairs\":9,\"mismatch\":10}", false },
	{ "{\"pairs\":4294967296,\"mismatch\":4}", false },
	{ "{}", false },
	{ FEATURE("\"cells\":[[1,10,4]]"), false },
	{ FEATURE("\"cells\":[[1,4,4],[2,2,1]]"), false },
	{ FEATURE("\"cells\":[[1,9,0]]"), false },
	{ FEATURE("\"cells\":[[1,9,0,7]]"), false },
	{ FEATURE("\"cells\":[[1,4,5]]"), false },
	{ FEATURE("\"cells\":[[1,9]]"), false },
	{ FEATURE("\"cells\":[[1.5,9,4]]"), false },
	{ FEATURE("\"cells\":[[999,9,4]]"), false },
	{ FEATURE("\"cells\":[[\"01234567\",9,4]]"), false },
	{ FEATURE("\"cells\":[[1,9,4]],\"shift\":11"), false },
	{ FEATURE("\"cells\":[[1,9,4]],\"unseen\":[1,0]"), false },
	{ FEATURE("\"cells\":[]},{\"at\":\"/x\",\"aspect\":\"number\",\"cells\":[]"), false },
	{ "{\"pairs\":9,\"mismatch\":4,\"list\":[{\"at\":\"/x\",\"aspect\":\"value\",\"cells\":[[\"0123456g\",9,4]]}]}", false },
	{ "{\"pairs\":9,\"mismatch\":4,\"list\":[{\"at\":\"/x\",\"aspect\":\"value\",\"cells\":[[16,9,4]]}]}", false },
	{ "{\"pairs\":9,\"mismatch\":4,\"rows\":[[\"0123\",\"\"]]}", false },
	{ "{\"pairs\":9,\"mismatch\":4,\"rows\":[7]}", false },
	{ "{\"pairs\":9,\"mismatch\":4,\"refused\":-1}", false },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct json_doc d = { 0 };
		struct contrast *e;

		assert_int_equal(json_doc_parse(&d, span_str(files[i].features)), 0);
		if ((contrast_read(&d, 0, &e) == 0) != files[i].good)
			fail_msg("%s", files[i].features);
		if (e) {
			struct buffer text = written(e);

			buffer_deinit(&text);
		}
		contrast_free(e);
		json_doc_deinit(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_planted),       cmocka_unit_test(test_told_once),
		cmocka_unit_test(test_only_there),    cmocka_unit_test(test_words),         cmocka_unit_test(test_taps),
		cmocka_unit_test(test_widths),        cmocka_unit_test(test_full),          cmocka_unit_test(test_full_taps),
		cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_texts),         cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
