/* json.c - see json.h */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

static void add_quoted(struct buffer *out, struct span text)
{
	buffer_add(out, "\"", 1);
	while (text.len > 0) {
		size_t run = 0, len;

		while (run < text.len && is_plain(text.at[run]))
			run++;
		buffer_add(out, text.at, run);
		span_skip(&text, run);
		if (text.len == 0)
			break;
		len = utf8_length(text);
		if (len == 0)
			buffer_add_str(out, "\xef\xbf\xbd");
		else if (len == 1)
			add_escaped(out, text.at[0]);
		else
			buffer_add(out, text.at, len);
		span_skip(&text, len ? len : 1);
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

/* By hand: printf() takes ten times as long, and an event has five numbers. */
void json_uint(struct json *j, uint64_t n)
{
	char digits[20]; /* of 2^64 - 1 */
	size_t at = sizeof(digits);

	json_value(j);
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buffer_add(j->out, digits + at, sizeof(digits) - at);
}

void json_count(struct json *j, const char *name, uint64_t n)
{
	json_key(j, name);
	json_uint(j, n);
}

void json_int(struct json *j, int64_t n)
{
	if (n >= 0) {
		json_uint(j, (uint64_t)n);
		return;
	}
	json_value(j);
	buffer_add(j->out, "-", 1);
	j->comma = false;
	json_uint(j, 0 - (uint64_t)n);
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
	static const char digits[] = "0123456789abcdef";
	struct buffer *out = j->out;

	json_value(j);
	buffer_add(out, "\"", 1);
	if (len > SIZE_MAX / 2 || !buffer_reserve(out, 2 * len))
		return;
	for (size_t i = 0; i < len; i++) {
		out->bytes[out->len++] = (uint8_t)digits[bytes[i] >> 4];
		out->bytes[out->len++] = (uint8_t)digits[bytes[i] & 15];
	}
	buffer_add(out, "\"", 1);
}
