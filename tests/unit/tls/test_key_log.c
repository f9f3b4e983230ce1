/* test_key_log.c - lines of a key log: every end of line, either case, cut, too long, of no use */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "tls/key_log.h"

#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SHORT  "a0a1a2a3a4a5a6a7a8a9aAaBaCaDaEaFb0b1b2b3b4b5b6b7b8b9bAbBbCbDbEbF"
#define LONG   SHORT "c0c1c2c3c4c5c6c7c8c9cAcBcCcDcEcF"

struct seen {
	struct key_log_entry last;
	unsigned entries, others, empty, malformed;
};

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	struct seen *s = ctx;

	s->last = *entry;
	s->entries++;
}

static void on_line(void *ctx, enum key_log_line line)
{
	struct seen *s = ctx;

	s->others += line == KEY_LOG_OTHER;
	s->empty += line == KEY_LOG_EMPTY;
	s->malformed += line == KEY_LOG_MALFORMED;
}

static struct seen read_text(const char *text, size_t len, size_t piece)
{
	struct seen seen = { 0 };
	struct key_log_sink sink = { &seen, on_entry, on_line };
	struct key_log log = { 0 };

	for (size_t at = 0; at < len; at += piece)
		key_log_feed(&log, span_of(text + at, len - at < piece ? len - at : piece), &sink);
	key_log_end(&log, &sink);
	return seen;
}

#define STEP(text, entries, others, empty, malformed) { text, sizeof(text) - 1, entries, others, empty, malformed }

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		unsigned entries, others, empty, malformed;
	} steps[] = {
		STEP("CLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 0),
		STEP("CLIENT_RANDOM " RANDOM " " LONG "\r\n", 1, 0, 0, 0),
		STEP("CLIENT_RANDOM " RANDOM " " LONG "\r", 1, 0, 0, 0),
		STEP("CLIENT_RANDOM " RANDOM " " LONG, 1, 0, 0, 0),
		STEP("CLIENT_RANDOM " RANDOM " " LONG " \n", 1, 0, 0, 0),
		STEP("CLIENT_RANDOM " RANDOM " " SHORT "\n", 0, 0, 0, 1), /* a master secret has 48 bytes */
		STEP("CLIENT_TRAFFIC_SECRET_0 " RANDOM " " SHORT "\rSERVER_TRAFFIC_SECRET_0 " RANDOM " " LONG "\r", 2, 0, 0, 0),
		STEP("CLIENT_EARLY_TRAFFIC_SECRET " RANDOM " " SHORT "\n\n\r\n# said by hand\n", 1, 0, 3, 0),
		STEP("EXPORTER_SECRET " RANDOM " " SHORT "\nEARLY_EXPORTER_SECRET " RANDOM " " SHORT "\n", 0, 2, 0, 0),
		STEP("CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " SHORT "\nSERVER_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " LONG "\n", 2, 0, 0, 0),
		STEP("ECH_CONFIG " RANDOM " 00\nSOMETHING_NEW a b c\n", 0, 2, 0, 0),
		STEP("CLIENT_RANDOM " RANDOM "\n", 0, 0, 0, 1),
		STEP("CLIENT_RANDOM\n", 0, 0, 0, 1),
		STEP("CLIENT_RANDOM  " RANDOM " " LONG "\n", 0, 0, 0, 1),
		STEP("client_random " RANDOM " " LONG "\n", 0, 0, 0, 1),
		STEP("CLIENT_RANDOM " RANDOM " " LONG "0\n", 0, 0, 0, 1),
		STEP("CLIENT_RANDOM " RANDOM " " LONG " x\n", 0, 0, 0, 1),
		STEP("CLIENT_TRAFFIC_SECRET_0 " RANDOM " g0a1a2a3a4a5a6a7a8a9aAaBaCaDaEaFb0b1b2b3b4b5b6b7b8b9bAbBbCbDbEbF\n", 0, 0, 0, 1),
		STEP("\xef\xbb\xbf" "CLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CLIENT_RAN\0DOM " RANDOM " " LONG "\nCLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		/* who wrote before has ended within a line: anywhere in it */
		STEP("CLIENT_RANDOM " RANDOM " a0a1CLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CLIENT_RANDOM " RANDOM " " SHORT "CLIENT_TRAFFIC_SECRET_0 " RANDOM " " LONG "\r\n", 1, 0, 0, 1),
		STEP("CLIENT_RANDOM " RANDOM "CLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CLIENT_RANDOM CLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CLIENT_RANDOMSERVER_TRAFFIC_SECRET_0 " RANDOM " " LONG "\n", 0, 1, 0, 0), /* so a new label may be called */
		STEP("CLIENT_TRAFSERVER_TRAFFIC_SECRET_0 " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CCLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CLIENT_RANDOM a0CLIENT_RANDOM a1CLIENT_RANDOM " RANDOM " " LONG "\n", 1, 0, 0, 1),
		STEP("CLIENT_RANDOM " RANDOM " a0a1CLIENT_RANDOM " RANDOM " a0\n", 0, 0, 0, 2),
		STEP("QUIC_CLIENT_TRAFFIC_SECRET_0 " RANDOM " " LONG "\n", 0, 1, 0, 0), /* another protocol's */
		STEP("# CLIENT_RANDOM " RANDOM " " LONG "\n", 0, 0, 1, 0),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (size_t piece = 1; piece <= steps[i].len; piece += piece < 4 ? 1 : 17) {
			struct seen seen = read_text(steps[i].text, steps[i].len, piece);

			if (seen.entries != steps[i].entries || seen.others != steps[i].others || seen.empty != steps[i].empty ||
			    seen.malformed != steps[i].malformed)
				fail_msg("step %zu in pieces of %zu: %u %u %u %u", i, piece, seen.entries, seen.others, seen.empty,
					 seen.malformed);
		}
}

static void test_bytes(void **state)
{
	struct seen seen = read_text("SERVER_TRAFFIC_SECRET_0 " RANDOM " " LONG "\n", sizeof("SERVER_TRAFFIC_SECRET_0 " RANDOM " " LONG), 1000);

	(void)state;
	assert_int_equal(seen.last.kind, TLS_SERVER_TRAFFIC);
	assert_int_equal(seen.last.secret_len, 48);
	for (unsigned i = 0; i < TLS_RANDOM_BYTES; i++)
		assert_int_equal(seen.last.random[i], i);
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(seen.last.secret[i], 0xa0 + i);
}

/* A line of a megabyte is one that is malformed, and the next is read. */
static void test_long_line(void **state)
{
	static char text[(1 << 20) + 400];
	size_t len = 1 << 20;
	struct seen seen;

	(void)state;
	memset(text, 'A', len);
	len += (size_t)sprintf(text + len, "\nCLIENT_RANDOM %s %s\n", RANDOM, LONG);
	seen = read_text(text, len, 4096);
	assert_int_equal(seen.malformed, 1);
	assert_int_equal(seen.entries, 1);
}

/* What grows: a line waits for its end. */
static void test_growing(void **state)
{
	static const char text[] = "CLIENT_RANDOM " RANDOM " " LONG;
	struct seen seen = { 0 };
	struct key_log_sink sink = { &seen, on_entry, NULL };
	struct key_log log = { 0 };

	(void)state;
	key_log_feed(&log, span_of(text, 50), &sink);
	key_log_feed(&log, span_of(text + 50, sizeof(text) - 1 - 50), &sink);
	assert_int_equal(seen.entries, 0);
	key_log_feed(&log, SPAN_LITERAL("\n"), &sink);
	assert_int_equal(seen.entries, 1);
	key_log_end(&log, &sink);
	assert_int_equal(seen.entries, 1);
}

/* What is written reads as what it was */
static void test_written(void **state)
{
	struct buffer text = { 0 };

	(void)state;
	for (int kind = 0; kind < TLS_SECRET_KINDS; kind++) {
		struct key_log_entry entry = { .kind = (enum tls_secret_kind)kind, .secret_len = 48 };
		struct seen seen;

		memset(entry.random, 0xa5, sizeof(entry.random));
		memset(entry.secret, 0x10 + kind, sizeof(entry.secret));
		buffer_clear(&text);
		key_log_write(&text, &entry);
		assert_true(buffer_ok(&text) && text.len < KEY_LOG_LINE_MAX);
		seen = read_text((const char *)text.bytes, text.len, 7);
		assert_int_equal(seen.entries, 1);
		assert_int_equal(seen.last.kind, entry.kind);
		assert_int_equal(seen.last.secret_len, entry.secret_len);
		assert_memory_equal(seen.last.random, entry.random, sizeof(entry.random));
		assert_memory_equal(seen.last.secret, entry.secret, sizeof(entry.secret));
	}
	buffer_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
