/* test_path_rules.c - what a rules file may say, what it is told when it says something else, and which rule holds */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compare/rules/path_presets.h"
#include "compare/rules/path_rules.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct path_rules *make(const char *text, const char *const *ignore, size_t ignores, const char *preset)
{
	struct path_rules_options o = { .tolerance = { 1e-5, 1e-8 },
					.text = span_str(text),
					.name = "rules.txt",
					.ignore = ignore,
					.ignore_count = ignores,
					.preset = preset };
	struct buffer error = { 0 };
	struct path_rules *r;

	if (path_rules_new(&o, &r, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return r;
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "a ignore", "rules.txt:1: 'a': a pattern begins with /" },
		{ "# fine\n\n/a", "rules.txt:3: '/a': after the pattern comes ignore" },
		{ "/a ignroe", "rules.txt:1: 'ignroe': after the pattern comes ignore" },
		{ "/a ignore now", "rules.txt:1: 'now': nothing follows" },
		{ "/a num rtol=-1", "'rtol=-1': after num come" },
		{ "/a num rtol=x", "'rtol=x': after num come" },
		{ "/a num rtol=inf", "'rtol=inf': after num come" },
		{ "/a num 0.1", "'0.1': after num come" },
		{ "/a exact rtol=1", "'rtol=1': nothing follows" },
		{ "/a topk", "'topk': how many?" },
		{ "/a topk k=0", "'k=0': after topk" },
		{ "/a topk k=101", "'k=101': after topk" },
		{ "/a cosine min=1.5", "'min=1.5': after cosine" },
		{ "/a cosine min=-1", "'min=-1': after cosine" },
		{ "/a cosine k=3", "'k=3': after cosine" },
		{ "/a regression rtol=-1", "'rtol=-1': after regression" },
		{ "/a boxes iou=2", "'iou=2': after boxes" },
		{ "/a rank k=0", "'k=0': after rank" },
		{ "/a topk k=1.5", "'k=1.5': after topk" },
		{ "/a num rtol=1 min=1", "'min=1': after num" },
		{ "/a*b ignore", "'/a*b': * stands for a whole step" },
		{ "/a~3 ignore", "'/a~3': ~ is followed by" },
		{ "/a~ ignore", "'/a~': ~ is followed by" },
		{ "\"/a b ignore", "the quote is not closed" },
		{ "\"/a\\", "the quote is not closed" },
		{ "/**/a/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/* exact", "use fewer **" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct path_rules_options o = { .text = span_str(rows[i].text), .name = "rules.txt" };
		struct buffer error = { 0 };
		struct path_rules *r;

		assert_int_equal(path_rules_new(&o, &r, &error), -EINVAL);
		assert_null(r);
		if (!strstr(buffer_text(&error), rows[i].error))
			fail_msg("'%s': %s", rows[i].text, buffer_text(&error));
		buffer_deinit(&error);
	}
}

static void test_option_errors(void **state)
{
	static const char *const bad[] = { "id" };
	struct path_rules_options o = { .ignore = bad, .ignore_count = 1 };
	struct buffer error = { 0 };
	struct path_rules *r;

	assert_int_equal(path_rules_new(&o, &r, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "--ignore 'id': a pattern begins with /"));
	buffer_clear(&error);
	o = (struct path_rules_options){ .preset = "v3" };
	assert_int_equal(path_rules_new(&o, &r, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "--preset 'v3'"));
	buffer_deinit(&error);
}

/* The state at a pointer without escapes; digits are taken as an index */
static uint32_t state_at(struct path_rules *r, const char *path)
{
	uint32_t state = PATH_RULES_ROOT;

	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		path_rules_mark(r, state);
		state = *path >= '0' && *path <= '9' ? path_rules_index(r, state, (uint32_t)(*path - '0'))
						     : path_rules_key(r, state, span_of(path, len), false);
		path += len;
	}
	path_rules_mark(r, state);
	return state;
}

static void test_effects(void **state)
{
	static const char rules[] =
		"/a ignore\n/b/* num rtol=0.5\n/b/x exact\n/b/y ignore\n/b/y text\n/c/**/z set\n"
		"/d topk k=3\n/d/0 argmax\n/e/0 exact\n";
	static const struct {
		const char *path;
		struct rule_effect e;
	} rows[] = {
		{ "", { .tolerance = { 1e-5, 1e-8 } } },
		{ "/a", { .ignore = true, .tolerance = { 1e-5, 1e-8 } } },
		{ "/a/b", { .ignore = true, .tolerance = { 1e-5, 1e-8 } } },
		{ "/b", { .tolerance = { 1e-5, 1e-8 } } },
		{ "/b/q", { .values = VALUES_NUMBER, .tolerance = { 0.5, 1e-8 } } },
		{ "/b/5/r/s", { .values = VALUES_NUMBER, .tolerance = { 0.5, 1e-8 } } },
		{ "/b/x", { .values = VALUES_EXACT } },
		{ "/b/x/y", { .values = VALUES_EXACT } },
		{ "/b/y", { .values = VALUES_WORDS, .tolerance = { 1e-5, 1e-8 } } },
		{ "/c/z", { .unordered = true, .tolerance = { 1e-5, 1e-8 } } },
		{ "/c/p/1/z", { .unordered = true, .tolerance = { 1e-5, 1e-8 } } },
		{ "/c/z/p", { .tolerance = { 1e-5, 1e-8 } } },
		{ "/d", { .values = VALUES_SCORES, .decision = true, .top = 3, .tolerance = { 1e-5, 1e-8 } } },
		{ "/d/0",
		  { .values = VALUES_SCORES, .decision = true, .top = 1, .tolerance = { 1e-5, 1e-8 } } },
		{ "/d/1", { .values = VALUES_SCORES, .tolerance = { 1e-5, 1e-8 } } },
		{ "/e/0", { .values = VALUES_EXACT } },
		{ "/e/1", { .tolerance = { 1e-5, 1e-8 } } },
	};
	struct path_rules *r = make(rules, NULL, 0, NULL);

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct rule_effect *e = path_rules_effect(r, state_at(r, rows[i].path)),
					 *want = &rows[i].e;

		if (e->values != want->values || e->ignore != want->ignore || e->unordered != want->unordered ||
		    e->decision != want->decision || e->top != want->top ||
		    e->tolerance.rtol != want->tolerance.rtol || e->tolerance.atol != want->tolerance.atol)
			fail_msg("%s: values %d, rtol %g", rows[i].path, e->values, e->tolerance.rtol);
	}
	assert_string_equal(path_rules_effect(r, state_at(r, "/a/b"))->ignored_by, "rules.txt:1");
	assert_null(path_rules_effect(r, state_at(r, "/b/y"))->ignored_by);
	assert_string_equal(path_rules_effect(r, state_at(r, "/c/p/1/z"))->unordered_by, "rules.txt:6");
	assert_true(path_rules_decides(r));
	assert_false(path_rules_each(r, state_at(r, "/e")));
	assert_true(path_rules_each(r, state_at(r, "/b")));
	assert_true(path_rules_inert(r, state_at(r, "/nothing/here")));
	assert_true(path_rules_inert(r, state_at(r, "/b/q/r")));
	assert_false(path_rules_inert(r, PATH_RULES_ROOT));
	path_rules_free(r);
}

static void test_unmatched(void **state)
{
	static const char *const ignore[] = { "/x", "/y" };
	struct path_rules *r = make("/a exact\n# c\n/b/*/c num\n/**/d set\n", ignore, 2, "any");
	struct buffer left = { 0 };

	assert_int_equal(path_rules_pending(r), 5); /* the preset's own are nobody's mistake */
	state_at(r, "/x");
	state_at(r, "/b/1");
	state_at(r, "/p/q/d");
	state_at(r, "/p/q/d");
	path_rules_unmatched(r, &left);
	assert_string_equal(buffer_text(&left),
			    "rules.txt:1: /a exact\nrules.txt:3: /b/*/c num\n--ignore /y\n");
	assert_int_equal(path_rules_pending(r), 3);
	path_rules_free(r);
	buffer_deinit(&left);
}

static void test_presets(void **state)
{
	/* what a model may answer, by its own names: no preset leaves it out */
	static const char *const responses[] = { "/predictions", "/outputs", "/duration", "/latency", "/elapsed", "/took" };
	struct path_rules *r;

	for (size_t i = 0; i < path_preset_count; i++) {
		r = make("", NULL, 0, path_presets[i].name);
		for (size_t k = 0; k < COUNT(responses); k++)
			assert_false(path_rules_effect(r, state_at(r, responses[k]))->ignore);
		for (size_t k = 0; k < path_presets[i].count; k++) {
			const struct rule_effect *e = path_rules_effect(r, state_at(r, path_presets[i].patterns[k]));

			assert_true(e->ignore);
			assert_true(span_starts(span_str(e->ignored_by), SPAN_LITERAL("--preset ")));
		}
		path_rules_free(r);
	}
	r = make("", NULL, 0, "any"); /* also where none is named: nothing is left out */
	assert_true(path_rules_inert(r, PATH_RULES_ROOT));
	path_rules_free(r);
	r = make("/id exact\n", NULL, 0, "v2"); /* the user has the last word */

	assert_false(path_rules_effect(r, state_at(r, "/id"))->ignore);
	path_rules_free(r);
}

/* The document lists each preset as the table has it: nobody is to find out from the sources what is left out. */
static void test_documented(void **state)
{
	struct buffer path = { 0 }, text = { 0 }, row = { 0 };
	size_t rows = 0;
	FILE *f;

	buffer_add(&path, __FILE__, strlen(__FILE__) - strlen("tests/unit/compare/test_path_rules.c"));
	buffer_add_str(&path, "docs/comparing-rules.md");
	f = fopen(buffer_text(&path), "r"); /* tests run in the build directory, to which __FILE__ is relative */
	assert_non_null(f);
	assert_true(buffer_reserve(&text, 1 << 20));
	text.len += fread(text.bytes, 1, 1 << 20, f);
	fclose(f);
	for (size_t i = 0; i < path_preset_count; i++) {
		buffer_clear(&row);
		buffer_printf(&row, "| `%s` | %s", path_presets[i].name, path_presets[i].count ? "" : "nothing");
		for (size_t k = 0; k < path_presets[i].count; k++)
			buffer_printf(&row, "%s`%s`", k ? " " : "", path_presets[i].patterns[k]);
		buffer_add_str(&row, path_presets[i].output_count ? " | " : " | nothing");
		for (size_t k = 0; k < path_presets[i].output_count; k++)
			buffer_printf(&row, "%s`%s`", k ? " " : "", path_presets[i].outputs[k]);
		buffer_add_str(&row, " |\n");
		if (!strstr(buffer_text(&text), buffer_text(&row)))
			fail_msg("docs/comparing-rules.md has no line: %s", buffer_text(&row));
	}
	for (const char *at = strstr(buffer_text(&text), "\n| preset |"); at && *at == '\n' && at[1] == '|'; at = strchr(at + 1, '\n'))
		rows++;
	assert_int_equal(rows, path_preset_count + 2); /* the heading and the line below it, and no preset that is none */
	buffer_deinit(&path);
	buffer_deinit(&text);
	buffer_deinit(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),  cmocka_unit_test(test_option_errors),
		cmocka_unit_test(test_effects), cmocka_unit_test(test_unmatched),
		cmocka_unit_test(test_presets), cmocka_unit_test(test_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
