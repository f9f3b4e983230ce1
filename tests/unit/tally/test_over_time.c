/*
 * test_over_time.c - bins of a run's course against a reference that knows all pairs at once
 *
 * The reference finds the least width in which everything fits, and counts. Bins that were fed the pairs in any order,
 * in parts that are written, read back and merged, have to say the same to the letter.
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/tally/over_time.h"

#define PAIRS_MAX 600
#define PARTS     3

static uint64_t random_below(uint64_t n)
{
	return random_next() % n;
}

static int64_t random_us(void)
{
	return random_below(8) == 0 ? -1 : (int64_t)random_below(UINT64_C(1) << (1 + random_below(40)));
}

static struct over_time_pair random_pair(uint64_t from, uint64_t seconds)
{
	struct over_time_pair p = { .at.ns = (int64_t)(from + random_below(seconds)) * NS_PER_S + (int64_t)random_below(NS_PER_S) };

	p.is_compared = random_below(8) > 0;
	p.is_mismatch = p.is_compared && random_below(3) == 0;
	p.is_generated = p.is_mismatch && random_below(2) == 0;
	p.has_health = random_below(8) > 0;
	p.is_bad[OVER_TIME_PRODUCTION] = random_below(2);
	p.is_bad[OVER_TIME_SHADOW] = random_below(2);
	p.is_timeout = random_below(8) == 0;
	p.us[OVER_TIME_PRODUCTION] = random_us();
	p.us[OVER_TIME_SHADOW] = p.is_timeout ? -1 : random_us();
	return p;
}

static void written(const struct over_time *t, bool has_control, struct buffer *out)
{
	struct json j = json_to(out);

	buffer_clear(out);
	json_open(&j, '{');
	over_time_json(t, has_control, &j);
	json_close(&j, '}');
}

static bool read_back(struct over_time *t, bool has_control, const struct buffer *text)
{
	struct json_doc doc = { 0 };
	bool ok;

	*t = (struct over_time){ 0 };
	assert_int_equal(json_doc_parse(&doc, buffer_span(text)), 0);
	ok = over_time_read(t, has_control, &doc, json_doc_member(&doc, 0, SPAN_LITERAL("over_time")));
	json_doc_deinit(&doc);
	return ok;
}

static int by_time(const void *a, const void *b)
{
	const struct over_time_pair *x = a, *y = b;

	return (x->at.ns > y->at.ns) - (x->at.ns < y->at.ns);
}

/* The bins of @pairs, as they are defined. */
static void expect(const struct over_time_pair *pairs, size_t n, const struct over_time *t)
{
	uint64_t least = UINT64_MAX, most = 0;
	unsigned power = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t s = (uint64_t)(pairs[i].at.ns / NS_PER_S);

		least = s < least ? s : least;
		most = s > most ? s : most;
	}
	while ((most >> power) - (least >> power) >= OVER_TIME_BINS)
		power++;
	assert_int_equal(t->power, power);
	assert_int_equal(t->first, least >> power);
	assert_int_equal(t->count, (most >> power) - (least >> power) + 1);
	for (unsigned b = 0; b < t->count; b++) {
		struct over_time_bin want = { 0 };
		uint64_t measured[OVER_TIME_SIDES] = { 0 }, counted[OVER_TIME_SIDES] = { 0 };

		for (size_t i = 0; i < n; i++) {
			const struct over_time_pair *p = &pairs[i];

			if ((uint64_t)(p->at.ns / NS_PER_S) >> power != t->first + b)
				continue;
			want.pairs++;
			want.compared += p->is_compared;
			want.mismatch += p->is_mismatch;
			want.generated += p->is_generated;
			want.errors_of += p->has_health;
			want.timeouts += p->is_timeout;
			for (int s = 0; s < OVER_TIME_SIDES; s++) {
				want.errors[s] += p->has_health && p->is_bad[s];
				measured[s] += p->us[s] >= 0;
			}
		}
		for (int s = 0; s < OVER_TIME_SIDES; s++) {
			for (size_t i = 0; i < OVER_TIME_BUCKETS; i++)
				counted[s] += t->bin[b].latency[s][i];
			assert_int_equal(counted[s], measured[s]);
			assert_int_equal(t->bin[b].errors[s], want.errors[s]);
		}
		assert_int_equal(t->bin[b].pairs, want.pairs);
		assert_int_equal(t->bin[b].compared, want.compared);
		assert_int_equal(t->bin[b].mismatch, want.mismatch);
		assert_int_equal(t->bin[b].generated, want.generated);
		assert_int_equal(t->bin[b].errors_of, want.errors_of);
		assert_int_equal(t->bin[b].timeouts, want.timeouts);
	}
}

static void test_bins_are_what_they_are_defined_to_be(void **state)
{
	static struct over_time_pair pairs[PAIRS_MAX];
	static struct over_time whole, part[PARTS], again, sum;
	const char *more = getenv("PROPERTY_ROUNDS");
	int rounds = more ? atoi(more) : 60;

	(void)state;
	for (int round = 0; round < rounds; round++) {
		uint64_t from = random_below(UINT64_C(1) << (1 + random_below(32))), seconds;
		bool has_control = round % 2;
		struct buffer one = { 0 }, two = { 0 };
		size_t n;

		random_state = (uint64_t)round * 7919;
		n = 1 + random_below(PAIRS_MAX);
		seconds = UINT64_C(1) << random_below(33);
		for (size_t i = 0; i < n; i++)
			pairs[i] = random_pair(from, seconds);
		if (round % 3 == 0)
			qsort(pairs, n, sizeof(pairs[0]), by_time);
		memset(&whole, 0, sizeof(whole));
		memset(&sum, 0, sizeof(sum));
		memset(part, 0, sizeof(part));
		for (size_t i = 0; i < n; i++) {
			over_time_add(&whole, &pairs[i]);
			over_time_add(&part[random_below(PARTS)], &pairs[i]);
		}
		expect(pairs, n, &whole);
		written(&whole, has_control, &one);
		for (int k = 0; k < PARTS; k++) {
			written(&part[k], has_control, &two);
			assert_true(read_back(&again, has_control, &two));
			over_time_merge(&sum, &again);
		}
		written(&sum, has_control, &two);
		assert_string_equal(buffer_text(&two), buffer_text(&one));
		buffer_deinit(&one);
		buffer_deinit(&two);
	}
}

/* A quantile is within an eighth of the one of the values themselves. */
static void test_quantiles(void **state)
{
	static const double qs[] = { 0, 0.5, 0.99 };
	static struct over_time t;

	(void)state;
	for (int round = 0; round < 100; round++) {
		int64_t values[200];
		size_t n = 1 + random_below(200);

		t = (struct over_time){ 0 };
		random_state = (uint64_t)round * 104729;
		for (size_t i = 0; i < n; i++) {
			struct over_time_pair p = { .us = { -1, (int64_t)random_below(UINT64_C(1) << (1 + random_below(28))) } };

			values[i] = p.us[OVER_TIME_SHADOW];
			over_time_add(&t, &p);
			for (size_t k = i; k > 0 && values[k - 1] > values[k]; k--) {
				int64_t v = values[k];

				values[k] = values[k - 1];
				values[k - 1] = v;
			}
		}
		assert_int_equal(t.count, 1);
		for (size_t i = 0; i < 3; i++) {
			size_t rank = (size_t)(qs[i] * (double)n);
			double exact = (double)values[rank < n ? rank : n - 1];
			double told = over_time_quantile(t.bin[0].latency[OVER_TIME_SHADOW], 0, qs[i]);

			assert_true(fabs(told - exact) <= exact / 8 + 0.5);
		}
		assert_true(isnan(over_time_quantile(t.bin[0].latency[OVER_TIME_SHADOW], n, 0.5)));
		assert_true(isnan(over_time_quantile(t.bin[0].latency[OVER_TIME_PRODUCTION], 0, 0.5)));
	}
}

static void test_ends_of_time(void **state)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, INT64_MAX };
	static struct over_time t, again;
	struct buffer text = { 0 };
	uint64_t pairs = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct over_time_pair p = { .at.ns = times[i], .us = { INT64_MAX, -1 } };

		over_time_add(&t, &p);
	}
	for (unsigned i = 0; i < t.count; i++)
		pairs += t.bin[i].pairs;
	assert_int_equal(pairs, 4);
	assert_true(t.power <= OVER_TIME_POWER_MAX);
	assert_int_equal(t.bin[0].latency[OVER_TIME_PRODUCTION][OVER_TIME_BUCKETS - 1], 3);
	written(&t, true, &text);
	assert_true(read_back(&again, true, &text));
	assert_memory_equal(&again, &t, sizeof(t));
	buffer_deinit(&text);
}

static void test_what_is_no_course_is_refused(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{\"width_s\":0,\"bins\":[]}",
		"{\"width_s\":3,\"bins\":[]}",
		"{\"width_s\":68719476736,\"bins\":[]}",
		"{\"width_s\":1,\"bins\":{}}",
		"{\"width_s\":1,\"bins\":[[1,2]]}",
		"{\"width_s\":2,\"bins\":[{\"start\":3,\"pairs\":1}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":9223372037,\"pairs\":1}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":0}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":1,\"compared\":2}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":2,\"compared\":1,\"mismatch\":2}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":2,\"compared\":2,\"mismatch\":1,\"generated_different\":2}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":2,\"errors_of\":1,\"shadow\":{\"errors\":2}}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":2,\"timeouts\":3}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":2,\"shadow\":{\"buckets\":[[112,1]]}}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":2,\"shadow\":{\"buckets\":[[1,4294967296]]}}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":9007199254740993}]}",
		"{\"width_s\":1,\"bins\":[{\"start\":3,\"pairs\":9007199254740992},{\"start\":4,\"pairs\":1}]}",
	};
	static struct over_time t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buffer text = { 0 };

		buffer_printf(&text, "{\"over_time\":%s}", bad[i]);
		if (read_back(&t, true, &text))
			fail_msg("read: %s", bad[i]);
		buffer_deinit(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bins_are_what_they_are_defined_to_be),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_ends_of_time),
		cmocka_unit_test(test_what_is_no_course_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
