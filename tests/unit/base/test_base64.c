/* test_base64.c - base64.c: the rows of RFC 4648, section 10, and what is none */
#include "tests/rig/unit.h"

#include "base/base64.h"

static void test_base64(void **state)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
		bool good;
	} rows[] = {
		{ "", "", 0, true },		{ "Zg==", "f", 1, true },     { "Zm8=", "fo", 2, true },
		{ "Zm9v", "foo", 3, true },	{ "Zm9vYmFy", "foobar", 6, true }, { "+/+/", "\xfb\xff\xbf", 3, true },
		{ "Zg=", "", 0, false },	{ "Z===", "", 0, false },     { "====", "", 0, false },
		{ "Zg==Zg==", "", 0, false },	{ "Zm9-", "", 0, false },     { "Zm 9", "", 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };
		bool good = base64_decode(span_str(rows[i].text), &out);

		if (good != rows[i].good || (good && !span_equal(buffer_span(&out), span_of(rows[i].bytes, rows[i].len))))
			fail_msg("'%s'", rows[i].text);
		buffer_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_base64) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
