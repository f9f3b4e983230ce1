/* outgoing.c - see outgoing.h */
#include "message/outgoing.h"

void outgoing_clear(struct outgoing *o)
{
	o->method = o->target = span_of(NULL, 0);
	header_list_clear(&o->fields);
	buffer_clear(&o->target_text);
	buffer_clear(&o->host_text);
}

void outgoing_add_length(struct outgoing *o, uint64_t bytes)
{
	char *end = put_uint(o->length_text, bytes);

	outgoing_add(o, SPAN_LITERAL("Content-Length"),
		     span_of((const uint8_t *)o->length_text, (size_t)(end - o->length_text)));
}

bool outgoing_ok(const struct outgoing *o)
{
	return header_list_ok(&o->fields) && buffer_ok(&o->target_text) && buffer_ok(&o->host_text);
}

void outgoing_deinit(struct outgoing *o)
{
	header_list_deinit(&o->fields);
	buffer_deinit(&o->target_text);
	buffer_deinit(&o->host_text);
}
