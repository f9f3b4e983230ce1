/* test_record_count.c - records told by their headers, and what a gap leaves in doubt */
#include "tests/rig/unit.h"

#include <string.h>

#include "reassembly/reader.h"
#include "tls/record_count.h"

#define HELLO  "\x16\x03\x01\x00\x03" "abc"
#define CHANGE "\x14\x03\x03\x00\x01\x01"
#define FIVE   "\x17\x03\x03\x00\x05" "12345"
#define DATA   "\x17\x03\x03\x00\x14" "01234567890123456789"

/** struct told - bytes, or without any a gap; then what is known of the next record */
struct told {
	struct span bytes;
	uint32_t gap;
	uint64_t least, most;
	uint32_t left;
};

#define END { .gap = 0 }

static void follow(const struct told *t, bool is_tls13)
{
	struct record_count c;
	uint64_t offset = 70;

	record_count_start(&c, offset, is_tls13);
	for (; t->bytes.len > 0 || t->gap > 0; t++) {
		if (t->bytes.len == 0)
			record_count_gap(&c, t->gap);
		else
			record_count_bytes(&c, offset, t->bytes);
		offset += t->bytes.len + (t->gap == GAP_UNKNOWN ? 0 : t->gap);
		assert_int_equal(c.wire, offset);
		assert_int_equal(record_count_least(&c), t->least);
		assert_int_equal(record_count_most(&c), t->most);
		assert_int_equal(c.left, t->left);
	}
}

static void test_tls13(void **state)
{
	/* all of them may have been of the handshake */
	static const struct told rows[] = {
		{ SPAN_LITERAL(HELLO CHANGE), 0, 0, 0, 0 },
		{ SPAN_LITERAL(FIVE FIVE), 0, 0, 2, 0 },
		{ SPAN_LITERAL("\x17\x03"), 0, 0, 2, 0 },
		{ SPAN_LITERAL("\x03\x00\x05" "12"), 0, 0, 3, 3 },
		{ SPAN_LITERAL("3"), 0, 0, 3, 2 },
		{ SPAN_LITERAL("45"), 0, 0, 3, 0 },
		END,
	};

	(void)state;
	follow(rows, true);
}

static void test_tls12(void **state)
{
	static const struct told rows[] = {
		{ SPAN_LITERAL(HELLO HELLO), 0, 0, 0, 0 },
		{ SPAN_LITERAL(CHANGE HELLO), 0, 1, 1, 0 }, /* the last of the handshake is the first */
		{ SPAN_LITERAL(FIVE FIVE FIVE), 0, 4, 4, 0 },
		END,
	};

	(void)state;
	follow(rows, false);
}

static void test_gap_in_record(void **state)
{
	static const struct told rows[] = {
		{ SPAN_LITERAL(CHANGE "\x17\x03\x03\x00\x05"), 0, 1, 1, 5 },
		{ .gap = 3, .least = 1, .most = 1, .left = 2 },
		{ SPAN_LITERAL("45" FIVE), 0, 2, 2, 0 },
		{ SPAN_LITERAL("\x17\x03\x03\x00\x05"), 0, 3, 3, 5 },
		{ .gap = 5, .least = 3, .most = 3, .left = 0 },
		{ SPAN_LITERAL(FIVE), 0, 4, 4, 0 },
		END,
	};

	(void)state;
	follow(rows, false);
}

static void test_gap_beyond(void **state)
{
	static const struct told rows[] = {
		{ SPAN_LITERAL(CHANGE "\x17\x03\x03\x00\x05" "12"), 0, 1, 1, 3 },
		{ .gap = 47, .least = 1, .most = 4, .left = 0 }, /* 44 bytes: two records of 22, and the one that begins behind */
		{ SPAN_LITERAL("of a record \x17\x17\x03 that was lost" DATA "\x17\x03\x03\x00\x14"), 0, 3, 6, 20 },
		{ .gap = GAP_UNKNOWN, .least = 3, .most = 6 + ((64 << 10) - 20) / 22 + 1, .left = 0 },
		END,
	};

	(void)state;
	follow(rows, false);
}

/* What a record leads to is no header: it was none, and the next place that is one is taken */
static void test_no_header(void **state)
{
	static const struct told rows[] = {
		{ SPAN_LITERAL(CHANGE FIVE "\x17\x03"), 0, 1, 1, 0 },
		{ SPAN_LITERAL("\x09 " DATA), 0, 2, 3, 0 },
		END,
	};

	(void)state;
	follow(rows, false);
}

static void test_any_pieces(void **state)
{
	static const char text[] = HELLO CHANGE FIVE DATA FIVE "nothing" DATA FIVE;
	struct record_count whole, pieces;

	(void)state;
	for (int is_tls13 = 0; is_tls13 < 2; is_tls13++) {
		record_count_start(&whole, 0, is_tls13);
		record_count_bytes(&whole, 0, span_of(text, sizeof(text) - 1));
		for (size_t step = 1; step < sizeof(text) - 1; step++) {
			record_count_start(&pieces, 0, is_tls13);
			for (size_t at = 0; at < sizeof(text) - 1; at += step) {
				size_t left = sizeof(text) - 1 - at;

				record_count_bytes(&pieces, at, span_of(text + at, step < left ? step : left));
			}
			assert_memory_equal(&whole, &pieces, sizeof(whole));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls13),
		cmocka_unit_test(test_tls12),
		cmocka_unit_test(test_gap_in_record),
		cmocka_unit_test(test_gap_beyond),
		cmocka_unit_test(test_no_header),
		cmocka_unit_test(test_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
