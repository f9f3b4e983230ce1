/*
 * test_nats_parser.c - what a server of NATS says: whole, cut everywhere, malformed, too long, and without memory
 *
 * Every piece of a stream lies right before an unreadable page.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig/dice.h"
#include "tests/rig/fail_alloc.h"
#include "tests/rig/guard_page.h"
#include "tests/rig/nats_transcript.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DATA_MAX 100000

/** feed() - one piece, at the end of what can be read */
static bool feed(struct guarded *g, struct buffer *out, struct nats_parser *p, struct span piece)
{
	uint8_t *at = g->end - piece.len;

	if (piece.len > 0)
		memcpy(at, piece.at, piece.len);
	return transcript_of(out, p, span_of(at, piece.len));
}

/** transcript() - of @stream in pieces of @size bytes, but for the first, which has @first */
static const char *transcript(struct guarded *g, struct span stream, size_t first, size_t size, struct buffer *out)
{
	struct nats_parser p = { .data_max = DATA_MAX };
	struct span piece;
	bool goes_on = true;

	buffer_clear(out);
	span_take(&stream, first < stream.len ? first : stream.len, &piece);
	goes_on = feed(g, out, &p, piece);
	while (goes_on && stream.len > 0) {
		span_take(&stream, size < stream.len ? size : stream.len, &piece);
		goes_on = feed(g, out, &p, piece);
	}
	nats_parser_deinit(&p);
	return buffer_text(out);
}

/* ---- what there is ---- */

struct row {
	const char *stream, *expect;
};

static const struct row good[] = {
	{ "", "" },
	{ "INFO {\"a\":1}\r\n", "INFO text[{\"a\":1}]\n" },
	{ "info {}\n", "INFO text[{}]\n" },
	{ "PING\r\nPONG\r\n+OK\r\n", "PING\nPONG\nOK\n" },
	{ "-ERR 'Authorization Violation'\r\n", "COMPLAINT text[Authorization Violation]\n" },
	{ "-ERR\r\n", "COMPLAINT text[]\n" },
	{ "MSG a 1 0\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "MSG a.b 9 5\r\nhello\r\nPING\r\n", "MESSAGE 9 subject[a.b] reply[] data[hello]\nPING\n" },
	{ "MSG  a.b  9  5 \r\nhello\r\n", "MESSAGE 9 subject[a.b] reply[] data[hello]\n" },
	{ "MSG a 4294967295 r.1 4\r\n\r\n\r\n\r\n", "MESSAGE 4294967295 subject[a] reply[r.1] data[\r\n\r\n]\n" },
	{ "HMSG a 1 12 12\r\nNATS/1.0\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "HMSG a 1 r 12 15\r\nNATS/1.0\r\n\r\nabc\r\n", "MESSAGE 1 subject[a] reply[r] data[abc]\n" },
	{ "HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] status 503 data[]\n" },
	{ "HMSG a 1 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] status 404 text[No Messages] data[]\n" },
	{ "HMSG a 1 32 35\r\nNATS/1.0\r\nA: b\r\nb:  c d \r\nE:\r\n\r\nxyz\r\n",
	  "MESSAGE 1 subject[a] reply[] name[A] value[b] name[b] value[c d] name[E] value[] data[xyz]\n" },
	/* a block that is none: what a publisher wrote, and no fault of the connection's */
	{ "HMSG a 1 4 7\r\nABCDxyz\r\nPING\r\n", "MESSAGE 1 subject[a] reply[] data[xyz]\nPING\n" },
	{ "HMSG a 1 0 3\r\nxyz\r\n", "MESSAGE 1 subject[a] reply[] data[xyz]\n" },
	{ "HMSG a 1 10 10\r\nNATS/1.0\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "HMSG a 1 16 16\r\nNATS/1.0\r\nA: b\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "HMSG a 1 15 15\r\nNATS/1.0 50\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "HMSG a 1 16 16\r\nNATS/1.0 5x3\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "HMSG a 1 16 16\r\nNATS/1.05503\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] data[]\n" },
	{ "HMSG a 1 27 27\r\nNATS/1.0\r\nno colon\r\nA:b\r\n\r\n\r\n", "MESSAGE 1 subject[a] reply[] name[A] value[b] data[]\n" },
};

static void test_good(void **state)
{
	struct buffer out = { 0 };

	for (size_t i = 0; i < COUNT(good); i++) {
		struct span stream = span_str(good[i].stream);

		for (size_t first = 0; first <= stream.len; first++)
			assert_string_equal(transcript(*state, stream, first, stream.len, &out), good[i].expect);
		assert_string_equal(transcript(*state, stream, 0, 1, &out), good[i].expect);
	}
	buffer_deinit(&out);
}

/* ---- what there is not ---- */

#define LINE "a line that is none of NATS"
#define WORDS "a message's line with too few words, or too many"
#define NUMBERS "a message's line with numbers that cannot be"

static const struct row bad[] = {
	{ "\r\n", "an empty line" },
	{ "\n", "an empty line" },
	{ "  \r\n", "an empty line" },
	{ "HTTP/1.1 200 OK\r\n", LINE },
	{ "MESSAGE a 1 0\r\n", LINE },
	{ "\x16\x03\x01\n", LINE },
	{ "MSG\r\n", WORDS },
	{ "MSG a 1\r\n", WORDS },
	{ "MSG a 1 r s 0\r\n", WORDS },
	{ "HMSG a 1 0\r\n", WORDS },
	{ "HMSG a 1 r s 12 12\r\n", WORDS },
	{ "HMSG a 1 r s t u v 12 12\r\n", WORDS },
	{ "MSG a x 0\r\n", NUMBERS },
	{ "MSG a -1 0\r\n", NUMBERS },
	{ "MSG a 4294967296 0\r\n", NUMBERS },
	{ "MSG a 1 x\r\n", NUMBERS },
	{ "MSG a 1 18446744073709551616\r\n", NUMBERS },
	{ "HMSG a 1 x 12\r\n", NUMBERS },
	{ "HMSG a 1 13 12\r\n", NUMBERS },
	{ "HMSG a 1 18446744073709551615 12\r\n", NUMBERS },
	{ "MSG a 1 100001\r\n", "a message that is longer than the server said they are" },
	{ "MSG a 1 18446744073709551615\r\n", "a message that is longer than the server said they are" },
	{ "MSG a 1 3\r\nabcd\r\n", "a message that does not end where it says" },
	{ "MSG a 1 3\r\nabc\n\n", "a message that does not end where it says" },
};

static void test_bad(void **state)
{
	struct buffer out = { 0 }, stream = { 0 };
	char expect[256];

	for (size_t i = 0; i < COUNT(bad); i++) {
		buffer_clear(&stream);
		buffer_printf(&stream, "PING\r\n%sPONG\r\n", bad[i].stream);
		snprintf(expect, sizeof(expect), "PING\nMALFORMED text[%s]\n", bad[i].expect);
		for (size_t first = 0; first <= stream.len; first++)
			assert_string_equal(transcript(*state, buffer_span(&stream), first, stream.len, &out), expect);
		assert_string_equal(transcript(*state, buffer_span(&stream), 0, 1, &out), expect);
	}
	buffer_deinit(&stream);
	buffer_deinit(&out);
}

/* Once malformed, nothing that follows is taken for anything. */
static void test_bad_stays_bad(void **state)
{
	struct nats_parser p = { .data_max = DATA_MAX };
	struct span first = SPAN_LITERAL("?\r\n"), second = SPAN_LITERAL("PING\r\n");

	assert_int_equal(nats_parser_next(&p, &first), NATS_EVENT_MALFORMED);
	assert_int_equal(nats_parser_next(&p, &second), NATS_EVENT_MALFORMED);
	nats_parser_deinit(&p);
}

/* ---- limits ---- */

static void add_run(struct buffer *b, char c, size_t n)
{
	assert_true(buffer_reserve(b, n));
	memset(b->bytes + b->len, c, n);
	b->len += n;
}

/** of_line() - the transcript of an INFO line of @len bytes, its end included, in pieces of @size */
static const char *of_line(struct guarded *g, size_t len, size_t size, struct buffer *out)
{
	struct buffer stream = { 0 };

	buffer_add_str(&stream, "INFO ");
	add_run(&stream, 'x', len - 7);
	buffer_add_str(&stream, "\r\n");
	transcript(g, buffer_span(&stream), 0, size, out);
	buffer_deinit(&stream);
	return buffer_text(out);
}

static void test_line_limit(void **state)
{
	struct buffer out = { 0 };

	for (size_t size = 1000; size <= NATS_LINE_MAX + 1; size += 32000) {
		assert_memory_equal(of_line(*state, NATS_LINE_MAX, size, &out), "INFO text[xxx", 13);
		assert_string_equal(of_line(*state, NATS_LINE_MAX + 1, size, &out), "MALFORMED text[a line without an end]\n");
	}
	buffer_deinit(&out);
}

/* A header block up to its limit is looked into; a longer one counts as none, and the stream goes on. */
static void test_header_limit(void **state)
{
	for (size_t extra = 0; extra < 2; extra++) {
		struct buffer stream = { 0 }, out = { 0 };
		size_t block = NATS_HEADERS_MAX + extra;

		buffer_printf(&stream, "HMSG a 1 %zu %zu\r\nNATS/1.0\r\nA:", block, block);
		add_run(&stream, 'x', block - 16);
		buffer_add_str(&stream, "\r\n\r\n\r\nPING\r\n");
		transcript(*state, buffer_span(&stream), 5, 4096, &out);
		assert_int_equal(extra == 0, strstr(buffer_text(&out), "name[A] value[xx") != NULL);
		assert_string_equal(buffer_text(&out) + out.len - 7, "]\nPING\n");
		buffer_deinit(&stream);
		buffer_deinit(&out);
	}
}

static void test_longest_message(void **state)
{
	struct buffer stream = { 0 }, out = { 0 };

	buffer_printf(&stream, "MSG a 1 %u\r\n", DATA_MAX);
	add_run(&stream, 'x', DATA_MAX);
	buffer_add_str(&stream, "\r\nPONG\r\n");
	transcript(*state, buffer_span(&stream), 20, 60000, &out);
	assert_int_equal(out.len, strlen("MESSAGE 1 subject[a] reply[] data[]\nPONG\n") + DATA_MAX);
	buffer_deinit(&stream);
	buffer_deinit(&out);
}

/* ---- properties ---- */

static void add_line(struct dice *d, struct buffer *b)
{
	static const char *const lines[] = { "PING\r\n", "PONG\r\n", "+OK\r\n", "-ERR 'x'\r\n", "INFO {\"nonce\":\"a\"}\r\n" };
	size_t data = below(d, 300), block = below(d, 60);

	if (one_in(d, 3)) {
		buffer_add_str(b, lines[below(d, COUNT(lines))]);
		return;
	}
	if (one_in(d, 2)) {
		buffer_printf(b, "MSG st.v1.x.req.%02u %u %zu\r\n", below(d, 100), below(d, 9), data);
	} else {
		buffer_printf(b, "HMSG a.%u 3 _INBOX.r.%u %zu %zu\r\nNATS/1.0\r\nA:", below(d, 100), below(d, 9), block + 16, block + 16 + data);
		add_run(b, 'h', block);
		buffer_add_str(b, "\r\n\r\n");
	}
	for (size_t i = 0; i < data; i++)
		buffer_add(b, &(char){ "\r\nMSG a 1 PING"[below(d, 14)] }, 1);
	buffer_add_str(b, "\r\n");
}

static void test_cut_by_chance(void **state)
{
	struct buffer stream = { 0 }, whole = { 0 }, cut = { 0 };

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct dice d = dice_of_seed(seed);

		buffer_clear(&stream);
		for (uint32_t i = below(&d, 30); i > 0; i--)
			add_line(&d, &stream);
		if (one_in(&d, 4) && stream.len > 0) /* and a fault */
			stream.bytes[below(&d, (uint32_t)stream.len)] ^= (uint8_t)(1u << below(&d, 8));
		transcript(*state, buffer_span(&stream), 0, stream.len, &whole);
		transcript(*state, buffer_span(&stream), below(&d, 100), 1 + below(&d, 100), &cut);
		assert_string_equal(buffer_text(&cut), buffer_text(&whole));
	}
	buffer_deinit(&stream);
	buffer_deinit(&whole);
	buffer_deinit(&cut);
}

/* Whichever allocation fails, that is said, and nothing leaks or is read that was not written. */
static void test_no_memory(void **state)
{
	static const char stream[] = "INFO {}\r\nHMSG a 1 r 12 15\r\nNATS/1.0\r\n\r\nabc\r\n";
	long failed = 0;

	for (bool all_went_well = false; !all_went_well; failed += !all_went_well) {
		struct nats_parser p = { .data_max = DATA_MAX };
		enum nats_event event = NATS_EVENT_NONE;

		fail_at = failed;
		for (size_t i = 0; i < sizeof(stream) - 1 && event != NATS_EVENT_NO_MEMORY; i++) {
			struct span piece = span_of(stream + i, 1);

			event = nats_parser_next(&p, &piece);
			if (event == NATS_EVENT_MESSAGE)
				nats_message_free(p.message);
		}
		all_went_well = fail_at >= 0;
		assert_int_equal(event, all_went_well ? NATS_EVENT_MESSAGE : NATS_EVENT_NO_MEMORY);
		fail_at = -1;
		nats_parser_deinit(&p);
	}
	assert_int_equal(failed, 2);
}

/* ---- headers ---- */

static void test_header(void **state)
{
	static const struct {
		const char *name, *value; /* NULL: there is none */
	} rows[] = {
		{ "Nats-Sequence", "7" }, { "ce-id", "first" }, { "Ce-Id", "other case" }, { "ce-i", NULL }, { "ce-id2", NULL },
		{ "", NULL }, { "empty", "" }, { "tab", "a\tb" }, { "colons", "a:b:c" },
	};
	static const char lines[] = "Nats-Sequence: 7\r\nce-id: first\r\nce-id: second\r\nCe-Id: other case\r\nempty:\r\ntab:\t a\tb\t\r\ncolons:a:b:c\r\n";
	struct nats_message m = { .headers = SPAN_LITERAL(lines) };
	struct span value;

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool has = nats_message_header(&m, span_str(rows[i].name), &value);

		assert_int_equal(has, rows[i].value != NULL);
		assert_true(!has || span_equal(value, span_str(rows[i].value)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bad_stays_bad),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_header_limit),
		cmocka_unit_test(test_longest_message),
		cmocka_unit_test(test_cut_by_chance),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
