/*
 * growth.c - what a packet costs by the number of connections, and by what is held
 *
 * usage: growth [FLOWS]...   (1000 100000 1000000)
 *
 * For each number: that many connections are opened, then segments of them are
 * fed in an order that no cache foresees. Printed: nanoseconds for a segment
 * that begins a connection, for one that is a small request, and for one that
 * waits behind a gap. Cache misses grow with the number of flows, for their
 * memory does; steps must not: for those run it under
 *
 *   valgrind --tool=callgrind --toggle-collect=tracker_feed growth 1000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"

#define REQUEST "POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
#define SEGMENTS 1000000

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	return (struct head_decision){ KEEP_WHOLE, false, 0, true };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	uint64_t *count = ctx;

	*count += 1;
	message_unref(m);
}

static void feed(struct tracker *r, uint32_t client, uint32_t seq, uint8_t flags, struct span payload)
{
	struct segment s = { .src = { .addr = { [12] = 10,
						[13] = (uint8_t)(client >> 24),
						[14] = (uint8_t)(client >> 16),
						[15] = (uint8_t)(client >> 15 & 1) },
				      .port = (uint16_t)(1024 + (client & 0x7fff)),
				      .family = 4 },
			     .dst = { .addr = { [12] = 10, [15] = 200 }, .port = 80, .family = 4 },
			     .ts = { NS_PER_S },
			     .seq = seq,
			     .ack = 1,
			     .flags = flags,
			     .payload = payload };

	tracker_feed(r, &s);
}

static double seconds(struct mono since)
{
	return (double)(mono_now().ns - since.ns) / 1e9;
}

/** run() - one row of the table */
static int run(uint32_t flows, uint32_t segments)
{
	static const uint16_t ports[] = { 80 };
	const struct span request = SPAN_LITERAL(REQUEST), byte = SPAN_LITERAL("x");
	uint32_t *sent = calloc(flows, sizeof(*sent));
	uint64_t requests = 0, order = 88172645463325252U;
	struct budget budget;
	struct http_stats stats = { 0 };
	struct protocol_sink sink = { &requests, on_head, on_request, NULL };
	struct http_tracker_options options = { { ports, 1, 64 << 20, 60 * NS_PER_S, &budget, false },
						{ .max_body = 1 << 20, .stats = &stats } };
	struct tracker *r;
	struct mono since;
	double opened, asked, held;

	budget_init(&budget, (size_t)16 << 30);
	r = http_tracker_new(&options, &sink);
	if (!r || !sent)
		return 1;
	since = mono_now();
	for (uint32_t i = 0; i < flows; i++)
		feed(r, i, 0, TCP_SYN, (struct span){ 0 });
	opened = seconds(since);
	since = mono_now();
	for (uint32_t i = 0; i < segments; i++) {
		uint32_t client;

		order ^= order << 13;
		order ^= order >> 7;
		order ^= order << 17;
		client = (uint32_t)(order >> 20) % flows;
		feed(r, client, 1 + sent[client]++ * (uint32_t)request.len, TCP_ACK, request);
	}
	asked = seconds(since);
	since = mono_now();
	for (uint32_t i = 0; i < flows; i++) /* every second byte, backwards: nothing of it is in order */
		feed(r, 0, 1 + sent[0] * (uint32_t)request.len + 2 * (flows - i), TCP_ACK, byte);
	held = seconds(since);
	printf("%8u flows: SYN %5.0f ns, request %5.0f ns; %8u held: %5.0f ns a segment\n", flows,
	       opened * 1e9 / flows, asked * 1e9 / segments, flows, held * 1e9 / flows);
	tracker_free(r);
	free(sent);
	return requests != segments;
}

int main(int argc, char **argv)
{
	static const char *const usual[] = { "1000", "100000", "1000000" };
	const char *const *rows = argc > 1 ? (const char *const *)argv + 1 : usual;
	int count = argc > 1 ? argc - 1 : 3, failed = 0;

	for (int i = 0; i < count; i++) {
		uint32_t flows = (uint32_t)strtoul(rows[i], NULL, 10);

		failed |= flows == 0 || run(flows, argc > 1 ? 100000 : SEGMENTS);
	}
	return failed;
}
