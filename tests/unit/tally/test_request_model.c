/* test_request_model.c - which model a request asks for, by its header, path, body or message */
#include "tests/rig/unit.h"

#include <string.h>

#include "compare/tally/request_model.h"

static struct message message_of_body(struct span body)
{
	struct message m = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/p") } };

	m.body = (uint8_t *)(uintptr_t)body.at;
	m.body_len = body.len;
	return m;
}

/** repeated() - @front, @times @part, @back */
static struct buffer repeated(const char *front, const char *part, size_t times, const char *back)
{
	struct buffer b = { 0 };

	buffer_add_str(&b, front);
	for (size_t i = 0; i < times; i++)
		buffer_add_str(&b, part);
	buffer_add_str(&b, back);
	return b;
}

static void test_model(void **state)
{
	static const struct header seldon = { SPAN_LITERAL("Seldon-Model"), SPAN_LITERAL("by-header") };
	static const struct {
		const char *target, *body, *model;
		bool with_header;
	} rows[] = {
		{ "/v1/chat/completions", "{\"messages\":[{\"content\":\"\\\"model\\\":\"}],\"model\":\"gpt\"}", "gpt", false },
		{ "/v1/chat/completions", "{\"model\":\"meta-llama\\/m\"}", "meta-llama/m", false },
		{ "/v1/chat/completions", "{\"model\":7}", "", false },
		{ "/v1/chat/completions", "{\"a\":{\"model\":\"m\"}}", "", false },
		{ "/v1/chat/completions", "model", "", false },
		{ "/v2/models/digits/infer", "{\"model\":\"gpt\"}", "digits", false },
		{ "/v2/models/digits/infer", "{\"model\":\"gpt\"}", "by-header", true },
		{ "http://h/v1/models/a:predict?x", "", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = message_of_body(span_str(rows[i].body));
		struct buffer scratch = { 0 };
		struct span model;

		m.head.target = span_str(rows[i].target);
		m.head.headers = &seldon;
		m.head.header_count = rows[i].with_header;
		model = request_model(&m, &scratch);
		if (!span_equal(model, span_str(rows[i].model)))
			fail_msg("%s %s: %.*s", rows[i].target, rows[i].body, (int)model.len, (const char *)model.at);
		buffer_deinit(&scratch);
	}
}

/* Behind a prompt that is longer than what else is read of a body. */
static void test_model_behind(void **state)
{
	struct buffer b = repeated("{\"messages\":\"", "long ", 50000, "\",\"model\":\"m\"}"), scratch = { 0 };
	struct message m = message_of_body(buffer_span(&b));

	(void)state;
	m.head.target = SPAN_LITERAL("/v1/chat/completions");
	assert_true(span_equal(request_model(&m, &scratch), SPAN_LITERAL("m")));
	buffer_deinit(&b);
	b = repeated("{\"messages\":\"", "long ", 300000, "\",\"model\":\"m\"}");
	m = message_of_body(buffer_span(&b));
	assert_int_equal(request_model(&m, &scratch).len, 0);
	buffer_deinit(&b);
	buffer_deinit(&scratch);
}

static void test_model_of_call(void **state)
{
	static const struct {
		const char *target, *model;
		uint8_t body[24];
		size_t len;
	} rows[] = {
		{ "/inference.GRPCInferenceService/ModelInfer", "dig", { 0, 0, 0, 0, 5, 0x0a, 3, 'd', 'i', 'g' }, 10 },
		{ "/inference.GRPCInferenceService/ModelStreamInfer", "dig", { 0, 0, 0, 0, 5, 0x0a, 3, 'd', 'i', 'g' }, 10 },
		{ "/tensorflow.serving.PredictionService/Predict", "tf", { 0, 0, 0, 0, 6, 0x0a, 4, 0x0a, 2, 't', 'f' }, 11 },
		{ "/a.B/C", "", { 0, 0, 0, 0, 5, 0x0a, 3, 'd', 'i', 'g' }, 10 },
		{ "/inference.GRPCInferenceService/ModelInfer", "", { 1, 0, 0, 0, 5, 0x0a, 3, 'd', 'i', 'g' }, 10 }, /* compressed */
		{ "/inference.GRPCInferenceService/ModelInfer", "", { 0, 0, 0, 0, 5, 0x0a, 9, 'd', 'i', 'g' }, 10 },
		{ "/inference.GRPCInferenceService/ModelInfer", "", { 0, 0, 0 }, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = message_of_body(span_of(rows[i].body, rows[i].len));
		struct buffer scratch = { 0 };

		m.head.target = span_str(rows[i].target);
		m.head.is_grpc = true;
		assert_true(span_equal(request_model(&m, &scratch), span_str(rows[i].model)));
		buffer_deinit(&scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_behind),
		cmocka_unit_test(test_model_of_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
