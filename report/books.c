/* books.c - see books.h; taking and balancing. Writing them is books_text.c and books_json.c */
#include "report/books.h"

static struct quantiles quantiles_of(const struct histogram *h)
{
	static const uint64_t bounds[] = {
#define X(us, text) us,
		DURATION_BOUNDS(X)
#undef X
	};
	struct quantiles q = {
		.count = h->count,
		.p50 = histogram_quantile(h, 0.50),
		.p90 = histogram_quantile(h, 0.90),
		.p99 = histogram_quantile(h, 0.99),
		.max = h->max,
		.sum = h->sum,
		.of = h,
	};

	histogram_upto(h, bounds, BOOKS_DURATION_BOUNDS, q.upto);
	return q;
}

static void copy(uint64_t *out, const struct counter *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = counter_get(&from[i]);
}

static uint64_t sum(const uint64_t *n, size_t from, size_t to)
{
	uint64_t total = 0;

	for (size_t i = from; i <= to; i++)
		total += n[i];
	return total;
}

static void take_packets(struct books *b, const struct capture_stats *s)
{
	b->packets.received = counter_get(&s->received);
	b->packets.received_bytes = counter_get(&s->received_bytes);
	copy(b->packets.result, s->result, PACKET_RESULT_COUNT);
	b->packets.cut_payload = counter_get(&s->cut_payload);
	b->packets.dropped_kernel = counter_get(&s->dropped_kernel);
	b->packets.dropped_interface = counter_get(&s->dropped_interface);
}

void unread_shares(const struct unread *from, struct unread_share *out)
{
	for (size_t i = 0; i < UNREAD_MAX; i++) {
		struct unread_share share = { (uint32_t)counter_get(&from->row[i].what), counter_get(&from->row[i].packets) };
		size_t at = i;

		for (; at > 0 && out[at - 1].packets < share.packets; at--)
			out[at] = out[at - 1];
		out[at] = share;
	}
}

static void take_requests(struct books *b, const struct reassembly_stats *s)
{
	b->requests.seen = counter_get(&s->seen);
	b->requests.complete = counter_get(&s->complete);
	copy(b->requests.lost, s->lost, LOST_REASON_COUNT);
	b->connections.seen = counter_get(&s->connections);
	b->connections.midstream = counter_get(&s->midstream);
	b->connections.one_way = counter_get(&s->one_way);
	b->connections.outgoing = counter_get(&s->outgoing);
	b->connections.proxied = counter_get(&s->proxied);
	b->connections.proxy_unread = counter_get(&s->proxy_unread);
	b->connections.not_http = counter_get(&s->not_http);
	b->connections.tls = counter_get(&s->tls);
	b->connections.http2 = counter_get(&s->http2);
	b->connections.upgraded = counter_get(&s->upgraded);
	b->connections.copies = counter_get(&s->copies);
	b->connections.multipath = counter_get(&s->multipath);
	b->connections.gaps = counter_get(&s->gaps);
	b->connections.gap_bytes = counter_get(&s->gap_bytes);
	b->connections.retransmitted_bytes = counter_get(&s->retransmitted_bytes);
	b->connections.open = counter_get(&s->flows_open);
	b->connections.evicted = counter_get(&s->flows_evicted);
	b->connections.held_bytes = counter_get(&s->held_bytes);
}

static void take_target(struct books_target *t, const struct books_target_source *from)
{
	const struct target_stats *s = from->stats;

	t->name = from->name;
	t->shown = from->shown;
	t->breaker = from->breaker;
	t->chosen = counter_get(&s->chosen);
	t->unsampled = counter_get(&s->unsampled);
	t->sent = counter_get(&s->sent);
	copy(t->shed, s->shed, SHED_COUNT);
	copy(t->outcome, s->outcome, OUTCOME_COUNT);
	t->first_status = counter_get(&s->first_status);
	t->other_statuses = counter_get(&s->other_statuses);
	t->connects = counter_get(&s->connects);
	t->bytes_sent = counter_get(&s->bytes_sent);
	t->dns_failures = counter_get(&s->dns_failures);
	t->breaker_opened = counter_get(&s->breaker_opened);
	t->in_flight = counter_get(&s->in_flight);
	t->queued = counter_get(&s->queued);
	t->open_connections = counter_get(&s->open_connections);
	t->total = quantiles_of(&s->total_us);
	t->first_byte = quantiles_of(&s->first_byte_us);
}

void books_take(const struct books_sources *from, struct books *out)
{
	*out = (struct books){ 0 };
	if (from->capture)
		take_packets(out, from->capture);
	if (from->unread) {
		unread_shares(from->unread, out->unread);
		out->packets.longest_cut = counter_get(&from->unread->longest_cut);
	}
	if (from->reassembly)
		take_requests(out, from->reassembly);
	if (from->policy) {
		copy(out->requests.decision, from->policy->decision, DECISION_COUNT);
		out->requests.match_limit = counter_get(&from->policy->match_limit);
	}
	out->requests.decision[DECISION_CHOSEN] -= from->leftover;
	out->requests.decision[DECISION_SHED_HANDOVER] += from->leftover;
	if (from->intake)
		out->lateness = quantiles_of(&from->intake->lateness_us);
	out->target_count = from->target_count;
	for (size_t i = 0; i < from->target_count; i++)
		take_target(&out->target[i], &from->targets[i]);
}

static bool equal(struct buffer *out, const char *who, const char *what, uint64_t left, uint64_t right)
{
	if (left == right)
		return true;
	buffer_printf(out, "%s%s%s is %llu, but its parts add up to %llu\n", who, *who ? "." : "", what,
		      (unsigned long long)left, (unsigned long long)right);
	return false;
}

bool books_imbalance(const struct books *b, struct buffer *out)
{
	bool ok = true;

	ok &= equal(out, "packets", "received", b->packets.received,
		    sum(b->packets.result, 0, PACKET_RESULT_COUNT - 1));
	ok &= equal(out, "requests", "seen", b->requests.seen,
		    b->requests.complete + sum(b->requests.lost, 0, LOST_REASON_COUNT - 1));
	ok &= equal(out, "requests", "complete", b->requests.complete,
		    sum(b->requests.decision, 0, DECISION_COUNT - 1));
	for (size_t i = 0; i < b->target_count; i++) {
		const struct books_target *t = &b->target[i];

		ok &= equal(out, t->name, "chosen", t->chosen, b->requests.decision[DECISION_CHOSEN]);
		ok &= equal(out, t->name, "chosen", t->chosen,
			    t->unsampled + sum(t->shed, 0, SHED_COUNT - 1) + t->sent);
		ok &= equal(out, t->name, "sent", t->sent, sum(t->outcome, 0, OUTCOME_COUNT - 1));
	}
	return ok;
}

uint64_t books_sent(const struct books *b)
{
	uint64_t sent = 0;

	for (size_t i = 0; i < b->target_count; i++)
		sent += b->target[i].sent;
	return sent;
}

uint64_t books_failed(const struct books *b)
{
	uint64_t failed = 0;

	for (size_t i = 0; i < b->target_count; i++)
		failed += sum(b->target[i].outcome, OUTCOME_ANSWERED_4XX, OUTCOME_FAILED_PROTOCOL);
	return failed;
}
