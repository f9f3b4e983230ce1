/*
 * fuzz_rewrite.c - no captured byte becomes a line end of the replayed head
 *
 * Input: one byte of choices, then length-prefixed texts: target, name, value,
 * name, value, ... The output is read by a strict reader: CRLF ends lines, no
 * CR, LF or NUL is anywhere else, one empty line, at the end; and each field
 * that we write is there once, in a call of gRPC its own ones.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/rig/head_text.h"

#define FIELDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool take_text(struct span *in, struct span *out)
{
	struct span rest = *in;
	uint8_t len;

	if (!span_u8(&rest, &len) || !span_take(&rest, len, out))
		return false;
	*in = rest;
	return true;
}

/* One line without its CRLF from the front. */
static struct span take_line(struct span *text)
{
	struct span line;
	size_t n = 0;

	while (n < text->len && text->at[n] != '\r' && text->at[n] != '\n' && text->at[n] != '\0')
		n++;
	require(n + 1 < text->len && text->at[n] == '\r' && text->at[n + 1] == '\n');
	require(span_take(text, n, &line) && span_skip(text, 2));
	return line;
}

static void check(struct span text, bool is_grpc)
{
	size_t hosts = 0, lengths = 0, marks = 0, spaces = 0, types = 0, tes = 0;
	struct span line = take_line(&text);

	for (size_t i = 0; i < line.len; i++)
		spaces += line.at[i] <= ' ' || line.at[i] == 0x7f;
	require(spaces == 2);
	while ((line = take_line(&text)).len > 0) {
		size_t colon = 0;
		struct span name;

		while (colon < line.len && line.at[colon] != ':')
			require(line.at[colon] > ' ' && line.at[colon++] < 0x7f);
		require(colon > 0 && colon < line.len);
		name = span_of(line.at, colon);
		hosts += span_equal_nocase(name, SPAN_LITERAL("host"));
		lengths += span_equal_nocase(name, SPAN_LITERAL("content-length"));
		types += span_equal_nocase(name, SPAN_LITERAL("content-type"));
		tes += span_equal_nocase(name, SPAN_LITERAL("te"));
		marks += span_equal_nocase(name, SPAN_LITERAL("x-shadowtap"));
		require(!span_equal_nocase(name, SPAN_LITERAL("transfer-encoding")));
		require(!span_equal_nocase(name, SPAN_LITERAL("authorization")));
		require(!span_equal_nocase(name, SPAN_LITERAL("connection")));
	}
	require(text.len == 0 && hosts == 1 && lengths == (is_grpc ? 0 : 1) && marks == 1);
	require(!is_grpc || (types == 1 && tes == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *allow[] = { "*", "x-a", "te" }, *set[] = { "X-B: 1", "accept:" },
			  *paths[] = { "a+=>$0 b", "/(.)=>$1\r\n", "x=>" };
	static const char *const prefixes[] = { "", "/base" };
	struct rewrite_options options = { .allow = { allow, 3 }, .set = { set, 2 }, .host_value = "v",
					   .authority = "shadow:9000" };
	struct span in = span_of(data, size);
	struct header headers[FIELDS_MAX];
	struct message m = { .head.headers = headers };
	struct buffer out = { 0 }, error = { 0 };
	struct rewrite *w = NULL;
	uint8_t choices;

	if (!span_u8(&in, &choices) || !take_text(&in, &m.head.target))
		return 0;
	options.host_mode = (enum host_mode)(choices & 3);
	options.prefix = prefixes[choices >> 2 & 1];
	options.paths = (struct texts){ paths, choices & 8 ? 3 : 0 };
	m.body_len = choices >> 4 & 7;
	m.head.is_grpc = choices >> 7;
	m.head.method = SPAN_LITERAL("POST");
	while (m.head.header_count < FIELDS_MAX && take_text(&in, &headers[m.head.header_count].name) &&
	       take_text(&in, &headers[m.head.header_count].value))
		m.head.header_count++;
	if (rewrite_new(&options, &w, &error) == 0 && head_text(w, &m, &out) == 0)
		check(buffer_span(&out), m.head.is_grpc);
	rewrite_free(w);
	buffer_deinit(&out);
	buffer_deinit(&error);
	return 0;
}
