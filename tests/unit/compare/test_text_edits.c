/* test_text_edits.c - edits by bit vectors are those of the whole matrix, on both sides of every block's edge */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "compare/replies/text_edits.h"
#include "tests/rig/dice.h"

#define TEXT 400

static struct text_edits *edits;

/* As Levenshtein has it: a row of the matrix after the other. */
static uint64_t by_matrix(struct span a, struct span b)
{
	static uint64_t row[TEXT + 1];

	for (size_t i = 0; i <= a.len; i++)
		row[i] = i;
	for (size_t k = 1; k <= b.len; k++) {
		uint64_t corner = row[0];

		row[0] = k;
		for (size_t i = 1; i <= a.len; i++) {
			uint64_t replaced = corner + (a.at[i - 1] != b.at[k - 1]);
			uint64_t least = row[i] < row[i - 1] ? row[i] + 1 : row[i - 1] + 1;

			corner = row[i];
			row[i] = replaced < least ? replaced : least;
		}
	}
	return row[a.len];
}

static void test_matrix(void **state)
{
	static uint8_t texts[2][TEXT];
	struct dice dice = dice_of_seed(7);

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint32_t letters = 1 + below(&dice, 4), changes;
		struct span a = span_of(texts[0], below(&dice, TEXT)), b = span_of(texts[1], below(&dice, TEXT));
		uint64_t looked_at, got;

		for (int t = 0; t < 2; t++)
			for (size_t i = 0; i < TEXT; i++)
				texts[t][i] = (uint8_t)('a' + below(&dice, letters));
		if (round % 3 == 0) { /* few edits */
			memcpy(texts[1], texts[0], TEXT);
			changes = below(&dice, 5);
			for (uint32_t i = 0; i < changes; i++)
				texts[1][below(&dice, TEXT)] ^= 1;
		}
		got = text_edits(edits, a, b, &looked_at);
		assert_int_equal(got, by_matrix(a, b));
		assert_int_equal(text_edits(edits, b, a, &looked_at), got);
		assert_int_equal(looked_at, a.len > b.len ? a.len : b.len);
	}
}

static void test_rows(void **state)
{
	static const struct {
		const char *a, *b;
		uint64_t edits, of;
	} rows[] = { { "", "", 0, 0 }, { "", "abc", 3, 3 }, { "the cat", "the cat", 0, 7 }, { "kitten", "sitting", 3, 7 }, { "abc", "", 3, 3 },
		     { "the cat sat", "the fat cat sat", 4, 15 } };
	uint64_t of;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(text_edits(edits, span_str(rows[i].a), span_str(rows[i].b), &of), rows[i].edits);
		assert_int_equal(of, rows[i].of);
	}
}

/* Of long texts what comes behind their common beginning is looked at, up to the limit. */
static void test_limit(void **state)
{
	size_t len = 3 * TEXT_EDITS_MAX;
	uint8_t *a = calloc(2, len), *b = a + len;
	uint64_t of;

	(void)state;
	memset(b, 1, len);
	assert_int_equal(text_edits(edits, span_of(a, len), span_of(b, len), &of), TEXT_EDITS_MAX);
	assert_int_equal(of, TEXT_EDITS_MAX);
	memset(b, 0, len - 10);
	assert_int_equal(text_edits(edits, span_of(a, len), span_of(b, len), &of), 10);
	assert_int_equal(of, len);
	free(a);
}

static int make(void **state)
{
	(void)state;
	edits = calloc(1, sizeof(*edits));
	return edits ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	free(edits);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
