/* test_inputs.c - what a run reads is opened at the start, also what it reads again */
#include "tests/rig/run_rig.h"

#include <errno.h>
#include <string.h>

#include "app/run/inputs.h"
#include "app/run/stages.h"
#include "tests/rig/memory_capture.h"

static void count_packet(void *ctx, const struct packet *packet)
{
	(void)packet;
	++*(size_t *)ctx;
}

static size_t packets_of(struct source *s)
{
	size_t count = 0;

	while (source_read(s, 100, count_packet, &count) == 0)
		;
	return count;
}

/* Each lane reads all of the recording; with --loop again after the path is gone. */
static void test_again(void **state)
{
	struct buffer error = { 0 };
	struct memory_capture c;
	struct source *again;
	struct inputs in;
	struct options o;

	(void)state;
	memory_capture_init(&c);
	memory_capture_request(&c, 0, "POST", "/x");
	OPTIONS_OF(&o, "-r", c.path, "--dry-run", "--lanes", "2", "--loop", "3");
	assert_int_equal(inputs_open(&in, stages_inputs(&o), 2, &error), 0);
	assert_int_equal(in.held_count, 2);
	memory_capture_deinit(&c); /* its path leads nowhere now */
	for (size_t lane = 0; lane < 2; lane++) {
		assert_int_equal(packets_of(in.sources[lane]), c.packets);
		for (int round = 0; round < 2; round++) {
			assert_int_equal(inputs_open_again(&in, lane, &again, &error), 0);
			assert_int_equal(packets_of(again), c.packets);
			source_close(again);
		}
	}
	inputs_close(&in);
	options_deinit(&o);
}

/* Sources that the lanes have taken are theirs to close. */
static void test_release(void **state)
{
	struct buffer error = { 0 };
	struct memory_capture c;
	struct source *taken;
	struct inputs in;
	struct options o;

	(void)state;
	memory_capture_init(&c);
	OPTIONS_OF(&o, "-r", c.path, "--dry-run");
	assert_int_equal(inputs_open(&in, stages_inputs(&o), 1, &error), 0);
	assert_int_equal(in.held_count, 0); /* nothing is read twice */
	taken = in.sources[0];
	inputs_release(&in);
	inputs_close(&in);
	assert_int_equal(packets_of(taken), 0);
	source_close(taken);
	memory_capture_deinit(&c);
	options_deinit(&o);
}

static void test_refused(void **state)
{
	struct buffer error = { 0 };
	struct inputs in;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "/dev/null", "--dry-run");
	assert_int_equal(inputs_open(&in, stages_inputs(&o), 2, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "\"/dev/null\" is no regular file"));
	inputs_close(&in);
	options_deinit(&o);
	buffer_clear(&error);
	OPTIONS_OF(&o, "-r", "/nonexistent/x.pcap", "--dry-run");
	assert_true(inputs_open(&in, stages_inputs(&o), 2, &error) < 0);
	assert_non_null(strstr(buffer_text(&error), "/nonexistent/x.pcap"));
	inputs_close(&in);
	options_deinit(&o);
	buffer_deinit(&error);
}

/* What is captured, with the path that advice about capabilities names. */
static void test_live(void **state)
{
	struct buffer program = { 0 };
	struct input_settings set;
	struct live_options live;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-i", "lo", "-p", "8000", "-t", "http://h:1");
	set = stages_inputs(&o);
	live = inputs_live(&set, &program);
	assert_string_equal(live.interfaces[0], "lo");
	assert_int_equal(live.ports.port[0], 8000);
	assert_non_null(strstr(live.program, "test_inputs"));
	buffer_deinit(&program);
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
