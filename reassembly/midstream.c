/*
 * midstream.c - where may reading start in a connection whose own start was not captured?
 *
 * Theory of operation. Without a SYN or SYN+ACK the client is the side that is not
 * the service's port, if only one side is. If both are or no ports were given, the
 * readers tell: it is the side whose segment starts a message of a client's, or whose
 * peer's starts one of a server's; until one does, nothing is kept of the connection.
 *
 * Its bytes are looked at, segment by segment, for the start of a request, and
 * ordered only from there. Bytes that go before it, as their numbers say, and
 * acknowledge as much, make it a part of what they are a part of; a keep-alive
 * probe's byte, which the server had before, does not. A few segments are kept
 * meanwhile, because the SYN may be late, and a request's head as well.
 */
#include "reassembly/tracker_impl.h"

#define BEHIND_ALL (1 << 30) /* bytes behind a segment, where all that is near lies before */

/** client_by_port() - the direction of requests as far as the ports tell, or CLIENT_UNKNOWN */
static uint8_t client_by_port(const struct tracker *t, const struct flow *f)
{
	bool first = tracker_is_server_port(t, f->key.end[0].port), second = tracker_is_server_port(t, f->key.end[1].port);

	if (first == second)
		return CLIENT_UNKNOWN;
	return first ? 1 : 0;
}

/** client_by_bytes() - ... as far as a segment's first bytes tell */
static uint8_t client_by_bytes(const struct tracker *t, unsigned dir, struct span bytes)
{
	if (tracker_claimed_by(t, bytes, SIDE_CLIENT, false, CLAIM_LIKELY))
		return (uint8_t)dir;
	if (tracker_claimed_by(t, bytes, SIDE_SERVER, false, CLAIM_SURE))
		return (uint8_t)!dir;
	return CLIENT_UNKNOWN;
}

static void tell_passed_by(struct flow *f, struct passed_by passed)
{
	struct reader *reader = f->incarnation->reader;

	reader->ops->on_passed_by(reader, &passed);
}

/** note_unparsed() - bytes of @dir that begin nothing acknowledged this: a request's own segment must go beyond */
static void note_unparsed(struct flow *f, unsigned dir, uint32_t ack)
{
	struct incarnation *i = f->incarnation;

	i->unparsed_ack[dir] = i->unparsed_known[dir] ? seq_later(i->unparsed_ack[dir], ack) : ack;
	i->unparsed_known[dir] = true;
	if (i->reader && dir == f->client)
		tell_passed_by(f, tracker_passed_by(f));
}

static void note_unparsed_end(struct flow *f, unsigned dir, uint32_t end)
{
	struct incarnation *i = f->incarnation;

	i->unparsed_end[dir] = i->has_unparsed_end[dir] ? seq_later(i->unparsed_end[dir], end) : end;
	i->has_unparsed_end[dir] = true;
}

void tracker_keep_early(struct tracker *t, struct flow *f, unsigned dir, const struct chunk *piece, uint32_t missing)
{
	struct stream *mine = &f->incarnation->half[dir];
	uint32_t ack, end;

	if (stream_keep_early(mine, &t->streams, piece, missing))
		return;
	note_unparsed_end(f, dir, (uint32_t)piece->offset + (uint32_t)piece->bytes.len);
	if (stream_early_end(mine, (uint32_t)piece->offset + BEHIND_ALL, &end))
		note_unparsed_end(f, dir, end);
	if (stream_early_ack(mine, (uint32_t)piece->offset + BEHIND_ALL, &ack))
		note_unparsed(f, dir, ack);
	if (piece->peer_known)
		note_unparsed(f, dir, (uint32_t)piece->peer_read);
	stream_drop(mine, &t->streams);
}

/** acked_before() - the highest ack on the bytes of @dir before @seq, as far as they were seen; false if none were */
static bool acked_before(const struct flow *f, unsigned dir, uint32_t seq, uint32_t *ack)
{
	const struct incarnation *i = f->incarnation;
	uint32_t early;
	bool kept = stream_early_ack(&i->half[dir], seq, &early), unparsed = i->unparsed_known[dir];

	if (!kept && !unparsed)
		return false;
	*ack = !kept ? i->unparsed_ack[dir] : !unparsed ? early : seq_later(early, i->unparsed_ack[dir]);
	return true;
}

/** begins_request() - the kind that claims the start of @s, if, where bytes went before it, something was read since */
static const struct kind *begins_request(const struct tracker *t, const struct flow *f, unsigned dir, const struct segment *s)
{
	const struct kind *kind = tracker_claimed_by(t, s->payload, SIDE_CLIENT, false, CLAIM_MAYBE);
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

/** begin_requests() - the client's stream starts with @s, perhaps behind a gap that may hold a head */
static bool begin_requests(struct tracker *t, struct flow *f, const struct kind *kind, const struct segment *s)
{
	unsigned dir = f->client;
	uint32_t ack;
	struct passed_by passed = { .missing = missing_before(f, dir, s->seq) };

	if (!f->incarnation->reader && !tracker_make_reader(t, f, kind, false, 0))
		return false;
	passed.peer_known = acked_before(f, dir, s->seq, &ack);
	if (passed.peer_known)
		passed.peer_read = stream_offset(&f->incarnation->half[!dir], ack);
	if (passed.peer_known || passed.missing)
		tell_passed_by(f, passed);
	return true;
}

bool tracker_begin_midstream(struct tracker *t, struct flow *f, unsigned dir, const struct segment *s)
{
	const struct kind *kind;

	if (f->client == CLIENT_UNKNOWN)
		f->client = client_by_port(t, f);
	if (f->client == CLIENT_UNKNOWN) {
		uint8_t client = client_by_bytes(t, dir, s->payload);

		/* A body may quote a request, in either direction: a guess that is not believed says nothing. */
		if (client != dir || begins_request(t, f, dir, s))
			f->client = client;
	}
	if (f->client != CLIENT_UNKNOWN && dir != f->client) {
		tracker_lose_responses(t, f, LOST_GAP); /* those before are missing, and it is not known how many they were */
		return f->incarnation->reader || tracker_claimed_by(t, s->payload, SIDE_SERVER, false, CLAIM_SURE);
	}
	kind = f->client == dir ? begins_request(t, f, dir, s) : NULL;
	return kind && begin_requests(t, f, kind, s);
}

void tracker_begin_responses(struct tracker *t, struct flow *f, uint32_t seq, const struct chunk *piece)
{
	if (f->has_isn[f->client] && seq == f->isn[f->client] + 1 && piece->peer_known)
		stream_early_from(&f->incarnation->half[!f->client], &t->streams, (uint32_t)piece->peer_read);
}
