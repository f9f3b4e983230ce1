/*
 * http_text.h - which bytes HTTP allows where (RFC 9110, section 5)
 *
 * Captured bytes went through a parser that is lenient where servers are, so
 * whatever is written again is checked here first: a name that is a token and a
 * value without CR, LF and NUL cannot end a field early or begin another.
 */
#ifndef MESSAGE_HTTP_TEXT_H
#define MESSAGE_HTTP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/** http_is_tchar() - may @c be part of a token? (RFC 9110, 5.6.2) */
static inline bool http_is_tchar(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/** http_is_token() - a method or field name: at least one tchar and nothing else */
static inline bool http_is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http_is_tchar(s.at[i]))
			return false;
	return s.len > 0;
}

/** http_is_field_value() - no byte that a recipient could take for the end of the field (RFC 9110, 5.5) */
static inline bool http_is_field_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0')
			return false;
	return true;
}

/** http_is_visible() - no white space and no control character: what Host and a prefix must be */
static inline bool http_is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= 0x20 || s.at[i] == 0x7f)
			return false;
	return s.len > 0;
}

/** span_cut() - @before and @after the first @c in @in; false, @before = @in and @after empty, if there is none */
bool span_cut(struct span in, uint8_t c, struct span *before, struct span *after);

/** span_trim() - without spaces and tabs around it (OWS, RFC 9110, 5.6.3) */
struct span span_trim(struct span s);

#endif
