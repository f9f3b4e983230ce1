/* test_stages.c - what options mean to the capture and to the reassembly */
#include "tests/rig/run_rig.h"

#include "app/run/stages.h"

static void test_live(void **state)
{
	struct live_options live;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-i", "lo", "-i", "eth7", "-p", "8000,8001", "-t", "http://h:1", "host 10.0.0.1");
	live = stages_inputs(&o).live;
	assert_int_equal(live.interface_count, 2);
	assert_string_equal(live.interfaces[1], "eth7");
	assert_int_equal(live.ports.count, 2);
	assert_int_equal(live.ports.port[1], 8001);
	assert_string_equal(live.expression, "host 10.0.0.1");
	assert_int_equal(live.snaplen, o.snaplen);
	assert_int_equal(live.buffer_bytes, o.buffer_bytes);
	assert_int_equal(stages_inputs(&o).files.path_count, 0);
	assert_true(stages_inputs(&o).sandbox);
	options_deinit(&o);
}

static void test_files(void **state)
{
	struct file_options files;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "a.pcap", "-r", "b.pcap", "--dry-run", "--loop", "3", "--no-sandbox", "tcp");
	files = stages_inputs(&o).files;
	assert_int_equal(files.path_count, 2);
	assert_string_equal(files.paths[0], "a.pcap");
	assert_string_equal(files.expression, "tcp");
	assert_null(files.fds);
	assert_int_equal(stages_inputs(&o).loops, 3);
	assert_false(stages_inputs(&o).sandbox);
	options_deinit(&o);
}

static void test_tracker(void **state)
{
	struct tracker_options tracker;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "a.pcap", "--dry-run", "-p", "9000");
	tracker = stages_tracker(&o);
	assert_int_equal(tracker.server_port_count, 1);
	assert_int_equal(tracker.server_ports[0], 9000);
	assert_null(tracker.budget);
	assert_true(tracker.hold_bytes > 0 && tracker.idle_ns > 0);
	options_deinit(&o);
}

/* --h2: by itself, connections that began before the capture are looked for only where -p says where. */
static void test_http2(void **state)
{
	static const struct {
		const char *h2;
		bool ports, reads, joins;
	} rows[] = {
		{ "auto", false, true, false }, { "auto", true, true, true },  { "on", false, true, true },
		{ "on", true, true, true },	{ "off", true, false, false }, { "off", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lane_settings set;
		struct options o;

		OPTIONS_OF(&o, "-r", "a.pcap", "--dry-run", "--h2", rows[i].h2, rows[i].ports ? "-p8001" : "--explain");
		set = stages_lane(&o);
		assert_true(set.reads_http2 == rows[i].reads);
		assert_true(set.joins_http2 == rows[i].joins);
		options_deinit(&o);
	}
}

/* A quarter of the memory is comparing's; without --compare nothing is taken from what is held. */
static void test_comparing(void **state)
{
	struct comparing_settings comparing;
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "a.pcap", "-t", "http://h:1", "--control", "http://i:1", "--compare", "-x", "2", "--preset", "v2",
		   "--max-memory", "64M", "--report", "r.json");
	comparing = stages_comparing(&o);
	assert_ptr_equal(comparing.compare, &o.compare);
	assert_int_equal(comparing.target_count, 2);
	assert_string_equal(comparing.targets[1].url.name, "control");
	assert_string_equal(comparing.preset, "v2");
	assert_int_equal(comparing.memory, 16 << 20);
	assert_true(comparing.speed == 2);
	assert_false(comparing.speed_max);
	assert_true(comparing.has_report);
	options_deinit(&o);
	OPTIONS_OF(&o, "-r", "a.pcap", "-t", "http://h:1", "--max-memory", "64M");
	assert_int_equal(stages_comparing(&o).memory, 0);
	assert_false(stages_comparing(&o).has_report);
	options_deinit(&o);
}

static const struct {
	const char *format; /* NULL: not given */
	bool on_terminal, as_json;
} formats[] = {
	{ NULL, true, false }, { NULL, false, true },
	{ "json", true, true }, { "json", false, true },
	{ "text", true, false }, { "text", false, false },
};

/* People read a terminal, programs the rest, unless they say otherwise. */
static void test_failures(void **state)
{
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].format)
			OPTIONS_OF(&o, "-r", "a.pcap", "--dry-run", "--log-format", formats[i].format);
		else
			OPTIONS_OF(&o, "-r", "a.pcap", "--dry-run");
		assert_int_equal(stages_failures_as_json(&o, formats[i].on_terminal), formats[i].as_json);
		options_deinit(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_tracker),
		cmocka_unit_test(test_http2),
		cmocka_unit_test(test_comparing),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
