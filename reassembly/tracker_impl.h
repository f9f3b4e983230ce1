/*
 * tracker_impl.h - the tracker, for the files that share its work (see tracker.c)
 */
#ifndef REASSEMBLY_TRACKER_IMPL_H
#define REASSEMBLY_TRACKER_IMPL_H

#include "reassembly/duplicates.h"
#include "reassembly/flow.h"
#include "reassembly/flow_log.h"
#include "reassembly/sequence.h"
#include "reassembly/stream.h"
#include "reassembly/tracker.h"

#define JUMP_NS (24 * 3600 * NS_PER_S) /* a step forward of a day or more needs a second packet */
#define NEAR_BYTES (64 << 10)          /* an unscaled window: how far off a RST or a late SYN may be */
#define EVICT_AT_ONCE 8                /* flows that may go to make room for one thing */

/** struct kind - one of those who read connections; @shared: what its readers have in common */
struct kind {
	const struct reader_ops *ops;
	void *shared;
};

struct tracker {
	struct tracker_options options;
	struct reassembly_stats stats;
	struct flow_table flows;
	struct kind kinds[READER_KINDS_MAX];
	size_t kind_count;
	struct stream_env streams;
	struct flow_log log;
	struct wall clock;
	struct wall jump; /* where the last packet that did not fit the clock wanted it */
	struct segment *aside; /* ... if it is ahead of it: that packet, with its bytes, until another agrees or doesn't */
	uint32_t jumps;
	uint64_t connections;
	int64_t next_expiry; /* no flow is too old before */
	bool clock_set;
};

/** struct bearing - whose bytes a stream hands on */
struct bearing {
	struct tracker *t;
	struct flow *f;
	unsigned dir;
};

/** seq_within() - does @seq lie at @from or up to @bytes behind it? */
static inline bool seq_within(uint32_t from, uint32_t seq, uint32_t bytes)
{
	return seq - from <= bytes;
}

/* tracker.c */

/** tracker_feed_now() - tracker_feed(), by the clock as it is */
void tracker_feed_now(struct tracker *t, const struct segment *segment);

/* tracker_clock.c */

static inline int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/** tracker_follow_clock() - the usual case: does the clock go to @ts? In one comparison, since what is before it wraps around */
static inline bool tracker_follow_clock(struct tracker *t, struct wall ts)
{
	if (!t->clock_set || t->jumps > 0 || (uint64_t)ts.ns - (uint64_t)t->clock.ns > JUMP_NS)
		return false;
	t->clock = ts;
	return true;
}

/** tracker_advance_clock() - when @ts does not just follow it; whether to go on with @segment, which may be NULL, now */
bool tracker_advance_clock(struct tracker *t, struct wall ts, const struct segment *segment);

/** tracker_take_back() - feed what was put aside, by the clock as it is now */
void tracker_take_back(struct tracker *t);

/** tracker_expire_now() - what tracker_expire() does when it is time */
void tracker_expire_now(struct tracker *t);

/**
 * tracker_expire() - forget the flows that were quiet for too long, before a segment of one can seem to be its next
 *
 * What joins a list from now on is quiet for too long no earlier than after the
 * shorter limit, and what is touched later than it would have been: so the lists
 * are left alone until next_expiry, and a packet costs one comparison.
 */
static inline void tracker_expire(struct tracker *t)
{
	if (t->clock.ns > t->next_expiry)
		tracker_expire_now(t);
}

/** tracker_next_look() - when a gap is looked at next, if no packet of its connection comes */
static inline struct wall tracker_next_look(const struct tracker *t)
{
	return wall_after(t->clock, STREAM_LOOK_NS);
}

/* flow_match.c */

/** tracker_evict() - make room: the flow that was quiet for longest, but not @keep; false if there is none */
bool tracker_evict(struct tracker *t, const struct flow *keep);

/** tracker_match() - the flow for the first segment of these ends in its domain, or NULL if it starts none */
struct flow *tracker_match(struct tracker *t, const struct flow_ends *ends, unsigned dir, const struct segment *s);

/** tracker_count_duplicate() - @s is of a flow that several domains show */
void tracker_count_duplicate(struct tracker *t, const struct flow *f, unsigned dir, const struct segment *s);

/** tracker_split() - what was taken for a duplicate of @f isn't: a flow for it that knows what was known of the start */
struct flow *tracker_split(struct tracker *t, struct flow *f, struct flow_ends *ends, unsigned dir, const struct segment *s);

/* incarnation.c */

bool tracker_is_server_port(const struct tracker *t, uint16_t port);

/** tracker_begin_incarnation() - @f is another connection now, of which nothing was seen yet */
void tracker_begin_incarnation(struct tracker *t, struct flow *f);

/** tracker_take_syn() - @s, a SYN or SYN+ACK, is of this incarnation */
void tracker_take_syn(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s);

/** tracker_find_incarnation() - tracker_enter_incarnation() for a SYN, and for what may confirm one */
bool tracker_find_incarnation(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s);

/** tracker_enter_incarnation() - is @s of this incarnation of the 4-tuple, or of one that starts now? Else it is not followed */
static inline bool tracker_enter_incarnation(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	if (f->new_dir != CLIENT_UNKNOWN || (s->flags & TCP_SYN))
		return tracker_find_incarnation(t, f, dir, s);
	return f->state != FLOW_CLOSED;
}

/* reading.c */

/** tracker_claimed_by() - the kind that claims these bytes most, the first of several, or NULL if none does as far as @least */
const struct kind *tracker_claimed_by(const struct tracker *t, struct span bytes, enum stream_side side, bool at_start,
				      enum claim least);

/** tracker_passed_by() - what went by of the client's direction, as far as it was looked at */
struct passed_by tracker_passed_by(const struct flow *f);

/** tracker_make_reader() - @at_hand: bytes of the server that it will be given at once; what went before, it never sees */
bool tracker_make_reader(struct tracker *t, struct flow *f, const struct kind *kind, bool from_first_byte, size_t at_hand);

/** tracker_refuse() - nothing that any kind reads starts with @first */
void tracker_refuse(struct tracker *t, struct flow *f, struct span first);

/** tracker_reader_done() - the reader wants no more of this connection; @piece: what it was given last, of @side */
void tracker_reader_done(struct tracker *t, struct flow *f, enum reader_result result, enum stream_side side,
			 const struct chunk *piece);

/** tracker_give_gap() - @bytes of a direction that never come, to the reader if there is one */
void tracker_give_gap(struct tracker *t, struct flow *f, enum stream_side side, uint32_t bytes, enum lost_reason why);

/** tracker_lose_responses() - it is not known how many of the server's messages went by, nor where the next starts */
void tracker_lose_responses(struct tracker *t, struct flow *f, enum lost_reason why);

/**
 * tracker_find_first() - who reads a connection that starts with @piece?
 *
 * One that is read from its middle has a reader before its stream starts.
 */
bool tracker_find_first(struct tracker *t, struct flow *f, const struct chunk *piece);

/** tracker_find_ahead() - may @piece of the server, captured before all that is the client's, be read? */
bool tracker_find_ahead(struct tracker *t, struct flow *f, const struct chunk *piece);

/* proxy_start.c */

/** tracker_proxy_bytes() - @piece may be of a PROXY header, and what is behind that is the reader's */
void tracker_proxy_bytes(struct tracker *t, struct flow *f, const struct chunk *piece);

/** tracker_proxy_gap() - bytes are missing; how many of them are the reader's? */
uint32_t tracker_proxy_gap(struct tracker *t, struct flow *f, uint32_t bytes);

void tracker_drop_proxy(struct tracker *t, struct flow *f);

/** tracker_requests_from() - the first byte of the client that may be the protocol's */
uint64_t tracker_requests_from(const struct flow *f);

/** tracker_read_client() - what the client says behind a PROXY header, if there was one (tracker.c) */
void tracker_read_client(struct tracker *t, struct flow *f, const struct chunk *piece);

/* midstream.c */

/** tracker_begin_midstream() - may the stream of @dir start with these bytes, somewhere inside a connection? */
bool tracker_begin_midstream(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s);

/**
 * tracker_begin_responses() - the SYN+ACK is missing: what the client's first segment acknowledges is the server's first byte
 *
 * A server speaks when it was asked, so what it sends elsewhere lies behind a gap. No later segment tells that much.
 */
void tracker_begin_responses(struct tracker *t, struct flow *f, uint32_t seq, const struct chunk *piece);

/** tracker_keep_early() - what may follow on a start that is captured late; if it is too much, all of it is unparsed bytes */
void tracker_keep_early(struct tracker *t, struct flow *f, unsigned dir, const struct chunk *piece, uint32_t missing);

/* multipath_flow.c */

/** tracker_follow_multipath() - @s or one before it says something about Multipath TCP: are its bytes to be read? */
bool tracker_follow_multipath(struct tracker *t, struct flow *f, unsigned dir, uint32_t seq, const struct segment *s);

/** tracker_count_unfollowed() - a request that starts with @s, on a connection of which others carry a part, is lost */
void tracker_count_unfollowed(struct tracker *t, const struct flow *f, unsigned dir, uint32_t seq, const struct segment *s);

/* flow_end.c */

void tracker_drop_reader(struct tracker *t, struct flow *f);

/** tracker_end_reader() - it is told that nothing follows: @seen to the end, or not read any further */
void tracker_end_reader(struct flow *f, enum lost_reason why, bool seen);

/** tracker_ignore() - nothing more is read of @f; only its end is watched for */
void tracker_ignore(struct tracker *t, struct flow *f);

/** tracker_end() - nothing will follow in this incarnation of the 4-tuple; a pending request is lost for @reason */
void tracker_end(struct tracker *t, struct flow *f, enum lost_reason reason);

/** tracker_forget() - ... and the flow is freed */
void tracker_forget(struct tracker *t, struct flow *f, enum lost_reason reason);

/** tracker_take_alarm() - @s is a RST, or there is urgent data: is there anything else to it? */
bool tracker_take_alarm(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s);

/** tracker_look_closer() - @f has a gap or an end: was it waited for long enough, is it over? @packet: one of it has come */
void tracker_look_closer(struct tracker *t, struct flow *f, bool packet);

#endif
