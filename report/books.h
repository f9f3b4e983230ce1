/*
 * books.h - what became of everything, as numbers that add up
 *
 * Theory of operation: the stages count, each with one writer. books_take()
 * copies all counters into one struct, and text, JSON, the live line and the
 * sentence that explains an empty run are all made from that copy, so they
 * cannot disagree. Each equality of docs/contract.md, "Books", is one function
 * here and is checked on the final books; while a run goes on, requests that
 * are pending, in the ring or in flight are its two sides' difference.
 */
#ifndef REPORT_BOOKS_H
#define REPORT_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/capture_stats.h"
#include "http/http_stats.h"
#include "policy/policy_stats.h"
#include "reassembly/reassembly_stats.h"
#include "relay/fleet_stats.h"
#include "relay/relay_stats.h"
#include "replay/replay_stats.h"
#include "tls/tls_stats.h"

#define BOOKS_TARGETS_MAX 16

/** struct books_target_source - one target's counters; everything borrowed */
struct books_target_source {
	const char *name, *shown, *breaker;
	const struct target_stats *stats;
};

/** struct books_sources - where the numbers are; borrowed, NULL for a stage that does not run */
struct books_sources {
	const struct capture_stats *capture;
	const struct unread *unread;
	const struct reassembly_stats *reassembly;
	const struct http_stats *http;
	const struct tls_stats *tls;
	const struct histogram *tls_late_us; /* with @tls */
	const struct unsupported *tls_unsupported; /* likewise */
	const struct policy_stats *policy;
	const struct intake_stats *intake;
	const struct fleet_stats *fleet;
	const struct fleet_facts *fleet_facts; /* of its taps; NULL: none are known */
	uint64_t stopped, no_memory; /* chosen, handed over by the lane, and not given to the targets: shed.stopped, shed.memory */
	const struct relay_stats *relay;      /* of a broker that requests are handed over to */
	const char *relay_shown;              /* its URL */
	const struct histogram *relay_words;  /* from writing to its word */
	struct books_target_source targets[BOOKS_TARGETS_MAX];
	size_t target_count;
};

/* Bounds of the durations' buckets in microseconds, and in seconds for Prometheus; 0.3 is the default of --max-time. */
#define DURATION_BOUNDS(X)                                                                                   \
	X(500, "0.0005") X(1000, "0.001") X(2500, "0.0025") X(5000, "0.005") X(10000, "0.01")                \
	X(25000, "0.025") X(50000, "0.05") X(100000, "0.1") X(200000, "0.2") X(300000, "0.3")                \
	X(500000, "0.5") X(1000000, "1") X(2500000, "2.5") X(5000000, "5") X(10000000, "10")                 \
	X(30000000, "30") X(60000000, "60")

#define X(us, text) +1
enum { BOOKS_DURATION_BOUNDS = 0 DURATION_BOUNDS(X) };
#undef X

struct quantiles {
	uint64_t count, p50, p90, p99, max, sum; /* microseconds */
	uint64_t upto[BOOKS_DURATION_BOUNDS];    /* how many took at most so long, by DURATION_BOUNDS */
	const struct histogram *of; /* borrowed from the source, of the loop's thread; NULL: nothing was measured */
};

/* The stages' lists of counters, as numbers */
#define BOOKS_FIELD(id, name, told, type, metric, what) uint64_t name;
#define BOOKS_FIELDS(id, count) uint64_t id[count];

struct books_target {
	const char *name, *shown, *breaker; /* borrowed */
	TARGET_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
	struct quantiles total, first_byte;
};

/** struct unsupported_share - so many connections with TLS were of this, which is not read; what is an UNSUPPORTED() */
struct unsupported_share {
	uint64_t what, connections;
};

/** struct unread_share - so many packets carry this, which could not be read; what is an UNREAD() */
struct unread_share {
	uint32_t what;
	uint64_t packets;
};

struct books {
	struct unread_share unread[UNREAD_MAX]; /* the most frequent first, up to the first of 0 packets */
	struct books_packets {
		PACKET_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
		uint64_t longest_cut; /* bytes on the wire of the longest packet that came cut */
	} packets;
	struct books_requests {
		REQUEST_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
		POLICY_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
	} requests;
	struct books_connections {
		CONNECTION_COUNTERS(BOOKS_FIELD)
		HTTP_CONNECTION_COUNTERS(BOOKS_FIELD)
		STREAM_COUNTERS(BOOKS_FIELD)
	} connections;
	struct books_http2 {
		HTTP2_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
	} http2;
	struct books_tls {
		TLS_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
		struct quantiles late; /* how long the first record waited for its secrets, where one did */
		struct unsupported_share unsupported[UNSUPPORTED_MAX]; /* most connections first, up to the first of none */
	} tls;
	struct books_relay {
		const char *shown; /* borrowed; NULL: nothing is handed over */
		RELAY_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
		struct quantiles words;
	} relay;
	struct books_fleet {
		FLEET_COUNTERS(BOOKS_FIELD, BOOKS_FIELDS)
		bool is_on;                   /* requests came from a broker */
		bool is_whole;                /* what taps numbered is known of all partitions */
		struct fleet_tap all;         /* its numbers added up */
		uint64_t silent, final;       /* taps that are */
		const struct fleet_tap *taps; /* borrowed */
		size_t tap_count;
	} fleet;
	struct books_target target[BOOKS_TARGETS_MAX];
	size_t target_count;
	struct quantiles lateness;
};

/** books_take() - copy the counters; the loop's thread, since histograms are its own */
void books_take(const struct books_sources *from, struct books *out);

/** unread_shares() - the rows as numbers, the most frequent first; @out has UNREAD_MAX */
void unread_shares(const struct unread *from, struct unread_share *out);

/** books_imbalance() - append a sentence for each equality that does not hold; true if all hold (a finished run) */
bool books_imbalance(const struct books *b, struct buffer *out);

/** books_sent() - exchanges begun with any target */
uint64_t books_sent(const struct books *b);

/** books_failed() - exchanges with any target that ended in failed.*, or with a status of 400 or more */
uint64_t books_failed(const struct books *b);

/** books_text() - the totals as lines for people, each an equality by the names of docs/contract.md */
void books_text(const struct books *b, struct buffer *out);

struct json;

/** books_json() - members of an object that the caller has opened: its parts; "relay" and "fleet" with a broker alone */
void books_json(const struct books *b, struct json *j);

#endif
