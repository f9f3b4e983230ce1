/* test_records.c - framing, and where a record may begin behind a gap */
#include "tests/rig/unit.h"

#include <string.h>

#include "tests/rig/guard_page.h"
#include "tls/records.h"

static void test_take(void **state)
{
	static const struct {
		struct span bytes;
		enum framing framing;
		size_t left;
	} steps[] = {
		{ SPAN_LITERAL(""), FRAMING_MORE, 0 },
		{ SPAN_LITERAL("\x17\x03\x03\x00"), FRAMING_MORE, 4 },
		{ SPAN_LITERAL("\x17\x03\x03\x00\x02" "a"), FRAMING_MORE, 6 },
		{ SPAN_LITERAL("\x17\x03\x03\x00\x02" "ab"), FRAMING_WHOLE, 0 },
		{ SPAN_LITERAL("\x16\x03\x01\x00\x02" "abc"), FRAMING_WHOLE, 1 },
		{ SPAN_LITERAL("\x16\x03\x01\x00\x00"), FRAMING_WHOLE, 0 },
		{ SPAN_LITERAL("\x13"), FRAMING_BAD, 1 },
		{ SPAN_LITERAL("\x19\x03\x03\x00\x00"), FRAMING_BAD, 5 },
		{ SPAN_LITERAL("\x17\x02"), FRAMING_BAD, 2 },
		{ SPAN_LITERAL("\x17\x03\x05"), FRAMING_BAD, 3 },
		{ SPAN_LITERAL("\x17\x03\x03\x48\x01"), FRAMING_BAD, 5 },
		{ SPAN_LITERAL("\x17\x03\x03\x48\x00"), FRAMING_MORE, 5 },
		{ SPAN_LITERAL("POST / HTTP/1.1\r\n"), FRAMING_BAD, 17 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct span bytes = guarded_copy(*state, steps[i].bytes.at, steps[i].bytes.len);
		struct record r;

		assert_int_equal(record_take(&bytes, &r), steps[i].framing);
		assert_int_equal(bytes.len, steps[i].left);
	}
}

static void test_parts(void **state)
{
	struct span bytes = SPAN_LITERAL("\x17\x03\x03\x00\x02"
					 "ab");
	struct record r;

	(void)state;
	record_take(&bytes, &r);
	assert_int_equal(r.type, RECORD_APPLICATION_DATA);
	assert_int_equal(r.version, 0x0303);
	assert_int_equal(r.header.len, RECORD_HEADER_BYTES);
	assert_memory_equal(r.payload.at, "ab", 2);
}

static size_t search(void **state, const void *bytes, size_t len, size_t from)
{
	return record_search(guarded_copy(*state, bytes, len), from);
}

static void test_search(void **state)
{
	uint8_t bytes[100];

	memset(bytes, 0x55, sizeof(bytes));
	assert_int_equal(search(state, bytes, 100, 0), 100);
	memcpy(bytes + 10, "\x17\x03\x03\x00\x14", 5); /* 20 bytes, and then no header */
	assert_int_equal(search(state, bytes, 100, 0), 100);
	memcpy(bytes + 35, "\x17\x03\x03\x00\x14", 5);
	memcpy(bytes + 60, "\x15\x03\x03\x00\x02", 5);
	assert_int_equal(search(state, bytes, 100, 0), 10);
	assert_int_equal(search(state, bytes, 100, 10), 10);
	assert_int_equal(search(state, bytes, 100, 11), 35);
	assert_int_equal(search(state, bytes, 100, 36), 100); /* an alert is not looked for */
	assert_int_equal(search(state, bytes, 37, 11), 35);    /* its header is not whole */
	assert_int_equal(search(state, bytes, 38, 11), 35);
	assert_int_equal(search(state, bytes, 11, 0), 10);
	assert_int_equal(search(state, bytes, 10, 0), 10);
	assert_int_equal(search(state, bytes, 10, 11), 11);
	bytes[13] = 0;
	bytes[14] = 3; /* too small to be of data */
	assert_int_equal(search(state, bytes, 100, 0), 35);
}

static void test_claims(void **state)
{
	(void)state;
	assert_true(record_claims(SPAN_LITERAL("\x17\x03\x03\x01\x00"
					       "abc")));
	assert_false(record_claims(SPAN_LITERAL("\x17\x03\x03\x01")));
	assert_false(record_claims(SPAN_LITERAL("\x16\x03\x03\x01\x00"
						"abc")));
	assert_false(record_claims(SPAN_LITERAL("\x17\x03\x03\x00\x11"
						"abcdefghijklmnopq"
						"abcde")));
	assert_true(record_claims(SPAN_LITERAL("\x17\x03\x03\x00\x11"
					       "abcdefghijklmnopq"
					       "\x17\x03\x03")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_claims),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
