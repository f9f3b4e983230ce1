/* record_lines.h - the fields of a record that we wrote, as a broker hands them on */
#ifndef TESTS_RIG_RECORD_LINES_H
#define TESTS_RIG_RECORD_LINES_H

#include "relay/record.h"
#include "relay/record_head.h"
#include "relay/record_read.h"

/** record_line_cut() - the next of @lines, taken apart; false when there is none */
static inline bool record_line_cut(struct span *lines, struct span *name, struct span *value)
{
	struct span line;

	if (!record_line_take(lines, &line) || !span_cut(line, ':', name, value))
		return false;
	*value = span_trim(*value);
	return true;
}

/** record_fields_of() - of @r, borrowed from it and from @lines, which is cleared first */
static inline struct record_fields record_fields_of(const struct record *r, const char *source, uint64_t sequence,
						    struct buffer *lines)
{
	struct record_fields f = { .data = span_of(r->data, r->data_len) };
	struct span rest, name, value;

	buffer_clear(lines);
	record_headers(r, source, sequence, lines);
	rest = buffer_span(lines);
	while (record_line_cut(&rest, &name, &value))
		record_fields_set(&f, name, value);
	return f;
}

#endif
