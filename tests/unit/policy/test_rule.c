/* test_rule.c - patterns, their messages, and what stops the catastrophic ones */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/rule.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static enum rule_result search(const char *pattern, bool nocase, struct span text)
{
	struct buffer error = { 0 };
	struct rule *r = NULL;
	enum rule_result result;

	assert_int_equal(rule_new("--path", pattern, nocase, &r, &error), 0);
	result = rule_search(r, text);
	assert_int_equal(rule_search(r, text), result); /* a rule can be used again, whatever happened */
	rule_free(r);
	buffer_deinit(&error);
	return result;
}

static void test_search(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool nocase;
		enum rule_result result;
	} rows[] = {
		{ "/v1/", "/v1/models", false, RULE_YES },
		{ "models", "/v1/models", false, RULE_YES },
		{ "^models", "/v1/models", false, RULE_NO },
		{ "^/v1/models$", "/v1/models", false, RULE_YES },
		{ "models$", "/v1/models\n", false, RULE_NO },
		{ "MODELS", "/v1/models", false, RULE_NO },
		{ "MODELS", "/v1/models", true, RULE_YES },
		{ "(?i)MODELS", "/v1/models", false, RULE_YES },
		{ "", "", false, RULE_YES },
		{ "^$", "", false, RULE_YES },
		{ "x", "", false, RULE_NO },
		{ "(?<=v)2", "/v2", false, RULE_YES },
		{ "\\xff", "a\xff\xfe", false, RULE_YES },
		{ "^...$", "\xff\xc3\x28", false, RULE_YES },
		{ "(a)\\1", "xaa", false, RULE_YES },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (search(rows[i].pattern, rows[i].nocase, span_str(rows[i].text)) != rows[i].result)
			fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].text);
}

static void test_errors(void **state)
{
	static const struct {
		const char *pattern, *says, *offset;
	} rows[] = {
		{ "(", "missing closing parenthesis", "offset 1" },
		{ "a[b", "missing terminating ]", "offset 3" },
		{ "*", "quantifier", "offset 0" },
		{ "(*UTF)a", "UTF", "offset" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer error = { 0 };
		struct rule *r = NULL;

		assert_int_equal(rule_new("--not-path", rows[i].pattern, false, &r, &error), -EINVAL);
		assert_null(r);
		assert_non_null(strstr(buffer_text(&error), "--not-path '"));
		assert_non_null(strstr(buffer_text(&error), rows[i].pattern));
		assert_non_null(strstr(buffer_text(&error), rows[i].says));
		assert_non_null(strstr(buffer_text(&error), rows[i].offset));
		buffer_deinit(&error);
	}
}

static struct span filled(size_t len, char with, char last)
{
	uint8_t *bytes = malloc(len);

	memset(bytes, with, len);
	bytes[len - 1] = (uint8_t)last;
	return span_of(bytes, len);
}

/* Exponential, polynomial and deep patterns end; with the interpreter ((*NO_JIT)) and with machine code. */
static void test_catastrophes_end(void **state)
{
	static const char *patterns[] = {
		"^(a|aa)+$",     "(*NO_JIT)^(a|aa)+$",
		"(a|b|ab)*c\\1", "(*NO_JIT)(a|b|ab)*c\\1",
		"^(?:a?){40}a{40}(?:a|a)+$",
		"(*NO_JIT)[a-z]{1,50}[a-z]{1,50}[a-z]{1,50}[0-9]",
		"[a-z]{1,50}[a-z]{1,50}[a-z]{1,50}[0-9]",
	};
	bool gave_up = false;

	for (size_t i = 0; i < COUNT(patterns); i++) {
		static const size_t lengths[] = { 40, 1000, RULE_TEXT_MAX };

		for (size_t l = 0; l < COUNT(lengths); l++) {
			struct span text = filled(lengths[l], 'a', '!');
			enum rule_result result = search(patterns[i], false, text);

			assert_int_not_equal(result, RULE_YES);
			gave_up = gave_up || result == RULE_GAVE_UP;
			free((void *)text.at);
		}
	}
	assert_true(gave_up);
	assert_int_equal(search("^(a|aa)+$", false, SPAN_LITERAL("aaaa")), RULE_YES);
	assert_int_equal(search("(*NO_JIT)^(a|aa)+$", false, SPAN_LITERAL("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")),
			 RULE_GAVE_UP);
}

/* What people write does not give up on the longest target that servers take. */
static void test_ordinary_patterns_end(void **state)
{
	static const char *patterns[] = { "^/v1/models/[^/:]+(/versions/\\d+)?:predict$", "/(infer|generate)$",
					  "^.*/v2/", "(?i)json", "foo.*bar$", "[?&]user=\\d+(&|$)" };
	struct span text = filled(RULE_TEXT_MAX, 'a', 'b');

	for (size_t i = 0; i < COUNT(patterns); i++)
		assert_int_equal(search(patterns[i], false, text), RULE_NO);
	assert_int_equal(search("b$", false, text), RULE_YES);
	free((void *)text.at);
	text = filled(RULE_TEXT_MAX + 1, 'a', 'b');
	assert_int_equal(search("a", false, text), RULE_GAVE_UP);
	free((void *)text.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_catastrophes_end),
		cmocka_unit_test(test_ordinary_patterns_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
