/* test_stream.c - the order of bytes, step by step, at four ISNs; and what hostile orders cost */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "reassembly/stream.h"

/** struct step - one segment, or one ack of the peer, and all that was read until then */
struct step {
	uint32_t at;       /* relative to the first byte */
	const char *bytes; /* NULL: the peer acknowledges @at */
	const char *read;  /* everything so far; a gap of 3 is "<3>", one cut by the snaplen "<cut 3>" */
	uint32_t missing;
	uint32_t packets; /* others of the connection that came before */
	int32_t wait_ms; /* and capture time that had passed before those */
};

struct reading {
	struct buffer text;
	size_t limit; /* bytes after which the reader wants no more; 0 = never */
	bool waits;
};

static bool read_bytes(void *ctx, const struct chunk *piece)
{
	struct reading *reading = ctx;

	assert_true(piece->bytes.len > 0);
	buffer_add_span(&reading->text, piece->bytes);
	return reading->limit == 0 || reading->text.len < reading->limit;
}

static bool read_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	struct reading *reading = ctx;

	buffer_printf(&reading->text, why == LOST_TRUNCATED ? "<cut %u>" : "<%u>", bytes);
	return true;
}

static void read_wait(void *ctx)
{
	((struct reading *)ctx)->waits = true;
}

struct rig {
	struct wall clock;
	struct budget budget;
	struct reassembly_stats stats;
	struct stream_env env;
	struct stream stream;
	struct reading reading;
};

static void rig_open(struct rig *rig, uint32_t seq, size_t hold, size_t memory)
{
	memset(rig, 0, sizeof(*rig));
	budget_init(&rig->budget, memory);
	rig->env = (struct stream_env){ { read_bytes, read_gap, read_wait }, hold, &rig->budget, &rig->stats,
					&rig->clock };
	stream_begin(&rig->stream, seq);
}

static void rig_close(struct rig *rig)
{
	stream_drop(&rig->stream, &rig->env);
	assert_int_equal(rig->stream.held_bytes, 0);
	assert_int_equal(rig->stream.at.held_count, 0);
	assert_int_equal(budget_used(&rig->budget), 0);
	assert_int_equal(counter_get(&rig->stats.held_bytes), 0);
	buffer_deinit(&rig->reading.text);
}

static void feed(struct rig *rig, uint32_t seq, struct span bytes, uint32_t missing)
{
	struct chunk piece = { .bytes = bytes, .offset = stream_offset(&rig->stream, seq) };

	stream_feed(&rig->stream, &rig->env, &rig->reading, &piece, missing);
	assert_true(rig->reading.waits || !rig->stream.held);
}

/** look() - as the owner does, with @packets of the connection */
static void look(struct rig *rig, uint32_t packets)
{
	for (uint32_t i = 0; i < packets && rig->reading.waits; i++)
		rig->reading.waits = stream_look(&rig->stream, &rig->env, &rig->reading, true);
}

static void pass_time(struct rig *rig, int32_t ms)
{
	rig->clock.ns += ms * NS_PER_MS;
	if (ms && rig->reading.waits)
		rig->reading.waits = stream_look(&rig->stream, &rig->env, &rig->reading, false);
}

static const struct step in_order[] = {
	{ 0, "abc", "abc" },
	{ 3, "def", "abcdef" },
	{ 6, "", "abcdef" },
};

static const struct step reorder[] = {
	{ 3, "def", "" },       /* held: bytes 0-2 are missing */
	{ 0, "abc", "abcdef" }, /* the gap closes */
	{ 1, "XYZ", "abcdef" }, /* overlap: the bytes seen first win */
	{ 4, "XYZ", "abcdefZ" },
};

static const struct step backwards[] = {
	{ 4, "e", "" }, { 3, "d", "" }, { 2, "c", "" }, { 1, "b", "" }, { 0, "a", "abcde" },
};

static const struct step overlap_all_ways[] = {
	{ 10, "KLM", "" },
	{ 10, "klm", "" },                       /* the same place */
	{ 8, "ijk", "" },                        /* over the front */
	{ 12, "mno", "" },                       /* over the back */
	{ 6, "ghijklmnop", "" },                 /* around all of it */
	{ 11, "l", "" },                         /* inside */
	{ 0, "abcdefGHIJ", "abcdefghijKLMnop" }, /* into the held ones: those were first */
};

static const struct step lost_by_ack[] = {
	{ 0, "abc", "abc" },
	{ 6, "ghi", "abc" },
	{ 9, NULL, "abc" },                            /* the peer has it all: the waiting begins */
	{ 9, "jkl", "abc", .packets = 22 },            /* long enough in packets, but not in time */
	{ 12, "m", "abc<3>ghijklm", .wait_ms = 5 },
};

static const struct step lost_by_time[] = { /* few packets: only time tells, and no packet need come for it */
	{ 0, "abc", "abc" },
	{ 6, "ghi", "abc" },
	{ 9, NULL, "abc" },
	{ 9, "jkl", "abc", .wait_ms = 999 },
	{ 9, NULL, "abc<3>ghijkl", .wait_ms = 1 },
};

static const struct step acked_is_not_lost[] = { /* a gap that the peer acknowledged, and more is sent behind it */
	{ 0, "abc", "abc" },
	{ 9, NULL, "abc" },
	{ 6, "ghi", "abc" },
	{ 9, "jkl", "abc", .packets = 6, .wait_ms = 21 },
	{ 3, "def", "abcdefghijkl", .packets = 3, .wait_ms = 8 },
	{ 15, "pqr", "abcdefghijkl", .wait_ms = 5000 }, /* another gap has the same patience */
	{ 18, NULL, "abcdefghijkl" },
	{ 12, "mno", "abcdefghijklmnopqr", .packets = 30, .wait_ms = 4 },
};

static const struct step not_acked_is_not_late[] = { /* lost before it reached the peer: it will be sent again */
	{ 0, "abc", "abc" },
	{ 3, NULL, "abc" },
	{ 6, "ghi", "abc" },
	{ 3, NULL, "abc", .packets = 200, .wait_ms = 60000 },
	{ 3, "def", "abcdefghi" },
};

static const struct step acked_ahead[] = { /* the peer's packets come ahead all the time */
	{ 0, "a", "a" },
	{ 90, NULL, "a" },
	{ 9, "j", "a" }, { 8, "i", "a" }, { 7, "h", "a" }, { 6, "g", "a" },
	{ 5, "f", "a" }, { 4, "e", "a", .wait_ms = 30 }, { 3, "d", "a" },
	{ 2, "c", "a" },
	{ 1, "b", "abcdefghij" },
	{ 11, "l", "abcdefghij" },
	{ 12, "m", "abcdefghij", .packets = 22, .wait_ms = 5 },
	{ 13, "n", "abcdefghij<1>lmn" },
};

static const struct step acked_in_part[] = {
	/* the peer has only half of the gap: the rest may come */
	{ 0, "abc", "abc" },
	{ 9, "jkl", "abc" },
	{ 6, NULL, "abc" },
	{ 12, "mno", "abc<3>", .wait_ms = 1000 },
	{ 6, "ghi", "abc<3>ghijklmno" },
};

static const struct step clock_set_back[] = {
	{ 0, "abc", "abc", .wait_ms = 5000 },
	{ 6, "ghi", "abc" },
	{ 9, NULL, "abc" },
	{ 9, NULL, "abc", .wait_ms = -4000 },
	{ 9, NULL, "abc", .wait_ms = 999 },
	{ 9, NULL, "abc<3>ghi", .wait_ms = 1 },
};

static const struct step one_way_in_the_end[] = { /* nothing is known of the peer */
	{ 0, "abc", "abc" },
	{ 6, "ghi", "abc" },
	{ 9, "jkl", "abc", .packets = 100, .wait_ms = 4999 },
	{ 12, "m", "abc<3>ghijklm", .wait_ms = 1 },
};

static const struct step two_gaps[] = {
	{ 0, "a", "a" },
	{ 2, "c", "a" },
	{ 4, "e", "a" },
	{ 5, NULL, "a" },
	{ 6, "g", "a", .wait_ms = 999 },
	{ 7, NULL, "a<1>c<1>e", .wait_ms = 1 }, /* both were acknowledged when the waiting began; the third was not */
	{ 7, NULL, "a<1>c<1>e<1>g", .wait_ms = 1000 },
};

static const struct step snaplen[] = {
	{ 0, "abc", "abc<cut 3>", 3 },
	{ 6, "ghi", "abc<cut 3>ghi" },
	{ 12, "m", "abc<cut 3>ghi", 2 },
	{ 9, "jkl", "abc<cut 3>ghijklm<cut 2>" },
	{ 15, "p", "abc<cut 3>ghijklm<cut 2>p" },
};

static const struct step snaplen_filled[] = {
	/* another copy of the segment was whole, and came first */
	{ 3, "defgh", "" },
	{ 0, "ab", "ab<cut 1>defgh", 4 },
};

static const struct step old_and_far[] = {
	{ 0, "abc", "abc" },           { 3, NULL, "abc" },
	{ 0, "abc", "abc" },           { 100 << 20, "far", "abc" },
	{ 2000u << 20, "far", "abc" }, { 4000u << 20, "old", "abc" },
	{ 3, "def", "abcdef" },
};

#define TABLE(t)                                                                                               \
	{                                                                                                      \
#t, t, sizeof(t) / sizeof(t[0])                                                                \
	}

static void test_tables(void **state)
{
	static const struct {
		const char *name;
		const struct step *steps;
		size_t count;
	} tables[] = {
		TABLE(in_order),          TABLE(reorder),        TABLE(backwards),
		TABLE(overlap_all_ways),  TABLE(lost_by_ack),    TABLE(lost_by_time),
		TABLE(acked_is_not_lost), TABLE(not_acked_is_not_late),
		TABLE(acked_ahead),       TABLE(acked_in_part),  TABLE(two_gaps),
		TABLE(snaplen),           TABLE(snaplen_filled), TABLE(old_and_far),
		TABLE(clock_set_back),    TABLE(one_way_in_the_end),
	};
	static const uint32_t isns[] = { 0, 1, UINT32_MAX, UINT32_MAX - 10 };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (size_t n = 0; n < 4; n++) {
			struct rig rig;

			rig_open(&rig, isns[n], 1 << 16, 1 << 20);
			for (size_t i = 0; i < tables[t].count; i++) {
				const struct step *s = &tables[t].steps[i];

				pass_time(&rig, s->wait_ms);
				look(&rig, s->packets);
				if (s->bytes)
					feed(&rig, isns[n] + s->at, span_str(s->bytes), s->missing);
				else
					stream_ack(&rig.stream, isns[n] + s->at);
				look(&rig, 1);
				if (strcmp(buffer_text(&rig.reading.text), s->read) != 0)
					fail_msg("%s, step %zu, ISN %u: \"%s\", not \"%s\"", tables[t].name, i,
						 isns[n], buffer_text(&rig.reading.text), s->read);
			}
			rig_close(&rig);
		}
	}
}

static void test_hold_limit(void **state)
{
	struct rig rig;

	rig_open(&rig, 5, 8, 1 << 20);
	feed(&rig, 7, SPAN_LITERAL("cdef"), 0);
	feed(&rig, 12, SPAN_LITERAL("hijk"), 0);
	assert_string_equal(buffer_text(&rig.reading.text), "");
	feed(&rig, 17, SPAN_LITERAL("m"), 0); /* nine bytes: the first gap goes */
	assert_string_equal(buffer_text(&rig.reading.text), "<2>cdef");
	stream_close_gaps(&rig.stream, &rig.env, &rig.reading);
	assert_string_equal(buffer_text(&rig.reading.text), "<2>cdef<1>hijk<1>m");
	rig_close(&rig);
}

static void test_budget_refuses(void **state)
{
	struct rig rig;

	rig_open(&rig, 0, 1 << 16, 100); /* one small segment and no more */
	feed(&rig, 2, SPAN_LITERAL("cd"), 0);
	assert_string_equal(buffer_text(&rig.reading.text), "");
	feed(&rig, 6, SPAN_LITERAL("gh"), 0);
	assert_string_equal(buffer_text(&rig.reading.text), "<2>cd<2>gh");
	feed(&rig, 8, SPAN_LITERAL("i"), 0);
	assert_string_equal(buffer_text(&rig.reading.text), "<2>cd<2>ghi");
	rig_close(&rig);
}

static void test_reader_stops(void **state)
{
	struct rig rig;

	rig_open(&rig, 0, 1 << 16, 1 << 20);
	rig.reading.limit = 4;
	feed(&rig, 6, SPAN_LITERAL("ghi"), 0);
	feed(&rig, 3, SPAN_LITERAL("def"), 0);
	feed(&rig, 0, SPAN_LITERAL("abc"), 0);
	assert_string_equal(buffer_text(&rig.reading.text), "abcdef");
	assert_null(rig.stream.held);
	rig_close(&rig);
}

static void test_fin(void **state)
{
	struct rig rig;

	rig_open(&rig, 0xfffffffe, 1 << 16, 1 << 20);
	stream_fin(&rig.stream, 4);
	assert_false(stream_ended(&rig.stream));
	feed(&rig, 0xfffffffe, SPAN_LITERAL("abc"), 0);
	assert_false(stream_ended(&rig.stream));
	rig.reading.waits = true;
	look(&rig, 100);
	stream_ack(&rig.stream, 5);
	look(&rig, 100);
	pass_time(&rig, 4);
	assert_string_equal(buffer_text(&rig.reading.text), "abc");
	pass_time(&rig, 1); /* the peer has everything up to the FIN */
	assert_string_equal(buffer_text(&rig.reading.text), "abc<3>");
	assert_false(rig.reading.waits);
	assert_true(stream_ended(&rig.stream));
	rig_close(&rig);
}

/** test_beyond_4_gib() - nothing that is remembered may seem to lie ahead when the numbers have gone round */
static void test_beyond_4_gib(void **state)
{
	static const uint8_t block[64 << 10];
	struct rig rig;
	uint32_t seq = 77;

	rig_open(&rig, seq, 1 << 16, 1 << 20);
	feed(&rig, seq, SPAN_LITERAL("a"), 2); /* leaves marks: a cut, an ack */
	stream_ack(&rig.stream, seq + 3);
	seq += 3;
	for (int i = 0; i < 3 * 65536; i++) { /* 12 GiB */
		feed(&rig, seq, span_of(block, sizeof(block)), 0);
		seq += sizeof(block);
		buffer_clear(&rig.reading.text);
	}
	assert_int_equal((uint32_t)rig.stream.at.next, seq);
	assert_true(rig.stream.at.next - rig.stream.at.base == 3 + (UINT64_C(12) << 30)); /* offsets do not wrap */
	assert_int_equal(counter_get(&rig.stats.gaps), 1);
	assert_int_equal(counter_get(&rig.stats.retransmitted_bytes), 0);
	rig_close(&rig);
}

/**
 * test_hostile_orders() - 200,000 one-byte segments backwards, from both ends inward, and as a comb
 *
 * With a sorted list this would take minutes; there is no time limit here, but nobody would wait.
 */
static void test_hostile_orders(void **state)
{
	enum { N = 200000 };
	uint8_t *text = malloc(N);

	assert_non_null(text);
	for (int i = 0; i < N; i++)
		text[i] = (uint8_t)(i * 7 + i / 256);
	for (int order = 0; order < 3; order++) {
		struct rig rig;

		rig_open(&rig, UINT32_MAX - N / 2, (size_t)N * 16, (size_t)1 << 30);
		for (int i = 0; i < N; i++) {
			int at = order == 0   ? N - 1 - i
				 : order == 1 ? (i % 2 ? i / 2 : N - 1 - i / 2)
				 : i < N / 2  ? 2 * i + 1
					      : 2 * (i - N / 2);

			feed(&rig, UINT32_MAX - N / 2 + (uint32_t)at, span_of(text + at, 1), 0);
		}
		assert_int_equal(rig.reading.text.len, N);
		assert_memory_equal(rig.reading.text.bytes, text, N);
		rig_close(&rig);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_hold_limit),
		cmocka_unit_test(test_budget_refuses),
		cmocka_unit_test(test_reader_stops),
		cmocka_unit_test(test_fin),
		cmocka_unit_test(test_beyond_4_gib),
		cmocka_unit_test(test_hostile_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
