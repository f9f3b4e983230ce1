/* test_books.c - the books balance, say when they do not, and explain an empty run by the right step */
#include "tests/rig/unit.h"

#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "report/books.h"
#include "report/suite_text.h"
#include "report/why.h"

/* One of everything: 10 packets, 20 requests, one target. */
static struct books balanced(void)
{
	struct books b = { 0 };

	b.packets.received = PACKET_RESULT_COUNT;
	for (int i = 0; i < PACKET_RESULT_COUNT; i++)
		b.packets.result[i] = 1;
	b.requests.complete = DECISION_COUNT;
	for (int i = 0; i < DECISION_COUNT; i++)
		b.requests.decision[i] = 1;
	b.requests.seen = b.requests.complete + LOST_REASON_COUNT;
	for (int i = 0; i < LOST_REASON_COUNT; i++)
		b.requests.lost[i] = 1;
	b.target_count = 1;
	b.target[0].name = "default";
	b.target[0].shown = "http://127.0.0.1:9000";
	b.target[0].breaker = "closed";
	b.target[0].chosen = 1;
	b.target[0].sent = 1;
	b.target[0].outcome[OUTCOME_ANSWERED_2XX] = 1;
	return b;
}

static bool balances(const struct books *b, char *why, size_t size)
{
	struct buffer out = { 0 };
	bool ok = books_imbalance(b, &out);

	strncpy(why, buffer_text(&out), size - 1);
	why[size - 1] = '\0';
	buffer_deinit(&out);
	return ok;
}

static void test_balanced(void **state)
{
	struct books b = balanced();
	char why[512];

	(void)state;
	assert_true(balances(&b, why, sizeof(why)));
	assert_string_equal(why, "");
}

/* Each counter of each equality, one too many: found, and said by name. */
static void test_every_counter_matters(void **state)
{
	struct books b = balanced();
	struct {
		uint64_t *counter;
		size_t count;
		const char *said;
	} rows[] = {
		{ &b.packets.received, 1, "packets.received" },
		{ b.packets.result, PACKET_RESULT_COUNT, "packets.received" },
		{ &b.requests.seen, 1, "requests.seen" },
		{ b.requests.lost, LOST_REASON_COUNT, "requests.seen" },
		{ b.requests.decision, DECISION_COUNT, "requests.complete" },
		{ &b.target[0].chosen, 1, "default.chosen" },
		{ &b.target[0].unsampled, 1, "default.chosen" },
		{ b.target[0].shed, SHED_COUNT, "default.chosen" },
		{ &b.target[0].sent, 1, "default.sent" },
		{ b.target[0].outcome, OUTCOME_COUNT, "default.sent" },
	};
	char why[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < rows[i].count; k++) {
			rows[i].counter[k]++;
			assert_false(balances(&b, why, sizeof(why)));
			assert_non_null(strstr(why, rows[i].said));
			rows[i].counter[k]--;
		}
	assert_true(balances(&b, why, sizeof(why)));
}

/* A clock that is off by more than a tenth of a second is told of, in either direction. */
static void test_clocks_of_taps(void **state)
{
	static const struct {
		int64_t skew_us;
		bool has_skew;
		const char *told;
	} rows[] = {
		{ 100000, true, NULL },  { -100000, true, NULL }, { 5000000, false, NULL },
		{ 250000, true, "tap node-1 has a clock that is 250 ms ahead of the broker's" },
		{ -3600000000, true, "tap node-1 has a clock that is 3600000 ms behind the broker's" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fleet_tap tap = { .tap = "node-1", .run = "r", .skew_us = rows[i].skew_us, .has_skew = rows[i].has_skew };
		struct books b = { .fleet = { .is_on = true, .taps = &tap, .tap_count = 1 } };
		struct buffer text = { 0 };

		books_text(&b, &text);
		assert_true((rows[i].told != NULL) == (strstr(buffer_text(&text), "has a clock") != NULL));
		if (rows[i].told)
			assert_non_null(strstr(buffer_text(&text), rows[i].told));
		buffer_deinit(&text);
	}
}

/* The same of a replayer: all that it claimed is seen, and each number that a tap gave is somewhere. */
static void test_every_fleet_counter_matters(void **state)
{
	struct fleet_tap tap = { .tap = "node-1", .run = "r", .next_sequence = 8, .before = 1, .received = 1, .duplicate = 1, .refused = 1,
				 .evicted = 1, .missing = 1, .pending = 1, .unknown = 1 };
	struct fleet_facts facts = { .taps = &tap, .tap_count = 1, .is_whole = true };
	static struct fleet_stats stats;
	struct books_sources from = { .fleet = &stats, .fleet_facts = &facts };
	struct books b, whole = balanced();
	char why[512];
	uint64_t *counters[] = { &whole.fleet.received, &whole.fleet.malformed[1], &whole.fleet.expired, &whole.fleet.fenced_off,
				 &whole.fleet.claimed };
	uint64_t *numbers[] = { &tap.next_sequence, &tap.before,  &tap.received, &tap.duplicate, &tap.refused,
				&tap.evicted,	    &tap.missing, &tap.pending,	 &tap.unknown };

	(void)state;
	counter_set(&stats.claimed, whole.requests.seen);
	counter_set(&stats.expired, 2);
	counter_set(&stats.malformed[RECORD_FAULT_COUNT - 1], 3);
	counter_set(&stats.fenced_off, 4);
	counter_set(&stats.received, whole.requests.seen + 9);
	books_take(&from, &b);
	whole.fleet = b.fleet;
	assert_true(balances(&whole, why, sizeof(why)));
	assert_true(whole.fleet.is_on && whole.fleet.is_whole);
	assert_int_equal(whole.fleet.all.missing, 1);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		++*counters[i];
		assert_false(balances(&whole, why, sizeof(why)));
		assert_non_null(strstr(why, "fleet."));
		--*counters[i];
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		++*numbers[i];
		assert_false(balances(&whole, why, sizeof(why)));
		assert_non_null(strstr(why, "node-1.next_sequence"));
		--*numbers[i];
	}
}

/* What was left in the ring, or could not be held, moves from chosen to its reason, so both sides still agree. */
static void test_not_given(void **state)
{
	static struct policy_stats policy;
	struct books_sources from = { .policy = &policy, .stopped = 3, .no_memory = 1 };
	struct books b;

	(void)state;
	counter_set(&policy.decision[DECISION_CHOSEN], 10);
	counter_set(&policy.decision[DECISION_SHED_HANDOVER], 2);
	counter_set(&policy.decision[DECISION_SHED_STOPPED], 2);
	books_take(&from, &b);
	assert_int_equal(b.requests.decision[DECISION_CHOSEN], 6);
	assert_int_equal(b.requests.decision[DECISION_SHED_HANDOVER], 2);
	assert_int_equal(b.requests.decision[DECISION_SHED_STOPPED], 5);
	assert_int_equal(b.requests.decision[DECISION_SHED_MEMORY], 1);
}

/* The names that scripts rely on, in their nesting. */
static void test_json_names(void **state)
{
	static const char *const members[] = {
		"\"packets\":{\"received\":", "\"decoded\":", "\"ignored\":{\"not_ip\":", "\"malformed\":{\"truncated\":",
		"\"dropped_kernel\":", "\"requests\":{\"seen\":", "\"complete\":",
		("\"lost\":{\"gap\":1,\"truncated\":1,\"reset\":1,\"idle\":1,\"too_large\":1,\"malformed\":1,\"upgraded\":1,"
		 "\"memory\":1,\"multipath\":1,\"urgent\":1,\"head_unknown\":1,\"framing\":1,\"stream_reset\":1,\"stream_long\":1,\"refused\":1,\"cut_at_end\":1}"),
		"\"filtered\":{\"method\":1,\"denied\":1,\"path\":1,\"host\":1,\"header\":1,\"loop\":1}", "\"unsampled\":1",
		"\"shed\":{\"handover\":1,\"memory\":1,\"stopped\":1}", "\"chosen\":1", "\"targets\":{\"default\":{",
		"\"shed\":{\"rate\":0,\"queue\":0,\"stale\":0,\"breaker\":0,\"production\":0,\"needs_http2\":0,\"plain\":0}", "\"sent\":1",
		"\"answered\":{\"2xx\":1,\"3xx\":0,\"4xx\":0,\"5xx\":0}",
		"\"failed\":{\"timeout\":0,\"connect\":0,\"dns\":0,\"tls\":0,\"reset\":0,\"stale\":0,\"protocol\":0,\"refused\":0,\"goaway\":0,\"stream_reset\":0}",
		"\"cancelled_at_exit\":0",
	};
	struct books b = balanced();
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	(void)state;
	json_open(&j, '{');
	books_json(&b, &j);
	json_close(&j, '}');
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!strstr(buffer_text(&out), members[i]))
			fail_msg("%s is not in %s", members[i], buffer_text(&out));
	buffer_deinit(&out);
}

/* Only those that there were; a call that was answered with 200 and another status than OK has failed. */
static void test_grpc(void **state)
{
	struct books b = balanced();
	struct buffer out = { 0 };
	struct json j = json_to(&out);
	uint64_t failed = books_failed(&b);

	(void)state;
	b.target[0].grpc[GRPC_OK] = 3;
	b.target[0].grpc[GRPC_UNAVAILABLE] = 2;
	b.target[0].grpc_failed = 2;
	assert_int_equal(books_failed(&b), failed + 2);
	json_open(&j, '{');
	books_json(&b, &j);
	json_close(&j, '}');
	assert_non_null(strstr(buffer_text(&out), ",\"grpc\":{\"OK\":3,\"UNAVAILABLE\":2},"));
	buffer_clear(&out);
	books_text(&b, &out);
	assert_non_null(strstr(buffer_text(&out), "\ndefault grpc OK 3, UNAVAILABLE 2\n"));
	b = balanced();
	buffer_clear(&out);
	books_text(&b, &out);
	assert_null(strstr(buffer_text(&out), "grpc"));
	buffer_deinit(&out);
}

/* Of keys that came late it is said by how much; where none did, nothing is. */
static void test_late_keys(void **state)
{
	struct books b = balanced();
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	(void)state;
	b.tls.seen = b.tls.tls_fate[TLS_READ] = 9;
	books_text(&b, &out);
	assert_null(strstr(buffer_text(&out), "keys came"));
	b.tls.late = (struct quantiles){ .count = 7, .p50 = 1200, .p90 = 20000, .p99 = 34500, .max = 1234000, .sum = 2000000 };
	buffer_clear(&out);
	books_text(&b, &out);
	assert_non_null(strstr(buffer_text(&out), "\ntls: keys came after the data in 7 connections, by p50 1.20 ms p99 34.5 ms max 1234 ms\n"));
	buffer_clear(&out);
	json_open(&j, '{');
	books_json(&b, &j);
	json_close(&j, '}');
	assert_non_null(strstr(buffer_text(&out), ",\"late_us\":{\"count\":7,\"p50\":1200,\"p90\":20000,\"p99\":34500,\"max\":1234000,"));
	buffer_deinit(&out);
}

static void test_text(void **state)
{
	struct books b = balanced();
	struct buffer out = { 0 };

	(void)state;
	b.packets.result[PACKET_IGNORED_PORT] = 4;
	b.packets.received += 3;
	books_text(&b, &out);
	assert_non_null(strstr(buffer_text(&out), "packets.received 14 = decoded 1 + ignored 9 (not_ip 1, not_tcp 1, port 4, "
						  "fragment 1, nested 1, linktype 1) + malformed 4 (truncated 1, link 1, ip 1, tcp 1); "
						  "dropped_kernel 0\n"));
	assert_non_null(strstr(buffer_text(&out), "default.sent 1 = answered 1 (2xx 1) + failed 0 + cancelled_at_exit 0\n"));
	buffer_deinit(&out);
}

/* Runs that go well down to a step, and lose everything there. */
static void no_packets(struct books *b)
{
	*b = (struct books){ 0 };
}

static void other_port(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_IGNORED_PORT] = 9 } } };
}

static void only_udp(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_IGNORED_NOT_TCP] = 9 } } };
}

static void only_tls(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .connections = { .seen = 2, .not_http = 2, .tls = 2 } };
}

static void only_http2(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .connections = { .seen = 2, .http2 = 2 } };
}

static void all_heads_unknown(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .requests = { .seen = 9, .lost = { [LOST_HEAD_UNKNOWN] = 9 } },
			     .http2 = { .streams = 9, .requests = 9, .http2_head = { [HTTP2_UNKNOWN] = 9 } } };
}

static void all_gaps(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .requests = { .seen = 3, .lost = { [LOST_GAP] = 2, [LOST_RESET] = 1 } } };
}

static void all_but_probes_too_large(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .requests = { .seen = 12, .complete = 2, .lost = { [LOST_TOO_LARGE] = 10 },
					   .decision = { [DECISION_FILTERED_METHOD] = 2 } } };
}

static void responses_only(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } }, .connections = { .seen = 3 } };
}

static void all_gets(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .requests = { .seen = 3, .complete = 3, .decision = { [DECISION_FILTERED_METHOD] = 3 } } };
}

static void all_unsampled(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			     .requests = { .seen = 3, .complete = 3, .decision = { [DECISION_UNSAMPLED] = 3 } } };
}

static void all_breaker(struct books *b)
{
	*b = balanced();
	b->target[0].sent = 0;
	b->target[0].shed[SHED_BREAKER] = 1;
}

static void production(struct books *b)
{
	*b = balanced();
	b->target[0].sent = 0;
	b->target[0].unsampled = 7;
	b->target[0].shed[SHED_PRODUCTION] = 1;
}

static void all_vn_tagged(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_IGNORED_NOT_IP] = 9 } },
			     .unread = { { UNREAD(UNREAD_IP_PROTOCOL, 1), 9 }, { UNREAD(UNREAD_ETHERTYPE, 0x88e5), 8 } } };
}

static void all_link_types(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_IGNORED_LINKTYPE] = 9 } },
			     .unread = { { UNREAD(UNREAD_LINKTYPE, 220), 9 } } };
}

static void all_truncated(struct books *b)
{
	*b = (struct books){ .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 }, .longest_cut = 70000 },
			     .requests = { .seen = 3, .lost = { [LOST_TRUNCATED] = 3 } } };
}

static void all_big_tcp(struct books *b)
{
	all_truncated(b);
	b->packets.longest_cut = 500000;
}

static void broker_unread(struct books *b)
{
	*b = (struct books){ .fleet = { .is_on = true } };
}

static void broker_empty(struct books *b)
{
	*b = (struct books){ .fleet = { .is_on = true, .partitions = 16 } };
}

static void broker_old(struct books *b)
{
	*b = (struct books){ .fleet = { .is_on = true, .partitions = 16, .received = 9, .expired = 9 } };
}

static void broker_junk(struct books *b)
{
	*b = (struct books){ .fleet = { .is_on = true, .partitions = 16, .received = 9 } };
	b->fleet.malformed[RECORD_FAULT_LENGTH] = 9;
}

static const struct {
	const char *step;
	void (*fall)(struct books *);
	const char *said;
} empty_runs[] = {
	{ "no broker", broker_unread, "the broker could not be read" },
	{ "nothing there", broker_empty, "the broker had no requests for this group" },
	{ "too old", broker_old, "all 9 requests were older than --max-age" },
	{ "no records", broker_junk, "none of 9 records is what it should be, most for their length" },
	{ "no packets", no_packets, "the capture holds no packets" },
	{ "other port", other_port, "on a port of -p" },
	{ "no TCP", only_udp, "they carry no TCP" },
	{ "a kind of frame", all_vn_tagged, "they carry no IP, most have ethertype 0x88e5 (MACsec): it is encrypted" },
	{ "a link type", all_link_types, "their link type, 220, is not one" },
	{ "a snaplen", all_truncated, "3 of them as truncated: the packets were cut: capture with a snaplen of 262144 (-s)" },
	{ "BIG TCP", all_big_tcp, "there are packets of 500000 bytes (BIG TCP), and no snaplen above 262144 (-s): ip link set DEV gro_max_size 196608" },
	{ "TLS", only_tls, "2 of 2 connections are TLS" },
	{ "HTTP/2", only_http2, "2 of 2 connections speak HTTP/2 (gRPC?), but no request on them was seen to begin" },
	{ "old connections", all_heads_unknown, "all 9 requests were lost, 9 of them as head_unknown: their heads name method, path" },
	{ "gaps", all_gaps, "2 of them as gap" },
	{ "too large", all_but_probes_too_large, "10 of 12 requests were lost, 10 of them as too_large" },
	{ "one way", responses_only, "are the packets from the clients captured" },
	{ "methods", all_gets, "3 were filtered.method" },
	{ "sample", all_unsampled, "the sample took none" },
	{ "breaker", all_breaker, "were shed.breaker" },
	{ "production", production, "is the service that is watched" },
};

static void test_why(void **state)
{
	struct run_shape shape = { .sample_share = SHARE_ONE };

	(void)state;
	for (size_t i = 0; i < sizeof(empty_runs) / sizeof(empty_runs[0]); i++) {
		struct buffer out = { 0 };
		struct books b;

		empty_runs[i].fall(&b);
		assert_true(why_nothing(&b, &shape, &out));
		if (!strstr(buffer_text(&out), empty_runs[i].said))
			fail_msg("%s: \"%s\" is not in: %s", empty_runs[i].step, empty_runs[i].said, buffer_text(&out));
		assert_int_equal(strncmp(buffer_text(&out), "nothing was sent: ", 18), 0);
		buffer_deinit(&out);
	}
}

/* What is said of a run that sent something: what else was in the packets, or in longer ones than can be captured. */
static void test_why_lacking(void **state)
{
	static const struct {
		struct unread_share unread;
		uint64_t longest_cut, truncated;
		const char *said; /* NULL: nothing */
	} rows[] = {
		{ { 0 }, 0, 0, NULL },
		{ { UNREAD(UNREAD_UDP_PORT, 4789), 34 }, 0, 0, "34 of 50 packets have UDP port 4789 (VXLAN) and could not be read: " },
		{ { UNREAD(UNREAD_UDP_PORT, 4789), 5 }, 0, 0, NULL }, /* a handful */
		{ { UNREAD(UNREAD_UDP_PORT, 53), 34 }, 0, 0, NULL },
		{ { UNREAD(UNREAD_UDP_PORT, 5000), 34 }, 0, 0, "although --vxlan-port names the port" },
		{ { UNREAD(UNREAD_ETHERTYPE, 0x0026), 34 }, 0, 0, NULL },
		{ { 0 }, 500000, 7, "7 requests were lost as truncated: there are packets of 500000 bytes (BIG TCP)" },
		{ { 0 }, 70000, 7, NULL },
		{ { 0 }, 500000, 0, NULL },
	};
	static const uint16_t given[] = { 5000 };
	const struct run_shape shape = { .vxlan_ports = given, .vxlan_port_count = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct books b = balanced();
		struct buffer out = { 0 };

		b.packets.received = 50;
		b.packets.result[PACKET_DECODED] = 16;
		b.requests.complete = 1;
		b.unread[0] = rows[i].unread;
		b.packets.longest_cut = rows[i].longest_cut;
		b.requests.lost[LOST_TRUNCATED] = rows[i].truncated;
		b.requests.lost[LOST_HEAD_UNKNOWN] = 0;
		why_lacking(&b, &shape, &out);
		if (rows[i].said ? !strstr(buffer_text(&out), rows[i].said) : out.len > 0)
			fail_msg("row %zu: %s", i, buffer_text(&out));
		buffer_deinit(&out);
	}
}

/* Connections with TLS that were not read: what most of them have, and the cure; of a run without requests, and of others. */
static void test_why_tls(void **state)
{
	static const struct {
		uint64_t fate[TLS_FATE_COUNT], misfit, no_room;
		const char *said, *cure;
		bool is_lacking; /* and is said if requests were seen */
	} rows[] = {
		{ { [TLS_NO_KEYS] = 3 }, 0, 0, "3 of 4 connections with TLS had no secret in time", "--keylog-wait", true },
		{ { [TLS_NO_KEYS] = 3 }, 1, 0, "3 of 4 connections with TLS had no secret in time", "--file-flush-interval-msec 100", true },
		{ { [TLS_NO_KEYS] = 3 }, 2, 0, "2 of 4 connections with TLS have secrets in the key log that open nothing", "write a new one", true },
		{ { [TLS_NO_KEYS] = 3 }, 0, 1, "3 of 4 connections with TLS had no secret in time", "--keylog-wait", true },
		{ { [TLS_NO_KEYS] = 3 }, 1, 2, "2 of 4 connections with TLS had no secret while there was memory", "raise --max-memory", true },
		{ { [TLS_UNSUPPORTED] = 3 }, 0, 0, "3 of 4 connections with TLS have a version or a cipher suite", "allow TLS 1.3", true },
		{ { [TLS_MIDSTREAM] = 3 }, 0, 0, "3 of 4 connections with TLS began before the capture", "start shadowtap first", false },
		{ { [TLS_ECH] = 3 }, 0, 0, "3 of 4 connections with TLS may hide", "turn ECH off", true },
		{ { [TLS_LOST] = 3 }, 0, 0, "3 of 4 connections with TLS lost their handshake", "raise -B", false },
	};
	const struct run_shape shape = { .sample_share = SHARE_ONE };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct books b = { .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
				   .connections = { .seen = 4, .tls = 3 } };
		struct buffer out = { 0 };

		b.tls.seen = 4;
		memcpy(b.tls.tls_fate, rows[i].fate, sizeof(rows[i].fate));
		b.tls.tls_fate[TLS_READ] = 1;
		b.tls.misfit = rows[i].misfit;
		b.tls.no_room = rows[i].no_room;
		assert_true(why_nothing(&b, &shape, &out));
		if (!strstr(buffer_text(&out), rows[i].said) || !strstr(buffer_text(&out), rows[i].cure))
			fail_msg("row %zu: %s", i, buffer_text(&out));
		buffer_clear(&out);
		why_lacking(&b, &shape, &out);
		assert_int_equal(out.len, 0);
		b.requests.seen = b.requests.complete = 5;
		why_lacking(&b, &shape, &out);
		if (rows[i].is_lacking ? !strstr(buffer_text(&out), rows[i].said) : out.len > 0)
			fail_msg("row %zu: %s", i, buffer_text(&out));
		buffer_deinit(&out);
	}
}

/* What cannot be read is named: the version alone where that is why, else the suite too, with its name if it is known. */
static void test_suite_texts(void **state)
{
	struct unsupported u = { 0 };
	const struct tls_stats stats = { 0 };
	const struct histogram late = { 0 };
	struct books_sources from = { .tls = &stats, .tls_late_us = &late, .tls_unsupported = &u };
	struct buffer out = { 0 };
	struct books b;

	(void)state;
	books_take(&from, &b);
	suite_texts(b.tls.unsupported, &out);
	assert_int_equal(out.len, 0);
	unsupported_add(&u, UNSUPPORTED(0x0302, 0xc013, false), 2);
	for (int i = 0; i < 3; i++)
		unsupported_add(&u, UNSUPPORTED(0x0303, 0x000a, false), 1);
	unsupported_add(&u, UNSUPPORTED(0x0303, 0xfefe, false), 1);
	unsupported_add(&u, UNSUPPORTED(0x0300, 0x0005, false), 1);
	unsupported_add(&u, UNSUPPORTED(0x0303, 0xc030, true), 1);
	unsupported_add(&u, UNSUPPORTED(0x7f1c, 0x1301, false), 1);
	books_take(&from, &b);
	suite_texts(b.tls.unsupported, &out);
	assert_string_equal(buffer_text(&out), " (3 of TLS 1.2 with 0x000a (TLS_RSA_WITH_3DES_EDE_CBC_SHA), 2 of TLS 1.1, 1 of TLS 1.2 with 0xfefe, "
					       "1 of SSL 3.0, 1 of TLS 1.2 with compression, 1 of version 0x7f1c)");
	for (uint16_t i = 0; i < 20; i++)
		unsupported_add(&u, UNSUPPORTED(0x0303, i, false), 1); /* there is no row for most */
	books_take(&from, &b);
	assert_int_equal(b.tls.unsupported[UNSUPPORTED_MAX - 1].connections, 1);
	buffer_deinit(&out);
}

/* Those that were read from when their secrets came are told of, though nothing of them was lost that is known */
static void test_why_after_wait(void **state)
{
	const struct run_shape shape = { .sample_share = SHARE_ONE };
	struct books b = { .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } } };
	struct buffer out = { 0 };

	(void)state;
	b.tls.seen = b.tls.tls_fate[TLS_READ] = 4;
	why_lacking(&b, &shape, &out);
	assert_int_equal(out.len, 0);
	b.tls.after_wait = 3;
	why_lacking(&b, &shape, &out);
	assert_non_null(strstr(buffer_text(&out), "3 of 4 connections with TLS had their secrets only when these were not waited for any more"));
	buffer_deinit(&out);
}

/* Heads of HTTP/2 that could not be read: how many, what makes them readable, and what only some need. */
static void test_why_head_unknown(void **state)
{
	static const struct {
		uint64_t lost, part, epochs;
		const char *said, *also; /* NULL: nothing; not said */
	} rows[] = {
		{ 0, 3, 1, NULL, NULL },
		{ 1, 0, 0, "1 requests of HTTP/2 were lost as head_unknown: ", NULL },
		{ 7, 0, 0, "7 requests of HTTP/2 were lost as head_unknown: ", NULL },
		{ 7, 2, 0, "--grpc-max-connection-age MS", "--h2-heads needed" },
		{ 7, 0, 1, "grpc.max_connection_age_ms=MS", "or in a gap of it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct books b = balanced();
		const struct run_shape shape = { .sample_share = SHARE_ONE };
		struct buffer out = { 0 };

		b.requests.lost[LOST_HEAD_UNKNOWN] = rows[i].lost;
		b.http2.http2_head[HTTP2_PART] = rows[i].part;
		b.http2.epochs = rows[i].epochs;
		why_lacking(&b, &shape, &out);
		if (rows[i].said ? !strstr(buffer_text(&out), rows[i].said) : out.len > 0)
			fail_msg("row %zu: %s", i, buffer_text(&out));
		if (rows[i].also)
			assert_non_null(strstr(buffer_text(&out), rows[i].also));
		else
			assert_null(strstr(buffer_text(&out), "--h2-heads"));
		buffer_deinit(&out);
	}
}

/* --h2 off is the reason where it is given. */
static void test_why_http2_left_out(void **state)
{
	struct run_shape shape = { .sample_share = SHARE_ONE, .leaves_http2 = true };
	struct buffer out = { 0 };
	struct books b;

	(void)state;
	only_http2(&b);
	assert_true(why_nothing(&b, &shape, &out));
	assert_non_null(strstr(buffer_text(&out), "2 of 2 connections speak HTTP/2 (gRPC?), which --h2 off leaves out"));
	buffer_deinit(&out);
}

/* Ended in a pause of the recording: that is no target's fault. A full ring may be. */
static void test_why_stopped(void **state)
{
	struct books b = { .packets = { .received = 9, .result = { [PACKET_DECODED] = 9 } },
			   .requests = { .seen = 3, .complete = 3, .decision = { [DECISION_SHED_STOPPED] = 3 } } };
	struct run_shape shape = { 0 };
	struct buffer out = { 0 };

	(void)state;
	assert_true(why_nothing(&b, &shape, &out));
	assert_non_null(strstr(buffer_text(&out), "--max-sleep 1s"));
	assert_null(strstr(buffer_text(&out), "targets"));
	buffer_clear(&out);
	shape.live = true;
	b.requests.decision[DECISION_SHED_STOPPED] = 0;
	b.requests.decision[DECISION_SHED_HANDOVER] = 3;
	assert_true(why_nothing(&b, &shape, &out));
	assert_non_null(strstr(buffer_text(&out), "see the targets' lines"));
	buffer_deinit(&out);
}

static void test_why_not(void **state)
{
	struct run_shape shape = { .sample_share = SHARE_ONE };
	struct books b = balanced();
	struct buffer out = { 0 };

	(void)state;
	assert_false(why_nothing(&b, &shape, &out));
	shape.dry_run = true;
	b.target_count = 0;
	assert_false(why_nothing(&b, &shape, &out)); /* one was chosen */
	assert_int_equal(out.len, 0);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balanced),   cmocka_unit_test(test_every_counter_matters),
		cmocka_unit_test(test_every_fleet_counter_matters),
		cmocka_unit_test(test_clocks_of_taps),
		cmocka_unit_test(test_not_given),  cmocka_unit_test(test_json_names),
		cmocka_unit_test(test_grpc),
		cmocka_unit_test(test_text), cmocka_unit_test(test_late_keys),       cmocka_unit_test(test_why),
		cmocka_unit_test(test_why_not),
		cmocka_unit_test(test_why_lacking),
		cmocka_unit_test(test_why_tls),
		cmocka_unit_test(test_suite_texts),
		cmocka_unit_test(test_why_after_wait),
		cmocka_unit_test(test_why_head_unknown),
		cmocka_unit_test(test_why_http2_left_out),
		cmocka_unit_test(test_why_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
