/* test_grpc.c - statuses, routes, and messages in bodies that come in pieces */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "message/grpc.h"

static void test_statuses(void **state)
{
	static const struct {
		const char *value;
		int status;
		const char *name;
	} rows[] = {
		{ "0", GRPC_OK, "OK" },
		{ "3", GRPC_INVALID_ARGUMENT, "INVALID_ARGUMENT" },
		{ "14", GRPC_UNAVAILABLE, "UNAVAILABLE" },
		{ "16", GRPC_UNAUTHENTICATED, "UNAUTHENTICATED" },
		{ "17", GRPC_UNKNOWN, "UNKNOWN" },
		{ "99999999999999999999", GRPC_UNKNOWN, "UNKNOWN" },
		{ "", GRPC_STATUS_NONE, "UNKNOWN" },
		{ "-1", GRPC_STATUS_NONE, "UNKNOWN" },
		{ "OK", GRPC_STATUS_NONE, "UNKNOWN" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum grpc_status status = grpc_status_parse(span_str(rows[i].value));

		assert_int_equal(status, rows[i].status);
		assert_string_equal(grpc_status_name(status), rows[i].name);
	}
	assert_int_equal(grpc_status_of_http(503), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_http(404), GRPC_UNIMPLEMENTED);
	assert_int_equal(grpc_status_of_http(200), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_of_http(431), GRPC_INTERNAL);
}

static void test_content_type(void **state)
{
	assert_true(grpc_content_type(SPAN_LITERAL("application/grpc")));
	assert_true(grpc_content_type(SPAN_LITERAL("application/grpc+proto")));
	assert_true(grpc_content_type(SPAN_LITERAL("Application/gRPC;charset=utf-8")));
	assert_false(grpc_content_type(SPAN_LITERAL("application/grpc-web")));
	assert_false(grpc_content_type(SPAN_LITERAL("application/grp")));
	assert_false(grpc_content_type(SPAN_LITERAL("")));
}

static void test_routes(void **state)
{
	static const struct {
		const char *path, *service, *method; /* service NULL: no route */
	} rows[] = {
		{ "/inference.GRPCInferenceService/ModelInfer", "inference.GRPCInferenceService", "ModelInfer" },
		{ "/S/M", "S", "M" },
		{ "/team/a.S/M", "team/a.S", "M" },
		{ "/S/", NULL, NULL },
		{ "//M", NULL, NULL },
		{ "/M", NULL, NULL },
		{ "S/M", NULL, NULL },
		{ "/v2/models?x=/y", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grpc_route r = { 0 };
		bool is = grpc_route_of(span_str(rows[i].path), &r);

		assert_int_equal(is, rows[i].service != NULL);
		if (!is)
			continue;
		assert_true(span_equal(r.service, span_str(rows[i].service)));
		assert_true(span_equal(r.method, span_str(rows[i].method)));
	}
}

/* What each body is: read whole, and counted in pieces of every size. */
static void test_messages(void **state)
{
	static const struct {
		struct span body;
		uint32_t count, compressed;
		enum grpc_framing framing;
	} rows[] = {
		{ SPAN_LITERAL(""), 0, 0, GRPC_BETWEEN },
		{ SPAN_LITERAL("\0\0\0\0\0"), 1, 0, GRPC_BETWEEN },
		{ SPAN_LITERAL("\0\0\0\0\3abc"), 1, 0, GRPC_BETWEEN },
		{ SPAN_LITERAL("\0\0\0\0\3abc\1\0\0\0\1z\0\0\0\0\0"), 3, 1, GRPC_BETWEEN },
		{ SPAN_LITERAL("\0\0\0\0\3ab"), 1, 0, GRPC_INSIDE },
		{ SPAN_LITERAL("\0\0\0"), 0, 0, GRPC_INSIDE },
		{ SPAN_LITERAL("\0\xff\xff\xff\xff"
			       "abc"),
		  1, 0, GRPC_INSIDE },
		{ SPAN_LITERAL("\2\0\0\0\1z"), 0, 0, GRPC_BROKEN },
		{ SPAN_LITERAL("\0\0\0\0\1z\x80\0\0\0\0"), 1, 0, GRPC_BROKEN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span body = rows[i].body;
		struct grpc_message m;
		uint32_t whole = 0, compressed = 0;
		int ret;

		for (size_t step = 1; step <= body.len + 1; step++) {
			struct grpc_messages g = { 0 };

			for (size_t at = 0; at < body.len; at += step)
				grpc_messages_add(&g, span_of(body.at + at, step < body.len - at ? step : body.len - at));
			assert_int_equal(g.count, rows[i].count);
			assert_int_equal(g.compressed, rows[i].compressed);
			assert_int_equal(grpc_messages_state(&g), rows[i].framing);
		}
		while ((ret = grpc_message_take(&body, &m)) == 1) {
			whole++;
			compressed += m.compressed;
		}
		assert_int_equal(ret, rows[i].framing == GRPC_BETWEEN ? 0 : -EBADMSG);
		if (ret == 0) {
			assert_int_equal(whole, rows[i].count);
			assert_int_equal(compressed, rows[i].compressed);
		}
	}
}

static void test_timeout(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} values[] = { { "1n", 1 }, { "20m", 20 * NS_PER_MS }, { "99999999u", 99999999 * NS_PER_US }, { "5S", 5 * NS_PER_S },
		       { "2M", 120 * NS_PER_S }, { "1H", 3600 * NS_PER_S }, { "99999999H", INT64_MAX }, { "0m", 0 },
		       { "", -1 }, { "m", -1 }, { "1", -1 }, { "x", -1 }, { "1x", -1 }, { "-1m", -1 }, { "123456789m", -1 }, { "1 m", -1 } };
	static const struct {
		int64_t ns;
		const char *text;
	} texts[] = { { 1, "1n" }, { 99999999, "99999999n" }, { 100000000, "100000u" }, { 300 * NS_PER_MS - 1, "299999u" },
		      { 3600 * NS_PER_S, "3600000m" }, { 0, NULL } };
	char out[GRPC_TIMEOUT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(grpc_timeout_ns(span_str(values[i].text)), values[i].ns);
	for (size_t i = 0; texts[i].text; i++)
		assert_string_equal(grpc_timeout_text(texts[i].ns, out), texts[i].text);
	assert_string_equal(grpc_timeout_text(INT64_MAX, out), "2562047H");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_content_type),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
