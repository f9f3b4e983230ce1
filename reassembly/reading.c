/*
 * reading.c - a connection gets its reader, and the reader's word ends the reading
 *
 * Theory of operation. Of a connection whose first byte was seen, the client's first
 * bytes decide which kind of reader claims it; none does, and the connection is
 * ignored. A message of the server's that was captured ahead of all that is the
 * client's makes a reader too. Elsewhere midstream.c looks for a start.
 */
#include "reassembly/tracker_impl.h"

#include "reassembly/client_hello.h"

const struct kind *tracker_claimed_by(const struct tracker *t, struct span bytes, enum stream_side side, bool at_start,
				      enum claim least)
{
	const struct kind *best = NULL;

	for (size_t i = 0; i < t->kind_count; i++) {
		enum claim claim = t->kinds[i].ops->claims(bytes, side, at_start);

		if (claim < least || (best && claim == least))
			continue;
		best = &t->kinds[i];
		least = claim;
	}
	return best;
}

struct passed_by tracker_passed_by(const struct flow *f)
{
	const struct incarnation *incarnation = f->incarnation;

	if (!incarnation->unparsed_known[f->client])
		return (struct passed_by){ 0 };
	return (struct passed_by){ .peer_read = stream_offset(&incarnation->half[!f->client], incarnation->unparsed_ack[f->client]),
				   .peer_known = true };
}

bool tracker_make_reader(struct tracker *t, struct flow *f, const struct kind *kind, bool from_first_byte, size_t at_hand)
{
	const struct stream_place *responses = &f->incarnation->half[!f->client].at;
	struct reader_start start = { .origin = { .client = f->key.end[f->client],
						  .server = f->key.end[!f->client],
						  .connection = f->number },
				      .server = responses,
				      .from_first_byte = from_first_byte,
				      .server_passed_by = responses->next - responses->base != at_hand,
				      .passed = tracker_passed_by(f) };

	if (f->incarnation->proxy)
		start.origin.proxied = f->incarnation->proxy->reader.header.client;
	for (int i = 0; i <= EVICT_AT_ONCE; i++) {
		f->incarnation->reader = kind->ops->make(kind->shared, &start);
		if (f->incarnation->reader || !tracker_evict(t, f))
			break;
	}
	if (f->incarnation->reader)
		flow_log(&t->log, t->clock, f, kind->ops->name, FLOW_LOG_ENDS);
	return f->incarnation->reader != NULL;
}

void tracker_refuse(struct tracker *t, struct flow *f, struct span first)
{
	bool tls = tls_hello_match(first);

	counter_add(&t->stats.not_http, 1);
	if (tls)
		counter_add(&t->stats.tls, 1);
	flow_log(&t->log, t->clock, f, tls ? "TLS, which cannot be read:" : t->kinds[0].ops->refused, FLOW_LOG_ENDS);
	tracker_ignore(t, f);
}

static void leave(struct tracker *t, struct flow *f)
{
	const struct reader_ops *ops = f->incarnation->reader->ops;

	flow_log(&t->log, t->clock, f, ops->left, ops->left_more);
	tracker_ignore(t, f);
}

/** hand_on() - the reader knows who reads the rest */
static void hand_on(struct tracker *t, struct flow *f, enum stream_side side, const struct chunk *piece)
{
	struct reader *before = f->incarnation->reader;
	struct reader *after = before->ops->hand_on(before, side, piece);

	if (!after) {
		leave(t, f);
		return;
	}
	before->ops->free(before);
	f->incarnation->reader = after;
	flow_log(&t->log, t->clock, f, after->ops->name, FLOW_LOG_ENDS);
}

void tracker_reader_done(struct tracker *t, struct flow *f, enum reader_result result, enum stream_side side,
			 const struct chunk *piece)
{
	switch (result) {
	case READER_LIVE:
		break;
	case READER_REFUSED:
		tracker_refuse(t, f, piece->bytes);
		break;
	case READER_LEFT:
		leave(t, f);
		break;
	case READER_HANDS_ON:
		hand_on(t, f, side, piece);
		break;
	}
}

void tracker_give_gap(struct tracker *t, struct flow *f, enum stream_side side, uint32_t bytes, enum lost_reason why)
{
	struct reader *reader = f->incarnation->reader;

	if (reader)
		reader->ops->on_gap(reader, side, bytes, why, t->clock);
}

void tracker_lose_responses(struct tracker *t, struct flow *f, enum lost_reason why)
{
	tracker_give_gap(t, f, SIDE_SERVER, GAP_UNKNOWN, why);
}

bool tracker_find_first(struct tracker *t, struct flow *f, const struct chunk *piece)
{
	const struct kind *kind = tracker_claimed_by(t, piece->bytes, SIDE_CLIENT, true, CLAIM_LIKELY);

	if (!kind)
		tracker_refuse(t, f, piece->bytes);
	return kind && tracker_make_reader(t, f, kind, true, 0);
}

bool tracker_find_ahead(struct tracker *t, struct flow *f, const struct chunk *piece)
{
	const struct stream_place *requests = &f->incarnation->half[f->client & 1].at;
	const struct kind *kind;
	bool is_first, at_start;

	if (f->client == CLIENT_UNKNOWN)
		return false;
	at_start = f->has_isn[!f->client] && piece->offset == f->incarnation->half[!f->client].at.base;
	kind = tracker_claimed_by(t, piece->bytes, SIDE_SERVER, at_start, at_start ? CLAIM_LIKELY : CLAIM_SURE);
	is_first = !f->midstream && requests->next == tracker_requests_from(f);
	if (!kind || !tracker_make_reader(t, f, kind, is_first, piece->bytes.len))
		return false;
	if (!f->has_isn[!f->client])
		tracker_lose_responses(t, f, LOST_GAP);
	return true;
}
