/*
 * test_tls_late.c - secrets that come late, or for which there is no room: what is said of the connection
 *
 * One connection of OpenSSL's. Its fate is told by its cause, since each has another cure: a secret that opens nothing
 * (misfit), no memory for waiting (no_room), and none in time, which is also so where one that came too late opens nothing
 * because what may have gone by meanwhile is more than what is tried.
 */
#include "tests/rig/unit.h"

#include <string.h>

#include "tests/rig/hearing_reader.h"
#include "tests/rig/tls_talk.h"
#include "tests/rig/tls_tap.h"
#include "tls/tls_reader.h"

#define WAIT_NS NS_PER_S

struct late {
	struct tls_talk talk;
	struct heard heard;
	struct tls_tap tap;
	uint32_t sent[2];
	size_t told; /* flights */
};

static void open_late(struct late *l, int version, size_t memory)
{
	memset(l, 0, sizeof(*l));
	tls_talk_init(&l->talk, &(struct tls_talk_options){ .version = version });
	tls_talk_handshake(&l->talk);
	tls_tap_open(&l->tap, &(struct tls_tap_options){
				      .inner = { &hear_ops, &l->heard }, .memory = memory, .connections = 10, .wait_ns = WAIT_NS });
	tls_tap_feed(&l->tap, 4000, false, l->sent, TCP_SYN, span_of(NULL, 0));
	tls_tap_feed(&l->tap, 4000, true, l->sent, TCP_SYN | TCP_ACK, span_of(NULL, 0));
}

static void close_late(struct late *l)
{
	tls_tap_finish(&l->tap);
	tls_tap_close(&l->tap);
	tls_talk_deinit(&l->talk);
}

/* What was said since */
static void tell(struct late *l)
{
	for (; l->told < l->talk.flight_count; l->told++)
		tls_tap_feed(&l->tap, 4000, l->talk.flights[l->told].of_server, l->sent, TCP_ACK,
			     buffer_span(&l->talk.flights[l->told].bytes));
}

static void say(struct late *l, int records)
{
	for (int i = 0; i < records; i++)
		tls_talk_write(&l->talk, 0, SPAN_LITERAL("hello"));
	tell(l);
}

static void wait_in_vain(struct late *l)
{
	l->tap.now += 2 * WAIT_NS;
	tls_look(&l->tap.lane, 2 * WAIT_NS);
	assert_int_equal(counter_get(&l->tap.stats.tls_fate[TLS_NO_KEYS]), 1);
}

struct telling {
	struct secrets *secrets;
	bool wrongly;
};

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	const struct telling *t = ctx;
	struct key_log_entry told = *entry;

	if (t->wrongly)
		memset(told.secret, 0x77, told.secret_len);
	secrets_add(t->secrets, &told, (struct mono){ 0 });
}

static void tell_secrets(struct late *l, bool wrongly)
{
	struct telling telling = { l->tap.secrets, wrongly };
	struct key_log_sink sink = { &telling, on_entry, NULL };
	struct key_log log = { 0 };

	key_log_feed(&log, buffer_span(&l->talk.key_log), &sink);
	key_log_end(&log, &sink);
	tls_look(&l->tap.lane, 0);
}

static void check_fate(struct late *l, enum tls_fate fate, uint64_t misfit, uint64_t no_room, uint64_t after_wait)
{
	const struct tls_stats *stats = &l->tap.stats;

	assert_int_equal(counter_get(&stats->tls_seen), 1);
	assert_int_equal(counter_get(&stats->tls_fate[fate]), 1);
	assert_int_equal(counter_get(&stats->tls_misfit), misfit);
	assert_int_equal(counter_get(&stats->tls_no_room), no_room);
	assert_int_equal(counter_get(&stats->tls_after_wait), after_wait);
}

static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };

static void test_wrong(void **state)
{
	static struct late l;

	(void)state;
	for (int i = 0; i < 2; i++) {
		open_late(&l, versions[i], 64 << 20);
		tell_secrets(&l, true);
		say(&l, 300);
		check_fate(&l, TLS_NO_KEYS, 1, 0, 0);
		close_late(&l);
	}
}

static void test_joined(void **state)
{
	static struct late l;

	(void)state;
	for (int i = 0; i < 2; i++) {
		open_late(&l, versions[i], 64 << 20);
		say(&l, 10);
		wait_in_vain(&l);
		say(&l, 10);
		tell_secrets(&l, false);
		say(&l, 10);
		check_fate(&l, TLS_READ, 0, 0, 1);
		assert_int_equal(l.heard.bytes, 50);
		close_late(&l);
	}
}

/* More than is tried: three keys later, and long behind a change of keys */
static void test_joined_in_vain(void **state)
{
	static const struct {
		int updates, behind;
	} rows[] = { { 3, 0 }, { 1, 400 } };
	static struct late l;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_late(&l, TLS1_3_VERSION, 64 << 20);
		say(&l, 10);
		wait_in_vain(&l);
		for (int n = 0; n < rows[i].updates; n++) {
			tls_talk_update(&l.talk, 0);
			say(&l, 1);
		}
		say(&l, rows[i].behind);
		tell_secrets(&l, false);
		say(&l, 400);
		check_fate(&l, TLS_NO_KEYS, 0, 0, 0);
		assert_int_equal(l.heard.bytes, 0);
		close_late(&l);
	}
}

/* A connection may hold a mebibyte; what comes behind is counted, and a secret opens what comes then */
static void test_much_before_the_secret(void **state)
{
	static uint8_t body[64 << 10];
	static struct late l;

	(void)state;
	for (int comes = 0; comes < 2; comes++) {
		open_late(&l, TLS1_3_VERSION, 64 << 20);
		for (int i = 0; i < 20; i++)
			tls_talk_write(&l.talk, 0, span_of(body, sizeof(body)));
		tell(&l);
		check_fate(&l, TLS_NO_KEYS, 0, 1, 0);
		if (comes) {
			tell_secrets(&l, false);
			say(&l, 2);
			check_fate(&l, TLS_READ, 0, 0, 1);
		}
		close_late(&l);
	}
}

/* The secret is there, but not the memory for its keys, or for the hellos */
static void test_no_memory(void **state)
{
	static struct late l;
	size_t first;

	(void)state;
	for (size_t memory = 2000; memory < 40000; memory += 100) {
		open_late(&l, TLS1_3_VERSION, memory);
		tell_secrets(&l, false);
		say(&l, 3);
		first = counter_get(&l.tap.stats.tls_fate[TLS_READ]);
		if (counter_get(&l.tap.stats.tls_seen))
			check_fate(&l, first ? TLS_READ : TLS_NO_KEYS, 0, !first, 0);
		assert_int_equal(l.heard.bytes, first ? 15 : 0);
		close_late(&l);
	}
	assert_int_equal(first, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_joined_in_vain),
		cmocka_unit_test(test_much_before_the_secret),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
