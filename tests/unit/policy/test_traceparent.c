/* test_traceparent.c - which captured values are sampled, as the specification has it; new ones have its form, none twice */
#include "tests/rig/unit.h"

#include <string.h>

#include "policy/traceparent.h"

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static const struct {
	const char *value;
	bool is_sampled;
} values[] = {
	{ "00-" TRACE "-" PARENT "-01", true },
	{ "00-" TRACE "-" PARENT "-00", false },
	{ "00-" TRACE "-" PARENT "-03", true }, /* other flags are not ours to read */
	{ "00-" TRACE "-" PARENT "-fe", false },
	{ "00-" TRACE "-" PARENT "-ff", true },
	/* later versions: as much as is known of them */
	{ "cc-" TRACE "-" PARENT "-01", true },
	{ "cc-" TRACE "-" PARENT "-01-what-comes", true },
	{ "cc-" TRACE "-" PARENT "-01.what", false },
	{ "ff-" TRACE "-" PARENT "-01", false },
	/* this version has nothing behind */
	{ "00-" TRACE "-" PARENT "-01-x", false },
	{ "00-" TRACE "-" PARENT "-01 ", false },
	{ "00-" TRACE "-" PARENT "-0", false },
	{ "00-" TRACE "-" PARENT, false },
	{ "00-" TRACE "-" PARENT "-1", false },
	{ "", false },
	{ "00", false },
	{ "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false },
	{ "00-00000000000000000000000000000000-" PARENT "-01", false },
	{ "00-" TRACE "-0000000000000000-01", false },
	{ "00_" TRACE "-" PARENT "-01", false },
	{ "00-" TRACE "_" PARENT "-01", false },
	{ "0g-" TRACE "-" PARENT "-01", false },
};

static void test_sampled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (traceparent_is_sampled(span_str(values[i].value)) != values[i].is_sampled)
			fail_msg("%s", values[i].value);
}

static void test_new(void **state)
{
	enum { ROUNDS = 200 };
	static char texts[ROUNDS][TRACEPARENT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		const char *text = traceparent_new(i % 2, texts[i]);

		assert_int_equal(strlen(text), TRACEPARENT_TEXT_MAX - 1);
		assert_memory_equal(text, "00-", 3);
		assert_int_equal(strspn(text + 3, "0123456789abcdef"), 32);
		assert_int_equal(text[35], '-');
		assert_int_equal(strspn(text + 36, "0123456789abcdef"), 16);
		assert_string_equal(text + 52, i % 2 ? "-01" : "-00");
		assert_int_equal(traceparent_is_sampled(span_str(text)), i % 2);
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(memcmp(texts[k] + 3, text + 3, 32), 0);
			assert_int_not_equal(memcmp(texts[k] + 36, text + 36, 16), 0);
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_true(traceparent_is_field(span_str("traceparent")));
	assert_true(traceparent_is_field(span_str("TraceState")));
	assert_false(traceparent_is_field(span_str("x-traceparent")));
	assert_false(traceparent_is_field(span_str("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
