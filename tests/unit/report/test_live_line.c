/* test_live_line.c - the status at every width: what is told, and what goes first when it gets narrow */
#include "tests/rig/unit.h"

#include <string.h>

#include "base/units.h"
#include "report/live_line.h"

static struct books at_work(size_t targets)
{
	struct books b = { .requests = { .complete = 200 }, .packets = { .dropped_kernel = 7 }, .target_count = targets };

	for (size_t i = 0; i < targets; i++)
		b.target[i] = (struct books_target){
			.name = i ? "new" : "old",
			.sent = 20,
			.outcome = { [OUTCOME_ANSWERED_5XX] = 1, [OUTCOME_FAILED_TIMEOUT] = 2 },
			.in_flight = 4,
			.queued = i * 5,
			.total = { .count = 9, .p50 = 1500, .p99 = 22000 },
		};
	return b;
}

#define WELL "100 req/s seen  sample 5%  10 sent/s  4 in flight  p50 1.5 p99 22.0 ms  3 failed  7 packets dropped"

static const struct {
	size_t targets;
	uint64_t done, total;
	unsigned columns;
	const char *line;
} rows[] = {
	{ 1, 0, 0, 0, WELL },
	{ 1, 0, 0, 200, WELL },
	{ 1, 0, 0, sizeof(WELL), WELL }, /* the last column stays free */
	{ 1, 0, 0, sizeof(WELL) - 1, "100 req/s seen  sample 5%  10 sent/s  4 in flight  3 failed  7 packets dropped" },
	{ 1, 0, 0, 70, "100 req/s seen  sample 5%  10 sent/s  3 failed  7 packets dropped" },
	{ 1, 0, 0, 60, "100 req/s seen  10 sent/s  3 failed  7 packets dropped" },
	{ 1, 0, 0, 40, "10 sent/s  3 failed  7 packets dropped" },
	{ 1, 0, 0, 30, "3 failed  7 packets dropped" },
	{ 1, 0, 0, 20, "7 packets dropped" },
	{ 1, 0, 0, 10, "7 packets" },
	{ 2, 0, 0, 0,
	  "100 req/s seen  sample 5%  20 sent/s  old: 4 in flight, p50 1.5 p99 22.0 ms  "
	  "new: 4 in flight, 5 queued, p50 1.5 p99 22.0 ms  6 failed  7 packets dropped" },
	{ 2, 0, 0, 120,
	  "100 req/s seen  sample 5%  20 sent/s  old: 4 in flight, p50 1.5 p99 22.0 ms  6 failed  7 packets dropped" },
	{ 0, 0, 0, 80, "100 req/s seen  sample 5%  0 sent/s  0 failed  7 packets dropped" },
	{ 1, 1, 4, 0, "25%  6s left  10 sent/s  4 in flight  p50 1.5 p99 22.0 ms  3 failed  7 packets dropped" },
	{ 1, 1, 4, 140,
	  "[======>                 ]  25%  6s left  10 sent/s  4 in flight  p50 1.5 p99 22.0 ms  3 failed  7 packets dropped" },
	{ 1, 1, 4, 80, "[===>        ]  25%  6s left  10 sent/s  3 failed  7 packets dropped" },
	{ 1, 1, 4, 40, "25%  3 failed  7 packets dropped" },
	{ 1, 4, 4, 30, "100%  7 packets dropped" },
	{ 1, 1, 200, 60, "[>           ]   0%  10 sent/s  3 failed  7 packets dropped" }, /* too early to say when */
	{ 1, 1, 80, 61, "[>           ]   1%  2m38s left  3 failed  7 packets dropped" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct live_line l = live_line_new((struct mono){ 0 }, SHARE_ONE / 20);
		struct books b = at_work(rows[i].targets);
		struct buffer out = { 0 };

		live_line_text(&l, &b, (struct mono){ 2 * NS_PER_S }, rows[i].done, rows[i].total, rows[i].columns, &out);
		assert_string_equal(buffer_text(&out), rows[i].line);
		buffer_deinit(&out);
	}
}

/* With --compare what the pairs have shown is told, and stays when all but failures and drops has gone. */
static void test_decision(void **state)
{
	static const char told[] = "keep watching, about 3,100 pairs (21 min) to go", differ[] = "0.60% of 3,324 differ";
	static const struct {
		unsigned columns;
		const char *line;
	} widths[] = {
		{ 0, "100 req/s seen  sample 5%  10 sent/s  4 in flight  p50 1.5 p99 22.0 ms  0.60% of 3,324 differ  "
		     "keep watching, about 3,100 pairs (21 min) to go  3 failed  7 packets dropped" },
		{ 110, "0.60% of 3,324 differ  keep watching, about 3,100 pairs (21 min) to go  3 failed  7 packets dropped" },
		{ 80, "keep watching, about 3,100 pairs (21 min) to go  3 failed  7 packets dropped" },
		{ 60, "3 failed  7 packets dropped" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		struct live_line l = live_line_new((struct mono){ 0 }, SHARE_ONE / 20);
		struct books b = at_work(1);
		struct buffer out = { 0 };

		memcpy(l.decision, told, sizeof(told));
		memcpy(l.differ, differ, sizeof(differ));
		live_line_text(&l, &b, (struct mono){ 2 * NS_PER_S }, 0, 0, widths[i].columns, &out);
		assert_string_equal(buffer_text(&out), widths[i].line);
		buffer_deinit(&out);
	}
}

/* Rates are those since the last line; no width and no number makes it longer than the terminal. */
static void test_every_width(void **state)
{
	struct live_line l = live_line_new((struct mono){ 0 }, SHARE_ONE);
	struct books b = at_work(BOOKS_TARGETS_MAX);
	struct buffer out = { 0 };

	(void)state;
	for (unsigned columns = 2; columns < 1000; columns++) {
		buffer_clear(&out);
		b.requests.complete += columns;
		live_line_text(&l, &b, (struct mono){ (int64_t)columns * NS_PER_S }, columns % 3, columns % 2 * 3, columns, &out);
		assert_true(out.len < columns);
	}
	buffer_clear(&out);
	b.requests.complete += 50;
	live_line_text(&l, &b, (struct mono){ 1004 * NS_PER_S }, 0, 0, 0, &out);
	assert_int_equal(strncmp(buffer_text(&out), "10 req/s seen ", 14), 0);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_decision),
		cmocka_unit_test(test_every_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
