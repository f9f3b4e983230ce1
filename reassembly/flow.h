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
	FLOW_OPEN,    /* looking for requests; http is NULL until something looked like one */
	FLOW_IGNORED, /* not HTTP, or no more: only its end is watched for */
	FLOW_CLOSED,  /* over; stays for a while so that late copies of its segments make no new flow */
};

#define CLIENT_UNKNOWN 2

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
	uint32_t new_isn;  /* with new_dir < 2: a SYN for another connection on these ends was seen */
	uint32_t junk_ack[2]; /* with junk_known: highest ack on a direction's bytes before a request was found */
	uint8_t client;    /* the direction of requests, or CLIENT_UNKNOWN */
	uint8_t new_dir;
	bool midstream; /* the beginning was not seen */
	bool junk_known[2];
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
	struct flow_list live, closed;
	struct budget *budget;
};

/** flow_table_init() - false when out of memory */
bool flow_table_init(struct flow_table *t, struct budget *budget);

/** flow_table_deinit() - all flows must have been removed */
void flow_table_deinit(struct flow_table *t);

/** flow_find() - or NULL */
struct flow *flow_find(struct flow_table *t, const struct flow_key *key);

/** flow_add() - a new flow in the live list, zero but for its key; NULL when out of memory or over the budget
 */
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
