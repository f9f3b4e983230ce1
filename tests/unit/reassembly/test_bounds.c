/*
 * test_bounds.c - memory, floods, clocks: what must hold however much comes
 *
 * The linker sends this program's allocations here (--wrap), so that the n-th
 * can fail, for every n, over a conversation with everything in it.
 */
#include "tests/rig/unit.h"
#include "tests/rig/fail_alloc.h"
#include "tests/rig/tcp_script.h"

#include <stdlib.h>
#include <string.h>

/** struct rig - a tracker whose sink only counts */
struct rig {
	struct tracker *r;
	struct budget budget;
	struct http_stats http;
	enum keep keep;
	uint64_t asked, answered, requests, without_memory, losses;
};

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	const struct rig *rig = ctx;

	return (struct head_decision){ rig->keep, true, 0, .response = true };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct rig *rig = ctx;

	rig->requests++;
	rig->without_memory += out_of_memory;
	assert_true(out_of_memory == !m || rig->keep == KEEP_NOTHING);
	rig->asked += m && m->response_token;
	message_unref(m);
}

/* NULL where not even that nothing is known could be said */
static void on_response(void *ctx, uint64_t token, struct response *response)
{
	struct rig *rig = ctx;

	assert_true(token > 0 && token <= rig->asked);
	rig->answered++;
	response_free(response);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct rig *rig = ctx;

	rig->losses++;
}

static bool rig_open(struct rig *rig, size_t memory, enum keep keep, bool responses)
{
	static const uint16_t ports[] = { SERVER_PORT };
	struct protocol_sink sink = { rig, on_head, on_request, on_lost, on_response };
	struct http_tracker_options options = { .tracker.server_ports = ports,
					      .tracker.server_port_count = 1,
					      .tracker.hold_bytes = 256 << 10,
					      .http.max_body = 64 << 20,
					      .tracker.idle_ns = 60 * NS_PER_S,
					      .tracker.budget = &rig->budget,
					      .http.stats = &rig->http,
					      .http.keep_responses = responses,
					      .http.max_response = 1 << 20 };

	*rig = (struct rig){ .keep = keep };
	budget_init(&rig->budget, memory);
	rig->r = http_tracker_new(&options, &sink);
	return rig->r != NULL;
}

static uint64_t count_of(const struct rig *rig, const char *name)
{
	return tcp_counter(tracker_stats(rig->r), &rig->http, name);
}

static void rig_close(struct rig *rig)
{
	tracker_finish(rig->r);
	assert_int_equal(count_of(rig, "complete"), rig->requests);
	assert_int_equal(count_of(rig, "seen"), rig->requests + rig->losses);
	assert_int_equal(rig->asked, rig->answered);
	assert_int_equal(count_of(rig, "flows_open"), 0);
	assert_int_equal(count_of(rig, "held_bytes"), 0);
	tracker_free(rig->r);
	assert_int_equal(budget_used(&rig->budget), 0);
}

/** struct caller - one client's connection */
struct caller {
	uint32_t id, seq;
};

static void call(struct rig *rig, struct caller *c, uint8_t flags, struct span payload, int64_t ts_ns)
{
	struct segment s = {
		.src = { .addr = { [13] = (uint8_t)(c->id >> 24), [14] = (uint8_t)(c->id >> 16), [15] = 1 },
			 .port = (uint16_t)c->id,
			 .family = 4 },
		.dst = { .addr = { [15] = 2 }, .port = SERVER_PORT, .family = 4 },
		.seq = c->seq,
		.ack = 1,
		.flags = flags,
		.payload = payload,
		.ts = { ts_ns },
	};

	tracker_feed(rig->r, &s);
	c->seq += (uint32_t)payload.len + ((flags & TCP_SYN) ? 1 : 0);
}

#define HEAD_8M "POST /big HTTP/1.1\r\nContent-Length: 8388608\r\n\r\n"
#define SMALL "POST /small HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"

/* Reordering, chunks, gaps, an upgrade, a broken request, a second incarnation, another domain: every kind of allocation. */
static const struct tcp_step everything[] = {
	{ 'c', "S" },
	{ 's', "S" },
	{ 'c', "" },
	{ 'c', "P", SMALL },
	{ 's', "P", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
	{ 'c', "P", "world", NULL, .seq = 97 },
	{ 'c', "P", "POST /held HTTP/1.1\r\nContent-Length: 10\r\n\r\nhello", NULL, .seq = 49 },
	{ 'c', "P", "POST /x HTTP/1.1\r\nTransfer-Enc" },
	{ 'c', "P", "oding: chunked\r\nA:b\r\nC:d\r\n\r\n5\r\nhel" },
	{ 'c', "P", "lo\r\n20\r\n0123456789abcdef0123456789abcdef\r\n" },
	{ 'c', "P", "0\r\n\r\n" },
	{ 's', "P",
	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
	{ 'c', "P", "POST /lost HTTP/1.1\r\nContent-Length: 100\r\n\r\nhel", .missing = 5 },
	{ 'c', "P", "body, body, body, body", NULL, .seq = 500 },
	{ 's', "P", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
	{ 'c', "P", "GET /after HTTP/1.1\r\n\r\n", .wait_ms = 1300 },
	{ 's', "P", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
	{ 'c', "P", "GET /w HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" },
	{ 'c', "F" },
	{ 's', "F" },
	{ 'c', "S", .isn_shift = 99999 },
	{ 'c', "P", SMALL },
	{ 'c', "R" },
	{ 'c', "P", "junk", .seq = 7, .port = 50000 },
	{ 'c', "P", SMALL, .ack = 999, .port = 50000 },
	{ 'c', "S", .domain = 3 },
	{ 'c', "P", "POST /half HTTP/1.1\r\nA: b", .domain = 3 },
	{ 'c', "Sk", .domain = 4 },
	{ 'c', "R", .domain = 3 },
	{ 'c', "S", .domain = 4, .isn_shift = 99999 },
	{ 'c', "P", SMALL, .domain = 3 },
};

static void test_failing_allocations(void **state)
{
	long n = 0;
	bool failed, responses = false;

	do {
		struct rig rig;

		fail_at = n++;
		if (rig_open(&rig, (size_t)1 << 30, KEEP_WHOLE, responses)) {
			tcp_steps_feed(rig.r, everything, sizeof(everything) / sizeof(everything[0]), 1000,
				       NS_PER_S);
			failed = fail_at < 0;
			fail_at = -1;
			if (!failed)
				assert_int_equal(rig.requests, 8);
			rig_close(&rig);
		} else {
			failed = true;
			fail_at = -1;
		}
		if (!failed && !responses) { /* once more, with all that is kept of responses */
			assert_true(n > 20);
			responses = failed = true;
			n = 0;
		}
	} while (failed);
	assert_true(n > 40);
}

/** test_small_budgets() - the same with each budget from nothing up: never more than that is charged */
static void test_small_budgets(void **state)
{
	for (size_t memory = 0; memory < 20000; memory += 37) {
		struct rig rig;

		assert_true(rig_open(&rig, memory, KEEP_WHOLE, memory % 2));
		tcp_steps_feed(rig.r, everything, sizeof(everything) / sizeof(everything[0]), 5, NS_PER_S);
		rig_close(&rig);
	}
}

/** test_promises() - a Content-Length reserves nothing, and a body that nobody wants is never kept */
static void test_promises(void **state)
{
	static const uint8_t block[64 << 10];

	for (int keep = KEEP_NOTHING; keep <= KEEP_WHOLE; keep++) {
		struct caller c = { 5, 1 };
		struct rig rig;

		assert_true(rig_open(&rig, (size_t)1 << 30, (enum keep)keep, false));
		call(&rig, &c, TCP_SYN, (struct span){ 0 }, 1);
		call(&rig, &c, TCP_ACK, SPAN_LITERAL(HEAD_8M), 2);
		assert_true(budget_used(&rig.budget) < 4096);
		for (int i = 0; i < 128; i++) {
			size_t most = budget_used(&rig.budget);

			call(&rig, &c, TCP_ACK, span_of(block, sizeof(block)), 3 + i);
			if (keep != KEEP_WHOLE)
				assert_true(budget_used(&rig.budget) < 4096);
			else if (i < 126) /* by doubling, so never more than twice what is here */
				assert_true(budget_used(&rig.budget) <=
					    2 * (size_t)(i + 2) * sizeof(block) + most / 8);
		}
		assert_int_equal(rig.requests, 1);
		assert_int_equal(rig.without_memory, 0);
		rig_close(&rig);
	}
}

/** test_many_bodies() - a thousand connections that would hold 8 MiB each, in 16 MiB */
static void test_many_bodies(void **state)
{
	enum { CALLERS = 1000 };
	static const uint8_t block[64 << 10];
	static struct caller callers[CALLERS];
	struct rig rig;

	assert_true(rig_open(&rig, 16 << 20, KEEP_WHOLE, false));
	for (uint32_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ i + 1, i };
		call(&rig, &callers[i], TCP_SYN, (struct span){ 0 }, 1);
		call(&rig, &callers[i], TCP_ACK, SPAN_LITERAL(HEAD_8M), 2);
	}
	for (int n = 0; n < 128; n++)
		for (uint32_t i = 0; i < CALLERS; i++)
			call(&rig, &callers[i], TCP_ACK, span_of(block, sizeof(block)), 3);
	assert_int_equal(rig.requests, CALLERS); /* each was followed to its end */
	assert_true(rig.without_memory > 0);
	assert_int_equal(count_of(&rig, "flows_evicted"), 0);
	for (uint32_t i = 0; i < CALLERS; i++)
		call(&rig, &callers[i], TCP_ACK, SPAN_LITERAL(SMALL), 4);
	assert_int_equal(rig.requests, 2 * CALLERS);
	assert_true(rig.without_memory <= CALLERS); /* and memory is there again */
	rig_close(&rig);
}

/** test_flood() - half-open connections push out the oldest, and only up to the budget */
static void test_flood(void **state)
{
	struct caller real = { 0x7f000001, 1 };
	struct rig rig;

	assert_true(rig_open(&rig, 1 << 20, KEEP_WHOLE, false));
	for (uint32_t i = 1; i < 100000; i++) {
		struct caller c = { i * 2654435761U, i };

		call(&rig, &c, TCP_SYN, (struct span){ 0 }, 1);
		if (i % 500 == 0) {
			call(&rig, &real, i == 500 ? TCP_SYN : TCP_ACK,
			     i == 500 ? (struct span){ 0 } : SPAN_LITERAL(SMALL), 1);
		}
	}
	assert_true(count_of(&rig, "flows_evicted") > 90000);
	assert_int_equal(rig.requests, 198);
	rig_close(&rig);
}

/** test_many_flows() - the table grows while it is used */
static void test_many_flows(void **state)
{
	enum { CALLERS = 50000 };
	struct caller *callers = calloc(CALLERS, sizeof(*callers));
	struct rig rig;

	assert_non_null(callers);
	assert_true(rig_open(&rig, (size_t)1 << 30, KEEP_WHOLE, false));
	for (uint32_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ i * 2654435761U, i };
		call(&rig, &callers[i], TCP_SYN, (struct span){ 0 }, 1);
		call(&rig, &callers[i / 2], TCP_ACK, SPAN_LITERAL("POST /small HTT"), 2);
		call(&rig, &callers[i / 2], TCP_ACK, SPAN_LITERAL("P/1.1\r\nContent-Length: 5\r\n\r\nhello"),
		     2);
	}
	assert_int_equal(count_of(&rig, "connections"), CALLERS);
	assert_int_equal(rig.requests, CALLERS);
	rig_close(&rig);
	free(callers);
}

/** test_clock() - a wrong stamp expires nothing, a clock that was set back does not keep flows forever */
static void test_clock(void **state)
{
	const int64_t t = 1700000000 * NS_PER_S, year = 365 * 24 * 3600 * NS_PER_S;
	struct caller a = { 1, 1 }, b = { 2, 1 };
	struct rig rig;

	assert_true(rig_open(&rig, 1 << 20, KEEP_WHOLE, false));
	call(&rig, &a, TCP_SYN, (struct span){ 0 }, t);
	call(&rig, &a, TCP_ACK, SPAN_LITERAL("POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe"), t);
	call(&rig, &b, TCP_SYN, (struct span){ 0 }, t + year);
	call(&rig, &b, TCP_ACK, SPAN_LITERAL(SMALL), t);
	call(&rig, &b, TCP_ACK, SPAN_LITERAL(SMALL), 0);
	call(&rig, &a, TCP_ACK, SPAN_LITERAL("llo"), t);
	assert_int_equal(rig.requests, 3);
	call(&rig, &a, TCP_ACK, SPAN_LITERAL("POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe"), t);
	for (int i = 0; i < 100; i++) /* set back by a year, for good */
		call(&rig, &b, TCP_ACK, SPAN_LITERAL(SMALL), t - year + i);
	assert_int_equal(rig.losses, 0);
	call(&rig, &b, TCP_ACK, SPAN_LITERAL(SMALL), t - year + 50 * NS_PER_S);
	assert_int_equal(rig.losses, 0);
	call(&rig, &b, TCP_ACK, SPAN_LITERAL(SMALL), t - year + 61 * NS_PER_S);
	assert_int_equal(rig.losses, 1);
	assert_int_equal(count_of(&rig, "lost.idle"), 1);
	rig_close(&rig);
}

/** struct stamped - a segment of a caller that begins its connection or goes on with it */
struct stamped {
	int64_t ns;
	uint32_t caller;
	uint8_t flags;
	const char *data;
};

static void call_all(struct rig *rig, const struct stamped *s, size_t count)
{
	static struct caller callers[8];

	memset(callers, 0, sizeof(callers));
	for (size_t i = 0; i < count; i++) {
		struct caller *c = &callers[s[i].caller];

		if (c->id == 0)
			*c = (struct caller){ s[i].caller + 1, s[i].caller * 77777 };
		call(rig, c, s[i].flags, span_str(s[i].data), s[i].ns);
	}
}

/** test_jumps() - a connection that goes on behind a jump of the clock, and one that begins there, lose nothing */
static void test_jumps(void **state)
{
	const int64_t t = 1700000000 * NS_PER_S, days = 3 * 24 * 3600 * NS_PER_S;
	const char *begin = "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe";
	const struct stamped steps[] = {
		{ t, 0, TCP_SYN, "" },          { t, 0, TCP_ACK, SMALL },
		{ t + days, 1, TCP_ACK, begin },                 /* joined late, in two segments, */
		{ t + days + 1, 1, TCP_ACK, "llo" },             /* of which the second confirms the step */
		{ t + 2 * days, 2, TCP_SYN, SMALL },             /* two with one stamp, and two connections */
		{ t + 2 * days, 3, TCP_ACK, SMALL },
		{ t + 3 * days, 4, TCP_ACK, begin },             /* each is days from the one before: that agrees, too */
		{ t + 4 * days, 5, TCP_ACK, SMALL },
		{ t + 5 * days, 6, TCP_ACK, SMALL },
		{ t + 2 * days, 3, TCP_ACK, SMALL },             /* and the last was wrong */
		{ INT64_MAX, 7, TCP_ACK, SMALL },                /* the end of what can be counted, */
		{ INT64_MIN, 7, TCP_ACK, SMALL },
		{ INT64_MAX, 7, TCP_ACK, SMALL },
		{ INT64_MAX, 7, TCP_ACK, SMALL },                /* where a clock may stand still */
		{ INT64_MAX - 1, 7, TCP_ACK, SMALL },
	};
	struct rig rig;

	assert_true(rig_open(&rig, 1 << 20, KEEP_WHOLE, false));
	call_all(&rig, steps, sizeof(steps) / sizeof(steps[0]));
	tracker_finish(rig.r);
	assert_int_equal(rig.requests, 12);
	assert_int_equal(rig.losses, 1);
	assert_int_equal(count_of(&rig, "lost.idle"), 1); /* of the one that nothing followed in a day */
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_small_budgets),
		cmocka_unit_test(test_promises),
		cmocka_unit_test(test_many_bodies),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
