/* test_observer.c - a recording, as a run would see it and without the filters of its options */
#include "tests/rig/run_rig.h"

#include <string.h>

#include "app/doctor/observer.h"
#include "app/run/rules.h"
#include "app/run/stages.h"
#include "base/clock.h"
#include "tests/rig/memory_capture.h"

static void record(struct memory_capture *c)
{
	memory_capture_init(c);
	memory_capture_request(c, 0, "POST", "/v1/x?key=secret");
	memory_capture_request(c, 1, "GET", "/v1/health");
	memory_capture_request(c, 1, "GET", "/v1/health");
	memory_capture_request(c, 2, "POST", "/other?key=secret");
	memory_capture_send(c, 3, 'c', "not HTTP");
}

static struct observer_settings settings_of(const struct options *o)
{
	return (struct observer_settings){
		.input = stages_inputs(o),
		.ports = &o->ports,
		.vxlan_ports = &o->vxlan_ports,
		.tracker = stages_tracker(o),
		.max_memory = o->max_memory,
		.max_body = o->max_body,
		.reads_http2 = stages_reads_http2(o),
		.joins_http2 = stages_joins_http2(o),
		.targets = o->targets,
		.target_count = o->target_count,
	};
}

static void observe(const struct options *o, struct symptoms *s)
{
	const struct observer_settings set = settings_of(o);
	struct buffer error = { 0 };
	struct observer *ob;
	struct rules rules;
	int got;

	assert_int_equal(rules_make(o, 1, NULL, &rules, &error), 0);
	ob = observer_new(&set, rules.lane[0]->policy);
	assert_non_null(ob);
	assert_int_equal(observer_open(ob, &error), 0);
	while ((got = observer_turn(ob)) == 0)
		;
	assert_int_equal(got, SOURCE_EOF);
	observer_finish(ob, s);
	observer_free(ob);
	rules_deinit(&rules);
}

/* The decisions of a run; each method and path is named once, and paths without their queries. */
static void test_narrow(void **state)
{
	struct symptoms s = { 0 };
	struct memory_capture c;
	struct options o;

	(void)state;
	record(&c);
	OPTIONS_OF(&o, "-r", c.path, "-p", "8000", "-t", "http://10.0.0.2:8000", "--path", "^/v1/");
	observe(&o, &s);
	assert_int_equal(s.narrow.segments, c.packets);
	assert_int_equal(s.narrow.books.packets.received, c.packets);
	assert_int_equal(s.narrow.books.requests.complete, 4);
	assert_int_equal(s.narrow.books.requests.decision[DECISION_CHOSEN], 1);
	assert_int_equal(s.narrow.books.requests.decision[DECISION_FILTERED_METHOD], 2);
	assert_int_equal(s.narrow.books.requests.decision[DECISION_FILTERED_PATH], 1);
	assert_string_equal(s.narrow.methods, "GET");
	assert_string_equal(s.narrow.paths, "/other");
	assert_string_equal(s.narrow.path, "/v1/x");
	assert_int_equal(s.narrow.server_count, 1); /* it has the port of a target */
	assert_int_equal(s.narrow.server[0].port, 8000);
	options_deinit(&o);
	memory_capture_deinit(&c);
}

/* POST /v1/x and its response in HTTP/2: read unless --h2 says otherwise, and counted as a connection all the same. */
static void test_http2(void **state)
{
	static const char request[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				      "\0\0\0\4\0\0\0\0\0"  /* SETTINGS */
				      "\0\0\x9\1\5\0\0\0\1" /* HEADERS of stream 1, its only frame */
				      "\x83\x86\x44\5/v1/x",
			  response[] = "\0\0\0\4\0\0\0\0\0"
				       "\0\0\1\1\5\0\0\0\1"
				       "\x88";
	static const struct {
		const char *h2;
		uint64_t complete;
	} rows[] = { { "auto", 1 }, { "on", 1 }, { "off", 0 } };
	struct memory_capture c;

	(void)state;
	memory_capture_init(&c);
	memory_capture_bytes(&c, 0, 'c', SPAN_LITERAL(request));
	memory_capture_bytes(&c, 0, 's', SPAN_LITERAL(response));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct symptoms s = { 0 };
		struct options o;

		OPTIONS_OF(&o, "-r", c.path, "--dry-run", "--h2", rows[i].h2);
		observe(&o, &s);
		assert_int_equal(s.narrow.books.connections.http2, 1);
		assert_int_equal(s.narrow.books.requests.complete, rows[i].complete);
		assert_int_equal(s.narrow.books.requests.decision[DECISION_CHOSEN], rows[i].complete);
		options_deinit(&o);
	}
	memory_capture_deinit(&c);
}

/* What the ports of the options shut out is seen all the same. */
static void test_wide(void **state)
{
	struct symptoms s = { 0 };
	struct memory_capture c;
	struct options o;

	(void)state;
	record(&c);
	memory_capture_send(&c, 4, 'c', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	OPTIONS_OF(&o, "-r", c.path, "-p", "9999", "-t", "http://10.0.0.2:9999");
	observe(&o, &s);
	assert_int_equal(s.narrow.segments, 0);
	assert_int_equal(s.narrow.server_count, 0);
	assert_int_equal(s.wide.packets, c.packets);
	assert_int_equal(s.wide.segments, c.packets);
	assert_int_equal(s.wide.port_count, 1);
	assert_int_equal(s.wide.port[0].port, 8000);
	assert_int_equal(s.wide.port[0].requests, 4);
	assert_int_equal(s.wide.port[0].http2, 1);
	assert_int_equal(s.wide.port[0].tls, 0);
	assert_int_equal(s.wide.clock_back_ns, 0);
	options_deinit(&o);
	memory_capture_deinit(&c);
}

/* The largest step back is told; steps forward are none. Of a recording, how far it is from now says nothing. */
static void test_clock(void **state)
{
	struct symptoms s = { 0 };
	struct memory_capture c;
	struct options o;

	(void)state;
	record(&c);
	c.now_ns -= 5 * NS_PER_S;
	memory_capture_send(&c, 3, 'c', "a"); /* a millisecond after that */
	c.now_ns += 60 * NS_PER_S;
	memory_capture_send(&c, 3, 'c', "b");
	c.now_ns -= NS_PER_S;
	memory_capture_send(&c, 3, 'c', "c");
	OPTIONS_OF(&o, "-r", c.path, "--dry-run");
	observe(&o, &s);
	assert_int_equal(s.wide.clock_back_ns, 5 * NS_PER_S - NS_PER_MS);
	assert_int_equal(s.wide.clock_off_ns, 0);
	assert_int_equal(s.narrow.server_count, 0); /* no target has that port */
	options_deinit(&o);
	memory_capture_deinit(&c);
}

static void test_no_recording(void **state)
{
	struct buffer error = { 0 };
	struct observer *ob;
	struct options o;
	struct observer_settings set;
	struct rules rules;

	(void)state;
	OPTIONS_OF(&o, "-r", "/nonexistent/x.pcap", "--dry-run");
	assert_int_equal(rules_make(&o, 1, NULL, &rules, &error), 0);
	set = settings_of(&o);
	ob = observer_new(&set, rules.lane[0]->policy);
	assert_non_null(ob);
	assert_true(observer_open(ob, &error) < 0);
	assert_non_null(strstr(buffer_text(&error), "/nonexistent/x.pcap"));
	observer_free(ob);
	observer_free(NULL);
	rules_deinit(&rules);
	options_deinit(&o);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_http2),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_no_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
