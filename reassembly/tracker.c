/*
 * tracker.c - segments in; what they bring goes to the readers of their connections
 *
 * Theory of operation. Here a segment meets its connection. What that takes is told
 * where it is done:
 *
 *      flow_match.c       which flow a segment belongs to, and room for one more
 *      incarnation.c     ... and whether to this connection on the 4-tuple or to the next
 *      midstream.c       which way a connection goes whose start was not captured
 *      multipath_flow.c  whether a connection has all of its bytes
 *      stream.c          the order of a direction's bytes
 *      proxy_start.c     what a proxy says before the first of them
 *      reading.c         who reads them (reader.h)
 *      flow_end.c        gaps, resets and ends
 *      tracker_clock.c   time
 *
 * and this file has the way that most packets take.
 */
#include "reassembly/tracker_impl.h"

#include <stdlib.h>

#include "base/cache_line.h"

/** give() - the reader's next bytes */
static inline void give(struct tracker *t, struct flow *f, enum stream_side side, const struct chunk *piece)
{
	struct reader *reader = f->incarnation->reader;
	enum reader_result result = reader->ops->on_chunk[side](reader, piece);

	if (result != READER_LIVE)
		tracker_reader_done(t, f, result, side, piece);
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

void tracker_read_client(struct tracker *t, struct flow *f, const struct chunk *piece)
{
	if (f->incarnation->reader || tracker_find_first(t, f, piece))
		give(t, f, SIDE_CLIENT, piece);
}

/** client_has_reader() - are these bytes of the client to be read, and by whom? */
static inline bool client_has_reader(struct tracker *t, struct flow *f, const struct chunk *piece)
{
	if (!is_before_reader(f, piece))
		return f->incarnation->reader || tracker_find_first(t, f, piece);
	tracker_proxy_bytes(t, f, piece);
	return false;
}

static bool on_stream_bytes(void *ctx, const struct chunk *piece)
{
	const struct bearing *b = ctx;
	struct flow *f = b->f;
	enum stream_side side = b->dir == f->client ? SIDE_CLIENT : SIDE_SERVER;

	if (side == SIDE_CLIENT ? client_has_reader(b->t, f, piece) : f->incarnation->reader || tracker_find_ahead(b->t, f, piece))
		give(b->t, f, side, piece);
	return f->state == FLOW_OPEN;
}

/** client_gap() - @bytes of the client never come; a connection whose first they are is that of the first kind */
static void client_gap(struct tracker *t, struct flow *f, uint32_t bytes, enum lost_reason why)
{
	bytes = tracker_proxy_gap(t, f, bytes);
	if (bytes == 0 || f->state != FLOW_OPEN)
		return;
	if (f->incarnation->reader || tracker_make_reader(t, f, &t->kinds[0], true, 0))
		tracker_give_gap(t, f, SIDE_CLIENT, bytes, why);
}

static bool on_stream_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	const struct bearing *b = ctx;

	if (b->dir == b->f->client)
		client_gap(b->t, b->f, bytes, why);
	else
		tracker_give_gap(b->t, b->f, SIDE_SERVER, bytes, why);
	return b->f->state == FLOW_OPEN;
}

static void on_stream_wait(void *ctx)
{
	const struct bearing *b = ctx;

	b->f->incarnation->watched = true;
}

/** take_data() - the bytes of @s, the first of which is @seq; @peer_read: the offset of its ack */
static void take_data(struct tracker *t, struct flow *f, unsigned dir, uint32_t seq, uint64_t peer_read,
		      const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir];
	struct chunk piece = { s->payload, s->ts, 0, peer_read, (s->flags & TCP_ACK) != 0 };

	if (!mine->at.synced) {
		piece.offset = stream_offset(mine, seq);
		if (!tracker_begin_midstream(t, f, dir, s)) {
			tracker_keep_early(t, f, dir, &piece, s->missing_bytes);
			return;
		}
		stream_early_from(mine, &t->streams, seq);
	}
	piece.offset = stream_offset_from(mine->at.next, seq);
	if (!f->incarnation->half[!dir].at.synced && dir == f->client)
		tracker_begin_responses(t, f, seq, &piece);
	stream_feed(mine, &t->streams, &(struct bearing){ t, f, dir }, &piece, s->missing_bytes);
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
static void leave_outgoing(struct tracker *t, struct flow *f)
{
	tracker_end_reader(f, LOST_RESET, false);
	tracker_ignore(t, f);
}

/** take_segment() - @s of this incarnation: what does it say, and what bytes does it bring? */
static void take_segment(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir], *peer = &f->incarnation->half[!dir];
	uint32_t seq = s->seq + ((s->flags & TCP_SYN) ? 1 : 0);
	uint32_t len = (uint32_t)s->payload.len + s->missing_bytes;
	uint64_t peer_read;
	bool reads;

	if (f->state == FLOW_OPENING && (len > 0 || !(s->flags & TCP_SYN)))
		flow_set_state(&t->flows, f, FLOW_OPEN);
	mine->at.seen = true;
	duplicates_note(f, dir, s);
	peer_read = (s->flags & TCP_ACK) ? stream_ack(peer, s->ack) : stream_offset(peer, s->ack);
	if ((s->flags & (TCP_RST | TCP_URG)) && !tracker_take_alarm(t, f, dir, s))
		return;
	if (f->incarnation->is_outgoing && f->state == FLOW_OPEN)
		leave_outgoing(t, f);
	reads = f->state != FLOW_IGNORED;
	if (reads && (s->mptcp || f->incarnation->multipath.is_used))
		reads = tracker_follow_multipath(t, f, dir, seq, s);
	if (f->incarnation->multipath.is_over) {
		tracker_count_unfollowed(t, f, dir, seq, s);
		if (f->state == FLOW_OPEN)
			tracker_ignore(t, f);
	}
	if (f->state == FLOW_IGNORED)
		follow_ignored(mine, seq, len);
	else if (len > 0 && reads)
		take_data(t, f, dir, seq, peer_read, s);
	if (s->flags & TCP_FIN) {
		stream_fin(mine, seq + len);
		f->incarnation->watched = true;
	}
	if (f->incarnation->watched)
		tracker_look_closer(t, f, true);
}

void tracker_feed_now(struct tracker *t, const struct segment *segment)
{
	unsigned dir;
	struct flow_ends ends = flow_ends_of(&t->flows, segment, &dir);
	struct flow *f;

	tracker_expire(t);
	f = flow_find(&t->flows, &ends);
	if (!f)
		f = tracker_match(t, &ends, dir, segment);
	else if (flow_has_aliases(f) && duplicates_differ(f, dir, segment))
		f = tracker_split(t, f, &ends, dir, segment);
	else if (flow_has_aliases(f))
		tracker_count_duplicate(t, f, dir, segment);
	if (f && f->state != FLOW_CLOSED) /* a closed one lingers from its end, whatever is still sent to it */
		flow_touch(&t->flows, f, t->clock);
	if (f && tracker_enter_incarnation(t, f, dir, segment))
		take_segment(t, f, dir, segment);
}

void tracker_feed(struct tracker *t, const struct segment *segment)
{
	if (tracker_follow_clock(t, segment->ts) || tracker_advance_clock(t, segment->ts, segment))
		tracker_feed_now(t, segment);
}

void tracker_pass_time(struct tracker *t, struct wall now)
{
	if (!tracker_follow_clock(t, now))
		tracker_advance_clock(t, now, NULL);
	tracker_expire(t);
}

void tracker_pass_quiet(struct tracker *t, int64_t ns)
{
	if (t->clock_set)
		tracker_pass_time(t, wall_after(t->aside ? t->aside->ts : t->clock, ns));
}

void tracker_finish(struct tracker *t)
{
	tracker_take_back(t);
	while (t->flows.live.oldest)
		tracker_forget(t, t->flows.live.oldest, LOST_CUT_AT_END);
	while (t->flows.opening.oldest)
		tracker_forget(t, t->flows.opening.oldest, LOST_CUT_AT_END);
	while (t->flows.closed.oldest)
		flow_remove(&t->flows, t->flows.closed.oldest);
}

const struct reassembly_stats *tracker_stats(const struct tracker *t)
{
	return &t->stats;
}

static void close_kinds(struct tracker *t)
{
	while (t->kind_count > 0) {
		const struct kind *k = &t->kinds[--t->kind_count];

		k->ops->close(k->shared);
	}
}

static bool open_kinds(struct tracker *t, const struct reader_kind *kinds, size_t count)
{
	for (size_t i = 0; i < count && i < READER_KINDS_MAX; i++) {
		struct kind k = { kinds[i].ops, kinds[i].ops->open(kinds[i].config) };

		if (!k.shared)
			return false;
		t->kinds[t->kind_count++] = k;
	}
	return true;
}

struct tracker *tracker_new(const struct tracker_options *options, const struct reader_kind *kinds, size_t count)
{
	struct tracker *t = cache_line_calloc(sizeof(*t));

	if (!t)
		return NULL;
	if (!open_kinds(t, kinds, count) || !flow_table_init(&t->flows, options->budget)) {
		close_kinds(t);
		free(t);
		return NULL;
	}
	t->options = *options;
	t->next_expiry = INT64_MIN;
	t->streams = (struct stream_env){ .reader = { on_stream_bytes, on_stream_gap, on_stream_wait },
					  .hold_bytes = options->hold_bytes,
					  .budget = options->budget,
					  .stats = &t->stats,
					  .clock = &t->clock };
	return t;
}

static void free_list(struct tracker *t, struct flow_list *list)
{
	while (list->oldest) {
		struct flow *f = list->oldest;

		if (f->incarnation)
			tracker_drop_reader(t, f);
		flow_remove(&t->flows, f);
	}
}

void tracker_free(struct tracker *t)
{
	if (!t)
		return;
	free(t->aside);
	free_list(t, &t->flows.opening);
	free_list(t, &t->flows.live);
	free_list(t, &t->flows.closed);
	flow_table_deinit(&t->flows);
	close_kinds(t);
	free(t);
}
