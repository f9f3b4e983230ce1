/*
 * test_duplicates.c - one connection in several domains, and strangers with the same ends
 *
 * Domain 0 is untagged. The stories run at ISNs around the wrap, so client and
 * server numbers of strangers are moved apart by isn_shift or are the same on
 * purpose.
 */
#include "tests/rig/unit.h"
#include "tests/rig/tcp_script.h"

#include <stdlib.h>

#include "reassembly/flow.h"

#define GET1 "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"                   /* 28 bytes */
#define POST1 "POST /1 HTTP/1.1\r\nContent-Length: 10\r\n\r\n"     /* 40 */
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"         /* 40 */

static const struct tcp_step each_twice[] = {
	{ 'c', "S" }, { 'c', "Sk", .domain = 5 },
	{ 's', "S" }, { 's', "Sk", .domain = 5 },
	{ 'c', "" }, { 'c', "k", .domain = 5 },
	{ 'c', "P", GET1, "GET /1;" }, { 'c', "Pk", GET1, .seq = 1, .ack = 1, .domain = 5 },
	{ 's', "P", OK }, { 's', "Pk", OK, .seq = 1, .ack = 29, .domain = 5 },
	{ 'c', "F" }, { 's', "F" }, { 'c', "Fk", .seq = 29, .ack = 41, .domain = 5 },
	{ 's', "Fk", .seq = 41, .ack = 30, .domain = 5 },
};

static const struct tcp_step union_of_both[] = { /* each domain lost what the other has */
	{ 'c', "S", .domain = 5 }, { 's', "S", .domain = 6 },
	{ 'c', "P", "POST /1 HTTP/1.1\r\n", .domain = 5 },
	{ 'c', "P", "Content-Length: 10\r\n\r\n", .domain = 6 },
	{ 'c', "P", "01234", .domain = 5 }, { 'c', "P", "56789", "POST /1 [0123456789];", .domain = 6 },
};

static const struct tcp_step first_bytes_win[] = { /* whose copy comes first, also where the later one lies */
	{ 'c', "S" }, { 's', "S" },
	{ 'c', "P", POST1 "01" },
	{ 'c', "Pk", "01XYZ", .seq = 41, .ack = 1, .domain = 5 },
	{ 'c', "Pk", "0123456789", "POST /1 [01XYZ56789];", .seq = 41, .ack = 1 },
};

static const struct tcp_step late_copy_of_syn[] = { /* after the connection is over */
	{ 'c', "S" }, { 's', "S" }, { 'c', "P", GET1, "GET /1;" }, { 'c', "F" }, { 's', "F" },
	{ 'c', "Sk", .domain = 5 }, { 'c', "Pk", GET1, .seq = 1, .ack = 1, .domain = 5 },
};

static const struct tcp_step strangers[] = {
	{ 'c', "S" }, { 'c', "S", .domain = 5, .isn_shift = 3000000 },
	{ 'c', "P", GET1, "GET /1;", .ack = 1, .domain = 5 },
};

static const struct tcp_step strangers_alike[] = { /* all numbers are equal, the bytes are not */
	{ 'c', "S" }, { 's', "S" }, { 'c', "Sk", .domain = 5 }, { 's', "Sk", .domain = 5 },
	{ 'c', "Pk", POST1 "01", .seq = 1, .ack = 1, .domain = 5 },
	{ 'c', "Pk", POST1 "ab", .seq = 1, .ack = 1 },
	{ 'c', "Pk", "23456789", "POST /1 [0123456789];", .seq = 43, .ack = 1, .domain = 5 },
	{ 'c', "Pk", "cdefghij", "POST /1 [abcdefghij];", .seq = 43, .ack = 1 },
};

static const struct tcp_step late_midstream_copy[] = { /* of a closed one, known by where it ended */
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 1 }, { 's', "P", OK, .seq = 1, .ack = 29 },
	{ 'c', "F" }, { 's', "F" }, { 'c', "Pk", GET1, .seq = 1, .ack = 1, .domain = 5 },
	{ 's', "Pk", OK, .seq = 1, .ack = 29, .domain = 6 },
};

static const struct tcp_step alias_outlives[] = { /* found when all was over, it is good for the next incarnation */
	{ 'c', "S" }, { 's', "S" }, { 'c', "P", GET1, "GET /1;" }, { 'c', "F" }, { 's', "F" },
	{ 'c', "Sk", .domain = 5 },
	{ 'c', "S", .domain = 5, .isn_shift = 5000000 }, { 's', "S", .domain = 5, .isn_shift = 7000000 },
	{ 'c', "P", GET1, "GET /1;", .domain = 5 }, { 'c', "Pk", GET1, .seq = 1, .ack = 1 },
	{ 'c', "F" }, { 's', "F", .domain = 5 },
	{ 'c', "S", .isn_shift = 5000000 }, { 's', "S", .isn_shift = 7000000 },
	{ 'c', "P", GET1, "GET /1;" }, { 'c', "Pk", GET1, .seq = 1, .ack = 1, .domain = 5 },
};

static const struct tcp_step stranger_of_closed[] = { /* its place and its numbers, other bytes, after the end */
	{ 'c', "S" }, { 's', "S" }, { 'c', "P", GET1, "GET /1;" }, { 's', "P", OK }, { 'c', "F" }, { 's', "F" },
	{ 'c', "Sk", .domain = 5 }, { 's', "Sk", .domain = 5 },
	{ 'c', "Pk", "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /2;", .seq = 1, .ack = 1, .domain = 5 },
};

#define FORTY "0123456789abcdefghijklmnopqrstuvwxyz----"
#define LONG "GET /1 HTTP/1.1\r\nHost: a\r\nX: " FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY /* 429 */

static const struct tcp_step strangers_at_the_end[] = { /* the last byte of the first segment is not the same */
	{ 'c', "S" }, { 's', "S" }, { 'c', "Sk", .domain = 5 }, { 's', "Sk", .domain = 5 },
	{ 'c', "Pk", LONG "1", .seq = 1, .ack = 1, .domain = 5 },
	{ 'c', "Pk", LONG "2", .seq = 1, .ack = 1 },
	{ 'c', "Pk", "\r\n\r\n", "GET /1;", .seq = 431, .ack = 1, .domain = 5 },
	{ 'c', "Pk", "\r\n\r\n", "GET /1;", .seq = 431, .ack = 1 },
};

static const struct tcp_step long_copies[] = { /* one that lies elsewhere in memory is still the same */
	{ 'c', "S" }, { 's', "S" }, { 'c', "Sk", .domain = 5 }, { 's', "Sk", .domain = 5 },
	{ 'c', "Pk", LONG "1", .seq = 1, .ack = 1, .domain = 5 },
	{ 'c', "Pk", LONG "1", .seq = 1, .ack = 1 },
	{ 'c', "Pk", "\r\n\r\n", "GET /1;", .seq = 431, .ack = 1, .domain = 5 },
	{ 'c', "Pk", "\r\n\r\n", .seq = 431, .ack = 1 },
};

static const struct tcp_step own_ways[] = { /* midstream: the client's acks say where the server is */
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 5000, .domain = 5 },
	{ 's', "P", OK, .seq = 5000, .ack = 29, .domain = 6 },
	{ 'c', "P", GET1, "GET /1;", .ack = 5040, .domain = 5 },
};

static const struct tcp_step far_apart[] = { /* midstream in another domain, and the numbers don't fit */
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 5000, .domain = 5 },
	{ 'c', "P", GET1, "GET /1;", .seq = 1u << 30, .ack = 5000, .domain = 6 },
};

static const struct tcp_step rst_joins_nothing[] = {
	{ 'c', "S" }, { 's', "S" }, { 'c', "P", POST1 "01" },
	{ 'c', "Rk", .domain = 5 },
	{ 'c', "P", "23456789", "POST /1 [0123456789];" },
};

/** test_crowd() - one 4-tuple in endless domains: the bucket stays short, and the newest are followed */
static void test_crowd(void **state)
{
	enum { DOMAINS = 500 };
	static const uint16_t ports[] = { SERVER_PORT };
	struct http_tracker_options options = { .tracker.server_ports = ports,
					      .tracker.server_port_count = 1,
					      .tracker.hold_bytes = 4096,
					      .http.max_body = 4096,
					      .tracker.idle_ns = 60 * NS_PER_S };
	struct tcp_tap tap;

	tcp_tap_open(&tap, &options, KEEP_WHOLE);
	for (uint32_t n = 0; n < DOMAINS; n++) {
		struct tcp_step steps[] = { { 'c', "S", .domain = n },
					    { 'c', "P", GET1, .ack = 1, .domain = n } };

		tcp_steps_feed(tap.r, steps, 2, n * 50000000, NS_PER_S + n * NS_PER_US);
	}
	assert_int_equal(tcp_counter(tracker_stats(tap.r), &tap.http, "complete"), DOMAINS);
	assert_int_equal(tcp_counter(tracker_stats(tap.r), &tap.http, "copies"), 0);
	assert_int_equal(tcp_counter(tracker_stats(tap.r), &tap.http, "flows_open"), SAME_ENDS_MAX);
	buffer_clear(&tap.events);
	tcp_tap_close(&tap, NULL, "crowd");
	buffer_deinit(&tap.events);
}

#define STORY(steps, ...) { #steps, STEPS(steps), __VA_ARGS__ }

static const struct tcp_story stories[] = {
	STORY(each_twice, .stats = "seen=1 complete=1 connections=1 copies=1 midstream=0 duplicate_segments=2"),
	STORY(union_of_both, .stats = "seen=1 complete=1 connections=1 copies=1 gaps=0"),
	STORY(first_bytes_win, .stats = "seen=1 complete=1 connections=1 copies=1"),
	STORY(late_copy_of_syn, .stats = "seen=1 complete=1 connections=1 copies=1"),
	STORY(strangers, .stats = "seen=1 complete=1 connections=2 copies=0"),
	STORY(strangers_alike, .stats = "seen=2 complete=2 connections=2 copies=0 midstream=0"),
	STORY(late_midstream_copy, .stats = "seen=1 complete=1 connections=1 copies=2 flows_open=0"),
	STORY(alias_outlives, .stats = "seen=3 complete=3 connections=3 copies=1"),
	STORY(stranger_of_closed, .stats = "seen=2 complete=2 connections=2 copies=0 midstream=0"),
	STORY(strangers_at_the_end, .stats = "seen=2 complete=2 connections=2 copies=0 midstream=0"),
	STORY(long_copies, .stats = "seen=1 complete=1 connections=1 copies=1"),
	STORY(own_ways, .stats = "seen=2 complete=2 connections=1 copies=1 one_way=0 duplicate_segments=0"),
	STORY(far_apart, .stats = "seen=2 complete=2 connections=2 copies=0"),
	STORY(rst_joins_nothing, .stats = "seen=1 complete=1 connections=1 copies=0"),
};

int main(void)
{
	const struct CMUnitTest crowd[] = { cmocka_unit_test(test_crowd) };
	int failed = tcp_stories_main("copies", stories, sizeof(stories) / sizeof(stories[0]));

	return failed + cmocka_run_group_tests(crowd, NULL, NULL);
}
