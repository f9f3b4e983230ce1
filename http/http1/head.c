/* head.c - see head.h */
#include "http/http1/head.h"

#include <stdlib.h>

#define SPARE_BYTES_MAX (16 << 10) /* a recycled head keeps no more than this */

struct head_field {
	uint32_t name_at, name_len, value_at, value_len;
};

static struct head *head_new(void)
{
	return calloc(1, sizeof(struct head));
}

static void head_free(struct head *head)
{
	if (!head)
		return;
	buffer_deinit(&head->bytes);
	free(head->fields);
	free(head->headers);
	free(head);
}

static size_t head_memory(const struct head *head)
{
	return sizeof(*head) + head->bytes.cap +
	       head->field_cap * (sizeof(struct head_field) + sizeof(struct header));
}

static void head_shrink(struct head *head)
{
	buffer_deinit(&head->bytes);
	free(head->fields);
	free(head->headers);
	head->fields = NULL;
	head->headers = NULL;
	head->field_cap = 0;
}

static void head_clear(struct head *head)
{
	if (head_memory(head) > SPARE_BYTES_MAX)
		head_shrink(head);
	buffer_clear(&head->bytes);
	head->field_count = head->method_len = head->target_len = 0;
	head->in_name = head->in_value = false;
}

void heads_deinit(struct heads *heads)
{
	while (heads->spare) {
		struct head *head = heads->spare;

		heads->spare = head->next;
		head_free(head);
	}
	heads->spare_count = 0;
}

struct head *heads_take(struct heads *heads)
{
	struct head *head = heads->spare;

	if (!head)
		return head_new();
	heads->spare = head->next;
	heads->spare_count--;
	head->next = NULL;
	return head;
}

void heads_return(struct heads *heads, struct head *head)
{
	budget_release(heads->budget, head->charged);
	head->charged = 0;
	if (heads->spare_count >= SPARE_HEADS_MAX) {
		head_free(head);
		return;
	}
	head_clear(head);
	head->next = heads->spare;
	heads->spare = head;
	heads->spare_count++;
}

bool heads_charge(struct heads *heads, struct head *head)
{
	size_t now = head_memory(head);

	if (now <= head->charged)
		return true;
	if (!budget_charge(heads->budget, now - head->charged))
		return false;
	head->charged = now;
	return true;
}

static bool head_add(struct head *head, struct span piece)
{
	if (piece.len > HEAD_BYTES_MAX - head->bytes.len)
		return false;
	buffer_add_span(&head->bytes, piece);
	return buffer_ok(&head->bytes);
}

bool head_add_method(struct head *head, struct span piece)
{
	head->method_len += (uint32_t)piece.len;
	return head_add(head, piece);
}

bool head_add_target(struct head *head, struct span piece)
{
	head->target_len += (uint32_t)piece.len;
	return head_add(head, piece);
}

static bool more_fields(struct head *head)
{
	uint32_t cap = head->field_cap ? head->field_cap * 2 : 32;
	struct head_field *fields;
	struct header *headers;

	if (head->field_cap >= HEAD_FIELDS_MAX)
		return false;
	fields = realloc(head->fields, cap * sizeof(*fields));
	if (!fields)
		return false;
	head->fields = fields;
	headers = realloc(head->headers, cap * sizeof(*headers));
	if (!headers)
		return false;
	head->headers = headers;
	head->field_cap = cap;
	return true;
}

bool head_add_name(struct head *head, struct span piece)
{
	if (!head->in_name) {
		if (head->field_count == head->field_cap && !more_fields(head))
			return false;
		head->fields[head->field_count++] = (struct head_field){ .name_at = (uint32_t)head->bytes.len };
		head->in_name = true;
	}
	head->fields[head->field_count - 1].name_len += (uint32_t)piece.len;
	return head_add(head, piece);
}

bool head_add_value(struct head *head, struct span piece)
{
	struct head_field *field;

	if (head->field_count == 0)
		return false;
	field = &head->fields[head->field_count - 1];
	if (!head->in_value)
		field->value_at = (uint32_t)head->bytes.len;
	head->in_value = true;
	field->value_len += (uint32_t)piece.len;
	return head_add(head, piece);
}

void head_end_field(struct head *head)
{
	struct head_field *field;

	head->in_name = head->in_value = false;
	if (head->field_count == 0)
		return;
	field = &head->fields[head->field_count - 1];
	while (field->value_len > 0) {
		uint8_t last = head->bytes.bytes[field->value_at + field->value_len - 1];

		if (last != ' ' && last != '\t')
			break;
		field->value_len--;
	}
}

/** part() - @len bytes at offset @at of the collected ones */
static struct span part(const struct head *head, uint32_t at, uint32_t len)
{
	struct span all = buffer_span(&head->bytes);

	span_skip(&all, at);
	span_truncate(&all, len);
	return all;
}

bool head_line(const struct head *head, struct request_head *out)
{
	if (!head || head->field_count == 0) /* with the first field the line before it is over */
		return false;
	*out = (struct request_head){
		.method = part(head, 0, head->method_len),
		.target = part(head, head->method_len, head->target_len),
	};
	return true;
}

struct request_head head_spans(struct head *head, uint8_t version_major, uint8_t version_minor)
{
	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct head_field *f = &head->fields[i];

		head->headers[i] = (struct header){ part(head, f->name_at, f->name_len),
						    part(head, f->value_at, f->value_len) };
	}
	return (struct request_head){
		.method = part(head, 0, head->method_len),
		.target = part(head, head->method_len, head->target_len),
		.headers = head->headers,
		.header_count = head->field_count,
		.version_major = version_major,
		.version_minor = version_minor,
	};
}
