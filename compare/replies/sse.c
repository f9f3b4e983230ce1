/*
 * sse.c - see sse.h
 *
 * Lines end in LF, CR or CRLF, mixed at will. An event without a data line is
 * none (it is skipped), and neither are comments, "id:" and "retry:". Data of
 * one line is borrowed from the body; only data of several is copied.
 */
#include "compare/replies/sse.h"

#include <errno.h>

void sse_reader_begin(struct sse_reader *r, struct span body)
{
	struct span bom = SPAN_LITERAL("\xef\xbb\xbf");

	r->rest = body;
	r->at = 0;
	r->unfinished = false;
	if (span_starts(body, bom)) {
		span_skip(&r->rest, bom.len);
		r->at = bom.len;
	}
}

/** take_line() - the next line without its end; false if the body ends before the line does (it is then all of the rest) */
static bool take_line(struct sse_reader *r, struct span *line)
{
	struct span rest = r->rest;
	size_t len = 0, end;

	while (len < rest.len && rest.at[len] != '\n' && rest.at[len] != '\r')
		len++;
	end = len;
	if (end < rest.len)
		end += rest.at[len] == '\r' && len + 1 < rest.len && rest.at[len + 1] == '\n' ? 2 : 1;
	*line = span_of(rest.at, len);
	span_skip(&r->rest, end);
	r->at += end;
	return end > len;
}

/** split_field() - "name: value", "name:value" or "name" */
static void split_field(struct span line, struct span *name, struct span *value)
{
	const uint8_t *colon = line.len > 0 ? memchr(line.at, ':', line.len) : NULL;

	*name = *value = line;
	if (!colon) {
		value->len = 0;
		return;
	}
	span_truncate(name, (size_t)(colon - line.at));
	span_skip(value, name->len + 1);
	if (value->len > 0 && value->at[0] == ' ')
		span_skip(value, 1);
}

/** add_data() - one more data line of the event: the second makes a copy of both */
static void add_data(struct sse_reader *r, struct event *e, struct span value, uint64_t line)
{
	if (line == 0) {
		e->data = value;
		return;
	}
	if (line == 1) {
		buffer_clear(&r->lines);
		buffer_add_span(&r->lines, e->data);
	}
	buffer_add(&r->lines, "\n", 1);
	buffer_add_span(&r->lines, value);
	e->data = buffer_span(&r->lines);
}

int sse_next(struct sse_reader *r, struct event *out)
{
	struct span line, name, value;
	uint64_t data_lines = 0;

	*out = (struct event){ 0 };
	buffer_clear(&r->lines);
	while (r->rest.len > 0) {
		bool ended = take_line(r, &line);

		if (line.len == 0 && ended) { /* a blank line */
			if (data_lines > 0)
				break;
			*out = (struct event){ 0 };
			continue;
		}
		split_field(line, &name, &value);
		if (span_equal(name, SPAN_LITERAL("data")))
			add_data(r, out, value, data_lines++);
		else if (span_equal(name, SPAN_LITERAL("event")))
			out->type = value;
		if (r->rest.len == 0)
			r->unfinished = true;
	}
	if (!buffer_ok(&r->lines))
		return -ENOMEM;
	out->end = r->at;
	out->unfinished = data_lines > 0 && r->unfinished;
	return data_lines > 0;
}

void sse_reader_deinit(struct sse_reader *r)
{
	buffer_deinit(&r->lines);
}
