/*
 * fuzz_tracker.c - the input drives a list of segments
 *
 * The first bytes choose the options; then each command is an opcode and its
 * arguments: data of a direction at the place where it goes on, or elsewhere,
 * with the flags, acks, cuts and clock steps that the input likes. What must
 * hold whatever it does: seen = complete + lost, nothing held and no budget
 * charged at the end, and no request has bytes that were not sent.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct span input; /* every byte of every request must come from here */
	uint64_t requests, losses;
	uint64_t asked, answered; /* with a token; with their response */
};

/** sent_somewhere() - targets have no spaces in them, so each lies in one piece of the input unless it was split */
static bool sent_somewhere(struct span input, struct span bytes)
{
	bool have[256] = { false };

	for (size_t i = 0; i < input.len; i++)
		have[input.at[i]] = true;
	for (size_t i = 0; i < bytes.len; i++)
		if (!have[bytes.at[i]])
			return false;
	return true;
}

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	const struct run *run = ctx;

	if (head->method.len == 0 || head->target.len == 0 || head->version_major != 1)
		abort();
	if (!sent_somewhere(run->input, head->target))
		abort();
	for (size_t i = 0; i < head->header_count; i++)
		if (head->headers[i].name.len == 0 || !sent_somewhere(run->input, head->headers[i].value))
			abort();
	return (struct head_decision){ (enum keep)(head->target.at[head->target.len - 1] % 3),
				       head->target.len % 2, 7, .response = head->header_count % 2 == 0 };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct run *run = ctx;

	run->requests++;
	if (decision != 7 || (m && (out_of_memory || m->origin.id == 0)))
		abort();
	run->asked += m && m->response_token;
	if (m && m->body_kept && m->body_len > 0 && !sent_somewhere(run->input, span_of(m->body, m->body_len)))
		abort();
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct run *run = ctx;

	run->losses++;
	if ((unsigned)reason >= LOST_REASON_COUNT || origin->id == 0)
		abort();
}

static void on_response(void *ctx, uint64_t token, struct response *response)
{
	struct run *run = ctx;

	run->answered++;
	if (token == 0 || token > run->asked)
		abort();
	if (!response) /* the budget may be that small */
		return;
	if ((unsigned)response->result >= RESPONSE_RESULT_COUNT)
		abort();
	if (response->body_len > 0 && !sent_somewhere(run->input, span_of(response->body, response->body_len)))
		abort();
	response_free(response);
}

static uint8_t take(struct span *in)
{
	uint8_t b = 0;

	span_u8(in, &b);
	return b;
}

/** struct end - where the input thinks that a side is */
struct end {
	uint32_t next, acked;
};

static void feed_command(struct tracker *r, struct span *in, struct end ends[2][2], int64_t *now_ns)
{
	uint8_t op = take(in), flow = op >> 6 & 1, dir = op & 1;
	struct end *from = &ends[flow][dir], *to = &ends[flow][!dir];
	struct endpoint a = { .addr = { [15] = 1 }, .port = (uint16_t)(5000 + flow), .family = 4 };
	struct endpoint b = { .addr = { [15] = 2 }, .port = 80, .family = 4 };
	struct segment s = { .src = dir ? b : a, .dst = dir ? a : b, .seq = from->next, .ack = to->next };
	uint8_t len = take(in), how = take(in);

	s.flags = how & 0x1f;
	if (op & 2) /* off its place: a few bytes, or far */
		s.seq += (uint32_t)(int8_t)take(in) << (op >> 2 & 1 ? take(in) % 32 : 0);
	if (op & 8)
		s.ack = from->acked + (uint32_t)(int8_t)take(in);
	if (op & 16)
		s.missing_bytes = take(in);
	if (op & 32)
		*now_ns += (int64_t)(int8_t)take(in) * NS_PER_S;
	if (how & 0x20)
		s.domain = 1;
	if (how & 0x80) {
		s.flags |= TCP_URG;
		s.urgent = len / 2;
	}
	s.payload = *in;
	span_truncate(&s.payload, len);
	span_skip(in, s.payload.len);
	*now_ns += 1000;
	s.ts.ns = *now_ns;
	if (!(op & 2) || how & 0x40)
		from->next = s.seq + (uint32_t)s.payload.len + s.missing_bytes + ((s.flags & TCP_SYN) ? 1 : 0) +
			     ((s.flags & TCP_FIN) ? 1 : 0);
	if (how & 0x80)
		from->next += len; /* that much was not captured */
	from->acked = s.ack;
	tracker_feed(r, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = { 80 };
	struct span in = span_of(data, size);
	struct run run = { in, 0, 0 };
	struct budget budget;
	struct http_stats http = { 0 };
	uint8_t choice = take(&in);
	struct http_tracker_options options = {
		.tracker.server_ports = ports,
		.tracker.server_port_count = choice & 1,
		.tracker.hold_bytes = (choice & 2) ? 64 : 4096,
		.http.max_body = (choice & 4) ? 16 : 4096,
		.tracker.idle_ns = 30 * NS_PER_S,
		.tracker.budget = &budget,
		.http.stats = &http,
		.http.keep_responses = choice & 16,
		.http.max_response = (choice & 32) ? 16 : 4096,
	};
	struct protocol_sink sink = { &run, on_head, on_request, on_lost, on_response };
	uint32_t isn = (choice & 8) ? UINT32_MAX - 20 : 1000;
	struct end ends[2][2] = { { { isn, 0 }, { isn + 7, 0 } }, { { isn + 9, 0 }, { isn, 0 } } };
	int64_t now_ns = 1000 * NS_PER_S;
	const struct reassembly_stats *stats;
	struct tracker *r;
	uint64_t lost = 0;

	budget_init(&budget, (choice & 16) ? 4096 : 1 << 24);
	r = http_tracker_new(&options, &sink);
	if (!r)
		return 0;
	while (in.len > 0)
		feed_command(r, &in, ends, &now_ns);
	tracker_finish(r);
	stats = tracker_stats(r);
	for (int i = 0; i < LOST_REASON_COUNT; i++)
		lost += counter_get(&http.lost[i]);
	if (counter_get(&http.seen) != counter_get(&http.complete) + lost)
		abort();
	if (run.requests != counter_get(&http.complete) || run.losses != lost || run.asked != run.answered)
		abort();
	if (counter_get(&stats->flows_open) != 0 || counter_get(&stats->held_bytes) != 0)
		abort();
	tracker_free(r);
	if (budget_used(&budget) != 0)
		abort();
	return 0;
}
