/*
 * test_inflate.c - content codings undone: the known, the damaged, the endless
 *
 * gzip and deflate are written by zlib here; br and zstd are bytes that their
 * own encoders wrote once, so that the test needs no encoder. Where this build
 * cannot read one of the two, it has to say so: -ENOTSUP and nothing else.
 */
#include "tests/rig/unit.h"

#include <errno.h>

#include "tests/rig/coded.h"
#include "compare/inflate.h"
#include "tests/rig/guard_page.h"

#define TEXT "{\"predictions\": [[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]], \"model_name\": \"digits\"}"
#define ZEROS 100000
#define MAX   (1 << 20)

static const uint8_t br_text[] =
	"\x13\x4a\x00\x00\xc4\xdc\x46\xa9\x8e\xcb\x63\xcc\x07\x04\x53\x1d\x6b\x1a\x84\x2f\x18\x45\xc7\x38\x70"
	"\x18\xf8\xba\x7d\xa0\x6d\x00\x1c\x1c\x72\x3b\x1c\x28\x2e\x90\xf8\x30\xbe\x3f\xce\xbe\xa8\x64\xa6\x12"
	"\x98\x54\x8a\x13\x9d\xc9\x54\x52\x06\xca\xee\x14\xd6\x69\x7d\xf6\x15\x54\xc2\x85\x31\x5f\x7c";
static const uint8_t br_zeros[] = "\x53\x9f\x86\x01\x40\x02\x20\x1e\x0b\x24\xcb\x2f\x00";
static const uint8_t zstd_text[] =
	"\x28\xb5\x2f\xfd\x24\x4b\x1d\x02\x00\x42\xc4\x0e\x11\x90\x7d\x76\xec\x20\xc8\x12\xdf\xff\x49\xe3\x0e"
	"\x2a\xd2\xf5\xe7\x1c\xfb\x71\x8e\x30\xba\x77\xf4\x6f\x32\xba\xe4\x73\x75\xbe\x03\xa5\x8c\x83\x12\x44"
	"\x72\xa0\x48\x10\x0e\x4e\x10\x0e\x46\x10\x29\x39\x7a\x4c\x6b\xcc\x2d\xba\x77\xed\xeb\x01\x00\x40\x56"
	"\xca\x2f\xe4\x76\xc4";
static const uint8_t zstd_zeros[] =
	"\x28\xb5\x2f\xfd\xa4\xa0\x86\x01\x00\x4d\x00\x00\x08\x00\x01\x00\x9c\x86\x39\x10\x02\xdb\x23\x4e\xf3";
/* the head of a frame that wants a window of 64 MiB */
static const uint8_t zstd_window[] = "\x28\xb5\x2f\xfd\x00\x80\x01\x00\x00";

/* what a body was wrapped in, the first first: g gzip, z deflate with zlib's wrapper, r without, b br, s zstd */
struct coding_case {
	const char *codings, *wrapped;
	int expected;
};

static const struct coding_case coding_cases[] = {
	{ "", "", 0 },
	{ "identity", "", 0 },
	{ " , ,identity,", "", 0 },
	{ "gzip", "g", 0 },
	{ "x-gzip", "g", 0 },
	{ "GZip", "g", 0 },
	{ "deflate", "z", 0 },
	{ "deflate", "r", 0 },
	{ "br", "b", 0 },
	{ "zstd", "s", 0 },
	{ "gzip, deflate", "gz", 0 },
	{ "deflate ,\tgzip , identity", "rg", 0 },
	{ "br,gzip", "bg", 0 },
	{ "gzip,gzip,gzip,gzip", "gggg", 0 },
	{ "gzip,gzip,gzip,gzip,gzip", "ggggg", -ENOTSUP },
	{ "gzip", "", -EBADMSG },
	{ "gzip", "z", -EBADMSG },
	{ "deflate", "g", -EBADMSG },
	{ "deflate, gzip", "gz", -EBADMSG },
	{ "br", "g", -EBADMSG },
	{ "zstd", "g", -EBADMSG },
	{ "compress", "", -ENOTSUP },
	{ "gzi", "g", -ENOTSUP },
	{ "gzip;q=1", "g", -ENOTSUP },
};

static bool built_in(int (*decode)(struct span, uint64_t, struct buffer *), struct span sample)
{
	struct buffer out = { 0 };
	int err = decode(sample, MAX, &out);

	buffer_deinit(&out);
	return err == 0;
}

static bool has_brotli(void)
{
	return built_in(inflate_brotli, span_of(br_text, sizeof(br_text) - 1));
}

static bool has_zstd(void)
{
	return built_in(inflate_zstd, span_of(zstd_text, sizeof(zstd_text) - 1));
}

static void wrap(struct buffer *body, const char *wrapped)
{
	for (; *wrapped; wrapped++) {
		struct buffer out = { 0 };

		if (*wrapped == 'b')
			buffer_add(&out, br_text, sizeof(br_text) - 1);
		else if (*wrapped == 's')
			buffer_add(&out, zstd_text, sizeof(zstd_text) - 1);
		else
			assert_true(code_body(buffer_span(body),
					      *wrapped == 'g' ? CODED_GZIP :
					      *wrapped == 'z' ? CODED_ZLIB :
								CODED_RAW,
					      &out));
		buffer_deinit(body);
		*body = out;
	}
}

static void test_codings(void **state)
{
	struct inflater z = { 0 };

	for (size_t i = 0; i < sizeof(coding_cases) / sizeof(*coding_cases); i++) {
		const struct coding_case *c = &coding_cases[i];
		bool unreadable = (strstr(c->codings, "br") && !has_brotli()) || (strstr(c->codings, "zstd") && !has_zstd());
		struct buffer body = { 0 };
		struct span out, in;
		int err;

		buffer_add_str(&body, TEXT);
		wrap(&body, c->wrapped);
		in = guarded_copy(*state, body.bytes, body.len);
		err = inflate_body(&z, span_str(c->codings), in, MAX, &out);
		if (err != (unreadable ? -ENOTSUP : c->expected))
			fail_msg("%s of %s: %d", c->codings, c->wrapped, err);
		if (err == 0)
			assert_true(span_equal(out, SPAN_LITERAL(TEXT)));
		buffer_deinit(&body);
	}
	inflater_deinit(&z);
}

/* Of every coding: each cut is damage, and so is a byte too many. */
static void test_cut(void **state)
{
	static const char *const wrapped[] = { "g", "z", "r", "b", "s", "gz", "zg" },
				 *const codings[] = { "gzip", "deflate", "deflate", "br", "zstd", "gzip, deflate", "deflate,gzip" };
	struct inflater z = { 0 };

	for (size_t i = 0; i < sizeof(wrapped) / sizeof(*wrapped); i++) {
		struct buffer body = { 0 };
		struct span out;

		if ((*wrapped[i] == 'b' && !has_brotli()) || (*wrapped[i] == 's' && !has_zstd()))
			continue;
		buffer_add_str(&body, TEXT);
		wrap(&body, wrapped[i]);
		for (size_t len = 1; len < body.len; len++)
			assert_int_equal(inflate_body(&z, span_str(codings[i]), guarded_copy(*state, body.bytes, len), MAX, &out),
					 -EBADMSG);
		assert_int_equal(inflate_body(&z, span_str(codings[i]), buffer_span(&body), MAX, &out), 0);
		buffer_add(&body, "x", 1);
		assert_int_equal(inflate_body(&z, span_str(codings[i]), buffer_span(&body), MAX, &out), -EBADMSG);
		assert_int_equal(inflate_body(&z, span_str(codings[i]), span_of(NULL, 0), MAX, &out), 0);
		assert_int_equal(out.len, 0);
		buffer_deinit(&body);
	}
	inflater_deinit(&z);
}

/* A server may flush by ending a member and beginning another. */
static void test_members(void **state)
{
	struct buffer body = { 0 };
	struct inflater z = { 0 };
	struct span out;
	size_t first;

	assert_true(code_body(SPAN_LITERAL("one "), CODED_GZIP, &body));
	first = body.len;
	assert_true(code_body(SPAN_LITERAL(""), CODED_GZIP, &body) && code_body(SPAN_LITERAL("two"), CODED_GZIP, &body));
	assert_int_equal(inflate_body(&z, SPAN_LITERAL("gzip"), buffer_span(&body), MAX, &out), 0);
	assert_true(span_equal(out, SPAN_LITERAL("one two")));
	assert_int_equal(inflate_body(&z, SPAN_LITERAL("gzip"), span_of(body.bytes, first + 5), MAX, &out), -EBADMSG);
	inflater_deinit(&z);
	buffer_deinit(&body);
}

/* The limit holds at its last byte, for every step of a chain, and memory stays near it. */
static void test_bombs(void **state)
{
	static const char *const wrapped[] = { "g", "z", "r", "gg" },
				 *const codings[] = { "gzip", "deflate", "deflate", "gzip,gzip" };
	static uint8_t zeros[ZEROS];
	struct inflater z = { 0 };
	struct span out;

	for (size_t i = 0; i < sizeof(wrapped) / sizeof(*wrapped); i++) {
		struct buffer body = { 0 };

		buffer_add(&body, zeros, sizeof(zeros));
		wrap(&body, wrapped[i]);
		assert_int_equal(inflate_body(&z, span_str(codings[i]), buffer_span(&body), ZEROS, &out), 0);
		assert_int_equal(out.len, ZEROS);
		for (uint64_t max = ZEROS - 1; max > 0; max /= 3)
			assert_int_equal(inflate_body(&z, span_str(codings[i]), buffer_span(&body), max, &out), -EFBIG);
		assert_int_equal(inflate_body(&z, span_str(codings[i]), buffer_span(&body), UINT64_MAX, &out), 0);
		buffer_deinit(&body);
	}
	if (has_brotli()) {
		struct span bomb = span_of(br_zeros, sizeof(br_zeros) - 1);

		assert_int_equal(inflate_body(&z, SPAN_LITERAL("br"), bomb, ZEROS, &out), 0);
		assert_int_equal(out.len, ZEROS);
		assert_int_equal(inflate_body(&z, SPAN_LITERAL("br"), bomb, ZEROS - 1, &out), -EFBIG);
	}
	if (has_zstd()) {
		struct span bomb = span_of(zstd_zeros, sizeof(zstd_zeros) - 1);

		assert_int_equal(inflate_body(&z, SPAN_LITERAL("zstd"), bomb, ZEROS, &out), 0);
		assert_int_equal(out.len, ZEROS);
		assert_int_equal(inflate_body(&z, SPAN_LITERAL("zstd"), bomb, ZEROS - 1, &out), -EFBIG);
		assert_int_equal(inflate_body(&z, SPAN_LITERAL("zstd"), span_of(zstd_window, sizeof(zstd_window) - 1), MAX, &out),
				 -EBADMSG);
	}
	assert_true(z.from.cap + z.to.cap < 2 * 4 * ZEROS);
	inflater_deinit(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
