/* early_data.c - see early_data.h */
#include "tls/early_data.h"

#include <stdlib.h>
#include <string.h>

static struct early_record *new_record(struct budget *budget, size_t len)
{
	struct early_record *r;

	if (!budget_charge(budget, sizeof(*r) + len))
		return NULL;
	r = malloc(sizeof(*r) + len);
	if (!r)
		budget_release(budget, sizeof(*r) + len);
	return r;
}

bool early_data_add(struct early_data *e, struct budget *budget, const struct chunk *chunk, uint64_t wire_end)
{
	size_t len = chunk->bytes.len;
	struct early_record *r = e->dropped == 0 ? new_record(budget, len) : NULL;

	if (!r) {
		e->dropped += len;
		return false;
	}
	r->next = NULL;
	r->chunk = *chunk;
	r->wire_end = wire_end;
	memcpy(r->bytes, chunk->bytes.at, len);
	r->chunk.bytes = span_of(r->bytes, len);
	if (e->last)
		e->last->next = r;
	else
		e->first = r;
	e->last = r;
	return true;
}

void early_data_clear(struct early_data *e, struct budget *budget)
{
	struct early_record *next;

	for (struct early_record *r = e->first; r; r = next) {
		next = r->next;
		budget_release(budget, sizeof(*r) + r->chunk.bytes.len);
		free(r);
	}
	e->first = e->last = NULL;
}
