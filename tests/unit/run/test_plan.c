/* test_plan.c - shadowtap plan: how many pairs, against what was simulated; from a report; and what is refused */
#include "tests/rig/run_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run/plan.h"
#include "app/run/plan_command.h"
#include "base/anytime.h"
#include "tests/rig/dice.h"

/* Pairs until decided, computed and simulated (means of 300 runs) by a program of its own, which has this formula too. */
static const struct {
	double limit, rate;
	enum plan_end end;
	double pairs, within; /* of it */
} known[] = {
	{ 0.001, 0, PLAN_PROMOTE, 4570, 0.02 },
	{ 0.001, 0.0005, PLAN_PROMOTE, 34064, 0.1 },
	{ 0.001, 0.00075, PLAN_PROMOTE, 176576, 0.1 },
	{ 0.005, 0.0005, PLAN_PROMOTE, 1372, 0.1 },
	{ 0.005, 0.0025, PLAN_PROMOTE, 5926, 0.2 }, /* a mean, which is above what is typical */
	{ 0.005, 0.01, PLAN_REJECT, 2823, 0.2 },
	{ 0.005, 0.025, PLAN_REJECT, 303, 0.3 },
};

static struct plan_row row_at(const struct plan_facts *f, double rate)
{
	struct plan_row rows[PLAN_ROWS_MAX];
	size_t count = plan_rows(f, rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].rate == rate)
			return rows[i];
	fail_msg("no row for %g", rate);
	return rows[0];
}

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct plan_facts f = {
			.limit = known[i].limit, .expect = known[i].rate, .pairs_per_second = 2.5, .design_effect = 1
		};
		struct plan_row row = row_at(&f, known[i].rate);

		assert_true(row.is_expected && row.end == known[i].end);
		if (fabs((double)row.pairs / known[i].pairs - 1) > known[i].within)
			fail_msg("row %zu: %llu pairs", i, (unsigned long long)row.pairs);
		assert_true(row.seconds == (double)row.pairs / 2.5);
	}
}

/* ---- what is promised happens ---- */

#define RUNS 400

/** decided_after() - pairs of one run in which each is a mismatch with probability @rate, looked at after every tenth */
static uint64_t decided_after(struct dice *dice, double rate, double limit)
{
	uint64_t count = 0, of = 0;
	double evidence;

	do {
		for (int i = 0; i < 10; i++)
			count += below(dice, 1000) < (uint32_t)(rate * 1000 + 0.5);
		of += 10;
		evidence = rate < limit ? anytime_below(count, of, limit) : anytime_above(count, of, limit);
	} while (evidence < log(40));
	return of;
}

/* Runs are decided after what was planned, on average; each by itself may take a fraction of it, or twice as much. */
static void test_simulated(void **state)
{
	static const double rates[] = { 0, 0.005, 0.01, 0.04 };
	struct dice dice = dice_of_seed(7);

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		struct plan_facts f = { .limit = 0.02, .expect = rates[r], .pairs_per_second = NAN, .design_effect = 1 };
		uint64_t planned = row_at(&f, rates[r]).pairs, sum = 0;

		for (size_t i = 0; i < RUNS; i++)
			sum += decided_after(&dice, rates[r], f.limit);
		if (fabs((double)sum / RUNS / (double)planned - 1) > 0.2)
			fail_msg("%g: planned %llu, mean %llu", rates[r], (unsigned long long)planned, (unsigned long long)(sum / RUNS));
	}
}

/* Rows ascend, and what is equal to the limit is never decided; groups of pairs that are alike take as many times more. */
static void test_rows(void **state)
{
	struct plan_facts f = { .limit = 0.3, .expect = 0.3, .pairs_per_second = NAN, .design_effect = 4 }, one = f;
	struct plan_row rows[PLAN_ROWS_MAX];
	size_t count = plan_rows(&f, rows);

	(void)state;
	one.design_effect = 1;
	assert_int_equal(count, 5); /* five times the limit is no rate */
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || rows[i].rate > rows[i - 1].rate);
		assert_true(isnan(rows[i].seconds));
		assert_int_equal(rows[i].end, rows[i].rate < 0.3 ? PLAN_PROMOTE : rows[i].rate > 0.3 ? PLAN_REJECT : PLAN_NEVER);
		assert_int_equal(rows[i].pairs, 4 * row_at(&one, rows[i].rate).pairs);
	}
}

static void test_rest(void **state)
{
	struct plan_facts f = { .limit = 0.001, .expect = NAN, .pairs_per_second = 1, .design_effect = 1, .count = 0, .of = 4000 };
	struct plan_row rest = plan_rest(&f);

	(void)state;
	assert_int_equal(rest.pairs + 4000, row_at(&f, 0).pairs);
	f.of = 10000;
	assert_true(plan_rest(&f).pairs == 0 && plan_rest(&f).end == PLAN_PROMOTE);
	assert_true(anytime_below(0, 10000, 0.001) >= log(40)); /* so it is */
	f.count = 100;
	assert_true(plan_rest(&f).pairs == 0 && plan_rest(&f).end == PLAN_REJECT);
	f.count = 10;
	assert_true(plan_rest(&f).end == PLAN_NEVER);
	f.count = 0;
	f.of = 10000;
	f.design_effect = 4; /* they count as 2500 */
	assert_true(plan_rest(&f).pairs > 0);
}

/* ---- the command ---- */

#define REPORT                                                                                                   \
	"{\"seconds\":100,\"sample\":0.1,\"speed\":1,\"requests\":{\"chosen\":1000,\"unsampled\":9000},"          \
	"\"comparison\":{\"targets\":{\"control\":{\"role\":\"control\"},"                                        \
	"\"new\":{\"role\":\"shadow\",\"pairs\":1000,\"compared\":500,\"mismatch\":{\"count\":5,\"of\":500},"     \
	"\"witnesses\":{\"design_effect\":2}}}}}"

static struct told told;
static char printed[8192];

static int run(char *const *arguments)
{
	char *argv[12] = { (char *)"plan" };
	int argc = 1, out = dup(STDOUT_FILENO), fd = memfd_create("printed", 0), status;

	for (; arguments[argc - 1]; argc++)
		argv[argc] = arguments[argc - 1];
	told_start(&told);
	dup2(fd, STDOUT_FILENO);
	status = plan_command(argc, argv);
	dup2(out, STDOUT_FILENO);
	told_end(&told);
	printed[pread(fd, printed, sizeof(printed) - 1, 0)] = '\0';
	close(out);
	close(fd);
	return status;
}

#define RUN(...) run((char *const[]){ __VA_ARGS__, NULL })
#define W(text) (char *)(text)

static void check_refused(int status, int expected, const char *words)
{
	if (status != expected || !strstr(told.text, words) || printed[0])
		fail_msg("status %d, told %s, printed %s", status, told.text, printed);
}

static void test_command(void **state)
{
	char path[40];
	int fd = memfd_create("report", 0);

	(void)state;
	assert_int_equal(write(fd, REPORT, strlen(REPORT)), (ssize_t)strlen(REPORT));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(RUN(W("--limit"), W("0.1%"), W("--rate=50"), W("-S5%")), 0);
	assert_non_null(strstr(printed, "below 0.1 %?"));
	assert_non_null(strstr(printed, "2.5 pairs a second\n"));
	assert_non_null(strstr(printed, "\n          0.1 %  never                -          -\n"));
	/* a hundred requests a second, a tenth of them mirrored, a half of these compared; every two tell as much as one */
	assert_int_equal(RUN(W("--limit"), W("10%"), W("--report"), path), 0);
	assert_non_null(strstr(printed, "5 pairs a second; 2 of them tell as much as one"));
	assert_non_null(strstr(printed, "so far: 5 of 500 pairs, 1 %; this is decided: promote\n"));
	assert_non_null(strstr(printed, "  expected\n"));
	assert_int_equal(RUN(W("--limit"), W("1%"), W("--report"), path, W("--target"), W("new"), W("--rate"), W("10"), W("--json")), 0);
	assert_non_null(strstr(printed, "\"pairs_per_second\":0.5,\"design_effect\":2,\"rest\":{\"mismatch\":0.01,\"decided\":\"never\",\"pairs\":null,"
					"\"seconds\":null}"));
	check_refused(RUN(W("--rate"), W("5")), 2, "--limit 0.1%");
	check_refused(RUN(W("--limit"), W("5")), 2, "--limit \"5\"");
	check_refused(RUN(W("--limit"), W("0")), 2, "above 0");
	check_refused(RUN(W("--limit"), W("1%"), W("--rate"), W("-1")), 2, "--rate \"-1\"");
	check_refused(RUN(W("--limit"), W("1%"), W("word")), 2, "word");
	check_refused(RUN(W("--limit"), W("1%"), W("--target"), W("new")), 2, "--report FILE");
	check_refused(RUN(W("--limit"), W("1%"), W("--report"), path, W("--target"), W("no")), 1, "\"no\"");
	check_refused(RUN(W("--limit"), W("1%"), W("--report"), W("/nonexistent/r")), 1, "/nonexistent/r");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_simulated),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
