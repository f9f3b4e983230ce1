/*
 * test_joined.c - server-sent events, one by one and joined
 *
 * The tables say what a stream gives: first its events, then the one document
 * that is compared. The documents are texts, since their members' order is a
 * promise as well: that of the events.
 */
#include "tests/rig/unit.h"

#include <string.h>

#include "compare/replies/joined.h"
#include "tests/rig/guard_page.h"

/* ---- events ---- */

struct event_case {
	const char *body;
	const char *events; /* of each: type|data~ ; a last ! if the body ends too early */
};

static const struct event_case event_cases[] = {
	{ "", "" },
	{ "data: a\n\n", "|a~" },
	{ "data:a\n\ndata:  b\n\n", "|a~| b~" },
	{ "data: a\r\ndata: b\r\n\r\n", "|a\nb~" },
	{ "data: a\rdata: b\r\rdata: c\r\r", "|a\nb~|c~" },
	{ "data: a\n\r\ndata: b\r\n\n", "|a~|b~" },
	{ "\xef\xbb\xbf" "data: a\n\n", "|a~" },
	{ "data: a\n\n\xef\xbb\xbf" "data: b\n\n", "|a~" },
	{ "event: delta\ndata: a\nid: 7\nretry: 10\n\n", "delta|a~" },
	{ "event: lost\n\ndata: a\n\n", "|a~" },
	{ ": a comment\n\n:\ndata: a\n: another\n\n", "|a~" },
	{ "data\n\n", "|~" },
	{ "data\ndata\n\n", "|\n~" },
	{ "data:\n\n\n\n\ndata: b\n\n", "|~|b~" },
	{ "data: {\ndata: }\ndata: x\n\n", "|{\n}\nx~" },
	{ "dat: a\n\nDATA: b\n\n data: c\n\n", "" },
	{ "data: a:b: c\n\n", "|a:b: c~" },
	{ "data: a\n", "|a~!" },
	{ "data: a", "|a~!" },
	{ "data: a\n\ndata: b", "|a~|b~!" },
	{ "data: a\n\nevent: x\n", "|a~!" },
	{ "data: a\n\n: bye", "|a~!" },
	{ "data: a\n\n\n", "|a~" },
	{ "data: a\n\nda", "|a~!" },
};

static void test_events(void **state)
{
	struct sse_reader r = { 0 };

	for (size_t i = 0; i < sizeof(event_cases) / sizeof(*event_cases); i++) {
		const struct event_case *c = &event_cases[i];
		struct buffer got = { 0 };
		struct event e;

		sse_reader_begin(&r, guarded_copy(*state, c->body, strlen(c->body)));
		while (sse_next(&r, &e) > 0) {
			assert_true(e.end <= strlen(c->body) && e.end > 0);
			assert_true(!e.unfinished || e.end == strlen(c->body));
			buffer_add_span(&got, e.type);
			buffer_add(&got, "|", 1);
			buffer_add_span(&got, e.data);
			buffer_add(&got, "~", 1);
		}
		buffer_add(&got, "!", r.unfinished);
		if (strcmp(buffer_text(&got), c->events) != 0)
			fail_msg("case %zu: %s", i, buffer_text(&got));
		buffer_deinit(&got);
	}
	sse_reader_deinit(&r);
}

/* ---- joined ---- */

#define CHUNK(delta) "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]}\n\n"
#define LAST_CHUNK   "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE	     "data: [DONE]\n\n"
#define CHAT(inside) "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{" inside "},\"finish_reason\":null}]"

struct joined_case {
	const char *name, *body, *document;
	uint64_t events, tokens;
	bool error;
};

static const struct joined_case joined_cases[] = {
	{ "nothing", "", "{}", 0, 0, false },
	{ "chat",
	  CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") CHUNK("{\"content\":\"Hel\"}")
		  CHUNK("{\"content\":\"lo \\\"\\ud83d\"}") CHUNK("{\"content\":\"\\ude00\"}") LAST_CHUNK DONE,
	  "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello \\\"\\ud83d\\ude00\"},"
	  "\"finish_reason\":\"stop\"}],\"[DONE]\":true}",
	  6, 3, false },
	{ "chat: the role alone, a usage without choices",
	  CHUNK("{\"role\":\"assistant\",\"content\":null}") CHUNK("{\"content\":\"a\"}")
	  "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n" DONE,
	  CHAT("\"role\":\"assistant\",\"content\":\"a\"") ",\"usage\":{\"total_tokens\":7},\"[DONE]\":true}", 4, 1, false },
	{ "chat: no [DONE]", CHUNK("{\"content\":\"a\"}"), CHAT("\"content\":\"a\"") "}", 1, 1, false },
	{ "chat: broken off before the blank line", CHUNK("{\"content\":\"a\"}") "data: [DONE]\n",
	  CHAT("\"content\":\"a\"") ",\"[DONE]\":true,\"(unfinished)\":true}", 2, 1, false },
	{ "completions: several choices, in any order",
	  "data: {\"choices\":[{\"index\":1,\"text\":\"x\"}]}\n\ndata: {\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\n"
	  "data: {\"choices\":[{\"index\":1,\"text\":\"y\"},{\"index\":0,\"text\":\"b\"}]}\n\n",
	  "{\"choices\":[{\"index\":0,\"text\":\"ab\"},{\"index\":1,\"text\":\"xy\"}]}", 3, 3, false },
	{ "chat: tool calls",
	  CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}")
		  CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}")
			  CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}"),
	  CHAT("\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"function\":"
	       "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]") "}",
	  3, 2, false },
	{ "completions: logprobs are lists",
	  "data: {\"choices\":[{\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"],\"token_logprobs\":[-0.5]}}]}\n\n"
	  "data: {\"choices\":[{\"text\":\"b\",\"logprobs\":{\"tokens\":[\"b\",\"c\"],\"token_logprobs\":[-1.5,null]}}]}\n\n",
	  "{\"choices\":[{\"text\":\"ab\",\"logprobs\":{\"tokens\":[\"a\",\"b\",\"c\"],\"token_logprobs\":[-0.5,-1.5,null]}}]}",
	  2, 2, false },
	{ "generate_stream",
	  "data: {\"model_name\":\"m\",\"text_output\":\"a\"}\n\ndata: {\"model_name\":\"m\",\"text_output\":\"b\"}\n\n",
	  "{\"model_name\":\"m\",\"text_output\":\"ab\"}", 2, 2, false },
	{ "generate_stream: an error after the first event",
	  "data: {\"model_name\":\"m\",\"text_output\":\"a\"}\n\ndata: {\"error\":\"out of memory\"}\n\n",
	  "{\"model_name\":\"m\",\"text_output\":\"a\",\"error\":\"out of memory\"}", 2, 1, true },
	{ "an error that is none", "data: {\"text_output\":\"a\",\"error\":null}\n\n",
	  "{\"text_output\":\"a\",\"error\":null}", 1, 1, false },
	{ "TGI",
	  "data: {\"token\":{\"id\":5,\"text\":\"a\"},\"generated_text\":null}\n\n"
	  "data: {\"token\":{\"id\":6,\"text\":\"b\"},\"generated_text\":\"ab\"}\n\n",
	  "{\"token\":{\"id\":6,\"text\":\"ab\"},\"generated_text\":\"ab\"}", 2, 2, false },
	{ "Anthropic",
	  "event: content_block_delta\ndata: "
	  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"
	  "event: content_block_delta\ndata: "
	  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"}}\n\n"
	  "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
	  "{\"type\":\"message_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"ab\",\"stop_reason\":\"end_turn\"}}",
	  3, 2, false },
	{ "Anthropic: blocks side by side keep their own pieces",
	  "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"name\":\"a\",\"input\":{}}}\n\n"
	  "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"name\":\"b\",\"input\":{}}}\n\n"
	  "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\"}}\n\n"
	  "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n"
	  "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\":1}\"}}\n\n",
	  "{\"type\":\"content_block_delta\",\"index\":1,\"content_block\":["
	  "{\"type\":\"tool_use\",\"name\":\"a\",\"input\":{},\"partial_json\":\"{}\"},"
	  "{\"type\":\"tool_use\",\"name\":\"b\",\"input\":{},\"partial_json\":\"{\\\"x\\\":1}\"}],"
	  "\"delta\":{\"type\":\"input_json_delta\"}}",
	  5, 3, false },
	{ "Anthropic: pieces that name no block stay where they are",
	  "data: {\"type\":\"content_block_delta\",\"delta\":{\"partial_json\":\"{}\"}}\n\n",
	  "{\"type\":\"content_block_delta\",\"delta\":{\"partial_json\":\"{}\"}}", 1, 1, false },
	{ "responses: items", "data: {\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"name\":\"f\"}}\n\n"
	  "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"{}\"}\n\n"
	  "data: {\"type\":\"response.function_call_arguments.done\",\"output_index\":1,\"arguments\":\"{}\"}\n\n"
	  "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"a\"}\n\n",
	  "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"item\":[{\"name\":\"f\",\"arguments_delta\":\"{}\"}],\"delta\":\"a\"}", 4,
	  2, false },
	{ "an event called error", "event: error\ndata: gone\n\n", "{\"events\":[{\"event\":\"error\",\"data\":\"gone\"}]}", 1,
	  0, true },
	{ "responses",
	  "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n"
	  "data: {\"type\":\"response.output_text.delta\",\"delta\":\"b\"}\n\n",
	  "{\"type\":\"response.output_text.delta\",\"delta\":\"ab\"}", 2, 2, false },
	{ "another stream is a list", "event: tick\ndata: {\"n\": 1}\n\ndata: 2\n\ndata: \"three\"\n\ndata: fo\"ur\n\n",
	  "{\"events\":[{\"event\":\"tick\",\"data\":{\"n\": 1}},{\"data\":2},{\"data\":\"three\"},{\"data\":\"fo\\u0022ur\"}]}",
	  4, 0, false },
	{ "one stranger makes it a list", CHUNK("{\"content\":\"a\"}") "data: 2\n\n",
	  "{\"events\":[{\"data\":" CHAT("\"content\":\"a\"") "}},{\"data\":2}]}", 2, 0, false },
	{ "a text that becomes a number", "data: {\"text_output\":\"a\"}\n\ndata: {\"text_output\":1}\n\n",
	  "{\"events\":[{\"data\":{\"text_output\":\"a\"}},{\"data\":{\"text_output\":1}}]}", 2, 0, false },
};

static void test_joined(void **state)
{
	struct joined j = { 0 };

	for (size_t round = 0; round < 2; round++) /* the memory of one stream serves the next */
		for (size_t i = 0; i < sizeof(joined_cases) / sizeof(*joined_cases); i++) {
			const struct joined_case *c = &joined_cases[i];
			struct response from = { .result = RESPONSE_WHOLE };
			struct span body = guarded_copy(*state, c->body, strlen(c->body));

			assert_int_equal(joined_read(&j, body, &from), 0);
			if (strcmp(buffer_text(&j.text), c->document) != 0)
				fail_msg("%s: %s", c->name, buffer_text(&j.text));
			assert_int_equal(j.facts.events, c->events);
			assert_int_equal(j.facts.tokens, c->tokens);
			assert_int_equal(j.error, c->error);
			assert_int_equal(j.facts.first_token_us, -1);
		}
	joined_deinit(&j);
}

/* Every document is JSON, and no cut within an event gives the document of the whole. */
static void test_cut_streams(void **state)
{
	struct joined whole = { 0 }, cut = { 0 };
	struct response from = { 0 };
	struct json_doc d = { 0 };

	for (size_t i = 1; i < sizeof(joined_cases) / sizeof(*joined_cases); i++) {
		struct span body = span_str(joined_cases[i].body);

		assert_int_equal(joined_read(&whole, body, &from), 0);
		if (whole.reader.unfinished)
			continue; /* cut already */
		for (size_t len = 0; len < body.len; len++) {
			assert_int_equal(joined_read(&cut, guarded_copy(*state, body.at, len), &from), 0);
			assert_int_equal(json_doc_parse(&d, buffer_span(&cut.text)), 0);
			if (span_equal(buffer_span(&whole.text), buffer_span(&cut.text)))
				fail_msg("%s: the first %zu bytes look whole", joined_cases[i].name, len);
		}
	}
	json_doc_deinit(&d);
	joined_deinit(&whole);
	joined_deinit(&cut);
}

/* ---- when the tokens came ---- */

static void test_times(void **state)
{
	static uint8_t body[] = "data: {\"text_output\":\"\"}\n\n"   /* bytes 0-25, no text */
				"data: {\"text_output\":\"a\"}\n\n"  /* 26-52 */
				"data: {\"text_output\":\"b\"}\n\n"  /* 53-79 */
				"data: {\"text_output\":\"c\"}\n\n"; /* 80-106 */
	struct arrival arrivals[] = { { 0, 100 }, { 30, 250 }, { 53, 400 }, { 106, 1000 } };
	struct response from = { .body = body, .body_len = sizeof(body) - 1, .arrivals = arrivals, .arrival_count = 4 };
	struct joined j = { 0 };

	assert_int_equal(joined_read(&j, span_of(body, sizeof(body) - 1), &from), 0);
	assert_int_equal(j.facts.events, 4);
	assert_int_equal(j.facts.tokens, 3);
	assert_int_equal(j.facts.first_token_us, 250); /* its last byte came with the second segment */
	assert_int_equal(j.facts.gap_count, 2);
	assert_int_equal(j.facts.gaps_us[0], 150);
	assert_int_equal(j.facts.gaps_us[1], 600); /* the last byte of "c" came alone */

	from.body = NULL; /* these bytes were unpacked from others */
	assert_int_equal(joined_read(&j, span_of(body, sizeof(body) - 1), &from), 0);
	assert_int_equal(j.facts.tokens, 3);
	assert_int_equal(j.facts.first_token_us, -1);
	assert_int_equal(j.facts.gap_count, 0);
	joined_deinit(&j);
}

/* More paths than there is room for: listed, not joined. */
static void test_many_paths(void **state)
{
	struct buffer body = { 0 };
	struct response from = { 0 };
	struct joined j = { 0 };

	for (int i = 0; i < 400; i++)
		buffer_printf(&body, "data: {\"text_output\":\"a\",\"m%d\":1}\n\n", i);
	assert_int_equal(joined_read(&j, buffer_span(&body), &from), 0);
	assert_true(span_starts(buffer_span(&j.text), SPAN_LITERAL("{\"events\":[{\"data\":{\"text_output\":\"a\",\"m0\":1}},")));
	assert_int_equal(j.facts.events, 400);
	assert_int_equal(j.facts.tokens, 0);
	joined_deinit(&j);
	buffer_deinit(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events), cmocka_unit_test(test_joined),	  cmocka_unit_test(test_cut_streams),
		cmocka_unit_test(test_times),  cmocka_unit_test(test_many_paths),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
