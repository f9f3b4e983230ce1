/* request_line.c - see request_line.h */
#include "http/http1/request_line.h"

#include <llhttp.h>

static const struct span methods[] = {
#define XX(number, name, text) SPAN_LITERAL(#text),
	HTTP_METHOD_MAP(XX)
#undef XX
		SPAN_LITERAL("PRI"), /* the HTTP/2 preface: the caller tells it apart */
};

/** take_literal() - move past @text if @s begins with it */
static enum line_match take_literal(struct span *s, struct span text)
{
	struct span head = *s;

	span_truncate(&head, text.len);
	if (!span_starts(text, head))
		return LINE_NO;
	if (!span_skip(s, text.len))
		return LINE_MAYBE;
	return LINE_YES;
}

static enum line_match take_method(struct span *s)
{
	enum line_match best = LINE_NO;

	if (s->len == 0)
		return LINE_MAYBE;
	if (s->at[0] < 'A' || s->at[0] > 'U') /* no known method begins otherwise; binary data ends here */
		return LINE_NO;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct span rest = *s;
		enum line_match m;

		if (methods[i].at[0] != s->at[0])
			continue;
		m = take_literal(&rest, methods[i]);
		if (m == LINE_YES)
			m = take_literal(&rest, SPAN_LITERAL(" "));
		if (m == LINE_YES) {
			*s = rest;
			return LINE_YES;
		}
		if (m == LINE_MAYBE)
			best = LINE_MAYBE;
	}
	return best;
}

enum line_match request_method_match(struct span s)
{
	while (s.len > 0 && (s.at[0] == '\r' || s.at[0] == '\n'))
		span_skip(&s, 1);
	return take_method(&s);
}

/** take_word() - move past at least one visible byte and the space after them */
static enum line_match take_word(struct span *s)
{
	const uint8_t *space = s->len ? memchr(s->at, ' ', s->len) : NULL;
	struct span word = *s;

	if (space)
		span_truncate(&word, (size_t)(space - s->at));
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] <= ' ' || word.at[i] == 0x7f)
			return LINE_NO;
	if (!space)
		return LINE_MAYBE;
	if (word.len == 0)
		return LINE_NO;
	span_skip(s, word.len + 1);
	return LINE_YES;
}

/** take_version() - "HTTP/1." and a digit */
static enum line_match take_version(struct span *s)
{
	enum line_match m = take_literal(s, SPAN_LITERAL("HTTP/1."));
	uint8_t digit;

	if (m != LINE_YES)
		return m;
	if (!span_u8(s, &digit))
		return LINE_MAYBE;
	return digit >= '0' && digit <= '9' ? LINE_YES : LINE_NO;
}

/** line_tail() - target SP version, and the end of the line */
static enum line_match line_tail(struct span s)
{
	enum line_match m = take_word(&s);

	if (m == LINE_YES)
		m = take_version(&s);
	if (m != LINE_YES)
		return m;
	if (s.len == 0)
		return LINE_MAYBE;
	return s.at[0] == '\r' || s.at[0] == '\n' ? LINE_YES : LINE_NO;
}

enum line_match request_line_match(struct span s)
{
	enum line_match m = take_method(&s);

	return m == LINE_YES ? line_tail(s) : m;
}

bool request_line_foreign(struct span s)
{
	return take_word(&s) == LINE_YES && line_tail(s) == LINE_YES;
}

/** last_word() - what follows the last space of @line, which has no spaces at its end */
static struct span last_word(struct span line)
{
	const uint8_t *space = line.len ? memrchr(line.at, ' ', line.len) : NULL;

	if (space)
		span_skip(&line, (size_t)(space - line.at) + 1);
	return line;
}

enum line_match request_line_protocol(struct span s)
{
	const uint8_t *end;

	while (s.len > 0 && (s.at[0] == '\r' || s.at[0] == '\n'))
		span_skip(&s, 1);
	end = s.len ? memchr(s.at, '\n', s.len) : NULL;
	if (!end)
		return LINE_MAYBE;
	span_truncate(&s, (size_t)(end - s.at));
	while (s.len > 0 && (s.at[s.len - 1] == '\r' || s.at[s.len - 1] == ' '))
		span_truncate(&s, s.len - 1);
	s = last_word(s);
	return span_starts(s, SPAN_LITERAL("RTSP/")) || span_starts(s, SPAN_LITERAL("ICE/")) ? LINE_NO : LINE_YES;
}

enum line_match status_line_match(struct span s)
{
	enum line_match m = take_version(&s);
	uint8_t digit;

	if (m == LINE_YES)
		m = take_literal(&s, SPAN_LITERAL(" "));
	if (m != LINE_YES)
		return m;
	if (!span_u8(&s, &digit))
		return LINE_MAYBE;
	return digit >= '1' && digit <= '9' ? LINE_YES : LINE_NO;
}
