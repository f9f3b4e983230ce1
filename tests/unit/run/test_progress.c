/* test_progress.c - what a person reads: the start in one line, plain lines while it goes on, the totals */
#include "tests/rig/run_rig.h"

#include <string.h>

#include "app/run/progress.h"
#include "app/run/stages.h"
#include "base/log.h"

static size_t refreshed;

static void refresh(void *ctx, struct books *b, uint64_t *done, uint64_t *total)
{
	(void)ctx;
	*b = (struct books){ .requests = { .seen = 7, .complete = 7 } };
	*done = 1;
	*total = 4;
	refreshed++;
}

struct start_row {
	const char *args[10];
	const char *line;
};

static const struct start_row starts[] = {
	{ { "-r", "x.pcap", "--dry-run" }, "reading x.pcap, sample 100%, dry run: nothing is sent\n" },
	{ { "-r", "x.pcap", "-t", "http://h:1" }, "reading x.pcap at its recorded pace, sample 100%, to http://h:1\n" },
	{ { "-r", "x.pcap", "-x", "max", "-t", "sink:" }, "reading x.pcap as fast as the target allows, sample 100%, to " },
	{ { "-r", "x.pcap", "-x", "2", "-t", "http://h:1", "-t", "b=http://i:1" },
	  "reading x.pcap at 2 times its pace, sample 100%, to http://h:1 and http://i:1\n" },
	{ { "-i", "lo", "-t", "http://h:1", "-t", "nats://u:p@n/d" }, "capturing on lo, sample 100%, to http://h:1 and nats://n:4222/d\n" },
	{ { "-i", "lo", "-t", "nats://n/d" }, "capturing on lo, sample 100%, to nats://n:4222/d\n" },
	{ { "-i", "lo", "-p", "80,81", "-S", "5%", "-t", "http://h:1" }, "capturing on lo port 80,81, sample 5%, to http://h:1\n" },
};

static void test_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct progress p = { 0 };
		struct options o;
		struct told told;
		uv_loop_t loop;

		options_of(&o, starts[i].args);
		uv_loop_init(&loop);
		told_start(&told);
		progress_open(&p, &loop, stages_progress(&o), refresh, NULL);
		progress_begin(&p);
		told_end(&told);
		if (!strstr(told.text, starts[i].line))
			fail_msg("row %zu: %s", i, told.text);
		progress_close(&p);
		progress_close(&p); /* once */
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&loop), 0);
		progress_deinit(&p);
		options_deinit(&o);
	}
}

/* --stats-every, where no terminal is: a line each time; then the totals, each line whole. */
static void test_lines_and_totals(void **state)
{
	struct books books = { .requests = { .seen = 7, .complete = 7 } };
	struct progress p = { 0 };
	struct options o;
	struct told told;
	uv_loop_t loop;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "--stats-every", "1s");
	o.stats_every_ns = NS_PER_MS;
	uv_loop_init(&loop);
	told_start(&told);
	progress_open(&p, &loop, stages_progress(&o), refresh, NULL);
	while (refreshed < 2)
		uv_run(&loop, UV_RUN_ONCE);
	progress_print_books(&p, &books);
	progress_close(&p);
	told_end(&told);
	assert_false(p.terminal);
	assert_null(strchr(told.text, '\r'));
	assert_non_null(strstr(told.text, "requests"));
	assert_int_equal(told.text[strlen(told.text) - 1], '\n');
	log_set_level(LOG_WARN);
	told_start(&told);
	progress_print_books(&p, &books);
	assert_string_equal(told_end(&told), ""); /* -q */
	log_set_level(LOG_INFO);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	progress_deinit(&p);
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_start), cmocka_unit_test(test_lines_and_totals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
