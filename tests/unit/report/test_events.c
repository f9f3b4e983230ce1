/* test_events.c - the lines of -o and of the failure log: exact, valid JSON, and nothing in them that should not be */
#include "tests/rig/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/policy_stats.h"
#include "report/events.h"
#include "report/fail_log.h"

static const struct header headers[] = {
	{ SPAN_LITERAL("Content-Type"), SPAN_LITERAL("application/json") },
	{ SPAN_LITERAL("Authorization"), SPAN_LITERAL("Bearer s3cret") },
};

static struct message a_message(void)
{
	return (struct message){
		.origin = { .client = { .addr = { [12] = 10, 0, 0, 1 }, .port = 4242, .family = 4 },
			    .server = { .addr = { [12] = 10, 0, 0, 2 }, .port = 8080, .family = 4 },
			    .id = 0xabc,
			    .ts_first = { 1700000000000000001 },
			    .ts_last = { 1700000001500000000 } },
		.head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/v1/m:predict?user=\"me\""),
			  .headers = headers, .header_count = 2, .version_major = 1, .version_minor = 1 },
		.body = (uint8_t *)"a secret prompt", .body_len = 15, .body_kept = true, .has_sha256 = false,
	};
}

static bool only_content_type(void *ctx, struct span name, bool is_grpc)
{
	(void)ctx;
	(void)is_grpc;
	return span_equal_nocase(name, SPAN_LITERAL("content-type"));
}

static void test_request_line(void **state)
{
	struct event_options o = { .shows_header = only_content_type };
	struct message m = a_message();
	struct buffer out = { 0 };

	(void)state;
	event_request(&o, &m, DECISION_CHOSEN, (struct span){ 0 }, &out);
	assert_string_equal(
		buffer_text(&out),
		"{\"event\":\"request\",\"id\":\"0000000000000abc\",\"ts\":\"2023-11-14T22:13:21.500000000Z\","
		"\"ts_first_ns\":1700000000000000001,\"ts_last_ns\":1700000001500000000,\"src\":\"10.0.0.1:4242\","
		"\"dst\":\"10.0.0.2:8080\",\"method\":\"POST\",\"target\":\"/v1/m:predict\",\"version\":\"1.1\","
		"\"headers\":[[\"Content-Type\",\"application/json\"]],\"body_len\":15,\"verdict\":\"chosen\"}\n");
	buffer_clear(&out);
	o.show_query = true;
	event_request(&o, &m, DECISION_FILTERED_DENIED, SPAN_LITERAL("the \"rule\""), &out);
	assert_non_null(strstr(buffer_text(&out), "\"target\":\"/v1/m:predict?user=\\\"me\\\"\""));
	assert_non_null(strstr(buffer_text(&out), "\"verdict\":\"filtered\",\"reason\":\"denied\",\"rule\":\"the \\\"rule\\\"\"}"));
	buffer_deinit(&out);
}

/* Where hosts hand requests to each other, all events say the id that all give alike. */
static void test_wire_ids(void **state)
{
	struct event_options o = { .shows_header = only_content_type };
	struct message m = a_message();
	struct buffer out = { 0 };

	(void)state;
	m.origin.wire = (struct wire_id){ 1, 0xabc };
	event_request(&o, &m, DECISION_CHOSEN, (struct span){ 0 }, &out);
	assert_non_null(strstr(buffer_text(&out), "\"id\":\"0000000000000abc\",\"wire_id\":\"00000000000000010000000000000abc\",\"ts\":"));
	buffer_clear(&out);
	event_lost(&o, &m.origin, LOST_GAP, NULL, &out);
	assert_non_null(strstr(buffer_text(&out), "\"id\":\"0000000000000abc\",\"wire_id\":\"00000000000000010000000000000abc\","));
	buffer_deinit(&out);
}

/* A call of gRPC: its version, its service and method, and how many messages it has. */
static void test_call_line(void **state)
{
	static const struct {
		const char *target, *grpc;
	} rows[] = {
		{ "/inference.GRPCInferenceService/ModelInfer",
		  "\"grpc\":{\"service\":\"inference.GRPCInferenceService\",\"method\":\"ModelInfer\",\"messages\":3}" },
		{ "/a/p.\"S\"/M", "\"grpc\":{\"service\":\"a/p.\\\"S\\\"\",\"method\":\"M\",\"messages\":3}" },
		{ "/p.S/M?a", "\"grpc\":{\"service\":null,\"method\":null,\"messages\":3}" },
	};
	struct event_options o = { .shows_header = only_content_type };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = a_message();
		struct buffer out = { 0 };
		char end[256];

		m.head.target = span_str(rows[i].target);
		m.head.version_major = 2;
		m.head.version_minor = 0;
		m.head.is_grpc = true;
		m.grpc_messages = 3;
		event_request(&o, &m, DECISION_CHOSEN, SPAN_LITERAL("r"), &out);
		assert_non_null(strstr(buffer_text(&out), ",\"version\":\"2\",\"headers\":[["));
		snprintf(end, sizeof(end), "\"body_len\":15,\"verdict\":\"chosen\",%s,\"rule\":\"r\"}\n", rows[i].grpc);
		assert_non_null(strstr(buffer_text(&out), end));
		buffer_deinit(&out);
	}
}

static bool no_header(void *ctx, struct span name, bool is_grpc)
{
	(void)ctx;
	(void)is_grpc;
	(void)name;
	return false;
}

/* The same with and without what is remembered of heads: one, several that take each other's place, long ones. */
static void test_equal_heads(void **state)
{
	static struct event_heads heads;
	static char long_target[EVENT_HEAD_MAX + 100];
	static const char *const targets[] = { "/a", "/b?q", "/\"c\"", "/d", "/e", "/f", "/g", long_target };
	struct event_options plain = { .shows_header = only_content_type }, knowing = plain;

	(void)state;
	memset(long_target, 'x', sizeof(long_target) - 1);
	knowing.heads = &heads;
	for (unsigned i = 0; i < 200; i++) {
		unsigned which = i * 7 / 3 % 8;
		struct buffer expected = { 0 }, out = { 0 };
		struct message m = a_message();

		m.head.target = span_str(targets[which]);
		m.head.same = which; /* 0: nothing is known */
		m.head.version_minor = which % 2;
		m.body_len = i;
		if (i == 100) { /* what may be shown changes */
			heads = (struct event_heads){ 0 };
			plain.shows_header = knowing.shows_header = no_header;
		}
		event_request(&plain, &m, DECISION_UNSAMPLED, (struct span){ 0 }, &expected);
		event_request(&knowing, &m, DECISION_UNSAMPLED, (struct span){ 0 }, &out);
		assert_string_equal(buffer_text(&out), buffer_text(&expected));
		buffer_deinit(&expected);
		buffer_deinit(&out);
	}
}

static void test_target_shown(void **state)
{
	static const struct {
		const char *target, *shown, *with_query;
	} rows[] = {
		{ "/a?b", "/a", "/a?b" },
		{ "/a@b?c", "/a@b", "/a@b?c" },
		{ "http://h/a@b?c", "http://h/a@b", "http://h/a@b?c" },
		{ "http://h?a@b", "http://h", "http://h?a@b" },
		{ "http://me:pw@h:1/a?b", "/a", "/a?b" },
		{ "http://me:p@w@h", "", "" },
		{ "HTTPS://me@h?b", "", "?b" },
		{ "me:pw@h:443", "", "" },
		{ "h:443", "h:443", "h:443" },
		{ "*", "*", "*" },
		{ "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span target = span_str(rows[i].target);

		assert_true(span_equal(target_shown(target, false), span_str(rows[i].shown)));
		assert_true(span_equal(target_shown(target, true), span_str(rows[i].with_query)));
	}
}

static void test_lost_line(void **state)
{
	struct message m = a_message();
	const struct event_options plain = { 0 };
	struct buffer out = { 0 };

	(void)state;
	event_lost(&plain, &m.origin, LOST_GAP, NULL, &out);
	assert_string_equal(buffer_text(&out), "{\"event\":\"lost\",\"reason\":\"gap\",\"id\":\"0000000000000abc\","
					       "\"src\":\"10.0.0.1:4242\",\"dst\":\"10.0.0.2:8080\","
					       "\"ts\":\"2023-11-14T22:13:20.000000001Z\"}\n");
	buffer_clear(&out);
	event_lost(&plain, &m.origin, LOST_GAP, &m.head, &out);
	assert_non_null(strstr(buffer_text(&out), ",\"method\":\"POST\",\"target\":\"/v1/m:predict\",\"src\""));
	buffer_deinit(&out);
}

static const struct {
	struct outcome o;
	const char *line;
} outcomes[] = {
	{ { OUTCOME_ANSWERED_5XX, 503, 0, 700, 900, NULL, .grpc_status = GRPC_STATUS_NONE },
	  "{\"event\":\"outcome\",\"id\":\"0000000000000abc\",\"target_name\":\"b\",\"outcome\":\"answered\","
	  "\"status_code\":503,\"connect_us\":0,\"first_byte_us\":700,\"total_us\":900}\n" },
	{ { OUTCOME_FAILED_TIMEOUT, 0, 120, -1, 300000, NULL, .grpc_status = GRPC_STATUS_NONE },
	  "{\"event\":\"outcome\",\"id\":\"0000000000000abc\",\"target_name\":\"b\",\"outcome\":\"timeout\","
	  "\"status_code\":null,\"connect_us\":120,\"first_byte_us\":null,\"total_us\":300000}\n" },
	{ { OUTCOME_CANCELLED_AT_EXIT, 0, -1, -1, -1, NULL, .grpc_status = GRPC_STATUS_NONE },
	  "{\"event\":\"outcome\",\"id\":\"0000000000000abc\",\"target_name\":\"b\",\"outcome\":\"cancelled_at_exit\","
	  "\"status_code\":null,\"connect_us\":null,\"first_byte_us\":null,\"total_us\":null}\n" },
};

static void test_outcome_lines(void **state)
{
	struct message m = a_message();
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		buffer_clear(&out);
		event_outcome(&m, "b", &outcomes[i].o, &out);
		assert_string_equal(buffer_text(&out), outcomes[i].line);
	}
	buffer_deinit(&out);
}

/* No values unless they are asked for, and of many differences the first sixteen. */
static void test_comparison_lines(void **state)
{
	static const struct finding one = { DIFFERENCE_VALUE, "/a/*", "/a/7", "1\"", "2", 3, 1, 0.5 };
	struct finding many[FINDINGS_MAX];
	const struct message m = { .origin.id = 0xabc };
	struct comparison c = { .verdict = COMPARISON_VALUE, .kind = BODY_JSON, .findings = { &one, 1, .overflow = 5 } };
	struct buffer out = { 0 };
	size_t count = 0;

	(void)state;
	event_comparison(&m, "b", &c, 900, -1, false, &out);
	assert_string_equal(buffer_text(&out),
			    "{\"event\":\"comparison\",\"id\":\"0000000000000abc\",\"target_name\":\"b\",\"verdict\":\"value\","
			    "\"reason\":null,\"kind\":\"json\",\"differences\":[{\"path\":\"/a/*\",\"kind\":\"value\",\"count\":3}],"
			    "\"production_us\":900,\"shadow_us\":null}\n");
	buffer_clear(&out);
	event_comparison(&m, "b", &c, 0, 1, true, &out);
	assert_non_null(strstr(buffer_text(&out), "\"count\":3,\"production\":\"1\\\"\",\"shadow\":\"2\"}"));
	buffer_clear(&out);
	for (size_t i = 0; i < FINDINGS_MAX; i++)
		many[i] = one;
	c = (struct comparison){ .verdict = COMPARISON_NOT_COMPARABLE, .reason = "gap", .findings = { many, FINDINGS_MAX } };
	event_comparison(&m, "b", &c, -1, -1, false, &out);
	assert_non_null(strstr(buffer_text(&out), "\"verdict\":\"not_comparable\",\"reason\":\"gap\",\"kind\":\"none\""));
	for (const char *at = buffer_text(&out); (at = strstr(at, "\"path\"")); at++)
		count++;
	assert_int_equal(count, 16);
	buffer_deinit(&out);
}

static void test_times(void **state)
{
	char t[TIME_TEXT_MAX];

	(void)state;
	assert_string_equal(time_text((struct wall){ 0 }, t), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(time_text((struct wall){ -1 }, t), "1969-12-31T23:59:59.999999999Z");
	assert_string_equal(time_text((struct wall){ INT64_MAX }, t), "2262-04-11T23:47:16.854775807Z");
}

/* Run @lines failures of the kind @o within one second, return what reached standard error. */
static void log_outcomes(struct outcome o, int lines, bool json, char *out, size_t size)
{
	struct fail_log f = fail_log_new(json, false);
	struct message m = a_message();
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	for (int i = 0; i < lines; i++) {
		if (fail_log_admits(&f, (struct mono){ 5 * NS_PER_S + i }))
			fail_log_write(&f, &(struct failed_exchange){ &m, &o, "http://shadow:9000", m.head.target }, (struct wall){ 0 });
	}
	fail_log_deinit(&f, (struct wall){ 0 });
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(ends[0], out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	close(ends[1]);
}

static void log_failures(int lines, bool json, char *out, size_t size)
{
	log_outcomes((struct outcome){ OUTCOME_ANSWERED_5XX, 503, 0, 700, 1500, NULL, .grpc_status = GRPC_STATUS_NONE }, lines,
		     json, out, size);
}

/* That a connection was an old one, and for how long it lay idle, is said where it may be the reason. */
static void test_failure_on_a_reused_connection(void **state)
{
	static const struct {
		enum outcome_kind kind;
		int64_t idle_us;
		bool is_said;
	} rows[] = { { OUTCOME_FAILED_STALE, 1020500, true }, { OUTCOME_FAILED_RESET, 1020500, true },
		     { OUTCOME_FAILED_RESET, 0, false }, { OUTCOME_FAILED_TIMEOUT, 1020500, false } };
	char out[8192];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct outcome o = { .kind = rows[i].kind, .first_byte_us = -1, .total_us = 900, .detail = "EOF before the answer",
				     .idle_us = rows[i].idle_us };

		log_outcomes(o, 1, true, out, sizeof(out));
		assert_non_null(strstr(out, "\"detail\":\"EOF before the answer\""));
		assert_int_equal(strstr(out, "\"idle_ms\":1020.5}") != NULL, rows[i].is_said);
		log_outcomes(o, 1, false, out, sizeof(out));
		assert_int_equal(strstr(out, "(EOF before the answer) on a connection reused after 1020.5 ms ") != NULL, rows[i].is_said);
	}
}

static void test_failure_line(void **state)
{
	char out[8192];

	(void)state;
	log_failures(1, true, out, sizeof(out));
	/* md5 of "a secret prompt", which is shorter than 128 bytes */
	assert_string_equal(out, "{\"event\":\"shadow_fail\",\"status_code\":503,\"upstream_url\":\"http://shadow:9000/v1/m:predict\","
				 "\"reason\":\"status\",\"latency_ms\":1.5,\"request_id\":\"0000000000000abc\",\"body_len\":15,"
				 "\"body_md5_128\":\"499ae539951a1b997a494132f76eac4d\",\"level\":\"WARNING\","
				 "\"ts\":\"1970-01-01T00:00:00.000000000Z\"}\n");
}

/* Ten lines in a second, the rest as one number. */
static void test_failure_limit(void **state)
{
	char out[16384];
	int lines = 0;

	(void)state;
	log_failures(25, true, out, sizeof(out));
	for (const char *p = out; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, FAIL_LOG_PER_SECOND + 1);
	assert_non_null(strstr(out, "\"suppressed\":15"));
	assert_null(strstr(out, "secret"));
	assert_null(strstr(out, "user="));
}

static void test_failure_text(void **state)
{
	char out[8192];

	(void)state;
	log_failures(1, false, out, sizeof(out));
	assert_string_equal(out, "shadowtap: WARNING 1970-01-01T00:00:00.000Z shadow_fail status 503 http://shadow:9000/v1/m:predict after 1.5 ms, "
				 "request 0000000000000abc, body of 15 bytes\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_heads),
		cmocka_unit_test(test_target_shown),
		cmocka_unit_test(test_request_line), cmocka_unit_test(test_wire_ids),
		cmocka_unit_test(test_call_line),  cmocka_unit_test(test_lost_line),
		cmocka_unit_test(test_outcome_lines), cmocka_unit_test(test_times),
		cmocka_unit_test(test_comparison_lines),
		cmocka_unit_test(test_failure_line),  cmocka_unit_test(test_failure_limit),
		cmocka_unit_test(test_failure_text),
		cmocka_unit_test(test_failure_on_a_reused_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
