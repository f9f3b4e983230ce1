/*
 * test_json_oracle.c - json-c is asked the same: is this JSON, and what does it say?
 *
 * Documents are made at random, then some are damaged by a byte. json-c takes
 * more than we do (a comma before a bracket, comments, single quotes, bare
 * words), so its opinion counts one way: what we take, it takes, and it says
 * the same.
 */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* both of us call it that */
#define json_type json_c_type
#include <json-c/json.h>
#undef json_type

#include "base/buffer.h"
#include "base/json_doc.h"

#define ROUNDS 20000

static uint64_t random_bits(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1du >> 16;
}

static const char *const scalars[] = {
	"0",
	"-1",
	"3.25",
	"1e-5",
	"123456789012",
	"-0.5E+3",
	"NaN",
	"Infinity",
	"-Infinity",
	"true",
	"false",
	"null",
	"\"\"",
	"\"abc\"",
	"\"a\\n\\u00e9\\ud83d\\ude00\"",
	"\"\\\"\\\\\"",
	"\"\xc3\xa9\"",
};
static const char *const names[] = { "\"a\"", "\"b\"", "\"\\u0061\"", "\"long name\"", "\"\"" };
static const char *const spaces[] = { "", "", "", " ", "\n\t" };

#define PICK(list) list[random_bits() % (sizeof(list) / sizeof(list[0]))]

static void write_value(struct buffer *b, int depth)
{
	size_t count = random_bits() % 4;
	int kind = depth < 5 ? (int)(random_bits() % 3) : 0;

	buffer_add_str(b, PICK(spaces));
	if (kind == 0) {
		buffer_add_str(b, PICK(scalars));
	} else {
		buffer_add_str(b, kind == 1 ? "[" : "{");
		for (size_t i = 0; i < count; i++) {
			if (i)
				buffer_add_str(b, ",");
			if (kind == 2) {
				buffer_add_str(b, PICK(spaces));
				buffer_add_str(b, PICK(names));
				buffer_add_str(b, ":");
			}
			write_value(b, depth + 1);
		}
		buffer_add_str(b, PICK(spaces));
		buffer_add_str(b, kind == 1 ? "]" : "}");
	}
	buffer_add_str(b, PICK(spaces));
}

static void same(const struct json_doc *d, uint32_t node, json_object *o);

static void same_members(const struct json_doc *d, uint32_t node, json_object *o)
{
	struct buffer name = { 0 };

	for (uint32_t i = node + 1; i < d->nodes[node].next; i = d->nodes[i + 1].next) {
		uint32_t last;
		json_object *member;

		buffer_clear(&name);
		json_doc_unescape(d, i, &name);
		last = json_doc_member(d, node, buffer_span(&name));
		assert_true(json_object_object_get_ex(o, buffer_text(&name), &member));
		same(d, last, member);
	}
	buffer_deinit(&name);
}

static void same(const struct json_doc *d, uint32_t node, json_object *o)
{
	struct buffer text = { 0 };
	uint32_t i = node + 1;
	double x;

	switch ((enum json_type)d->nodes[node].type) {
	case JSON_NULL:
		assert_true(json_object_get_type(o) == json_type_null);
		return;
	case JSON_FALSE:
	case JSON_TRUE:
		assert_true(json_object_get_type(o) == json_type_boolean);
		assert_int_equal(json_object_get_boolean(o), d->nodes[node].type == JSON_TRUE);
		return;
	case JSON_NUMBER:
		assert_true(json_object_get_type(o) == json_type_int ||
			    json_object_get_type(o) == json_type_double);
		x = json_doc_double(d, node);
		assert_true(x == json_object_get_double(o) || (isnan(x) && isnan(json_object_get_double(o))));
		return;
	case JSON_STRING:
		json_doc_unescape(d, node, &text);
		assert_string_equal(buffer_text(&text), json_object_get_string(o));
		buffer_deinit(&text);
		return;
	case JSON_ARRAY:
		assert_int_equal(json_object_array_length(o), d->nodes[node].count);
		for (size_t n = 0; n < d->nodes[node].count; n++, i = d->nodes[i].next)
			same(d, i, json_object_array_get_idx(o, n));
		assert_int_equal(i, d->nodes[node].next);
		return;
	case JSON_OBJECT:
		same_members(d, node, o);
		return;
	}
}

static void test_oracle(void **state)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	size_t taken = 0, refused = 0;
	struct json_doc d = { 0 };
	struct buffer b = { 0 };

	json_tokener_set_flags(tokener, JSON_TOKENER_ALLOW_TRAILING_CHARS);
	for (int round = 0; round < ROUNDS; round++) {
		json_object *o;

		buffer_clear(&b);
		write_value(&b, 0);
		if (round & 1) /* one byte of it, for another that JSON is made of */
			b.bytes[random_bits() % b.len] = (uint8_t) "{}[],:\"\\0e-.tn x"[random_bits() % 16];
		if (json_doc_parse(&d, buffer_span(&b)) != 0) {
			assert_true(round & 1);
			refused++;
			continue;
		}
		json_tokener_reset(tokener);
		buffer_text(&b);
		o = json_tokener_parse_ex(tokener, (const char *)b.bytes, (int)b.len + 1);
		if (json_tokener_get_error(tokener) != json_tokener_success)
			fail_msg("json-c refuses %s: %s", buffer_text(&b),
				 json_tokener_error_desc(json_tokener_get_error(tokener)));
		same(&d, 0, o);
		json_object_put(o);
		taken++;
	}
	assert_true(taken > ROUNDS / 2 && refused > ROUNDS / 10);
	json_tokener_free(tokener);
	json_doc_deinit(&d);
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_oracle) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
