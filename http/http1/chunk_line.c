/* chunk_line.c - see chunk_line.h */
#include "http/http1/chunk_line.h"

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/** take_size() - the digits at the front of @in; with the line's end, if that follows at once: nearly always */
static enum chunk_take take_size(struct chunk_line *line, struct span *in, struct span *feed)
{
	size_t n = 0;

	while (n < in->len && is_hex(in->at[n]) && line->len + n < CHUNK_LINE_MAX)
		n++;
	line->has_size |= n > 0;
	if (line->has_size && in->len - n >= 2 && in->at[n] == '\r' && in->at[n + 1] == '\n') {
		span_take(in, n + 2, feed);
		*line = (struct chunk_line){ 0 };
		return CHUNK_DONE;
	}
	span_take(in, n, feed);
	line->len = (uint16_t)(line->len + n);
	if (in->len == 0)
		return CHUNK_MORE;
	line->part = CHUNK_BLANKS;
	return line->has_size ? CHUNK_MORE : CHUNK_WRONG;
}

/** next_part() - where @c leads to; false: nowhere */
static bool next_part(struct chunk_line *line, uint8_t c)
{
	bool is_text = c == '\t' || (c >= ' ' && c != 0x7f);

	if (c == '\r' && (line->part == CHUNK_BLANKS || line->part == CHUNK_EXTENSION)) {
		line->part = CHUNK_LF;
		return true;
	}
	switch (line->part) {
	case CHUNK_SIZE:
	case CHUNK_LF:
		return false;
	case CHUNK_BLANKS:
		if (c == ';')
			line->part = CHUNK_EXTENSION;
		return c == ';' || c == ' ' || c == '\t';
	case CHUNK_EXTENSION:
		if (c == '"')
			line->part = CHUNK_QUOTED;
		break;
	case CHUNK_QUOTED:
		if (c == '"' || c == '\\')
			line->part = c == '"' ? CHUNK_EXTENSION : CHUNK_ESCAPED;
		break;
	case CHUNK_ESCAPED:
		line->part = CHUNK_QUOTED;
		break;
	}
	return is_text;
}

enum chunk_take chunk_line_take(struct chunk_line *line, struct span *in, struct span *feed)
{
	uint8_t c;

	*feed = (struct span){ 0 };
	if (line->part == CHUNK_SIZE)
		return take_size(line, in, feed);
	while (span_u8(in, &c)) {
		if (line->part == CHUNK_LF && c == '\n') {
			*line = (struct chunk_line){ 0 };
			*feed = SPAN_LITERAL("\r\n");
			return CHUNK_DONE;
		}
		if (++line->len > CHUNK_LINE_MAX || !next_part(line, c))
			return CHUNK_WRONG;
	}
	return CHUNK_MORE;
}
