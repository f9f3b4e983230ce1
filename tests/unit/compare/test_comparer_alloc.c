/*
 * test_comparer_alloc.c - let the n-th allocation fail, for every n
 *
 * The linker sends this program's allocations here (--wrap), but not those of
 * zlib and its like. A comparer is made whole or not at all; a pair for which
 * memory is not enough is not comparable, never equal, and the next one is
 * compared as if nothing had been.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "compare/comparer.h"
#include "tests/rig/coded.h"
#include "tests/rig/fail_alloc.h"
#include "tests/rig/protobuf_bytes.h"

#define DELTA(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define LONG	    "{\"a\":[1,2,3,4,5,6,7,8,9,10],\"b\":{\"c\":\"a\\u0062\",\"d\":[true,null]},\"e\":[[0.1,0.9],[0.8,0.2]]}"
#define OTHER	    "{\"e\":[[0.1,0.9],[0.2,0.8]],\"b\":{\"d\":[null],\"c\":\"ac\"},\"a\":[1,2,3,4,5,6,7,8,9,11]}"
#define NAME_40	    "a name of forty letters and no fewer ab"
#define V2(data)    "{\"outputs\":[{\"name\":\"p\",\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[" data "]}]}"
#define TENSOR(v)   "{\"outputs\":[{\"name\":\"p\",\"datatype\":\"INT8\",\"shape\":[1],\"parameters\":{\"binary_data_size\":1}}]}" v

static const struct {
	const char *type, *coding, *head_len, *production, *shadow;
} cases[] = {
	{ "application/json", "", "", LONG, OTHER },
	{ "application/json", "gzip", "", LONG, OTHER },
	{ "application/json", "", "", LONG, LONG },
	{ "text/event-stream", "", "", DELTA("a") DELTA("b"), DELTA("a") DELTA("c") },
	{ "text/event-stream", "", "", "data: 1\ndata: 2\n\ndata: 3\n\n", "data: 1\ndata: 2\n\ndata: 4\n\n" },
	{ "text/plain", "", "", "a", "b" },
	{ "image/png", "", "", "a", "b" },
	{ "", "", "92", TENSOR("\1"), TENSOR("\2") },
	/* decisions of every kind, and more findings than a first allocation holds */
	{ "application/json", "", "", "{\"predictions\":[[0.1,0.9],[0.8,0.2],[\"\\u0061\",\"b\"]]}",
	  "{\"predictions\":[[0.9,0.1],[0.8,0.3],[\"a\",\"c\"]]}" },
	{ "application/json", "", "", "{\"predictions\":[{\"label\":\"\\u0061\",\"score\":0.5}]}",
	  "{\"predictions\":[{\"score\":0.75,\"label\":\"a\\u0062\"}]}" },
	{ "application/json", "", "", V2("0.1,0.9,0.8,0.2"), V2("0.1,0.9,0.3,0.7") },
	{ "application/json", "", "", "{\"cat\":0.9,\"dog\":0.1}", "{\"dog\":0.75,\"cat\":0.25}" },
	{ "application/json", "", "", "{\"" NAME_40 "\":{\"" NAME_40 "\":[1,{\"" NAME_40 "\":[2,3]}]},\"q\":1,\"r\":\"x\",\"s\":{}}",
	  "{\"" NAME_40 "\":{\"" NAME_40 "\":[2,{\"" NAME_40 "\":[3,4]}]},\"q\":2,\"r\":\"y\",\"t\":{}}" },
	{ "application/json", "", "", "{\"x1\":[3,1,2,{\"a\":1}]}", "{\"x1\":[{\"a\":1.5},2,1,4]}" },
	{ "application/json", "", "", "{\"choices\":[{\"text\":\"a\"}]}", "{\"choices\":[{\"text\":\"b\"}]}" },
};

struct made {
	struct header headers[3];
	struct response response;
	struct buffer body;
};

static void make(struct made *m, size_t i, const char *text)
{
	*m = (struct made){ .headers = { { SPAN_LITERAL("content-type"), span_str(cases[i].type) },
					 { SPAN_LITERAL("content-encoding"), span_str(cases[i].coding) },
					 { SPAN_LITERAL("inference-header-content-length"), span_str(cases[i].head_len) } } };
	if (cases[i].coding[0])
		assert_true(code_body(span_str(text), CODED_GZIP, &m->body));
	else
		buffer_add_str(&m->body, text);
	m->response = (struct response){ .result = RESPONSE_WHOLE, .status_code = 200, .headers = m->headers,
					 .header_count = cases[i].head_len[0] ? 3 : 2,
					 .body = m->body.bytes, .body_len = m->body.len };
}

static struct comparer *made_comparer(int *err)
{
	static const char *const unordered[] = { "/x1" };
	struct compare_options options = { .rtol = 1e-5, .atol = 1e-8, .max_body = 1 << 20, .preset = "any",
					   .unordered = unordered, .unordered_count = 1,
					   .rules = SPAN_LITERAL("/x ignore\n/y/* exact\n"), .rules_name = "rules" };
	struct buffer error = { 0 };
	struct comparer *c = NULL;

	*err = comparer_new(&options, &c, &error);
	assert_true((*err == 0) == (c != NULL));
	buffer_deinit(&error);
	return c;
}

static void test_new(void **state)
{
	struct comparer *c = NULL;
	int err;

	for (long n = 0; !c; n++) {
		fail_at = n;
		c = made_comparer(&err);
		assert_true(err == 0 || err == -ENOMEM);
		fail_at = -1;
	}
	comparer_free(c);
}

static void test_run(void **state)
{
	static const struct message post = { .head = { .method = SPAN_LITERAL("POST") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum comparison_verdict right = COMPARISON_COUNT;
		uint64_t right_findings = 0, right_decisions = 0;
		struct made p, s;
		bool failed = true;
		long failures = 0;

		make(&p, i, cases[i].production);
		make(&s, i, cases[i].shadow);
		for (long n = 0; failed; n++) {
			struct pair pair = { &post, &p.response, &s.response, &answered };
			int err;
			struct comparer *c = made_comparer(&err);
			const struct comparison *got;

			fail_at = n;
			got = comparer_run(c, &pair);
			failed = fail_at < 0;
			fail_at = -1;
			if (failed && got->verdict == COMPARISON_NOT_COMPARABLE) {
				assert_string_equal(got->reason, "memory");
				failures++;
				got = comparer_run(c, &pair);
			}
			if (right == COMPARISON_COUNT) {
				right = got->verdict;
				right_findings = got->findings.count;
				right_decisions = got->findings.decisions_total;
			}
			if (got->verdict != right || right == COMPARISON_NOT_COMPARABLE ||
			    got->findings.count != right_findings || got->findings.decisions_total != right_decisions)
				fail_msg("case %zu, allocation %ld: %s, %s", i, n, comparison_name(got->verdict),
					 got->reason ? got->reason : "-");
			comparer_free(c);
		}
		assert_true(failures > 0 || i > 4);
		buffer_deinit(&p.body);
		buffer_deinit(&s.body);
	}
}

/* ---- calls of gRPC ---- */

/* an output of V2, and one of TensorFlow: raw or as values, which differ by @more */
static void add_v2(struct buffer *out, bool raw, uint64_t more)
{
	struct buffer output = { 0 }, inner = { 0 };

	pb_text(out, 3, "id");
	pb_text(&output, 1, "an output");
	pb_text(&output, 2, "INT32");
	pb_number(&output, 3, 1);
	if (!raw) {
		pb_number(&inner, 2, 4 + more);
		pb_message(&output, 5, &inner);
	}
	pb_message(out, 5, &output);
	if (raw) {
		pb_le(&inner, 4 + more, 4);
		pb_message(out, 6, &inner);
	}
	buffer_deinit(&output);
	buffer_deinit(&inner);
}

static void add_call(struct buffer *body, size_t kind, bool shadow)
{
	struct buffer m = { 0 }, inner = { 0 };
	uint8_t prefix[5] = { 0 };

	if (kind == 0) {
		add_v2(&m, shadow, shadow);
	} else if (kind == 1) {
		add_v2(&inner, shadow, shadow);
		pb_message(&m, 2, &inner);
	} else if (kind == 2) {
		pb_number(&m, 1, 1);
		pb_float(&m, 5, shadow ? 0.5f : 0.25f);
		pb_text(&inner, 1, "scores");
		pb_message(&inner, 2, &m);
		pb_message(&m, 1, &inner);
	} else if (kind == 3) {
		pb_text(&inner, 1, shadow ? "cat" : "dog");
		for (int level = 0; level < 2; level++) {
			pb_message(&m, 1, &inner);
			pb_message(&inner, 1, &m);
		}
		pb_message(&m, 1, &inner);
	} else {
		pb_text(&inner, 1, shadow ? "one" : "other");
		pb_number(&inner, 2, 300);
		pb_message(&m, 1, &inner);
		pb_bytes(&m, 2, SPAN_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
					     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
		pb_text(&inner, 1, "twice");
		pb_message(&m, 1, &inner);
	}
	prefix[4] = (uint8_t)m.len;
	buffer_add(body, prefix, sizeof(prefix));
	buffer_add_span(body, buffer_span(&m));
	buffer_deinit(&m);
	buffer_deinit(&inner);
}

static void test_grpc(void **state)
{
	static const char *const paths[] = { "/inference.GRPCInferenceService/ModelInfer",
					     "/inference.GRPCInferenceService/ModelStreamInfer",
					     "/tensorflow.serving.PredictionService/Predict",
					     "/tensorflow.serving.PredictionService/Classify", "/a.B/C" };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	static const struct header ok = { SPAN_LITERAL("grpc-status"), SPAN_LITERAL("0") };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct message request = { .head = { .target = span_str(paths[i]), .is_grpc = true } };
		struct buffer body[2] = { { 0 } };
		struct response r[2];
		bool failed = true;
		long failures = 0;

		for (int side = 0; side < 2; side++) {
			add_call(&body[side], i, side);
			r[side] = (struct response){ .result = RESPONSE_WHOLE, .status_code = 200,
						     .headers = &ok, .header_count = 1,
						     .body = body[side].bytes, .body_len = body[side].len };
		}
		for (long n = 0; failed; n++) {
			struct pair pair = { &request, &r[0], &r[1], &answered };
			const struct comparison *got;
			int err;
			struct comparer *c = made_comparer(&err);

			fail_at = n;
			got = comparer_run(c, &pair);
			failed = fail_at < 0;
			fail_at = -1;
			if (failed && got->verdict == COMPARISON_NOT_COMPARABLE) {
				assert_string_equal(got->reason, "memory");
				failures++;
				got = comparer_run(c, &pair);
			}
			if (!comparison_is_mismatch(got->verdict) || got->verdict == COMPARISON_ENCODING)
				fail_msg("call %zu, allocation %ld: %s, %s", i, n, comparison_name(got->verdict),
					 got->reason ? got->reason : "-");
			comparer_free(c);
		}
		assert_true(failures > 0);
		buffer_deinit(&body[0]);
		buffer_deinit(&body[1]);
	}
}

/* a file of --proto with two messages, of which one has the other */
static void test_types(void **state)
{
	struct buffer set = { 0 }, file = { 0 }, message = { 0 }, part = { 0 }, error = { 0 };
	struct proto_set *s = NULL;

	(void)state;
	pb_text(&file, 2, "p");
	pb_text(&message, 1, "A");
	pb_text(&part, 1, "b");
	pb_number(&part, 3, 1);
	pb_number(&part, 5, PROTO_KIND_MESSAGE);
	pb_text(&part, 6, ".p.A");
	pb_message(&message, 2, &part);
	pb_message(&file, 4, &message);
	pb_text(&message, 1, "S");
	pb_text(&part, 1, "M");
	pb_text(&part, 3, ".p.A");
	pb_message(&message, 2, &part);
	pb_message(&file, 6, &message);
	pb_message(&set, 1, &file);
	for (long n = 0; !s; n++) {
		const struct proto_file from = { buffer_span(&set), "types" };
		int err;

		fail_at = n;
		err = proto_set_new(&from, 1, &s, &error);
		fail_at = -1;
		assert_true(s ? err == 0 : err == -ENOMEM);
	}
	assert_non_null(proto_set_response(s, SPAN_LITERAL("p.S"), SPAN_LITERAL("M")));
	proto_set_free(s);
	buffer_deinit(&set);
	buffer_deinit(&file);
	buffer_deinit(&message);
	buffer_deinit(&part);
	buffer_deinit(&error);
}

/* What a large pair took is given back; what small ones take stays, and suffices. */
static void test_rest(void **state)
{
	static const struct message post = { .head = { .method = SPAN_LITERAL("POST") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	struct header json = { SPAN_LITERAL("content-type"), SPAN_LITERAL("application/json") };
	struct buffer body[2] = { { 0 } };
	size_t before = 0, now;
	int err;
	struct comparer *c = made_comparer(&err);

	for (int round = 0; round < 4; round++) {
		struct response r[2];
		struct pair pair = { &post, &r[0], &r[1], &answered };
		bool large = round & 1;

		for (int side = 0; side < 2; side++) {
			buffer_clear(&body[side]);
			buffer_add_str(&body[side], "{\"predictions\":[");
			for (int i = 0; i < (large ? 60000 : 10); i++)
				buffer_printf(&body[side], "[0.%d,0.5],", 1 + (i + side) % 9);
			buffer_add_str(&body[side], "[1]]}");
			r[side] = (struct response){ .result = RESPONSE_WHOLE, .status_code = 200,
						     .headers = &json, .header_count = 1,
						     .body = body[side].bytes, .body_len = body[side].len };
		}
		if (large)
			assert_true(body[0].len > COMPARER_KEPT_BODY && body[0].len < 1 << 20);
		assert_int_equal(comparer_run(c, &pair)->verdict, COMPARISON_DECISION);
		comparer_rest(c);
		buffer_deinit(&body[0]);
		buffer_deinit(&body[1]);
		now = mallinfo2().uordblks + mallinfo2().hblkhd;
		if (round == 0)
			before = now;
		if (now > before + 4096)
			fail_msg("round %d: %zu bytes, %zu before", round, now, before);
	}
	comparer_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_run), cmocka_unit_test(test_grpc), cmocka_unit_test(test_types),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
