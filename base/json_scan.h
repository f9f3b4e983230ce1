/*
 * json_scan.h - walk over JSON from its beginning, as far as it goes
 *
 * json_doc.h takes a whole text apart, and refuses one that is cut. Who wants a
 * few members, or has only the first part of a text, walks over it with this
 * cursor: nothing is kept of it, and no memory is taken. Where the text ends, or
 * is no JSON, a step fails, and the cursor is of no more use. The rest of the
 * text is not looked at, so what was read says nothing about it.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/** struct json_scan - @text is borrowed; { text, 0 } is at its beginning */
struct json_scan {
	struct span text;
	size_t at;
};

/** json_scan_peek() - the first byte behind white space, which it is moved over; 0 at the end */
static inline uint8_t json_scan_peek(struct json_scan *s)
{
	for (; s->at < s->text.len; s->at++) {
		uint8_t c = s->text.at[s->at];

		if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
			return c;
	}
	return 0;
}

/** json_scan_take() - move over @c, which is not 0, if it comes next; false, before it, if not */
static inline bool json_scan_take(struct json_scan *s, uint8_t c)
{
	if (json_scan_peek(s) != c)
		return false;
	s->at++;
	return true;
}

/** struct json_scan_string - a string without its quotes (borrowed); @escaped: json_unescape() tells what it says */
struct json_scan_string {
	struct span text;
	bool escaped;
};

/** json_scan_string() - the string that comes next; false: none does, or it has no end */
bool json_scan_string(struct json_scan *s, struct json_scan_string *out);

/** json_scan_word() - letters, digits and signs: a number, true, NaN; false: none come next, or the text ends in them */
bool json_scan_word(struct json_scan *s, struct span *out);

/** json_scan_numbers() - move over up to @most numbers that have a comma behind them, without a close look; how many */
uint64_t json_scan_numbers(struct json_scan *s, uint64_t most);

/** json_scan_skip() - move over a value, whatever is in it; brackets are counted and not told apart */
bool json_scan_skip(struct json_scan *s);

/** json_scan_member() - begin at @s a walk over an object; to the value of its first member called @name, or false */
bool json_scan_member(struct json_scan *s, struct span name);

#endif
