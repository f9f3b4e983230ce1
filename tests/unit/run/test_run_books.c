/* test_run_books.c - the books of a run are those of all its lanes, and what the run says at its end is its status */
#include "tests/rig/run_rig.h"

#include <stdio.h>
#include <string.h>

#include "app/run/run.h"
#include "tests/rig/made_run.h"

#define REQUESTS 30

static struct made_run g;

static void open_capture(void)
{
	made_run_init(&g);
	for (size_t i = 0; i < REQUESTS; i++) {
		memory_capture_request(&g.capture, i % 10, "POST", "/");
		memory_capture_response(&g.capture, i % 10, "ok");
	}
}

/* Each lane has another number, so that one that is left out, or taken twice, shows. */
static void test_sum_of_lanes(void **state)
{
	struct books b;

	(void)state;
	open_capture();
	MADE_RUN_OPEN(&g, "--dry-run", "--lanes", "3");
	for (size_t i = 0; i < 3; i++) {
		counter_set(&lanes_decisions(g.r.lanes, i)->decision[DECISION_CHOSEN], i == 0 ? 1 : i == 1 ? 10 : 100);
		counter_set(&lanes_decisions(g.r.lanes, i)->match_limit, i + 1);
	}
	g.r.stopped = 4;
	g.r.no_memory = 2;
	run_take_books(&g.r, &b);
	assert_int_equal(b.requests.match_limit, 6);
	assert_int_equal(b.requests.decision[DECISION_CHOSEN], 105);
	assert_int_equal(b.requests.decision[DECISION_SHED_STOPPED], 4);
	assert_int_equal(b.requests.decision[DECISION_SHED_MEMORY], 2);
	assert_int_equal(b.target_count, 0);
	made_run_end(&g);
	made_run_close(&g);
}

/* What is in the recording is in the books once, whatever the number of lanes, and they balance. */
static void test_recording(void **state)
{
	static const char *const lanes[] = { "1", "3" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct books b;

		open_capture();
		MADE_RUN_OPEN(&g, "--lanes", lanes[i], "-t", "a=sink:", "-x", "max");
		made_run_run(&g);
		run_take_books(&g.r, &b);
		assert_int_equal(b.packets.received, g.capture.packets);
		assert_int_equal(b.requests.decision[DECISION_CHOSEN], REQUESTS);
		assert_int_equal(b.target_count, 1);
		assert_string_equal(b.target[0].name, "a");
		assert_int_equal(b.target[0].sent, REQUESTS);
		assert_true(books_imbalance(&b, &(struct buffer){ 0 }));
		made_run_close(&g);
	}
}

/* A recording that was read ahead of its pace is done as far as its requests were sent. */
static void test_refresh(void **state)
{
	uint64_t done, total;
	struct books b;

	(void)state;
	open_capture();
	MADE_RUN_OPEN(&g, "--dry-run");
	run_refresh(&g.r, &b, &done, &total);
	assert_int_equal(done, 0);
	made_run_push(&g, &made_run_request(&g, "/", DECISION_CHOSEN, 0)->item);
	made_run_run(&g);
	run_refresh(&g.r, &b, &done, &total);
	assert_true(total > 0);
	assert_int_equal(done, total);
	assert_int_equal(b.packets.received, g.capture.packets);
	for (size_t i = 0; i < 2; i++) /* one of three was taken: the ring has the others */
		assert_true(ring_push(lanes_rings(g.r.lanes)[0], made_run_request(&g, "/", DECISION_CHOSEN, 0)));
	run_refresh(&g.r, &b, &done, &total);
	assert_in_range(done, total / 3 - 1, total - 1);
	for (size_t i = 0; i < 2; i++)
		message_unref(ring_pop(lanes_rings(g.r.lanes)[0]));
	made_run_close(&g);
}

static const struct {
	const char *gate;
	int status; /* of the run before its report */
	size_t refused;
	int expected;
} statuses[] = {
	{ "pairs > 1000", EXIT_DONE, 0, EXIT_DONE },
	{ "pairs < 1000", EXIT_DONE, 0, EXIT_GATE },
	{ "pairs > 1000", EXIT_COULD_NOT, 0, EXIT_COULD_NOT },
	{ "pairs < 1000", EXIT_COULD_NOT, 0, EXIT_COULD_NOT }, /* what could not be done was not judged */
	{ "pairs > 1000", EXIT_DONE, 1, EXIT_USAGE },
	{ "pairs < 1000", EXIT_COULD_NOT, 1, EXIT_USAGE },
};

static void test_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct told told;
		int status;

		open_capture();
		MADE_RUN_OPEN(&g, "-t", "sink:", "-x", "max", "--compare", "--fail-on", statuses[i].gate);
		made_run_run(&g);
		g.r.status = statuses[i].status;
		g.r.refused = statuses[i].refused;
		told_start(&told);
		status = run_report(&g.r);
		told_end(&told);
		if (status != statuses[i].expected)
			fail_msg("row %zu: %d: %s", i, status, told.text);
		assert_null(strstr(told.text, "do not balance"));
		made_run_close(&g);
	}
}

static const struct {
	const char *args[6];
	int expected, checked; /* of the run, and of --check-config */
} runs[] = {
	{ { "--dry-run" }, EXIT_DONE, EXIT_DONE },
	{ { "--dry-run", "--path", "(" }, EXIT_USAGE, EXIT_USAGE },
	{ { "--dry-run", "--report", "/no/such/folder/x.json" }, EXIT_COULD_NOT, EXIT_DONE },
	{ { "-t", "sink:", "--compare", "--fail-on", "no such value" }, EXIT_USAGE, EXIT_USAGE },
	{ { "-t", "sink:", "--compare", "--fail-on", "pairs < 1000", "-xmax" }, EXIT_GATE, EXIT_DONE },
};

/* run.c as a whole: from options to the exit status */
static void test_to_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		const char *args[10] = { "-r", NULL, "--no-sandbox" };
		struct options o;
		struct told told;
		int status, checked;

		open_capture();
		args[1] = g.capture.path;
		memcpy(args + 3, runs[i].args, sizeof(runs[i].args));
		options_of(&o, args);
		o.user = NULL;
		told_start(&told);
		checked = run_check(&o);
		status = run_to_end(&o);
		told_end(&told);
		if (status != runs[i].expected || checked != runs[i].checked)
			fail_msg("row %zu: %d, checked %d: %s", i, status, checked, told.text);
		options_deinit(&o);
		memory_capture_deinit(&g.capture);
		close(g.events_fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum_of_lanes),
		cmocka_unit_test(test_recording),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
