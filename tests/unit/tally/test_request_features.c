/*
 * test_request_features.c - what is read of a request: names, cells, texts; and what is left, whatever is sent
 */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compare/tally/request_features.h"
#include "tests/rig/protobuf_bytes.h"

static bool allows(const void *ctx, struct span name, bool is_grpc)
{
	(void)ctx;
	(void)is_grpc;
	return span_equal_nocase(name, SPAN_LITERAL("Accept"));
}

static struct features *reader(void)
{
	static const char *const open[] = { "x-tenant" };
	struct features_options set = { allows, NULL, open, 1 };
	struct features *f = features_new(&set);

	assert_non_null(f);
	return f;
}

static struct message message_of_body(struct span body)
{
	struct message m = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/p") } };

	m.body = (uint8_t *)(uintptr_t)body.at;
	m.body_len = body.len;
	return m;
}

/** line() - "at aspect=cell" or "at=text" */
static void line(struct buffer *out, const struct feature_value *v)
{
	buffer_add_span(out, v->name);
	if (v->aspect == FEATURE_VALUE) {
		buffer_add_str(out, "=");
		buffer_add_span(out, v->text);
	} else {
		buffer_printf(out, " %s<=%.4g", feature_aspect_name(v->aspect), feature_edge(v->aspect, v->code));
	}
	buffer_add_str(out, "\n");
}

/* ---- of the body ---- */

#define NAME_63 "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *body, *features; /* in the order in which they are read, those of the head apart */
} bodies[] = {
	{ "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,128],\"datatype\":\"FP32\"}]}",
	  "/inputs/0/name bytes<=1\n/inputs/0/name=x\n/inputs/0/shape/0 number<=1\n/inputs/0/shape/1 number<=128\n"
	  "/inputs/0/shape elements<=2\n/inputs/0/datatype bytes<=4\n/inputs/0/datatype=FP32\n/inputs elements<=1\n" },
	{ "{\"stream\":true,\"stop\":null,\"temperature\":0.7,\"seed\":0}",
	  "/stream=true\n/stop=null\n/temperature number<=0.7071\n/seed number<=9.537e-07\n" },
	{ "[0,0,0,1,2,3,4,5,6.5,-7]", " least<=-6.727\n greatest<=6.727\n zeros<=0.3\n elements<=11.31\n" },
	{ "[1,2,\"a\",{}]", "/0 number<=1\n/1 number<=2\n/2 bytes<=1\n/2=a\n elements<=4\n" },
	{ "[1,2,3,4,5,6,7,8,\"9\"]",
	  "/0 number<=1\n/1 number<=2\n/2 number<=3.364\n/3 number<=4\n/4 number<=5.657\n/5 number<=6.727\n"
	  "/6 number<=8\n/7 number<=8\n elements<=9.514\n" },
	{ "[[],[[1]],\"x\",4,5,6,7,8,9,{\"y\":1}]",
	  "/0 elements<=9.537e-07\n/1/0/0 number<=1\n/1/0 elements<=1\n/1 elements<=1\n/2 bytes<=1\n/2=x\n/3 number<=4\n"
	  "/4 number<=5.657\n/5 number<=6.727\n/6 number<=8\n/7 number<=8\n elements<=11.31\n" },
	{ "{\"a/b\":1,\"c~d\":2,\"\\u0065\\\"\":3,\"\":4}", "/a~1b number<=1\n/c~0d number<=2\n/e\" number<=3.364\n/ number<=4\n" },
	{ "{\"t\":\"meta\\/m\",\"l\":\"0123456789012345678901234567890123456789\"}",
	  "/t bytes<=8\n/t=meta/m\n/l bytes<=45.25\n" },
	{ "\xef\xbb\xbf {\"a\":1}", "/a number<=1\n" },
	{ "{\"a\":1}\x01\x02 binary tensors", "/a number<=1\n" },
	{ "{\"a\":1e999,\"b\":-1e999,\"c\":NaN,\"d\":-0.0}", "/a number<=inf\n/b number<=-1.845e+19\n/c=NaN\n/d number<=9.537e-07\n" },
	/* what cannot be named, or is no JSON further on */
	{ "{\"\xff\":1,\"\\u0000\":2,\"b\":3}", "/b number<=3.364\n" },
	{ "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":{\"b\":1},\"c\":1}", "/c number<=1\n" },
	{ "{\"a\":1,oops", "/a number<=1\n" },
	{ "[[1,2", "/0/0 number<=1\n/0 elements<=inf\n elements<=inf\n" },
	{ "{\"a\":\"no end", "/a bytes<=inf\n" },
	{ "17", "" },
	{ "plain", "" },
	{ "", "" },
	{ NAME_63, "" },
};

static void test_bodies(void **state)
{
	struct features *f = reader();

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct message m = message_of_body(span_str(bodies[i].body));
		struct buffer out = { 0 };
		size_t count;
		const struct feature_value *v = features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL(""), &count);

		for (size_t k = 3; k < count; k++) /* behind path, hour, length */
			line(&out, &v[k]);
		if (strcmp(buffer_text(&out), bodies[i].features) != 0)
			fail_msg("%s:\n%s", bodies[i].body, buffer_text(&out));
		buffer_deinit(&out);
	}
	features_free(f);
}

/* ---- of a message of gRPC ---- */

/** framed() - a message behind its prefix */
static struct buffer framed(struct buffer message)
{
	uint8_t prefix[5] = { 0, 0, 0, (uint8_t)(message.len >> 8), (uint8_t)message.len };
	struct buffer out = { 0 };

	buffer_add(&out, prefix, sizeof(prefix));
	buffer_add_span(&out, buffer_span(&message));
	buffer_deinit(&message);
	return out;
}

static struct buffer infer(void)
{
	struct buffer m = { 0 }, input = { 0 }, shape = { 0 };

	pb_text(&m, 1, "digits");
	pb_text(&m, 2, "7");
	pb_text(&m, 3, "an id");
	pb_varint(&shape, 1);
	pb_varint(&shape, 128);
	pb_text(&input, 1, "x");
	pb_text(&input, 2, "FP32");
	pb_message(&input, 3, &shape); /* packed */
	pb_message(&m, 5, &input);
	pb_number(&input, 3, (uint64_t)-1); /* not packed */
	pb_message(&m, 5, &input);
	pb_text(&m, 7, "raw");
	buffer_deinit(&input);
	buffer_deinit(&shape);
	return framed(m);
}

static struct buffer predict(void)
{
	struct buffer m = { 0 }, spec = { 0 }, entry = { 0 }, tensor = { 0 }, shape = { 0 }, dim = { 0 };

	pb_text(&spec, 1, "digits");
	pb_text(&spec, 3, "serving_default");
	pb_message(&m, 1, &spec);
	pb_number(&dim, 1, 64);
	pb_message(&shape, 2, &dim);
	pb_number(&tensor, 1, 1);
	pb_message(&tensor, 2, &shape);
	pb_text(&entry, 1, "a/b");
	pb_message(&entry, 2, &tensor);
	pb_message(&m, 2, &entry);
	buffer_deinit(&spec);
	buffer_deinit(&entry);
	buffer_deinit(&tensor);
	buffer_deinit(&shape);
	buffer_deinit(&dim);
	return framed(m);
}

static void test_calls(void **state)
{
	static const struct {
		const char *target;
		struct buffer (*make)(void);
		const char *features;
	} rows[] = {
		{ "/inference.GRPCInferenceService/ModelInfer", infer,
		  "/model_version bytes<=1\n/model_version=7\n/inputs/0/name bytes<=1\n/inputs/0/name=x\n/inputs/0/datatype bytes<=4\n"
		  "/inputs/0/datatype=FP32\n/inputs/0/shape/0 number<=1\n/inputs/0/shape/1 number<=128\n/inputs/0/shape elements<=2\n"
		  "/inputs/1/shape/0 number<=-1\n/inputs/1/shape elements<=1\n/inputs elements<=2\n" },
		{ "/tensorflow.serving.PredictionService/Predict", predict,
		  "/signature_name bytes<=16\n/signature_name=serving_default\n/inputs/a~1b/dtype number<=1\n"
		  "/inputs/a~1b/shape/0 number<=64\n/inputs/a~1b/shape elements<=1\n" },
		{ "/a.B/C", infer, "" },
	};
	struct features *f = reader();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer body = rows[i].make(), out = { 0 };
		struct message m = message_of_body(buffer_span(&body));
		size_t count;

		m.head.target = span_str(rows[i].target);
		m.head.is_grpc = true;
		for (const struct feature_value *v = features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL(""), &count), *at = v + 3;
		     at < v + count; at++)
			line(&out, at);
		if (strcmp(buffer_text(&out), rows[i].features) != 0)
			fail_msg("%s:\n%s", rows[i].target, buffer_text(&out));
		for (; m.body_len > 0; m.body_len--) /* cut anywhere it is read without harm */
			features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL(""), &count);
		buffer_deinit(&body);
		buffer_deinit(&out);
	}
	features_free(f);
}

/* ---- of the head ---- */

static void test_head(void **state)
{
	static const struct header headers[] = { { SPAN_LITERAL("X-Tenant"), SPAN_LITERAL("gold") },
						 { SPAN_LITERAL("Authorization"), SPAN_LITERAL("secret") },
						 { SPAN_LITERAL("accept"), SPAN_LITERAL("*/*") } };
	struct message m = message_of_body(SPAN_LITERAL("12345"));
	struct features *f = reader();
	struct buffer out = { 0 };
	size_t count;

	(void)state;
	m.head.headers = headers;
	m.head.header_count = 3;
	m.origin.ts_last.ns = (INT64_C(26 * 3600) + 1) * NS_PER_S;
	m.origin.client = (struct endpoint){ .addr = { [12] = 192, 0, 2, 77 }, .port = 9, .family = 4 };
	for (int round = 0; round < 2; round++) { /* the second time names of headers are known */
		const struct feature_value *v = features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL("m"), &count);

		buffer_clear(&out);
		for (size_t i = 0; i < count; i++)
			line(&out, &v[i]);
		assert_string_equal(buffer_text(&out), "path=/p\nmodel=m\nclient=192.0.2.0/24\nhour hour<=2\nbody bytes<=5.657\n"
						       "header:x-tenant=gold\nheader:accept=*/*\n");
		assert_true(v[0].is_open && v[1].is_open && v[5].is_open);
		assert_false(v[2].is_open || v[6].is_open);
	}
	m.origin.proxied = (struct endpoint){ .addr = { 0x20, 1, 0xd, 0xb8, 0, 1, 2, 3, 4, 5, 6, 7 }, .port = 9, .family = 6 };
	m.origin.ts_last.ns = -1;
	buffer_clear(&out);
	line(&out, &features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL(""), &count)[1]);
	line(&out, &features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL(""), &count)[2]);
	assert_string_equal(buffer_text(&out), "client=[2001:db8:1:200::]/56\nhour hour<=0\n");
	buffer_deinit(&out);
	features_free(f);
}

/* ---- cells ---- */

/* Each number lies in its cell, and cells follow one another: x in (edge(c - 1), edge(c)], that of 0 apart. */
static void test_cells(void **state)
{
	(void)state;
	for (int power = -30; power <= 70; power++)
		for (int step = 0; step < 64; step++)
			for (int sign = -1; sign <= 1; sign += 2) {
				double x = sign * ldexp(1 + step / 64.0, power);
				int code = feature_code(x);

				assert_in_range(code + FEATURE_CODE_TOP, 1, 2 * FEATURE_CODE_TOP - 1);
				if (code == FEATURE_CODE_TOP - 1 || code == 1 - FEATURE_CODE_TOP)
					continue; /* the last has all that is beyond */
				if (!(x <= feature_edge(FEATURE_NUMBER, code) && x > feature_edge(FEATURE_NUMBER, code - 1)))
					fail_msg("%.17g has code %d", x, code);
			}
	for (int code = -FEATURE_CODE_TOP; code < FEATURE_CODE_TOP; code++)
		assert_true(feature_edge(FEATURE_NUMBER, code) < feature_edge(FEATURE_NUMBER, code + 1));
	assert_int_equal(feature_code(0), 0);
	assert_int_equal(feature_code(-0.0), 0);
	assert_int_equal(feature_code(INFINITY), FEATURE_CODE_TOP);
	assert_int_equal(feature_code(-INFINITY), -FEATURE_CODE_TOP);
}

/* ---- bounds ---- */

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

static size_t count_of(struct features *f, struct span body)
{
	struct message m = message_of_body(body);
	size_t count;
	const struct feature_value *v = features_read(f, &m, SPAN_LITERAL("/p"), SPAN_LITERAL(""), &count);

	for (size_t i = 0; i < count; i++) {
		assert_true(v[i].name.len < FEATURE_NAME_MAX && feature_is_name(v[i].name));
		assert_true(abs(v[i].code) <= FEATURE_CODE_TOP);
	}
	return count;
}

static void test_hostile(void **state)
{
	struct features *f = reader();
	struct buffer many = { 0 }, b;

	(void)state;
	buffer_add_str(&many, "{");
	for (int i = 0; i < 4000; i++)
		buffer_printf(&many, "%s\"%d\":\"\\u00e9%d\"", i ? "," : "", i, i);
	buffer_add_str(&many, "}");
	assert_int_equal(count_of(f, buffer_span(&many)), FEATURES_MAX);
	buffer_deinit(&many);
	b = repeated("", "[", 100000, "");
	assert_in_range(count_of(f, buffer_span(&b)), 3, 3 + FEATURE_DEPTH_MAX);
	buffer_deinit(&b);
	b = repeated("", "{\"a\":", 100000, "");
	assert_int_equal(count_of(f, buffer_span(&b)), 3);
	buffer_deinit(&b);
	b = repeated("[", "0.5,", 100000, "1]"); /* cut: longer than any */
	assert_int_equal(count_of(f, buffer_span(&b)), 3 + 4);
	buffer_deinit(&b);
	b = repeated("{\"a\":\"", "\\\"", 100000, "\"}");
	assert_int_equal(count_of(f, buffer_span(&b)), 3 + 1);
	buffer_deinit(&b);
	b = repeated("[", "{},", 30000, "{}]");
	assert_int_equal(count_of(f, buffer_span(&b)), 3 + 1);
	buffer_deinit(&b);
	features_free(f);
}

/* A text of any bytes is read without harm: JSON with bytes changed at random, and cut. */
static void test_damaged(void **state)
{
	struct features *f = reader();
	uint64_t dice = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const char *text = bodies[round % (sizeof(bodies) / sizeof(bodies[0]))].body;
		size_t len = strlen(text);
		char *copy = malloc(len + 1);

		memcpy(copy, text, len + 1);
		for (int i = 0; i < round % 4 && len > 0; i++) {
			dice ^= dice << 13;
			dice ^= dice >> 7;
			dice ^= dice << 17;
			copy[dice % len] = "{}[]\",:\\0-e\x80"[dice >> 32 & 11];
		}
		copy = realloc(copy, len ? len - (dice >> 40) % len : 1); /* so that a byte too far is one */
		count_of(f, span_of(copy, len ? len - (dice >> 40) % len : 0));
		free(copy);
	}
	features_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),  cmocka_unit_test(test_calls),   cmocka_unit_test(test_head),
		cmocka_unit_test(test_cells),   cmocka_unit_test(test_hostile), cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
