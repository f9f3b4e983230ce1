/*
 * duplicates.h - one connection that is seen in several domains
 */
#ifndef REASSEMBLY_DUPLICATES_H
#define REASSEMBLY_DUPLICATES_H

#include "reassembly/flow.h"

/** duplicates_note_first() - @s is the first with data of its direction */
void duplicates_note_first(struct flow *f, unsigned dir, const struct segment *s);

/** duplicates_note() - remember where a connection is: @s, of direction @dir, belongs to @f. For each segment, so inline */
static inline void duplicates_note(struct flow *f, unsigned dir, const struct segment *s)
{
	uint32_t len = (uint32_t)s->payload.len;

	f->at[dir] = s->seq + ((s->flags & TCP_SYN) ? 1 : 0) + len + s->missing_bytes;
	f->at_known[dir] = true;
	if ((s->flags & TCP_ACK) && !f->incarnation->half[!dir].at.seen) {
		f->at[!dir] = s->ack;
		f->at_known[!dir] = true;
	}
	if (len > 0 && f->first[dir].len == 0)
		duplicates_note_first(f, dir, s);
}

/**
 * duplicates_find() - @s is the first segment of these ends in its domain: is its connection known from another?
 *
 * Return: that flow, which is to have the domain as an alias; or NULL: the segment begins a connection of its own.
 */
struct flow *duplicates_find(const struct flow_table *t, const struct flow_ends *ends, unsigned dir,
			     const struct segment *s);

/** duplicates_differ() - @s has the place of @f's first data in another domain, but not its bytes: they are strangers */
bool duplicates_differ(const struct flow *f, unsigned dir, const struct segment *s);

/** duplicates_split() - take the domain of @s away from @f, which keeps the one that its data came from */
void duplicates_split(struct flow *f, unsigned dir, const struct segment *s);

#endif
