/*
 * test_grpc_compare.c - which verdict two responses to a call of gRPC get
 *
 * Statuses; tensors in all encodings that python-protobuf gives them (tests/data/protobuf/tensors.txt);
 * messages of known and unknown types; streams; what is compressed, damaged or made to be large.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/comparer.h"
#include "compare/grpc/protobuf.h"
#include "tests/rig/coded.h"
#include "tests/rig/protobuf_bytes.h"

#define MAX_BODY (1 << 20)
#define INFER "/inference.GRPCInferenceService/ModelInfer"
#define STREAM "/inference.GRPCInferenceService/ModelStreamInfer"
#define PREDICT "/tensorflow.serving.PredictionService/Predict"
#define CLASSIFY "/tensorflow.serving.PredictionService/Classify"
#define OTHER "/test.Models/Ask"

/* ---- pairs ---- */

/** struct half - a response: fields as "name: value\n" */
struct half {
	int status;
	const char *headers, *trailers;
	struct buffer body;
	bool is_part;
	struct arrival arrivals[4];
	size_t arrival_count;
};

static struct half halves[2]; /* of the pair that is being made */

static void begin(void)
{
	for (int i = 0; i < 2; i++) {
		buffer_clear(&halves[i].body);
		halves[i].status = 200;
		halves[i].headers = "content-type: application/grpc\n";
		halves[i].trailers = "grpc-status: 0\n";
		halves[i].is_part = false;
		halves[i].arrival_count = 0;
	}
}

/* one message more; @message is empty again */
static void put(int side, struct buffer *message, bool compressed)
{
	struct buffer *out = &halves[side].body;
	uint32_t len = (uint32_t)message->len;
	uint8_t prefix[5] = { compressed, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };

	buffer_add(out, prefix, sizeof(prefix));
	buffer_add_span(out, buffer_span(message));
	buffer_clear(message);
}

static size_t fields_of(const char *text, struct header *out)
{
	size_t count = 0;

	while (*text) {
		size_t name = strcspn(text, ":"), line = strcspn(text, "\n");

		out[count].name = span_of(text, name);
		out[count++].value = span_of(text + name + 2, line - name - 2);
		text += line + 1;
	}
	return count;
}

static const struct comparison *run(struct comparer *c, const char *path)
{
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	static struct header fields[4][8];
	struct message request = { .head = { .method = SPAN_LITERAL("POST"), .target = span_str(path), .is_grpc = true } };
	struct response r[2];
	struct pair pair = { &request, &r[0], &r[1], &answered };

	for (int i = 0; i < 2; i++) {
		r[i] = (struct response){
			.result = RESPONSE_WHOLE,
			.status_code = halves[i].status,
			.headers = fields[i],
			.header_count = fields_of(halves[i].headers, fields[i]),
			.trailers = fields[2 + i],
			.trailer_count = fields_of(halves[i].trailers, fields[2 + i]),
			.is_part = halves[i].is_part,
			.body = halves[i].body.bytes,
			.body_len = halves[i].body.len,
			.arrivals = halves[i].arrivals,
			.arrival_count = halves[i].arrival_count,
		};
	}
	return comparer_run(c, &pair);
}

static struct comparer *with_options(struct compare_options options)
{
	struct buffer error = { 0 };
	struct comparer *c = NULL;

	options.rtol = 1e-5;
	options.atol = 1e-8;
	options.max_body = options.max_body ? options.max_body : MAX_BODY;
	options.rules_name = "rules";
	if (comparer_new(&options, &c, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return c;
}

static struct comparer *with_rules(const char *rules)
{
	return with_options((struct compare_options){ .rules = span_str(rules) });
}

static void expect(const char *name, const struct comparison *got, enum comparison_verdict verdict, const char *reason)
{
	if (got->verdict == verdict && (got->reason == NULL) == (reason == NULL) && (!reason || strcmp(got->reason, reason) == 0))
		return;
	fail_msg("%s: %s %s; %s %s", name, comparison_name(got->verdict), got->reason ? got->reason : "-",
		 got->findings.count ? got->findings.at[0].path : "", got->findings.count ? got->findings.at[0].shadow : "");
}

static const struct finding *found(const struct comparison *c, const char *pattern)
{
	for (size_t i = 0; i < c->findings.count; i++)
		if (strcmp(c->findings.at[i].pattern, pattern) == 0)
			return &c->findings.at[i];
	fail_msg("nothing at %s", pattern);
	return NULL;
}

/* ---- statuses ---- */

static const struct {
	const char *name;
	struct half production, shadow; /* without bodies */
	enum comparison_verdict verdict;
	const char *reason;
} statuses[] = {
	{ "both OK", { .trailers = "grpc-status: 0\n" }, { .trailers = "grpc-status: 0\n" }, COMPARISON_EQUAL, NULL },
	{ "OK and another",
	  { .trailers = "grpc-status: 0\n" },
	  { .trailers = "grpc-status: 14\n" },
	  COMPARISON_STATUS,
	  "grpc" },
	{ "the same error, in other words",
	  { .trailers = "grpc-status: 3\ngrpc-message: no such input\n" },
	  { .trailers = "grpc-status: 3\ngrpc-message: what input\n" },
	  COMPARISON_CLOSE,
	  "ignored" },
	{ "in headers (Trailers-Only) and in trailers",
	  { .headers = "grpc-status: 5\n" },
	  { .trailers = "grpc-status: 5\n" },
	  COMPARISON_EQUAL,
	  NULL },
	{ "in both places the trailers win",
	  { .headers = "grpc-status: 0\n", .trailers = "grpc-status: 5\n" },
	  { .trailers = "grpc-status: 5\n" },
	  COMPARISON_EQUAL,
	  NULL },
	{ "not seen", { .is_part = true }, { .trailers = "grpc-status: 0\n" }, COMPARISON_NOT_COMPARABLE, "status_unseen" },
	{ "seen, though other fields were not",
	  { .trailers = "grpc-status: 0\n", .is_part = true },
	  { .trailers = "grpc-status: 0\n" },
	  COMPARISON_EQUAL,
	  NULL },
	{ "none, in a response that is whole: UNKNOWN", { 0 }, { .trailers = "grpc-status: 2\n" }, COMPARISON_EQUAL, NULL },
	{ "none, of HTTP 503: UNAVAILABLE", { .status = 503 }, { .trailers = "grpc-status: 14\n" }, COMPARISON_EQUAL, NULL },
	{ "no number: UNKNOWN", { .trailers = "grpc-status: x\n" }, { .trailers = "grpc-status: 2\n" }, COMPARISON_EQUAL, NULL },
	{ "HTTP 404 and OK", { .trailers = "grpc-status: 0\n" }, { .status = 404 }, COMPARISON_STATUS, "grpc" },
};

static void statuses_come_first(void **state)
{
	struct comparer *c = with_rules("");

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		begin();
		for (int side = 0; side < 2; side++) {
			const struct half *h = side ? &statuses[i].shadow : &statuses[i].production;

			halves[side].status = h->status ? h->status : 200;
			halves[side].headers = h->headers ? h->headers : "";
			halves[side].trailers = h->trailers ? h->trailers : "";
			halves[side].is_part = h->is_part;
		}
		expect(statuses[i].name, run(c, INFER), statuses[i].verdict, statuses[i].reason);
	}
	begin();
	halves[0].trailers = "grpc-status: 3\ngrpc-message: no such input\n";
	halves[1].trailers = "grpc-status: 3\ngrpc-message: what\n";
	assert_string_equal(found(run(c, INFER), "/grpc-status")->production, "INVALID_ARGUMENT: no such input");
	comparer_free(c);
}

/* ---- vectors ---- */

static bool is_as_said(const struct comparison *c, const char *word)
{
	if (strcmp(word, "different") == 0)
		return comparison_is_mismatch(c->verdict) && c->verdict != COMPARISON_SCHEMA && c->verdict != COMPARISON_ENCODING;
	return strcmp(comparison_name(c->verdict), word) == 0;
}

static void tensors_are_the_same_in_every_encoding(void **state)
{
	FILE *in = fopen(PROTOBUF_VECTORS "/tensors.txt", "r");
	char *line = NULL, path[80], word[20], name[80];
	struct comparer *c = with_rules("");
	struct buffer message = { 0 };
	unsigned pairs = 0;
	size_t cap = 0;

	(void)state;
	assert_non_null(in);
	while (getline(&line, &cap, in) > 0) {
		if (strncmp(line, "pair ", 5) == 0) {
			begin();
			assert_int_equal(sscanf(line, "pair %79s %19s %79[^\n]", path, word, name), 3);
			continue;
		}
		pb_hex(&message, strchr(line, ' ') + 1);
		put(line[0] == 's', &message, false);
		if (line[0] == 's') {
			const struct comparison *got = run(c, path);

			pairs++;
			if (!is_as_said(got, word))
				fail_msg("%s: %s %s, not %s", name, comparison_name(got->verdict),
					 got->findings.count ? got->findings.at[0].path : "", word);
			assert_int_equal(got->kind, BODY_TENSORS);
		}
	}
	assert_int_equal(pairs, 162);
	buffer_deinit(&message);
	comparer_free(c);
	free(line);
	fclose(in);
}

/* @message with its fields in another order: those of the highest number first; of one number as they were */
static void reordered(struct span message, struct buffer *out)
{
	for (uint32_t number = 32; number-- > 0;) {
		struct span in = message, before = message;
		struct proto_field f;

		while (proto_next(&in, &f) > 0) {
			if (f.number == number)
				buffer_add(out, before.at, before.len - in.len);
			before = in;
		}
	}
}

static void the_order_of_fields_is_no_difference(void **state)
{
	FILE *in = fopen(PROTOBUF_VECTORS "/tensors.txt", "r");
	struct buffer message = { 0 }, other = { 0 };
	char *line = NULL, path[80], word[20];
	struct comparer *c = with_rules("");
	unsigned messages = 0;
	size_t cap = 0;

	(void)state;
	assert_non_null(in);
	while (getline(&line, &cap, in) > 0) {
		if (strncmp(line, "pair ", 5) == 0)
			assert_int_equal(sscanf(line, "pair %79s %19s", path, word), 2);
		if (strncmp(line, "production ", 11) != 0)
			continue;
		begin();
		pb_hex(&message, strchr(line, ' ') + 1);
		reordered(buffer_span(&message), &other);
		assert_int_equal(other.len, message.len);
		put(0, &message, false);
		put(1, &other, false);
		expect(line, run(c, path), COMPARISON_EQUAL, NULL);
		messages++;
	}
	assert_int_equal(messages, 162);
	buffer_deinit(&message);
	buffer_deinit(&other);
	comparer_free(c);
	free(line);
	fclose(in);
}

/* ---- ModelInfer ---- */

/* a ModelInferResponse with one output of two floats, raw */
static void infer(struct buffer *out, const char *id, float a, float b)
{
	struct buffer output = { 0 }, raw = { 0 };

	pb_text(out, 1, "model");
	pb_text(out, 3, id);
	pb_text(&output, 1, "scores");
	pb_text(&output, 2, "FP32");
	pb_number(&output, 3, 2);
	pb_message(out, 5, &output);
	pb_le(&raw, pb_float_bits(a), 4);
	pb_le(&raw, pb_float_bits(b), 4);
	pb_message(out, 6, &raw);
	buffer_deinit(&output);
	buffer_deinit(&raw);
}

static void both(float a, float b)
{
	struct buffer m = { 0 };

	begin();
	infer(&m, "1", 0.25f, 0.75f);
	put(0, &m, false);
	infer(&m, "1", a, b);
	put(1, &m, false);
	buffer_deinit(&m);
}

static void rules_hold_by_the_names_of_fields(void **state)
{
	struct comparer *c = with_rules(""), *ignoring = with_rules("/outputs/0/data/1 ignore\n"),
			*tolerant = with_rules("/outputs/*/data num atol=0.2\n");
	const struct comparison *got;

	(void)state;
	both(0.25f, 0.75f);
	expect("the same", run(c, INFER), COMPARISON_EQUAL, NULL);
	both(0.25f, 0.7500001f);
	expect("close", run(c, INFER), COMPARISON_CLOSE, NULL);
	both(0.25f, 0.85f);
	got = run(c, INFER);
	expect("a value", got, COMPARISON_VALUE, NULL);
	assert_string_equal(found(got, "/outputs/*/data/*")->path, "/outputs/0/data/1");
	assert_string_equal(found(got, "/outputs/*/data/*")->shadow, "0.850000024");
	expect("ignored", run(ignoring, INFER), COMPARISON_CLOSE, "ignored");
	expect("within what a rule allows", run(tolerant, INFER), COMPARISON_CLOSE, NULL);
	both(0.75f, 0.25f);
	expect("another arg-max", run(c, INFER), COMPARISON_DECISION, NULL);
	comparer_free(c);
	comparer_free(ignoring);
	comparer_free(tolerant);
}

static void parameters_are_compared(void **state)
{
	struct buffer m = { 0 }, entry = { 0 }, value = { 0 };
	struct comparer *c = with_rules("");
	const struct comparison *got;

	(void)state;
	begin();
	for (int side = 0; side < 2; side++) {
		infer(&m, "", 0, 1);
		pb_number(&value, 2, side ? 5 : 6);
		pb_text(&entry, 1, "steps");
		pb_message(&entry, 2, &value);
		pb_message(&m, 4, &entry);
		put(side, &m, false);
	}
	got = run(c, INFER);
	expect("parameter", got, COMPARISON_VALUE, NULL);
	assert_string_equal(found(got, "/parameters/steps")->production, "6");
	comparer_free(c);
	buffer_deinit(&m);
	buffer_deinit(&entry);
	buffer_deinit(&value);
}

/** what one response cannot say of its outputs; as hexadecimal digits of a ModelInferResponse */
static const struct {
	const char *name, *hex;
	enum comparison_verdict verdict;
	const char *reason;
} broken[] = {
	{ "raw data of three bytes", "2a0c0a01611204465033321a0101"
				     "3203000000",
	  COMPARISON_ENCODING, "not_tensors" },
	{ "no raw data for the second output", "2a0c0a01611204465033321a0101"
					       "2a0c0a01621204465033321a0101"
					       "320400000000",
	  COMPARISON_ENCODING, "not_tensors" },
	{ "more raw data than outputs", "2a0c0a01611204465033321a0101"
					"320400000000"
					"320400000000",
	  COMPARISON_ENCODING,
	  "not_tensors" },
	{ "raw and typed", "2a140a01611204465033321a01012a06320400000000"
			   "320400000000",
	  COMPARISON_ENCODING, "not_tensors" },
	{ "contents of another type", "2a100a01611204465033321a01012a0208"
				      "01",
	  COMPARISON_ENCODING, "not_tensors" },
	{ "an unknown datatype", "2a0b0a016112034650391a0101"
				 "320400000000",
	  COMPARISON_ENCODING, "not_tensors" },
	{ "a length of 2^32 - 1", "2affffffff0f00", COMPARISON_ENCODING, "not_protobuf" },
	{ "cut", "2a0b0a0161", COMPARISON_ENCODING, "not_protobuf" },
	{ "BYTES whose length leads out of them", "2a0d0a0161120542595445531a0101"
						  "320401000000",
	  COMPARISON_ENCODING,
	  "not_tensors" },
};

static void what_is_broken_on_one_side_is_another_encoding(void **state)
{
	struct comparer *c = with_rules("");
	struct buffer m = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		begin();
		infer(&m, "", 0, 1);
		put(0, &m, false);
		pb_hex(&m, broken[i].hex);
		put(1, &m, false);
		expect(broken[i].name, run(c, INFER), broken[i].verdict, broken[i].reason);
	}
	/* with a datatype that neither side can be read with, it is compared by the wire */
	begin();
	for (int side = 0; side < 2; side++) {
		pb_hex(&m, "2a0b0a016112034650391a0101320400000000");
		put(side, &m, false);
	}
	expect("FP9 on both sides", run(c, INFER), COMPARISON_EQUAL, NULL);
	buffer_clear(&halves[1].body);
	pb_hex(&m, "2a0b0a016112034650391a0101320400000001");
	put(1, &m, false);
	expect("other bytes of FP9", run(c, INFER), COMPARISON_VALUE, NULL);
	comparer_free(c);
	buffer_deinit(&m);
}

/* ---- TensorFlow Serving ---- */

static void output_of(struct buffer *predict, const char *name, float x)
{
	struct buffer entry = { 0 }, tensor = { 0 };

	pb_number(&tensor, 1, 1);
	pb_float(&tensor, 5, x);
	pb_text(&entry, 1, name);
	pb_message(&entry, 2, &tensor);
	pb_message(predict, 1, &entry);
	buffer_deinit(&entry);
	buffer_deinit(&tensor);
}

static void outputs_of_predict_are_found_by_name(void **state)
{
	struct comparer *c = with_rules(""), *ignoring = with_rules("/outputs/b ignore\n");
	const struct comparison *got;
	struct buffer m = { 0 };

	(void)state;
	begin();
	output_of(&m, "a", 1);
	output_of(&m, "b", 2);
	put(0, &m, false);
	output_of(&m, "b", 2);
	output_of(&m, "a", 1);
	put(1, &m, false);
	expect("another order", run(c, PREDICT), COMPARISON_EQUAL, NULL);
	buffer_clear(&halves[1].body);
	output_of(&m, "b", 3);
	output_of(&m, "a", 7);
	output_of(&m, "a", 1); /* the later counts */
	put(1, &m, false);
	got = run(c, PREDICT);
	expect("a value", got, COMPARISON_VALUE, NULL);
	assert_string_equal(found(got, "/outputs/b/data/*")->shadow, "3");
	assert_int_equal(got->findings.count, 1);
	expect("ignored by name", run(ignoring, PREDICT), COMPARISON_CLOSE, "ignored");
	buffer_clear(&halves[1].body);
	output_of(&m, "a", 1);
	put(1, &m, false);
	got = run(c, PREDICT);
	expect("one is missing", got, COMPARISON_SCHEMA, NULL);
	found(got, "/outputs/b");
	comparer_free(c);
	comparer_free(ignoring);
	buffer_deinit(&m);
}

static void a_shape_is_only_a_claim(void **state)
{
	struct buffer m = { 0 }, entry = { 0 }, tensor = { 0 }, shape = { 0 }, dim = { 0 };
	struct comparer *c = with_rules("");

	(void)state;
	begin();
	for (int side = 0; side < 2; side++) {
		pb_number(&dim, 1, UINT64_C(1) << 40);
		pb_message(&shape, 2, &dim);
		pb_number(&tensor, 1, 1);
		pb_message(&tensor, 2, &shape);
		pb_float(&tensor, 5, 1);
		pb_text(&entry, 1, "large");
		pb_message(&entry, 2, &tensor);
		pb_message(&m, 1, &entry);
		put(side, &m, false);
	}
	expect("a tera of one value", run(c, PREDICT), COMPARISON_NOT_COMPARABLE, "too_large");
	comparer_free(c);
	buffer_deinit(&m);
	buffer_deinit(&entry);
	buffer_deinit(&tensor);
	buffer_deinit(&shape);
	buffer_deinit(&dim);
}

static void a_class(struct buffer *out, const char *label, float score)
{
	struct buffer class = { 0 };

	pb_text(&class, 1, label);
	pb_float(&class, 2, score);
	pb_message(out, 1, &class);
	buffer_deinit(&class);
}

static void classes_have_labels_and_scores(void **state)
{
	struct buffer m = { 0 }, classes = { 0 }, result = { 0 };
	struct comparer *c = with_rules("");
	const struct comparison *got;

	(void)state;
	begin();
	for (int side = 0; side < 2; side++) {
		a_class(&classes, "cat", 0.9f);
		a_class(&classes, "dog", side ? 0.2f : 0.1f);
		pb_message(&result, 1, &classes);
		pb_message(&m, 1, &result);
		put(side, &m, false);
	}
	got = run(c, CLASSIFY);
	expect("a score", got, COMPARISON_VALUE, NULL);
	assert_string_equal(found(got, "/result/classifications/*/classes/*/score")->path,
			    "/result/classifications/0/classes/1/score");
	assert_int_equal(got->kind, BODY_PROTOBUF);
	assert_int_equal(got->findings.decisions_total, 1);
	buffer_clear(&halves[1].body);
	a_class(&classes, "cat", 0.2f);
	a_class(&classes, "dog", 0.8f);
	pb_message(&result, 1, &classes);
	pb_message(&m, 1, &result);
	put(1, &m, false);
	got = run(c, CLASSIFY);
	expect("another class", got, COMPARISON_DECISION, NULL);
	assert_string_equal(found(got, "/result/classifications/*/classes")->shadow, "dog");
	comparer_free(c);
	buffer_deinit(&m);
	buffer_deinit(&classes);
	buffer_deinit(&result);
}

/* ---- other types ---- */

/* the first line of tests/data/protobuf/messages.txt */
static void read_set(struct buffer *out)
{
	FILE *in = fopen(PROTOBUF_VECTORS "/messages.txt", "r");
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(in);
	assert_true(getline(&line, &cap, in) > 0);
	pb_hex(out, line + 4);
	free(line);
	fclose(in);
}

static void names_come_from_proto(void **state)
{
	struct buffer set = { 0 }, m = { 0 }, inner = { 0 };
	struct proto_file file = { .name = "types.pb" };
	const struct comparison *got;
	struct comparer *plain = with_rules("/200/1 ignore\n"), *named;

	(void)state;
	read_set(&set);
	file.bytes = buffer_span(&set);
	named = with_options((struct compare_options){ .protos = &file, .proto_count = 1 });
	begin();
	for (int side = 0; side < 2; side++) {
		pb_text(&inner, 1, side ? "\xc3\xa9t\xc3\xa9" : "word");
		pb_number(&inner, 2, 300);
		pb_message(&m, 200, &inner);
		put(side, &m, false);
	}
	got = run(named, OTHER);
	expect("with names", got, COMPARISON_VALUE, NULL);
	assert_string_equal(found(got, "/inner/word")->production, "word");
	got = run(plain, OTHER);
	expect("by numbers", got, COMPARISON_CLOSE, "ignored");
	assert_string_equal(found(got, "/200/1")->path, "/200/1");
	comparer_free(plain);
	comparer_free(named);
	buffer_deinit(&set);
	buffer_deinit(&m);
	buffer_deinit(&inner);
}

static void what_only_looks_like_numbers_is_never_close(void **state)
{
	struct buffer m = { 0 }, inner = { 0 };
	struct comparer *c = with_rules("");

	(void)state;
	begin();
	for (int side = 0; side < 2; side++) {
		pb_float(&m, 1, side ? 0.5f : 0.50000006f);
		put(side, &m, false);
	}
	expect("a field of the message", run(c, OTHER), COMPARISON_CLOSE, NULL);
	begin();
	for (int side = 0; side < 2; side++) {
		pb_float(&inner, 1, side ? 0.5f : 0.50000006f);
		pb_message(&m, 1, &inner);
		put(side, &m, false);
	}
	expect("a field of what may be a message", run(c, OTHER), COMPARISON_VALUE, NULL);
	comparer_free(c);
	buffer_deinit(&m);
	buffer_deinit(&inner);
}

/* ---- streams ---- */

/* a ModelStreamInferResponse; "!text": an error; "$": Triton's empty final response; else id and a value */
static void stream_message(int side, const char *what)
{
	struct buffer m = { 0 }, response = { 0 }, entry = { 0 }, value = { 0 };

	if (what[0] == '!') {
		pb_text(&m, 1, what + 1);
	} else if (what[0] == '$') {
		pb_number(&value, 1, 1);
		pb_text(&entry, 1, "triton_final_response");
		pb_message(&entry, 2, &value);
		pb_message(&response, 4, &entry);
		pb_message(&m, 2, &response);
	} else {
		char id[2] = { what[0] == '-' ? '\0' : what[0], '\0' };

		infer(&response, id, (float)(what[1] - '0'), 100);
		pb_message(&m, 2, &response);
	}
	put(side, &m, false);
	buffer_deinit(&m);
	buffer_deinit(&response);
	buffer_deinit(&entry);
	buffer_deinit(&value);
}

static const struct {
	const char *name, *production, *shadow; /* messages with blanks between them */
	enum comparison_verdict verdict;
	const char *reason;
} streams[] = {
	{ "the same", "a1 a2 b1", "a1 a2 b1", COMPARISON_EQUAL, NULL },
	{ "requests overlap otherwise", "a1 a2 b1", "b1 a1 a2", COMPARISON_EQUAL, NULL },
	{ "of one request in another order", "a1 a2", "a2 a1", COMPARISON_VALUE, NULL },
	{ "without ids in another order", "-1 -2", "-2 -1", COMPARISON_VALUE, NULL },
	{ "one more", "a1", "a1 a2", COMPARISON_SCHEMA, "length" },
	{ "one less", "a1 b1", "b1", COMPARISON_SCHEMA, "length" },
	{ "none", "a1", "", COMPARISON_SCHEMA, "length" },
	{ "an id of its own on each side", "a1 b2", "c1 d2", COMPARISON_VALUE, NULL },
	{ "the end is told on one side", "a1", "a1 $", COMPARISON_EQUAL, NULL },
	{ "nothing but the end", "$", "", COMPARISON_EQUAL, NULL },
	{ "the shadow says that it failed", "a1", "a1 !no", COMPARISON_ERROR, "error_event" },
	{ "production says so", "a1 !no", "a1", COMPARISON_STATUS, "error_event" },
	{ "both do, in other words", "a1 !no", "a1 !out-of-memory", COMPARISON_EQUAL, NULL },
};

static void put_stream(int side, const char *messages)
{
	char word[32];

	while (sscanf(messages, "%31s", word) == 1) {
		stream_message(side, word);
		messages += strlen(word);
		messages += *messages == ' ';
	}
}

static void messages_of_a_stream_are_paired(void **state)
{
	struct comparer *c = with_rules("");

	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		begin();
		put_stream(0, streams[i].production);
		put_stream(1, streams[i].shadow);
		expect(streams[i].name, run(c, STREAM), streams[i].verdict, streams[i].reason);
	}
	begin();
	put_stream(0, "a1 a2 a3");
	put_stream(1, "a1");
	assert_string_equal(found(run(c, STREAM), "")->production, "3 messages");
	assert_string_equal(found(run(c, STREAM), "")->shadow, "1 message");
	comparer_free(c);
}

/** arrive() - what of @side is here came by @us, from the end of what had come before */
static void arrive(int side, uint64_t from, int64_t us)
{
	halves[side].arrivals[halves[side].arrival_count++] = (struct arrival){ from, us };
}

static void times_are_those_of_messages(void **state)
{
	struct comparer *c = with_rules("");
	const struct comparison *got;

	(void)state;
	begin();
	put_stream(0, "a1");
	arrive(0, 0, 100);
	arrive(0, halves[0].body.len, 700); /* it comes in two pieces: */
	put_stream(0, "a2");
	arrive(0, halves[0].body.len - 1, 750); /* its last byte counts */
	put_stream(0, "a3");
	put_stream(1, "a1 a2 a3");
	arrive(1, 0, 900);
	got = run(c, STREAM);
	expect("times", got, COMPARISON_EQUAL, NULL);
	assert_int_equal(got->production_stream.events, 3);
	assert_int_equal(got->production_stream.tokens, 3);
	assert_int_equal(got->production_stream.first_token_us, 100);
	assert_int_equal(got->production_stream.gap_count, 2);
	assert_int_equal(got->production_stream.gaps_us[0], 650);
	assert_int_equal(got->production_stream.gaps_us[1], 0);
	assert_int_equal(got->shadow_stream.first_token_us, 900);
	assert_int_equal(got->shadow_stream.gap_count, 2);
	assert_int_equal(got->shadow_stream.gaps_us[1], 0);
	begin();
	put_stream(0, "a1 a2");
	put_stream(1, "a1");
	arrive(1, 0, 5);
	got = run(c, STREAM); /* of production's nothing is known but that they came */
	assert_int_equal(got->production_stream.events, 2);
	assert_int_equal(got->production_stream.first_token_us, -1);
	assert_int_equal(got->production_stream.gap_count, 0);
	assert_int_equal(got->shadow_stream.events, 1);
	assert_int_equal(got->shadow_stream.first_token_us, 5);
	begin();
	for (int i = 0; i < 2; i++) { /* one message on both sides is no stream */
		put_stream(i, "a1");
		arrive(i, 0, 5);
	}
	assert_int_equal(run(c, STREAM)->production_stream.events, 0);
	comparer_free(c);
}

/* ---- compressed and damaged ---- */

static void messages_are_unfolded(void **state)
{
	struct comparer *c = with_rules(""), *small = with_options((struct compare_options){ .max_body = 5000 });
	struct buffer m = { 0 }, folded = { 0 };

	(void)state;
	begin();
	infer(&m, "", 0, 1);
	assert_true(code_body(buffer_span(&m), CODED_GZIP, &folded));
	put(1, &folded, true);
	put(0, &m, false);
	halves[1].headers = "grpc-encoding: gzip\n";
	expect("gzip on one side", run(c, INFER), COMPARISON_EQUAL, NULL);
	halves[1].headers = "grpc-encoding: snappy\n";
	expect("an unknown encoding", run(c, INFER), COMPARISON_NOT_COMPARABLE, "unknown_coding");
	halves[1].headers = "";
	expect("an encoding that is not named", run(c, INFER), COMPARISON_NOT_COMPARABLE, "unknown_coding");
	halves[1].headers = "grpc-encoding: gzip\n";
	halves[1].body.bytes[30] ^= 0xff;
	expect("damaged", run(c, INFER), COMPARISON_ENCODING, "damaged");

	begin(); /* each of them fits, all together do not */
	halves[1].headers = "grpc-encoding: gzip\n";
	for (int i = 0; i < 3; i++) {
		buffer_reserve(&m, 2000);
		memset(m.bytes, 0, 2000);
		m.len = 2000;
		assert_true(code_body(buffer_span(&m), CODED_GZIP, &folded));
		put(1, &folded, true);
	}
	buffer_clear(&m);
	put(0, &m, false);
	expect("three small bombs", run(small, OTHER), COMPARISON_NOT_COMPARABLE, "shadow_too_large");
	comparer_free(c);
	comparer_free(small);
	buffer_deinit(&m);
	buffer_deinit(&folded);
}

static void frames_have_to_be_whole(void **state)
{
	struct comparer *c = with_rules("");
	struct buffer m = { 0 };

	(void)state;
	both(0.25f, 0.75f);
	halves[1].body.len--;
	expect("cut", run(c, INFER), COMPARISON_ENCODING, "damaged");
	both(0.25f, 0.75f);
	halves[1].body.bytes[0] = 2;
	expect("a flag that is neither 0 nor 1", run(c, INFER), COMPARISON_ENCODING, "damaged");
	halves[0].body.len = 3;
	expect("both", run(c, INFER), COMPARISON_NOT_COMPARABLE, "damaged");
	begin();
	put(0, &m, false);
	put(1, &m, false);
	expect("empty messages", run(c, OTHER), COMPARISON_EQUAL, NULL);
	comparer_free(c);
	buffer_deinit(&m);
}

static void little_memory_makes_pairs_too_large(void **state)
{
	struct comparer *c = with_options((struct compare_options){ .memory = 60000 });
	struct buffer m = { 0 };

	(void)state;
	begin();
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 30000; i++)
			pb_number(&m, 1, 1);
		put(side, &m, false);
	}
	expect("many small values", run(c, OTHER), COMPARISON_NOT_COMPARABLE, "too_large");
	both(0.25f, 0.75f);
	expect("the next pair", run(c, INFER), COMPARISON_EQUAL, NULL);
	comparer_free(c);
	buffer_deinit(&m);
}

/* A rule for an output as a whole holds for raw contents as it does for JSON. */
static void outputs_are_compared_as_a_whole(void **state)
{
	struct comparer *cosine = with_rules("/outputs/*/data cosine\n"), *regression = with_rules("/outputs/*/data regression rtol=0.1\n");

	(void)state;
	both(0.25f, 0.76f);
	expect("nearly the same direction", run(cosine, INFER), COMPARISON_CLOSE, "cosine");
	expect("nearly the same numbers", run(regression, INFER), COMPARISON_CLOSE, "regression");
	both(0.75f, 0.25f);
	expect("another direction", run(cosine, INFER), COMPARISON_VALUE, "cosine");
	expect("other numbers", run(regression, INFER), COMPARISON_VALUE, "regression");
	assert_int_equal(run(regression, INFER)->findings.decisions_total, 2);
	both(0.25f, 0.75f);
	assert_int_equal(run(cosine, INFER)->findings.decisions_agree, 1);
	comparer_free(cosine);
	comparer_free(regression);
}

static int teardown(void **state)
{
	(void)state;
	buffer_deinit(&halves[0].body);
	buffer_deinit(&halves[1].body);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_come_first),
		cmocka_unit_test(tensors_are_the_same_in_every_encoding),
		cmocka_unit_test(the_order_of_fields_is_no_difference),
		cmocka_unit_test(rules_hold_by_the_names_of_fields),
		cmocka_unit_test(parameters_are_compared),
		cmocka_unit_test(what_is_broken_on_one_side_is_another_encoding),
		cmocka_unit_test(outputs_of_predict_are_found_by_name),
		cmocka_unit_test(a_shape_is_only_a_claim),
		cmocka_unit_test(classes_have_labels_and_scores),
		cmocka_unit_test(names_come_from_proto),
		cmocka_unit_test(what_only_looks_like_numbers_is_never_close),
		cmocka_unit_test(messages_of_a_stream_are_paired),
		cmocka_unit_test(times_are_those_of_messages),
		cmocka_unit_test(messages_are_unfolded),
		cmocka_unit_test(frames_have_to_be_whole),
		cmocka_unit_test(little_memory_makes_pairs_too_large),
		cmocka_unit_test(outputs_are_compared_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
