/*
 * test_tls_early.c - sessions taken up again, and what a client sends with its hello (0-RTT)
 *
 * A first connection gives the session, a second one takes it up, and only the second is read. What the inner
 * reader was told of it is a line of text: '>' and what came from the client, '<' and what came from the server, in order.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "reassembly/tracker.h"
#include "tests/rig/quiet_reader.h"
#include "tests/rig/tls_talk.h"
#include "tests/rig/tls_tap.h"
#include "tls/tls_reader.h"

#define CLIENT_ISN 1000
#define SERVER_ISN 0xfffff000u

/* ---- the inner reader ---- */

struct line {
	struct buffer text;
	bool is_begun;
	enum stream_side side; /* with is_begun: of whom the last was */
	unsigned gaps;
	struct reader reader;
};

static struct line *line_of(struct reader *r)
{
	return (struct line *)((uint8_t *)r - offsetof(struct line, reader));
}

static enum claim line_claims(struct span bytes, enum stream_side side, bool at_start)
{
	(void)bytes;
	return side == SIDE_CLIENT && at_start ? CLAIM_LIKELY : CLAIM_NONE;
}

static const struct reader_ops line_ops;

static struct reader *line_make(void *shared, const struct reader_start *start)
{
	struct line *l = shared;

	(void)start;
	l->reader.ops = &line_ops;
	return &l->reader;
}

static void add(struct line *l, enum stream_side side, const struct chunk *chunk)
{
	if (!l->is_begun || l->side != side)
		buffer_add(&l->text, side == SIDE_CLIENT ? ">" : "<", 1);
	l->is_begun = true;
	l->side = side;
	buffer_add_span(&l->text, chunk->bytes);
}

static enum reader_result line_client(struct reader *r, const struct chunk *chunk)
{
	add(line_of(r), SIDE_CLIENT, chunk);
	return READER_LIVE;
}

static enum reader_result line_server(struct reader *r, const struct chunk *chunk)
{
	add(line_of(r), SIDE_SERVER, chunk);
	return READER_LIVE;
}

static void line_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	(void)side;
	(void)bytes;
	(void)why;
	(void)now;
	line_of(r)->gaps++;
}

static const struct reader_ops line_ops = {
	.name = "line",
	.open = quiet_open,
	.close = quiet_close,
	.claims = line_claims,
	.make = line_make,
	.on_chunk = { line_client, line_server },
	.on_gap = line_gap,
	.on_half_end = quiet_half_end,
	.on_end = quiet_end,
	.free = quiet_free,
};

/* ---- a connection, read ---- */

struct run {
	struct line line;
	struct tls_tap tap;
	uint32_t sent[2];
};

static void feed(struct run *r, bool of_server, uint8_t flags, struct span bytes)
{
	static const struct endpoint ends[2] = { { .family = 4, .addr = { 10, 0, 0, 1 }, .port = 40000 },
						 { .family = 4, .addr = { 10, 0, 0, 2 }, .port = 443 } };
	uint32_t isn[2] = { CLIENT_ISN, SERVER_ISN };
	struct segment s = { .src = ends[of_server],
			     .dst = ends[!of_server],
			     .payload = bytes,
			     .ts = { r->tap.now += 100 * NS_PER_US },
			     .seq = isn[of_server] + r->sent[of_server],
			     .ack = isn[!of_server] + r->sent[!of_server],
			     .flags = flags };

	r->sent[of_server] += (uint32_t)bytes.len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
	tracker_feed(r->tap.tracker, &s);
}

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	secrets_add(ctx, entry, (struct mono){ 0 });
}

/** tell_secrets() - all lines of the key log, but those that begin with @without */
static void tell_secrets(struct run *r, const struct tls_talk *t, const char *without)
{
	struct key_log_sink sink = { r->tap.secrets, on_entry, NULL };
	struct span rest = buffer_span(&t->key_log), line;
	struct key_log log = { 0 };

	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);

		assert_non_null(end);
		span_take(&rest, (size_t)(end - rest.at) + 1, &line);
		if (!without || line.len < strlen(without) || memcmp(line.at, without, strlen(without)) != 0)
			key_log_feed(&log, line, &sink);
	}
	key_log_end(&log, &sink);
}

static void open_run(struct run *r, size_t memory)
{
	memset(r, 0, sizeof(*r));
	tls_tap_open(&r->tap, &(struct tls_tap_options){
				      .inner = { &line_ops, &r->line },
				      .memory = memory,
				      .connections = 100,
				      .wait_ns = NS_PER_S * 1000,
				      .reads_servers = true,
			      });
}

static void close_run(struct run *r)
{
	buffer_deinit(&r->line.text);
	tls_tap_close(&r->tap);
}

/** run_talk() - with secrets that are there before, or come after all was said */
static void run_talk(struct run *r, const struct tls_talk *t, const char *without, bool late)
{
	if (!late)
		tell_secrets(r, t, without);
	feed(r, false, TCP_SYN, span_of(NULL, 0));
	feed(r, true, TCP_SYN | TCP_ACK, span_of(NULL, 0));
	for (size_t i = 0; i < t->flight_count; i++)
		feed(r, t->flights[i].of_server, TCP_ACK | TCP_PSH, buffer_span(&t->flights[i].bytes));
	if (late)
		tell_secrets(r, t, without);
	tls_look(&r->tap.lane, 0);
	feed(r, false, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	feed(r, true, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	tls_tap_finish(&r->tap);
	buffer_add(&r->line.text, "", 1);
	assert_true(buffer_ok(&r->line.text));
}

/** read_talk() - is @line what the inner reader is told of @t, whether its secrets are there before or come after? */
static void read_talk(const struct tls_talk *t, const char *without, const char *line)
{
	static struct run r;

	for (int late = 0; late < 2; late++) {
		open_run(&r, 64 << 20);
		run_talk(&r, t, without, late);
		assert_string_equal((const char *)r.line.text.bytes, line);
		assert_int_equal(r.line.gaps, 0);
		assert_int_equal(counter_get(&r.tap.stats.tls_seen), 1);
		assert_int_equal(counter_get(&r.tap.stats.tls_fate[TLS_READ]), 1);
		assert_int_equal(counter_get(&r.tap.stats.tls_early_dropped), 0);
		close_run(&r);
	}
}

/* ---- sessions ---- */

/** first_session() - what a connection with @options, over by now, was given to be taken up; to be freed */
static SSL_SESSION *first_session(const struct tls_talk_options *options)
{
	struct tls_talk t;
	SSL_SESSION *session;

	tls_talk_init(&t, options);
	tls_talk_handshake(&t);
	tls_talk_close(&t, 0);
	session = t.session;
	assert_non_null(session);
	SSL_SESSION_up_ref(session);
	tls_talk_deinit(&t);
	return session;
}

static void say(struct tls_talk *t, int side, const char *text)
{
	tls_talk_write(t, side, span_str(text));
}

static void test_resumed(void **state)
{
	static const struct tls_talk_options rows[] = {
		{ .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256" },
		{ .version = TLS1_3_VERSION, .suite = "TLS_AES_256_GCM_SHA384" },
		{ .version = TLS1_3_VERSION, .suite = "TLS_CHACHA20_POLY1305_SHA256", .asks_again = true },
		{ .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-GCM-SHA256" },
		{ .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .no_tickets = true },
		{ .version = TLS1_2_VERSION, .suite = "AES256-SHA" },
		{ .version = TLS1_2_VERSION, .suite = "AES256-SHA", .no_etm = true, .no_tickets = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_talk_options o = rows[i];
		struct tls_talk t;

		o.resume = first_session(&o);
		tls_talk_init(&t, &o);
		tls_talk_handshake(&t);
		assert_true(SSL_session_reused(t.ssl[0]));
		say(&t, 0, "one");
		say(&t, 1, "two");
		say(&t, 0, "three");
		say(&t, 1, "four");
		read_talk(&t, NULL, ">one<two>three<four");
		tls_talk_deinit(&t);
		SSL_SESSION_free(o.resume);
	}
}

/* ---- early data ---- */

static const char *const early_suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };

#define EARLY_SUITES (sizeof(early_suites) / sizeof(early_suites[0]))

/** start_early() - a talk whose client has sent both parts with its hello, in two records */
static void start_early_with(struct tls_talk *t, struct tls_talk_options *o, struct span first_part, struct span second_part)
{
	struct tls_talk_options first = *o;

	first.early = true;
	first.asks_again = false;
	o->resume = first_session(&first);
	tls_talk_init(t, o);
	tls_talk_early(t, first_part);
	tls_talk_early(t, second_part);
}

static void start_early(struct tls_talk *t, struct tls_talk_options *o)
{
	start_early_with(t, o, SPAN_LITERAL("ear"), SPAN_LITERAL("ly "));
}

static void end_handshake(struct tls_talk *t)
{
	tls_talk_handshake(t);
	assert_true(SSL_session_reused(t->ssl[0]));
}

static void end_early(struct tls_talk *t, struct tls_talk_options *o)
{
	tls_talk_deinit(t);
	SSL_SESSION_free(o->resume);
}

static void test_early_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < EARLY_SUITES; i++) {
		struct tls_talk_options o = { .version = TLS1_3_VERSION, .suite = early_suites[i], .early = true };
		struct tls_talk t;

		start_early(&t, &o);
		end_handshake(&t);
		assert_int_equal(SSL_get_early_data_status(t.ssl[0]), SSL_EARLY_DATA_ACCEPTED);
		say(&t, 0, "one");
		say(&t, 1, "two");
		say(&t, 0, "three");
		read_talk(&t, NULL, ">early one<two>three");
		read_talk(&t, "CLIENT_EARLY_TRAFFIC_SECRET", ">one<two>three");
		end_early(&t, &o);
	}
}

/* The server need not wait for the end of the handshake either; what it says to early data comes behind them */
static void test_early_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < EARLY_SUITES; i++) {
		struct tls_talk_options o = { .version = TLS1_3_VERSION, .suite = early_suites[i], .early = true };
		struct tls_talk t;

		start_early(&t, &o);
		tls_talk_answer_early(&t, SPAN_LITERAL("yes"));
		end_handshake(&t);
		say(&t, 0, "one");
		say(&t, 1, "two");
		read_talk(&t, NULL, ">early <yes>one<two");
		end_early(&t, &o);
	}
}

/* The server has never read them, and the client sends them again; it may be asked for another key share, or not */
static void test_early_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * EARLY_SUITES; i++) {
		struct tls_talk_options o = { .version = TLS1_3_VERSION, .suite = early_suites[i / 2], .asks_again = i % 2 };
		struct tls_talk t;

		start_early(&t, &o);
		end_handshake(&t);
		assert_int_equal(SSL_get_early_data_status(t.ssl[0]), SSL_EARLY_DATA_REJECTED);
		say(&t, 0, "early one");
		say(&t, 1, "two");
		say(&t, 0, "three");
		read_talk(&t, NULL, ">early one<two>three");
		read_talk(&t, "CLIENT_EARLY_TRAFFIC_SECRET", ">early one<two>three");
		end_early(&t, &o);
	}
}

/* What there is no memory for is a gap, and counted: what is behind it never becomes one with what is before */
static void test_early_without_memory(void **state)
{
	struct tls_talk_options o = { .version = TLS1_3_VERSION, .suite = early_suites[0], .early = true };
	static char whole[2000 + 8000], may_be[4][sizeof(whole) + 32];
	static struct run r;
	unsigned seen[4] = { 0 };
	struct tls_talk t;

	(void)state;
	memset(whole, 'a', 2000);
	memset(whole + 2000, 'b', 8000);
	snprintf(may_be[0], sizeof(may_be[0]), ">%.*sone<two>three", (int)sizeof(whole), whole);
	snprintf(may_be[1], sizeof(may_be[1]), ">%.2000sone<two>three", whole);
	snprintf(may_be[2], sizeof(may_be[2]), ">one<two>three");
	start_early_with(&t, &o, span_of(whole, 2000), span_of(whole + 2000, 8000));
	end_handshake(&t);
	say(&t, 0, "one");
	say(&t, 1, "two");
	say(&t, 0, "three");
	for (size_t memory = 1000; memory < 40000; memory += 100) {
		size_t i = 0;

		open_run(&r, memory);
		run_talk(&r, &t, NULL, false);
		while (i < 3 && strcmp((const char *)r.line.text.bytes, may_be[i]) != 0)
			i++;
		assert_string_equal((const char *)r.line.text.bytes, may_be[i]);
		assert_int_equal(counter_get(&r.tap.stats.tls_early_dropped), i == 3 ? 0 : i);
		assert_int_equal(r.line.gaps, i == 1 || i == 2);
		seen[i]++;
		close_run(&r);
	}
	for (size_t i = 0; i < 4; i++)
		assert_true(seen[i] > 0);
	end_early(&t, &o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_early_taken),
		cmocka_unit_test(test_early_answered),
		cmocka_unit_test(test_early_refused),
		cmocka_unit_test(test_early_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
