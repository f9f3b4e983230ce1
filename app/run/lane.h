/*
 * lane.h - the capture thread: packets in, decided requests out
 *
 * Theory of operation: a lane owns its source, tracker, policy and counters, and
 * shares none of them. It decides about each request at the end of its head and
 * pushes what the loop has to know about into the ring; the events of others it
 * writes itself (event_log.h). Live, a full ring sheds. A recording makes the lane
 * wait instead, for the ring and for the memory bound, so that nothing is lost at
 * any pace.
 *
 * Rules change as a whole: new ones, never changed after they were made, wait
 * behind one atomic pointer until the lane takes them, before it decides about its
 * next request. The lane frees the old ones, which nothing else can be using.
 *
 * Two flags reach into the lane: stop (capture nothing more, drain, finish) and
 * abandon (end now).
 */
#ifndef APP_RUN_LANE_H
#define APP_RUN_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/record/recorder.h"
#include "app/run/chosen_limit.h"
#include "app/run/items.h"
#include "app/run/lane_relay.h"
#include "app/run/rules.h"
#include "base/budget.h"
#include "base/ring.h"
#include "capture/source.h"
#include "http/http_stats.h"
#include "reassembly/tracker.h"
#include "replay/intake.h"
#include "report/event_writer.h"
#include "tls/secrets.h"
#include "tls/tls_stats.h"

struct joiner;
struct lane;

/** struct lane_settings - what the options say to a lane, see stages_lane(); everything borrowed */
struct lane_settings {
	const struct port_set *ports, *vxlan_ports;
	struct tracker_options tracker;
	uint64_t max_body, max_response;
	int64_t max_stream_ns;
	uint32_t loops;  /* rounds of a recording; 0: until stopped */
	bool sends;      /* false: a dry run */
	bool has_events; /* -o */
	bool compares;   /* production's responses are wanted */
	bool show_query;
	bool tls_may_come;   /* secrets of TLS are added while packets are read */
	int64_t tls_wait_ns; /* how long is waited for them */
	bool reads_http2, joins_http2; /* joins: connections that began before the capture, too */
};

struct lane_options {
	size_t index, count;            /* which of how many lanes: 0 speaks for all where all have seen the same */
	struct lane_settings set;       /* what the options say, alike for all lanes */
	struct source *source;          /* taken; NULL: requests come from a broker, by the next two */
	struct nats_link *broker;       /* taken */
	const struct lane_relay_settings *relay;
	bool live;                      /* what does not fit is shed, and time passes without packets; else it waits */
	bool keep_open;                 /* at the end, until lane_close_source() or lane_free(): see lanes.c */
	struct chosen_limit *chosen;    /* borrowed */
	struct lane_rules *rules;       /* taken */
	struct policy_stats *decisions; /* borrowed; the policy counts there too */
	struct budget *budget;          /* borrowed */
	struct ring *ring;              /* borrowed */
	struct intake *intake;          /* borrowed */
	struct recorder *recorder;      /* borrowed; NULL without -w */
	struct secrets *secrets;        /* borrowed; NULL: no TLS is read */
	struct joiner *joiner;          /* borrowed; NULL: no connection is joined in the middle of TLS */
	bool tells_all;                 /* requests that are not sent are pushed too, without body: --explain */
	struct event_writer *events;    /* borrowed; for requests that are not pushed; NULL without -o */
	bool paced;                     /* what is pushed waits for its time */
	/* a file for --loop: open the recordings again, on the lane's thread; 0 or negative errno */
	int (*reopen)(void *ctx, size_t lane, struct source **out, struct buffer *error);
	/* true while the loop still holds requests, whose memory will come back */
	bool (*loop_is_busy)(void *ctx);
	void *ctx;
	/* on the lane's thread, as its last act */
	void (*on_end)(void *end_ctx);
	void *end_ctx;
};

int lane_new(const struct lane_options *options, struct lane **out);

/** lane_start() - run the thread; 0 or negative errno */
int lane_start(struct lane *l);

/**
 * lane_change_rules() - the loop's thread: @next (taken) are in force from the next request on
 *
 * The lane frees what it replaces; what was handed in last is never replaced, so
 * the caller may still use its policy for policy_set_share().
 */
void lane_change_rules(struct lane *l, struct lane_rules *next);

/** lane_stop() / lane_abandon() - any thread */
void lane_stop(struct lane *l);
void lane_abandon(struct lane *l);

/** lane_close_source() - after the end of the lane (keep_open), any thread */
void lane_close_source(struct lane *l);

/** lane_join() - wait for the thread; returns 0, or the negative errno that ended the capture */
int lane_join(struct lane *l);

const struct unread *lane_unread(const struct lane *l);
const struct capture_stats *lane_capture_stats(const struct lane *l);
const struct reassembly_stats *lane_reassembly_stats(const struct lane *l);
const struct http_stats *lane_http_stats(const struct lane *l);
const struct tls_stats *lane_tls_stats(const struct lane *l);
const struct unsupported *lane_tls_unsupported(const struct lane *l);
const struct counted_histogram *lane_tls_late_us(const struct lane *l);

/** lane_fleet_stats() - any thread: of a broker, or NULL; lane_fleet_facts(): @out is zero then */
const struct fleet_stats *lane_fleet_stats(const struct lane *l);
void lane_fleet_facts(const struct lane *l, struct fleet_facts *out);

/** lane_progress() - any thread: share of the recordings that was read, in bytes over all loops */
void lane_progress(struct lane *l, uint64_t *done, uint64_t *total);

/** lane_complaints() - after lane_join(): lines about cut files and the like; borrowed. Lane 0 has logged its own */
const struct buffer *lane_complaints(const struct lane *l);

#define LANE_TOKEN_BITS 48 /* the number of the lane is above them in response_token */

/** lane_take_late() - after lane_join(): responses that did not fit into the ring, linked; given */
struct response_item *lane_take_late(struct lane *l);

/** lane_disown() - before lane_start(): what the lane has taken is its giver's again */
void lane_disown(struct lane *l);

void lane_free(struct lane *l);

#endif
