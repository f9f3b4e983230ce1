/*
 * test_protobuf.c - encoded messages: fields, known types as JSON, unknown types side by side
 *
 * Vectors that Google's library has encoded (tests/data/protobuf), each in two ways; then what is damaged, at the
 * end of a page that cannot be read behind.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/grpc/proto_guess.h"
#include "compare/grpc/proto_json.h"
#include "compare/grpc/proto_set.h"
#include "compare/grpc/protobuf.h"
#include "tests/rig/guard_page.h"
#include "tests/rig/protobuf_bytes.h"

#define ROOM 1000000

static struct digest *digest;

/* ---- vectors ---- */

static struct proto_set *set_of(struct span bytes)
{
	const struct proto_file file = { bytes, "vectors" };
	struct buffer error = { 0 };
	struct proto_set *s = NULL;

	if (proto_set_new(&file, 1, &s, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return s;
}

static void expect_json(const struct proto_type *type, struct span message, const char *expected)
{
	struct buffer out = { 0 };

	assert_int_equal(proto_json(type, message, ROOM, digest, &out), 0);
	assert_string_equal(buffer_text(&out), expected);
	buffer_deinit(&out);
}

static void vectors_are_read_as_they_were_made(void **state)
{
	FILE *in = fopen(PROTOBUF_VECTORS "/messages.txt", "r");
	struct buffer bytes = { 0 }, message = { 0 }, again = { 0 };
	const struct proto_type *all = NULL;
	struct proto_set *s = NULL;
	unsigned messages = 0;
	char *line = NULL;
	size_t cap = 0;

	(void)state;
	assert_non_null(in);
	while (getline(&line, &cap, in) > 0) {
		char *value = strchr(line, ' ') + 1;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "json", 4) == 0) {
			expect_json(all, buffer_span(&message), value);
			expect_json(all, buffer_span(&again), value);
			messages++;
			continue;
		}
		buffer_clear(&bytes);
		pb_hex(&bytes, value);
		if (strncmp(line, "set", 3) == 0) {
			s = set_of(buffer_span(&bytes));
			all = proto_set_response(s, SPAN_LITERAL("test.Models"), SPAN_LITERAL("Ask"));
			assert_non_null(all);
		} else {
			struct buffer *out = line[0] == 'm' ? &message : &again;

			buffer_clear(out);
			buffer_add_span(out, buffer_span(&bytes));
		}
	}
	assert_int_equal(messages, 60);
	assert_ptr_equal(all, proto_set_type(s, SPAN_LITERAL("test.All")));
	assert_ptr_equal(proto_set_response(s, SPAN_LITERAL("test.Models"), SPAN_LITERAL("Look")),
			 proto_set_type(s, SPAN_LITERAL("test.All.Inner")));
	assert_null(proto_set_response(s, SPAN_LITERAL("test.Models"), SPAN_LITERAL("Other")));
	assert_null(proto_set_response(s, SPAN_LITERAL("Models"), SPAN_LITERAL("Ask")));
	assert_null(proto_set_type(s, SPAN_LITERAL("test.Al")));
	proto_set_free(s);
	buffer_deinit(&bytes);
	buffer_deinit(&message);
	buffer_deinit(&again);
	free(line);
	fclose(in);
}

/* ---- fields ---- */

static const struct {
	const char *name, *hex;
	int fields; /* or an error */
} rows[] = {
	{ "empty", "", 0 },
	{ "a varint", "089601", 1 },
	{ "two fields", "0801120161", 2 },
	{ "the largest varint", "08ffffffffffffffffff01", 1 },
	{ "a varint of eleven bytes", "08ffffffffffffffffffff01", -EBADMSG },
	{ "a varint that does not end", "08ff", -EBADMSG },
	{ "a tag alone", "08", -EBADMSG },
	{ "field number 0", "0001", -EBADMSG },
	{ "field number 2^29 - 1", "f8ffffff0f01", 1 },
	{ "field number 2^29", "808080801001", -EBADMSG },
	{ "fixed32, cut", "0d000000", -EBADMSG },
	{ "fixed64, cut", "0900000000000000", -EBADMSG },
	{ "fixed32", "0d00000000", 1 },
	{ "fixed64", "090000000000000000", 1 },
	{ "bytes of 2^32 - 1, of which there is one", "0affffffff0f61", -EBADMSG },
	{ "bytes of 2^64 - 1", "0affffffffffffffffff0161", -EBADMSG },
	{ "bytes, one too few", "0a0261", -EBADMSG },
	{ "a group", "0b0c", -EBADMSG },
	{ "the end of a group", "0c", -EBADMSG },
	{ "wire type 6", "0e01", -EBADMSG },
	{ "wire type 7", "0f01", -EBADMSG },
};

static void fields_end_where_the_message_does(void **state)
{
	struct guarded *g = *state;
	struct proto_field f;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buffer b = { 0 };
		struct span in;
		int count = 0, more;

		pb_hex(&b, rows[i].hex);
		if (b.len > 0)
			memcpy(g->end - b.len, b.bytes, b.len);
		in = span_of(g->end - b.len, b.len);
		assert_int_equal(proto_is_message(in), rows[i].fields >= 0);
		while ((more = proto_next(&in, &f)) > 0)
			count++;
		if ((more < 0 ? more : count) != rows[i].fields)
			fail_msg("%s: %d", rows[i].name, more < 0 ? more : count);
		buffer_deinit(&b);
	}
}

static void packed_numbers_have_to_end_with_the_bytes(void **state)
{
	struct proto_field f = { .number = 1, .wire = PROTO_BYTES, .bytes = SPAN_LITERAL("\x01\x00\x00\x00\x02") };
	struct proto_values v;
	uint64_t n;

	(void)state;
	assert_true(proto_values_of(&f, PROTO_FIXED32, &v));
	assert_int_equal(proto_values_next(&v, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(proto_values_next(&v, &n), -EBADMSG);
	f.wire = PROTO_FIXED64;
	assert_false(proto_values_of(&f, PROTO_FIXED32, &v));
}

static void bytes_are_texts_that_tell_them_apart(void **state)
{
	static const struct {
		struct span bytes;
		const char *text;
	} shown[] = {
		{ SPAN_LITERAL("word"), "\"word\"" },
		{ SPAN_LITERAL("0x61"), "\"0x30783631\"" },
		{ SPAN_LITERAL("2 bytes, sha256 00"), "\"0x32206279746573"
						      "2c20736861323536203030\"" },
		{ SPAN_LITERAL("\xff"), "\"0xff\"" },
		{ SPAN_LITERAL("a\x01"), "\"0x6101\"" },
		{ SPAN_LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		  "\"33 bytes, sha256 7f9c9e31ac8256ca2f258583df262dbc7d6f68f2a03043d5c99a4ae5a7396ce9\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		struct buffer out = { 0 };
		struct json j = json_to(&out);

		assert_true(proto_write_bytes(&j, shown[i].bytes, digest));
		assert_string_equal(buffer_text(&out), shown[i].text);
		buffer_deinit(&out);
	}
}

/* ---- known types: what is not in the type, and limits ---- */

static struct proto_type self = { .name = SPAN_LITERAL("Self"), .count = 3 };
static const struct proto_member self_members[] = {
	{ SPAN_LITERAL("n"), 1, PROTO_KIND_INT32, false, false, NULL },
	{ SPAN_LITERAL("self"), 2, PROTO_KIND_MESSAGE, false, false, &self },
	{ SPAN_LITERAL("many"), 3, PROTO_KIND_INT32, true, false, NULL },
};

static void what_the_type_does_not_have_is_told_by_number(void **state)
{
	struct buffer m = { 0 };

	(void)state;
	pb_number(&m, 9, 5);
	pb_number(&m, 1, 3);
	pb_text(&m, 1, "not a number");
	pb_float(&m, 9, 1);
	pb_number(&m, 7, 1);
	expect_json(&self, buffer_span(&m),
		    "{\"n\":3,\"many\":[],\"1\":[\"not a number\"],\"7\":[\"1\"],\"9\":[\"5\",\"fixed32 3f800000\"]}");
	buffer_deinit(&m);
}

/* @levels messages inside of each other, as field 2 */
static void nest(struct buffer *out, unsigned levels)
{
	struct buffer inner = { 0 };

	buffer_clear(out);
	while (levels-- > 0) {
		struct buffer swap = *out;

		*out = inner;
		inner = swap;
		buffer_clear(out);
		pb_message(out, 2, &inner);
	}
	buffer_deinit(&inner);
}

static void limits_are_kept(void **state)
{
	struct buffer m = { 0 }, out = { 0 }, other = { 0 };

	(void)state;
	nest(&m, PROTO_DEPTH_MAX - 1);
	assert_int_equal(proto_json(&self, buffer_span(&m), ROOM, digest, &out), 0);
	buffer_clear(&out);
	assert_int_equal(proto_guess(buffer_span(&m), buffer_span(&m), ROOM, digest, &out, &other), 0);
	nest(&m, PROTO_DEPTH_MAX);
	assert_int_equal(proto_json(&self, buffer_span(&m), ROOM, digest, &out), -E2BIG);
	nest(&m, PROTO_DEPTH_MAX + 1); /* the innermost is empty, which is a text */
	assert_int_equal(proto_guess(buffer_span(&m), buffer_span(&m), ROOM, digest, &out, &other), -E2BIG);
	buffer_clear(&m);
	for (int i = 0; i < 1000; i++)
		pb_number(&m, 3, 1);
	buffer_clear(&out);
	buffer_clear(&other);
	assert_int_equal(proto_json(&self, buffer_span(&m), 2000, digest, &out), -EFBIG);
	assert_true(out.len < 2100);
	buffer_clear(&out);
	assert_int_equal(proto_guess(buffer_span(&m), buffer_span(&m), 2000, digest, &out, &other), -EFBIG);
	assert_true(out.len < 2100);
	buffer_clear(&m);
	for (uint32_t i = 1; i <= 30000; i++) /* each number would be looked for in all of the others */
		pb_number(&m, i, 1);
	buffer_clear(&out);
	assert_int_equal(proto_guess(buffer_span(&m), buffer_span(&m), ROOM, digest, &out, &other), -EFBIG);
	assert_int_equal(proto_json(&self, buffer_span(&m), ROOM, digest, &out), -EFBIG);
	buffer_deinit(&m);
	buffer_deinit(&out);
	buffer_deinit(&other);
}

/* ---- unknown types ---- */

static void expect_guess(struct buffer *production, struct buffer *shadow, const char *p, const char *s)
{
	struct buffer outs[2] = { { 0 } };

	assert_int_equal(proto_guess(buffer_span(production), buffer_span(shadow), ROOM, digest, &outs[0], &outs[1]), 0);
	assert_string_equal(buffer_text(&outs[0]), p);
	assert_string_equal(buffer_text(&outs[1]), s);
	for (int i = 0; i < 2; i++)
		buffer_deinit(&outs[i]);
	buffer_clear(production);
	buffer_clear(shadow);
}

static void unknown_types_are_guessed_alike_on_both_sides(void **state)
{
	struct buffer p = { 0 }, s = { 0 }, inner = { 0 };

	(void)state;
	pb_number(&p, 1, 5);
	pb_float(&p, 2, 0.5f);
	pb_text(&p, 3, "word");
	expect_guess(&p, &s, "{\"1\":5,\"2\":0.5,\"3\":\"word\"}", "{\"1\":0,\"2\":0,\"3\":\"\"}");

	pb_number(&p, 1, 5); /* once here, twice there */
	pb_number(&s, 1, 5);
	pb_number(&s, 1, 6);
	expect_guess(&p, &s, "{\"1\":[5]}", "{\"1\":[5,6]}");

	pb_tag(&p, 1, 5); /* fixed32: a whole number */
	pb_le(&p, 77, 4);
	pb_float(&s, 1, 1.5f);
	expect_guess(&p, &s, "{\"1\":77}", "{\"1\":1069547520}");

	pb_float(&inner, 1, 0.25f); /* numbers of what only looks like a message are texts */
	pb_message(&p, 4, &inner);
	pb_float(&inner, 1, 0.26f);
	pb_message(&s, 4, &inner);
	expect_guess(&p, &s, "{\"4\":{\"1\":\"0.25\"}}", "{\"4\":{\"1\":\"0.25999999\"}}");

	pb_number(&inner, 1, 1); /* the same fields in another order may be other bytes */
	pb_number(&inner, 2, 2);
	pb_message(&p, 4, &inner);
	pb_number(&inner, 2, 2);
	pb_number(&inner, 1, 1);
	pb_message(&s, 4, &inner);
	expect_guess(&p, &s, "{\"4\":\"0x08011002\"}", "{\"4\":\"0x10020801\"}");

	pb_bytes(&p, 4, SPAN_LITERAL("\xff\xff")); /* a message on one side only */
	pb_number(&inner, 1, 1);
	pb_message(&s, 4, &inner);
	expect_guess(&p, &s, "{\"4\":\"0xffff\"}", "{\"4\":\"0x0801\"}");

	pb_number(&p, 6, 1); /* of two wire types */
	pb_text(&s, 6, "one");
	expect_guess(&p, &s, "{\"6\":\"varint 1\"}", "{\"6\":\"one\"}");

	pb_number(&inner, 1, 300); /* a message that is missing is missing */
	pb_message(&p, 8, &inner);
	expect_guess(&p, &s, "{\"8\":{\"1\":\"300\"}}", "{}");
	buffer_deinit(&p);
	buffer_deinit(&s);
	buffer_deinit(&inner);
}

/* ---- --proto ---- */

static void expect_refused(struct buffer *file, const char *word)
{
	const struct proto_file files = { buffer_span(file), "types.pb" };
	struct buffer error = { 0 };
	struct proto_set *s;

	assert_int_equal(proto_set_new(&files, 1, &s, &error), -EINVAL);
	assert_null(s);
	if (!strstr(buffer_text(&error), word))
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	buffer_clear(file);
}

static void files_that_are_no_sets_are_refused(void **state)
{
	struct buffer set = { 0 }, file = { 0 }, message = { 0 }, field = { 0 };

	(void)state;
	expect_refused(&set, "types.pb");
	pb_hex(&set, "7f454c46");
	expect_refused(&set, "types.pb");

	pb_text(&message, 1, "Lonely");
	pb_text(&field, 1, "friend");
	pb_number(&field, 3, 1);
	pb_number(&field, 5, PROTO_KIND_MESSAGE);
	pb_text(&field, 6, ".elsewhere.Friend");
	pb_message(&message, 2, &field);
	pb_message(&file, 4, &message);
	pb_message(&set, 1, &file);
	expect_refused(&set, ".elsewhere.Friend");

	pb_text(&field, 1, "no kind");
	pb_message(&message, 2, &field);
	pb_message(&file, 4, &message);
	pb_message(&set, 1, &file);
	expect_refused(&set, "types.pb");
	buffer_deinit(&set);
	buffer_deinit(&file);
	buffer_deinit(&message);
	buffer_deinit(&field);
}

static int setup(void **state)
{
	self.members = self_members;
	digest = digest_new();
	return digest ? guard_setup(state) : -1;
}

static int teardown(void **state)
{
	digest_free(digest);
	return guard_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_read_as_they_were_made),
		cmocka_unit_test(fields_end_where_the_message_does),
		cmocka_unit_test(packed_numbers_have_to_end_with_the_bytes),
		cmocka_unit_test(bytes_are_texts_that_tell_them_apart),
		cmocka_unit_test(what_the_type_does_not_have_is_told_by_number),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(unknown_types_are_guessed_alike_on_both_sides),
		cmocka_unit_test(files_that_are_no_sets_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
