/* tcp_script.c - see tcp_script.h */
#include "tests/rig/unit.h"
#include "tests/rig/tcp_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "tests/rig/check_counters.h"

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	struct tcp_tap *tap = ctx;

	assert_true(head->method.len > 0);
	assert_int_equal(origin->ts_last.ns, 0);
	return (struct head_decision){ .keep = tap->keep, .digest = true, .decision = 42, .response = tap->responses };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct tcp_tap *tap = ctx;

	assert_int_equal(decision, 42);
	if (!m) {
		buffer_add_str(&tap->events, out_of_memory ? "(memory);" : "(nothing);");
		return;
	}
	assert_false(out_of_memory);
	assert_true(m->origin.ts_first.ns != 0 && m->origin.ts_last.ns != 0);
	assert_true(m->has_sha256);
	assert_true(m->origin.id != 0);
	if (m->response_token) {
		assert_true(tap->responses && m->response_token == ++tap->tokens);
		buffer_add_span(&tap->asked, m->head.target);
		buffer_add_str(&tap->asked, "\n");
	}
	buffer_add_span(&tap->events, m->head.method);
	buffer_add_str(&tap->events, " ");
	buffer_add_span(&tap->events, m->head.target);
	if (tap->brief) {
		buffer_printf(&tap->events, " %llu %02x%02x%02x%02x", (unsigned long long)m->body_len,
			      m->body_sha256[0], m->body_sha256[1], m->body_sha256[2], m->body_sha256[3]);
	} else if (m->body_kept && m->body_len > 0) {
		buffer_add_str(&tap->events, " [");
		buffer_add(&tap->events, m->body, (size_t)m->body_len);
		buffer_add_str(&tap->events, "]");
	}
	buffer_add_str(&tap->events, ";");
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct tcp_tap *tap = ctx;

	assert_true(origin->id != 0);
	buffer_printf(&tap->events, "!%s;", lost_reason_name(reason));
}

/** target_of() - of the request that got @token */
static struct span target_of(struct tcp_tap *tap, uint64_t token)
{
	struct span lines = buffer_span(&tap->asked), line = { 0 };

	for (uint64_t i = 0; i < token; i++)
		assert_true(line_take(&lines, &line));
	return line;
}

static void on_response(void *ctx, uint64_t token, struct response *r)
{
	struct tcp_tap *tap = ctx;
	struct buffer *out = &tap->events;

	assert_true(token > 0 && token <= tap->tokens);
	tap->answered++;
	buffer_add_str(out, "=");
	buffer_add_span(out, target_of(tap, token));
	if (!r) {
		buffer_add_str(out, " nothing;");
		return;
	}
	if (r->result != RESPONSE_WHOLE) {
		assert_null(r->body);
		assert_null(r->arrivals);
		assert_int_equal(r->last_byte_us, -1);
		buffer_printf(out, " %s", response_result_name(r->result));
	} else {
		buffer_printf(out, " %d", r->status_code);
		if (!tap->ids)
			buffer_printf(out, " %lld+%lld", (long long)r->first_byte_us, (long long)r->last_byte_us);
		for (size_t i = 0; i < r->arrival_count; i++)
			buffer_printf(out, " @%llu:%lld", (unsigned long long)r->arrivals[i].offset,
				      (long long)r->arrivals[i].us);
		if (r->body_len > 0) {
			buffer_add_str(out, " [");
			buffer_add(out, r->body, (size_t)r->body_len);
			buffer_add_str(out, "]");
		}
	}
	for (size_t i = 0; i < r->trailer_count; i++) {
		buffer_add_str(out, " ");
		buffer_add_span(out, r->trailers[i].name);
		buffer_add_str(out, "=");
		buffer_add_span(out, r->trailers[i].value);
	}
	buffer_add_str(out, ";");
	response_free(r);
}

void tcp_tap_open(struct tcp_tap *tap, const struct http_tracker_options *options, enum keep keep)
{
	struct http_tracker_options with = *options;
	size_t limit = options->tracker.budget ? options->tracker.budget->limit : (size_t)1 << 30;
	struct protocol_sink sink = { tap, on_head, on_request, on_lost, on_response };

	*tap = (struct tcp_tap){ .keep = keep, .responses = options->http.keep_responses };
	budget_init(&tap->budget, limit);
	with.tracker.budget = &tap->budget;
	with.http.stats = &tap->http;
	tap->r = http_tracker_new(&with, &sink);
	assert_non_null(tap->r);
}

uint64_t tcp_counter(const struct reassembly_stats *stats, const struct http_stats *http, const char *name)
{
	const struct {
		const char *name;
		const struct counter *counter;
	} rows[] = {
#define ROW(id, name, told, type, metric, what) { #id, &stats->id },
#define HTTP_ROW(id, name, told, type, metric, what) { #id, &http->id },
#define NO_ROWS(id, count)
		REQUEST_COUNTERS(HTTP_ROW, NO_ROWS)
		HTTP_CONNECTION_COUNTERS(HTTP_ROW)
		CONNECTION_COUNTERS(ROW)
		STREAM_COUNTERS(ROW)
#undef ROW
#undef HTTP_ROW
#undef NO_ROWS
	};

	if (strncmp(name, "lost.", 5) == 0)
		for (int i = 0; i < LOST_REASON_COUNT; i++)
			if (strcmp(name + 5, lost_reason_name((enum lost_reason)i)) == 0)
				return counter_get(&http->lost[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(name, rows[i].name) == 0)
			return counter_get(rows[i].counter);
	fail_msg("no counter is called %s", name);
	return 0;
}

static uint64_t counter_of(const void *of, const char *name)
{
	const struct tcp_tap *tap = of;

	return tcp_counter(tracker_stats(tap->r), &tap->http, name);
}

static void check_stats(const struct tcp_tap *tap, const char *expected, const char *what)
{
	check_counters(expected, counter_of, tap, what);
}

void tcp_tap_close(struct tcp_tap *tap, const char *stats, const char *what)
{
	const struct reassembly_stats *s = tracker_stats(tap->r);
	const struct http_stats *http = &tap->http;
	uint64_t lost = 0;

	tracker_finish(tap->r);
	for (int i = 0; i < LOST_REASON_COUNT; i++)
		lost += counter_get(&http->lost[i]);
	if (counter_get(&http->seen) != counter_get(&http->complete) + lost)
		fail_msg("%s: seen %llu is not complete %llu + lost %llu", what,
			 (unsigned long long)counter_get(&http->seen),
			 (unsigned long long)counter_get(&http->complete), (unsigned long long)lost);
	if (tap->tokens != tap->answered)
		fail_msg("%s: %llu answers to %llu requests", what, (unsigned long long)tap->answered,
			 (unsigned long long)tap->tokens);
	buffer_deinit(&tap->asked);
	assert_int_equal(counter_get(&s->flows_open), 0);
	assert_int_equal(counter_get(&s->held_bytes), 0);
	if (stats)
		check_stats(tap, stats, what);
	tracker_free(tap->r);
	tap->r = NULL;
	assert_int_equal(budget_used(&tap->budget), 0);
}

/** struct side - where one end of the conversation is */
struct side {
	uint32_t isn, next;
};

static struct endpoint end_of(uint8_t host, uint16_t port)
{
	struct endpoint e = { .port = port, .family = 4 };

	e.addr[12] = 192;
	e.addr[14] = 2;
	e.addr[15] = host;
	return e;
}

static void feed_step(struct tracker *r, const struct tcp_step *step, struct side *sides, int64_t now_ns)
{
	struct side *from = &sides[step->from == 's'], *to = &sides[step->from != 's'];
	const char *flags = step->flags ? step->flags : "";
	uint16_t port = step->port ? step->port : CLIENT_PORT;
	struct segment s = { .src = end_of(1, port), .dst = end_of(2, SERVER_PORT) };
	bool syn = strchr(flags, 'S');
	uint32_t at;

	if (step->isn_shift) {
		from->isn += step->isn_shift;
		from->next = 0;
	}
	at = step->seq ? step->seq : syn ? 0 : from->next ? from->next : 1;
	if (step->from == 's') {
		struct endpoint e = s.src;

		s.src = s.dst;
		s.dst = e;
	}
	s.payload = step->data ? span_str(step->data) : (struct span){ 0 };
	if (strchr(flags, 'z'))
		s.payload = SPAN_LITERAL("\0");
	s.ts.ns = now_ns;
	s.missing_bytes = step->missing;
	s.domain = step->domain;
	s.seq = from->isn + at;
	s.flags = (uint8_t)((syn ? TCP_SYN : 0) | (strchr(flags, 'F') ? TCP_FIN : 0) |
			    (strchr(flags, 'R') ? TCP_RST : 0) | (strchr(flags, 'P') ? TCP_PSH : 0) |
			    (strchr(flags, 'U') ? TCP_URG : 0));
	s.urgent = step->urgent;
	if (!strchr(flags, 'n') && !(syn && step->from == 'c')) {
		s.flags |= TCP_ACK;
		s.ack = to->isn + (step->ack ? step->ack : to->next ? to->next : 1);
	}
	at += (syn ? 1 : 0) + (uint32_t)s.payload.len + s.missing_bytes + (strchr(flags, 'F') ? 1 : 0);
	if (!strchr(flags, 'k') && at > from->next)
		from->next = at;
	tracker_feed(r, &s);
}

void tcp_steps_feed(struct tracker *r, const struct tcp_step *steps, size_t count, uint32_t isn,
		    int64_t now_ns)
{
	struct side sides[2] = { { isn, 0 }, { isn + 77777, 0 } };

	for (size_t i = 0; i < count; i++) {
		now_ns += NS_PER_US + steps[i].wait_ms * NS_PER_MS;
		feed_step(r, &steps[i], sides, now_ns);
	}
}

static void check_events(struct tcp_tap *tap, const char *expected, const struct tcp_story *story, size_t step,
			 uint32_t isn)
{
	const char *is = buffer_text(&tap->events);

	if (strcmp(is, expected ? expected : "") != 0)
		fail_msg("%s, step %zu, ISN %u:\n  is:     \"%s\"\n  wanted: \"%s\"", story->name, step, isn,
			 is, expected ? expected : "");
	buffer_clear(&tap->events);
}

static void run_at(const struct tcp_story *story, uint32_t isn, bool llhttp_only)
{
	struct side sides[2] = { { isn, 0 }, { isn + 77777, 0 } };
	struct budget limit = { .limit = story->memory ? story->memory : (size_t)1 << 30 };
	uint16_t service = story->service ? story->service : SERVER_PORT;
	struct http_tracker_options options = {
		.tracker.server_ports = &service,
		.tracker.server_port_count = story->no_ports ? 0 : 1,
		.tracker.hold_bytes = story->hold_bytes ? story->hold_bytes : 64 << 10,
		.http.max_body = story->max_body ? story->max_body : 1 << 20,
		.tracker.idle_ns = 60 * NS_PER_S,
		.tracker.budget = &limit,
		.http.llhttp_only = llhttp_only,
		.http.keep_responses = story->responses,
		.http.max_response = story->max_response ? story->max_response : 1 << 20,
	};
	int64_t now_ns = 1700000000 * NS_PER_S;
	struct tcp_tap tap;

	tcp_tap_open(&tap, &options,
		     story->keep_nothing ? KEEP_NOTHING
		     : story->keep       ? story->keep
					 : KEEP_WHOLE);
	for (size_t i = 0; i < story->count; i++) {
		now_ns += 1000 + story->steps[i].wait_ms * NS_PER_MS;
		feed_step(tap.r, &story->steps[i], sides, now_ns);
		check_events(&tap, story->steps[i].expect, story, i, isn);
	}
	tcp_tap_close(&tap, story->stats, story->name);
	check_events(&tap, story->expect_end, story, story->count, isn);
	buffer_deinit(&tap.events);
}

void tcp_story_run(const struct tcp_story *story)
{
	static const uint32_t isns[] = { 0, 1, UINT32_MAX, UINT32_MAX - 10 };

	for (size_t i = 0; i < sizeof(isns) / sizeof(isns[0]); i++)
		for (int llhttp_only = 0; llhttp_only < 2; llhttp_only++)
			run_at(story, isns[i], llhttp_only);
}

static void run_story(void **state)
{
	tcp_story_run(*state);
}

int tcp_stories_main(const char *group, const struct tcp_story *stories, size_t count)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	if (!tests)
		return 1;
	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ stories[i].name, run_story, NULL, NULL, (void *)&stories[i] };
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
