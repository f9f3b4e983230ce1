/* test_pace.c - the line about a replay's pace, from books */
#include "tests/rig/unit.h"

#include <string.h>

#include "report/pace.h"
#include "base/clock.h"

struct pace_row {
	uint64_t sent, bytes; /* of each of two targets */
	int64_t actual_ms, rated_ms;
	const char *text, *json;
};

static const struct pace_row rows[] = {
	{ 20, 50000, 4002, 4000, "replayed 40 requests, 100,000 bytes in 4.002 s (rated 4.000 s): 10.00 requests/s (rated 10.00)\n",
	  "{\"requests\":40,\"bytes\":100000,\"seconds\":4.002,\"rated_seconds\":4}" },
	{ 1, 7, 500, 250, "replayed 2 requests, 14 bytes in 0.500 s (rated 0.250 s): 4.00 requests/s (rated 8.00)\n",
	  "{\"requests\":2,\"bytes\":14,\"seconds\":0.5,\"rated_seconds\":0.25}" },
	/* one moment has no rate */
	{ 1, 7, 0, 0, "replayed 2 requests, 14 bytes in 0.000 s (rated 0.000 s)\n",
	  "{\"requests\":2,\"bytes\":14,\"seconds\":0,\"rated_seconds\":0}" },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct pace_row *row = &rows[i];
		struct books b = { .target_count = 2 };
		struct intake_stats intake = { 0 };
		struct buffer text = { 0 }, json = { 0 };
		struct json j = json_to(&json);
		struct pace pace;

		for (int k = 0; k < 2; k++) {
			b.target[k].sent = row->sent;
			b.target[k].bytes_sent = row->bytes;
		}
		counter_set(&intake.actual_ns, (uint64_t)(row->actual_ms * NS_PER_MS));
		counter_set(&intake.rated_ns, (uint64_t)(row->rated_ms * NS_PER_MS));
		assert_false(pace_of(&b, &intake, &pace)); /* nothing was on a schedule */
		histogram_add(&intake.lateness_us, 10);
		assert_true(pace_of(&b, &intake, &pace));
		pace_text(&pace, &text);
		assert_string_equal(buffer_text(&text), row->text);
		pace_json(&pace, &j);
		assert_string_equal(buffer_text(&json), row->json);
		buffer_deinit(&text);
		buffer_deinit(&json);
	}
}

static void test_nothing_sent(void **state)
{
	struct books b = { .target_count = 1 };
	struct intake_stats intake = { 0 };
	struct buffer json = { 0 };
	struct json j = json_to(&json);
	struct pace pace;

	histogram_add(&intake.lateness_us, 10);
	assert_false(pace_of(&b, &intake, &pace));
	pace_json(NULL, &j);
	assert_string_equal(buffer_text(&json), "null");
	buffer_deinit(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_nothing_sent) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
