/* json_scan.c - see json_scan.h; each step takes at least one byte, or fails */
#include "base/json_scan.h"

/** find() - the place of @c in the text from @from up to @end; @end if it isn't there */
static size_t find(const struct json_scan *s, size_t from, size_t end, uint8_t c)
{
	struct span part = span_of(s->text.at, end);
	const uint8_t *found;

	if (!span_skip(&part, from) || part.len == 0)
		return end;
	found = memchr(part.at, c, part.len);
	return found ? (size_t)(found - s->text.at) : end;
}

/* The quote that ends it is looked for first; backslashes only before it, so no byte is looked at more than twice. */
bool json_scan_string(struct json_scan *s, struct json_scan_string *out)
{
	size_t from, at, quote, end = s->text.len;

	if (!json_scan_take(s, '"'))
		return false;
	out->escaped = false;
	from = at = s->at;
	quote = find(s, at, end, '"');
	for (;;) {
		size_t slash = find(s, at, quote, '\\');

		if (slash == quote)
			break;
		out->escaped = true;
		at = slash + 2;
		if (at > quote)
			quote = find(s, at, end, '"');
	}
	if (quote >= end)
		return false;
	out->text = span_of(s->text.at + from, quote - from);
	s->at = quote + 1;
	return true;
}

static inline bool is_of_word(uint8_t c)
{
	return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 26 || c == '.' || c == '-' || c == '+';
}

bool json_scan_word(struct json_scan *s, struct span *out)
{
	size_t from;

	json_scan_peek(s);
	from = s->at;
	while (s->at < s->text.len && is_of_word(s->text.at[s->at]))
		s->at++;
	*out = span_of(s->text.at + from, s->at - from);
	return s->at > from && s->at < s->text.len;
}

uint64_t json_scan_numbers(struct json_scan *s, uint64_t most)
{
	size_t at = s->at;
	uint64_t count = 0;

	while (count < most && at < s->text.len) {
		uint8_t c = s->text.at[at++];

		if (c == ',') {
			count++;
			s->at = at;
		} else if ((uint8_t)(c - '+') > '9' - '+' && (c | 0x20) != 'e' && c != ' ') {
			break; /* no sign, point or digit */
		}
	}
	return count;
}

bool json_scan_skip(struct json_scan *s)
{
	struct json_scan_string string;
	struct span word;
	size_t depth = 0;

	do {
		switch (json_scan_peek(s)) {
		case '"':
			if (!json_scan_string(s, &string))
				return false;
			break;
		case '[':
		case '{':
			depth++;
			s->at++;
			break;
		case ']':
		case '}':
			if (depth == 0)
				return false;
			depth--;
			s->at++;
			break;
		case ',':
		case ':':
			if (depth == 0)
				return false;
			s->at++;
			break;
		default:
			if (!json_scan_word(s, &word))
				return false;
		}
	} while (depth > 0);
	return true;
}

bool json_scan_member(struct json_scan *s, struct span name)
{
	struct json_scan_string key;

	if (!json_scan_take(s, '{'))
		return false;
	do {
		if (!json_scan_string(s, &key) || !json_scan_take(s, ':'))
			return false;
		if (span_equal(key.text, name))
			return json_scan_peek(s) != 0;
		if (!json_scan_skip(s))
			return false;
	} while (json_scan_take(s, ','));
	return false;
}
