/*
 * test_config.c - texts of lines, taken apart
 *
 * What a key means is tested with the options; here only where lines, keys,
 * values and comments begin and end, and what counts as a text file.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/options/config.h"
#include "app/options/texts.h"

static const struct {
	const char *text;
	const char *expected; /* "number:[key][value]" a line; no second bracket if there is no "=" */
} splits[] = {
	{ "", "" },
	{ "\n\n\n", "" },
	{ "  \t \r\n\v\f\n", "" },
	{ "# all\n   # of it\n#", "" },
	{ "a=b", "1:[a][b]" },
	{ "a=b\n", "1:[a][b]" },
	{ "a = b\r\nc = d\r\n", "1:[a][b]2:[c][d]" },
	{ "\n\n \t a\t=\tb \t\n", "3:[a][b]" },
	{ "a = b = c", "1:[a][b = c]" },
	{ "a==", "1:[a][=]" },
	{ "a = ", "1:[a][]" },
	{ "= b", "1:[][b]" },
	{ "=", "1:[][]" },
	{ "a", "1:[a]" },
	{ "a b c", "1:[a b c]" },
	/* a comment needs white space before it, or it is part of the value */
	{ "a = b # c", "1:[a][b]" },
	{ "a = b\t#c = d", "1:[a][b]" },
	{ "a = b#c", "1:[a][b#c]" },
	{ "a = #b", "1:[a][]" },
	{ "a =#b", "1:[a][#b]" },
	{ "a = ^/v1/#x$", "1:[a][^/v1/#x$]" },
	{ "a # = b", "1:[a]" },
	/* no quotes, no continuation: bytes are what they are */
	{ "a = 'b'\n", "1:[a]['b']" },
	{ "a = \"b # c\"\n", "1:[a][\"b]" },
	{ "a = b\\\nc = d\n", "1:[a][b\\]2:[c][d]" },
	{ "a = \xc3\xa4\xff\n", "1:[a][\xc3\xa4\xff]" },
	{ "a = b  c\n", "1:[a][b  c]" },
};

/* The text ends where the memory does, so that a byte too far is one that a sanitizer sees. */
static void split_text(const char *text, struct buffer *out)
{
	size_t len = strlen(text);
	uint8_t *exact = malloc(len ? len : 1);
	struct line_reader reader = { span_of(exact, len), 0 };
	struct span line, key, value;

	assert_non_null(exact);
	memcpy(exact, text, len);
	while (line_next(&reader, &line)) {
		bool split = config_split(line, &key, &value);

		buffer_printf(out, "%u:[%.*s]", reader.number, (int)key.len, (const char *)key.at);
		if (split)
			buffer_printf(out, "[%.*s]", (int)value.len, (const char *)value.at);
		else
			assert_int_equal(value.len, 0);
	}
	free(exact);
}

static void test_splits(void **state)
{
	struct buffer got = { 0 };

	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		buffer_clear(&got);
		split_text(splits[i].text, &got);
		assert_string_equal(buffer_text(&got), splits[i].expected);
	}
	buffer_deinit(&got);
}

static void test_comment_lines_are_whole_lines(void **state)
{
	struct line_reader reader = { span_str(" # no\nX-A: b # c\n#\n\n Y:#\n"), 0 };
	struct span line;

	assert_true(line_next(&reader, &line));
	assert_true(span_equal(line, span_str("X-A: b # c")));
	assert_int_equal(reader.number, 2);
	assert_true(line_next(&reader, &line));
	assert_true(span_equal(line, span_str("Y:#")));
	assert_int_equal(reader.number, 5);
	assert_false(line_next(&reader, &line));
	assert_false(line_next(&reader, &line));
}

/* Bytes through a pipe, as from <(command); @len fits into it. */
static int read_pipe(const char *bytes, size_t len, struct buffer *out, struct buffer *error)
{
	char path[32];
	int ends[2], rc;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	rc = config_read(path, "config file", false, out, error);
	close(ends[0]);
	return rc;
}

static void test_read(void **state)
{
	struct buffer out = { 0 }, error = { 0 };

	buffer_add_str(&out, "before ");
	assert_int_equal(read_pipe("a = b\n", 6, &out, &error), 0);
	assert_string_equal(buffer_text(&out), "before a = b\n");
	assert_int_equal(read_pipe("", 0, &out, &error), 0);
	assert_int_equal(error.len, 0);

	assert_int_equal(read_pipe("a\0b", 3, &out, &error), -EILSEQ);
	assert_non_null(strstr(buffer_text(&error), "contains a NUL byte"));
	buffer_clear(&error);
	assert_int_equal(config_read("/nonexistent/tap.conf", "config file", false, &out, &error), -ENOENT);
	assert_string_equal(buffer_text(&error),
			    "cannot open the config file \"/nonexistent/tap.conf\": No such file or directory; check the path");
	buffer_clear(&error);
	assert_int_equal(config_read("/dev/null", "config file", true, &out, &error), -ESPIPE);
	assert_non_null(strstr(buffer_text(&error), "\"/dev/null\" is no regular file"));
	buffer_clear(&error);
	assert_int_equal(config_read("/dev/zero", "config file", false, &out, &error), -EFBIG);
	assert_string_equal(buffer_text(&error),
			    "the config file \"/dev/zero\" is longer than 1M: is it the right file?");
	buffer_clear(&error);
	assert_int_equal(config_read_bytes("/nonexistent/types.pb", "file of descriptors", &out, &error), -ENOENT);
	assert_non_null(strstr(buffer_text(&error), "the file of descriptors \"/nonexistent/types.pb\""));
	buffer_clear(&error);
	buffer_clear(&out);
	assert_int_equal(config_read_bytes("/proc/self/cmdline", "file of descriptors", &out, &error), 0);
	assert_true(out.len > 1 && out.bytes[out.len - 1] == '\0'); /* it has a NUL, which a text must not */
	assert_int_equal(config_read("/", "file of headers", false, &out, &error), -EISDIR);
	assert_string_equal(buffer_text(&error), "cannot read the file of headers \"/\": Is a directory; name a file of text");
	buffer_deinit(&out);
	buffer_deinit(&error);
}

/* Lists grow by moving; what was in them stays, at every length around a move. */
static void test_texts(void **state)
{
	struct texts_owner *owner = texts_owner_new();
	struct texts list = { 0 };
	char text[16];

	assert_non_null(owner);
	for (size_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "text %zu", i);
		assert_true(texts_add(owner, &list, texts_copy(owner, span_str(text))));
		assert_int_equal(list.count, i + 1);
	}
	for (size_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "text %zu", i);
		assert_string_equal(list.at[i], text);
	}
	assert_string_equal(texts_copy(owner, span_of(NULL, 0)), "");
	texts_owner_free(owner);
	texts_owner_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_comment_lines_are_whole_lines),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
