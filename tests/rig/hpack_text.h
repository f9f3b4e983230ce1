/* hpack_text.h - header blocks from hexadecimal digits, and heads as text, so that stories can be written in tables */
#ifndef TESTS_RIG_HPACK_TEXT_H
#define TESTS_RIG_HPACK_TEXT_H

#include <string.h>

#include "base/buffer.h"
#include "http/http2/hpack.h"

static inline int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
								     : -1;
}

/* The bytes of @hex into @out; blanks may stand between them */
static inline struct span from_hex(struct buffer *out, const char *hex)
{
	buffer_clear(out);
	for (; *hex; hex++) {
		uint8_t byte;

		if (*hex == ' ')
			continue;
		byte = (uint8_t)(hex_value(hex[0]) << 4 | hex_value(hex[1]));
		buffer_add(out, &byte, 1);
		hex++;
	}
	return buffer_span(out);
}

static inline void add_known(struct buffer *out, struct span s)
{
	buffer_add_span(out, s.at ? s : SPAN_LITERAL("?"));
}

/* "name: value|" for each field; "?" for what isn't known, "!" before one that is never indexed */
static inline const char *head_text(struct buffer *out, const struct hpack_head *head)
{
	buffer_clear(out);
	for (size_t i = 0; i < head->count; i++) {
		if (head->fields[i].never_indexed)
			buffer_add_str(out, "!");
		add_known(out, head->fields[i].name);
		buffer_add_str(out, ": ");
		add_known(out, head->fields[i].value);
		buffer_add_str(out, "|");
	}
	return buffer_text(out);
}

#endif
