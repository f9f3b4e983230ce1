/* ownership.c - see ownership.h */
#include "relay/ownership.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

_Static_assert(OWNERSHIP_PARTITIONS_MAX <= 128, "partition_set_count() counts two words");

void ownership_init(struct ownership *o, const char *me, uint32_t partitions)
{
	*o = (struct ownership){ .partitions = partitions };
	snprintf(o->me, sizeof(o->me), "%s", me);
}

static bool is_live(const struct member *m, struct mono now)
{
	return now.ns - m->moved_at.ns <= OWNERSHIP_LEASE_NS;
}

static struct member *find(struct ownership *o, struct span id)
{
	for (size_t i = 0; i < o->member_count; i++)
		if (span_equal(span_str(o->members[i].id), id))
			return &o->members[i];
	return NULL;
}

/* The place of a new one: of one that has been dead the longest, if there is no other. */
static struct member *place(struct ownership *o, struct mono now)
{
	struct member *oldest = NULL;

	if (o->member_count < OWNERSHIP_MEMBERS_MAX)
		return &o->members[o->member_count++];
	for (size_t i = 0; i < o->member_count; i++)
		if (!is_live(&o->members[i], now) && (!oldest || o->members[i].moved_at.ns < oldest->moved_at.ns))
			oldest = &o->members[i];
	return oldest;
}

void ownership_heard(struct ownership *o, struct span id, const struct partition_set *reads, struct mono now)
{
	struct member *m;

	if (id.len == 0 || id.len >= OWNERSHIP_ID_MAX || span_equal(id, span_str(o->me)))
		return;
	m = find(o, id);
	if (!m)
		m = place(o, now);
	if (!m)
		return;
	memcpy(m->id, id.at, id.len);
	m->id[id.len] = '\0';
	m->reads = *reads;
	m->moved_at = now;
}

void ownership_left(struct ownership *o, struct span id)
{
	struct member *m = find(o, id);

	if (m)
		*m = o->members[--o->member_count];
}

bool ownership_is_live(const struct ownership *o, const char *id, struct mono now)
{
	const struct member *m = find((struct ownership *)o, span_str(id));

	return m && is_live(m, now);
}

uint32_t ownership_live(const struct ownership *o, struct mono now)
{
	uint32_t live = 1;

	for (size_t i = 0; i < o->member_count; i++)
		live += is_live(&o->members[i], now);
	return live;
}

static bool is_free(const struct ownership *o, uint32_t partition, struct mono now)
{
	for (size_t i = 0; i < o->member_count; i++)
		if (is_live(&o->members[i], now) && partition_set_has(&o->members[i].reads, partition))
			return false;
	return !partition_set_has(&o->mine, partition) && o->retry_at[partition] <= now.ns;
}

/* Everyone begins to look elsewhere, so that fewer reach for the same one. */
static bool find_free(const struct ownership *o, struct mono now, uint32_t *partition)
{
	static const struct hash_key key = { 1, 2 };
	uint32_t first = (uint32_t)(hash_bytes(&key, o->me, strlen(o->me)) % o->partitions);

	for (uint32_t i = 0; i < o->partitions; i++) {
		*partition = (first + i) % o->partitions;
		if (is_free(o, *partition, now))
			return true;
	}
	return false;
}

static bool find_mine(const struct ownership *o, uint32_t *partition)
{
	for (*partition = o->partitions; (*partition)-- > 0;)
		if (partition_set_has(&o->mine, *partition))
			return true;
	return false;
}

enum ownership_step ownership_next(struct ownership *o, struct mono now, uint32_t *partition)
{
	uint32_t live = ownership_live(o, now), share = (o->partitions + live - 1) / live;
	uint32_t count = partition_set_count(&o->mine);

	if (count > share && find_mine(o, partition))
		return OWNERSHIP_LET_GO;
	if (count < share && find_free(o, now, partition))
		return OWNERSHIP_TAKE;
	return OWNERSHIP_NOTHING;
}

bool ownership_yields(struct ownership *o, uint32_t partition, const char *owner, struct mono now)
{
	if (o->yielded[partition] >= OWNERSHIP_YIELDS || !ownership_is_live(o, owner, now))
		return false;
	o->yielded[partition]++;
	return true;
}

void ownership_taken(struct ownership *o, uint32_t partition)
{
	o->yielded[partition] = 0;
	partition_set_add(&o->mine, partition);
}

void ownership_lost(struct ownership *o, uint32_t partition, struct mono now)
{
	partition_set_remove(&o->mine, partition);
	o->retry_at[partition] = now.ns + OWNERSHIP_RETRY_NS;
}

void ownership_let_go(struct ownership *o, uint32_t partition, struct mono now)
{
	ownership_lost(o, partition, now);
}

void ownership_drop(struct ownership *o, uint32_t partition)
{
	partition_set_remove(&o->mine, partition);
	o->retry_at[partition] = 0;
}
