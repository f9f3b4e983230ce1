/* test_option_table.c - each row is sound, and found by its name, its letter, or what was typed for it */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "base/units.h"

static void check_row(const struct option_row *row)
{
	struct buffer range = { 0 };

	assert_true(strlen(row->name) >= 2);
	assert_true(strlen(row->help) > 8);
	assert_ptr_equal(option_by_name(span_str(row->name)), row); /* unique: the first of the name is this */
	if (row->letter)
		assert_ptr_equal(option_by_letter(row->letter), row);
	assert_int_equal(option_takes_value(row), row->kind > OPTION_NOTHING);
	assert_true(row->kind == OPTION_COMMAND || row->min <= row->max);
	if (row->initial && row->max) /* a default inside the range; 0 may mean "none" outside it */
		assert_true(row->initial >= row->min && row->initial <= row->max);
	if (row->instead)
		assert_string_equal(option_by_name(span_str(row->instead))->instead, row->name);
	option_range(row, &range);
	assert_true(range.len > 4);
	buffer_deinit(&range);
}

static void test_table(void **state)
{
	assert_true(option_row_count > 40);
	for (size_t i = 0; i < option_row_count; i++)
		check_row(&option_rows[i]);
	assert_null(option_by_letter(0));
	assert_null(option_by_name(span_str("")));
	assert_null(option_by_name(span_str("portx")));
}

static void test_nearest(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "smaple", "sample" },   { "samples", "sample" },      { "sam", "sample" },
		{ "max-boddy", "max-body" }, { "speeed", "speed" },     { "conections", "connections" },
		{ "dryrun", "dry-run" },  { "not_path", "not-path" },   { "compares", "compare" },
		{ "x", NULL },            { "", NULL },                 { "xyzzy", NULL },
		{ "no-promiscuous-mode-please-thank-you", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = option_nearest(span_str(cases[i].typed));

		assert_string_equal(got ? got : "(none)", cases[i].meant ? cases[i].meant : "(none)");
	}
}

/* --help names the presets by hand; policy.c knows them. */
static void test_presets_are_told(void **state)
{
	const char *help = option_by_name(span_str("preset"))->help;
	char *names = strdup(preset_names()), *save = NULL;
	int count = 0;

	assert_non_null(names);
	for (char *name = strtok_r(names, ", ", &save); name; name = strtok_r(NULL, ", ", &save), count++)
		assert_non_null(strstr(help, name));
	assert_true(count >= 5);
	free(names);
}

/* Defaults are the rows': of numbers, texts, flags, and of what is no number in the table. */
static void test_defaults(void **state)
{
	struct options o;

	(void)state;
	memset(&o, 0xff, sizeof(o));
	option_defaults(&o);
	assert_int_equal(o.buffer_bytes, 64 << 20);
	assert_int_equal(o.lanes, 1);
	assert_int_equal(o.max_time_ns, 300 * 1000 * 1000);
	assert_int_equal(o.policy.sample_share, SHARE_ONE);
	assert_string_equal(o.policy.preset, "any");
	assert_true(o.promiscuous && o.sandbox); /* cleared by their flags */
	assert_false(o.dry_run || o.compare.on);
	assert_true(o.speed == 1);
	assert_null(o.owner);
	assert_int_equal(o.target_count + o.files.count + o.ports.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_presets_are_told),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
