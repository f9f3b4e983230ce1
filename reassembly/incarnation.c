/*
 * incarnation.c - a segment belongs to this incarnation of the 4-tuple, or to the next (RFC 9293, 3.4.1)
 *
 * Theory of operation. A SYN with the known ISN is a copy. One with another ISN
 * starts another connection if this one has ended in any direction; if not, it may
 * be a stray, so it is noted, and the new incarnation starts when something confirms
 * it: the SYN+ACK, or a segment of the client that continues that ISN. Whether the
 * ISN lies inside the old window or outside does not matter for that.
 *
 * Direction. The client is who sent the SYN. If that makes the server a port that is
 * not the service's, the service's host has opened the connection itself and happens
 * to have the number as its own: it is not read.
 *
 * With a SYN (or the SYN+ACK) the first byte is known. A SYN that is captured late,
 * after the first data, is recognised by its number.
 */
#include "reassembly/tracker_impl.h"

bool tracker_is_server_port(const struct tracker *t, uint16_t port)
{
	for (size_t i = 0; i < t->options.server_port_count; i++)
		if (t->options.server_ports[i] == port)
			return true;
	return false;
}

void tracker_begin_incarnation(struct tracker *t, struct flow *f)
{
	f->number = ++t->connections;
	f->midstream = true;
	counter_add(&t->stats.connections, 1);
	counter_add(&t->stats.midstream, 1);
	counter_add(&t->stats.flows_open, 1);
}

/** saw_begin() - a SYN or SYN+ACK of this connection: it isn't midstream after all */
static void saw_begin(struct tracker *t, struct flow *f)
{
	if (!f->midstream)
		return;
	f->midstream = false;
	counter_sub(&t->stats.midstream, 1);
}

/** restart() - another connection on the same ends; false if there is no memory for it */
static bool restart(struct tracker *t, struct flow *f)
{
	bool begun;

	tracker_end(t, f, LOST_RESET);
	begun = flow_begin(&t->flows, f);
	for (int i = 0; !begun && i < EVICT_AT_ONCE && tracker_evict(t, f); i++)
		begun = flow_begin(&t->flows, f);
	if (begun)
		tracker_begin_incarnation(t, f);
	return begun;
}

/** syn_fits() - can @s, whose flags have SYN, be of the connection that is followed? */
static bool syn_fits(const struct flow *f, unsigned dir, const struct segment *s)
{
	uint32_t base;

	if (f->has_isn[dir])
		return f->isn[dir] == s->seq;
	if (flow_began_at(f, dir, &base) && !seq_within(s->seq + 1, base, NEAR_BYTES))
		return false;
	/* A SYN+ACK acknowledges the client's SYN, and data in it with TCP Fast Open (RFC 7413, 3.1). */
	return !(s->flags & TCP_ACK) || !f->has_isn[!dir] || seq_within(f->isn[!dir] + 1, s->ack, NEAR_BYTES);
}

/** note_outgoing() - the SYN says that @client opened it: is it a connection to another service? */
static void note_outgoing(struct tracker *t, struct flow *f, unsigned client)
{
	if (t->options.server_port_count == 0 || f->incarnation->is_outgoing || tracker_is_server_port(t, f->key.end[!client].port))
		return;
	f->incarnation->is_outgoing = true;
	counter_add(&t->stats.outgoing, 1);
	flow_log(&t->log, t->clock, f, "opened by the service's host:", FLOW_LOG_ENDS);
}

void tracker_take_syn(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	struct stream *mine = &f->incarnation->half[dir], *peer = &f->incarnation->half[!dir];
	unsigned client = (s->flags & TCP_ACK) ? !dir : dir;

	if (f->has_isn[dir])
		return; /* a copy */
	if (!mine->at.synced || mine->at.next == mine->at.base)
		stream_early_from(mine, &t->streams, s->seq + 1);
	f->incarnation->watched |= mine->held != NULL;
	f->isn[dir] = s->seq;
	f->has_isn[dir] = true;
	if ((s->flags & TCP_ACK) && !peer->at.synced)
		stream_begin(peer, s->ack); /* the client's SYN was not captured, or is late */
	if (!f->incarnation->reader)
		f->client = (uint8_t)client;
	note_outgoing(t, f, client);
	saw_begin(t, f);
}

/** confirms_new_incarnation() - a SYN with another ISN was noted: does this segment continue it? */
static bool confirms_new_incarnation(const struct flow *f, unsigned dir, const struct segment *s)
{
	uint32_t first = f->new_isn + 1;

	if (f->new_dir == CLIENT_UNKNOWN)
		return false;
	if (dir != f->new_dir)
		return (s->flags & TCP_SYN) && (s->flags & TCP_ACK) && seq_within(first, s->ack, NEAR_BYTES);
	if (s->flags & (TCP_SYN | TCP_RST))
		return false;
	if (s->seq == first)
		return true;
	return s->payload.len > 0 && seq_within(first, s->seq, NEAR_BYTES) &&
	       !seq_within(flow_next(f, dir) - NEAR_BYTES, s->seq, 2 * NEAR_BYTES);
}

bool tracker_find_incarnation(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	bool syn = s->flags & TCP_SYN, response = syn && (s->flags & TCP_ACK);

	if (confirms_new_incarnation(f, dir, s)) {
		unsigned client = f->new_dir;
		uint32_t isn = f->new_isn;

		if (!restart(t, f))
			return false;
		tracker_take_syn(t, f, client, &(struct segment){ .seq = isn, .flags = TCP_SYN });
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
		if (!restart(t, f))
			return false;
	}
	if (f->state == FLOW_CLOSED)
		return false;
	if (syn)
		tracker_take_syn(t, f, dir, s);
	return true;
}
