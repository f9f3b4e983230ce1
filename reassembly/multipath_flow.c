/*
 * multipath_flow.c - what Multipath TCP (multipath.h) means to a connection that is read
 *
 * Theory of operation. While all bytes of a direction come over this connection, it
 * is read like any other. From the moment that they may not, what is pending is
 * lost, and of what comes only the messages are counted that start with a segment.
 */
#include "reassembly/tracker_impl.h"

#include "reassembly/multipath.h"

/** leave_multipath() - what is pending is lost, and what comes from here on is only counted */
static void leave_multipath(struct tracker *t, struct flow *f)
{
	counter_add(&t->stats.multipath, 1);
	flow_log(&t->log, t->clock, f, "Multipath TCP", "other connections carry some of its bytes");
	tracker_end_reader(f, LOST_MULTIPATH, false);
	tracker_drop_reader(t, f);
}

/** drop_responses() - it cannot be known which request the first response belongs to, and so for all after it */
static void drop_responses(struct tracker *t, struct flow *f)
{
	stream_drop(&f->incarnation->half[!f->client], &t->streams);
	tracker_lose_responses(t, f, LOST_MULTIPATH);
}

bool tracker_follow_multipath(struct tracker *t, struct flow *f, unsigned dir, uint32_t seq, const struct segment *s)
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
			leave_multipath(t, f);
		return false;
	}
	if (!is_response || !m->is_mapped[dir] || multipath_proves(m, dir))
		return true;
	drop_responses(t, f);
	return false;
}

void tracker_count_unfollowed(struct tracker *t, const struct flow *f, unsigned dir, uint32_t seq, const struct segment *s)
{
	const struct stream *mine = &f->incarnation->half[dir];
	const struct kind *kind = tracker_claimed_by(t, s->payload, SIDE_CLIENT, false, CLAIM_SURE);
	struct request_origin origin = { .client = f->key.end[dir], .server = f->key.end[!dir], .connection = f->number };

	if (kind && (!mine->at.synced || !seq_before(seq, mine->at.next)))
		kind->ops->on_unfollowed(kind->shared, &origin, s->ts, LOST_MULTIPATH);
}
