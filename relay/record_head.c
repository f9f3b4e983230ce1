/* record_head.c - see record_head.h */
#include "relay/record_head.h"

#include <string.h>

#include "message/http_text.h"

/** take_token() - from the front of @in, what may be empty */
static struct span take_token(struct span *in)
{
	struct span token = { 0 };
	size_t n = 0;

	while (n < in->len && http_is_tchar(in->at[n]))
		n++;
	span_take(in, n, &token);
	return token;
}

static bool take_byte(struct span *in, uint8_t wanted)
{
	return in->len > 0 && in->at[0] == wanted && span_skip(in, 1);
}

bool record_line_take(struct span *in, struct span *line)
{
	const uint8_t *lf = in->len > 0 ? memchr(in->at, '\n', in->len) : NULL;
	struct span ahead = *in;

	if (!lf || !span_take(&ahead, (size_t)(lf - in->at), line) || line->len == 0 || line->at[line->len - 1] != '\r')
		return false;
	line->len--;
	if (line->len > 0 && (memchr(line->at, '\r', line->len) || memchr(line->at, '\0', line->len)))
		return false;
	span_skip(&ahead, 1);
	*in = ahead;
	return true;
}

/** add_field() - false if @line is none: a folded one begins with a blank, which no token does */
static bool add_field(struct span line, struct header_list *fields)
{
	struct span name = take_token(&line);

	if (name.len == 0 || !take_byte(&line, ':'))
		return false;
	header_list_add(fields, name, span_trim(line));
	return true;
}

/** read_fields() - the lines up to the empty one, which is taken too */
static enum record_fault read_fields(struct span *in, struct header_list *fields)
{
	struct span line;

	for (;;) {
		if (!record_line_take(in, &line))
			return memchr(in->at, '\n', in->len) ? RECORD_FAULT_FIELD : RECORD_FAULT_HEAD;
		if (line.len == 0)
			return RECORD_FINE;
		if (!add_field(line, fields))
			return RECORD_FAULT_FIELD;
	}
}

/** look_at_framing() - what the fields say of the bytes behind them: each only once */
static enum record_fault look_at_framing(const struct header_list *fields, size_t from, struct record_head *out)
{
	for (size_t i = from; i < fields->count; i++) {
		const struct header *f = &fields->at[i];

		if (span_equal_nocase(f->name, SPAN_LITERAL("content-length"))) {
			if (out->has_length || !record_number_read(f->value, &out->length))
				return RECORD_FAULT_LENGTH;
			out->has_length = true;
		} else if (span_equal_nocase(f->name, SPAN_LITERAL("transfer-encoding"))) {
			if (out->has_encoding)
				return RECORD_FAULT_ENCODING;
			out->encoding = f->value;
			out->has_encoding = true;
		}
	}
	return RECORD_FINE;
}

enum record_fault record_head_read(struct span *data, struct record_head *out, struct header_list *fields)
{
	struct span head = *data;
	size_t from = fields->count, size;
	enum record_fault fault;

	*out = (struct record_head){ 0 };
	span_truncate(&head, RESPONSE_HEAD_MAX);
	size = head.len;
	if (!record_line_take(&head, &out->line))
		return size > 0 && memchr(head.at, '\n', size) ? RECORD_FAULT_START_LINE : RECORD_FAULT_HEAD;
	if (out->line.len == 0)
		return RECORD_FAULT_START_LINE;
	fault = read_fields(&head, fields);
	if (fault != RECORD_FINE)
		return fault;
	span_skip(data, size - head.len);
	return look_at_framing(fields, from, out);
}

enum record_fault record_trailers_read(struct span *data, struct header_list *fields)
{
	return read_fields(data, fields);
}

/** take_version() - HTTP/1.0 or HTTP/1.1 */
static enum record_fault take_version(struct span *in, uint8_t *minor)
{
	static const struct span name = SPAN_LITERAL("HTTP/");

	if (!span_starts(*in, name))
		return RECORD_FAULT_START_LINE;
	span_skip(in, name.len);
	if (!span_starts(*in, SPAN_LITERAL("1.1")) && !span_starts(*in, SPAN_LITERAL("1.0")))
		return RECORD_FAULT_HTTP_VERSION;
	*minor = in->at[2] - '0';
	span_skip(in, 3);
	return RECORD_FINE;
}

enum record_fault record_request_line_read(struct span line, struct record_request_line *out)
{
	enum record_fault fault;
	size_t n = 0;

	out->method = take_token(&line);
	if (out->method.len == 0 || !take_byte(&line, ' '))
		return RECORD_FAULT_START_LINE;
	while (n < line.len && line.at[n] > ' ' && line.at[n] != 0x7f)
		n++;
	if (n == 0 || !span_take(&line, n, &out->target) || !take_byte(&line, ' '))
		return RECORD_FAULT_START_LINE;
	fault = take_version(&line, &out->version_minor);
	if (fault != RECORD_FINE)
		return fault;
	return line.len == 0 ? RECORD_FINE : RECORD_FAULT_START_LINE;
}

enum record_fault record_status_line_read(struct span line, int *status)
{
	enum record_fault fault;
	struct span digits;
	uint64_t n;
	uint8_t minor;

	fault = take_version(&line, &minor);
	if (fault != RECORD_FINE)
		return fault;
	if (!take_byte(&line, ' ') || !span_take(&line, 3, &digits) || !record_number_read(digits, &n) || n < 200 ||
	    (line.len > 0 && !take_byte(&line, ' ')))
		return RECORD_FAULT_START_LINE;
	*status = (int)n;
	return RECORD_FINE;
}
