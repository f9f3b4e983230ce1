/* test_stored_case.c - a case that was written is read again as it was; one that was tampered with is refused */
#include "tests/rig/run_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cases/case_folder.h"
#include "app/cases/stored_case.h"

#define FIELD(n, v) { SPAN_LITERAL(n), SPAN_LITERAL(v) }

static struct told told;
static char folder[64], path[100];

static const struct header fields[] = { FIELD("Content-Type", "application/json"), FIELD("X-Empty", ""), FIELD("X-Model", "m: 1") };
static const char *const ignore[] = { "/a b", "/\"c" };
static const struct case_rules rules = { .rtol = 0.1, .atol = 1e-8, .preset = "v2", .ignore = ignore, .ignore_count = 2,
					 .text = SPAN_LITERAL("/x ignore\n") };
static const struct case_facts facts = {
	.id = "00aa",
	.target_name = "new",
	.verdict = "schema",
	.server = "192.0.2.1:80",
	.method = SPAN_LITERAL("POST"),
	.target = SPAN_LITERAL("/v1?x=a b"),
	.headers = fields,
	.header_count = 3,
	.body = SPAN_LITERAL("{}\0\xff"),
	.production = { 201, fields, 1, SPAN_LITERAL("[1]") },
	.rules = &rules,
};

static void write_case(const char *description)
{
	struct case_file files[CASE_FILES_MAX];
	size_t count = case_files_make(&facts, files);
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	assert_true(count > 0 && fd >= 0);
	assert_int_equal(case_folder_begin(fd, "case"), 0);
	for (const struct case_file *f = files; f < files + count; f++) {
		struct span content = buffer_span(&f->content);

		if (description && strcmp(f->name, "case.json") == 0)
			content = span_str(description);
		assert_int_equal(case_folder_write(fd, "case", f->name, f->is_program, content), 0);
	}
	case_files_deinit(files);
	close(fd);
}

static void test_read_again(void **state)
{
	struct stored_case c = { .rules = { .ignore = NULL } };

	(void)state;
	write_case(NULL);
	assert_int_equal(stored_case_read(&c, path), 0);
	assert_string_equal(stored_case_text(&c, STORED_ID), "00aa");
	assert_string_equal(stored_case_text(&c, STORED_VERDICT), "schema");
	assert_string_equal(stored_case_text(&c, STORED_TARGET), "/v1?x=a%20b");
	assert_string_equal(buffer_text(&c.server), "192.0.2.1:80");
	assert_true(span_equal(buffer_span(&c.request), facts.body));
	assert_int_equal(c.production.status_code, 201);
	assert_true(span_equal(c.production.body, SPAN_LITERAL("[1]")));
	assert_int_equal(c.fields.count, 4); /* and X-Shadowtap */
	for (size_t i = 0; i < 3; i++)
		assert_true(span_equal(c.fields.at[i + 1].name, fields[i].name) &&
			    span_equal(c.fields.at[i + 1].value, fields[i].value));
	assert_true(c.rules.rules.rtol == 0.1 && c.rules.rules.atol == 1e-8);
	assert_string_equal(c.rules.rules.preset, "v2");
	assert_int_equal(c.rules.rules.ignore_count, 2);
	assert_string_equal(c.rules.rules.ignore[1], "/\"c");
	assert_true(span_equal(c.rules.rules.text, rules.text));
	stored_case_deinit(&c);
}

static void test_refused(void **state)
{
	static const char *const descriptions[] = {
		"", "[]", "{\"id\":\"a\"}",
#define WITH(method, target) \
	"{\"id\":\"a\",\"target_name\":\"b\",\"verdict\":\"value\",\"method\":\"" method "\",\"target\":\"" target "\",\"options\":{}}"
		WITH("POST / HTTP/1.1\\r\\nX: y", "/"), WITH("POST", "/ HTTP/1.1\\r\\n\\r\\nGET /"), WITH("", "/"),
	};
	struct stored_case c = { .rules = { .ignore = NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(descriptions) / sizeof(descriptions[0]); i++) {
		write_case(descriptions[i]);
		told_start(&told);
		if (stored_case_read(&c, path) == 0)
			fail_msg("row %zu", i);
		told_end(&told);
		assert_non_null(strstr(told.text, "case.json is not as"));
		stored_case_deinit(&c);
		c = (struct stored_case){ .rules = { .ignore = NULL } };
	}
	told_start(&told);
	assert_true(stored_case_read(&c, "/nonexistent/case") < 0);
	assert_non_null(strstr(told_end(&told), "name its folder"));
	stored_case_deinit(&c);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_stored_case.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/case", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_again),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
