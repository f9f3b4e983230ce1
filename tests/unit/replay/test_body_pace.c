/* test_body_pace.c - when the parts of a call are due */
#include "tests/rig/unit.h"

#include "replay/body_pace.h"

#define AT_MS(ms) ((struct mono){ (ms) * NS_PER_MS })

static struct arrival arrivals[] = { { 0, 5000 }, { 6, 105000 }, { 18, 305000 } };

/* 24 bytes in three parts, and the end 100 ms after the last */
static const struct message call = {
	.origin = { .ts_first = { 1000 * NS_PER_S }, .ts_last = { 1000 * NS_PER_S + 405 * NS_PER_MS } },
	.body_len = 24,
	.arrivals = arrivals,
	.arrival_count = 3,
};

static void test_length(void **state)
{
	struct message whole = call;

	assert_int_equal(body_pace_length_ns(&call, 1), 405 * NS_PER_MS);
	assert_int_equal(body_pace_length_ns(&call, 10), 405 * NS_PER_MS / 10);
	assert_int_equal(body_pace_length_ns(&call, 0.5), 810 * NS_PER_MS);
	assert_int_equal(body_pace_length_ns(&call, 0), 0);
	whole.arrival_count = 0;
	assert_int_equal(body_pace_length_ns(&whole, 1), 0);
	whole = call;
	whole.origin.ts_last.ns = whole.origin.ts_first.ns - 1; /* the clock of the capture was set back */
	assert_int_equal(body_pace_length_ns(&whole, 1), 0);
}

static void test_due(void **state)
{
	static const struct {
		double speed;
		int64_t now_ms, due_ms;
		uint64_t upto;
	} rows[] = {
		{ 1, 0, 5, 0 },      { 1, 4, 5, 0 },       { 1, 5, 105, 6 },    { 1, 104, 105, 6 },  { 1, 105, 305, 18 },
		{ 1, 305, 405, 24 }, { 1, 404, 405, 24 },  { 1, 405, 405, 24 }, { 1, 9999, 405, 24 }, /* all, and the end */
		{ 5, 0, 1, 0 },      { 5, 1, 21, 6 },      { 5, 21, 61, 18 },   { 5, 61, 81, 24 },   { 5, 81, 81, 24 },
		{ 0.5, 9, 10, 0 },   { 0.5, 10, 210, 6 },  { 0, 0, 0, 24 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body_pace p = { .began = AT_MS(7000) };
		uint64_t upto = 99;
		struct mono due = body_pace_due(&p, &call, rows[i].speed, AT_MS(7000 + rows[i].now_ms), &upto);

		assert_int_equal(upto, rows[i].upto);
		assert_int_equal(due.ns, AT_MS(7000 + rows[i].due_ms).ns);
	}
}

/* One pace, asked again and again, says what it says when it is asked once. */
static void test_goes_on(void **state)
{
	struct body_pace p = { .began = AT_MS(50) };

	for (int64_t ms = 0; ms < 500; ms++) {
		struct body_pace fresh = { .began = AT_MS(50) };
		uint64_t upto, expected;
		struct mono due = body_pace_due(&p, &call, 1, AT_MS(50 + ms), &upto);

		assert_int_equal(due.ns, body_pace_due(&fresh, &call, 1, AT_MS(50 + ms), &expected).ns);
		assert_int_equal(upto, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
