/*
 * flow_end.c - how a flow ends: by a RST, by two FINs, or because nothing waits for it any longer
 *
 * Theory of operation. A RST counts if its number could be the next byte (RFC 9293,
 * 3.10.7.4, and RFC 5961, 3.2), a FIN when the bytes before it are here or given
 * up. Bytes that a RST tells of by its numbers may come behind it, as behind a gap:
 * for RESET_PATIENCE_NS. A closed flow lingers, so that late copies of its segments
 * start no new one; all that could hold memory, its incarnation, is gone by then.
 *
 * A flow that is not read (FLOW_IGNORED) has lost its reader, and is followed to
 * its end for the same reason.
 */
#include "reassembly/tracker_impl.h"

#define RESET_PATIENCE_NS NS_PER_S /* as stream.c's, where few packets come: after a RST none need */

void tracker_drop_reader(struct tracker *t, struct flow *f)
{
	struct reader *reader = f->incarnation->reader;

	if (reader)
		reader->ops->free(reader);
	f->incarnation->reader = NULL;
	tracker_drop_proxy(t, f);
	stream_drop(&f->incarnation->half[0], &t->streams);
	stream_drop(&f->incarnation->half[1], &t->streams);
}

void tracker_end_reader(struct flow *f, enum lost_reason why, bool seen)
{
	struct reader *reader = f->incarnation->reader;

	if (reader)
		reader->ops->on_end(reader, why, seen);
}

void tracker_ignore(struct tracker *t, struct flow *f)
{
	tracker_drop_reader(t, f);
	flow_set_state(&t->flows, f, FLOW_IGNORED);
}

/** end_responses() - what waits behind a gap may still be whole responses; and if all came, the end itself may complete one */
static void end_responses(struct tracker *t, struct flow *f)
{
	struct stream *responses = &f->incarnation->half[!f->client];
	struct reader *reader;

	if (f->state == FLOW_OPEN)
		stream_close_gaps(responses, &t->streams, &(struct bearing){ t, f, !f->client });
	reader = f->incarnation->reader;
	if (reader && stream_ended(responses))
		reader->ops->on_half_end(reader, SIDE_SERVER);
}

/** reads_server() - is what waits behind a gap of the server's still of use? */
static bool reads_server(const struct tracker *t, const struct flow *f)
{
	const struct reader *reader = f->incarnation->reader;

	return reader && (t->options.reads_servers || reader->ops->server_proves);
}

void tracker_end(struct tracker *t, struct flow *f, enum lost_reason reason)
{
	if (f->state == FLOW_CLOSED)
		return;
	if (f->client != CLIENT_UNKNOWN) {
		struct stream *requests = &f->incarnation->half[f->client];

		/* What waits behind a gap may be whole requests; when memory is short it is dropped instead. */
		if (f->state == FLOW_OPEN && reason != LOST_MEMORY)
			stream_close_gaps(requests, &t->streams, &(struct bearing){ t, f, f->client });
		if (requests->at.next != requests->at.base && !f->incarnation->half[!f->client].at.seen)
			counter_add(&t->stats.one_way, 1);
		if (reads_server(t, f) && reason != LOST_MEMORY)
			end_responses(t, f);
	}
	if (f->client != CLIENT_UNKNOWN)
		flow_log(&t->log, t->clock, f, "ended", reason == LOST_RESET ? "closed" : lost_reason_name(reason));
	tracker_end_reader(f, reason, true);
	tracker_drop_reader(t, f);
	counter_sub(&t->stats.flows_open, 1);
	flow_close(&t->flows, f);
}

void tracker_forget(struct tracker *t, struct flow *f, enum lost_reason reason)
{
	tracker_end(t, f, reason);
	flow_remove(&t->flows, f);
}

/** rst_is_real() - could @s be the next segment of its sender? */
static bool rst_is_real(const struct flow *f, unsigned dir, const struct segment *s)
{
	const struct stream *mine = &f->incarnation->half[dir], *peer = &f->incarnation->half[!dir];
	uint32_t low = mine->at.next, high = mine->at.next;

	if (!mine->at.synced) /* a refused SYN: the number is 0, and the ack must fit (RFC 9293, 3.10.7.3) */
		return (s->flags & TCP_ACK) && peer->at.synced &&
		       seq_within(peer->at.base, s->ack, peer->at.next - peer->at.base + NEAR_BYTES);
	if (mine->ack_known && seq_before(mine->acked, low))
		low = mine->acked;
	if (mine->ack_known)
		high = seq_later(high, mine->acked);
	return seq_within(low, s->seq, high - low + NEAR_BYTES);
}

/** look_for_end() - have one or both directions ended? */
static void look_for_end(struct tracker *t, struct flow *f)
{
	bool over[2] = { stream_ended(&f->incarnation->half[0]), stream_ended(&f->incarnation->half[1]) };
	struct reader *reader = f->incarnation->reader;

	if (f->client == CLIENT_UNKNOWN)
		return;
	if (over[!f->client] && reader)
		reader->ops->on_half_end(reader, SIDE_SERVER);
	if (over[f->client] && (over[!f->client] || !f->incarnation->half[!f->client].at.seen)) {
		tracker_end(t, f, LOST_RESET);
	} else if (over[f->client] && reader && !reader->ops->on_half_end(reader, SIDE_CLIENT)) {
		tracker_end_reader(f, LOST_RESET, true); /* half-closed: no request can follow */
		tracker_ignore(t, f);
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
static void take_reset(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	struct incarnation *incarnation = f->incarnation;
	const struct stream *peer = &incarnation->half[!dir];

	if (incarnation->is_reset)
		return;
	incarnation->reset_at[dir] = s->seq;
	incarnation->reset_at[!dir] = (s->flags & TCP_ACK) ? s->ack : peer->ack_known ? peer->acked : peer->at.next;
	incarnation->reset_since = t->clock;
	incarnation->is_reset = incarnation->watched = true;
	if (f->state != FLOW_OPEN || !awaits_reset(f))
		tracker_end(t, f, LOST_RESET);
	else
		tracker_look_closer(t, f, true);
}

void tracker_look_closer(struct tracker *t, struct flow *f, bool packet)
{
	const struct stream *half = f->incarnation->half;
	bool waits = f->incarnation->is_reset;

	if (waits && (!awaits_reset(f) || wall_between(f->incarnation->reset_since, t->clock) >= RESET_PATIENCE_NS)) {
		tracker_end(t, f, LOST_RESET);
		return;
	}
	for (unsigned d = 0; d < 2; d++)
		if (f->state == FLOW_OPEN && stream_is_open(&half[d]))
			waits |= stream_look(&f->incarnation->half[d], &t->streams, &(struct bearing){ t, f, d }, packet);
	if (waits) {
		flow_wait(&t->flows, f, tracker_next_look(t));
		t->next_expiry = earlier(t->next_expiry, f->incarnation->look.ns);
	} else if (f->incarnation->waiting) {
		flow_wait_no_more(&t->flows, f);
	}
	f->incarnation->watched = waits || half[0].fin_known || half[1].fin_known;
	if (half[0].fin_known || half[1].fin_known)
		look_for_end(t, f);
}

bool tracker_take_alarm(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir];

	if (s->flags & TCP_RST) {
		if (rst_is_real(f, dir, s))
			take_reset(t, f, dir, s);
		return false;
	}
	if (!mine->at.synced)
		return f->state == FLOW_IGNORED; /* no start to find: one of its bytes may not be in the stream */
	if (f->state == FLOW_OPEN) /* 0 means the same as 1 to Linux */
		stream_urgent(mine, &t->streams, &(struct bearing){ t, f, dir },
			      s->seq + (s->urgent ? s->urgent - 1u : 0));
	return true;
}
