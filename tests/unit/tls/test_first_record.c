/* test_first_record.c - the first whole record is found wherever the bytes begin, however they are cut, and behind gaps */
#include "tests/rig/unit.h"

#include <string.h>

#include "tls/first_record.h"

#define BASE UINT64_C(5000)

static uint8_t stream[3000];

/* The end of a record, and three of 500 bytes, 1005, and 300 */
static void make_stream(void)
{
	static const struct {
		size_t at, len;
	} records[] = { { 100, 495 }, { 600, 1000 }, { 1605, 295 } };

	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)(i * 7) | 0x80; /* no type of a record */
	for (size_t i = 0; i < 3; i++) {
		const uint8_t header[] = { RECORD_APPLICATION_DATA, 3, 3, (uint8_t)(records[i].len >> 8), (uint8_t)records[i].len };

		memcpy(stream + records[i].at, header, sizeof(header));
	}
}

static void feed(struct first_record *f, struct budget *budget, size_t from, size_t to)
{
	first_record_feed(f, budget, BASE + from, span_of(stream + from, to - from));
}

static void check_found(struct first_record *f, size_t at, size_t payload)
{
	struct span record;

	assert_true(f->is_whole);
	assert_int_equal(f->wire, BASE + at);
	record = first_record_get(f);
	assert_int_equal(record.len, RECORD_HEADER_BYTES + payload);
	assert_memory_equal(record.at, stream + at, record.len);
}

static void test_cuts(void **state)
{
	struct budget budget;

	(void)state;
	make_stream();
	budget_init(&budget, 1 << 20);
	for (size_t start = 0; start <= 1605; start += 5) {
		for (size_t cut = 1; cut < 700; cut += cut < 10 ? 1 : 97) {
			struct first_record f = { 0 };
			size_t at = start <= 100 ? 100 : start <= 600 ? 600
								      : 1605;

			for (size_t from = start; from < 1905; from += cut)
				feed(&f, &budget, from, from + cut < 1905 ? from + cut : 1905);
			check_found(&f, at, at == 100 ? 495 : at == 600 ? 1000
									: 295);
			first_record_deinit(&f, &budget);
			assert_int_equal(budget_used(&budget), 0);
		}
	}
}

static void test_gap(void **state)
{
	struct first_record f = { 0 };
	struct budget budget;

	(void)state;
	make_stream();
	budget_init(&budget, 1 << 20);
	feed(&f, &budget, 100, 300);
	first_record_gap(&f, &budget);
	feed(&f, &budget, 310, 610); /* the second begins, and is not whole */
	assert_false(f.is_whole);
	assert_int_equal(f.wire, BASE + 600);
	first_record_gap(&f, &budget);
	assert_int_equal(budget_used(&budget), 0);
	feed(&f, &budget, 1000, 1905);
	check_found(&f, 1605, 295);
	first_record_gap(&f, &budget); /* it has what it needs */
	feed(&f, &budget, 2000, 2100);
	check_found(&f, 1605, 295);
	first_record_deinit(&f, &budget);
	assert_int_equal(budget_used(&budget), 0);
}

/* Without memory for it, what came is as good as lost */
static void test_no_memory(void **state)
{
	struct first_record f = { 0 };
	struct budget budget;

	(void)state;
	make_stream();
	budget_init(&budget, 400);
	feed(&f, &budget, 600, 900);
	feed(&f, &budget, 900, 1200);
	assert_int_equal(budget_used(&budget), 0);
	feed(&f, &budget, 1200, 1300);
	feed(&f, &budget, 1300, 1905);
	assert_false(f.is_whole);
	feed(&f, &budget, 1605, 1700); /* and is found again where there is room */
	feed(&f, &budget, 1700, 1905);
	check_found(&f, 1605, 295);
	first_record_deinit(&f, &budget);
	assert_int_equal(budget_used(&budget), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
