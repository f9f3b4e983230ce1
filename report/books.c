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

/* A line of a stage's list: from @s, where the stage counts, to @to in the books */
#define TAKE(id, name, told, type, metric, what) to->name = counter_get(&s->id);
#define TAKE_PARTS(id, count) copy(to->id, s->id, count);

static void take_packets(struct books_packets *to, const struct capture_stats *s)
{
	PACKET_COUNTERS(TAKE, TAKE_PARTS)
}

static void take_requests(struct books_requests *to, const struct http_stats *s)
{
	REQUEST_COUNTERS(TAKE, TAKE_PARTS)
}

static void take_decisions(struct books_requests *to, const struct policy_stats *s)
{
	POLICY_COUNTERS(TAKE, TAKE_PARTS)
}

static void take_connections(struct books_connections *to, const struct reassembly_stats *s)
{
	CONNECTION_COUNTERS(TAKE)
	STREAM_COUNTERS(TAKE)
}

static void take_http_connections(struct books_connections *to, const struct http_stats *s)
{
	HTTP_CONNECTION_COUNTERS(TAKE)
}

static void take_http2(struct books_http2 *to, const struct http_stats *s)
{
	HTTP2_COUNTERS(TAKE, TAKE_PARTS)
}

static void add_tap(struct books_fleet *to, const struct fleet_tap *tap)
{
	to->all.next_sequence += tap->next_sequence;
#define X(field, what) to->all.field += tap->field;
	TAP_NUMBERS(X)
#undef X
	to->silent += tap->is_silent;
	to->final += tap->is_final;
}

static void take_fleet(struct books_fleet *to, const struct fleet_stats *s, const struct fleet_facts *facts)
{
	FLEET_COUNTERS(TAKE, TAKE_PARTS)
	to->is_on = true;
	if (!facts)
		return;
	to->taps = facts->taps;
	to->tap_count = facts->tap_count;
	to->is_whole = facts->is_whole && !facts->lacks_runs && facts->taps_forgotten == 0;
	for (size_t i = 0; i < facts->tap_count; i++)
		add_tap(to, &facts->taps[i]);
}

static void take_tls(struct books_tls *to, const struct tls_stats *s, const struct histogram *late_us)
{
	TLS_COUNTERS(TAKE, TAKE_PARTS)
	to->late = quantiles_of(late_us);
}

static void take_target(struct books_target *to, const struct books_target_source *from)
{
	const struct target_stats *s = from->stats;

	TARGET_COUNTERS(TAKE, TAKE_PARTS)
	to->name = from->name;
	to->shown = from->shown;
	to->breaker = from->breaker;
	to->total = quantiles_of(&s->total_us);
	to->first_byte = quantiles_of(&s->first_byte_us);
}

static void take_relay(struct books_relay *to, const struct books_sources *from)
{
	const struct relay_stats *s = from->relay;

	RELAY_COUNTERS(TAKE, TAKE_PARTS)
	to->shown = from->relay_shown;
	to->words = quantiles_of(from->relay_words);
}

static void take_unsupported(struct unsupported_share *out, const struct unsupported *from)
{
	for (size_t i = 0; i < UNSUPPORTED_MAX; i++) {
		struct unsupported_share share = { counter_get(&from->row[i].what), counter_get(&from->row[i].connections) };
		size_t at = i;

		for (; at > 0 && out[at - 1].connections < share.connections; at--)
			out[at] = out[at - 1];
		out[at] = share;
	}
}

void books_take(const struct books_sources *from, struct books *out)
{
	*out = (struct books){ 0 };
	if (from->capture)
		take_packets(&out->packets, from->capture);
	if (from->unread) {
		unread_shares(from->unread, out->unread);
		out->packets.longest_cut = counter_get(&from->unread->longest_cut);
	}
	if (from->reassembly)
		take_connections(&out->connections, from->reassembly);
	if (from->http) {
		take_requests(&out->requests, from->http);
		take_http_connections(&out->connections, from->http);
		take_http2(&out->http2, from->http);
	}
	if (from->tls)
		take_tls(&out->tls, from->tls, from->tls_late_us);
	if (from->tls_unsupported)
		take_unsupported(out->tls.unsupported, from->tls_unsupported);
	if (from->relay)
		take_relay(&out->relay, from);
	if (from->policy)
		take_decisions(&out->requests, from->policy);
	out->requests.decision[DECISION_CHOSEN] -= from->stopped + from->no_memory;
	out->requests.decision[DECISION_SHED_STOPPED] += from->stopped;
	out->requests.decision[DECISION_SHED_MEMORY] += from->no_memory;
	if (from->fleet)
		take_fleet(&out->fleet, from->fleet, from->fleet_facts);
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

static bool relay_balances(const struct books_relay *r, uint64_t chosen, struct buffer *out)
{
	bool ok = equal(out, "relay", "requests", r->requests, chosen);

	ok &= equal(out, "relay", "offered", r->offered, r->requests + r->responses);
	ok &= equal(out, "relay", "offered", r->offered, sum(r->relay_shed, 0, RELAY_SHED_COUNT - 1) + r->published);
	ok &= equal(out, "relay", "published", r->published, sum(r->relay_result, 0, RELAY_RESULT_COUNT - 1));
	return ok;
}

static uint64_t sum_of_tap(const struct fleet_tap *tap)
{
	uint64_t numbers = 0;

#define X(field, what) numbers += tap->field;
	TAP_NUMBERS(X)
#undef X
	return numbers;
}

static bool fleet_balances(const struct books_fleet *f, uint64_t seen, struct buffer *out)
{
	bool ok = equal(out, "fleet", "received", f->received,
			sum(f->malformed, 0, RECORD_FAULT_COUNT - 1) + f->expired + f->fenced_off + f->claimed);

	ok &= equal(out, "fleet", "claimed", f->claimed, seen);
	for (size_t i = 0; i < f->tap_count; i++)
		ok &= equal(out, f->taps[i].tap, "next_sequence", f->taps[i].next_sequence, sum_of_tap(&f->taps[i]));
	return ok;
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
	ok &= equal(out, "http2", "streams", b->http2.streams,
		    b->http2.requests + sum(b->http2.http2_skip, 0, HTTP2_SKIP_COUNT - 1));
	ok &= equal(out, "http2", "requests + skipped.tunnel", b->http2.requests + b->http2.http2_skip[HTTP2_TUNNEL],
		    sum(b->http2.http2_head, 0, HTTP2_HEAD_COUNT - 1));
	ok &= equal(out, "tls", "seen", b->tls.seen, sum(b->tls.tls_fate, 0, TLS_FATE_COUNT - 1));
	if (b->fleet.is_on)
		ok &= fleet_balances(&b->fleet, b->requests.seen, out);
	for (size_t i = 0; i < b->target_count; i++) {
		const struct books_target *t = &b->target[i];

		ok &= equal(out, t->name, "chosen", t->chosen, b->requests.decision[DECISION_CHOSEN]);
		ok &= equal(out, t->name, "chosen", t->chosen,
			    t->unsampled + sum(t->shed, 0, SHED_COUNT - 1) + t->sent);
		ok &= equal(out, t->name, "sent", t->sent, sum(t->outcome, 0, OUTCOME_COUNT - 1));
	}
	if (b->relay.shown)
		ok &= relay_balances(&b->relay, b->requests.decision[DECISION_CHOSEN], out);
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
		failed += sum(b->target[i].outcome, OUTCOME_ANSWERED_4XX, OUTCOME_CANCELLED_AT_EXIT - 1) + b->target[i].grpc_failed;
	return failed;
}
