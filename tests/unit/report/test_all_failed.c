/* test_all_failed.c - when one sentence is said about all exchanges with a target, and which */
#include "tests/rig/unit.h"

#include <string.h>

#include "report/all_failed.h"

static const struct {
	uint64_t outcome[OUTCOME_COUNT];
	uint64_t breaker, status, other_statuses;
	const char *said; /* the sentence; "": none */
} rows[] = {
	{ { [OUTCOME_FAILED_TIMEOUT] = 80 }, 0, 0, 0, "all 80 timed out after 300 ms: raise -m, or look at the shadow" },
	{ { [OUTCOME_FAILED_TIMEOUT] = 80, [OUTCOME_CANCELLED_AT_EXIT] = 3 }, 0, 0, 0, "all 80 timed out after 300 ms" },
	{ { [OUTCOME_FAILED_TIMEOUT] = 80, [OUTCOME_ANSWERED_2XX] = 1 }, 0, 0, 0, "" },
	{ { [OUTCOME_CANCELLED_AT_EXIT] = 3 }, 0, 0, 0, "" },
	{ { 0 }, 0, 0, 0, "" },
	{ { 0 }, 7, 0, 0, "" }, /* left alone since before: nothing is known */
	{ { [OUTCOME_FAILED_CONNECT] = 10 }, 1266, 0, 0,
	  "all 1,276 failed to connect (10 were tried, then it was left alone): is the shadow running, and listening at http://s:9" },
	{ { [OUTCOME_FAILED_DNS] = 1 }, 0, 0, 0, "all 1 failed since the target's name cannot be looked up: check the name" },
	{ { [OUTCOME_FAILED_TLS] = 2 }, 0, 0, 0, "all 2 failed in TLS: " },
	{ { [OUTCOME_FAILED_RESET] = 2 }, 0, 0, 0, "all 2 were cut off by the shadow" },
	{ { [OUTCOME_FAILED_STALE] = 2 }, 0, 0, 0, "all 2 met a connection that the shadow had closed: raise its keep-alive" },
	{ { [OUTCOME_FAILED_PROTOCOL] = 2 }, 0, 0, 0, "all 2 were answered with something else than HTTP" },
	{ { [OUTCOME_ANSWERED_4XX] = 9 }, 0, 404, 0, "all 9 were answered with status 404: the path is another one there" },
	{ { [OUTCOME_ANSWERED_4XX] = 9 }, 0, 405, 0, "all 9 were answered with status 405: the path does not take this method" },
	{ { [OUTCOME_ANSWERED_4XX] = 9 }, 0, 401, 0, "-H @FILE" },
	{ { [OUTCOME_ANSWERED_4XX] = 9 }, 0, 418, 0, "status 418: look at the shadow's log" },
	{ { [OUTCOME_ANSWERED_5XX] = 9 }, 0, 500, 0, "all 9 were answered with status 500: the shadow is not well" },
	{ { [OUTCOME_ANSWERED_3XX] = 9 }, 0, 308, 0, "status 308: redirects are not followed" },
	{ { [OUTCOME_ANSWERED_5XX] = 9 }, 0, 500, 2, "all 9 were answered with statuses that are no success" },
	{ { [OUTCOME_FAILED_TIMEOUT] = 7, [OUTCOME_FAILED_RESET] = 2, [OUTCOME_ANSWERED_5XX] = 1 }, 0, 500, 0,
	  "all 10 failed (status 5xx 1, timeout 7, reset 2): raise -m" },
	{ { [OUTCOME_FAILED_CONNECT] = 4, [OUTCOME_FAILED_TIMEOUT] = 7 }, 5, 0, 0,
	  "all 16 failed (timeout 7, connect 4, left alone 5): raise -m" },
};

static void sentence_of(size_t row, bool statuses_count, struct buffer *out)
{
	struct books_target t = { .name = "next", .shown = "http://s:9", .first_status = rows[row].status,
				  .other_statuses = rows[row].other_statuses };
	struct all_failed a;

	memcpy(t.outcome, rows[row].outcome, sizeof(t.outcome));
	t.shed[SHED_BREAKER] = rows[row].breaker;
	all_failed_look(&t, 300 * 1000000, statuses_count, &a);
	if (a.count > 0)
		all_failed_sentence(&a, &t, false, out);
	all_failed_deinit(&a);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };

		sentence_of(i, true, &out);
		if (rows[i].said[0] ? !strstr(buffer_text(&out), rows[i].said) : out.len > 0)
			fail_msg("row %zu: \"%s\" is not in \"%s\"", i, rows[i].said, buffer_text(&out));
		buffer_clear(&out);
		sentence_of(i, false, &out); /* production answered like this too */
		if (rows[i].status)
			assert_int_equal(out.len, 0);
		buffer_deinit(&out);
	}
}

static void test_names(void **state)
{
	struct books b = { .target_count = 2, .target = { { .name = "a", .shown = "http://a" }, { .name = "b", .shown = "http://b" } } };
	struct buffer out = { 0 };
	struct json j = json_to(&out);
	struct all_failed a[2];

	b.target[1].outcome[OUTCOME_FAILED_TIMEOUT] = 2;
	for (size_t i = 0; i < 2; i++)
		all_failed_look(&b.target[i], 2000000000, true, &a[i]);
	all_failed_sentence(&a[1], &b.target[1], true, &out);
	assert_string_equal(buffer_text(&out), "target b (http://b): all 2 timed out after 2 s: raise -m, or look at the shadow");
	buffer_clear(&out);
	json_open(&j, '{');
	all_failed_json(a, &b, &j);
	json_close(&j, '}');
	assert_string_equal(buffer_text(&out), "{\"all_failed\":{\"b\":{\"count\":2,\"how\":\"timed out after 2 s\","
					       "\"try\":\"raise -m, or look at the shadow\"}}}");
	for (size_t i = 0; i < 2; i++)
		all_failed_deinit(&a[i]);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
