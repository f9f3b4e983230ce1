/*
 * copies.h - one connection that is seen in several networks
 */
#ifndef REASSEMBLY_COPIES_H
#define REASSEMBLY_COPIES_H

#include "reassembly/flow.h"

/** copies_note() - remember where a connection is: @s, of direction @dir, belongs to @f */
void copies_note(struct flow *f, unsigned dir, const struct segment *s);

/**
 * copies_find() - @s is the first segment of these ends in its network: is its connection known from another?
 *
 * Return: that flow, which has the network as an alias now; or NULL: the segment begins a connection of its
 * own.
 */
struct flow *copies_find(const struct flow_table *t, const struct flow_ends *ends, unsigned dir,
			 const struct segment *s);

/** copies_differ() - @s has the place of @f's first data in another network, but not its bytes: they are
 * strangers */
bool copies_differ(const struct flow *f, unsigned dir, const struct segment *s);

/** copies_part() - take the network of @s away from @f, which keeps the one that its data came from */
void copies_part(struct flow *f, unsigned dir, const struct segment *s);

#endif
