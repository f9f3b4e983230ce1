/*
 * lanes.h - several lanes that look like one
 *
 * Theory of operation: --lanes N captures with N threads, each with a source, a
 * tracker, a policy, a recorder and a ring of its own. The kernel spreads the
 * packets so that a connection is one lane's (capture/source_live.c), and a
 * recording is read by all, each taking its own (capture/dispatch.h), so nothing
 * is shared on a packet's way: what the lanes have in common is the memory bound
 * and, with -c, the count of chosen requests. Here are the places where the rest
 * of the program speaks to all of them: start, stop, another policy, the sums of
 * their counters.
 *
 * They end together. A source that is closed gives its flows to the others,
 * which have not seen their beginning, so all sources stay open until the last
 * lane has read what its own still held; that lane closes them and says that
 * all have ended.
 */
#ifndef APP_RUN_LANES_H
#define APP_RUN_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/run/lane.h"
#include "app/run/recording.h"
#include "app/run/rules.h"

struct lanes;

/** lanes_new() - the rings and counters of @count lanes; NULL when out of memory */
struct lanes *lanes_new(size_t count, size_t ring_slots);

/** lanes_decisions() - where the policy of lane @lane, an index, counts */
struct policy_stats *lanes_decisions(struct lanes *ls, size_t lane);

/** lanes_rings() - one per lane, for the intake */
struct ring **lanes_rings(struct lanes *ls);

/** lanes_waiting() - any thread: messages in all rings */
size_t lanes_waiting(const struct lanes *ls);

struct lanes_options {
	struct lane_settings set;      /* as in struct lane_options */
	bool live;                     /* as there */
	uint64_t chosen_limit;         /* end after so many chosen requests; 0: none */
	struct source **sources;       /* one per lane, taken on success; NULL each where there is a broker */
	struct nats_link *broker;      /* taken on success; the one lane reads it */
	const struct lane_relay_settings *relay;
	struct rules *rules;           /* the lanes' part is taken on success, and stays known to the caller */
	struct budget *budget;         /* borrowed */
	struct intake *intake;         /* borrowed */
	struct recording *recording;   /* borrowed */
	struct secrets *secrets;       /* as in struct lane_options, like the next */
	struct joiner *joiner;
	bool tells_all;                /* as in struct lane_options, like those that follow */
	struct event_writer *events;
	bool paced;
	int (*reopen)(void *ctx, size_t lane, struct source **out, struct buffer *error);
	bool (*loop_is_busy)(void *ctx);
	void (*on_end)(void *ctx); /* on the thread of the lane that ended last, as its last act */
	void *ctx;
};

/** lanes_open() - make the lanes; 0 or a negative errno */
int lanes_open(struct lanes *ls, const struct lanes_options *options);

/** lanes_start() - run the threads; 0 or a negative errno, with those that run told to end */
int lanes_start(struct lanes *ls);

/** lanes_change_rules() - as lane_change_rules(), in every lane */
void lanes_change_rules(struct lanes *ls, struct rules *next);

/** lanes_stop() / lanes_abandon() - as lane_stop() and lane_abandon() */
void lanes_stop(struct lanes *ls);
void lanes_abandon(struct lanes *ls);

/** lanes_take_late() - after lanes_join(): see lane_take_late() */
struct response_item *lanes_take_late(struct lanes *ls, size_t lane);

/** lanes_join() - wait for all; 0, or the negative errno that ended one */
int lanes_join(struct lanes *ls);

/** struct lanes_stats - the counters of all lanes, added up */
struct lanes_stats {
	struct capture_stats capture;
	struct unread unread;
	struct reassembly_stats reassembly;
	struct http_stats http;
	struct tls_stats tls;
	struct unsupported tls_unsupported;
	struct policy_stats policy;
};

/** lanes_fleet_stats() / lanes_fleet_facts() - as lane_fleet_stats() and lane_fleet_facts() */
const struct fleet_stats *lanes_fleet_stats(const struct lanes *ls);
void lanes_fleet_facts(const struct lanes *ls, struct fleet_facts *out);

/** lanes_stats() - any thread */
void lanes_stats(const struct lanes *ls, struct lanes_stats *out);

/** lanes_tls_late_us() - any thread: by how much secrets of TLS came late, in all lanes */
void lanes_tls_late_us(const struct lanes *ls, struct histogram *out);

/** lanes_progress() - as lane_progress() */
void lanes_progress(const struct lanes *ls, uint64_t *done, uint64_t *total);

/** lanes_complaints() - after lanes_join(): lines, each once; borrowed */
const struct buffer *lanes_complaints(const struct lanes *ls);

void lanes_free(struct lanes *ls);

#endif
