/*
 * response_ids.c - see response_ids.h
 *
 * Open addressing, half full at most. Tokens are counted up by each lane, so their
 * lowest bits spread by themselves; the lane's number is mixed in. What is taken
 * out leaves no mark: those behind it that had to go on move up.
 */
#include "app/run/response_ids.h"

#include <stdlib.h>

#define SLOTS (2 * RESPONSE_IDS_MAX)

struct row {
	uint64_t token; /* 0: free */
	struct wire_id id;
};

struct response_ids {
	size_t count;
	struct row rows[SLOTS];
};

static size_t home_of(uint64_t token)
{
	return (size_t)((token ^ token >> 37) % SLOTS);
}

struct response_ids *response_ids_new(void)
{
	return calloc(1, sizeof(struct response_ids));
}

void response_ids_free(struct response_ids *t)
{
	free(t);
}

bool response_ids_add(struct response_ids *t, uint64_t token, struct wire_id id)
{
	size_t at = home_of(token);

	if (t->count == RESPONSE_IDS_MAX)
		return false;
	while (t->rows[at].token)
		at = (at + 1) % SLOTS;
	t->rows[at] = (struct row){ token, id };
	t->count++;
	return true;
}

/** close_gap() - at @gap; each row behind it, up to a free one, stays where it can be found from its home */
static void close_gap(struct response_ids *t, size_t gap)
{
	for (size_t at = (gap + 1) % SLOTS; t->rows[at].token; at = (at + 1) % SLOTS) {
		size_t away = (at + SLOTS - home_of(t->rows[at].token)) % SLOTS;

		if (away < (at + SLOTS - gap) % SLOTS)
			continue;
		t->rows[gap] = t->rows[at];
		gap = at;
	}
	t->rows[gap].token = 0;
}

bool response_ids_take(struct response_ids *t, uint64_t token, struct wire_id *out)
{
	size_t at = home_of(token);

	while (t->rows[at].token && t->rows[at].token != token)
		at = (at + 1) % SLOTS;
	if (!t->rows[at].token)
		return false;
	*out = t->rows[at].id;
	t->count--;
	close_gap(t, at);
	return true;
}
