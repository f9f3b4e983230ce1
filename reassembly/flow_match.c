/*
 * flow_match.c - which flow does a segment belong to? And room for one more
 *
 * Theory of operation. A segment whose ends and domain are known has its flow. One
 * from another domain may be a duplicate of a flow with the same ends, and is then
 * recognised by its first segment (duplicates.c); if that turns out to be wrong, the
 * two are split. Any other makes a flow, if it tells anything.
 *
 * When memory is short, what was quiet for longest goes. Flows that are only SYNs go
 * first, so that a flood of them pushes out nothing but itself.
 */
#include "reassembly/tracker_impl.h"

bool tracker_evict(struct tracker *t, const struct flow *keep)
{
	struct flow_list *lists[] = { &t->flows.opening, &t->flows.closed, &t->flows.live };
	struct flow *f = NULL;

	for (size_t i = 0; !f && i < sizeof(lists) / sizeof(lists[0]); i++) {
		f = lists[i]->oldest;
		if (f && f == keep)
			f = f->newer;
	}
	if (!f)
		return false;
	if (f->state != FLOW_CLOSED) {
		counter_add(&t->stats.flows_evicted, 1);
		flow_log(&t->log, t->clock, f, "evicted", "--max-memory was used up, and it was quiet for longest");
	}
	tracker_forget(t, f, LOST_MEMORY);
	return true;
}

/** thin_out() - these ends may be in as many domains as we follow: the one that was quiet longest goes */
static void thin_out(struct tracker *t, const struct flow_ends *ends)
{
	struct flow_walk walk = { 0 };
	struct flow *f, *quietest = NULL;
	size_t count = 0;

	while ((f = flow_same_ends(&t->flows, ends, &walk))) {
		if (!quietest || f->last.ns < quietest->last.ns ||
		    (f->last.ns == quietest->last.ns && f->number < quietest->number))
			quietest = f;
		count++;
	}
	if (count < SAME_ENDS_MAX)
		return;
	counter_add(&t->stats.flows_evicted, 1);
	flow_log(&t->log, t->clock, quietest, "evicted", "the same ends are in too many networks");
	tracker_forget(t, quietest, LOST_MEMORY);
}

/** add_flow() - NULL if there is no memory for it, whatever goes */
static struct flow *add_flow(struct tracker *t, const struct flow_ends *ends)
{
	struct flow *f;

	if (ends->elsewhere)
		thin_out(t, ends);
	f = flow_add(&t->flows, ends, t->clock);
	for (int i = 0; !f && i < EVICT_AT_ONCE && tracker_evict(t, NULL); i++)
		f = flow_add(&t->flows, ends, t->clock);
	if (f)
		tracker_begin_incarnation(t, f);
	return f;
}

/** worth_a_flow() - does an unknown connection start with this? A lone ACK, FIN or RST tells nothing. */
static bool worth_a_flow(const struct segment *s)
{
	if (s->flags & TCP_RST)
		return false;
	return (s->flags & TCP_SYN) || s->payload.len > 0 || (s->mptcp && (s->mptcp->seen & MPTCP_JOINS));
}

/** merge() - @f is seen in another domain as well; false if there is no memory to note it */
static bool merge(struct tracker *t, struct flow *f, uint32_t domain)
{
	bool merged = flow_add_alias(&t->flows, f, domain);

	for (int i = 0; !merged && i < EVICT_AT_ONCE && tracker_evict(t, f); i++)
		merged = flow_add_alias(&t->flows, f, domain);
	if (merged)
		counter_add(&t->stats.copies, 1);
	return merged;
}

void tracker_count_duplicate(struct tracker *t, const struct flow *f, unsigned dir, const struct segment *s)
{
	if (s->payload.len > 0 && f->first[dir].len > 0 && f->first[dir].domain != s->domain)
		counter_add(&t->stats.duplicate_segments, 1);
}

struct flow *tracker_match(struct tracker *t, const struct flow_ends *ends, unsigned dir, const struct segment *s)
{
	struct flow *f = ends->elsewhere ? duplicates_find(&t->flows, ends, dir, s) : NULL;

	if (f && !merge(t, f, s->domain))
		return NULL;
	if (f) {
		tracker_count_duplicate(t, f, dir, s);
		return f;
	}
	return worth_a_flow(s) ? add_flow(t, ends) : NULL;
}

struct flow *tracker_split(struct tracker *t, struct flow *f, struct flow_ends *ends, unsigned dir, const struct segment *s)
{
	const struct flow begun = *f;
	uint8_t client = f->client;
	uint32_t base;

	if (client != CLIENT_UNKNOWN)
		flow_began_at(f, client, &base);
	duplicates_split(f, dir, s);
	counter_sub(&t->stats.copies, 1);
	ends->elsewhere = true; /* @f */
	f = add_flow(t, ends);
	if (!f || client == CLIENT_UNKNOWN)
		return f;
	if (begun.has_isn[client])
		tracker_take_syn(t, f, client, &(struct segment){ .seq = begun.isn[client], .flags = TCP_SYN });
	if (begun.has_isn[!client])
		tracker_take_syn(t, f, !client,
				 &(struct segment){ .seq = begun.isn[!client], .ack = base, .flags = TCP_SYN | TCP_ACK });
	return f;
}
