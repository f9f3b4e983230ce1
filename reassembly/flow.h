/*
 * flow.h - the table of TCP connections
 */
#ifndef REASSEMBLY_FLOW_H
#define REASSEMBLY_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/pool.h"
#include "capture/segment.h"
#include "reassembly/multipath.h"
#include "reassembly/proxy_header.h"
#include "reassembly/reader.h"
#include "reassembly/stream.h"

/** struct flow_key - the two ends, the lower one first, so that both directions have the same key */
struct flow_key {
	struct endpoint end[2];
	uint32_t domain;
};

/** struct flow_ends - a segment's key as the table is asked for it: hashed once, its ends where the segment has them */
struct flow_ends {
	const struct endpoint *end[2]; /* borrowed */
	uint32_t domain;
	uint32_t hash;
	bool elsewhere; /* set by flow_find(): flows with these ends are in other domains */
};

enum flow_state {
	FLOW_OPENING, /* nothing but SYNs so far: the first to go when memory is short, for it may be a flood */
	FLOW_OPEN,    /* looking for messages; reader is NULL until one of the kinds claimed some bytes */
	FLOW_IGNORED, /* nothing that is read, or no more: only its end is watched for */
	FLOW_CLOSED,  /* over; stays for a while so that late copies of its segments make no new flow */
};

#define CLIENT_UNKNOWN 2
#define FLOW_HASH_WORDS 9 /* two addresses, and a word of both ports */
#define ALIASES_MAX 7     /* domains besides its own in which a connection is recognised */
#define SAME_ENDS_MAX 32  /* flows with one 4-tuple, each in a domain of its own: they have one hash */

/** struct first_data - the first segment with data of a direction: two copies of it are alike, two strangers' aren't */
struct first_data {
	uint32_t seq, len, hash; /* len 0: none yet */
	uint32_t domain;
};

/** struct proxy_begin - a PROXY header, and the segment in which it began */
struct proxy_begin {
	struct proxy_reader reader;
	struct chunk first; /* without its bytes */
};

/** struct incarnation - what of a connection is needed until it is over */
struct incarnation {
	struct stream half[2]; /* by the direction of the bytes: half[d] is sent by key.end[d] */
	struct reader *reader;
	struct flow *newer, *older; /* with waiting: in the list of those in which something waits behind a gap */
	struct wall look;           /* ... and when it is looked at next, whatever comes */
	uint32_t unparsed_ack[2];   /* with unparsed_known: highest ack on its bytes before a request was found */
	uint32_t unparsed_end[2];   /* with has_unparsed_end: where they end */
	struct proxy_begin *proxy;  /* NULL, unless it began like a PROXY header */
	bool unparsed_known[2], has_unparsed_end[2];
	bool has_begun;       /* bytes of the client were read */
	bool is_outgoing;     /* a SYN says that the service's host opened it: not the service's connection */
	uint32_t reset_at[2]; /* with is_reset: up to where a direction was sent, as the RST says */
	struct wall reset_since;
	bool is_reset; /* a RST was seen, but not all that was sent before it */
	bool waiting;
	bool watched; /* each packet is looked at for what it means to a gap or the end: few have one */
	struct multipath multipath;
};

/** struct aliases - other domains in which the same segments were seen (duplicates.c) */
struct aliases {
	uint32_t domain[ALIASES_MAX];
	uint8_t count, next;
};

/** struct flow - one connection, and the next ones on the same ends; small, for most are closed and linger */
struct flow {
	struct flow *newer, *older; /* by the time of the last segment */
	uint32_t hash;
	uint32_t place; /* in the pool */
	enum flow_state state;
	struct flow_key key;
	struct wall last;
	uint64_t number;
	struct incarnation *incarnation;       /* NULL when FLOW_CLOSED */
	struct aliases *aliases; /* NULL if there never was one: for this incarnation and those after it */
	struct first_data first[2];
	uint32_t at[2];   /* with at_known: where a direction was last seen, or its peer's ack if it never was */
	uint32_t isn[2];  /* with has_isn */
	uint32_t base[2]; /* with synced: what half[].base was, once the incarnation is gone; next likewise */
	uint32_t next[2];
	uint32_t new_isn; /* with new_dir < 2: a SYN for another connection on these ends was seen */
	uint8_t client;   /* the direction of requests, or CLIENT_UNKNOWN */
	uint8_t new_dir;
	bool midstream; /* the beginning was not seen */
	bool at_known[2], has_isn[2], synced[2];
};

/** struct flow_list - flows by the time of their last segment */
struct flow_list {
	struct flow *oldest, *newest;
	size_t count;
};

/** struct flow_slots - open addressing: a flow lies at its hash or, if others do, in the next slot that was free */
struct flow_slots {
	struct flow_slot *at;
	size_t count; /* a power of two */
};

struct flow_table {
	uint64_t factors[FLOW_HASH_WORDS + 1]; /* the hash's random key */
	struct flow_slots slots, old; /* while growing, the old ones from old_next on still hold flows */
	size_t old_next;
	size_t count;
	struct pool pool;
	struct flow_list opening, live, closed;
	struct flow *waiting_oldest, *waiting_newest;
	struct budget *budget;
};

/** flow_table_init() - false when out of memory */
bool flow_table_init(struct flow_table *t, struct budget *budget);

/** flow_table_deinit() - all flows must have been removed */
void flow_table_deinit(struct flow_table *t);

/**
 * flow_ends_of() - what the table is asked for a segment's flow
 * @segment: borrowed for as long as the ends are used
 * @dir:     the index of its source in @end, which is the segment's direction
 */
struct flow_ends flow_ends_of(const struct flow_table *t, const struct segment *segment, unsigned *dir);

/** flow_find() - the flow of these ends in this domain, as its own or as an alias; or NULL */
struct flow *flow_find(const struct flow_table *t, struct flow_ends *ends);

/** struct flow_walk - how far flow_same_ends() has come; zero: it begins */
struct flow_walk {
	size_t steps;
	bool among_old;
};

/** flow_same_ends() - the flows with these ends in any domain, one by one; NULL after the last */
struct flow *flow_same_ends(const struct flow_table *t, const struct flow_ends *ends, struct flow_walk *walk);

/**
 * flow_add_alias() - flow_find() finds @f in @domain as well; the oldest alias goes if there are too many
 *
 * Return: false when out of memory or over the budget; nothing has changed then
 */
bool flow_add_alias(struct flow_table *t, struct flow *f, uint32_t domain);

/** flow_drop_alias() - flow_find() no longer finds @f in @domain; no-op if it didn't */
void flow_drop_alias(struct flow *f, uint32_t domain);

/** flow_has_aliases() - is it known in another domain than its own? */
static inline bool flow_has_aliases(const struct flow *f)
{
	return f->aliases && f->aliases->count > 0;
}

/** flow_add() - a new flow in the opening list, zero but for its key; NULL when out of memory or over the budget */
struct flow *flow_add(struct flow_table *t, const struct flow_ends *ends, struct wall now);

/** flow_close() - its incarnation is over and freed, what that held must be gone already; it is in the closed list now */
void flow_close(struct flow_table *t, struct flow *f);

/**
 * flow_begin() - a closed one begins another incarnation, of which nothing was seen yet, in the opening list
 *
 * Return: false when out of memory or over the budget; it is still closed then
 */
bool flow_begin(struct flow_table *t, struct flow *f);

/** flow_began_at() - is the first byte of @dir known, in this incarnation or the one that is over? */
static inline bool flow_began_at(const struct flow *f, unsigned dir, uint32_t *base)
{
	*base = f->incarnation ? (uint32_t)f->incarnation->half[dir].at.base : f->base[dir];
	return f->incarnation ? f->incarnation->half[dir].at.synced : f->synced[dir];
}

/** flow_next() - the byte of @dir that was or is to come */
static inline uint32_t flow_next(const struct flow *f, unsigned dir)
{
	return f->incarnation ? (uint32_t)f->incarnation->half[dir].at.next : f->next[dir];
}

/** flow_touch() - it is the newest of its list now */
void flow_touch(struct flow_table *t, struct flow *f, struct wall now);

/**
 * flow_wait() - look at it again at @look, which is no earlier than that of any other that waits
 *
 * They lie by that time in a list of their own: waiting_oldest comes first. No-op if it is in there.
 */
void flow_wait(struct flow_table *t, struct flow *f, struct wall look);

/** flow_wait_no_more() - it did wait */
void flow_wait_no_more(struct flow_table *t, struct flow *f);

/** flow_set_state() - moves it between the lists too; for FLOW_CLOSED there is flow_close() */
void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state state);

/** flow_remove() - free it; what its incarnation holds must be gone already */
void flow_remove(struct flow_table *t, struct flow *f);

#endif
