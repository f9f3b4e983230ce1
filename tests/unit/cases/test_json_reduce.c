/* test_json_reduce.c - what is left of a JSON text, how many tries it takes, and what happens when they run out */
#include "tests/rig/unit.h"

#include <errno.h>
#include <string.h>

#include "app/cases/json_reduce.h"
#include "base/json_doc.h"

/** struct asked - does a candidate hold all these words? */
struct asked {
	const char *words[3]; /* NULL: no more */
	size_t tries, most;
};

static int holds(void *ctx, struct span candidate)
{
	struct asked *a = ctx;
	struct json_doc doc = { 0 };

	if (a->tries == a->most)
		return -EDQUOT;
	a->tries++;
	assert_int_equal(json_doc_parse(&doc, candidate), 0); /* each is JSON */
	json_doc_deinit(&doc);
	for (size_t i = 0; i < 3 && a->words[i]; i++)
		if (!memmem(candidate.at, candidate.len, a->words[i], strlen(a->words[i])))
			return 0;
	return 1;
}

struct row {
	const char *text, *words[3];
	size_t most; /* 0: as many as it takes */
	const char *left;
	size_t parts, dropped;
};

static const struct row rows[] = {
	{ "{\"a\":1,\"b\":[2,{\"c\":\"x\"},3],\"d\":{}}", { "\"c\"" }, 0, "{\"b\":[{\"c\":\"x\"}]}", 7, 4 },
	{ "{\"a\":1,\"b\":2}", { NULL }, 0, "{}", 2, 2 },
	{ "[1,2,3,4,5,6,7,8]", { "3", "7" }, 0, "[3,7]", 8, 6 },
	{ "[[1,2],[3,4],[5,6]]", { "4" }, 0, "[[4]]", 9, 7 },
	{ "{\"esc\\\"aped\":\"\\u0041\", \"b\" : -1e3 }", { "\\u0041" }, 0, "{\"esc\\\"aped\":\"\\u0041\"}", 2, 1 },
	/* nothing can go: the text is what it was, to the blank */
	{ "{ \"a\": 1 }", { "\"a\":1" }, 0, "{ \"a\": 1 }", 1, 0 },
	{ "\"word\"", { "w" }, 0, "\"word\"", 0, 0 },
	{ " 17 ", { "1" }, 0, " 17 ", 0, 0 },
	/* the first try is all, the second the first half, ... */
	{ "[1,2,3,4,5,6,7,8]", { "3", "7" }, 1, "[1,2,3,4,5,6,7,8]", 8, 0 },
	{ "[1,2,3,4,5,6,7,8]", { "7" }, 2, "[5,6,7,8]", 8, 4 },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asked a = { .most = rows[i].most ? rows[i].most : SIZE_MAX };
		struct json_reduction result;
		struct buffer out = { 0 };

		memcpy(a.words, rows[i].words, sizeof(a.words));
		assert_int_equal(json_reduce(span_str(rows[i].text), holds, &a, &out, &result), 0);
		if (strcmp(buffer_text(&out), rows[i].left) != 0)
			fail_msg("row %zu: %s", i, buffer_text(&out));
		if (result.parts != rows[i].parts || result.dropped != rows[i].dropped || result.is_least != (rows[i].most == 0))
			fail_msg("row %zu: %zu of %zu", i, result.dropped, result.parts);
		buffer_deinit(&out);
	}
}

/* Of a thousand elements one is found in twice the logarithm of tries, and what is left is least: no part can go. */
static void test_tries(void **state)
{
	struct asked a = { .words = { "\"777\"" }, .most = 64 };
	struct json_reduction result;
	struct buffer text = { 0 }, out = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buffer_printf(&text, "%c\"%d\"", i ? ',' : '[', i);
	buffer_add_str(&text, "]");
	assert_int_equal(json_reduce(buffer_span(&text), holds, &a, &out, &result), 0);
	assert_string_equal(buffer_text(&out), "[\"777\"]");
	assert_true(result.is_least && a.tries <= 25);
	buffer_deinit(&text);
	buffer_deinit(&out);
}

static int fails(void *ctx, struct span candidate)
{
	(void)ctx;
	(void)candidate;
	return -ECONNREFUSED;
}

static void test_errors(void **state)
{
	struct json_reduction result;
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(json_reduce(SPAN_LITERAL("no JSON"), holds, NULL, &out, &result), -EINVAL);
	assert_int_equal(json_reduce(SPAN_LITERAL("[1]"), fails, NULL, &out, &result), -ECONNREFUSED);
	assert_int_equal(out.len, 0);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tries),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
