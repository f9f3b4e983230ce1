/*
 * metrics.h - the books, and what only the running program knows, as Prometheus reads them
 *
 * Theory of operation: text format 0.0.4, made from the same struct books as
 * every other report, so a dashboard and the report at exit cannot disagree.
 * Names and units by Prometheus' conventions: counters end in _total, times are
 * seconds, sizes bytes, shares ratios from 0 to 1.
 *
 * Where docs/contract.md, "Books", has an equality, the parts are one counter
 * with the labels result and reason, so that a sum over the labels is the whole
 * and nothing is counted twice: shadowtap_packets_total adds up to
 * packets.received, shadowtap_requests_total to requests.seen, and so on. What
 * may overlap (a connection can be both midstream and TLS) is counted apart.
 *
 * Every name here is a promise to dashboards and alerts; docs/metrics.md lists
 * them, and a test compares that list with this output.
 */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "compare/comparison.h"
#include "report/books.h"

/** struct metrics_facts - what stands in no books */
struct metrics_facts {
	const char *version;
	double started_s;         /* Unix time */
	double cpu_s;             /* of all threads */
	uint64_t resident_bytes;  /* 0: not known, left out */
	bool capturing;
	uint64_t sample_share, sample_asked; /* parts per SHARE_ONE; without the CPU governor */
	uint64_t target_share[BOOKS_TARGETS_MAX];
	uint64_t queue_limit;                /* of each target */
	uint64_t memory_used, memory_limit;  /* --max-memory */
	uint64_t handover_waiting;           /* messages between capture and loop */
	uint64_t config_read, config_refused;
	uint64_t events_dropped;
	uint64_t admin_responses, admin_refused;
	bool comparing; /* --compare: pairs of responses, by verdict */
	struct comparison_counts compared[BOOKS_TARGETS_MAX];
	uint64_t comparing_open; /* requests whose pairs are not all decided */
};

/** metrics_text() - append the whole exposition */
void metrics_text(const struct books *b, const struct metrics_facts *facts, struct buffer *out);

#endif
