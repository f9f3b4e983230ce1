/* test_document.c - the report from plain facts: its members in order, and the gate, which judges all but itself */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_doc.h"
#include "report/document.h"

static const char *const members[] = { "shadowtap", "started", "seconds", "title", "labels", "host", "user",
				       "source", "options", "first_request", "last_request", "rules_text", "rules_sha256",
				       "interrupted", "dry_run", "speed", "sample", "ramp",
				       "cpu_governor", "config", "nothing_sent", "all_failed", "events_dropped", "sink_requests",
				       "recording", "pace", "warnings", "packets", "requests", "connections", "http2", "tls", "targets",
				       "lateness_us" };

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static struct books books;

static struct document_facts facts_of_nothing(void)
{
	return (struct document_facts){ .version = "9", .started = "2026-01-01T00:00:00Z", .speed = 1, .sample = 1, .books = &books };
}

static struct json_doc parsed(const struct buffer *text)
{
	struct json_doc doc = { 0 };

	assert_true(buffer_ok(text));
	assert_true(text->len > 2 && text->bytes[text->len - 1] == '\n');
	assert_int_equal(json_doc_parse(&doc, buffer_span(text)), 0);
	return doc;
}

/* The names of the members of the object, each with a comma behind it. */
static void names_of(const struct json_doc *doc, uint32_t object, struct buffer *out)
{
	for (uint32_t key = object + 1; key < doc->nodes[object].next; key = doc->nodes[key + 1].next) {
		json_doc_unescape(doc, key, out);
		buffer_add_str(out, ",");
	}
}

static void check_members(const struct buffer *text, const char *further)
{
	struct buffer expected = { 0 }, names = { 0 };
	struct json_doc doc = parsed(text);

	for (size_t i = 0; i < MEMBERS; i++)
		buffer_printf(&expected, "%s,", members[i]);
	buffer_add_str(&expected, further);
	names_of(&doc, 0, &names);
	assert_string_equal(buffer_text(&names), buffer_text(&expected));
	json_doc_deinit(&doc);
	buffer_deinit(&expected);
	buffer_deinit(&names);
}

static void has(struct buffer *text, const char *part)
{
	if (!strstr(buffer_text(text), part))
		fail_msg("%s is not in %s", part, buffer_text(text));
}

static void test_nothing(void **state)
{
	struct document_facts facts = facts_of_nothing();
	struct buffer text = { 0 };

	(void)state;
	document_json(&facts, NULL, &text);
	check_members(&text, "");
	has(&text, "\"title\":null,\"labels\":{},\"host\":null,\"user\":null,\"source\":{\"interfaces\":[],\"files\":[]},\"options\":[],"
		   "\"first_request\":null,\"last_request\":null,\"rules_text\":null,\"rules_sha256\":null,");
	has(&text, "\"ramp\":null,\"cpu_governor\":null,\"config\":{\"read_again\":0,\"refused\":0},\"nothing_sent\":null,");
	has(&text, "\"recording\":null,\"pace\":null,\"warnings\":[],");
	buffer_deinit(&text);
}

static void test_all(void **state)
{
	static const char *const ignore[] = { "/id", "/ts" };
	static const struct tally_target targets[] = { { "a", false } };
	struct tally_options options = { .targets = targets, .target_count = 1 };
	struct tally *tally = tally_new(&options);
	struct document_facts facts = facts_of_nothing();
	struct document_ramp ramp = { 0.25, 1, 0.5, true, 2 };
	struct document_governor governor = { 0.5, 3, 0.125 };
	struct document_recording recording = { 1, 2, 3, 4, 5 };
	static const char *const labels[] = { "model=v1", "env=a=b", "model=v2" }, *const given[] = { "--port 80", "--header ..." };
	struct document_comparison comparison = { .rtol = 0.5, .preset = "any", .rules_path = "r.txt",
						  .rules_text = SPAN_LITERAL("/a ignore\n"), .ignore = { ignore, 2 }, .max_answer = 7,
						  .unmatched = SPAN_LITERAL("a:1\nb:2\n"), .tally = tally };
	struct buffer text = { 0 };

	(void)state;
	assert_non_null(tally);
	facts.provenance = (struct provenance){ .title = "a \"run\"", .labels = { labels, 3 }, .host = "h", .user = "u",
						.files = { ignore, 2 }, .options = { given, 2 },
						.first.ns = NS_PER_S, .last.ns = 2 * NS_PER_S };
	facts.ramp = &ramp;
	facts.governor = &governor;
	facts.recording = &recording;
	facts.comparison = &comparison;
	facts.nothing_sent = "since nothing came";
	facts.warnings = SPAN_LITERAL("one\ntwo");
	facts.speed_max = true;
	document_json(&facts, NULL, &text);
	check_members(&text, "comparison,");
	has(&text, "\"speed\":\"max\",\"sample\":1,\"ramp\":{\"from\":0.25,\"to\":1,\"share\":0.5,\"held\":true,\"held_times\":2},"
		   "\"cpu_governor\":{\"limit\":0.5,\"lowered_times\":3,\"factor\":0.125},");
	has(&text, "\"title\":\"a \\\"run\\\"\",\"labels\":{\"env\":\"a=b\",\"model\":\"v2\"},\"host\":\"h\",\"user\":\"u\","
		   "\"source\":{\"interfaces\":[],\"files\":[\"/id\",\"/ts\"]},\"options\":[\"--port 80\",\"--header ...\"],"
		   "\"first_request\":\"1970-01-01T00:00:01.000000000Z\",\"last_request\":\"1970-01-01T00:00:02.000000000Z\","
		   "\"rules_text\":\"/a ignore\\n\",\"rules_sha256\":\"75f9a7231f233e419280f4f682b5a38b1a80caee081780e7588613952ac0d0da\",");
	has(&text, "\"nothing_sent\":\"since nothing came\",");
	has(&text, "\"recording\":{\"flows\":1,\"packets\":2,\"bytes\":3,\"forgotten\":4,\"dropped\":5},");
	has(&text, "\"warnings\":[\"one\",\"two\"],");
	has(&text, "\"comparison\":{\"options\":{\"rtol\":0.5,\"atol\":0,\"preset\":\"any\",\"rules\":\"r.txt\",\"ignore\":[\"/id\",\"/ts\"],"
		   "\"unordered\":[],\"max_answer\":7,\"slice_by\":[],\"show_bodies\":false},\"rules_unmatched\":[\"a:1\",\"b:2\"],"
		   "\"targets\":{\"a\":{");
	tally_free(tally);
	buffer_deinit(&text);
}

static const struct {
	const char *expression;
	bool passes;
} gates[] = {
	{ "seen < 3", false },
	{ "seen > 3", true },
	{ "mismatch > 0.1%", false }, /* nothing was compared: not known */
};

static void test_gate(void **state)
{
	struct document_facts facts = facts_of_nothing();
	struct buffer without = { 0 };

	(void)state;
	document_json(&facts, NULL, &without);
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		struct buffer text = { 0 }, error = { 0 };
		struct document_gate gate = { 0 };
		struct gate *parsed_gate = NULL;

		assert_int_equal(gate_parse(span_str(gates[i].expression), &parsed_gate, &error), 0);
		gate.gate = parsed_gate;
		document_json(&facts, &gate, &text);
		assert_int_equal(gate.err, 0);
		assert_int_equal(gate.result.passed, gates[i].passes);
		check_members(&text, "gate,");
		has(&text, gates[i].passes ? "\"passed\":true" : "\"passed\":false");
		assert_memory_equal(text.bytes, without.bytes, without.len - 2); /* all but "}\n" */
		gate_free(parsed_gate);
		buffer_deinit(&text);
		buffer_deinit(&error);
	}
	buffer_deinit(&without);
}

/* What cannot be read has not passed. */
static void test_unreadable(void **state)
{
	struct document_facts facts = facts_of_nothing();
	struct document_gate gate = { .result = { .passed = true } };
	struct buffer text = { 0 }, error = { 0 };
	struct gate *parsed_gate = NULL;

	(void)state;
	assert_int_equal(gate_parse(SPAN_LITERAL("seen > 3"), &parsed_gate, &error), 0);
	gate.gate = parsed_gate;
	buffer_add_str(&text, "no JSON");
	document_json(&facts, &gate, &text);
	assert_true(gate.err < 0);
	assert_false(gate.result.passed);
	gate_free(parsed_gate);
	buffer_deinit(&text);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
