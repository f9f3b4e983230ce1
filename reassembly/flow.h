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
#include "base/hash.h"
#include "capture/segment.h"
#include "reassembly/http.h"
#include "reassembly/stream.h"

/** struct flow_key - the two ends, the lower one first, so that both directions have the same key */
struct flow_key {
	struct endpoint end[2];
	uint32_t network;
};

/** flow_key_of() - @dir: the index of the segment's source in @end, which is the segment's direction */
struct flow_key flow_key_of(const struct segment *segment, unsigned *dir);

enum flow_state {
	FLOW_OPENING, /* nothing but SYNs so far: the first to go when memory is short, for it may be a flood */
	FLOW_OPEN,    /* looking for requests; http is NULL until something looked like one */
	FLOW_IGNORED, /* not HTTP, or no more: only its end is watched for */
	FLOW_CLOSED,  /* over; stays for a while so that late copies of its segments make no new flow */
};

#define CLIENT_UNKNOWN 2
#define ALIASES_MAX 7    /* networks besides its own in which a connection is recognised */
#define SAME_ENDS_MAX 32 /* flows with one 4-tuple, each in a network of its own: they share a bucket */

/** struct first_data - the first segment with data of a direction: two copies of it are alike, two strangers' aren't */
struct first_data {
	uint32_t seq, len, hash; /* len 0: none yet */
	uint32_t network;
};

/** struct flow - what a lookup touches comes first, in one cache line */
struct flow {
	struct flow *chain;
	uint32_t hash;
	struct flow_key key;
	struct flow *older, *newer; /* by the time of the last segment */
	struct wall last;
	uint64_t number;
	struct stream half[2]; /* by the direction of the bytes: half[d] is sent by key.end[d] */
	struct http *http;
	enum flow_state state;
	uint32_t at[2];    /* with at_known: where a direction was last seen, or its peer's ack if it never was */
	uint32_t new_isn;  /* with new_dir < 2: a SYN for another connection on these ends was seen */
	uint32_t junk_ack[2]; /* with junk_known: highest ack on a direction's bytes before a request was found */
	uint32_t alias[ALIASES_MAX]; /* other networks in which the same segments were seen (copies.c) */
	struct first_data first[2];
	uint8_t client;    /* the direction of requests, or CLIENT_UNKNOWN */
	uint8_t new_dir;
	bool midstream; /* the beginning was not seen */
	bool junk_known[2];
	bool at_known[2];
	uint8_t alias_count, alias_next;
};

/** struct flow_list - flows by the time of their last segment */
struct flow_list {
	struct flow *oldest, *newest;
	size_t count;
};

struct flow_table {
	struct hash_key hash_key;
	struct flow **buckets,
		**old_buckets; /* while growing, the old ones from old_next on still hold flows */
	size_t bucket_count, old_count, old_next;
	size_t count;
	struct flow_list opening, live, closed;
	struct budget *budget;
};

/** flow_table_init() - false when out of memory */
bool flow_table_init(struct flow_table *t, struct budget *budget);

/** flow_table_deinit() - all flows must have been removed */
void flow_table_deinit(struct flow_table *t);

/** flow_find() - the flow of these ends in this network, as its own or as an alias; or NULL */
struct flow *flow_find(struct flow_table *t, const struct flow_key *key);

/** flow_same_ends() - the flows with the ends of @key in any network, one by one: @after is the last, or NULL */
struct flow *flow_same_ends(struct flow_table *t, const struct flow_key *key, const struct flow *after);

/** flow_add_alias() - flow_find() finds @f in @network as well; the oldest alias goes if there are too many */
void flow_add_alias(struct flow *f, uint32_t network);

/** flow_drop_alias() - flow_find() no longer finds @f in @network; no-op if it didn't */
void flow_drop_alias(struct flow *f, uint32_t network);

/** flow_add() - a new flow in the opening list, zero but for its key; NULL when out of memory or over the budget */
struct flow *flow_add(struct flow_table *t, const struct flow_key *key, struct wall now);

/** flow_touch() - it is the newest of its list now */
void flow_touch(struct flow_table *t, struct flow *f, struct wall now);

/** flow_list_of() - the list that it is in, by its state */
struct flow_list *flow_list_of(struct flow_table *t, const struct flow *f);

/** flow_set_state() - moves it between the lists too */
void flow_set_state(struct flow_table *t, struct flow *f, enum flow_state state);

/** flow_remove() - free it; its streams and its http must be gone already */
void flow_remove(struct flow_table *t, struct flow *f);

#endif
