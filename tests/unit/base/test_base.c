/* test_base.c - spans, texts, hashes, digests, histograms: the ground that everything stands on */
#include "tests/rig/unit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/digits.h"
#include "base/endpoint.h"
#include "base/hash.h"
#include "base/histogram.h"
#include "base/json.h"
#include "base/span.h"
#include "base/shown.h"

static void test_span(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct span s = span_of(bytes, sizeof(bytes)), part;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	(void)state;
	assert_true(span_u8(&s, &u8));
	assert_int_equal(u8, 1);
	assert_true(span_u16(&s, &u16));
	assert_int_equal(u16, 0x0203);
	assert_true(span_u32(&s, &u32));
	assert_int_equal(u32, 0x04050607);
	/* one byte is left: what needs more takes nothing */
	assert_false(span_u16(&s, &u16));
	assert_false(span_u32(&s, &u32));
	assert_false(span_take(&s, SIZE_MAX, &part));
	assert_false(span_skip(&s, 2));
	assert_int_equal(s.len, 1);
	assert_true(span_skip(&s, 1));
	assert_false(span_u8(&s, &u8));
	assert_true(span_take(&s, 0, &part));
	assert_true(span_equal_nocase(SPAN_LITERAL("Host"), SPAN_LITERAL("hOST")));
	assert_false(span_equal_nocase(SPAN_LITERAL("Host"), SPAN_LITERAL("Hos")));
	assert_true(span_starts(SPAN_LITERAL("HTTP/1.1"), SPAN_LITERAL("HTTP/")));
	assert_false(span_starts(SPAN_LITERAL("HT"), SPAN_LITERAL("HTTP/")));
}

static void test_buffer(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	assert_string_equal(buffer_text(&b), "");
	buffer_add_str(&b, "abc");
	buffer_printf(&b, "-%d-%s", 42, "x");
	assert_string_equal(buffer_text(&b), "abc-42-x");
	for (int i = 0; i < 10000; i++)
		buffer_add(&b, "0123456789", 10);
	assert_int_equal(b.len, 8 + 100000);
	assert_true(buffer_ok(&b));
	assert_false(buffer_reserve(&b, SIZE_MAX - 5)); /* cannot be; remembered, and nothing is added after it */
	buffer_add_str(&b, "more");
	assert_false(buffer_ok(&b));
	assert_int_equal(b.len, 8 + 100000);
	buffer_clear(&b);
	assert_true(buffer_ok(&b));
	buffer_deinit(&b);
}

static const struct {
	const char *bytes;
	size_t len;
	const char *json;
} texts[] = {
	{ "plain", 5, "\"plain\"" },
	{ "", 0, "\"\"" },
	{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
	{ "a\nb\tc\rd", 7, "\"a\\nb\\tc\\rd\"" },
	{ "\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\"" },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "\xc3", 1, "\"\xef\xbf\xbd\"" },                                       /* cut */
	{ "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                       /* overlong */
	{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },       /* a surrogate */
	{ "\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* above U+10FFFF */
	{ "x\xffy", 3, "\"x\xef\xbf\xbdy\"" },
};

static void test_json_texts(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json j = json_to(&b);

		buffer_clear(&b);
		json_text(&j, span_of(texts[i].bytes, texts[i].len));
		assert_string_equal(buffer_text(&b), texts[i].json);
	}
	buffer_deinit(&b);
}

/* Every length that words end in, and one byte of every kind at every place: what isn't plain is found wherever it is. */
static void test_json_every_byte(void **state)
{
	char text[40], expected[128], as[16];
	uint8_t bytes[40];

	(void)state;
	for (size_t len = 1; len < sizeof(bytes) - 1; len++) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned c = 0; c < 256; c++) {
				struct buffer b = { 0 };
				struct json j = json_to(&b);

				memset(bytes, 'x', len);
				bytes[at] = (uint8_t)c;
				memset(text, 'x', len);
				text[len] = '\0';
				snprintf(as, sizeof(as), "%c", (int)c);
				if (c < 0x20 || c == 0x7f)
					snprintf(as, sizeof(as),
						 c == '\n'   ? "\\n"
						 : c == '\r' ? "\\r"
						 : c == '\t' ? "\\t"
							     : "\\u%04x",
						 c);
				else if (c == '"' || c == '\\')
					snprintf(as, sizeof(as), "\\%c", (int)c);
				else if (c >= 0x80)
					strcpy(as, "\xef\xbf\xbd");
				snprintf(expected, sizeof(expected), "\"%.*s%s%s\"", (int)at, text, as,
					 text + at + 1);
				json_text(&j, span_of(bytes, len));
				assert_string_equal(buffer_text(&b), expected);
				buffer_deinit(&b);
			}
		}
	}
}

static void check_uint(uint64_t n)
{
	char text[DIGITS_UINT_MAX + 1], expected[DIGITS_UINT_MAX + 1];

	*put_uint(text, n) = '\0';
	snprintf(expected, sizeof(expected), "%" PRIu64, n);
	assert_string_equal(text, expected);
}

static void test_digits_read(void **state)
{
	static const char *const none[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616", "99999999999999999999", "12345678901234567a" };
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(digits_read(span_str(none[i]), &n));
	assert_true(digits_read(SPAN_LITERAL("0"), &n) && n == 0);
	assert_true(digits_read(SPAN_LITERAL("0000000000000042"), &n) && n == 42);
	assert_true(digits_read(SPAN_LITERAL("18446744073709551615"), &n) && n == UINT64_MAX);
	assert_false(hex_read(SPAN_LITERAL(""), &n) || hex_read(SPAN_LITERAL("12g4"), &n) || hex_read(SPAN_LITERAL("10000000000000000"), &n));
	assert_true(hex_read(SPAN_LITERAL("00fF"), &n) && n == 255);
	assert_true(hex_read(SPAN_LITERAL("ffffffffffffffff"), &n) && n == UINT64_MAX);
}

/* As printf() writes them: around each power of ten and of two, and some that nothing is known of. */
static void test_digits(void **state)
{
	char text[64], expected[64];
	uint64_t power = 1, any = 1;

	(void)state;
	for (int i = 0; i < 20; i++, power *= 10)
		for (uint64_t off = 0; off < 3; off++)
			check_uint(power - 1 + off);
	for (int i = 0; i < 64; i++)
		for (uint64_t off = 0; off < 3; off++)
			check_uint((UINT64_C(1) << i) - 1 + off);
	check_uint(UINT64_MAX);
	for (int i = 0; i < 10000; i++) {
		any = any * 6364136223846793005U + 1442695040888963407U;
		check_uint(any >> (i % 64));
		*put_eight(text, (uint32_t)(any % 100000000)) = '\0';
		snprintf(expected, sizeof(expected), "%08u", (unsigned)(any % 100000000));
		assert_string_equal(text, expected);
	}
	for (unsigned n = 0; n < 256; n++) {
		const uint8_t bytes[9] = { (uint8_t)n, (uint8_t)~n, 0x09, 0xaf,      (uint8_t)n,
					   0xf0,       0x10,        0x99, (uint8_t)n };

		*put_octet(text, (uint8_t)n) = '\0';
		snprintf(expected, sizeof(expected), "%u", n);
		assert_string_equal(text, expected);
		for (size_t len = 0; len <= sizeof(bytes); len++) {
			*put_hex(text, bytes, len) = '\0';
			for (size_t i = 0; i < len; i++)
				snprintf(expected + 2 * i, 3, "%02x", bytes[i]);
			assert_memory_equal(text, expected, 2 * len);
			assert_int_equal(strlen(text), 2 * len);
		}
	}
}

static void test_json_structure(void **state)
{
	struct buffer b = { 0 };
	struct json j = json_to(&b);

	(void)state;
	json_open(&j, '{');
	json_key(&j, "a");
	json_uint(&j, UINT64_MAX);
	json_key(&j, "b");
	json_open(&j, '[');
	json_int(&j, -1);
	json_int(&j, INT64_MIN);
	json_int(&j, INT64_MAX);
	json_uint(&j, 0);
	json_double(&j, 0.25);
	json_double(&j, NAN);
	json_bool(&j, true);
	json_null(&j);
	json_open(&j, '{');
	json_close(&j, '}');
	json_close(&j, ']');
	json_key(&j, "c");
	json_hex(&j, (const uint8_t *)"\x00\xff\x1a", 3);
	json_close(&j, '}');
	assert_string_equal(buffer_text(&b),
			    "{\"a\":18446744073709551615,\"b\":[-1,-9223372036854775808,9223372036854775807,0,0.25,null,true,null,{}],\"c\":\"00ff1a\"}");
	buffer_deinit(&b);
}

/* The vectors of the SipHash paper, appendix A: key 00..0f, input 00..(n-1). */
static void test_siphash(void **state)
{
	struct hash_key key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	uint8_t in[15];

	(void)state;
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	assert_true(hash_bytes(&key, in, 15) == 0xa129ca6149be45e5u);
	assert_true(hash_bytes(&key, in, 0) == 0x726fdb47dd0e0e31u);
	assert_true(hash_bytes(&key, in, 8) == 0x93f5f5799a932462u);
}

/* However the bytes come: in one, or cut anywhere. */
static void check_cuts(struct digest *d)
{
	static uint8_t bytes[5000];
	uint8_t in_one[DIGEST_SHA256_BYTES], cut[DIGEST_SHA256_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i / 7);
	for (size_t len = sizeof(bytes); len > sizeof(bytes) - 70; len--) {
		assert_true(digest_reset(d));
		assert_true(digest_add(d, bytes, len));
		assert_true(digest_finish(d, in_one));
		assert_true(digest_reset(d));
		for (size_t at = 0, n; at < len; at += n) {
			n = 1 + at % 61;
			assert_true(digest_add(d, bytes + at, at + n < len ? n : len - at));
		}
		assert_true(digest_finish(d, cut));
		assert_memory_equal(in_one, cut, sizeof(cut));
	}
}

/* From OpenSSL 3.0's SIPHASH with size 16; the first and the second are in the reference code too. In one piece, and in any two. */
static void test_siphash_128(void **state)
{
	static const struct {
		size_t len;
		const char *hex;
	} rows[] = {
		{ 0, "a3817f04ba25a8e66df67214c7550293" },  { 1, "da87c1d86b99af44347659119b22fc45" },
		{ 7, "a1f1ebbed8dbc153c0b84aa61ff08239" },  { 8, "3b62a9ba6258f5610f83e264f31497b4" },
		{ 9, "264499060ad9baabc47f8b02bb6d71ed" },  { 15, "5493e99933b0a8117e08ec0f97cfc3d9" },
		{ 63, "5150d1772f50834a503e069a973fbd7c" },
	};
	static const struct hash_key key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t data[63];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= rows[i].len; cut++) {
			struct hash128 h = hash128_begin(&key);
			uint64_t half[2];
			uint8_t bytes[16];
			char hex[33] = "";

			hash128_add(&h, data, cut);
			hash128_add(&h, data + cut, rows[i].len - cut);
			hash128_end(&h, half);
			for (int b = 0; b < 16; b++)
				bytes[b] = (uint8_t)(half[b / 8] >> 8 * (b % 8));
			put_hex(hex, bytes, sizeof(bytes));
			assert_string_equal(hex, rows[i].hex);
		}
	}
}

static void test_digests(void **state)
{
	static const uint8_t sha_abc[] = { 0xba, 0x78, 0x16, 0xbf };
	static const uint8_t md5_abc[] = { 0x90, 0x01, 0x50, 0x98 };
	uint8_t out[DIGEST_SHA256_BYTES];
	struct digest *d = digest_new();

	(void)state;
	assert_non_null(d);
	for (int round = 0; round < 2; round++) { /* a reset one is as good as a new one */
		assert_true(digest_reset(d));
		assert_true(digest_add(d, "a", 1));
		assert_true(digest_add(d, NULL, 0));
		assert_true(digest_add(d, "bc", 2));
		assert_true(digest_finish(d, out));
		assert_memory_equal(out, sha_abc, sizeof(sha_abc));
	}
	check_cuts(d);
	assert_true(md5_bytes("abc", 3, out));
	assert_memory_equal(out, md5_abc, sizeof(md5_abc));
	digest_free(d);
}

/* However long what is added at once: as if it had been added byte by byte. */
static void test_digests_of_long_inputs(void **state)
{
	static const size_t lens[] = { 1, 63, 64, 1023, 1024, 1025, 2047, 2048, 2049, 5000 };
	struct digest *d = digest_new();
	uint8_t bytes[5000], at_once[DIGEST_SHA256_BYTES], by_byte[DIGEST_SHA256_BYTES];

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_true(digest_reset(d));
		assert_true(digest_add(d, bytes, lens[i]));
		assert_true(digest_finish(d, at_once));
		assert_true(digest_reset(d));
		for (size_t n = 0; n < lens[i]; n++)
			assert_true(digest_add(d, bytes + n, 1));
		assert_true(digest_finish(d, by_byte));
		assert_memory_equal(at_once, by_byte, sizeof(at_once));
	}
	digest_free(d);
}

/* Every value comes back within 1 % of itself, whatever its size. */
static void test_histogram_error(void **state)
{
	(void)state;
	for (uint64_t value = 1; value < UINT64_C(1) << 40; value = value * 5 / 4 + 1) {
		static struct histogram h;
		uint64_t got;

		memset(&h, 0, sizeof(h));
		histogram_add(&h, value);
		histogram_add(&h, value * 2);
		got = histogram_quantile(&h, 0.25);
		assert_true(fabs((double)got - (double)value) <= 0.01 * (double)value);
		assert_int_equal(h.max, value * 2);
	}
}

static void test_histogram_quantiles(void **state)
{
	static struct histogram h, other;

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		histogram_add(i % 2 ? &h : &other, i);
	histogram_merge(&h, &other);
	assert_int_equal(h.count, 1000);
	assert_true(llabs((long long)histogram_quantile(&h, 0.5) - 500) <= 5);
	assert_true(llabs((long long)histogram_quantile(&h, 0.99) - 990) <= 10);
	assert_int_equal(histogram_quantile(&h, 1.0), 1000);
	histogram_add(&h, UINT64_MAX); /* beyond the last bucket: counted, never out of bounds */
	assert_int_equal(histogram_quantile(&h, 1.0), UINT64_MAX);
}

/* What another thread takes is what one histogram would have had. */
static void test_histogram_counted(void **state)
{
	static struct counted_histogram part[2];
	static struct histogram whole, taken;

	(void)state;
	for (uint64_t value = 0; value < UINT64_C(1) << 50; value = value * 5 / 4 + 1) {
		histogram_add(&whole, value);
		counted_histogram_add(&part[value % 3 == 0], value);
	}
	histogram_take(&taken, &part[0]);
	histogram_take(&taken, &part[1]);
	assert_memory_equal(&taken, &whole, sizeof(whole));
}

static void test_budget(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 100);
	assert_true(budget_charge(&b, 60));
	assert_false(budget_charge(&b, 41));
	assert_false(budget_charge(&b, SIZE_MAX));
	assert_int_equal(budget_used(&b), 60);
	assert_true(budget_charge(&b, 40));
	budget_release(&b, 100);
	assert_int_equal(budget_used(&b), 0);
}

static void test_endpoints(void **state)
{
	struct endpoint four = { .addr = { [12] = 192, 0, 2, 7 }, .port = 80, .family = 4 };
	struct endpoint six = { .addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, .port = 65535, .family = 6 };
	char text[ENDPOINT_TEXT_MAX];

	(void)state;
	assert_string_equal(endpoint_text(&four, text), "192.0.2.7:80");
	assert_string_equal(endpoint_text(&(struct endpoint){ .addr = { [12] = 255, 255, 10, 0 }, .port = 65535, .family = 4 },
					  text),
			    "255.255.10.0:65535");
	assert_string_equal(endpoint_text(&(struct endpoint){ .family = 4 }, text), "0.0.0.0:0");
	assert_string_equal(endpoint_text(&six, text), "[2001:db8::1]:65535");
}

/* What a terminal or a page obeys is written as its number, wherever it stands; all else as it is. */
/* What is written is read again; what is no endpoint is refused. */
static void test_endpoints_are_read(void **state)
{
	static const char *const good[] = { "192.0.2.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:80", "[::]:0",
					    "[::ffff:1.2.3.4]:8443", "[1:2:3:4:5:6:7:8]:9" };
	static const char *const bad[] = { "", ":", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3:80", "1.2.3.4:65536", "1.2.3.4:080", "1.2.3.4:+8",
					   "1.2.3.4:8 ", " 1.2.3.4:8", "1.2.3.256:8", "host:80", "[::1]", "[::1]:", "[::1:80", "::1]:80", "[]:80",
					   "[1.2.3.4]:80", "::1:80", "[::1]80", "[::1%lo]:80",
					   "[11111111111111111111111111111111111111111111111111111111111111]:1" };
	struct endpoint e;
	char text[ENDPOINT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(endpoint_read(span_str(good[i]), &e));
		assert_string_equal(endpoint_text(&e, text), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (endpoint_read(span_str(bad[i]), &e))
			fail_msg("'%s' is no endpoint", bad[i]);
	assert_false(endpoint_read(span_of("1.2.3.4\0:80", 11), &e));
}

static void test_shown(void **state)
{
	static const struct {
		const char *text, *shown, *json;
	} rows[] = {
		{ "plain /path", "plain /path", "\"plain /path\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "a\x1b[31m\n\x7f", "a\\u001b[31m\\u000a\\u007f", "\"a\\u001b[31m\\n\\u007f\"" },
		{ "a\x9b" "31m\x80", "a\\x9b31m\\x80", "\"a\xef\xbf\xbd" "31m\xef\xbf\xbd\"" },
		{ "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0", "\"\\u0080\\u009b\\u009f\xc2\xa0\"" },
		{ "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8", "\\u202e\\u2066\\u200f\\u061c\\u2028",
		  "\"\\u202e\\u2066\\u200f\\u061c\\u2028\"" },
		{ "\xe2\x80\xaf\xe2\x81\xaa\xe2\x80\x8d", "\xe2\x80\xaf\xe2\x81\xaa\xe2\x80\x8d", "\"\xe2\x80\xaf\xe2\x81\xaa\xe2\x80\x8d\"" },
		{ "\xe2\x80", "\\xe2\\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };
		struct json j = json_to(&out);

		shown_add(&out, span_str(rows[i].text));
		assert_string_equal(buffer_text(&out), rows[i].shown);
		buffer_clear(&out);
		json_str(&j, rows[i].text);
		assert_string_equal(buffer_text(&out), rows[i].json);
		buffer_deinit(&out);
	}
}

static void test_times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: it is none */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:01.5Z", 1500000000 },
		{ "2026-11-28T09:00:00Z", INT64_C(1795856400000000000) },
		{ "2026-11-28t09:00:00.123456789z", INT64_C(1795856400123456789) },
		{ "2026-11-28 10:30:00.1234567891+01:30", INT64_C(1795856400123456789) },
		{ "2026-11-28T07:00:00-02:00", INT64_C(1795856400000000000) },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000000000) },
		{ "2026-11-28", -1 },
		{ "2026-11-28T09:00:00", -1 },
		{ "2026-11-28T09:00:00.Z", -1 },
		{ "2026-11-28T09:00:00Zx", -1 },
		{ "2026-11-28T24:00:00Z", -1 },
		{ "2026-02-30T00:00:00Z", -1 },
		{ "2026-13-01T00:00:00Z", -1 },
		{ "2026-11-28T09:00:00+1:00", -1 },
		{ "9999-01-01T00:00:00Z", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wall at = { -2 };

		assert_int_equal(time_read(span_str(rows[i].text), &at), rows[i].ns >= 0);
		assert_int_equal(at.ns, rows[i].ns >= 0 ? rows[i].ns : -2);
	}
	for (int64_t ns = 0; ns < INT64_MAX / 2; ns = ns * 3 + 7919) {
		char text[TIME_TEXT_MAX];
		struct wall at;

		assert_true(time_read(span_str(time_text((struct wall){ ns }, text)), &at));
		assert_int_equal(at.ns, ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_json_texts),
		cmocka_unit_test(test_json_every_byte),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_digits_read),
		cmocka_unit_test(test_json_structure),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_siphash_128),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_digests_of_long_inputs),
		cmocka_unit_test(test_histogram_error),
		cmocka_unit_test(test_histogram_quantiles),
		cmocka_unit_test(test_histogram_counted),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_times_are_read),
		cmocka_unit_test(test_endpoints_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
