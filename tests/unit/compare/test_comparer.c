/*
 * test_comparer.c - which verdict a pair of responses gets
 *
 * Tables: what needs no body, then bodies of each kind; then properties, of
 * bodies that say the same in another dress, of planted differences, of responses
 * that were cut. A pair that is turned around or compared a second time gives
 * what has to follow from the first.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig/coded.h"
#include "compare/comparer.h"

#define MAX_BODY (1 << 20)

/** struct side - the response of one side: its headers are one text, with a line feed between them */
struct side {
	int status;
	const char *headers;
	const char *body;
	size_t len; /* 0: to the NUL */
};

struct made {
	struct response response;
	struct header headers[8];
};

static void make(struct made *m, const struct side *a)
{
	const char *at = a->headers ? a->headers : "";

	*m = (struct made){ .response = { .result = RESPONSE_WHOLE, .status_code = a->status, .headers = m->headers } };
	while (*at) {
		size_t name = strcspn(at, ":"), value = strcspn(at, "\n");
		struct header *h = &m->headers[m->response.header_count++];

		h->name = span_of(at, name);
		h->value = span_of(at + name + 2, value - name - 2);
		at += value + (at[value] == '\n');
	}
	m->response.body = (uint8_t *)a->body;
	m->response.body_len = a->len > 0 || !a->body ? a->len : strlen(a->body);
}

static struct comparer *with_options(const char *preset, const char *rules)
{
	struct compare_options options = { .rtol = 1e-5, .atol = 1e-8, .preset = preset, .max_body = MAX_BODY,
					   .rules = span_str(rules), .rules_name = "rules" };
	struct buffer error = { 0 };
	struct comparer *c = NULL;

	if (comparer_new(&options, &c, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return c;
}

static const struct comparison *run(struct comparer *c, const struct side *production,
				    const struct side *shadow)
{
	static const struct message post = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	struct made p, s;
	struct pair pair = { &post, &p.response, &s.response, &answered };

	make(&p, production);
	make(&s, shadow);
	return comparer_run(c, &pair);
}

static void expect(const char *name, const struct comparison *got, enum comparison_verdict verdict, const char *reason)
{
	if (got->verdict != verdict || (got->reason == NULL) != (reason == NULL) || (reason && strcmp(got->reason, reason) != 0))
		fail_msg("%s: %s (%s)%s%s", name, comparison_name(got->verdict), got->reason ? got->reason : "-",
			 got->findings.count ? " at " : "", got->findings.count ? got->findings.at[0].path : "");
}

/* ---- without bodies ---- */

struct ladder_case {
	enum response_result production, shadow;
	enum outcome_kind outcome;
	int production_status, shadow_status;
	const char *method;
	enum comparison_verdict verdict;
	const char *reason;
};

static const struct ladder_case ladder_cases[] = {
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 200, 200, "POST", COMPARISON_VALUE, NULL },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_5XX, 500, 500, "POST", COMPARISON_VALUE, NULL },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 200, 200, "HEAD", COMPARISON_EQUAL, NULL },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 200, 200, "head", COMPARISON_VALUE, NULL },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 204, 204, "POST", COMPARISON_EQUAL, NULL },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_3XX, 304, 304, "POST", COMPARISON_EQUAL, NULL },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 200, 201, "POST", COMPARISON_STATUS, "code" },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_4XX, 200, 404, "HEAD", COMPARISON_STATUS, "class" },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 503, 200, "POST", COMPARISON_STATUS, "class" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_FAILED_TIMEOUT, 200, 0, "POST", COMPARISON_ERROR, "timeout" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_FAILED_CONNECT, 200, 0, "POST", COMPARISON_ERROR, "connect" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_FAILED_DNS, 200, 0, "POST", COMPARISON_ERROR, "dns" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_FAILED_TLS, 500, 0, "POST", COMPARISON_ERROR, "tls" },
	{ RESPONSE_WHOLE, RESPONSE_BROKEN_OFF, OUTCOME_FAILED_RESET, 200, 200, "POST", COMPARISON_ERROR, "reset" },
	{ RESPONSE_WHOLE, RESPONSE_WHOLE, OUTCOME_FAILED_PROTOCOL, 200, 200, "POST", COMPARISON_ERROR, "protocol" },
	{ RESPONSE_GAP, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 200, 200, "POST", COMPARISON_NOT_COMPARABLE, "gap" },
	{ RESPONSE_GAP, RESPONSE_UNSEEN, OUTCOME_FAILED_TIMEOUT, 200, 0, "POST", COMPARISON_NOT_COMPARABLE, "gap" },
	{ RESPONSE_UNSEEN, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 0, 200, "POST", COMPARISON_NOT_COMPARABLE, "unseen" },
	{ RESPONSE_TRUNCATED, RESPONSE_WHOLE, OUTCOME_CANCELLED_AT_EXIT, 200, 200, "POST", COMPARISON_NOT_COMPARABLE, "truncated" },
	{ RESPONSE_UPGRADED, RESPONSE_WHOLE, OUTCOME_ANSWERED_2XX, 101, 200, "POST", COMPARISON_NOT_COMPARABLE, "upgraded" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_CANCELLED_AT_EXIT, 200, 0, "POST", COMPARISON_NOT_COMPARABLE, "cancelled_at_exit" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_FAILED_STALE, 200, 0, "POST", COMPARISON_NOT_COMPARABLE, "stale" },
	{ RESPONSE_WHOLE, RESPONSE_TOO_LARGE, OUTCOME_ANSWERED_2XX, 200, 200, "POST", COMPARISON_NOT_COMPARABLE, "shadow_too_large" },
	{ RESPONSE_WHOLE, RESPONSE_MEMORY, OUTCOME_ANSWERED_2XX, 200, 500, "POST", COMPARISON_NOT_COMPARABLE, "shadow_memory" },
	{ RESPONSE_WHOLE, RESPONSE_UNSEEN, OUTCOME_ANSWERED_2XX, 200, 200, "POST", COMPARISON_NOT_COMPARABLE, "shadow_unseen" },
};

static void test_ladder(void **state)
{
	struct comparer *c = with_options(NULL, "");

	for (size_t i = 0; i < sizeof(ladder_cases) / sizeof(*ladder_cases); i++) {
		const struct ladder_case *l = &ladder_cases[i];
		struct message request = { .head = { .method = span_str(l->method) } };
		struct outcome outcome = { .kind = l->outcome };
		struct response p = { .result = l->production, .status_code = l->production_status,
				      .body = (uint8_t *)"a", .body_len = 1 };
		struct response s = { .result = l->shadow, .status_code = l->shadow_status, .body = (uint8_t *)"b", .body_len = 1 };
		struct pair pair = { &request, &p, &s, &outcome };

		expect(l->method, comparer_run(c, &pair), l->verdict, l->reason);
		if (l->shadow == RESPONSE_UNSEEN) {
			pair.shadow = NULL;
			expect("no shadow", comparer_run(c, &pair), l->verdict, l->reason);
		}
	}
	comparer_free(c);
}

/* ---- bodies ---- */

#define JSON   "content-type: application/json"
#define PLAIN  "Content-Type: text/plain; charset=utf-8"
#define SSE    "content-type: text/event-stream"
#define BINARY "content-type: application/octet-stream\ninference-header-content-length: "

#define HEAD_A "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"p\",\"datatype\":\"FP32\",\"shape\":[1,3]"
#define BINARY_A HEAD_A ",\"parameters\":{\"binary_data_size\":12}}]}"
#define JSON_A(data) HEAD_A ",\"data\":[" data "]}]}"
#define HEAD_A_LEN "112"

#define F_0_1 "\xcd\xcc\xcc\x3d"
#define F_0_2 "\xcd\xcc\x4c\x3e"
#define F_0_7 "\x33\x33\x33\x3f"
#define F_NAN "\x00\x00\xc0\x7f"

#define BYTES_OF(s) (s), sizeof(s) - 1

#define CHAT(text, finish, tokens)                                                                                           \
	"{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" text "\"},\"finish_reason\":\"" finish      \
	"\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":" tokens "}}"

#define DELTA(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}]}\n\n"
#define STOP	    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

struct body_case {
	const char *name;
	struct side production, shadow;
	enum comparison_verdict verdict;
	const char *reason;
	enum body_kind kind;
	const char *path; /* of the first finding, or NULL */
	bool unreadable;  /* production's response is: not even with itself can it be compared */
};

static const struct body_case body_cases[] = {
	/* none */
	{ "both empty", { 200, JSON, "" }, { 200, NULL, "" }, COMPARISON_EQUAL, NULL, BODY_NONE, NULL },
	{ "empty shadow", { 200, JSON, "{}" }, { 200, JSON, "" }, COMPARISON_ENCODING, "empty_body", BODY_JSON, NULL },
	{ "empty production", { 200, PLAIN, "" }, { 200, PLAIN, "x" }, COMPARISON_ENCODING, "empty_body", BODY_TEXT, NULL },

	/* JSON */
	{ "same bytes", { 200, JSON, "{\"a\":[1,2]}" }, { 200, JSON, "{\"a\":[1,2]}" }, COMPARISON_EQUAL, NULL, BODY_JSON, NULL },
	{ "same values", { 200, JSON, "{\"a\":1,\"b\":2}" }, { 200, JSON, "{ \"b\": 2.0, \"a\": 1e0 }" }, COMPARISON_EQUAL, NULL,
	  BODY_JSON, NULL },
	{ "close", { 200, JSON, "[0.5]" }, { 200, JSON, "[0.500001]" }, COMPARISON_CLOSE, NULL, BODY_JSON, "/0" },
	{ "value", { 200, JSON, "{\"a\":[1,2]}" }, { 200, JSON, "{\"a\":[1,3]}" }, COMPARISON_VALUE, NULL, BODY_JSON, "/a/1" },
	{ "missing", { 200, JSON, "{\"a\":1,\"b\":2}" }, { 200, JSON, "{\"a\":7}" }, COMPARISON_SCHEMA, NULL, BODY_JSON, "/b" },
	{ "type", { 200, JSON, "[1]" }, { 200, JSON, "[\"1\"]" }, COMPARISON_SCHEMA, NULL, BODY_JSON, "/0" },
	{ "other names of JSON", { 200, "content-type: application/cloudevents+json; charset=utf-8", "{\"a\":1}" },
	  { 200, "content-type: Application/JSON", "{\"a\":1.0}" }, COMPARISON_EQUAL, NULL, BODY_JSON, NULL },
	{ "no type", { 200, NULL, " {\"a\":1}" }, { 200, JSON, "{\"a\":2}" }, COMPARISON_VALUE, NULL, BODY_JSON, "/a" },
	{ "a type that says nothing", { 200, "content-type: application/octet-stream", "[1]" }, { 200, NULL, "[1.0]" },
	  COMPARISON_EQUAL, NULL, BODY_JSON, NULL },
	{ "JSON called text", { 200, PLAIN, "{\"a\":1}" }, { 200, "content-type: text/html", "{\"a\":1.0}" }, COMPARISON_EQUAL, NULL,
	  BODY_JSON, NULL },
	{ "not JSON", { 200, JSON, "{\"a\":1}" }, { 200, JSON, "{\"a\":1" }, COMPARISON_ENCODING, "not_json", BODY_JSON, NULL },
	{ "production not JSON", { 200, JSON, "oops" }, { 200, JSON, "{}" }, COMPARISON_ENCODING, "not_json", BODY_JSON, NULL },
	{ "neither JSON", { 200, JSON, "ok" }, { 200, JSON, "no" }, COMPARISON_VALUE, NULL, BODY_TEXT, "" },
	{ "neither JSON, the same", { 200, JSON, "ok" }, { 200, JSON, "ok" }, COMPARISON_EQUAL, NULL, BODY_TEXT, NULL },
	{ "another type", { 200, JSON, "{}" }, { 200, PLAIN, "{}" }, COMPARISON_ENCODING, "content_type", BODY_JSON, NULL },
	{ "an error page", { 200, JSON, "{}" }, { 200, "content-type: text/html", "<p>" }, COMPARISON_ENCODING, "content_type",
	  BODY_JSON, NULL },
	{ "NaN", { 200, JSON, "[NaN,1e400]" }, { 200, JSON, "[NaN,Infinity]" }, COMPARISON_EQUAL, NULL, BODY_JSON, NULL },

	/* codings */
	{ "damaged", { 200, JSON, "{}" }, { 200, JSON "\ncontent-encoding: gzip", "{}" }, COMPARISON_ENCODING, "damaged", BODY_NONE,
	  NULL },
	{ "damaged, both", { 200, JSON "\ncontent-encoding: gzip", "{}" }, { 200, JSON "\ncontent-encoding: gzip", "[]" },
	  COMPARISON_NOT_COMPARABLE, "damaged", BODY_NONE, NULL, true },
	{ "unknown coding", { 200, JSON "\ncontent-encoding: compress", "{}" }, { 200, JSON, "{}" }, COMPARISON_NOT_COMPARABLE,
	  "unknown_coding", BODY_NONE, NULL, true },
	{ "identity", { 200, JSON "\ncontent-encoding: identity", "{}" }, { 200, JSON, "{}" }, COMPARISON_EQUAL, NULL, BODY_JSON, NULL },

	/* text and bytes */
	{ "text", { 200, PLAIN, "a cat" }, { 200, PLAIN, "a car" }, COMPARISON_VALUE, NULL, BODY_TEXT, "" },
	{ "same text", { 200, PLAIN, "a cat" }, { 200, "content-type: text/plain", "a cat" }, COMPARISON_EQUAL, NULL, BODY_TEXT, NULL },
	{ "bytes", { 200, "content-type: image/png", "\x89PNG1" }, { 200, "content-type: image/png", "\x89PNG2" }, COMPARISON_VALUE,
	  NULL, BODY_BYTES, "" },
	{ "same bytes", { 200, "content-type: image/png", "\x89PNG1" }, { 200, "content-type: image/jpeg", "\x89PNG1" },
	  COMPARISON_EQUAL, NULL, BODY_BYTES, NULL },
	{ "bytes without a type", { 200, NULL, "\x01" }, { 200, NULL, "\x02" }, COMPARISON_VALUE, NULL, BODY_BYTES, "" },

	/* tensors */
	{ "binary, the same", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) }, COMPARISON_EQUAL, NULL, BODY_TENSORS, NULL },
	{ "binary, another class", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_7 F_0_1 F_0_2) }, COMPARISON_DECISION, NULL, BODY_TENSORS,
	  "/outputs/0/data/0" },
	{ "binary, the same class", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_2 F_0_7 F_0_2) }, COMPARISON_VALUE, NULL, BODY_TENSORS,
	  "/outputs/0/data/0" },
	{ "binary, NaN", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_NAN) },
	  { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_NAN) }, COMPARISON_EQUAL, NULL, BODY_TENSORS, NULL },
	{ "binary, NaN on one side", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_NAN) }, COMPARISON_VALUE, NULL, BODY_TENSORS,
	  "/outputs/0/data/2" },
	{ "binary and JSON", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) }, { 200, JSON, JSON_A("0.1,0.7,0.2") },
	  COMPARISON_CLOSE, NULL, BODY_TENSORS, "/outputs/0/data/1" },
	{ "JSON and binary", { 200, JSON, JSON_A("0.1,[0.7,[0.3]]") }, { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  COMPARISON_VALUE, NULL, BODY_TENSORS, "/outputs/0/data/2" },
	{ "JSON with too few", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) }, { 200, JSON, JSON_A("0.1,0.7") },
	  COMPARISON_SCHEMA, NULL, BODY_TENSORS, "/outputs/0/data/2" },
	{ "JSON with text", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) }, { 200, JSON, JSON_A("0.1,0.7,\"x\"") },
	  COMPARISON_SCHEMA, NULL, BODY_TENSORS, "/outputs/0/data/2" },
	{ "binary and JSON that is none", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  { 200, JSON, "{\"error\":\"x\"}" }, COMPARISON_ENCODING, "not_tensors", BODY_TENSORS, NULL },
	{ "a wrong length", { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) },
	  { 200, BINARY "1x", BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) }, COMPARISON_ENCODING, "not_tensors", BODY_TENSORS, NULL },
	{ "raw binary", { 200, BINARY "0", "abcd" }, { 200, BINARY "0", "abce" }, COMPARISON_VALUE, NULL, BODY_BYTES, "" },

	/* the words of a model */
	{ "chat, the same", { 200, JSON, CHAT("hi", "stop", "2") }, { 200, JSON, CHAT("hi", "stop", "2") }, COMPARISON_EQUAL, NULL,
	  BODY_JSON, NULL },
	{ "stream, other pieces", { 200, SSE, DELTA("Hel") DELTA("lo") STOP }, { 200, SSE, DELTA("H") DELTA("ell") DELTA("o") STOP },
	  COMPARISON_EQUAL, NULL, BODY_EVENTS, NULL },
	{ "stream, other words", { 200, SSE, DELTA("Hel") DELTA("lo") STOP }, { 200, SSE, DELTA("Hel") DELTA("p") STOP },
	  COMPARISON_VALUE, NULL, BODY_EVENTS, "/choices/0/delta/content" },
	{ "stream, no end", { 200, SSE, DELTA("Hello") STOP }, { 200, SSE, DELTA("Hello") }, COMPARISON_SCHEMA, NULL, BODY_EVENTS,
	  "/choices/0/finish_reason" },
	{ "stream, error", { 200, SSE, DELTA("Hello") STOP }, { 200, SSE, DELTA("Hel") "data: {\"error\":\"oom\"}\n\n" },
	  COMPARISON_ERROR, "error_event", BODY_EVENTS, NULL },
	{ "stream, production's error", { 200, SSE, DELTA("Hel") "event: error\ndata: {\"error\":\"oom\"}\n\n" },
	  { 200, SSE, DELTA("Hello") STOP }, COMPARISON_STATUS, "error_event", BODY_EVENTS, NULL },
	{ "stream, the same error", { 200, SSE, "data: {\"error\":\"oom\"}\n\n" }, { 200, SSE, "data: {\"error\":\"oom\"}\n\n" },
	  COMPARISON_EQUAL, NULL, BODY_EVENTS, NULL },
	{ "stream and no stream", { 200, SSE, DELTA("Hello") STOP }, { 200, JSON, CHAT("Hello", "stop", "2") }, COMPARISON_ENCODING,
	  "content_type", BODY_EVENTS, NULL },
	{ "another stream", { 200, SSE, "data: {\"n\":1}\n\ndata: {\"n\":2}\n\n" }, { 200, SSE, "data: {\"n\":1}\n\ndata: {\"n\":3}\n\n" },
	  COMPARISON_VALUE, NULL, BODY_EVENTS, "/events/1/data/n" },
};

static void test_bodies(void **state)
{
	struct comparer *c = with_options(NULL, "");

	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(body_cases) / sizeof(*body_cases); i++) {
			const struct body_case *b = &body_cases[i];
			const struct comparison *got = run(c, &b->production, &b->shadow);

			expect(b->name, got, b->verdict, b->reason);
			if (got->kind != b->kind)
				fail_msg("%s: %s", b->name, body_kind_name(got->kind));
			if (b->path)
				assert_string_equal(got->findings.count ? got->findings.at[0].path : "(none)", b->path);
			expect("with itself", run(c, &b->production, &b->production),
			       b->unreadable ? COMPARISON_NOT_COMPARABLE : COMPARISON_EQUAL, b->unreadable ? b->reason : NULL);
		}
	comparer_free(c);
}

/* ---- generated text ---- */

struct generated_case {
	const char *production, *shadow, *headers;
	enum comparison_verdict verdict;
	bool generated;
	uint64_t prefix, production_len, shadow_len;
	const char *reason;
};

static const struct generated_case generated_cases[] = {
	{ CHAT("hello", "stop", "2"), CHAT("hello", "stop", "2"), JSON, COMPARISON_EQUAL, true, 5, 5, 5 },
	{ CHAT("hello", "stop", "2"), CHAT("help", "stop", "9"), JSON, COMPARISON_VALUE, true, 3, 5, 4 },
	{ CHAT("hello", "stop", "2"), CHAT("help", "length", "9"), JSON, COMPARISON_DECISION, true, 3, 5, 4, "finish_reason" },
	{ CHAT("hello", "stop", "2"), CHAT("hello", "length", "2"), JSON, COMPARISON_DECISION, true, 5, 5, 5, "finish_reason" },
	{ CHAT("h\\u00e9", "stop", "2"), CHAT("h\xc3\xa8", "stop", "2"), JSON, COMPARISON_VALUE, true, 1, 3, 3 },
	{ "{\"model\":\"a\",\"choices\":[{\"text\":\"x\"}]}", "{\"model\":\"b\",\"choices\":[{\"text\":\"y\"}]}", JSON,
	  COMPARISON_VALUE, false, 0, 1, 1 },
	/* a tool is called instead of words: another schema, and it comes of the model's choice; test_reply.c has more */
	{ "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}",
	  "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}", JSON,
	  COMPARISON_DECISION, true, 0, 1, 2, "tool_call" },
	{ "{\"text_output\":\"ab\",\"extra\":1}", "{\"text_output\":\"ac\"}", JSON, COMPARISON_SCHEMA, false, 1, 2, 2 },
	{ "{\"usage\":{\"prompt_tokens\":3},\"text_output\":\"ab\"}", "{\"usage\":{\"prompt_tokens\":4},\"text_output\":\"ac\"}", JSON,
	  COMPARISON_VALUE, false, 1, 2, 2 },
	{ DELTA("Hel") DELTA("lo") STOP, DELTA("Hel") DELTA("p") STOP, SSE, COMPARISON_VALUE, true, 3, 5, 4 },
	{ "{\"a\":\"x\"}", "{\"a\":\"y\"}", JSON, COMPARISON_VALUE, false, 0, 0, 0 },
};

static void test_generated(void **state)
{
	struct comparer *c = with_options(NULL, "");

	for (size_t i = 0; i < sizeof(generated_cases) / sizeof(*generated_cases); i++) {
		const struct generated_case *g = &generated_cases[i];
		struct side p = { 200, g->headers, g->production }, s = { 200, g->headers, g->shadow };
		const struct comparison *got = run(c, &p, &s);

		expect(g->shadow, got, g->verdict, g->reason);
		if (got->generated != g->generated)
			fail_msg("%s", g->shadow);
		assert_int_equal(got->common_prefix, g->prefix);
		assert_int_equal(got->production_len, g->production_len);
		assert_int_equal(got->shadow_len, g->shadow_len);
	}
	comparer_free(c);
}

/* ---- rules, in every kind ---- */

static void test_rules(void **state)
{
	struct comparer *c = with_options("openai", "/outputs/*/data ignore\n/choices/*/delta/content ignore\n/never ignore\n");
	struct buffer unmatched = { 0 };

	expect("tensors", run(c, &body_cases[0].production, &body_cases[0].production), COMPARISON_EQUAL, NULL);
	for (size_t i = 0; i < sizeof(body_cases) / sizeof(*body_cases); i++) {
		if (strcmp(body_cases[i].name, "binary, another class") == 0 || strcmp(body_cases[i].name, "stream, other words") == 0)
			expect(body_cases[i].name, run(c, &body_cases[i].production, &body_cases[i].shadow), COMPARISON_CLOSE, "ignored");
	}
	comparer_unmatched(c, &unmatched);
	assert_string_equal(buffer_text(&unmatched), "rules:3: /never ignore\n");
	buffer_deinit(&unmatched);
	comparer_free(c);
}

/* TorchServe answers its best five labels, which need not add up; of any other server that is no decision. */
static void test_label_maps(void **state)
{
	static const char *const presets[] = { "torchserve", "any", NULL };

	for (size_t i = 0; i < 3; i++) {
		struct comparer *c = with_options(presets[i], "");
		const struct comparison *got = run(c, &(struct side){ 200, JSON, "{\"cat\":0.5,\"dog\":0.25}", 0 },
						   &(struct side){ 200, JSON, "{\"dog\":0.5,\"cat\":0.25}", 0 });

		expect("label map", got, i == 0 ? COMPARISON_DECISION : COMPARISON_VALUE, NULL);
		assert_int_equal(got->findings.decisions_total, i == 0);
		if (i == 0)
			assert_string_equal(got->findings.decisions[0].shadow, "dog");
		comparer_free(c);
	}
}

/*
 * Without a word of the user's nothing is left out, whatever its name: an ETA model answers /duration, a
 * recommender /id. With his word the pair is close, for this reason, and never equal.
 */
static void test_left_out(void **state)
{
	static const struct {
		const char *preset, *rules, *production, *shadow;
		enum comparison_verdict verdict;
		const char *reason, *rule;
	} rows[] = {
		{ NULL, "", "{\"id\":\"route-7\",\"duration\":420}", "{\"id\":\"route-0\",\"duration\":4200}", COMPARISON_VALUE, NULL, NULL },
		{ "any", "", "{\"id\":\"route-7\",\"duration\":420}", "{\"id\":\"route-0\",\"duration\":4200}", COMPARISON_VALUE, NULL, NULL },
		{ "any", "", "{\"latency\":1}", "{\"latency\":2}", COMPARISON_VALUE, NULL, NULL },
		{ "any", "", "{\"metrics\":{\"a\":1}}", "{\"metrics\":{\"a\":2}}", COMPARISON_VALUE, NULL, NULL },
		{ "any", "", "{\"usage\":{\"total_time\":1}}", "{\"usage\":{\"total_time\":2}}", COMPARISON_VALUE, NULL, NULL },
		{ "any", "", "{\"x\":1}", "{\"x\":1,\"elapsed_ms\":2}", COMPARISON_SCHEMA, NULL, NULL },
		{ "torchserve", "", "{\"took\":1}", "{\"took\":2}", COMPARISON_VALUE, NULL, NULL },
		{ "mlflow", "", "{\"duration\":1}", "{\"duration\":2}", COMPARISON_VALUE, NULL, NULL },
		{ "v2", "", "{\"id\":\"1\"}", "{\"id\":\"2\"}", COMPARISON_CLOSE, "ignored", "--preset v2" },
		{ "v2", "", "{\"id\":\"1\"}", "{}", COMPARISON_CLOSE, "ignored", "--preset v2" },
		{ "v2", "", "{\"id\":\"1\",\"x\":1}", "{\"id\":\"1\", \"x\":1.0}", COMPARISON_EQUAL, NULL, NULL },
		{ "v2", "", "{\"id\":\"1\",\"x\":1}", "{\"id\":\"2\",\"x\":1.000001}", COMPARISON_CLOSE, NULL, "--preset v2" },
		{ "v2", "", "{\"id\":\"1\",\"x\":1}", "{\"id\":\"2\",\"x\":2}", COMPARISON_VALUE, NULL, "--preset v2" },
		{ NULL, "# ours\n/id ignore\n", "{\"id\":\"1\"}", "{\"id\":\"2\"}", COMPARISON_CLOSE, "ignored", "rules:2" },
		{ NULL, "/a set\n", "{\"a\":[1,2]}", "{\"a\":[2,1]}", COMPARISON_CLOSE, "ignored", "rules:1" },
		{ NULL, "/a set\n", "{\"a\":[1,2]}", "{\"a\":[1.0,2]}", COMPARISON_EQUAL, NULL, NULL },
		{ NULL, "\"\" ignore\n", "[1]", "[1,2]", COMPARISON_CLOSE, "ignored", "rules:1" },
		{ NULL, "\"\" ignore\n", "[1]", "[1]", COMPARISON_EQUAL, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct comparer *c = with_options(rows[i].preset, rows[i].rules);
		const struct comparison *got = run(c, &(struct side){ 200, JSON, rows[i].production, 0 },
						   &(struct side){ 200, JSON, rows[i].shadow, 0 });
		const struct findings *f = &got->findings;

		expect(rows[i].shadow, got, rows[i].verdict, rows[i].reason);
		assert_int_equal(f->ignored > 0, rows[i].rule != NULL);
		if (rows[i].rule)
			assert_string_equal(f->at[f->count - 1].rule, rows[i].rule);
		assert_int_equal(got->same_bytes, strcmp(rows[i].production, rows[i].shadow) == 0);
		comparer_free(c);
	}
}

/* ---- memory ---- */

static void repeat(struct buffer *out, const char *head, const char *piece, size_t times, const char *tail)
{
	buffer_clear(out);
	buffer_add_str(out, head);
	for (size_t i = 0; i < times; i++)
		buffer_add_str(out, piece);
	buffer_add_str(out, tail);
	buffer_text(out);
}

/*
 * Answers that hold many small things take many times their size, whoever wrote them: beyond the comparer's budget
 * a pair is too large, and the next one finds the room free again.
 */
static void test_memory(void **state)
{
	static const struct {
		const char *headers, *head, *piece, *tail, *other;
		size_t times;
	} rows[] = {
		{ JSON, "[", "1,", "1]", "2]", 100000 },
		{ JSON, "{\"a\":[", "{},", "1]}", "2]}", 70000 },
		{ PLAIN, "[", "1,", "1]", "2]", 100000 },
		{ SSE, "", "data: \x01\n\n", "data: a\n\n", "data: b\n\n", 30000 },
		{ SSE, "data: {\"choices\":[", "1,", "1]}\n\n", "2]}\n\n", 100000 },
		{ SSE, "", "data: {\"text_output\":\"abcdefgh\"}\n\n", "data: 1\n\n", "data: 2\n\n", 6000 },
		{ BINARY "200022", "{\"outputs\":[],\"a\":[", "1,", "1]}", "2]}", 100000 },
	};
	struct compare_options options = { .rtol = 1e-5, .atol = 1e-8, .max_body = MAX_BODY, .memory = 1 << 20 };
	struct buffer a = { 0 }, b = { 0 }, error = { 0 };
	struct comparer *small, *large;

	(void)state;
	assert_int_equal(comparer_new(&options, &small, &error), 0);
	options.memory = 0;
	assert_int_equal(comparer_new(&options, &large, &error), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct side p, s, little = { 200, rows[i].headers, "[1]", 0 };
		const struct comparison *got;

		repeat(&a, rows[i].head, rows[i].piece, rows[i].times, rows[i].tail);
		repeat(&b, rows[i].head, rows[i].piece, rows[i].times, rows[i].other);
		p = (struct side){ 200, rows[i].headers, buffer_text(&a), a.len };
		s = (struct side){ 200, rows[i].headers, buffer_text(&b), b.len };
		got = run(small, &p, &s);
		if (got->verdict != COMPARISON_NOT_COMPARABLE || !got->reason || !strstr(got->reason, "too_large"))
			fail_msg("row %zu: %s (%s)", i, comparison_name(got->verdict), got->reason ? got->reason : "-");
		comparer_rest(small);
		if (strstr(rows[i].headers, "inference") == NULL) /* those need a head of their own length */
			expect("a little one after it", run(small, &little, &little), COMPARISON_EQUAL, NULL);
		comparer_rest(small);
		/* what earlier pairs have left behind takes nobody's room */
		repeat(&b, "[", "1,", 9000, "1]");
		expect("one that fills it",
		       run(small, &(struct side){ 200, JSON, buffer_text(&b), b.len },
			   &(struct side){ 200, JSON, "[2]", 0 }),
		       COMPARISON_SCHEMA, NULL);
		expect("the other way round", run(small, &(struct side){ 200, JSON, "[2]", 0 }, &(struct side){ 200, JSON, buffer_text(&b), b.len }),
		       COMPARISON_SCHEMA, NULL);
		repeat(&b, rows[i].head, rows[i].piece, rows[i].times, rows[i].other);
		s = (struct side){ 200, rows[i].headers, buffer_text(&b), b.len };
		got = run(large, &p, &s);
		if (got->verdict == COMPARISON_NOT_COMPARABLE || got->verdict == COMPARISON_EQUAL)
			fail_msg("row %zu, with room: %s (%s)", i, comparison_name(got->verdict), got->reason ? got->reason : "-");
		comparer_rest(large);
	}
	comparer_free(small);
	comparer_free(large);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void test_bad_rules(void **state)
{
	struct compare_options options = { .rules = SPAN_LITERAL("/a hover\n"), .rules_name = "rules" };
	struct buffer error = { 0 };
	struct comparer *c;

	assert_int_equal(comparer_new(&options, &c, &error), -EINVAL);
	assert_null(c);
	assert_true(error.len > 0);
	buffer_deinit(&error);
}

/* ---- the same in another dress ---- */

static const char *const dresses[] = {
	"{\"predictions\":[[0.1,0.7,0.2],[1.5,-2,3e2]],\"name\":\"caf\\u00e9\",\"n\":[1,2,3]}",
	"{\"name\":\"caf\xc3\xa9\", \"n\":[1.0,2.0,3.0],\"predictions\": [[0.1, 0.7, 0.2], [1.5, -2, 300]]}",
	"\xef\xbb\xbf{\n \"n\": [1, 20e-1, 3],\n \"predictions\": [[1e-1, 7.0e-1, 0.20], [15e-1, -2.0, 3.0E+2]],\n \"name\": \"c\\u0061f\xc3\xa9\"\n}\n",
	"{\"predictions\":[[0.1000001,0.7,0.2],[1.5,-2,300.00001]],\"name\":\"caf\xc3\xa9\",\"n\":[1,2,3]}",
};

struct wrapping {
	const char *headers;
	int steps[3]; /* 0 ends */
};

static const struct wrapping wrappings[] = {
	{ JSON, { 0 } },
	{ JSON "\ncontent-encoding: gzip", { CODED_GZIP } },
	{ JSON "\ncontent-encoding: deflate", { CODED_ZLIB } },
	{ JSON "\ncontent-encoding: deflate", { CODED_RAW } },
	{ JSON "\ncontent-encoding: deflate, gzip", { CODED_RAW, CODED_GZIP } },
	{ JSON "\ncontent-encoding: gzip\ncontent-encoding: deflate", { CODED_GZIP, CODED_ZLIB } },
	{ "content-encoding: x-gzip\nx: y", { CODED_GZIP } },
};

static void wrap(const char *text, const struct wrapping *w, struct buffer *out)
{
	buffer_clear(out);
	buffer_add_str(out, text);
	for (const int *step = w->steps; *step; step++) {
		struct buffer coded = { 0 };

		assert_true(code_body(buffer_span(out), *step, &coded));
		buffer_deinit(out);
		*out = coded;
	}
}

static void test_dresses(void **state)
{
	size_t texts = sizeof(dresses) / sizeof(*dresses), ways = sizeof(wrappings) / sizeof(*wrappings);
	struct comparer *c = with_options(NULL, "");
	struct buffer a = { 0 }, b = { 0 };

	for (size_t i = 0; i < texts * ways; i++)
		for (size_t k = 0; k < texts * ways; k++) {
			const struct wrapping *wa = &wrappings[i / texts], *wb = &wrappings[k / texts];
			const struct comparison *got;
			bool close = (i % texts == 3) != (k % texts == 3);

			wrap(dresses[i % texts], wa, &a);
			wrap(dresses[k % texts], wb, &b);
			got = run(c, &(struct side){ 200, wa->headers, (char *)a.bytes, a.len },
				  &(struct side){ 200, wb->headers, (char *)b.bytes, b.len });
			expect(dresses[k % texts], got, close ? COMPARISON_CLOSE : COMPARISON_EQUAL, NULL);
		}
	buffer_deinit(&a);
	buffer_deinit(&b);
	comparer_free(c);
}

/* ---- a difference planted in every type of tensor ---- */

struct planted {
	const char *type;
	size_t size; /* of an element */
	const char *values; /* five elements */
	const char *planted; /* another one */
	const char *shown[2];
};

static const struct planted planted_cases[] = {
	{ "BOOL", 1, "\0\1\0\0\1", "\1", { "0", "1" } },
	{ "UINT8", 1, "\1\2\3\4\5", "\xff", { "3", "255" } },
	{ "INT8", 1, "\1\2\3\4\5", "\xff", { "3", "-1" } },
	{ "UINT16", 2, "\1\0\2\0\3\0\4\0\5\0", "\0\1", { "3", "256" } },
	{ "INT16", 2, "\1\0\2\0\3\0\4\0\5\0", "\xff\xff", { "3", "-1" } },
	{ "UINT32", 4, "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0", "\0\0\0\1", { "3", "16777216" } },
	{ "INT32", 4, "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0", "\xff\xff\xff\xff", { "3", "-1" } },
	{ "UINT64", 8, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\x80\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", "\2\0\0\0\0\0\0\x80",
	  { "9223372036854775811", "9223372036854775810" } },
	{ "INT64", 8, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\x80\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", "\2\0\0\0\0\0\0\x80",
	  { "-9223372036854775805", "-9223372036854775806" } },
	{ "FP16", 2, "\x00\x3c\x00\x40\x00\x42\x00\x44\x00\x45", "\x01\x42", { "3", "3.00195312" } },
	{ "BF16", 2, "\x80\x3f\x00\x40\x40\x40\x80\x40\xa0\x40", "\x41\x40", { "3", "3.015625" } },
	{ "FP32", 4, "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40", "\0\1\x40\x40", { "3", "3.00006104" } },
	{ "FP64", 8,
	  "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\x08\x40\0\0\0\0\0\0\x10\x40\0\0\0\0\0\0\x14\x40",
	  "\0\0\0\0\1\0\x08\x40", { "3", "3.0000019073486328" } },
	{ "BYTES", 7, "\3\0\0\0one\3\0\0\0two\3\0\0\0thr\3\0\0\0fou\3\0\0\0fiv", "\3\0\0\0xyz", { "thr", "xyz" } },
};

static size_t write_tensor(struct buffer *out, const struct planted *t, char head_len[64])
{
	size_t len;

	buffer_clear(out);
	buffer_printf(out,
		      "{\"outputs\":[{\"name\":\"first\",\"datatype\":\"INT8\",\"shape\":[1],\"data\":[7]},"
		      "{\"name\":\"second\",\"datatype\":\"%s\",\"shape\":[5,1],\"parameters\":{\"binary_data_size\":%zu}}]}",
		      t->type, t->size * 5);
	len = out->len;
	snprintf(head_len, 64, "Inference-Header-Content-Length: %zu", len);
	buffer_add(out, t->values, t->size * 5);
	return len;
}

static void test_planted(void **state)
{
	struct comparer *c = with_options(NULL, ""), *exact = with_options(NULL, "/outputs/1/data exact\n");
	struct buffer p = { 0 }, s = { 0 };
	char head[64];

	for (size_t i = 0; i < sizeof(planted_cases) / sizeof(*planted_cases); i++) {
		const struct planted *t = &planted_cases[i];
		size_t at = write_tensor(&p, t, head);

		for (size_t k = 0; k < 5; k++) {
			const struct comparison *got;
			struct side a, b;
			char path[64], shown[64];

			write_tensor(&s, t, head);
			memcpy(s.bytes + at + k * t->size, t->planted, t->size);
			a = (struct side){ 200, head, (char *)p.bytes, p.len };
			b = (struct side){ 200, head, (char *)s.bytes, s.len };
			snprintf(path, sizeof(path), "/outputs/1/data/%zu", k);
			for (int e = 0; e < 2; e++) {
				bool label = !strstr("FP16 BF16 FP32 FP64 INT8 UINT8", t->type); /* each a decision */
				const struct finding *f;

				got = run(e ? exact : c, &a, &b);
				if (memcmp(p.bytes + at + k * t->size, t->planted, t->size) == 0) {
					expect(t->type, got, COMPARISON_EQUAL, NULL);
					continue;
				}
				expect(t->type, got,
				       label						    ? COMPARISON_DECISION :
				       strcmp(t->type, "FP64") == 0 && e == 0 && k == 2 ? COMPARISON_CLOSE :
										      COMPARISON_VALUE,
				       NULL);
				assert_int_equal(got->findings.count, label ? 2 : 1);
				f = &got->findings.at[label];
				assert_string_equal(f->pattern, "/outputs/*/data/*");
				assert_string_equal(f->path, path);
				if (k != 2)
					continue;
				snprintf(shown, sizeof(shown), "%s (second)", t->shown[0]);
				assert_string_equal(f->production, shown);
				snprintf(shown, sizeof(shown), "%s (second)", t->shown[1]);
				assert_string_equal(f->shadow, shown);
			}
		}
	}
	buffer_deinit(&p);
	buffer_deinit(&s);
	comparer_free(c);
	comparer_free(exact);
}

/* ---- decisions of tensors: the same whether they come as JSON or binary ---- */

struct tensor_case {
	const char *type, *shape, *rules;
	double production[6], shadow[6];
	int count;
	uint64_t total, agree;
	const char *labels[2]; /* of the first decision */
	enum comparison_verdict verdict;
};

static const struct tensor_case tensor_cases[] = {
	{ "FP64", "[2,3]", "", { 1, 5, 2, 9, 3, 3 }, { 1, 5, 2, 9, 3, 3 }, 6, 2, 2, { "1", "1" }, COMPARISON_EQUAL },
	{ "FP64", "[2,3]", "", { 1, 5, 2, 9, 3, 3 }, { 6, 5, 2, 9, 3, 3 }, 6, 2, 1, { "1", "0" }, COMPARISON_DECISION },
	{ "FP64", "[2,1,3]", "", { 1, 5, 2, 9, 3, 3 }, { 1, 5, 2, 9, 3, 9.5 }, 6, 2, 1, { "1", "1" }, COMPARISON_DECISION },
	/* of equal scores the first; a tie within the tolerance of one side is no contradiction */
	{ "FP64", "[1,3]", "", { 5, 5, 1 }, { 4, 5, 1 }, 3, 1, 1, { "0", "1" }, COMPARISON_VALUE },
	{ "FP64", "[1,3]", "", { 5, 5.00001, 1 }, { 5.00001, 5, 1 }, 3, 1, 1, { "1", "0" }, COMPARISON_CLOSE },
	{ "FP64", "[1,3]", "", { 5, 5.1, 1 }, { 5.1, 5, 1 }, 3, 1, 0, { "1", "0" }, COMPARISON_DECISION },
	{ "FP64", "[1,3]", "", { NAN, 5, 1 }, { NAN, 5, 1 }, 3, 1, 1, { "1", "1" }, COMPARISON_EQUAL },
	{ "FP64", "[1,3]", "", { NAN, NAN, NAN }, { NAN, NAN, NAN }, 3, 0, 0, { NULL, NULL }, COMPARISON_EQUAL },
	{ "FP64", "[1,3]", "", { NAN, NAN, NAN }, { NAN, 1, NAN }, 3, 1, 0, { "none", "1" }, COMPARISON_DECISION },
	{ "FP64", "[1,3]", "", { -INFINITY, -1, -2 }, { INFINITY, -1, -2 }, 3, 1, 0, { "1", "0" }, COMPARISON_DECISION },
	/* one dimension: only if these are probabilities */
	{ "FP64", "[3]", "", { 0.25, 0.5, 0.25 }, { 0.5, 0.25, 0.25 }, 3, 1, 0, { "1", "0" }, COMPARISON_DECISION },
	{ "FP64", "[3]", "", { 1, 2, 3 }, { 3, 2, 1 }, 3, 0, 0, { NULL, NULL }, COMPARISON_VALUE },
	{ "FP64", "[3,1]", "", { 1, 2, 3 }, { 1, 2, 4 }, 3, 0, 0, { NULL, NULL }, COMPARISON_VALUE },
	{ "FP64", "[1,3]", "/outputs/0 ignore\n", { 1, 5, 2 }, { 6, 5, 2 }, 3, 0, 0, { NULL, NULL }, COMPARISON_CLOSE },
	{ "FP64", "[1,3]", "/outputs/*/data ignore\n", { 1, 5, 2 }, { 6, 5, 2 }, 3, 0, 0, { NULL, NULL }, COMPARISON_CLOSE },
	{ "FP64", "[1,3]", "/outputs ignore\n", { 1, 5, 2 }, { 1, 5, 2 }, 3, 0, 0, { NULL, NULL }, COMPARISON_EQUAL },
	{ "FP64", "[1,3]", "/outputs ignore\n", { 1, 5, 2 }, { 1, 5, 3 }, 3, 0, 0, { NULL, NULL }, COMPARISON_CLOSE },
	{ "FP64", "[3]", "/outputs/0/data/1 ignore\n", { 1, 5, 2 }, { 1, 6, 2 }, 3, 0, 0, { NULL, NULL }, COMPARISON_CLOSE },
	/* integers: of one byte scores, else labels */
	{ "INT8", "[1,3]", "", { 1, 5, 2 }, { 6, 5, 2 }, 3, 1, 0, { "1", "0" }, COMPARISON_DECISION },
	{ "UINT8", "[1,3]", "", { 1, 5, 2 }, { 2, 5, 2 }, 3, 1, 1, { "1", "1" }, COMPARISON_VALUE },
	{ "INT64", "[1,3]", "", { 7, -5, 2 }, { 7, -4, 2 }, 3, 3, 2, { "7", "7" }, COMPARISON_DECISION },
	{ "INT32", "[3]", "", { 7, 5, 2 }, { 7, 5, 2 }, 3, 3, 3, { "7", "7" }, COMPARISON_EQUAL },
	{ "BOOL", "[2]", "", { 1, 0 }, { 1, 1 }, 2, 2, 1, { "true", "true" }, COMPARISON_DECISION },
	/* by rule */
	{ "FP64", "[1,4]", "/outputs/*/data topk k=2\n", { 9, 8, 1, 2 }, { 8, 9, 2, 1 }, 4, 1, 1, { "0,1", "1,0" },
	  COMPARISON_CLOSE },
	{ "FP64", "[1,4]", "/outputs/*/data topk k=2\n", { 9, 8, 1, 2 }, { 9, 1, 8, 2 }, 4, 1, 0, { "0,1", "0,2" },
	  COMPARISON_DECISION },
	{ "FP64", "[4]", "/outputs/*/data argmax\n", { 9, 8, 1, 2 }, { 9, 1, 8, 2 }, 4, 1, 1, { "0", "0" }, COMPARISON_CLOSE },
	{ "FP64", "[2,3]", "/outputs/*/data argmax\n", { 1, 5, 2, 9, 3, 3 }, { 6, 5, 2, 9, 3, 3 }, 6, 2, 1, { "1", "0" },
	  COMPARISON_DECISION },
	{ "FP64", "[2,1,3]", "/outputs/*/data topk k=2\n", { 1, 5, 2, 9, 3, 4 }, { 1, 5, 2, 9, 4, 3 }, 6, 2, 1, { "1,2", "1,2" },
	  COMPARISON_DECISION },
	{ "FP64", "[3,1]", "/outputs/*/data argmax\n", { 1, 2, 3 }, { 1, 2, 4 }, 3, 0, 0, { NULL, NULL }, COMPARISON_CLOSE },
	{ "INT32", "[1,4]", "/outputs/*/data argmax\n", { 9, 8, 1, 2 }, { 8, 9, 1, 2 }, 4, 1, 0, { "0", "1" }, COMPARISON_DECISION },
};

static void write_value(struct buffer *out, const char *type, double x, bool binary)
{
	int64_t n = type[0] == 'F' ? 0 : (int64_t)x;
	size_t size = strstr(type, "8") || type[0] == 'B' ? 1 : strstr(type, "32") ? 4 : 8;

	if (!binary && type[0] == 'B')
		buffer_add_str(out, x != 0 ? "true" : "false");
	else if (!binary)
		buffer_printf(out, isnan(x) ? "NaN" : isinf(x) ? (x < 0 ? "-Infinity" : "Infinity")
							       : "%.17g",
			      x);
	else if (type[0] == 'F')
		buffer_add(out, &x, sizeof(x)); /* these tests run on little-endian machines */
	else
		buffer_add(out, &n, size);
}

/** write_case() - a response with one output; @head is room for its headers */
static void write_case(struct buffer *out, const struct tensor_case *t, const double *values, bool binary, char head[80])
{
	struct buffer data = { 0 };

	for (int i = 0; i < t->count; i++) {
		buffer_add(&data, ",", !binary && i > 0);
		write_value(&data, t->type, values[i], binary);
	}
	buffer_clear(out);
	buffer_printf(out, "{\"outputs\":[{\"name\":\"o\",\"datatype\":\"%s\",\"shape\":%s,", t->type, t->shape);
	if (binary)
		buffer_printf(out, "\"parameters\":{\"binary_data_size\":%zu}}]}", data.len);
	else
		buffer_printf(out, "\"data\":[%s]}]}", buffer_text(&data));
	snprintf(head, 80, binary ? "inference-header-content-length: %zu" : JSON, out->len);
	if (binary)
		buffer_add_span(out, buffer_span(&data));
	buffer_deinit(&data);
}

static void test_tensor_decisions(void **state)
{
	struct buffer p = { 0 }, s = { 0 };

	for (size_t i = 0; i < sizeof(tensor_cases) / sizeof(*tensor_cases); i++)
		for (int way = 0; way < 4; way++) {
			const struct tensor_case *t = &tensor_cases[i];
			struct comparer *c = with_options(NULL, t->rules);
			char heads[2][80], name[64];
			const struct findings *f;
			const struct comparison *got;

			write_case(&p, t, t->production, way & 1, heads[0]);
			write_case(&s, t, t->shadow, way & 2, heads[1]);
			got = run(c, &(struct side){ 200, heads[0], (char *)p.bytes, p.len },
				  &(struct side){ 200, heads[1], (char *)s.bytes, s.len });
			f = &got->findings;
			snprintf(name, sizeof(name), "case %zu (%s %s), way %d", i, t->type, t->shape, way);
			expect(name, got, t->verdict,
			       t->verdict == COMPARISON_CLOSE && strstr(t->rules, "ignore") ? "ignored" : NULL);
			if (f->decisions_total != t->total || f->decisions_agree != t->agree)
				fail_msg("%s: %d of %d", name, (int)f->decisions_agree, (int)f->decisions_total);
			for (int side = 0; side < 2 && t->total > 0; side++)
				assert_string_equal(side ? f->decisions[0].shadow : f->decisions[0].production, t->labels[side]);
			comparer_free(c);
		}
	buffer_deinit(&p);
	buffer_deinit(&s);
}

/* ---- the same tensors, of any shape: flat, in brackets and binary ---- */

#define SHAPES 600
#define VALUES_MAX 64

enum writing { WRITTEN_FLAT, WRITTEN_NESTED, WRITTEN_BINARY, WRITINGS };

static uint64_t random_bits(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * 0x2545f4914f6cdd1du >> 16;
}

/** struct shaped - two tensors of one shape, and how their data is looked at */
struct shaped {
	const char *type, *rules;
	unsigned rank, size[3], count;
	double values[2][VALUES_MAX];
};

static struct shaped any_tensors(uint64_t *x)
{
	static const char *const types[] = { "FP64", "INT8", "UINT8", "INT32", "INT64", "BOOL" };
	static const char *const rules[] = { "", "", "/outputs/*/data argmax\n", "/outputs/**/data topk k=3\n",
					     "/outputs/0/data num rtol=0.1\n" };
	struct shaped t = { .count = 1 };

	t.type = types[random_bits(x) % 6];
	t.rules = rules[random_bits(x) % 5];
	if (*t.type == 'B')
		t.rules = ""; /* of true and false nothing is the largest */
	t.rank = 1 + (unsigned)(random_bits(x) % 3);
	for (unsigned i = 0; i < t.rank; i++)
		t.count *= t.size[i] = 1 + (unsigned)(random_bits(x) % 4);
	for (unsigned i = 0; i < t.count; i++) {
		double y = (double)(random_bits(x) % (*t.type == 'B' ? 2 : 100));

		if (*t.type == 'F')
			y = random_bits(x) % 20 == 0 ? (double)NAN : y / t.count / 64;
		t.values[0][i] = y;
		t.values[1][i] = random_bits(x) % 4 ? y : *t.type == 'B' ? 1 - y : 100 - y;
	}
	return t;
}

/** write_shaped() - one answer; @head is room for its headers */
static void write_shaped(struct buffer *out, const struct shaped *t, int side, enum writing how, char head[80])
{
	struct buffer data = { 0 };
	unsigned inner[3] = { 1, 1, 1 }; /* elements that a bracket of each dimension holds */

	for (unsigned k = t->rank; k-- > 0;)
		inner[k] = t->size[k] * (k + 1 < t->rank ? inner[k + 1] : 1);
	for (unsigned i = 0; i < t->count; i++) {
		buffer_add(&data, ",", how != WRITTEN_BINARY && i > 0);
		for (unsigned k = 1; how == WRITTEN_NESTED && k < t->rank; k++)
			buffer_add(&data, "[", i % inner[k] == 0);
		write_value(&data, t->type, t->values[side][i], how == WRITTEN_BINARY);
		for (unsigned k = 1; how == WRITTEN_NESTED && k < t->rank; k++)
			buffer_add(&data, "]", (i + 1) % inner[k] == 0);
	}
	buffer_clear(out);
	buffer_printf(out, "{\"outputs\":[{\"name\":\"o\",\"datatype\":\"%s\",\"shape\":[", t->type);
	for (unsigned k = 0; k < t->rank; k++)
		buffer_printf(out, k ? ",%u" : "%u", t->size[k]);
	if (how == WRITTEN_BINARY)
		buffer_printf(out, "],\"parameters\":{\"binary_data_size\":%zu}}]}", data.len);
	else
		buffer_printf(out, "],\"data\":[%s]}]}", buffer_text(&data));
	snprintf(head, 80, how == WRITTEN_BINARY ? "inference-header-content-length: %zu" : JSON, out->len);
	if (how == WRITTEN_BINARY)
		buffer_add_span(out, buffer_span(&data));
	buffer_deinit(&data);
}

/** decided() - the decisions of a comparison as text */
static void decided(const struct comparison *got, struct buffer *out)
{
	const struct findings *f = &got->findings;

	buffer_clear(out);
	buffer_printf(out, "%d of %d:", (int)f->decisions_agree, (int)f->decisions_total);
	for (size_t i = 0; i < f->decision_count; i++)
		buffer_printf(out, " %s/%s", f->decisions[i].production, f->decisions[i].shadow);
}

/* However a server writes its tensors, they decide the same: with a rule and without. */
static void test_shapes(void **state)
{
	struct buffer body[2] = { { 0 } }, first = { 0 }, now = { 0 };
	uint64_t x = 88172645463325252u, all = 0;

	for (int round = 0; round < SHAPES; round++) {
		struct shaped t = any_tensors(&x);
		struct comparer *c = with_options(NULL, t.rules);

		for (int way = 0; way < WRITINGS; way++) {
			const struct comparison *got;
			struct side response[2];
			char heads[2][80];

			for (int side = 0; side < 2; side++) {
				write_shaped(&body[side], &t, side, (enum writing)way, heads[side]);
				response[side] = (struct side){ 200, heads[side],
									  (char *)body[side].bytes, body[side].len };
			}
			got = run(c, &response[0], &response[1]);
			all += got->findings.decisions_total;
			decided(got, way ? &now : &first);
			if (way && strcmp(buffer_text(&now), buffer_text(&first)) != 0)
				fail_msg("%.*s\nrules: %sflat: %s\nway %d: %s", (int)body[0].len, (char *)body[0].bytes, t.rules,
					 buffer_text(&first), way, buffer_text(&now));
		}
		comparer_free(c);
	}
	assert_true(all > SHAPES); /* there was something to decide */
	for (int side = 0; side < 2; side++)
		buffer_deinit(&body[side]);
	buffer_deinit(&first);
	buffer_deinit(&now);
}

/* Outputs in another order are found by their names. */
static void test_output_order(void **state)
{
	static const char a[] = "{\"outputs\":[{\"name\":\"x\",\"datatype\":\"INT8\",\"shape\":[1],\"parameters\":{\"binary_data_size\":1}},"
				"{\"name\":\"y\",\"datatype\":\"INT8\",\"shape\":[1],\"data\":[2]}]}\x01";
	static const char b[] = "{\"outputs\":[{\"name\":\"y\",\"datatype\":\"INT8\",\"shape\":[1],\"data\":[2]},"
				"{\"name\":\"x\",\"datatype\":\"INT8\",\"shape\":[1],\"parameters\":{\"binary_data_size\":1}}]}\x01";
	struct comparer *c = with_options(NULL, "");
	char head[64];

	snprintf(head, sizeof(head), "Inference-Header-Content-Length: %zu", sizeof(a) - 2);
	expect("order", run(c, &(struct side){ 200, head, a, sizeof(a) - 1 }, &(struct side){ 200, head, b, sizeof(b) - 1 }),
	       COMPARISON_ORDER, NULL);
	comparer_free(c);
}

/* ---- answers that were cut ---- */

static void test_cut(void **state)
{
	static const char *const headers[] = { JSON "\ncontent-encoding: gzip", BINARY HEAD_A_LEN, SSE, JSON };
	static const char sse[] = DELTA("Hel") DELTA("lo") STOP;
	struct comparer *c = with_options(NULL, "");
	struct buffer whole[4] = { { 0 } };

	assert_true(code_body(span_str(dresses[0]), CODED_GZIP, &whole[0]));
	buffer_add(&whole[1], BINARY_A F_0_1 F_0_7 F_0_2, sizeof(BINARY_A) - 1 + 12);
	buffer_add(&whole[2], sse, sizeof(sse) - 1);
	buffer_add_str(&whole[3], dresses[0]);
	for (size_t i = 0; i < 4; i++) {
		struct side a = { 200, headers[i], (char *)whole[i].bytes, whole[i].len };

		for (size_t len = 0; len < whole[i].len; len++) {
			uint8_t *cut = malloc(len + 1); /* of its own size, for the address sanitizer */
			struct side b = { 200, headers[i], len ? (char *)cut : "", len };

			assert_non_null(cut);
			memcpy(cut, whole[i].bytes, len);
			if (run(c, &a, &b)->verdict >= COMPARISON_CLOSE || run(c, &b, &a)->verdict >= COMPARISON_CLOSE)
				fail_msg("%s: the first %zu bytes look whole", headers[i], len);
			free(cut);
		}
		buffer_deinit(&whole[i]);
	}
	comparer_free(c);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	static char zeros[MAX_BODY + 2];
	static const char gzip[] = JSON "\ncontent-encoding: gzip";
	struct comparer *c = with_options(NULL, "");
	struct buffer bomb = { 0 }, deep = { 0 };
	struct side small = { 200, JSON, "[]" }, large, nested;

	assert_true(code_body(span_of(zeros, sizeof(zeros)), CODED_GZIP, &bomb));
	large = (struct side){ 200, gzip, (char *)bomb.bytes, bomb.len };
	expect("bomb of the shadow", run(c, &small, &large), COMPARISON_NOT_COMPARABLE, "shadow_too_large");
	expect("bomb of production", run(c, &large, &small), COMPARISON_NOT_COMPARABLE, "too_large");
	for (int i = 0; i < 2000; i++)
		buffer_add_str(&deep, "[");
	for (int i = 0; i < 2000; i++)
		buffer_add_str(&deep, "]");
	nested = (struct side){ 200, JSON, (char *)deep.bytes, deep.len };
	expect("deep", run(c, &small, &nested), COMPARISON_NOT_COMPARABLE, "too_deep");
	expect("deep, both", run(c, &nested, &nested), COMPARISON_NOT_COMPARABLE, "too_deep");
	buffer_deinit(&bomb);
	buffer_deinit(&deep);
	comparer_free(c);
}

/* ---- times of streams ---- */

static void test_stream_times(void **state)
{
	static const char body[] = DELTA("a") DELTA("b") STOP, again[] = DELTA("a") DELTA("b") STOP;
	static struct arrival early[] = { { 0, 100 }, { sizeof(DELTA("a")) - 1, 250 } }, late[] = { { 0, 900 } };
	struct message request = { .head = { .method = SPAN_LITERAL("POST") } };
	struct outcome outcome = { .kind = OUTCOME_ANSWERED_2XX };
	struct header type = { SPAN_LITERAL("content-type"), SPAN_LITERAL("text/event-stream") };
	struct response p = { .result = RESPONSE_WHOLE, .status_code = 200, .headers = &type, .header_count = 1,
			      .body = (uint8_t *)body, .body_len = sizeof(body) - 1, .arrivals = early, .arrival_count = 2 };
	struct response s = p;
	struct pair pair = { &request, &p, &s, &outcome };
	struct comparer *c = with_options(NULL, "");
	const struct comparison *got;

	s.body = (uint8_t *)again; /* the same bytes, elsewhere: each has times of its own */
	s.arrivals = late;
	s.arrival_count = 1;
	got = comparer_run(c, &pair);
	expect("times", got, COMPARISON_EQUAL, NULL);
	assert_int_equal(got->production_stream.first_token_us, 100);
	assert_int_equal(got->production_stream.gap_count, 1);
	assert_int_equal(got->production_stream.gaps_us[0], 150);
	assert_int_equal(got->production_stream.tokens, 2);
	assert_int_equal(got->production_stream.events, 4);
	assert_int_equal(got->shadow_stream.first_token_us, 900);
	assert_int_equal(got->shadow_stream.gaps_us[0], 0);
	comparer_free(c);
}

/* Equal bytes are not compared, but their decisions count, whatever the body is coded in. */
static void test_equal_decisions(void **state)
{
	static const char text[] = "{\"predictions\":[[0.1,0.7,0.2],[0.6,0.3,0.1]]}";
	struct comparer *c = with_options(NULL, "");
	struct buffer coded = { 0 };
	struct side plain = { 200, JSON, text }, gzip,
		    tensors = { 200, BINARY HEAD_A_LEN, BYTES_OF(BINARY_A F_0_1 F_0_7 F_0_2) };
	const struct comparison *got;

	assert_true(code_body(span_str(text), CODED_GZIP, &coded));
	gzip = (struct side){ 200, JSON "\ncontent-encoding: gzip", (char *)coded.bytes, coded.len };
	for (int i = 0; i < 4; i++) {
		got = run(c, i & 1 ? &gzip : &plain, i & 2 ? &gzip : &plain);
		expect("decisions", got, COMPARISON_EQUAL, NULL);
		assert_int_equal(got->findings.decisions_total, 2);
		assert_int_equal(got->findings.decisions_agree, 2);
		assert_string_equal(got->findings.decisions[0].shadow, "1");
		assert_string_equal(got->findings.decisions[1].production, "0");
	}
	got = run(c, &tensors, &tensors);
	assert_int_equal(got->findings.decisions_total, 1);
	assert_string_equal(got->findings.decisions[0].production, "1");
	assert_true(fabs(got->findings.decisions[0].shadow_score - 0.7) < 1e-6);
	buffer_deinit(&coded);
	comparer_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladder),	 cmocka_unit_test(test_bodies),	      cmocka_unit_test(test_generated),
		cmocka_unit_test(test_left_out), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_rules),	 cmocka_unit_test(test_bad_rules),    cmocka_unit_test(test_dresses),
		cmocka_unit_test(test_planted), cmocka_unit_test(test_tensor_decisions), cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_label_maps),	 cmocka_unit_test(test_output_order), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_limits),	 cmocka_unit_test(test_stream_times), cmocka_unit_test(test_equal_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
