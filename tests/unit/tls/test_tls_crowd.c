/*
 * test_tls_crowd.c - more connections that wait for their secrets than there is memory for
 *
 * All have the handshake of one of OpenSSL's and a record of the client's behind it, each under a random of its own, and all
 * end. The bound holds at any time. Who has waited longest makes room, so when the secrets come the youngest are read,
 * as many as there was memory for, and each connection is counted once. With enough memory none is left out.
 *
 * Those that stay open without secrets are no load: what is kept of each is little, and enough to read on when they come yet.
 */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/rig/hearing_reader.h"
#include "tests/rig/tls_talk.h"
#include "tests/rig/tls_tap.h"
#include "tls/tls_reader.h"

#define CROWD      2000
#define RANDOM_AT  11 /* of the ClientHello's random, in its record */
#define SECRET_NS  (100 * NS_PER_S)
#define KEPT_MAX   1250 /* bytes of a connection that nobody waits for any more; the tracker's are 568 of them */

/* ---- the crowd ---- */

struct crowd {
	struct tls_talk talk;
	struct heard heard;
	struct tls_tap tap;
	uint8_t bytes[8192]; /* of a flight, under a connection's own random */
};

static void open_crowd(struct crowd *c, size_t limit)
{
	memset(c, 0, sizeof(*c));
	tls_talk_init(&c->talk, &(struct tls_talk_options){ .version = TLS1_3_VERSION });
	tls_talk_handshake(&c->talk);
	tls_talk_write(&c->talk, 0, SPAN_LITERAL("hello"));
	tls_tap_open(&c->tap, &(struct tls_tap_options){
				      .inner = { &hear_ops, &c->heard },
				      .memory = limit,
				      .connections = CROWD,
				      .wait_ns = SECRET_NS,
			      });
}

static void close_crowd(struct crowd *c)
{
	tls_tap_finish(&c->tap);
	tls_tap_close(&c->tap);
	tls_talk_deinit(&c->talk);
}

static void set_random(uint8_t *random, unsigned number)
{
	memset(random, 0x5a, TLS_RANDOM_BYTES);
	memcpy(random, &number, sizeof(number));
}

static void feed(struct crowd *c, unsigned number, bool of_server, uint32_t sent[2], uint8_t flags, struct span bytes)
{
	tls_tap_feed(&c->tap, (uint16_t)(10000 + number), of_server, sent, flags, bytes);
	assert_true(budget_used(&c->tap.budget) <= c->tap.budget.limit);
}

/** speak() - @sent: bytes of each side */
static void speak(struct crowd *c, unsigned number, uint32_t sent[2])
{
	feed(c, number, false, sent, TCP_SYN, span_of(NULL, 0));
	feed(c, number, true, sent, TCP_SYN | TCP_ACK, span_of(NULL, 0));
	for (size_t i = 0; i < c->talk.flight_count; i++) {
		struct span flight = buffer_span(&c->talk.flights[i].bytes);

		assert_true(flight.len <= sizeof(c->bytes));
		memcpy(c->bytes, flight.at, flight.len);
		if (i == 0)
			set_random(c->bytes + RANDOM_AT, number);
		feed(c, number, c->talk.flights[i].of_server, sent, TCP_ACK, span_of(c->bytes, flight.len));
	}
}

static void speak_to_the_end(struct crowd *c, unsigned number)
{
	uint32_t sent[2] = { 0 };

	speak(c, number, sent);
	feed(c, number, false, sent, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	feed(c, number, true, sent, TCP_FIN | TCP_ACK, span_of(NULL, 0));
}

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	struct key_log_entry own = *entry;
	struct crowd *c = ctx;

	for (unsigned number = 0; number < CROWD; number++) {
		set_random(own.random, number);
		secrets_add(c->tap.secrets, &own, (struct mono){ 0 });
	}
}

static void tell_secrets(struct crowd *c)
{
	struct key_log_sink sink = { c, on_entry, NULL };
	struct key_log log = { 0 };

	key_log_feed(&log, buffer_span(&c->talk.key_log), &sink);
	key_log_end(&log, &sink);
}

/** read_of() - of so many connections, with so much memory */
static uint64_t read_of(struct crowd *c, size_t limit)
{
	uint64_t read;

	open_crowd(c, limit);
	for (unsigned number = 0; number < CROWD; number++)
		speak_to_the_end(c, number);
	tell_secrets(c);
	tls_look(&c->tap.lane, 0);
	read = counter_get(&c->tap.stats.tls_fate[TLS_READ]);
	assert_int_equal(c->heard.bytes, 5 * read);
	close_crowd(c);
	assert_int_equal(counter_get(&c->tap.stats.tls_seen), CROWD);
	assert_int_equal(counter_get(&c->tap.stats.tls_fate[TLS_NO_KEYS]), CROWD - read);
	assert_int_equal(counter_get(&c->tap.stats.tls_no_room), CROWD - read);
	assert_int_equal(counter_get(&c->tap.stats.tls_misfit), 0);
	return read;
}

static void test_enough(void **state)
{
	static struct crowd c;

	(void)state;
	assert_int_equal(read_of(&c, 256 << 20), CROWD);
}

static void test_oldest_make_room(void **state)
{
	static struct crowd c;
	uint64_t some, more;

	(void)state;
	some = read_of(&c, 1 << 20);
	more = read_of(&c, 2 << 20);
	assert_true(some > 50 && some < CROWD / 2);
	assert_true(more > some * 19 / 10 && more < some * 21 / 10);
}

/* All secrets are known, and who is idle for longest makes room for nearly each: it is asked to before it is known for how much. */
static void test_idle_make_room(void **state)
{
	static struct crowd c;

	(void)state;
	open_crowd(&c, 1 << 20);
	tell_secrets(&c);
	for (unsigned number = 0; number < CROWD; number++)
		speak(&c, number, (uint32_t[2]){ 0 });
	assert_true(counter_get(&tracker_stats(c.tap.tracker)->flows_evicted) > CROWD / 2);
	assert_true(counter_get(&c.tap.stats.tls_fate[TLS_READ]) > CROWD * 95 / 100);
	close_crowd(&c);
}

static void test_counted_are_small(void **state)
{
	static uint32_t sent[CROWD][2];
	static struct crowd c;
	struct span next;

	(void)state;
	open_crowd(&c, 256 << 20);
	for (unsigned number = 0; number < CROWD; number++)
		speak(&c, number, sent[number]);
	tls_look(&c.tap.lane, 2 * SECRET_NS);
	assert_int_equal(counter_get(&c.tap.stats.tls_fate[TLS_NO_KEYS]), CROWD);
	assert_true(budget_used(&c.tap.budget) < (size_t)CROWD * KEPT_MAX);
	tell_secrets(&c);
	tls_talk_write(&c.talk, 0, SPAN_LITERAL("again"));
	next = buffer_span(&c.talk.flights[c.talk.flight_count - 1].bytes);
	for (unsigned number = 0; number < CROWD; number++)
		feed(&c, number, false, sent[number], TCP_ACK, next);
	assert_int_equal(counter_get(&c.tap.stats.tls_after_wait), CROWD);
	assert_int_equal(counter_get(&c.tap.stats.tls_fate[TLS_READ]), CROWD);
	close_crowd(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_oldest_make_room),
		cmocka_unit_test(test_idle_make_room),
		cmocka_unit_test(test_counted_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
