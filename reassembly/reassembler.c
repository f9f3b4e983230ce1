/*
 * reassembler.c - segments in, complete HTTP requests out
 *
 * Theory of operation. Here a segment meets its connection: which one it is,
 * which way it goes, whether it belongs to this incarnation of the 4-tuple or to the
 * next, and when a connection is over. Ordering is stream.c's work and HTTP is
 * requests.c's.
 *
 * Direction. The client is who sent the SYN. If that makes the server somebody
 * whose port is not the service's, the service's host has opened the connection
 * itself and happens to have the number as its own: it is not read. Without a
 * SYN or SYN+ACK the client is the side that is not the service's port, if only one side is. If both are or no ports were
 * given, it is the side whose segment begins with a request, or whose peer's
 * begins with a status line; until one does, nothing is kept of the connection.
 *
 * Beginning. With a SYN (or the SYN+ACK) the first byte is known, and the
 * client's first bytes decide whether this is HTTP. Without, the connection is
 * midstream: its bytes are looked at, segment by segment, for the begin of a
 * request, and ordered only from there. Bytes that go before it, as their numbers
 * say, and acknowledge as much, make it a part of what they are a part of; a
 * keep-alive probe's byte, which the server had before, does not. A SYN that is
 * captured late, after the first data, is recognised by its number; a few segments
 * are kept for that, and because a request's head may be late as well.
 *
 * Before HTTP. A connection whose first byte was seen may begin with a header of
 * the PROXY protocol (proxy_header.h): it is taken off, and HTTP begins behind it.
 *
 * Another incarnation. A SYN with the known ISN is a copy. One with another ISN begins
 * another connection if this one has ended in any direction; if not, it may be
 * a stray, so it is noted, and the new incarnation begins when something confirms it:
 * the SYN+ACK, or a segment of the client that continues that ISN. Whether the
 * ISN lies inside the old window or outside does not matter for that.
 *
 * Another network. A copy of the connection with other tags is recognised when
 * its first segment comes; see duplicates.c.
 *
 * End. A RST counts if its number could be the next byte (RFC 9293, 3.10.7.4,
 * and RFC 5961, 3.2), a FIN when the bytes before it are here or given up. Bytes
 * that a RST tells of by its numbers may come behind it, as behind a gap. A closed flow lingers, so that late copies of its segments begin no new one; all
 * that could hold memory, its incarnation, is gone by then.
 *
 * Time is the segments' own. It may jump: see advance_clock().
 */
#include "reassembly/reassembler.h"

#include <stdlib.h>
#include <string.h>

#include "base/cache_line.h"
#include "reassembly/client_hello.h"
#include "reassembly/duplicates.h"
#include "reassembly/flow.h"
#include "reassembly/flow_log.h"
#include "reassembly/sequence.h"
#include "reassembly/stream.h"

#define RESET_PATIENCE_NS NS_PER_S     /* as stream.c's, where few packets come: after a RST none need */
#define LINGER_NS (10 * NS_PER_S)
#define JUMP_NS (24 * 3600 * NS_PER_S) /* a step forward of a day or more needs a second packet */
#define BACK_CONFIRM 32                /* packets that agree before the clock is set back */
#define NEAR_BYTES (64 << 10)          /* an unscaled window: how far off a RST or a late SYN may be */
#define BEHIND_ALL (1 << 30)           /* bytes behind a segment, where all that is near lies before */
#define EVICT_AT_ONCE 8                /* flows that may go to make room for one thing */

/** struct kind - one of those who read connections; @shared: what its readers have in common */
struct kind {
	const struct reader_ops *ops;
	void *shared;
};

struct reassembler {
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
	struct reassembler *r;
	struct flow *f;
	unsigned dir;
};

static void look_closer(struct reassembler *r, struct flow *f, bool packet);
static void feed_now(struct reassembler *r, const struct segment *segment);
static void expire(struct reassembler *r);

/* ---- the end of flows ---------------------------------------------------- */

static void drop_proxy(struct reassembler *r, struct flow *f)
{
	if (!f->incarnation->proxy)
		return;
	budget_release(r->options.budget, sizeof(*f->incarnation->proxy));
	free(f->incarnation->proxy);
	f->incarnation->proxy = NULL;
}

static void drop_reader(struct reassembler *r, struct flow *f)
{
	struct reader *reader = f->incarnation->reader;

	if (reader)
		reader->ops->free(reader);
	f->incarnation->reader = NULL;
	drop_proxy(r, f);
	stream_drop(&f->incarnation->half[0], &r->streams);
	stream_drop(&f->incarnation->half[1], &r->streams);
}

/** end_reader() - it is told that nothing follows: @seen to the end, or not read any further */
static void end_reader(struct flow *f, enum lost_reason why, bool seen)
{
	struct reader *reader = f->incarnation->reader;

	if (reader)
		reader->ops->on_end(reader, why, seen);
}

static void ignore_flow(struct reassembler *r, struct flow *f)
{
	drop_reader(r, f);
	flow_set_state(&r->flows, f, FLOW_IGNORED);
}

/** end_responses() - what waits behind a gap may still be whole answers; and if all came, the end itself tells one */
static void end_responses(struct reassembler *r, struct flow *f)
{
	struct stream *responses = &f->incarnation->half[!f->client];
	struct reader *reader;

	if (f->state == FLOW_OPEN)
		stream_close_gaps(responses, &r->streams, &(struct bearing){ r, f, !f->client });
	reader = f->incarnation->reader;
	if (reader && stream_ended(responses))
		reader->ops->on_half_end(reader, SIDE_SERVER);
}

/** end_flow() - nothing will follow in this incarnation of the 4-tuple; a request in the making is lost for @reason */
static void end_flow(struct reassembler *r, struct flow *f, enum lost_reason reason)
{
	if (f->state == FLOW_CLOSED)
		return;
	if (f->client != CLIENT_UNKNOWN) {
		struct stream *requests = &f->incarnation->half[f->client];

		/* What waits behind a gap may be whole requests; when memory is short it is dropped instead.
		 */
		if (f->state == FLOW_OPEN && reason != LOST_MEMORY)
			stream_close_gaps(requests, &r->streams, &(struct bearing){ r, f, f->client });
		if (requests->at.next != requests->at.base && !f->incarnation->half[!f->client].at.seen)
			counter_add(&r->stats.one_way, 1);
		if (r->options.reads_servers && f->incarnation->reader && reason != LOST_MEMORY)
			end_responses(r, f);
	}
	if (f->client != CLIENT_UNKNOWN)
		flow_log(&r->log, r->clock, f, "ended", reason == LOST_RESET ? "closed" : lost_reason_name(reason));
	end_reader(f, reason, true);
	drop_reader(r, f);
	counter_sub(&r->stats.flows_open, 1);
	flow_close(&r->flows, f);
}

static void forget_flow(struct reassembler *r, struct flow *f, enum lost_reason reason)
{
	end_flow(r, f, reason);
	flow_remove(&r->flows, f);
}

/**
 * evict() - make room: the flow that was quiet for longest, but not @keep; false if there is none
 *
 * Flows that are only SYNs go first, so that a flood of them pushes out nothing but itself.
 */
static bool evict(struct reassembler *r, const struct flow *keep)
{
	struct flow_list *lists[] = { &r->flows.opening, &r->flows.closed, &r->flows.live };
	struct flow *f = NULL;

	for (size_t i = 0; !f && i < sizeof(lists) / sizeof(lists[0]); i++) {
		f = lists[i]->oldest;
		if (f && f == keep)
			f = f->newer;
	}
	if (!f)
		return false;
	if (f->state != FLOW_CLOSED) {
		counter_add(&r->stats.flows_evicted, 1);
		flow_log(&r->log, r->clock, f, "evicted", "--max-memory was used up, and it was quiet for longest");
	}
	forget_flow(r, f, LOST_MEMORY);
	return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- time ----------------------------------------------------------------- */

/** follow() - the usual case: does the clock go to @ts? In one comparison, since what is before it wraps around */
static inline bool follow(struct reassembler *r, struct wall ts)
{
	if (!r->clock_set || r->jumps > 0 || (uint64_t)ts.ns - (uint64_t)r->clock.ns > JUMP_NS)
		return false;
	r->clock = ts;
	return true;
}

/** put_aside() - keep a copy of @segment and what it borrows, if there is memory for it */
static bool put_aside(struct reassembler *r, const struct segment *segment)
{
	size_t len = segment->payload.len;
	struct {
		struct segment segment;
		struct mptcp mptcp;
		uint8_t bytes[];
	} *copy = malloc(sizeof(*copy) + len);

	if (!copy)
		return false;
	copy->segment = *segment;
	if (segment->mptcp) {
		copy->mptcp = *segment->mptcp;
		copy->segment.mptcp = &copy->mptcp;
	}
	if (len > 0)
		memcpy(copy->bytes, segment->payload.at, len);
	copy->segment.payload = span_of(copy->bytes, len);
	r->aside = &copy->segment;
	return true;
}

/** take_back() - feed what was put aside, by the clock as it is now */
static void take_back(struct reassembler *r)
{
	struct segment *aside = r->aside;

	r->aside = NULL;
	if (aside)
		feed_now(r, aside);
	free(aside);
}

/**
 * advance_clock() - the time by which flows age, when @ts does not just follow it
 * @segment: of this time, or NULL
 *
 * Forward it follows the packets, but a step of a day must be confirmed by the
 * next one, or a single wrong stamp would expire everything. The first one is put
 * aside for that long: by the old clock it might meet a connection that is long
 * over, and would be forgotten with it when the clock moves. Backward the clock
 * stands still, since packets of several queues come a little out of order; if
 * many agree, the recording's clock was really set back.
 *
 * Return: whether to go on with @segment now
 */
static bool advance_clock(struct reassembler *r, struct wall ts, const struct segment *segment)
{
	int64_t idle = r->options.idle_ns, step = r->clock_set ? wall_between(r->clock, ts) : 0;
	int64_t since = wall_between(r->jump, ts); /* the last that did not fit */

	if (step > JUMP_NS + idle && r->jumps > 0 && since >= -idle && wall_between(r->clock, r->jump) > 0) {
		r->clock = r->jump;
		r->jumps = 0;
		expire(r);
		take_back(r);
		return follow(r, ts) || advance_clock(r, ts, segment); /* it may be far ahead of that, too */
	}
	take_back(r); /* nobody agreed */
	if (step > JUMP_NS + idle) {
		r->jump = ts;
		r->jumps = 1;
		return !segment || !put_aside(r, segment);
	}
	if (step >= -idle) {
		if (!r->clock_set || step > 0)
			r->clock = ts;
		r->clock_set = true;
		r->jumps = 0;
		return true;
	}
	r->jumps = r->jumps > 0 && since >= -idle && since <= idle ? r->jumps + 1 : 1;
	r->jump = ts;
	if (r->jumps >= BACK_CONFIRM) {
		r->clock = ts;
		r->jumps = 0;
		r->next_expiry = INT64_MIN;
	}
	return true;
}

/** expire_list() - when the oldest that stays will have been quiet for longer than @limit_ns, or is looked at again */
static int64_t expire_list(struct reassembler *r, struct flow_list *list, int64_t limit_ns)
{
	while (list->oldest) {
		struct flow *f = list->oldest;

		if (wall_between(r->clock, f->last) > limit_ns)
			f->last = r->clock; /* the clock was set back: its age begins now */
		if (wall_between(f->last, r->clock) <= limit_ns)
			return wall_after(f->last, limit_ns).ns;
		forget_flow(r, f, LOST_IDLE);
	}
	return INT64_MAX;
}

static struct wall next_look(const struct reassembler *r)
{
	return wall_after(r->clock, STREAM_LOOK_NS);
}

/** look_at_waiting() - the gaps in which no packet stirred; returns when the next is to be looked at */
static int64_t look_at_waiting(struct reassembler *r)
{
	struct flow *f;

	while ((f = r->flows.waiting_oldest)) {
		if (f->incarnation->look.ns > next_look(r).ns)
			f->incarnation->look = next_look(r); /* the clock was set back */
		if (r->clock.ns <= f->incarnation->look.ns)
			return f->incarnation->look.ns;
		flow_wait_no_more(&r->flows, f);
		look_closer(r, f, false);
	}
	return INT64_MAX;
}

/**
 * expire() - forget the flows that were quiet for too long, before a segment of one can seem to be its next
 *
 * What joins a list from now on is quiet for too long no earlier than after the
 * shorter limit, and what is touched later than it would have been: so the lists
 * are left alone until next_expiry, and a packet costs one comparison.
 */
static void expire(struct reassembler *r)
{
	int64_t idle = r->options.idle_ns, linger = idle < LINGER_NS ? idle : LINGER_NS, next;

	if (r->clock.ns <= r->next_expiry)
		return;
	next = look_at_waiting(r);
	next = earlier(next, expire_list(r, &r->flows.opening, idle));
	next = earlier(next, expire_list(r, &r->flows.live, idle));
	next = earlier(next, expire_list(r, &r->flows.closed, linger));
	r->next_expiry = earlier(next, wall_after(r->clock, linger).ns);
}

/* ---- bytes in order -------------------------------------------------------- */

/** claimed_by() - the first kind that claims these bytes as far as @least, or NULL */
static const struct kind *claimed_by(const struct reassembler *r, struct span bytes, enum stream_side side, bool at_start, enum claim least)
{
	for (size_t i = 0; i < r->kind_count; i++)
		if (r->kinds[i].ops->claims(bytes, side, at_start) >= least)
			return &r->kinds[i];
	return NULL;
}

/** passed_by_of() - what went by of the client's direction, as far as it was looked at */
static struct passed_by passed_by_of(const struct flow *f)
{
	const struct incarnation *incarnation = f->incarnation;

	if (!incarnation->unparsed_known[f->client])
		return (struct passed_by){ 0 };
	return (struct passed_by){ .peer_read = stream_offset(&incarnation->half[!f->client], incarnation->unparsed_ack[f->client]),
				.peer_known = true };
}

/** make_reader() - @at_hand: bytes of the server that it will be given at once; what went before, it never sees */
static bool make_reader(struct reassembler *r, struct flow *f, const struct kind *kind, bool from_first_byte, size_t at_hand)
{
	const struct stream_place *responses = &f->incarnation->half[!f->client].at;
	struct reader_start start = { .origin = { .client = f->key.end[f->client],
						  .server = f->key.end[!f->client],
						  .connection = f->number },
				      .server = responses,
				      .from_first_byte = from_first_byte,
				      .server_passed_by = responses->next - responses->base != at_hand,
				      .passed = passed_by_of(f) };

	if (f->incarnation->proxy)
		start.origin.proxied = f->incarnation->proxy->reader.header.client;
	for (int i = 0; i <= EVICT_AT_ONCE; i++) {
		f->incarnation->reader = kind->ops->new(kind->shared, &start);
		if (f->incarnation->reader || !evict(r, f))
			break;
	}
	if (f->incarnation->reader)
		flow_log(&r->log, r->clock, f, kind->ops->name, FLOW_LOG_ENDS);
	return f->incarnation->reader != NULL;
}

/** refuse() - nothing that any kind reads begins with @first */
static void refuse(struct reassembler *r, struct flow *f, struct span first)
{
	bool tls = tls_hello_match(first);

	counter_add(&r->stats.not_http, 1);
	if (tls)
		counter_add(&r->stats.tls, 1);
	flow_log(&r->log, r->clock, f, tls ? "TLS, which cannot be read:" : r->kinds[0].ops->refused, FLOW_LOG_ENDS);
	ignore_flow(r, f);
}

/* What few connections need is kept apart (noinline), so that the usual case needs no stack. */

/** settle() - the reader wants no more of this connection; @piece: what it was given last */
static __attribute__((noinline)) void settle(struct reassembler *r, struct flow *f, enum reader_result result, struct span piece)
{
	const struct reader_ops *ops = f->incarnation->reader->ops;

	switch (result) {
	case READER_LIVE:
		break;
	case READER_REFUSED:
		refuse(r, f, piece);
		break;
	case READER_LEFT:
		flow_log(&r->log, r->clock, f, ops->left, ops->left_more);
		ignore_flow(r, f);
		break;
	}
}

/** give_gap() - @bytes of a direction that never come, to the reader if there is one */
static void give_gap(struct reassembler *r, struct flow *f, enum stream_side side, uint32_t bytes, enum lost_reason why)
{
	struct reader *reader = f->incarnation->reader;

	if (reader)
		reader->ops->on_gap(reader, side, bytes, why, r->clock);
}

/** lose_responses() - it is not known how many of the server's messages went by, nor where the next begins */
static void lose_responses(struct reassembler *r, struct flow *f, enum lost_reason why)
{
	give_gap(r, f, SIDE_SERVER, GAP_UNKNOWN, why);
}

/** give() - the reader's next bytes */
static inline void give(struct reassembler *r, struct flow *f, enum stream_side side, const struct chunk *piece)
{
	struct reader *reader = f->incarnation->reader;
	enum reader_result result = reader->ops->on_chunk[side](reader, piece);

	if (result != READER_LIVE)
		settle(r, f, result, piece->bytes);
}

/** find_first() - who reads a connection that begins with @piece? One from its middle has a reader before its stream begins */
static __attribute__((noinline)) bool find_first(struct reassembler *r, struct flow *f, const struct chunk *piece)
{
	const struct kind *kind = claimed_by(r, piece->bytes, SIDE_CLIENT, true, CLAIM_LIKELY);

	if (!kind)
		refuse(r, f, piece->bytes);
	return kind && make_reader(r, f, kind, true, 0);
}

/** read_client() - what the client says behind a PROXY header, if there was one */
static void read_client(struct reassembler *r, struct flow *f, const struct chunk *piece)
{
	if (f->incarnation->reader || find_first(r, f, piece))
		give(r, f, SIDE_CLIENT, piece);
}

/* ---- what a proxy says before the protocol ---------------------------------------------- */

static struct proxy_begin *proxy_begin(struct reassembler *r, const struct chunk *piece)
{
	struct proxy_begin *p = NULL;

	if (!budget_charge(r->options.budget, sizeof(*p)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p) {
		budget_release(r->options.budget, sizeof(*p));
		return NULL;
	}
	p->first = *piece;
	return p;
}

/** give_back() - it was no header: what was kept for one is the reader's */
static void give_back(struct reassembler *r, struct flow *f)
{
	struct proxy_begin kept = *f->incarnation->proxy; /* it may be gone when these bytes end what is read */

	f->incarnation->proxy->reader.is_over = true;
	kept.first.bytes = span_of(kept.reader.bytes, kept.reader.len);
	if (kept.reader.len > 0)
		read_client(r, f, &kept.first);
}

static void proxy_whole(struct reassembler *r, struct flow *f)
{
	struct reader *reader = f->incarnation->reader;

	counter_add(&r->stats.proxied, 1);
	flow_log(&r->log, r->clock, f, "PROXY header", FLOW_LOG_ENDS);
	if (reader) /* a response was captured before */
		reader->ops->on_proxied(reader, &f->incarnation->proxy->reader.header.client);
}

/** proxy_bytes() - @piece may be of a PROXY header, and what is behind that is the reader's */
static __attribute__((noinline)) void proxy_bytes(struct reassembler *r, struct flow *f, const struct chunk *piece)
{
	struct chunk rest = *piece;
	struct proxy_begin *p = f->incarnation->proxy;
	bool was_whole;

	if (!p)
		p = f->incarnation->proxy = proxy_begin(r, piece);
	if (!p)
		return;
	was_whole = p->reader.left > 0;
	switch (proxy_reader_feed(&p->reader, &rest.bytes)) {
	case PROXY_NONE:
		give_back(r, f);
		break;
	case PROXY_WRONG:
		counter_add(&r->stats.proxy_unread, 1);
		refuse(r, f, piece->bytes);
		return;
	case PROXY_MORE:
		return;
	case PROXY_WHOLE:
		if (!was_whole)
			proxy_whole(r, f);
		break;
	}
	rest.offset += piece->bytes.len - rest.bytes.len;
	if (f->state == FLOW_OPEN && rest.bytes.len > 0)
		read_client(r, f, &rest);
}

/** proxy_gap() - bytes are missing; how many of them are the reader's? */
static uint32_t proxy_gap(struct reassembler *r, struct flow *f, uint32_t bytes)
{
	struct proxy_begin *p = f->incarnation->proxy;

	if (!p || p->reader.is_over)
		return bytes;
	if (p->reader.left > 0)
		proxy_reader_gap(&p->reader, &bytes);
	else if (p->reader.len < PROXY_HEADER_SURE)
		give_back(r, f);
	else
		p->reader.is_over = true; /* where it ended is lost, and who the client is */
	return bytes;
}

/** is_before_reader() - may @piece, of a connection's client, be of a PROXY header? */
static bool is_before_reader(struct flow *f, const struct chunk *piece)
{
	const struct proxy_begin *p = f->incarnation->proxy;

	if (p)
		return !p->reader.is_over;
	if (f->incarnation->has_begun)
		return false;
	f->incarnation->has_begun = true;
	return piece->offset == f->incarnation->half[f->client].at.base && !f->midstream && proxy_header_possible(piece->bytes);
}

/** begin_of_requests() - the first byte of the client that may be the protocol's */
static uint64_t begin_of_requests(const struct flow *f)
{
	const struct proxy_begin *p = f->incarnation->proxy;

	return f->incarnation->half[f->client].at.base + (p ? p->reader.header.len : 0);
}

/** client_has_reader() - are these bytes of the client to be read, and by whom? */
static inline bool client_has_reader(struct reassembler *r, struct flow *f, const struct chunk *piece)
{
	if (!is_before_reader(f, piece))
		return f->incarnation->reader || find_first(r, f, piece);
	proxy_bytes(r, f, piece);
	return false;
}

/** find_ahead() - may @piece of the server, captured before all that is the client's, be read? */
static __attribute__((noinline)) bool find_ahead(struct reassembler *r, struct flow *f, const struct chunk *piece)
{
	const struct stream_place *requests = &f->incarnation->half[f->client & 1].at;
	const struct kind *kind;

	if (f->client == CLIENT_UNKNOWN)
		return false;
	kind = claimed_by(r, piece->bytes, SIDE_SERVER, false, CLAIM_SURE);
	if (!kind || !make_reader(r, f, kind, !f->midstream && requests->next == begin_of_requests(f), piece->bytes.len))
		return false;
	if (!f->has_isn[!f->client])
		lose_responses(r, f, LOST_GAP);
	return true;
}

static bool on_stream_bytes(void *ctx, const struct chunk *piece)
{
	const struct bearing *b = ctx;
	struct flow *f = b->f;
	enum stream_side side = b->dir == f->client ? SIDE_CLIENT : SIDE_SERVER;

	if (side == SIDE_CLIENT ? client_has_reader(b->r, f, piece) : f->incarnation->reader || find_ahead(b->r, f, piece))
		give(b->r, f, side, piece);
	return f->state == FLOW_OPEN;
}

static bool on_stream_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	const struct bearing *b = ctx;
	struct flow *f = b->f;

	if (b->dir != f->client) {
		give_gap(b->r, f, SIDE_SERVER, bytes, why);
		return f->state == FLOW_OPEN;
	}
	bytes = proxy_gap(b->r, f, bytes);
	if (bytes > 0 && f->state == FLOW_OPEN && (f->incarnation->reader || make_reader(b->r, f, &b->r->kinds[0], true, 0)))
		give_gap(b->r, f, SIDE_CLIENT, bytes, why);
	return f->state == FLOW_OPEN;
}

static void on_stream_wait(void *ctx)
{
	const struct bearing *b = ctx;

	b->f->incarnation->watched = true;
}

/* ---- which connection, which direction -------------------------------------- */

static bool is_server_port(const struct reassembler *r, uint16_t port)
{
	for (size_t i = 0; i < r->options.server_port_count; i++)
		if (r->options.server_ports[i] == port)
			return true;
	return false;
}

/** client_by_port() - the direction of requests as far as the ports tell, or CLIENT_UNKNOWN */
static uint8_t client_by_port(const struct reassembler *r, const struct flow *f)
{
	bool first = is_server_port(r, f->key.end[0].port), second = is_server_port(r, f->key.end[1].port);

	if (first == second)
		return CLIENT_UNKNOWN;
	return first ? 1 : 0;
}

/** client_by_bytes() - ... as far as a segment's first bytes tell */
static uint8_t client_by_bytes(const struct reassembler *r, unsigned dir, struct span bytes)
{
	if (claimed_by(r, bytes, SIDE_CLIENT, false, CLAIM_LIKELY))
		return (uint8_t)dir;
	if (claimed_by(r, bytes, SIDE_SERVER, false, CLAIM_SURE))
		return (uint8_t)!dir;
	return CLIENT_UNKNOWN;
}

static void begin_incarnation(struct reassembler *r, struct flow *f)
{
	f->number = ++r->connections;
	f->midstream = true;
	counter_add(&r->stats.connections, 1);
	counter_add(&r->stats.midstream, 1);
	counter_add(&r->stats.flows_open, 1);
}

/** saw_begin() - a SYN or SYN+ACK of this connection: it isn't midstream after all */
static void saw_begin(struct reassembler *r, struct flow *f)
{
	if (!f->midstream)
		return;
	f->midstream = false;
	counter_sub(&r->stats.midstream, 1);
}

/** restart() - another connection on the same ends; false if there is no memory for it */
static bool restart(struct reassembler *r, struct flow *f)
{
	bool begun;

	end_flow(r, f, LOST_RESET);
	begun = flow_begin(&r->flows, f);
	for (int i = 0; !begun && i < EVICT_AT_ONCE && evict(r, f); i++)
		begun = flow_begin(&r->flows, f);
	if (begun)
		begin_incarnation(r, f);
	return begun;
}

/** thin_out() - these ends may be in as many networks as we follow: the one that was quiet longest goes */
static void thin_out(struct reassembler *r, const struct flow_ends *ends)
{
	struct flow_walk walk = { 0 };
	struct flow *f, *quietest = NULL;
	size_t count = 0;

	while ((f = flow_same_ends(&r->flows, ends, &walk))) {
		if (!quietest || f->last.ns < quietest->last.ns ||
		    (f->last.ns == quietest->last.ns && f->number < quietest->number))
			quietest = f;
		count++;
	}
	if (count < SAME_ENDS_MAX)
		return;
	counter_add(&r->stats.flows_evicted, 1);
	flow_log(&r->log, r->clock, quietest, "evicted", "the same ends are in too many networks");
	forget_flow(r, quietest, LOST_MEMORY);
}

static struct flow *add_flow(struct reassembler *r, const struct flow_ends *ends)
{
	struct flow *f;

	if (ends->elsewhere)
		thin_out(r, ends);
	f = flow_add(&r->flows, ends, r->clock);

	for (int i = 0; !f && i < EVICT_AT_ONCE && evict(r, NULL); i++)
		f = flow_add(&r->flows, ends, r->clock);
	if (f)
		begin_incarnation(r, f);
	return f;
}

/** worth_a_flow() - does an unknown connection begin with this? A lone ACK, FIN or RST tells nothing. */
static bool worth_a_flow(const struct segment *s)
{
	if (s->flags & TCP_RST)
		return false;
	return (s->flags & TCP_SYN) || s->payload.len > 0 || (s->mptcp && (s->mptcp->seen & MPTCP_JOINS));
}

static bool within(uint32_t from, uint32_t seq, uint32_t bytes)
{
	return seq - from <= bytes;
}

/** syn_fits() - can @s, whose flags have SYN, be of the connection that we follow? */
static bool syn_fits(const struct flow *f, unsigned dir, const struct segment *s)
{
	uint32_t base;

	if (f->has_isn[dir])
		return f->isn[dir] == s->seq;
	if (flow_began_at(f, dir, &base) && !within(s->seq + 1, base, NEAR_BYTES))
		return false;
	/* A SYN+ACK acknowledges the client's SYN, and data in it with TCP Fast Open (RFC 7413, 3.1). */
	return !(s->flags & TCP_ACK) || !f->has_isn[!dir] || within(f->isn[!dir] + 1, s->ack, NEAR_BYTES);
}

/** note_outgoing() - the SYN says that @client opened it: is it a connection to somebody else than the service? */
static void note_outgoing(struct reassembler *r, struct flow *f, unsigned client)
{
	if (r->options.server_port_count == 0 || f->incarnation->is_outgoing || is_server_port(r, f->key.end[!client].port))
		return;
	f->incarnation->is_outgoing = true;
	counter_add(&r->stats.outgoing, 1);
	flow_log(&r->log, r->clock, f, "opened by the service's host:", FLOW_LOG_ENDS);
}

static void take_syn(struct reassembler *r, struct flow *f, unsigned dir, const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir], *peer = &f->incarnation->half[!dir];
	unsigned client = (s->flags & TCP_ACK) ? !dir : dir;

	if (f->has_isn[dir])
		return; /* a copy */
	if (!mine->at.synced || mine->at.next == mine->at.base)
		stream_early_from(mine, &r->streams, s->seq + 1);
	f->incarnation->watched |= mine->held != NULL;
	f->isn[dir] = s->seq;
	f->has_isn[dir] = true;
	if ((s->flags & TCP_ACK) && !peer->at.synced)
		stream_begin(peer, s->ack); /* the client's SYN was not captured, or is late */
	if (!f->incarnation->reader)
		f->client = (uint8_t)client;
	note_outgoing(r, f, client);
	saw_begin(r, f);
}

/** confirms_new_incarnation() - a SYN with another ISN was noted: does this segment continue it? */
static bool confirms_new_incarnation(const struct flow *f, unsigned dir, const struct segment *s)
{
	uint32_t first = f->new_isn + 1;

	if (f->new_dir == CLIENT_UNKNOWN)
		return false;
	if (dir != f->new_dir)
		return (s->flags & TCP_SYN) && (s->flags & TCP_ACK) && within(first, s->ack, NEAR_BYTES);
	if (s->flags & (TCP_SYN | TCP_RST))
		return false;
	if (s->seq == first)
		return true;
	return s->payload.len > 0 && within(first, s->seq, NEAR_BYTES) &&
	       !within(flow_next(f, dir) - NEAR_BYTES, s->seq, 2 * NEAR_BYTES);
}

/** enter_incarnation() - find out whether @s belongs to this incarnation of the 4-tuple; false: to none that we follow */
static bool enter_incarnation(struct reassembler *r, struct flow *f, unsigned dir, const struct segment *s)
{
	bool syn = s->flags & TCP_SYN, response = syn && (s->flags & TCP_ACK);

	if (confirms_new_incarnation(f, dir, s)) {
		unsigned client = f->new_dir;
		uint32_t isn = f->new_isn;

		if (!restart(r, f))
			return false;
		take_syn(r, f, client, &(struct segment){ .seq = isn, .flags = TCP_SYN });
	}
	if (syn && !syn_fits(f, dir, s)) {
		bool over = f->state == FLOW_CLOSED || f->incarnation->half[0].fin_known || f->incarnation->half[1].fin_known ||
			    f->incarnation->is_reset;

		if (!over && (response || s->payload.len == 0)) {
			if (!response) {
				f->new_dir = (uint8_t)dir;
				f->new_isn = s->seq;
			}
			return false;
		}
		if (!restart(r, f))
			return false;
	}
	if (f->state == FLOW_CLOSED)
		return false;
	if (syn)
		take_syn(r, f, dir, s);
	return true;
}

/* ---- one segment -------------------------------------------------------------- */

static void tell_passed_by(struct flow *f, struct passed_by passed)
{
	struct reader *reader = f->incarnation->reader;

	reader->ops->on_passed_by(reader, &passed);
}

/** note_unparsed() - bytes of @dir that begin nothing acknowledged this: a request's own segment must go beyond */
static void note_unparsed(struct flow *f, unsigned dir, uint32_t ack)
{
	f->incarnation->unparsed_ack[dir] = f->incarnation->unparsed_known[dir] ? seq_later(f->incarnation->unparsed_ack[dir], ack) : ack;
	f->incarnation->unparsed_known[dir] = true;
	if (f->incarnation->reader && dir == f->client)
		tell_passed_by(f, passed_by_of(f));
}

static void note_unparsed_end(struct flow *f, unsigned dir, uint32_t end)
{
	f->incarnation->unparsed_end[dir] = f->incarnation->has_unparsed_end[dir] ? seq_later(f->incarnation->unparsed_end[dir], end) : end;
	f->incarnation->has_unparsed_end[dir] = true;
}

/** keep_early() - what may follow on a begin that is captured late; if it is too much, all of it is unparsed bytes */
static void keep_early(struct reassembler *r, struct flow *f, unsigned dir, const struct chunk *piece,
		       uint32_t missing)
{
	struct stream *mine = &f->incarnation->half[dir];
	uint32_t ack, end;

	if (stream_keep_early(mine, &r->streams, piece, missing))
		return;
	note_unparsed_end(f, dir, (uint32_t)piece->offset + (uint32_t)piece->bytes.len);
	if (stream_early_end(mine, (uint32_t)piece->offset + BEHIND_ALL, &end))
		note_unparsed_end(f, dir, end);
	if (stream_early_ack(mine, (uint32_t)piece->offset + BEHIND_ALL, &ack))
		note_unparsed(f, dir, ack);
	if (piece->peer_known)
		note_unparsed(f, dir, (uint32_t)piece->peer_read);
	stream_drop(mine, &r->streams);
}

/** acked_before() - the highest ack on the bytes of @dir before @seq, as far as they were seen; false if none were */
static bool acked_before(const struct flow *f, unsigned dir, uint32_t seq, uint32_t *ack)
{
	uint32_t early;
	bool kept = stream_early_ack(&f->incarnation->half[dir], seq, &early), unparsed = f->incarnation->unparsed_known[dir];

	if (!kept && !unparsed)
		return false;
	*ack = !kept ? f->incarnation->unparsed_ack[dir] : !unparsed ? early : seq_later(early, f->incarnation->unparsed_ack[dir]);
	return true;
}

/** begins_request() - the kind that claims the begin of @s, if, where bytes went before it, something was read since */
static const struct kind *begins_request(const struct reassembler *r, const struct flow *f, unsigned dir, const struct segment *s)
{
	const struct kind *kind = claimed_by(r, s->payload, SIDE_CLIENT, false, CLAIM_MAYBE);
	uint32_t ack;

	if (!kind)
		return NULL;
	return !acked_before(f, dir, s->seq, &ack) || !(s->flags & TCP_ACK) || seq_before(ack, s->ack) ? kind : NULL;
}

/** missing_before() - bytes between @seq and what was seen of @dir before it; 0 if nothing was */
static uint32_t missing_before(const struct flow *f, unsigned dir, uint32_t seq)
{
	uint32_t end = f->incarnation->unparsed_end[dir];

	if (!stream_early_end(&f->incarnation->half[dir], seq, &end) && !f->incarnation->has_unparsed_end[dir])
		return 0;
	return seq_before(end, seq) ? seq - end : 0;
}

/** begin_requests() - the client's stream begins with @s, perhaps behind a gap that may hold a head */
static bool begin_requests(struct reassembler *r, struct flow *f, const struct kind *kind, const struct segment *s)
{
	unsigned dir = f->client;
	uint32_t ack;
	struct passed_by passed = { .missing = missing_before(f, dir, s->seq) };

	if (!f->incarnation->reader && !make_reader(r, f, kind, false, 0))
		return false;
	passed.peer_known = acked_before(f, dir, s->seq, &ack);
	if (passed.peer_known)
		passed.peer_read = stream_offset(&f->incarnation->half[!dir], ack);
	if (passed.peer_known || passed.missing)
		tell_passed_by(f, passed);
	return true;
}

/** begin_midstream() - may the stream of @dir begin with these bytes, somewhere inside a connection? */
static bool begin_midstream(struct reassembler *r, struct flow *f, unsigned dir, const struct segment *s)
{
	const struct kind *kind;

	if (f->client == CLIENT_UNKNOWN)
		f->client = client_by_port(r, f);
	if (f->client == CLIENT_UNKNOWN) {
		uint8_t client = client_by_bytes(r, dir, s->payload);

		/* A body may quote a request, in either direction: a guess that is not believed says nothing. */
		if (client != dir || begins_request(r, f, dir, s))
			f->client = client;
	}
	if (f->client != CLIENT_UNKNOWN && dir != f->client) {
		lose_responses(r, f, LOST_GAP); /* those before are missing, and nobody knows how many they were */
		return f->incarnation->reader || claimed_by(r, s->payload, SIDE_SERVER, false, CLAIM_SURE);
	}
	kind = f->client == dir ? begins_request(r, f, dir, s) : NULL;
	return kind && begin_requests(r, f, kind, s);
}

/**
 * begin_responses() - the SYN+ACK is missing: what the client's first segment acknowledges is the server's first byte
 *
 * A server speaks when it was asked, so what it sends elsewhere lies behind a gap. No later segment tells that much.
 */
static void begin_responses(struct reassembler *r, struct flow *f, uint32_t seq, const struct chunk *piece)
{
	if (f->has_isn[f->client] && seq == f->isn[f->client] + 1 && piece->peer_known)
		stream_early_from(&f->incarnation->half[!f->client], &r->streams, (uint32_t)piece->peer_read);
}

/** take_data() - the bytes of @s, the first of which is @seq; @peer_read: the offset of its ack */
static void take_data(struct reassembler *r, struct flow *f, unsigned dir, uint32_t seq, uint64_t peer_read,
		      const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir];
	struct chunk piece = { s->payload, s->ts, 0, peer_read, (s->flags & TCP_ACK) != 0 };

	if (!mine->at.synced) {
		piece.offset = stream_offset(mine, seq);
		if (!begin_midstream(r, f, dir, s)) {
			keep_early(r, f, dir, &piece, s->missing_bytes);
			return;
		}
		stream_early_from(mine, &r->streams, seq);
	}
	piece.offset = stream_offset_from(mine->at.next, seq);
	if (!f->incarnation->half[!dir].at.synced && dir == f->client)
		begin_responses(r, f, seq, &piece);
	stream_feed(mine, &r->streams, &(struct bearing){ r, f, dir }, &piece, s->missing_bytes);
}

/** follow_ignored() - of a connection that isn't read, only where it is, so that its end is recognised */
static void follow_ignored(struct stream *mine, uint32_t seq, uint32_t len)
{
	if (!mine->at.synced)
		stream_begin(mine, seq);
	if (stream_near(mine, seq))
		mine->at.next = stream_offset(mine, seq_later(mine->at.next, seq + len));
}

/** leave_outgoing() - a SYN says that it isn't the service's; what was read before one came late is not, either */
static void leave_outgoing(struct reassembler *r, struct flow *f)
{
	end_reader(f, LOST_RESET, false);
	ignore_flow(r, f);
}

/* ---- Multipath TCP (see multipath.h) ------------------------------------------- */

/** leave_multipath() - what is in the making is lost, and what comes from here on is only counted */
static void leave_multipath(struct reassembler *r, struct flow *f)
{
	counter_add(&r->stats.multipath, 1);
	flow_log(&r->log, r->clock, f, "Multipath TCP", "other connections carry some of its bytes");
	end_reader(f, LOST_MULTIPATH, false);
	drop_reader(r, f);
}

/** drop_responses() - it cannot be known which request the first response belongs to, and so for all after it */
static void drop_responses(struct reassembler *r, struct flow *f)
{
	stream_drop(&f->incarnation->half[!f->client], &r->streams);
	lose_responses(r, f, LOST_MULTIPATH);
}

/** follow_multipath() - @s or one before it says something about Multipath TCP: are its bytes to be read? */
static bool follow_multipath(struct reassembler *r, struct flow *f, unsigned dir, uint32_t seq, const struct segment *s)
{
	struct multipath *m = &f->incarnation->multipath;
	const struct stream *mine = &f->incarnation->half[dir];
	struct multipath_place at = { .segment = s,
				      .dir = dir,
				      .seq = seq,
				      .len = (uint32_t)s->payload.len + s->missing_bytes,
				      .isn = f->isn[dir],
				      .next = mine->at.next,
				      .has_isn = f->has_isn[dir],
				      .is_begun = mine->at.synced && mine->at.next != mine->at.base };
	bool was_over = m->is_over, is_response = f->client == !dir;

	if (!multipath_continues(m, &at)) {
		if (!was_over)
			leave_multipath(r, f);
		return false;
	}
	if (!is_response || !m->is_mapped[dir] || multipath_proves(m, dir))
		return true;
	drop_responses(r, f);
	return false;
}

/** count_unfollowed() - a request that begins with @s, on a connection of which others carry a part, is lost */
static void count_unfollowed(struct reassembler *r, const struct flow *f, unsigned dir, uint32_t seq, const struct segment *s)
{
	const struct stream *mine = &f->incarnation->half[dir];
	const struct kind *kind = claimed_by(r, s->payload, SIDE_CLIENT, false, CLAIM_SURE);
	struct request_origin origin = { .client = f->key.end[dir], .server = f->key.end[!dir], .connection = f->number };

	if (kind && (!mine->at.synced || !seq_before(seq, mine->at.next)))
		kind->ops->on_unfollowed(kind->shared, &origin, s->ts, LOST_MULTIPATH);
}

/** rst_is_real() - could @s be the next segment of its sender? */
static bool rst_is_real(const struct flow *f, unsigned dir, const struct segment *s)
{
	const struct stream *mine = &f->incarnation->half[dir], *peer = &f->incarnation->half[!dir];
	uint32_t low = mine->at.next, high = mine->at.next;

	if (!mine->at.synced) /* a refused SYN: the number is 0, and the ack must fit (RFC 9293, 3.10.7.3) */
		return (s->flags & TCP_ACK) && peer->at.synced &&
		       within(peer->at.base, s->ack, peer->at.next - peer->at.base + NEAR_BYTES);
	if (mine->ack_known && seq_before(mine->acked, low))
		low = mine->acked;
	if (mine->ack_known)
		high = seq_later(high, mine->acked);
	return within(low, s->seq, high - low + NEAR_BYTES);
}

/** look_for_end() - have one or both directions ended? */
static void look_for_end(struct reassembler *r, struct flow *f)
{
	bool over[2] = { stream_ended(&f->incarnation->half[0]), stream_ended(&f->incarnation->half[1]) };
	struct reader *reader = f->incarnation->reader;

	if (f->client == CLIENT_UNKNOWN)
		return;
	if (over[!f->client] && reader)
		reader->ops->on_half_end(reader, SIDE_SERVER);
	if (over[f->client] && (over[!f->client] || !f->incarnation->half[!f->client].at.seen)) {
		end_flow(r, f, LOST_RESET);
	} else if (over[f->client] && reader && !reader->ops->on_half_end(reader, SIDE_CLIENT)) {
		end_reader(f, LOST_RESET, true); /* half-closed: no request can follow */
		ignore_flow(r, f);
	}
}

/** awaits_reset() - is something missing that was sent before the RST that was seen? */
static bool awaits_reset(const struct flow *f)
{
	for (unsigned d = 0; d < 2; d++) {
		const struct stream *st = &f->incarnation->half[d];

		if (st->at.synced ? seq_before(st->at.next, f->incarnation->reset_at[d]) : !st->at.seen && f->client != !d)
			return true;
	}
	return false;
}

/** take_reset() - it ends the flow; at once, unless it came ahead of bytes that its numbers tell of */
static void take_reset(struct reassembler *r, struct flow *f, unsigned dir, const struct segment *s)
{
	struct incarnation *incarnation = f->incarnation;
	const struct stream *peer = &incarnation->half[!dir];

	if (incarnation->is_reset)
		return;
	incarnation->reset_at[dir] = s->seq;
	incarnation->reset_at[!dir] = (s->flags & TCP_ACK) ? s->ack : peer->ack_known ? peer->acked : peer->at.next;
	incarnation->reset_since = r->clock;
	incarnation->is_reset = incarnation->watched = true;
	if (f->state != FLOW_OPEN || !awaits_reset(f))
		end_flow(r, f, LOST_RESET);
	else
		look_closer(r, f, true);
}

/** look_closer() - @f has a gap or an end: was it waited for long enough, is it over? @packet: one of it has come */
static void look_closer(struct reassembler *r, struct flow *f, bool packet)
{
	const struct stream *half = f->incarnation->half;
	bool waits = f->incarnation->is_reset;

	if (waits && (!awaits_reset(f) || wall_between(f->incarnation->reset_since, r->clock) >= RESET_PATIENCE_NS)) {
		end_flow(r, f, LOST_RESET);
		return;
	}
	for (unsigned d = 0; d < 2; d++)
		if (f->state == FLOW_OPEN && stream_is_open(&half[d]))
			waits |= stream_look(&f->incarnation->half[d], &r->streams, &(struct bearing){ r, f, d }, packet);
	if (waits) {
		flow_wait(&r->flows, f, next_look(r));
		r->next_expiry = earlier(r->next_expiry, f->incarnation->look.ns);
	} else if (f->incarnation->waiting) {
		flow_wait_no_more(&r->flows, f);
	}
	f->incarnation->watched = waits || half[0].fin_known || half[1].fin_known;
	if (half[0].fin_known || half[1].fin_known)
		look_for_end(r, f);
}

/** take_alarm() - @s is a RST, or there is urgent data: is there anything else to it? */
static bool take_alarm(struct reassembler *r, struct flow *f, unsigned dir, const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir];

	if (s->flags & TCP_RST) {
		if (rst_is_real(f, dir, s))
			take_reset(r, f, dir, s);
		return false;
	}
	if (!mine->at.synced)
		return f->state == FLOW_IGNORED; /* no begin to find: one of its bytes may not be in the stream */
	if (f->state == FLOW_OPEN) /* 0 means the same as 1 to Linux */
		stream_urgent(mine, &r->streams, &(struct bearing){ r, f, dir },
			      s->seq + (s->urgent ? s->urgent - 1u : 0));
	return true;
}

static void take_segment(struct reassembler *r, struct flow *f, unsigned dir, const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir], *peer = &f->incarnation->half[!dir];
	uint32_t seq = s->seq + ((s->flags & TCP_SYN) ? 1 : 0);
	uint32_t len = (uint32_t)s->payload.len + s->missing_bytes;
	uint64_t peer_read;
	bool reads;

	if (f->state == FLOW_OPENING && (len > 0 || !(s->flags & TCP_SYN)))
		flow_set_state(&r->flows, f, FLOW_OPEN);
	mine->at.seen = true;
	duplicates_note(f, dir, s);
	peer_read = (s->flags & TCP_ACK) ? stream_ack(peer, s->ack) : stream_offset(peer, s->ack);
	if ((s->flags & (TCP_RST | TCP_URG)) && !take_alarm(r, f, dir, s))
		return;
	if (f->incarnation->is_outgoing && f->state == FLOW_OPEN)
		leave_outgoing(r, f);
	reads = f->state != FLOW_IGNORED;
	if (reads && (s->mptcp || f->incarnation->multipath.is_used))
		reads = follow_multipath(r, f, dir, seq, s);
	if (f->incarnation->multipath.is_over) {
		count_unfollowed(r, f, dir, seq, s);
		if (f->state == FLOW_OPEN)
			ignore_flow(r, f);
	}
	if (f->state == FLOW_IGNORED)
		follow_ignored(mine, seq, len);
	else if (len > 0 && reads)
		take_data(r, f, dir, seq, peer_read, s);
	if (s->flags & TCP_FIN) {
		stream_fin(mine, seq + len);
		f->incarnation->watched = true;
	}
	if (f->incarnation->watched)
		look_closer(r, f, true);
}

/* ---- the door -------------------------------------------------------------------- */

/** join() - @f is seen in another network as well; false if there is no memory to note it */
static bool join(struct reassembler *r, struct flow *f, uint32_t network)
{
	bool joined = flow_add_alias(&r->flows, f, network);

	for (int i = 0; !joined && i < EVICT_AT_ONCE && evict(r, f); i++)
		joined = flow_add_alias(&r->flows, f, network);
	if (joined)
		counter_add(&r->stats.copies, 1);
	return joined;
}

static void count_duplicate(struct reassembler *r, const struct flow *f, unsigned dir, const struct segment *s)
{
	if (s->payload.len > 0 && f->first[dir].len > 0 && f->first[dir].network != s->network)
		counter_add(&r->stats.duplicate_segments, 1);
}

/** meet() - the flow for the first segment of these ends in its network, or NULL if it begins none */
static struct flow *meet(struct reassembler *r, const struct flow_ends *ends, unsigned dir,
			 const struct segment *s)
{
	struct flow *f = ends->elsewhere ? duplicates_find(&r->flows, ends, dir, s) : NULL;

	if (f && !join(r, f, s->network))
		return NULL;
	if (f) {
		count_duplicate(r, f, dir, s);
		return f;
	}
	return worth_a_flow(s) ? add_flow(r, ends) : NULL;
}

/** part() - what was taken for a copy of @f isn't: begin a flow for it that knows what was known of the begin
 */
static struct flow *part(struct reassembler *r, struct flow *f, struct flow_ends *ends, unsigned dir,
			 const struct segment *s)
{
	const struct flow begun = *f;
	uint8_t client = f->client;
	uint32_t base;

	if (client != CLIENT_UNKNOWN)
		flow_began_at(f, client, &base);
	duplicates_split(f, dir, s);
	counter_sub(&r->stats.copies, 1);
	ends->elsewhere = true; /* @f */
	f = add_flow(r, ends);
	if (!f || client == CLIENT_UNKNOWN)
		return f;
	if (begun.has_isn[client])
		take_syn(r, f, client, &(struct segment){ .seq = begun.isn[client], .flags = TCP_SYN });
	if (begun.has_isn[!client])
		take_syn(r, f, !client,
			 &(struct segment){ .seq = begun.isn[!client],
					    .ack = base,
					    .flags = TCP_SYN | TCP_ACK });
	return f;
}

static void feed_now(struct reassembler *r, const struct segment *segment)
{
	unsigned dir;
	struct flow_ends ends = flow_ends_of(&r->flows, segment, &dir);
	struct flow *f;

	expire(r);
	f = flow_find(&r->flows, &ends);
	if (!f)
		f = meet(r, &ends, dir, segment);
	else if (flow_has_aliases(f) && duplicates_differ(f, dir, segment))
		f = part(r, f, &ends, dir, segment);
	else if (flow_has_aliases(f))
		count_duplicate(r, f, dir, segment);
	if (f && f->state != FLOW_CLOSED) /* a closed one lingers from its end, whatever is still sent to it */
		flow_touch(&r->flows, f, r->clock);
	if (f && enter_incarnation(r, f, dir, segment))
		take_segment(r, f, dir, segment);
}

void reassembler_feed(struct reassembler *r, const struct segment *segment)
{
	if (follow(r, segment->ts) || advance_clock(r, segment->ts, segment))
		feed_now(r, segment);
}

void reassembler_pass_time(struct reassembler *r, struct wall now)
{
	if (!follow(r, now))
		advance_clock(r, now, NULL);
	expire(r);
}

void reassembler_pass_quiet(struct reassembler *r, int64_t ns)
{
	if (r->clock_set)
		reassembler_pass_time(r, wall_after(r->aside ? r->aside->ts : r->clock, ns));
}

void reassembler_finish(struct reassembler *r)
{
	take_back(r);
	while (r->flows.live.oldest)
		forget_flow(r, r->flows.live.oldest, LOST_CUT_AT_END);
	while (r->flows.opening.oldest)
		forget_flow(r, r->flows.opening.oldest, LOST_CUT_AT_END);
	while (r->flows.closed.oldest)
		flow_remove(&r->flows, r->flows.closed.oldest);
}

const struct reassembly_stats *reassembler_stats(const struct reassembler *r)
{
	return &r->stats;
}

static void close_kinds(struct reassembler *r)
{
	while (r->kind_count > 0) {
		const struct kind *k = &r->kinds[--r->kind_count];

		k->ops->close(k->shared);
	}
}

static bool open_kinds(struct reassembler *r, const struct reader_kind *kinds, size_t count)
{
	for (size_t i = 0; i < count && i < READER_KINDS_MAX; i++) {
		struct kind k = { kinds[i].ops, kinds[i].ops->open(kinds[i].config, &r->stats) };

		if (!k.shared)
			return false;
		r->kinds[r->kind_count++] = k;
	}
	return true;
}

struct reassembler *reassembler_new(const struct tracker_options *options, const struct reader_kind *kinds, size_t count)
{
	struct reassembler *r = cache_line_calloc(sizeof(*r));

	if (!r)
		return NULL;
	if (!open_kinds(r, kinds, count) || !flow_table_init(&r->flows, options->budget)) {
		close_kinds(r);
		free(r);
		return NULL;
	}
	r->options = *options;
	r->next_expiry = INT64_MIN;
	r->streams = (struct stream_env){ .reader = { on_stream_bytes, on_stream_gap, on_stream_wait },
					  .hold_bytes = options->hold_bytes,
					  .budget = options->budget,
					  .stats = &r->stats,
					  .clock = &r->clock };
	return r;
}

static void free_list(struct reassembler *r, struct flow_list *list)
{
	while (list->oldest) {
		struct flow *f = list->oldest;

		if (f->incarnation)
			drop_reader(r, f);
		flow_remove(&r->flows, f);
	}
}

void reassembler_free(struct reassembler *r)
{
	if (!r)
		return;
	free(r->aside);
	free_list(r, &r->flows.opening);
	free_list(r, &r->flows.live);
	free_list(r, &r->flows.closed);
	flow_table_deinit(&r->flows);
	close_kinds(r);
	free(r);
}
