/*
 * tls_keyless.c - what a connection of TLS costs for which there are no secrets: in memory, and for a segment
 *
 * usage: tls_keyless [CONNECTIONS]   (100000)
 *
 * So many connections have the handshake of one of OpenSSL's, each under a random of its own, and then wait longer than for
 * secrets is waited. Then one of them, and all in an order that no cache foresees, send segments of 1448 bytes: records of
 * 16 KiB, and segments that are a record each. Beside that, the same where no secrets can come, as without --keylog.
 * Cache misses and all that the machine does besides count; for steps run it under
 *
 *   valgrind --tool=callgrind --toggle-collect=tracker_feed tls_keyless 100
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "reassembly/tracker.h"
#include "tests/rig/quiet_reader.h"
#include "tests/rig/tls_talk.h"
#include "tls/records.h"
#include "tls/tls_reader.h"

#define RANDOM_AT    11 /* of the ClientHello's random, in its record */
#define WAIT_NS      (10 * NS_PER_S)
#define SEGMENT      1448
#define SEGMENTS     100000
#define REPEATS      20
#define RECORD_BYTES (RECORD_HEADER_BYTES + RECORD_PLAIN_MAX + 17)

/* ---- the inner reader: none is made, since nothing is opened ---- */

static void *open_none(const void *config)
{
	return (void *)config;
}

static void close_none(void *shared)
{
	(void)shared;
}

static enum claim claim_none(struct span bytes, enum stream_side side, bool at_start)
{
	(void)bytes;
	(void)side;
	(void)at_start;
	return CLAIM_NONE;
}

static const struct reader_ops none = { .name = "none", .open = open_none, .close = close_none, .claims = claim_none };

/* ---- connections ---- */

struct crowd {
	struct budget budget;
	struct tls_stats stats;
	struct counted_histogram late_us;
	struct tls_lane lane;
	struct tracker *tracker;
	struct wall now;
	uint32_t (*sent)[2]; /* of each connection: bytes of the client, of the server */
};

static void must(bool yes)
{
	if (!yes)
		abort();
}

static void feed(struct crowd *c, uint32_t number, bool of_server, uint8_t flags, struct span bytes)
{
	const struct endpoint ends[2] = {
		{ .family = 4, .addr = { 10, 1, (uint8_t)(number >> 23), (uint8_t)(number >> 15) },
		  .port = (uint16_t)(1024 + (number & 0x7fff)) },
		{ .family = 4, .addr = { 10, 0, 0, 2 }, .port = 443 },
	};
	uint32_t *sent = c->sent[number];
	struct segment s = { .src = ends[of_server],
			     .dst = ends[!of_server],
			     .payload = bytes,
			     .ts = c->now,
			     .seq = 1000 + sent[of_server],
			     .ack = 1000 + sent[!of_server],
			     .flags = flags };

	tracker_feed(c->tracker, &s);
	sent[of_server] += (uint32_t)bytes.len + ((flags & TCP_SYN) != 0);
}

static void speak(struct crowd *c, uint32_t number, struct tls_talk *talk)
{
	uint8_t bytes[8192];

	feed(c, number, false, TCP_SYN, span_of(NULL, 0));
	feed(c, number, true, TCP_SYN | TCP_ACK, span_of(NULL, 0));
	for (size_t i = 0; i < talk->flight_count; i++) {
		struct span flight = buffer_span(&talk->flights[i].bytes);

		must(flight.len <= sizeof(bytes));
		memcpy(bytes, flight.at, flight.len);
		if (i == 0)
			memcpy(bytes + RANDOM_AT, &number, sizeof(number));
		feed(c, number, talk->flights[i].of_server, TCP_ACK, span_of(bytes, flight.len));
	}
	c->now.ns += 1000;
}

static void open_crowd(struct crowd *c, uint32_t count, struct secrets *secrets, bool may_come)
{
	struct tls_reader_options tls = { .secrets = secrets, .may_come = may_come, .wait_ns = WAIT_NS, .inner_count = 1,
					  .inner = { { &none, c } }, .budget = &c->budget, .stats = &c->stats,
					  .late_us = &c->late_us, .lane = &c->lane };
	struct tracker_options tracker = { .hold_bytes = 64 << 10, .idle_ns = NS_PER_S * 1000, .budget = &c->budget };
	struct reader_kind kind = tls_reader(&tls);

	*c = (struct crowd){ .now = { NS_PER_S }, .sent = calloc(count, sizeof(*c->sent)) };
	budget_init(&c->budget, (size_t)16 << 30);
	c->tracker = tracker_new(&tracker, &kind, 1);
	must(c->tracker && c->sent);
}

/* ---- what they cost ---- */

/** say_record() - the next record of @number's client, in segments of 1448 bytes; how many there were */
static uint32_t say_record(struct crowd *c, uint32_t number, size_t len)
{
	static uint8_t bytes[RECORD_BYTES];
	struct span left = span_of(bytes, len), segment;
	uint32_t segments = 0;

	memcpy(bytes, (const uint8_t[]){ RECORD_APPLICATION_DATA, 3, 3, (uint8_t)((len - 5) >> 8), (uint8_t)(len - 5) }, 5);
	while (left.len > 0) {
		span_take(&left, left.len < SEGMENT ? left.len : SEGMENT, &segment);
		feed(c, number, false, TCP_ACK, segment);
		segments++;
	}
	return segments;
}

/** say_all() - nanoseconds for a segment of records of @len bytes, each of one of @count connections that no cache foresees */
static double say_all(struct crowd *c, uint32_t count, size_t len)
{
	uint64_t order = 88172645463325252U;
	double best = 1e18;

	for (int i = 0; i < REPEATS; i++) {
		struct mono since = mono_now();
		uint32_t segments = 0;
		double ns;

		while (segments < SEGMENTS) {
			order ^= order << 13;
			order ^= order >> 7;
			order ^= order << 17;
			segments += say_record(c, (uint32_t)(order >> 20) % count, len);
		}
		ns = (double)(mono_now().ns - since.ns) / segments;
		best = ns < best ? ns : best;
	}
	return best;
}

static void run(uint32_t count, bool may_come)
{
	static struct crowd c;
	struct secrets *secrets = secrets_new(1000, 0);
	struct tls_talk talk;
	size_t before;

	tls_talk_init(&talk, &(struct tls_talk_options){ .version = TLS1_3_VERSION });
	tls_talk_handshake(&talk);
	open_crowd(&c, count, secrets, may_come);
	before = mallinfo2().uordblks;
	for (uint32_t i = 0; i < count; i++)
		speak(&c, i, &talk);
	if (may_come)
		tls_look(&c.lane, 2 * WAIT_NS);
	must(counter_get(&c.stats.tls_fate[TLS_NO_KEYS]) == (may_come ? count : 0));
	printf("%-22s %8zu bytes, %zu charged;", may_come ? "secrets may come yet" : "none can", (mallinfo2().uordblks - before) / count,
	       budget_used(&c.budget) / count);
	printf(" one: %4.0f | %4.0f ns;", say_all(&c, 1, RECORD_BYTES), say_all(&c, 1, SEGMENT));
	printf(" all: %4.0f | %4.0f ns\n", say_all(&c, count, RECORD_BYTES), say_all(&c, count, SEGMENT));
	tracker_free(c.tracker);
	secrets_free(secrets);
	tls_talk_deinit(&talk);
	free(c.sent);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;

	if (count == 0)
		return 2;
	printf("a connection without secrets: bytes; a segment of 1448 bytes, of records of 16 KiB | of its own\n");
	run(count, false);
	run(count, true);
	return 0;
}
