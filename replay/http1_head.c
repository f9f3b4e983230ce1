/* http1_head.c - see http1_head.h */
#include "replay/http1_head.h"

void http1_head_write(const struct outgoing *o, struct buffer *out)
{
	buffer_add_span(out, o->method);
	buffer_add(out, " ", 1);
	buffer_add_span(out, o->target);
	buffer_add_str(out, " HTTP/1.1\r\n");
	for (size_t i = 0; i < o->fields.count; i++) {
		buffer_add_span(out, o->fields.at[i].name);
		buffer_add(out, ": ", 2);
		buffer_add_span(out, o->fields.at[i].value);
		buffer_add(out, "\r\n", 2);
	}
	buffer_add(out, "\r\n", 2);
}
