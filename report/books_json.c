/* books_json.c - the same numbers for programs: the names of the contract, nested at their dots */
#include <string.h>

#include "base/histogram.h"
#include "base/json.h"
#include "report/books.h"
#include "report/books_names.h"

/*
 * A table as members: entries without a name are members of their own, runs of
 * one group become an object under the group's name.
 */
static void table(struct json *j, const struct book_name *names, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool first = i == 0 || strcmp(names[i].group, names[i - 1].group) != 0;
		bool last = i + 1 == count || strcmp(names[i].group, names[i + 1].group) != 0;

		if (!names[i].name) {
			json_count(j, names[i].group, values[i]);
			continue;
		}
		if (first) {
			json_key(j, names[i].group);
			json_open(j, '{');
		}
		json_count(j, names[i].name, values[i]);
		if (last)
			json_close(j, '}');
	}
}

static void quantiles_json(struct json *j, const char *name, const struct quantiles *q)
{
	json_key(j, name);
	json_open(j, '{');
	json_count(j, "count", q->count);
	json_count(j, "p50", q->p50);
	json_count(j, "p90", q->p90);
	json_count(j, "p99", q->p99);
	json_count(j, "max", q->max);
	json_count(j, "sum", q->sum);
	if (q->of) { /* what reports are merged by */
		histogram_buckets_json(q->of, j, "buckets");
	} else {
		json_key(j, "buckets");
		json_open(j, '[');
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void target_json(struct json *j, const struct books_target *t)
{
	json_key(j, t->name);
	json_open(j, '{');
	json_key(j, "url");
	json_str(j, t->shown);
	json_count(j, "chosen", t->chosen);
	json_count(j, "unsampled", t->unsampled);
	table(j, shed_names, t->shed, SHED_COUNT);
	json_count(j, "sent", t->sent);
	table(j, outcome_names, t->outcome, OUTCOME_COUNT);
	json_count(j, "in_flight", t->in_flight);
	json_count(j, "queued", t->queued);
	json_count(j, "connects", t->connects);
	json_count(j, "bytes_sent", t->bytes_sent);
	json_count(j, "dns_failures", t->dns_failures);
	json_key(j, "breaker");
	json_open(j, '{');
	json_key(j, "state");
	json_str(j, t->breaker);
	json_count(j, "opened", t->breaker_opened);
	json_close(j, '}');
	quantiles_json(j, "total_us", &t->total);
	quantiles_json(j, "first_byte_us", &t->first_byte);
	json_close(j, '}');
}

static void connections_json(struct json *j, const struct books *b)
{
	json_key(j, "connections");
	json_open(j, '{');
	json_count(j, "seen", b->connections.seen);
	json_count(j, "midstream", b->connections.midstream);
	json_count(j, "one_way", b->connections.one_way);
	json_count(j, "outgoing", b->connections.outgoing);
	json_count(j, "proxied", b->connections.proxied);
	json_count(j, "proxy_unread", b->connections.proxy_unread);
	json_count(j, "not_http", b->connections.not_http);
	json_count(j, "tls", b->connections.tls);
	json_count(j, "http2", b->connections.http2);
	json_count(j, "upgraded", b->connections.upgraded);
	json_count(j, "copies", b->connections.copies);
	json_count(j, "multipath", b->connections.multipath);
	json_count(j, "gaps", b->connections.gaps);
	json_count(j, "gap_bytes", b->connections.gap_bytes);
	json_count(j, "retransmitted_bytes", b->connections.retransmitted_bytes);
	json_count(j, "open", b->connections.open);
	json_count(j, "evicted", b->connections.evicted);
	json_close(j, '}');
}

void books_json(const struct books *b, struct json *j)
{
	json_key(j, "packets");
	json_open(j, '{');
	json_count(j, "received", b->packets.received);
	json_count(j, "received_bytes", b->packets.received_bytes);
	table(j, packet_names, b->packets.result, PACKET_RESULT_COUNT);
	json_count(j, "cut_payload", b->packets.cut_payload);
	json_count(j, "dropped_kernel", b->packets.dropped_kernel);
	json_count(j, "dropped_interface", b->packets.dropped_interface);
	json_close(j, '}');
	json_key(j, "requests");
	json_open(j, '{');
	json_count(j, "seen", b->requests.seen);
	json_count(j, "complete", b->requests.complete);
	table(j, lost_names, b->requests.lost, LOST_REASON_COUNT);
	table(j, decision_names, b->requests.decision, DECISION_COUNT);
	json_count(j, "match_limit", b->requests.match_limit);
	json_close(j, '}');
	connections_json(j, b);
	json_key(j, "targets");
	json_open(j, '{');
	for (size_t i = 0; i < b->target_count; i++)
		target_json(j, &b->target[i]);
	json_close(j, '}');
	quantiles_json(j, "lateness_us", &b->lateness);
}
