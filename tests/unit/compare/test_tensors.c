/*
 * test_tensors.c - V2 answers taken apart: every type, binary and JSON, and every way to be wrong
 *
 * Binary data is written as a string of bytes here, little-endian by hand, so
 * that no code of ours computes what is expected. Elements are shown as text.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "compare/tensors/tensors.h"
#include "tests/rig/guard_page.h"

static void show(struct buffer *out, const struct element *e)
{
	buffer_add(out, " ", out->len > 0);
	switch (e->kind) {
	case ELEMENT_REAL:
		buffer_printf(out, "%.9g", e->real);
		break;
	case ELEMENT_UINT:
		buffer_printf(out, "%" PRIu64, e->uint);
		break;
	case ELEMENT_INT:
		buffer_printf(out, "%" PRId64, e->integer);
		break;
	case ELEMENT_TEXT:
		buffer_add(out, "'", 1);
		buffer_add_span(out, e->text);
		buffer_add(out, "'", 1);
		break;
	case ELEMENT_OTHER:
		buffer_add(out, "?", 1);
		buffer_add_span(out, e->text);
		break;
	}
}

static const char *elements_of(const struct tensors *t, const struct tensor *tensor, struct buffer *out)
{
	struct buffer scratch = { 0 };
	struct element_walk w;
	struct element e;
	uint64_t n = 0;

	buffer_clear(out);
	element_walk_begin(&w, t, tensor, &scratch);
	for (; element_next(&w, &e); n++)
		show(out, &e);
	assert_int_equal(n, tensor->count);
	buffer_deinit(&scratch);
	return buffer_text(out);
}

/* ---- one output of each type ---- */

struct type_case {
	const char *type;
	const char *bytes;
	size_t len;
	const char *elements;
};

#define BYTES_OF(s) s, sizeof(s) - 1

static const struct type_case type_cases[] = {
	{ "BOOL", BYTES_OF("\x00\x01\x02"), "0 1 1" },
	{ "UINT8", BYTES_OF("\x00\x7f\xff"), "0 127 255" },
	{ "UINT16", BYTES_OF("\x01\x00\xff\xff"), "1 65535" },
	{ "UINT32", BYTES_OF("\x04\x03\x02\x01\xff\xff\xff\xff"), "16909060 4294967295" },
	{ "UINT64", BYTES_OF("\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), "1 18446744073709551615" },
	{ "INT8", BYTES_OF("\x01\xff\x80"), "1 -1 -128" },
	{ "INT16", BYTES_OF("\x01\x00\xff\xff\x00\x80"), "1 -1 -32768" },
	{ "INT32", BYTES_OF("\x01\x00\x00\x00\xfe\xff\xff\xff"), "1 -2" },
	{ "INT64", BYTES_OF("\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x80"), "-1 -9223372036854775808" },
	{ "FP16", BYTES_OF("\x00\x3c\x00\xc0\x55\x35\x00\x00\x00\x80\x01\x00\xff\x03\xff\x7b\x00\x7c\x00\xfc\x01\x7c"),
	  "1 -2 0.333251953 0 -0 5.96046448e-08 6.09755516e-05 65504 inf -inf nan" },
	{ "BF16", BYTES_OF("\x80\x3f\x00\xc0\xab\x3e\x80\x7f\xc0\x7f"), "1 -2 0.333984375 inf nan" },
	{ "FP32", BYTES_OF("\x00\x00\x80\x3f\xcd\xcc\xcc\x3d\x00\x00\x80\xff\x00\x00\xc0\x7f\x01\x00\x00\x00"),
	  "1 0.100000001 -inf nan 1.40129846e-45" },
	{ "FP64", BYTES_OF("\x9a\x99\x99\x99\x99\x99\xb9\x3f\x00\x00\x00\x00\x00\x00\xf0\x7f"), "0.1 inf" },
	{ "BYTES", BYTES_OF("\x03\x00\x00\x00" "cat" "\x00\x00\x00\x00" "\x01\x00\x00\x00" "\xff"), "'cat' '' '\xff'" },
	{ "FP32", BYTES_OF(""), "" },
	{ "BYTES", BYTES_OF(""), "" },
};

static void write_binary(struct buffer *out, const char *type, size_t size, size_t *head_len)
{
	buffer_clear(out);
	buffer_printf(out,
		      "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"o\",\"datatype\":\"%s\",\"shape\":[1,3],"
		      "\"parameters\":{\"binary_data_size\":%zu}}]}",
		      type, size);
	*head_len = out->len;
}

static void test_types(void **state)
{
	struct buffer body = { 0 }, shown = { 0 };
	struct tensors t = { 0 };

	for (size_t i = 0; i < sizeof(type_cases) / sizeof(*type_cases); i++) {
		const struct type_case *c = &type_cases[i];
		size_t head_len;

		write_binary(&body, c->type, c->len, &head_len);
		buffer_add(&body, c->bytes, c->len);
		assert_int_equal(tensors_read(&t, guarded_copy(*state, body.bytes, body.len), head_len), 0);
		assert_int_equal(t.count, 1);
		assert_true(span_equal(t.at[0].name, SPAN_LITERAL("o")));
		assert_int_equal(t.at[0].row, 3);
		assert_string_equal(elements_of(&t, &t.at[0], &shown), c->elements);
	}
	buffer_deinit(&body);
	buffer_deinit(&shown);
	tensors_deinit(&t);
}

/* Every cut is an error, and so is a byte too many, or a length of the head that is not the head's. */
static void test_lengths(void **state)
{
	struct buffer body = { 0 };
	struct tensors t = { 0 };

	for (size_t i = 0; i < sizeof(type_cases) / sizeof(*type_cases); i++) {
		const struct type_case *c = &type_cases[i];
		size_t head_len;

		write_binary(&body, c->type, c->len, &head_len);
		buffer_add(&body, c->bytes, c->len);
		for (size_t len = 0; len < body.len; len++)
			assert_int_equal(tensors_read(&t, guarded_copy(*state, body.bytes, len), head_len), -EINVAL);
		for (uint64_t wrong = 0; wrong < body.len + 2; wrong++)
			if (wrong != head_len)
				assert_int_equal(tensors_read(&t, buffer_span(&body), wrong), -EINVAL);
		assert_int_equal(tensors_read(&t, buffer_span(&body), UINT64_MAX), -EINVAL);
		buffer_add(&body, "x", 1);
		assert_int_equal(tensors_read(&t, buffer_span(&body), head_len), -EINVAL);
	}
	buffer_deinit(&body);
	tensors_deinit(&t);
}

/* ---- heads ---- */

struct head_case {
	const char *head, *binary;
	int expected;
	const char *frame;    /* what is compared as JSON */
	const char *elements; /* of the outputs, with / between them */
};

#define OUTPUT(more) "{\"name\":\"a\",\"datatype\":\"INT8\",\"shape\":[2]" more "}"

static const struct head_case head_cases[] = {
	{ "{\"outputs\":[]}", "", 0, "{\"outputs\":[]}", "" },
	{ "{\"id\":\"7\",\"outputs\":[" OUTPUT(",\"data\":[1,-2]") "],\"model_name\":\"m\"}", "", 0,
	  "{\"id\":\"7\",\"model_name\":\"m\",\"outputs\":[" OUTPUT("") "]}", "1 -2" },
	{ "{\"outputs\":[" OUTPUT(",\"data\":[[1],[[-2]]]") "]}", "", 0, "{\"outputs\":[" OUTPUT("") "]}", "1 -2" },
	{ "{\"outputs\":[" OUTPUT(",\"data\":[true,1.5,\"x\\u0041\",null,{\"a\":[1]},NaN,-1e400,18446744073709551615]") "]}", "", 0,
	  "{\"outputs\":[" OUTPUT("") "]}", "1 1.5 'xA' ?null ?{\"a\":[1]} nan -inf 18446744073709551615" },
	{ "{\"outputs\":[" OUTPUT(",\"parameters\":{\"binary_data_size\":2}") "," OUTPUT(",\"data\":[5]") ","
	  OUTPUT(",\"parameters\":{\"a\":1,\"binary_data_size\":1,\"b\":\"x\"}") "]}",
	  "\x01\xff\x07", 0,
	  "{\"outputs\":[" OUTPUT("") "," OUTPUT("") "," OUTPUT(",\"parameters\":{\"a\":1,\"b\":\"x\"}") "]}", "1 -1/5/7" },
	{ "{\"outputs\":[" OUTPUT("") "]}", "", 0, "{\"outputs\":[" OUTPUT("") "]}", "" },
	{ "{\"outputs\":[" OUTPUT(",\"parameters\":{}") "]}", "", 0, "{\"outputs\":[" OUTPUT("") "]}", "" },
	{ "{\"outputs\":[" OUTPUT(",\"data\":[1],\"parameters\":{\"binary_data_size\":1}") "]}", "x", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[" OUTPUT(",\"parameters\":{\"binary_data_size\":-1}") "]}", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[" OUTPUT(",\"parameters\":{\"binary_data_size\":1.0}") "]}", "x", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[" OUTPUT(",\"parameters\":{\"binary_data_size\":18446744073709551615}") "]}", "x", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[{\"name\":\"a\",\"datatype\":\"FP8\",\"data\":[1]}]}", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[{\"name\":\"a\",\"data\":[1]}]}", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[{\"name\":1,\"datatype\":\"FP32\"}]}", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[{\"datatype\":\"FP32\"}]}", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[1]}", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":{}}", "", -EINVAL, NULL, NULL },
	{ "{\"error\":\"no such model\"}", "", -EINVAL, NULL, NULL },
	{ "[]", "", -EINVAL, NULL, NULL },
	{ "{\"outputs\":[" OUTPUT("") "]", "", -EINVAL, NULL, NULL },
};

static void test_heads(void **state)
{
	struct buffer body = { 0 }, shown = { 0 }, all = { 0 };
	struct tensors t = { 0 };

	for (size_t i = 0; i < sizeof(head_cases) / sizeof(*head_cases); i++) {
		const struct head_case *c = &head_cases[i];
		struct span frame;
		int err;

		buffer_clear(&body);
		buffer_clear(&all);
		buffer_add_str(&body, c->head);
		buffer_add_str(&body, c->binary);
		err = tensors_read(&t, guarded_copy(*state, body.bytes, body.len), strlen(c->head));
		if (err != c->expected)
			fail_msg("%s: %d", c->head, err);
		if (err)
			continue;
		assert_true(tensors_frame(&t, &frame));
		assert_true(span_equal(frame, span_str(c->frame)));
		for (size_t k = 0; k < t.count; k++) {
			buffer_add(&all, "/", k > 0);
			buffer_add_str(&all, elements_of(&t, &t.at[k], &shown));
		}
		assert_string_equal(buffer_text(&all), c->elements);
	}
	buffer_deinit(&body);
	buffer_deinit(&shown);
	buffer_deinit(&all);
	tensors_deinit(&t);
}

/* Outputs in another order are found by name; names that only one side has stay behind. */
static void test_align(void **state)
{
	static const struct {
		const char *like, *names, *aligned;
		bool moved;
	} cases[] = {
		{ "abc", "abc", "abc", false }, { "abc", "cba", "abc", true },	{ "abc", "cab", "abc", true },
		{ "abc", "bc", "bc", false },	{ "ab", "xba", "abx", true },	{ "aab", "aba", "aab", true },
		{ "", "ab", "ab", false },	{ "ab", "", "", false },	{ "xyz", "ab", "ab", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tensor like[3] = { 0 }, at[3] = { 0 };
		struct tensors l = { .at = like, .count = strlen(cases[i].like) },
			       t = { .at = at, .count = strlen(cases[i].names) };

		for (size_t k = 0; k < l.count; k++)
			like[k].name = span_of(cases[i].like + k, 1);
		for (size_t k = 0; k < t.count; k++)
			at[k].name = span_of(cases[i].names + k, 1);
		assert_int_equal(tensors_align(&t, &l), cases[i].moved);
		for (size_t k = 0; k < t.count; k++)
			assert_int_equal(at[k].name.at[0], cases[i].aligned[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_align),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
