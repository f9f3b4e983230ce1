/*
 * test_first_pairs.c - a fair sample of the different requests, whatever the order, the repeats and the number of taps
 */
#include "tests/rig/unit.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "compare/tally/first_pairs.h"
#include "tests/rig/fail_alloc.h"

#define STANDARD_ERROR (1.2 / 128)
#define BYTES_MAX      (32768 * sizeof(struct first_pair))

static uint64_t hash_of(uint64_t n)
{
	static const struct hash_key key = { 1, 2 };

	return hash_bytes(&key, &n, sizeof(n));
}

static struct buffer written(const struct first_pairs *f)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	first_pairs_json(f, &j, "first_pairs");
	json_close(&j, '}');
	assert_true(buffer_ok(&out));
	return out;
}

static bool read_text(struct first_pairs *f, struct span text)
{
	struct json_doc d = { 0 };
	bool is_read;

	assert_int_equal(json_doc_parse(&d, text), 0);
	is_read = first_pairs_read(f, &d, json_doc_member(&d, 0, SPAN_LITERAL("first_pairs")));
	json_doc_deinit(&d);
	return is_read;
}

static void same_sample(const struct first_pairs *a, const struct first_pairs *b)
{
	struct buffer x = written(a), y = written(b);

	assert_int_equal(a->level, b->level);
	assert_int_equal(a->count, b->count);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.bytes, y.bytes, x.len);
	buffer_deinit(&x);
	buffer_deinit(&y);
}

/* Exact up to the cap, then within four standard errors at every size, repeats or not. */
static void test_distinct(void **state)
{
	struct first_pairs f = { 0 };
	uint64_t seen = 0;

	(void)state;
	assert_int_equal(first_pairs_distinct(&f), 0);
	for (uint64_t next = 1; next <= 2000000; next += next / 3 + 1) {
		for (; seen < next; seen++) {
			first_pairs_add(&f, hash_of(seen), 0, FIRST_AGREES);
			first_pairs_add(&f, hash_of(seen / 2), 0, FIRST_AGREES);
		}
		assert_true(f.count <= FIRST_PAIRS_MAX && f.slot_count <= 2 * FIRST_PAIRS_MAX);
		if (seen <= FIRST_PAIRS_MAX) {
			assert_int_equal(f.level, 0);
			assert_int_equal(first_pairs_distinct(&f), seen);
		} else {
			double off = (double)first_pairs_distinct(&f) / (double)seen - 1;

			if (f.level == 0 || fabs(off) > 4 * STANDARD_ERROR)
				fail_msg("%llu of %llu", (unsigned long long)first_pairs_distinct(&f), (unsigned long long)seen);
		}
	}
	assert_int_equal(f.level, 7); /* 2^7 of them, and no more than is needed */
	first_pairs_deinit(&f);
}

/* What came most often weighs no more: 3 % of the requests differ, and these came a hundred times as often. */
static void test_fair(void **state)
{
	struct first_pairs f = { 0 };
	double of, differ;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		for (int times = i % 100 < 3 ? 100 : 1; times > 0; times--)
			first_pairs_add(&f, hash_of(i), 0, i % 100 < 3 ? FIRST_DIFFERS : FIRST_AGREES);
	differ = (double)first_pairs_with(&f, FIRST_DIFFERS);
	of = differ + (double)first_pairs_with(&f, FIRST_AGREES);
	assert_true(of > FIRST_PAIRS_MAX / 4.0);
	if (fabs(differ / of - 0.03) > 4 * sqrt(0.03 * 0.97 / of))
		fail_msg("%g of %g", differ, of);
	first_pairs_deinit(&f);
}

/* Of one request, the pairs in turn: what it counts as. */
static const struct {
	enum first_verdict pairs[4], counts;
} turns[] = {
	{ { FIRST_AGREES, FIRST_DIFFERS, FIRST_DIFFERS }, FIRST_AGREES },
	{ { FIRST_DIFFERS, FIRST_AGREES, FIRST_UNCOMPARED }, FIRST_DIFFERS },
	{ { FIRST_UNCOMPARED, FIRST_UNCOMPARED }, FIRST_UNCOMPARED },
	{ { FIRST_UNCOMPARED, FIRST_GENERATED, FIRST_AGREES }, FIRST_GENERATED }, /* nothing was known of it before */
};

static void test_first_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct first_pairs f = { 0 };

		for (int k = 0; k < 4 && turns[i].pairs[k] != FIRST_NONE; k++)
			assert_non_null(first_pairs_add(&f, hash_of(i), (uint8_t)(9 - k), turns[i].pairs[k]));
		assert_int_equal(f.count, 1);
		for (enum first_verdict v = FIRST_UNCOMPARED; v < FIRST_VERDICTS; v++)
			assert_int_equal(first_pairs_with(&f, v), v == turns[i].counts);
		assert_int_equal(first_pairs_with(&f, FIRST_NONE), 0);
		first_pairs_deinit(&f);
	}
}

static enum first_verdict verdict_of(uint64_t i)
{
	return (enum first_verdict)(FIRST_UNCOMPARED + hash_of(i + 77) % 4);
}

/* In whatever parts and order the requests come, the merged sample is the same: that of one tap. */
static void test_merges(void **state)
{
	static const uint64_t sizes[] = { 0, 10, 1000, 16384, 16385, 20000, 70000, 300000 };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct first_pairs whole = { 0 }, part[3] = { 0 }, read = { 0 };
		struct buffer text;

		for (uint64_t i = 0; i < sizes[s]; i++) {
			uint64_t hash = hash_of(i), back = hash_of(sizes[s] - 1 - i);

			first_pairs_add(&whole, hash, (uint8_t)hash, verdict_of(hash));
			first_pairs_add(&part[i % 7 == 0 ? 0 : 1], back, (uint8_t)back, verdict_of(back));
			if (i % 3 == 0)
				first_pairs_add(&part[2], hash, (uint8_t)hash, verdict_of(hash));
		}
		text = written(&part[0]);
		assert_true(read_text(&read, buffer_span(&text)));
		same_sample(&read, &part[0]);
		first_pairs_merge(&part[2], &read);
		first_pairs_merge(&part[1], &part[2]);
		same_sample(&part[1], &whole);
		buffer_deinit(&text);
		for (int p = 0; p < 3; p++)
			first_pairs_deinit(&part[p]);
		first_pairs_deinit(&whole);
		first_pairs_deinit(&read);
	}
}

/*
 * Three taps saw each request first, and each says otherwise of 10 %: whichever is added to which, the result is the
 * same, and 10 % differ. (The graver of three would make it 27 %.)
 */
static void test_lot(void **state)
{
	enum { REQUESTS = 10000, TAPS = 3 };
	struct first_pairs tap[TAPS] = { 0 }, sum[2] = { 0 };
	double differ;

	(void)state;
	for (uint64_t t = 0; t < TAPS; t++)
		for (uint64_t i = 0; i < REQUESTS; i++) {
			uint64_t chance = hash_of(i * TAPS + t + (1 << 20));

			first_pairs_add(&tap[t], hash_of(i), (uint8_t)chance,
					(chance >> 8) % 10 == 0 ? FIRST_DIFFERS : FIRST_AGREES);
		}
	first_pairs_merge(&sum[0], &tap[0]);
	first_pairs_merge(&sum[0], &tap[1]);
	first_pairs_merge(&sum[0], &tap[2]);
	first_pairs_merge(&tap[2], &tap[1]);
	first_pairs_merge(&sum[1], &tap[2]);
	first_pairs_merge(&sum[1], &tap[0]);
	same_sample(&sum[0], &sum[1]);
	assert_int_equal(sum[0].count, REQUESTS);
	differ = (double)first_pairs_with(&sum[0], FIRST_DIFFERS) / REQUESTS;
	if (fabs(differ - 0.1) > 4 * sqrt(0.09 / REQUESTS))
		fail_msg("%g", differ);
	for (int t = 0; t < TAPS; t++)
		first_pairs_deinit(&tap[t]);
	first_pairs_deinit(&sum[0]);
	first_pairs_deinit(&sum[1]);
}

/* Hashes that somebody chose: the smallest that there are, so that no threshold drops them; one alone; a row of neighbours. */
static void test_chosen_hashes(void **state)
{
	static const struct {
		uint64_t step, count;
	} rows[] = { { 1 << 24, 200000 }, { 0, 200000 }, { UINT64_C(1) << 40, 200000 }, { UINT64_MAX / 200000, 200000 } };

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct first_pairs f = { 0 };
		size_t before = allocated;

		for (uint64_t i = 0; i < rows[row].count; i++)
			first_pairs_add(&f, i * rows[row].step, (uint8_t)i, FIRST_AGREES);
		assert_true(f.count >= 1 && f.count <= FIRST_PAIRS_MAX && f.level <= FIRST_LEVEL_MAX);
		assert_true(allocated - before <= 2 * BYTES_MAX); /* all tables that it grew out of, too */
		assert_true(first_pairs_distinct(&f) < UINT64_C(1) << 53);
		first_pairs_deinit(&f);
	}
}

/* Whichever allocation fails, what is left is a fair sample, only smaller; with no memory at all, it is empty. */
static void test_out_of_memory(void **state)
{
	(void)state;
	fail_all_further = true;
	for (long n = 0; n <= 10; n++) {
		struct first_pairs f = { 0 };
		double off;

		fail_at = n;
		for (uint64_t i = 0; i < 20000; i++)
			first_pairs_add(&f, hash_of(i), 0, FIRST_AGREES);
		fail_at = -1;
		off = (double)first_pairs_distinct(&f) / 20000 - 1;
		assert_int_equal(f.slot_count, n == 0 ? 0 : 32 << n);
		if (n > 0 && fabs(off) > 4 * 1.2 / sqrt((double)f.slot_count / 2))
			fail_msg("%g off after %ld allocations", off, n);
		first_pairs_deinit(&f);
	}
	fail_all_further = false;
}

static const struct {
	const char *text;
	bool is_read;
} files[] = {
	{ "{\"first_pairs\":{}}", true },
	{ "{\"first_pairs\":{\"level\":26,\"agree\":\"\"}}", true },
	{ "{\"first_pairs\":{\"level\":27}}", false },
	{ "{\"first_pairs\":{\"level\":-1}}", false },
	{ "{\"first_pairs\":{\"level\":\"1\"}}", false },
	{ "{\"first_pairs\":{\"agree\":7}}", false },
	{ "{\"first_pairs\":{\"agree\":\"0123456789a\"}}", false },
	{ "{\"first_pairs\":{\"agree\":\"0123456789ab\",\"differ\":\"0123456789ab0123456789ac\"}}", true },
	{ "{\"first_pairs\":{\"generated\":\"0123456789aB\"}}", false },
	{ "{\"first_pairs\":{\"uncompared\":\"\\u0030\\u0030\"}}", false },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct first_pairs f = { 0 };

		if (read_text(&f, span_str(files[i].text)) != files[i].is_read)
			fail_msg("%s is %sread", files[i].text, files[i].is_read ? "not " : "");
		first_pairs_deinit(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distinct),      cmocka_unit_test(test_fair),
		cmocka_unit_test(test_first_counts),  cmocka_unit_test(test_merges),
		cmocka_unit_test(test_lot),           cmocka_unit_test(test_chosen_hashes),
		cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
