/* test_json_doc.c - JSON from strangers: what is taken, what is refused and where, what values say */
#include "tests/rig/unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_doc.h"
#include "tests/rig/guard_page.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A node as "type text [count] -> next" would be long; this is type, text, next, count. */
struct expected {
	enum json_type type;
	const char *text;
	uint32_t next, count;
};

static void check_nodes(const struct json_doc *d, const struct expected *want, size_t count)
{
	assert_int_equal(d->count, count);
	for (uint32_t i = 0; i < count; i++) {
		struct span text = json_doc_text(d, i);

		if (d->nodes[i].type != want[i].type || !span_equal(text, span_str(want[i].text)) ||
		    d->nodes[i].next != want[i].next || d->nodes[i].count != want[i].count)
			fail_msg("node %u: type %d, '%.*s', next %u, count %u", i, d->nodes[i].type,
				 (int)text.len, (const char *)text.at, d->nodes[i].next, d->nodes[i].count);
	}
}

static void test_nodes(void **state)
{
	static const struct expected want[] = {
		{ JSON_OBJECT, "{ \"a\" : [1, [], {}], \"b\\n\":\"x\",\"a\":null }", 10, 3 },
		{ JSON_STRING, "a", 2, 0 },
		{ JSON_ARRAY, "[1, [], {}]", 6, 3 },
		{ JSON_NUMBER, "1", 4, 0 },
		{ JSON_ARRAY, "[]", 5, 0 },
		{ JSON_OBJECT, "{}", 6, 0 },
		{ JSON_STRING, "b\\n", 7, 0 },
		{ JSON_STRING, "x", 8, 0 },
		{ JSON_STRING, "a", 9, 0 },
		{ JSON_NULL, "null", 10, 0 },
	};
	struct json_doc d = { 0 };

	assert_int_equal(
		json_doc_parse(&d, SPAN_LITERAL("\n { \"a\" : [1, [], {}], \"b\\n\":\"x\",\"a\":null }\t")), 0);
	check_nodes(&d, want, COUNT(want));
	assert_true(d.nodes[6].escaped);
	assert_false(d.nodes[7].escaped);
	assert_int_equal(json_doc_member(&d, 0, SPAN_LITERAL("a")), 9); /* the last one counts */
	assert_int_equal(json_doc_member(&d, 0, SPAN_LITERAL("b\n")), 7);
	assert_int_equal(json_doc_member(&d, 0, SPAN_LITERAL("b\\n")), 0);
	assert_int_equal(json_doc_member(&d, 0, SPAN_LITERAL("x")), 0);
	assert_int_equal(json_doc_member(&d, 2, SPAN_LITERAL("a")), 0);
	assert_int_equal(json_doc_member(&d, 99, SPAN_LITERAL("a")), 0);
	json_doc_deinit(&d);
	assert_int_equal(json_doc_member(&d, 0, SPAN_LITERAL("a")), 0);
}

static const char *const accepted[] = {
	"0",
	"-0",
	"-0.0",
	"1e5",
	"1E+5",
	"1e-05",
	"0e0",
	"123456789012345678901234567890",
	"1e400",
	"-1e-999999999999999999999",
	"0.1234567890123456789",
	"12345678",
	"1234567.8",
	"NaN",
	"-NaN",
	"Infinity",
	"-Infinity",
	"true",
	"false",
	"null",
	"\"\"",
	"\"a\"",
	"\"1234567\"",
	"\"12345678\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
	"\"\\ud800\"",
	"\"\\u0000\"",
	"\"\x7f\"",
	"\"\xc3\xa9\"",
	"\"\xff\xc0\xaf\xed\xa0\x80\"",
	"[]",
	"[ ]",
	"{}",
	"{ }",
	"[[[]]]",
	"[1,2 , 3]",
	"[NaN,-Infinity]",
	"{\"a\":1}",
	"{\"\":{\"\":[]}}",
	"{\"a\":1,\"a\":2}",
	" \t\r\n1 \t\r\n",
	"\xef\xbb\xbf{}",
	"[true,false,null,\"x\"]",
};

/* at: the byte that is wrong */
static const struct {
	const char *text;
	size_t at;
} refused[] = {
	{ "", 0 },
	{ " ", 1 },
	{ "[", 1 },
	{ "[1", 2 },
	{ "[1,", 3 },
	{ "[1,]", 3 },
	{ "[,1]", 1 },
	{ "[1 2]", 3 },
	{ "[1}", 2 },
	{ "{\"a\":1]", 6 },
	{ "]", 0 },
	{ "}", 0 },
	{ "{", 1 },
	{ "{\"a\"", 4 },
	{ "{\"a\"}", 4 },
	{ "{\"a\":", 5 },
	{ "{\"a\":}", 5 },
	{ "{\"a\":1,}", 7 },
	{ "{a:1}", 1 },
	{ "{1:1}", 1 },
	{ "{\"a\" 1}", 5 },
	{ "{'a':1}", 1 },
	{ "{,}", 1 },
	{ "{\"a\":1 \"b\":2}", 7 },
	{ "1 2", 2 },
	{ "{}{}", 2 },
	{ "[]x", 2 },
	{ "01", 1 },
	{ "-01", 2 },
	{ "+1", 0 },
	{ ".5", 0 },
	{ "5.", 2 },
	{ "5.e1", 2 },
	{ "1e", 2 },
	{ "1e+", 3 },
	{ "1ex", 2 },
	{ "-", 1 },
	{ "-x", 1 },
	{ "--1", 1 },
	{ "1.2.3", 3 },
	{ "0x10", 1 },
	{ "nul", 3 },
	{ "nulL", 0 },
	{ "True", 0 },
	{ "nan", 0 },
	{ "Nan", 0 },
	{ "inf", 0 },
	{ "Inf", 3 },
	{ "-Inf", 4 },
	{ "-inf", 1 },
	{ "-Nam", 1 },
	{ "+Infinity", 0 },
	{ "Infinityx", 8 },
	{ "truex", 4 },
	{ "\"", 1 },
	{ "\"a", 2 },
	{ "\"abcdefgh", 9 },
	{ "\"\\", 2 },
	{ "\"\\\"", 3 },
	{ "\"\\x\"", 2 },
	{ "\"\\u12\"", 5 },
	{ "\"\\u123", 6 },
	{ "\"\\u123g\"", 6 },
	{ "\"\n\"", 1 },
	{ "\"abcdefg\x1fhijk\"", 8 },
	{ "'a'", 0 },
	{ "/* */1", 0 },
	{ "1//", 1 },
	{ "\xef\xbb", 0 },
	{ "\xef\xbb\xbf", 3 },
	{ "\xc2\xa0"
	  "1",
	  0 },
	{ "[1\f]", 2 },
	{ "\v1", 0 },
};

/* Each text stands right before an unreadable page; a refused one leaves no nodes. */
static void test_corpus(void **state)
{
	struct json_doc d = { 0 };

	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct span text = guarded_copy(*state, accepted[i], strlen(accepted[i]));

		if (json_doc_parse(&d, text) != 0)
			fail_msg("'%s' is refused at byte %zu: %s", accepted[i], d.error_at, d.error);
		assert_int_equal(d.nodes[0].next, d.count);
		assert_null(d.error);
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct span text = guarded_copy(*state, refused[i].text, strlen(refused[i].text));

		if (json_doc_parse(&d, text) != -EINVAL || d.error_at != refused[i].at)
			fail_msg("'%s': refused at %zu", refused[i].text, d.error ? d.error_at : SIZE_MAX);
		assert_int_equal(d.count, 0);
		assert_non_null(d.error);
	}
	assert_int_equal(json_doc_parse(&d, span_of("\"\0\"", 3)), -EINVAL);
	assert_int_equal(json_doc_parse(&d, span_of("1\0", 2)), -EINVAL);
	json_doc_deinit(&d);
}

/* Every prefix of a document is refused where it ends, and says that it ends. */
static void test_cut(void **state)
{
	static const char text[] =
		"{\"a\\u00e9\": [1.5e-3, -Infinity, NaN, true, false, null, \"x\\n\", {\"b\":{}}]}";
	struct json_doc d = { 0 };

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		assert_int_equal(json_doc_parse(&d, guarded_copy(*state, text, len)), -EINVAL);
		assert_int_equal(d.error_at, len);
		assert_string_equal(d.error, "ends in the middle of a value");
	}
	assert_int_equal(json_doc_parse(&d, guarded_copy(*state, text, sizeof(text) - 1)), 0);
	json_doc_deinit(&d);
}

static void nest(struct buffer *b, const char *open, const char *close, size_t depth)
{
	buffer_clear(b);
	for (size_t i = 0; i < depth; i++)
		buffer_add_str(b, open);
	buffer_add_str(b, "1");
	for (size_t i = 0; i < depth; i++)
		buffer_add_str(b, close);
}

static void test_depth(void **state)
{
	struct json_doc d = { 0 };
	struct buffer b = { 0 };

	nest(&b, "[", "]", JSON_DEPTH_MAX);
	assert_int_equal(json_doc_parse(&d, buffer_span(&b)), 0);
	assert_int_equal(d.count, JSON_DEPTH_MAX + 1);
	nest(&b, "[", "]", JSON_DEPTH_MAX + 1);
	assert_int_equal(json_doc_parse(&d, buffer_span(&b)), -EINVAL);
	assert_string_equal(d.error, "nested too deeply");
	assert_int_equal(d.error_at, JSON_DEPTH_MAX);
	nest(&b, "{\"a\":", "}", JSON_DEPTH_MAX);
	assert_int_equal(json_doc_parse(&d, buffer_span(&b)), 0);
	nest(&b, "{\"a\":[", "]}", JSON_DEPTH_MAX / 2 + 1);
	assert_int_equal(json_doc_parse(&d, buffer_span(&b)), -EINVAL);
	buffer_deinit(&b);
	json_doc_deinit(&d);
}

static void test_strings(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "\"plain\"", "plain" },
		{ "\"\"", "" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"a\\u0041\\u00e9\\u20AC\"", "aA\xc3\xa9\xe2\x82\xac" },
		{ "\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!" },
		{ "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx" },
		{ "\"\\ud83d\"", "\xef\xbf\xbd" },
		{ "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\"\\ud83d\\n\"", "\xef\xbf\xbd\n" },
		{ "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
					"A" },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\"\xff\\n\xc3\"", "\xff\n\xc3" },
		{ "\"\\\\u0041\"", "\\u0041" },
	};
	struct json_doc d = { 0 };
	struct buffer b = { 0 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(json_doc_parse(&d, guarded_copy(*state, rows[i].text, strlen(rows[i].text))),
				 0);
		buffer_clear(&b);
		json_doc_unescape(&d, 0, &b);
		assert_string_equal(buffer_text(&b), rows[i].says);
		assert_true(json_doc_says(&d, 0, span_str(rows[i].says)));
		assert_false(json_doc_says(&d, 0, SPAN_LITERAL("something else")));
		buffer_add_str(&b, "x");
		assert_false(json_doc_says(&d, 0, buffer_span(&b)));
		if (b.len > 1)
			assert_false(json_doc_says(&d, 0, span_of(b.bytes, b.len - 2)));
	}
	assert_int_equal(json_doc_parse(&d, SPAN_LITERAL("\"a\\u0000b\"")), 0);
	assert_true(json_doc_says(&d, 0, span_of("a\0b", 3)));
	buffer_deinit(&b);
	json_doc_deinit(&d);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		double value;
		bool is_uint;
		uint64_t integer;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "7", 7, true, 7 },
		{ "18446744073709551615", 18446744073709551615.0, true, UINT64_MAX },
		{ "18446744073709551616", 18446744073709551616.0, false, 0 },
		{ "99999999999999999999", 1e20, false, 0 },
		{ "-1", -1, false, 0 },
		{ "1.0", 1, false, 0 },
		{ "1e2", 100, false, 0 },
		{ "1e400", INFINITY, false, 0 },
		{ "-1e400", -INFINITY, false, 0 },
		{ "Infinity", INFINITY, false, 0 },
		{ "-Infinity", -INFINITY, false, 0 },
		{ "1e-400", 0, false, 0 },
		{ "\"7\"", NAN, false, 0 },
		{ "null", NAN, false, 0 },
		{ "NaN", NAN, false, 0 },
		{ "-NaN", NAN, false, 0 },
	};
	struct json_doc d = { 0 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t n = 0;
		double x;

		assert_int_equal(json_doc_parse(&d, guarded_copy(*state, rows[i].text, strlen(rows[i].text))),
				 0);
		x = json_doc_double(&d, 0);
		if (!(x == rows[i].value || (isnan(x) && isnan(rows[i].value))))
			fail_msg("%s is %g", rows[i].text, x);
		assert_int_equal(json_doc_uint(&d, 0, &n), rows[i].is_uint);
		assert_true(n == rows[i].integer);
	}
	json_doc_deinit(&d);
}

/* A document of any size can follow one of any other; a huge array is not kept for small texts. */
static void test_reuse(void **state)
{
	struct json_doc d = { 0 };
	struct buffer b = { 0 };

	buffer_add_str(&b, "[0");
	for (int i = 0; i < 4000000; i++)
		buffer_add_str(&b, ",0");
	buffer_add_str(&b, "]");
	assert_int_equal(json_doc_parse(&d, buffer_span(&b)), 0);
	assert_int_equal(d.count, 4000002);
	assert_true(d.cap * sizeof(struct json_node) <= 32 * b.len);
	assert_int_equal(json_doc_parse(&d, SPAN_LITERAL("[1]")), 0);
	assert_int_equal(d.count, 2);
	assert_true(d.cap <= 256);
	assert_int_equal(json_doc_parse(&d, span_of(b.bytes, (size_t)UINT32_MAX)),
			 -EFBIG); /* nothing is read */
	assert_int_equal(d.count, 0);
	buffer_deinit(&b);
	json_doc_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),
		cmocka_unit_test_setup_teardown(test_corpus, guard_setup, guard_teardown),
		cmocka_unit_test_setup_teardown(test_cut, guard_setup, guard_teardown),
		cmocka_unit_test(test_depth),
		cmocka_unit_test_setup_teardown(test_strings, guard_setup, guard_teardown),
		cmocka_unit_test_setup_teardown(test_numbers, guard_setup, guard_teardown),
		cmocka_unit_test(test_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
