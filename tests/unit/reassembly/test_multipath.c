/*
 * test_multipath.c - Multipath TCP: what the options say, and whether a subflow's bytes still are all that was sent
 *
 * The options are read right before an unreadable page, whole and cut at every
 * byte; then whole conversations go through the tracker.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/tcp_options.h"
#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"
#include "tests/rig/guard_page.h"
#include "tests/rig/tcp_script.h"

/* The key of both ends in these stories, and the lower half of its digest: where their data begin. */
#define KEY       "0001020304050607"
#define DATA_FROM 0x785a0d45U

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; *hex; hex++) {
		char pair[3] = { hex[0], hex[0] == ' ' ? '\0' : hex[1], '\0' };

		if (*hex == ' ')
			continue;
		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
		hex++;
	}
	return n;
}

static const struct options_row {
	const char *name, *hex;
	struct mptcp says;
} options_rows[] = {
	{ "none", "", { 0 } },
	{ "time stamps", "01 01 080a 00000001 00000002", { 0 } },
	{ "time stamps as SYNs have them", "020405b4 0402 080a 00000001 00000000 01 030307", { 0 } },
	{ "SACK", "01 01 080a 0000000100000002 01 01 050a 0000000100000002", { 0 } },
	{ "a SYN that is capable", "020405b4 1e040101", { .seen = MPTCP_CAPABLE, .version = 1 } },
	{ "the SYN+ACK", "1e0c0101 " KEY,
	  { .seen = MPTCP_CAPABLE | MPTCP_OWN_KEY, .own_key = 0x0001020304050607, .version = 1 } },
	{ "the ACK", "1e140101 1011121314151617 " KEY,
	  { .seen = MPTCP_CAPABLE | MPTCP_OWN_KEY | MPTCP_PEER_KEY,
	    .own_key = 0x1011121314151617,
	    .peer_key = 0x0001020304050607,
	    .version = 1 } },
	{ "the first data", "1e160101 1011121314151617 " KEY "0123 0101",
	  { .seen = MPTCP_CAPABLE | MPTCP_OWN_KEY | MPTCP_PEER_KEY | MPTCP_BEGINS,
	    .own_key = 0x1011121314151617,
	    .peer_key = 0x0001020304050607,
	    .length = 0x123,
	    .version = 1 } },
	{ "a SYN that joins", "1e0c1002 aabbccdd 01020304", { .seen = MPTCP_JOINS } },
	{ "mapping, short numbers", "1e0e2004 000f4241 00000001 01b0 0101",
	  { .seen = MPTCP_MAPS, .dsn = 0xf4241, .ssn = 1, .length = 432 } },
	{ "mapping and ack, long numbers", "0101080a0000000100000002 1e1a200f 0000000000000009 11223344000f4241 00000007 0010",
	  { .seen = MPTCP_MAPS, .dsn = 0xf4241, .ssn = 7, .length = 16 } },
	{ "with a checksum", "1e142005 00000009 000f4241 00000001 01b0 abcd",
	  { .seen = MPTCP_MAPS, .dsn = 0xf4241, .ssn = 1, .length = 432 } },
	{ "for ever", "1e0e2004 000f4241 00000001 0000", { .seen = MPTCP_MAPS, .dsn = 0xf4241, .ssn = 1 } },
	{ "an ack without a mapping", "1e0c2003 0000000000000009", { 0 } },
	{ "an address, then a mapping", "1e08 3002 0a000002 1e0e2004 000f4241 00000001 01b0",
	  { .seen = MPTCP_MAPS, .dsn = 0xf4241, .ssn = 1, .length = 432 } },
	{ "behind the end", "00 1e0e2004 000f4241 00000001 01b0", { 0 } },
	{ "behind a length of 0", "05 00 1e0e2004 000f4241 00000001 01b0", { 0 } },
	{ "longer than what is there", "1e28 2004 000f4241 00000001 01b0", { 0 } },
	{ "shorter than a mapping", "1e0a2004 000f4241 0000 01b0", { 0 } },
	{ "nothing in it", "1e02", { 0 } },
};

static void test_options(void **state)
{
	for (size_t i = 0; i < sizeof(options_rows) / sizeof(options_rows[0]); i++) {
		const struct options_row *row = &options_rows[i];
		uint8_t bytes[64];
		size_t len = from_hex(row->hex, bytes);
		const struct mptcp *says;
		struct mptcp room;

		says = tcp_options_mptcp(guarded_copy(*state, bytes, len), &room);
		if (!says != !row->says.seen)
			fail_msg("%s: %s", row->name, says ? "something was found" : "nothing was found");
		if (says && memcmp(says, &row->says, sizeof(*says)) != 0)
			fail_msg("%s: seen %x dsn %x ssn %x length %u", row->name, says->seen, says->dsn, says->ssn, says->length);
		while (len-- > 0) /* must not read behind the end, and never finds more */
			says = tcp_options_mptcp(guarded_copy(*state, bytes, len), &room);
	}
}

/* ---- conversations ---- */

#define CAPABLE     { .seen = MPTCP_CAPABLE, .version = 1 }
#define SERVERS_KEY { .seen = MPTCP_CAPABLE | MPTCP_OWN_KEY, .version = 1, .own_key = 0x0001020304050607 }
#define BOTH_KEYS                                                                                              \
	{ .seen = MPTCP_CAPABLE | MPTCP_OWN_KEY | MPTCP_PEER_KEY, .version = 1, .own_key = 0x0001020304050607, \
	  .peer_key = 0x0001020304050607 }
#define BEGINS(n)                                                                                              \
	{ .seen = MPTCP_CAPABLE | MPTCP_OWN_KEY | MPTCP_PEER_KEY | MPTCP_BEGINS, .version = 1,                 \
	  .own_key = 0x0001020304050607, .peer_key = 0x0001020304050607, .length = (n) }
/* @to counts from where the data begin, as the subflow's numbers do */
#define MAPS(from, n, to) { .seen = MPTCP_MAPS, .ssn = (from), .dsn = DATA_FROM + (to), .length = (n) }
#define JOINS             { .seen = MPTCP_JOINS }
#define PLAIN             { 0 }

#define POST_5 "POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\n" /* 39 bytes */
#define HELLO  POST_5 "hello"                                  /* 44 */
#define OK_2   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"  /* 40 */

struct step {
	char from;
	uint8_t flags;
	uint32_t seq, ack; /* relative */
	const char *data;
	struct mptcp says;
};

#define OPENED                                                                                                 \
	{ 'c', TCP_SYN, 0, 0, "", CAPABLE }, { 's', TCP_SYN | TCP_ACK, 0, 1, "", SERVERS_KEY },                \
	{ 'c', TCP_ACK, 1, 1, "", BOTH_KEYS }
#define C(seq, ack, data, ...) { 'c', TCP_ACK | TCP_PSH, seq, ack, data, __VA_ARGS__ }
#define S(seq, ack, data, ...) { 's', TCP_ACK | TCP_PSH, seq, ack, data, __VA_ARGS__ }

static const struct step one_path[] = { OPENED, C(1, 1, HELLO, BEGINS(44)), S(1, 45, OK_2, MAPS(1, 40, 1)),
					C(45, 41, HELLO, MAPS(45, 44, 45)), S(41, 89, OK_2, MAPS(41, 40, 41)) };

/* A mapping over two segments: repeated in each, as network cards cut them, or said once; then all of it once more. */
static const struct step long_mappings[] = {
	OPENED,
	C(1, 1, POST_5, MAPS(1, 44, 1)), C(40, 1, "hello", MAPS(1, 44, 1)),
	C(45, 1, POST_5, MAPS(45, 44, 45)), C(84, 1, "again", PLAIN),
	C(1, 1, HELLO, MAPS(1, 44, 1)), C(84, 1, "again", PLAIN),
	C(89, 1, HELLO, MAPS(89, 44, 89)),
};

static const struct step out_of_order[] = { OPENED, C(45, 1, HELLO, MAPS(45, 44, 45)), C(1, 1, POST_5, BEGINS(44)),
					    C(40, 1, "hello", PLAIN) };

/* Nobody answers with keys: plain TCP, whatever the SYN asked for. */
static const struct step refused[] = { { 'c', TCP_SYN, 0, 0, "", CAPABLE }, { 's', TCP_SYN | TCP_ACK, 0, 1, "", PLAIN },
				       C(1, 1, HELLO, PLAIN), S(1, 45, OK_2, PLAIN), C(45, 41, HELLO, PLAIN),
				       S(41, 89, OK_2, PLAIN) };

/* After a mapping for ever nothing need be mapped. */
static const struct step falls_back[] = { OPENED, C(1, 1, HELLO, MAPS(1, 44, 1)), C(45, 1, POST_5, MAPS(45, 0, 45)),
					  C(84, 1, "hello", PLAIN), C(89, 1, HELLO, PLAIN) };

/* The end of the data has a number of its own and maps no byte. */
static const struct step data_ends[] = { OPENED, C(1, 1, HELLO, MAPS(1, 44, 1)), C(45, 1, "", MAPS(0, 1, 45)),
					 S(1, 45, OK_2, MAPS(1, 40, 1)) };

/* Bytes 45 to 94 went another way: what is in the making is lost, and so is what begins later. */
static const struct step jumps[] = { OPENED, C(1, 1, HELLO, MAPS(1, 44, 1)), C(45, 1, POST_5, MAPS(45, 39, 45)),
				     C(84, 1, "hello", MAPS(84, 5, 134)), C(89, 1, HELLO, MAPS(89, 44, 139)),
				     C(89, 1, HELLO, MAPS(89, 44, 139)) };

/* Between the first data, which come with the keys, and the next something else was sent. */
static const struct step jumps_at_once[] = { OPENED, C(1, 1, POST_5, BEGINS(39)), C(40, 1, "world", MAPS(40, 5, 45)) };

/* Sent once more on this path, since another one lost it. */
static const struct step comes_back[] = { OPENED, C(1, 1, POST_5, MAPS(1, 39, 1)), C(40, 1, POST_5, MAPS(40, 39, 1)) };

static const struct step unmapped[] = { OPENED, C(1, 1, POST_5, MAPS(1, 39, 1)), C(40, 1, "hello", PLAIN) };
static const struct step beyond[] = { OPENED, C(1, 1, HELLO, MAPS(1, 39, 1)) };
static const struct step mapped_late[] = { OPENED, C(1, 1, POST_5, PLAIN), C(40, 1, "hello", MAPS(40, 5, 40)) };

static const struct step joined[] = { { 'c', TCP_SYN, 0, 0, "", JOINS }, { 's', TCP_SYN | TCP_ACK, 0, 1, "", JOINS },
				      { 'c', TCP_ACK, 1, 1, "", JOINS }, C(1, 1, HELLO, MAPS(1, 44, 300)),
				      C(1, 1, HELLO, MAPS(1, 44, 300)), S(1, 45, OK_2, MAPS(1, 40, 70)) };

/* Only its third packet was captured, or the first one with data: no begin, so it is looked at as any connection. */
static const struct step joined_late[] = { { 'c', TCP_ACK, 1, 1, "", JOINS }, C(1, 1, HELLO, MAPS(1, 44, 300)) };
static const struct step midstream[] = { C(1, 1, HELLO, MAPS(1, 44, 300)), S(1, 45, OK_2, MAPS(1, 40, 70)),
					 C(45, 41, HELLO, MAPS(45, 44, 344)), C(89, 41, POST_5, MAPS(89, 39, 388)),
					 C(128, 41, "hello", MAPS(128, 5, 500)) };

/* The first response went another way: the second one must not be taken for it. */
static const struct step response_elsewhere[] = { OPENED, C(1, 1, HELLO, MAPS(1, 44, 1)), C(45, 1, HELLO, MAPS(45, 44, 45)),
						  S(1, 89, OK_2, MAPS(1, 40, 41)) };

static const struct story {
	const char *name;
	const struct step *steps;
	size_t count;
	const char *events, *stats;
} stories[] = {
#define STORY(table, events, stats) { #table, table, sizeof(table) / sizeof(table[0]), events, stats }
	STORY(one_path, "POST /p [hello];=/p 200 1000+1000 [{}];POST /p [hello];=/p 200 1000+1000 [{}];", "multipath=0"),
	STORY(long_mappings, "POST /p [hello];POST /p [again];POST /p [hello];", "multipath=0"),
	STORY(out_of_order, "POST /p [hello];POST /p [hello];", "multipath=0"),
	STORY(refused, "POST /p [hello];=/p 200 1000+1000 [{}];POST /p [hello];=/p 200 1000+1000 [{}];", "multipath=0"),
	STORY(falls_back, "POST /p [hello];POST /p [hello];POST /p [hello];", "multipath=0"),
	STORY(data_ends, "POST /p [hello];=/p 200 2000+2000 [{}];", "multipath=0"),
	STORY(jumps, "POST /p [hello];!multipath;=/p unseen;!multipath;", "multipath=1 seen=3 lost.multipath=2"),
	STORY(jumps_at_once, "!multipath;", "multipath=1"),
	STORY(comes_back, "!multipath;!multipath;", "multipath=1"),
	STORY(unmapped, "!multipath;", "multipath=1"),
	STORY(beyond, "!multipath;", "multipath=1"),
	STORY(mapped_late, "!multipath;", "multipath=1"),
	STORY(joined, "!multipath;", "multipath=1 seen=1"),
	STORY(joined_late, "!multipath;", "multipath=1 seen=1"),
	STORY(midstream, "POST /p [hello];=/p out_of_step;POST /p [hello];!multipath;=/p unseen;", "multipath=1 midstream=1"),
	STORY(response_elsewhere, "POST /p [hello];POST /p [hello];=/p out_of_step;=/p out_of_step;", "multipath=0"),
};

static void feed(struct tracker *r, const struct step *step, uint32_t isn, int64_t ts)
{
	static const struct endpoint ends[2] = { { .family = 4, .port = CLIENT_PORT, .addr = { [15] = 1 } },
						 { .family = 4, .port = SERVER_PORT, .addr = { [15] = 2 } } };
	bool is_client = step->from == 'c';
	struct mptcp says = step->says;
	struct segment s = { .src = ends[!is_client],
			     .dst = ends[is_client],
			     .payload = span_str(step->data),
			     .ts = { ts },
			     .seq = isn + step->seq,
			     .ack = isn + step->ack,
			     .flags = step->flags,
			     .mptcp = says.seen ? &says : NULL };

	tracker_feed(r, &s);
}

static void tell(const struct story *story, uint32_t isn)
{
	static const uint16_t port = SERVER_PORT;
	struct http_tracker_options options = { .tracker.server_ports = &port,
					      .tracker.server_port_count = 1,
					      .tracker.hold_bytes = 65536,
					      .http.max_body = 65536,
					      .http.max_response = 65536,
					      .tracker.idle_ns = 3600 * NS_PER_S,
					      .http.keep_responses = true };
	char what[80];
	struct tcp_tap tap;
	struct buffer answered = { 0 };

	snprintf(what, sizeof(what), "%s at ISN %u", story->name, isn);
	tcp_tap_open(&tap, &options, KEEP_WHOLE);
	for (size_t i = 0; i < story->count; i++)
		feed(tap.r, &story->steps[i], isn, NS_PER_S + (int64_t)i * NS_PER_MS);
	buffer_add_span(&answered, buffer_span(&tap.events)); /* what the end adds, responses that never came, is not asked */
	if (strcmp(buffer_text(&answered), story->events) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", what, buffer_text(&answered), story->events);
	tcp_tap_close(&tap, story->stats, what);
	buffer_deinit(&answered);
	buffer_deinit(&tap.events);
}

static void test_stories(void **state)
{
	static const uint32_t isns[] = { 0, 1, 0xffffffffU, 0xfffffff5U };

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		for (size_t k = 0; k < sizeof(isns) / sizeof(isns[0]); k++)
			tell(&stories[i], isns[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_options, guard_setup, guard_teardown),
		cmocka_unit_test(test_stories),
	};

	return cmocka_run_group_tests_name("multipath", tests, NULL, NULL);
}
