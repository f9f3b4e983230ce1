/* message.c - see message.h */
#include "message/message.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"

const struct span *request_head_find(const struct request_head *head, struct span name)
{
	for (size_t i = 0; i < head->header_count; i++)
		if (span_equal_nocase(head->headers[i].name, name))
			return &head->headers[i].value;
	return NULL;
}

/** copy_into() - copy @from to the front of @room, which shrinks; the copy */
static struct span copy_into(struct span from, uint8_t **room)
{
	struct span copy = span_of(*room, from.len);

	if (from.len > 0)
		memcpy(*room, from.at, from.len);
	*room += from.len;
	return copy;
}

struct message *message_new(const struct request_head *head, const struct request_origin *origin,
			    struct budget *budget)
{
	/* One block: the message, its headers, then the bytes that they point into. */
	size_t size = sizeof(struct message) + head->header_count * sizeof(struct header) + head->method.len +
		      head->target.len;
	struct message *m;
	struct header *headers;
	uint8_t *room;

	for (size_t i = 0; i < head->header_count; i++)
		size += head->headers[i].name.len + head->headers[i].value.len;
	if (!budget_charge(budget, size))
		return NULL;
	m = malloc(size);
	if (!m) {
		budget_release(budget, size);
		return NULL;
	}
	*m = (struct message){
		.item = { .kind = ITEM_REQUEST },
		.origin = *origin,
		.head = *head,
		.budget = budget,
		.charged = size,
		.references = 1,
	};
	tls_session_ref(m->origin.tls);
	headers = (struct header *)(m + 1);
	room = (uint8_t *)(headers + head->header_count);
	m->head.headers = headers;
	m->head.method = copy_into(head->method, &room);
	m->head.target = copy_into(head->target, &room);
	for (size_t i = 0; i < head->header_count; i++) {
		headers[i].name = copy_into(head->headers[i].name, &room);
		headers[i].value = copy_into(head->headers[i].value, &room);
	}
	return m;
}

void message_drop_body(struct message *m, size_t bytes)
{
	free(m->body);
	m->body = NULL;
	m->body_kept = false;
	m->charged -= bytes;
	budget_release(m->budget, bytes);
}

struct message *message_ref(struct message *m)
{
	m->references++;
	return m;
}

void message_unref(struct message *m)
{
	if (!m || --m->references > 0)
		return;
	if (m->budget)
		budget_release(m->budget, m->charged);
	tls_session_unref(m->origin.tls);
	if (m->ended)
		atomic_fetch_add_explicit(m->ended, 1, memory_order_relaxed);
	free(m->arrivals);
	free(m->body);
	free(m);
}

bool message_add_arrival(struct message *m, uint64_t offset, int64_t us)
{
	uint32_t cap = m->arrival_cap ? m->arrival_cap * 2 : 8;
	size_t more = (cap - m->arrival_cap) * sizeof(struct arrival);
	struct arrival *arrivals;

	if (m->arrival_count == ARRIVALS_MAX)
		return true;
	if (m->arrival_count == m->arrival_cap) {
		if (!budget_charge(m->budget, more))
			return false;
		m->charged += more; /* message_unref() gives it back, also after a failure below */
		arrivals = realloc(m->arrivals, cap * sizeof(*arrivals));
		if (!arrivals)
			return false;
		m->arrivals = arrivals;
		m->arrival_cap = cap;
	}
	m->arrivals[m->arrival_count++] = (struct arrival){ offset, us };
	return true;
}

char *message_id_put(char *at, uint64_t id)
{
	id = htobe64(id);
	return put_hex(at, (const uint8_t *)&id, sizeof(id));
}

const char *message_id_text(uint64_t id, char *out)
{
	*message_id_put(out, id) = '\0';
	return out;
}

char *wire_id_put(char *at, struct wire_id id)
{
	return message_id_put(message_id_put(at, id.high), id.low);
}

const char *wire_id_text(struct wire_id id, char *out)
{
	*wire_id_put(out, id) = '\0';
	return out;
}
