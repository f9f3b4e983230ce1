/*
 * test_option_value.c - what the kinds of options share: sentences, ranges, defaults, words out of a few
 *
 * What each kind makes of its values is in test_options.c, command line by
 * command line.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <string.h>

#include "app/options/option_value.h"
#include "app/options/texts.h"

static const struct option_row *row(const char *name)
{
	const struct option_row *found = option_by_name(span_str(name));

	assert_non_null(found);
	return found;
}

#define TEN   "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void test_shown(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ SIXTY, SIXTY },
		{ SIXTY "x", SIXTY "..." },
		{ SIXTY SIXTY, SIXTY "..." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };

		option_shown(&out, rows[i][0]);
		assert_string_equal(buffer_text(&out), rows[i][1]);
		buffer_deinit(&out);
	}
}

/* RFC 9110, 5.6.2: every byte that may be in a token, and no other */
static void test_token(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		const char text[] = { 'a', (char)c, 'b' };
		bool is_tchar = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				(c > 0 && strchr("!#$%&'*+-.^_`|~", c));

		assert_int_equal(option_is_token(text, 3), is_tchar);
	}
	assert_false(option_is_token("a", 0));
	assert_true(option_is_token("a b", 1));
}

/* How the option was given comes first, and no more of its value than its kind lets out. */
static void test_wrong(void **state)
{
	const struct {
		struct option_input in;
		const char *sentence;
	} rows[] = {
		{ { row("lanes"), "x", .by_letter = false }, "--lanes x: no 7" },
		{ { row("port"), "x", .by_letter = true }, "-p x: no 7" },
		{ { row("port"), "x", "tap.conf", 3, false }, "tap.conf:3: port = x: no 7" },
		{ { row("port"), "", .by_letter = true }, "-p '': no 7" },
		{ { row("dry-run"), NULL, .by_letter = false }, "--dry-run: no 7" },
		{ { row("dry-run"), "yes", .by_letter = false }, "--dry-run=yes: no 7" },
		{ { row("path"), SIXTY "x", .by_letter = false }, "--path " SIXTY "...: no 7" },
		/* a URL may hold a password, and a header a key */
		{ { row("target"), "http://user:secret@h", .by_letter = true }, "-t: no 7" },
		{ { row("header"), "Authorization: secret", .by_letter = true }, "-H 'Authorization: ...': no 7" },
		{ { row("header"), "secret", .by_letter = true }, "-H: no 7" },
		{ { row("header"), "a secret: x", .by_letter = true }, "-H: no 7" },
		{ { row("header"), "N: secret", "f", 1, false }, "f:1: header = 'N: ...': no 7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer error = { 0 };

		assert_int_equal(option_wrong(&error, &rows[i].in, "no %d", 7), -EINVAL);
		assert_string_equal(buffer_text(&error), rows[i].sentence);
		buffer_deinit(&error);
	}
}

/* In the unit of the row: numbers, bytes, times, shares; and without an upper end. */
static void test_range_and_initial(void **state)
{
	static const struct {
		const char *name, *range, *initial;
	} rows[] = {
		{ "lanes", "1 to 64", "1" },
		{ "connections", "1 to 65536", "64" },
		{ "buffer-size", "64K to 2047M", "64M" },
		{ "max-body", "1 to 1G", "8M" },
		{ "max-time", "1ms to 1h", "300ms, or 60s with --preset openai" }, /* which depends on another */
		{ "sample", "0% to 100%", "100%" },
		{ "count", "1 or more", "" },
		{ "connect-timeout", "1ms to 1h", "max-time" }, /* told in words */
		{ "preset", NULL, "any" },
		{ "dry-run", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer range = { 0 }, initial = { 0 };

		option_range(row(rows[i].name), &range);
		option_initial(row(rows[i].name), &initial);
		if (rows[i].range)
			assert_string_equal(buffer_text(&range), rows[i].range);
		assert_string_equal(buffer_text(&initial), rows[i].initial);
		buffer_deinit(&range);
		buffer_deinit(&initial);
	}
}

/* Each of the words by its place, whole, and nothing beside them. */
static void test_choices(void **state)
{
	static const char *const words[] = { "request", "connection", "client", "proxied", "id", "header:" };
	const struct option_row *by = row("sample-by");

	(void)state;
	for (int n = 0; n < 6; n++) {
		struct buffer out = { 0 };

		assert_int_equal(option_choice(by, words[n]), n);
		option_show_choice(by, n, &out);
		assert_string_equal(buffer_text(&out), words[n]);
		buffer_deinit(&out);
	}
	assert_int_equal(option_choice(by, "requests"), -1);
	assert_int_equal(option_choice(by, "reques"), -1);
	assert_int_equal(option_choice(by, "request connection"), -1);
	assert_int_equal(option_choice(by, ""), -1);
}

/* Equal are texts and lists that say the same, wherever they are. */
static void test_equal(void **state)
{
	char one[] = "a", other[] = "a";
	const char *at[] = { one, "b" }, *same[] = { other, "b" }, *last[] = { "a", "c" };
	struct texts lists[] = { { at, 2 }, { same, 2 }, { last, 2 }, { at, 1 }, { NULL, 0 } };

	(void)state;
	assert_true(option_text_equal(one, other));
	assert_true(option_text_equal(NULL, NULL));
	assert_false(option_text_equal(one, NULL));
	assert_false(option_text_equal(NULL, one));
	assert_false(option_text_equal(one, "b"));
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(option_equal_texts(NULL, NULL, &lists[i], &lists[j]), i == j || i + j == 1);
}

/* One value goes into its field, and a wrong one leaves it as it is. */
/* What was given is noted for the report as one would type it, without what may be a credential. */
static void test_apply(void **state)
{
	struct option_input good = { row("lanes"), "3", .by_letter = false }, bad = { row("lanes"), "65", .by_letter = false };
	struct option_input secret = { row("header"), "Authorization: Bearer s3cret", .by_letter = false };
	struct buffer error = { 0 };
	struct options o;

	(void)state;
	option_defaults(&o);
	o.owner = texts_owner_new();
	assert_int_equal(option_apply(&o, &good, &error), 0);
	assert_int_equal(o.lanes, 3);
	assert_int_equal(error.len, 0);
	assert_int_equal(option_apply(&o, &bad, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "1 to 64"));
	assert_int_equal(o.lanes, 3);
	buffer_clear(&error);
	assert_int_equal(option_apply(&o, &secret, &error), 0);
	assert_int_equal(o.given.count, 2);
	assert_string_equal(o.given.at[0], "--lanes 3");
	assert_string_equal(o.given.at[1], "--header ...");
	buffer_deinit(&error);
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_range_and_initial),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
