/* test_explain.c - the line of --explain about a request, a loss, a target */
#include "tests/rig/run_rig.h"

#include <string.h>

#include "app/run/explain.h"
#include "base/units.h"
#include "app/run/stages.h"

static const struct request_origin origin = {
	.client = { .family = 4, .port = 51234 },
	.server = { .family = 4, .port = 8501 },
	.id = 0xabc,
	.ts_first = { 1700000000 * NS_PER_S },
	.ts_last = { 1700000001 * NS_PER_S },
};

static struct message request(const char *method, const char *target)
{
	return (struct message){ .origin = origin,
				 .head = { .method = span_str(method), .target = span_str(target) },
				 .body_len = 352 };
}

struct request_row {
	const char *method, *target;
	enum decision decision;
	uint64_t share;
	const char *line, *rule; /* a part of the line; the rule that events are given, "" for none */
};

static const struct request_row requests[] = {
	{ "POST", "/v1/models/m:predict", DECISION_CHOSEN, SHARE_ONE, " 352 bytes: chosen\n", "" },
	{ "GET", "/x", DECISION_FILTERED_METHOD, SHARE_ONE, " 352 bytes: filtered by method: ", NULL },
	{ "POST", "/x", DECISION_UNSAMPLED, SHARE_ONE, ": unsampled: -c has as many as it asked for\n",
	  "-c has as many as it asked for" },
	{ "POST", "/x", DECISION_UNSAMPLED, SHARE_ONE / 10, ": unsampled: --sample 10%", NULL },
	/* queries and passwords are not told, and what is not printable is shown as such */
	{ "POST", "/x?key=secret", DECISION_CHOSEN, SHARE_ONE, "POST /x 0", "" },
	{ "POST", "http://user:secret@h/x", DECISION_CHOSEN, SHARE_ONE, "POST /x 0", "" },
	{ "POST", "/\033[2J", DECISION_CHOSEN, SHARE_ONE, "/\\x1b[2J ", "" },
};

static void test_requests(void **state)
{
	struct options o;
	struct explain *e;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "--explain");
	e = explain_new(stages_explain(&o));
	assert_non_null(e);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request_row *row = &requests[i];
		struct message m = request(row->method, row->target);
		struct told told;
		struct span rule;

		told_start(&told);
		rule = explain_request(e, &m, row->decision, row->share);
		told_end(&told);
		if (!strstr(told.text, row->line))
			fail_msg("row %zu: %s", i, told.text);
		assert_null(strstr(told.text, "secret"));
		assert_memory_equal(told.text, "22:13:21.000 0000000000000abc ", 30);
		if (row->rule)
			assert_true(span_equal(rule, span_str(row->rule)));
		else
			assert_true(rule.len > 0);
	}
	explain_end(e, NULL);
	options_deinit(&o);
}

static void test_calls(void **state)
{
	struct message m = request("POST", "/inference.GRPCInferenceService/ModelInfer");
	struct options o;
	struct explain *e;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "--explain", "--preset", "tfserving");
	e = explain_new(stages_explain(&o));
	assert_non_null(e);
	m.head.is_grpc = true;
	for (m.grpc_messages = 1; m.grpc_messages < 3; m.grpc_messages++) {
		struct told told;

		told_start(&told);
		explain_request(e, &m, DECISION_FILTERED_PATH, SHARE_ONE);
		told_end(&told);
		assert_non_null(strstr(told.text, m.grpc_messages == 1 ? " 352 bytes, 1 gRPC message: filtered by path: --preset "
									 "tfserving has no such route\n"
								       : " 352 bytes, 2 gRPC messages: filtered by path: "));
	}
	explain_end(e, NULL);
	options_deinit(&o);
}

static void test_losses_and_targets(void **state)
{
	struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX, .status_code = 200, .total_us = 1200,
				    .grpc_status = GRPC_STATUS_NONE };
	struct outcome timeout = { .kind = OUTCOME_FAILED_TIMEOUT, .total_us = 2500, .grpc_status = GRPC_STATUS_NONE };
	struct message m = request("POST", "/x");
	struct books books = { .requests = { .complete = 3, .lost = { [LOST_GAP] = 1, [LOST_IDLE] = 1 } } };
	struct options o;
	struct explain *e;
	struct told told;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "sink:", "--explain");
	e = explain_new(stages_explain(&o));
	told_start(&told);
	explain_lost(e, &origin, LOST_GAP, &m.head);
	explain_lost(e, &origin, LOST_IDLE, NULL);
	explain_outcome(e, "a", &m, &answered);
	explain_outcome(e, "a", &m, &timeout);
	explain_unsent(e, "b", &m, SHED_RATE);
	explain_unsent(e, "b", &m, SHED_COUNT);
	explain_end(e, &books); /* one of four had a line */
	told_end(&told);
	assert_non_null(strstr(told.text, " POST /x "));
	assert_non_null(strstr(told.text, ": lost: gap: bytes of it were never captured\n"));
	assert_non_null(strstr(told.text, " a: answered 200 in 1.2 ms\n"));
	assert_non_null(strstr(told.text, " a: failed: timeout after 2.5 ms\n"));
	assert_non_null(strstr(told.text, " b: shed: rate: over --rate\n"));
	assert_non_null(strstr(told.text, " b: unsampled: not in this target's own sample\n"));
	assert_non_null(strstr(told.text, "3 requests were not explained"));
	options_deinit(&o);
}

/* Each reason has its words. */
static void test_every_reason(void **state)
{
	struct message m = request("POST", "/x");
	struct options o;
	struct explain *e;
	struct told told;
	size_t lines = 0;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "sink:", "--explain");
	e = explain_new(stages_explain(&o));
	told_start(&told);
	for (int i = 0; i < LOST_REASON_COUNT; i++)
		explain_lost(e, &origin, (enum lost_reason)i, NULL);
	for (int i = 0; i < SHED_COUNT; i++)
		explain_unsent(e, "b", &m, (enum shed_reason)i);
	explain_end(e, NULL);
	told_end(&told);
	for (const char *c = told.text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, LOST_REASON_COUNT + SHED_COUNT);
	assert_null(strstr(told.text, "(null)"));
	options_deinit(&o);
}

static void test_off(void **state)
{
	struct message m = request("POST", "/x");
	struct options o;
	struct told told;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run");
	assert_null(explain_new(stages_explain(&o)));
	told_start(&told);
	assert_int_equal(explain_request(NULL, &m, DECISION_CHOSEN, 0).len, 0);
	explain_lost(NULL, &origin, LOST_GAP, NULL);
	explain_end(NULL, NULL);
	assert_string_equal(told_end(&told), "");
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_losses_and_targets),
		cmocka_unit_test(test_every_reason),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
