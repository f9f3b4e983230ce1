/* books_json.c - the same numbers for programs: the names of the contract, nested at their dots */
#include <string.h>

#include "base/json.h"
#include "report/books.h"
#include "report/books_names.h"

static void member(struct json *j, const char *name, uint64_t value)
{
	json_key(j, name);
	json_uint(j, value);
}

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
			member(j, names[i].group, values[i]);
			continue;
		}
		if (first) {
			json_key(j, names[i].group);
			json_open(j, '{');
		}
		member(j, names[i].name, values[i]);
		if (last)
			json_close(j, '}');
	}
}

static void quantiles_json(struct json *j, const char *name, const struct quantiles *q)
{
	json_key(j, name);
	json_open(j, '{');
	member(j, "count", q->count);
	member(j, "p50", q->p50);
	member(j, "p90", q->p90);
	member(j, "p99", q->p99);
	member(j, "max", q->max);
	json_close(j, '}');
}

static void target_json(struct json *j, const struct books_target *t)
{
	json_key(j, t->name);
	json_open(j, '{');
	json_key(j, "url");
	json_str(j, t->shown);
	member(j, "chosen", t->chosen);
	member(j, "unsampled", t->unsampled);
	table(j, shed_names, t->shed, SHED_COUNT);
	member(j, "sent", t->sent);
	table(j, outcome_names, t->outcome, OUTCOME_COUNT);
	member(j, "in_flight", t->in_flight);
	member(j, "queued", t->queued);
	member(j, "connects", t->connects);
	member(j, "bytes_sent", t->bytes_sent);
	member(j, "dns_failures", t->dns_failures);
	json_key(j, "breaker");
	json_open(j, '{');
	json_key(j, "state");
	json_str(j, t->breaker);
	member(j, "opened", t->breaker_opened);
	json_close(j, '}');
	quantiles_json(j, "total_us", &t->total);
	quantiles_json(j, "first_byte_us", &t->first_byte);
	json_close(j, '}');
}

static void connections_json(struct json *j, const struct books *b)
{
	json_key(j, "connections");
	json_open(j, '{');
	member(j, "seen", b->connections.seen);
	member(j, "midstream", b->connections.midstream);
	member(j, "one_way", b->connections.one_way);
	member(j, "not_http", b->connections.not_http);
	member(j, "tls", b->connections.tls);
	member(j, "http2", b->connections.http2);
	member(j, "upgraded", b->connections.upgraded);
	member(j, "copies", b->connections.copies);
	member(j, "gaps", b->connections.gaps);
	member(j, "gap_bytes", b->connections.gap_bytes);
	member(j, "retransmitted_bytes", b->connections.retransmitted_bytes);
	member(j, "open", b->connections.open);
	member(j, "evicted", b->connections.evicted);
	json_close(j, '}');
}

void books_json(const struct books *b, struct json *j)
{
	json_key(j, "packets");
	json_open(j, '{');
	member(j, "received", b->packets.received);
	member(j, "received_bytes", b->packets.received_bytes);
	table(j, packet_names, b->packets.fate, PACKET_FATE_COUNT);
	member(j, "cut_payload", b->packets.cut_payload);
	member(j, "dropped_kernel", b->packets.dropped_kernel);
	member(j, "dropped_interface", b->packets.dropped_interface);
	json_close(j, '}');
	json_key(j, "requests");
	json_open(j, '{');
	member(j, "seen", b->requests.seen);
	member(j, "complete", b->requests.complete);
	table(j, lost_names, b->requests.lost, LOST_REASON_COUNT);
	table(j, verdict_names, b->requests.verdict, VERDICT_COUNT);
	member(j, "match_limit", b->requests.match_limit);
	json_close(j, '}');
	connections_json(j, b);
	json_key(j, "targets");
	json_open(j, '{');
	for (size_t i = 0; i < b->target_count; i++)
		target_json(j, &b->target[i]);
	json_close(j, '}');
	quantiles_json(j, "lateness_us", &b->lateness);
}
