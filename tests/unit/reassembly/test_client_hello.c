/* test_client_hello.c - the name in a ClientHello: found, absent, cut at every byte, lied about */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "reassembly/client_hello.h"
#include "tests/rig/guard_page.h"

static void u16(struct buffer *b, size_t n)
{
	uint8_t bytes[2] = { (uint8_t)(n >> 8), (uint8_t)n };

	buffer_add(b, bytes, 2);
}

/* A ClientHello as clients send it; @name NULL: no server_name. */
static void make_hello(struct buffer *b, const char *name)
{
	static const uint8_t random[32] = { 7 };
	size_t n = name ? strlen(name) : 0, extensions = 8 + (name ? 9 + n : 0), body = 2 + 32 + 1 + 2 + 4 + 2 + 2 + extensions;

	buffer_add(b, "\x16\x03\x01", 3);
	u16(b, body + 4);
	buffer_add(b, "\x01\x00", 2);
	u16(b, body);
	buffer_add(b, "\x03\x03", 2);
	buffer_add(b, random, sizeof(random));
	buffer_add(b, "\x00", 1);                     /* session */
	buffer_add(b, "\x00\x04\x13\x01\x13\x02", 6); /* suites */
	buffer_add(b, "\x01\x00", 2);                 /* compression */
	u16(b, extensions);
	buffer_add(b, "\x00\x0a\x00\x04\x00\x02\x00\x1d", 8); /* groups */
	if (!name)
		return;
	u16(b, 0);
	u16(b, n + 5);
	u16(b, n + 3);
	buffer_add(b, "\x00", 1);
	u16(b, n);
	buffer_add_str(b, name);
}

static void test_names(void **state)
{
	static const char *const names[] = { "models.example", "a", NULL };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buffer b = { 0 };
		struct span name;

		make_hello(&b, names[i]);
		assert_true(client_hello_name(buffer_span(&b), &name));
		assert_int_equal(name.len, names[i] ? strlen(names[i]) : 0);
		if (names[i])
			assert_memory_equal(name.at, names[i], name.len);
		buffer_deinit(&b);
	}
}

/* Cut anywhere it never reads past the end, and never says a part of the name. */
static void test_cut(void **state)
{
	struct buffer b = { 0 };

	make_hello(&b, "models.example");
	for (size_t n = 0; n <= b.len; n++) {
		struct span name;

		assert_int_equal(client_hello_name(guarded_copy(*state, b.bytes, n), &name), n >= 9);
		assert_int_equal(name.len, n == b.len ? strlen("models.example") : 0);
	}
	buffer_deinit(&b);
}

/* Each byte changed to each value: no crash, and a name is always printable. */
static void test_damaged(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	make_hello(&b, "models.example");
	for (size_t at = 0; at < b.len; at++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t before = b.bytes[at];
			struct span name;

			b.bytes[at] = (uint8_t)value;
			client_hello_name(buffer_span(&b), &name);
			for (size_t i = 0; i < name.len; i++)
				assert_in_range(name.at[i], 0x21, 0x7e);
			b.bytes[at] = before;
		}
	buffer_deinit(&b);
}

static void test_not_one(void **state)
{
	static const char *const rows[] = { "GET / HTTP/1.1\r\n", "\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", "\x16\x02\x01\x00\x05\x01\x00\x00\x01",
					    "\x17\x03\x01\x00\x05\x01\x00\x00\x01" };
	struct span name;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(client_hello_name(span_of(rows[i], 9), &name));
	assert_true(tls_hello_match(SPAN_LITERAL("\x16\x03\x01\x02")));
	assert_false(tls_hello_match(SPAN_LITERAL("\x16\x03")));
	assert_false(tls_hello_match(SPAN_LITERAL("\x17\x03\x01")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names),
					    cmocka_unit_test_setup_teardown(test_cut, guard_setup,
									    guard_teardown),
					    cmocka_unit_test(test_damaged), cmocka_unit_test(test_not_one) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
