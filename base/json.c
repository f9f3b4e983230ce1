/* json.c - see json.h */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/shown.h"

static void json_value(struct json *j)
{
	if (j->comma)
		buffer_add(j->out, ",", 1);
	j->comma = true;
}

void json_open(struct json *j, char bracket)
{
	json_value(j);
	buffer_add(j->out, &bracket, 1);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	buffer_add(j->out, &bracket, 1);
	j->comma = true;
}

/*
 * The length of the UTF-8 sequence at the front of @s, 0 if there is no valid
 * one: overlong forms, surrogates and code points above U+10FFFF are not
 * (RFC 3629, section 4).
 */
size_t utf8_length(struct span s)
{
	uint8_t lead = s.at[0], low = 0x80, high = 0xbf;
	size_t len;

	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (s.len < len || s.at[1] < low || s.at[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s.at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void add_escaped(struct buffer *out, uint8_t c)
{
	switch (c) {
	case '"':
		buffer_add_str(out, "\\\"");
		break;
	case '\\':
		buffer_add_str(out, "\\\\");
		break;
	case '\n':
		buffer_add_str(out, "\\n");
		break;
	case '\r':
		buffer_add_str(out, "\\r");
		break;
	case '\t':
		buffer_add_str(out, "\\t");
		break;
	default:
		buffer_printf(out, "\\u%04x", c);
	}
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/** is_plain_word() - is_plain() of eight bytes at once: none is below 0x20, above 0x7e, a quote or a backslash */
static inline bool is_plain_word(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
	uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\', del = v ^ ones * 0x7f;

	/* Each of these sets a byte's top bit if that byte is one of those, and others only if one lower is. */
	return ((v | (v - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones)) & tops) == 0;
}

/** copy_plain_few() - copy_plain() of less than eight bytes */
static inline bool copy_plain_few(uint8_t *out, const uint8_t *from, size_t len)
{
	uint32_t first, last;

	if (len >= sizeof(first)) { /* the first four and the last four, which may be the same */
		memcpy(&first, from, sizeof(first));
		memcpy(&last, from + len - sizeof(last), sizeof(last));
		memcpy(out, &first, sizeof(first));
		memcpy(out + len - sizeof(last), &last, sizeof(last));
		return is_plain_word((uint64_t)first << 32 | last);
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_plain(from[i]))
			return false;
		out[i] = from[i];
	}
	return true;
}

/** copy_plain() - copy @text to @out, which has room for it, if it is all plain; false with anything there if not */
static inline bool copy_plain(uint8_t *out, struct span text)
{
	const uint8_t *from = text.at;
	size_t at = 0;
	uint64_t word;

	if (text.len < sizeof(word))
		return copy_plain_few(out, from, text.len);
	for (; at < text.len; at += sizeof(word)) {
		if (at > text.len - sizeof(word))
			at = text.len - sizeof(word); /* the last eight: some of them once more */
		memcpy(&word, from + at, sizeof(word));
		if (!is_plain_word(word))
			return false;
		memcpy(out + at, &word, sizeof(word));
	}
	return true;
}

static void add_quoted(struct buffer *out, struct span text)
{
	/* Nearly all texts: they are copied as they are. */
	if (buffer_reserve(out, text.len + 2) && copy_plain(out->bytes + out->len + 1, text)) {
		out->bytes[out->len] = '"';
		out->bytes[out->len + text.len + 1] = '"';
		out->len += text.len + 2;
		return;
	}
	buffer_add(out, "\"", 1);
	while (text.len > 0) {
		struct shown_piece piece;
		size_t run = 0;

		while (run < text.len && is_plain(text.at[run]))
			run++;
		buffer_add(out, text.at, run);
		span_skip(&text, run);
		if (text.len == 0)
			break;
		piece = shown_next(text);
		if (!piece.valid)
			buffer_add_str(out, "\xef\xbf\xbd");
		else if (piece.len == 1)
			add_escaped(out, text.at[0]);
		else if (shown_is_unsafe(piece.character)) /* below U+10000, all of them */
			buffer_printf(out, "\\u%04x", (unsigned)piece.character);
		else
			buffer_add(out, text.at, piece.len);
		span_skip(&text, piece.len);
	}
	buffer_add(out, "\"", 1);
}

void json_key(struct json *j, const char *name)
{
	json_str(j, name);
	buffer_add(j->out, ":", 1);
	j->comma = false;
}

void json_text(struct json *j, struct span text)
{
	json_value(j);
	add_quoted(j->out, text);
}

void json_str(struct json *j, const char *text)
{
	json_text(j, span_str(text));
}

void json_uint(struct json *j, uint64_t n)
{
	char *at;

	json_value(j);
	at = buffer_room(j->out, DIGITS_UINT_MAX);
	if (at)
		buffer_end(j->out, put_uint(at, n));
}

void json_count(struct json *j, const char *name, uint64_t n)
{
	json_key(j, name);
	json_uint(j, n);
}

void json_text_or_null(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	if (text && text[0])
		json_str(j, text);
	else
		json_null(j);
}

void json_int(struct json *j, int64_t n)
{
	char *at;

	json_value(j);
	at = buffer_room(j->out, DIGITS_UINT_MAX);
	if (at)
		buffer_end(j->out, put_int(at, n));
}

void json_double(struct json *j, double n)
{
	if (!isfinite(n)) {
		json_null(j);
		return;
	}
	json_value(j);
	buffer_printf(j->out, "%.6g", n);
}

void json_exact(struct json *j, double n)
{
	char text[32];

	if (!isfinite(n)) {
		json_null(j);
		return;
	}
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, n);
		if (strtod(text, NULL) == n)
			break;
	}
	json_value(j);
	buffer_add_str(j->out, text);
}

void json_bool(struct json *j, bool yes)
{
	json_value(j);
	buffer_add_str(j->out, yes ? "true" : "false");
}

void json_null(struct json *j)
{
	json_value(j);
	buffer_add_str(j->out, "null");
}

void json_hex(struct json *j, const uint8_t *bytes, size_t len)
{
	char *at;

	json_value(j);
	at = len <= SIZE_MAX / 4 ? buffer_room(j->out, 2 * len + 2) : NULL;
	if (!at)
		return;
	*at++ = '"';
	at = put_hex(at, bytes, len);
	*at++ = '"';
	buffer_end(j->out, at);
}
