/*
 * lines.h - a text, line by line
 *
 *     struct span rest = text, line;
 *
 *     while (line_take(&rest, &line))
 *             ...
 */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include "base/span.h"

/**
 * line_take_whole() - move the first line of @text to @line, with its newline; the last may have none
 * Return: false if nothing is left; @line is as it was.
 */
static inline bool line_take_whole(struct span *text, struct span *line)
{
	const uint8_t *end;

	if (text->len == 0)
		return false;
	end = memchr(text->at, '\n', text->len);
	return span_take(text, end ? (size_t)(end - text->at) + 1 : text->len, line);
}

/** line_take() - the same without the newline */
static inline bool line_take(struct span *text, struct span *line)
{
	if (!line_take_whole(text, line))
		return false;
	if (line->at[line->len - 1] == '\n')
		line->len--;
	return true;
}

#endif
