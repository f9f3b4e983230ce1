/* message.c - see message.h */
#include "reassembly/message.h"

#include <stdio.h>
#include <stdlib.h>

const struct span *request_head_find(const struct request_head *head, struct span name)
{
	for (size_t i = 0; i < head->header_count; i++)
		if (span_equal_nocase(head->headers[i].name, name))
			return &head->headers[i].value;
	return NULL;
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
	free(m->body);
	free(m);
}

const char *message_id_text(uint64_t id, char *out)
{
	snprintf(out, MESSAGE_ID_TEXT_MAX, "%016llx", (unsigned long long)id);
	return out;
}
