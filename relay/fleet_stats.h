/*
 * fleet_stats.h - the books of a replayer: what it got from the broker
 *
 *   received = malformed + expired + fenced_off + claimed
 *
 * counts requests, each when it is decided. What is claimed goes on to the rules
 * and the targets: requests.seen. Production's responses are counted aside. One
 * writer: the lane.
 */
#ifndef RELAY_FLEET_STATS_H
#define RELAY_FLEET_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "relay/record_read.h"

/* See base/counter.h for the columns. */
#define FLEET_COUNTERS(X, PARTS)                                                                             \
	X(received, received, REPORT, COUNTER, "shadowtap_fleet_received_total",                             \
	  "Requests from the broker that were decided.")                                                     \
	PARTS(malformed, RECORD_FAULT_COUNT)                                                                 \
	X(expired, expired, REPORT, COUNTER, "shadowtap_relay_expired_total",                                \
	  "Requests older than --max-age by the broker's clock: not sent.")                                  \
	X(fenced_off, fenced_off, REPORT, COUNTER, "shadowtap_relay_fenced_total",                           \
	  "Requests that another replayer had claimed: not sent here.")                                      \
	X(claimed, claimed, REPORT, COUNTER, "shadowtap_relay_claimed_total",                                \
	  "Requests claimed, which nobody else sends: they go on as requests.seen.")                         \
	X(claims, claims, REPORT, COUNTER, "shadowtap_relay_claims_total", "Batches claimed.")               \
	X(lost_at_crash, lost_at_crash, REPORT, COUNTER, "shadowtap_relay_lost_at_crash_total",              \
	  "At most so many requests had been claimed and were not ended when a replayer died whose partition was taken over.") \
	X(late, late, REPORT, COUNTER, NULL,                                                                 \
	  "Recorded pace: requests that came after later ones had gone; sent at once.")                      \
	X(responses, responses, REPORT, COUNTER, NULL, "Responses of production from the broker.")           \
	X(responses_unmatched, responses_unmatched, REPORT, COUNTER, NULL,                                   \
	  "Of these, those whose request was not sent here, or that came too late for it.")                  \
	X(responses_given_up, responses_given_up, REPORT, COUNTER, NULL,                                     \
	  "Responses that were to come and did not.")                                                        \
	X(other_records, other_records, REPORT, COUNTER, NULL, "Messages of types that this version does not know.") \
	X(reconnects, reconnects, REPORT, COUNTER, "shadowtap_relay_reconnects_total",                       \
	  "Times the connection to the broker was made again.")                                              \
	X(voided, voided, REPORT, COUNTER, NULL,                                                             \
	  "Times a partition's claim named another stream than there is: it was begun anew.")                \
	X(lag, lag, REPORT, GAUGE, "shadowtap_relay_lag", "Records of our partitions at the broker that are not decided yet.") \
	X(partitions_owned, partitions_owned, REPORT, GAUGE, "shadowtap_relay_partitions_owned",             \
	  "Partitions that this replayer reads now.")                                                        \
	X(partitions, partitions, REPORT, GAUGE, NULL, "Partitions that the stream has.")

struct fleet_stats {
	FLEET_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

#define TAPS_NAME_MAX 97 /* with its NUL */

/*      field, what it counts. A number that a tap gave is in exactly one of them: see taps.h */
#define TAP_NUMBERS(X)                                                                                       \
	X(before, "Given before the group began.")                                                           \
	X(received, "Decided, by any replayer of the group.")                                                \
	X(duplicate, "Known to the broker already: another tap had the request, too.")                       \
	X(refused, "Refused by the broker.")                                                                 \
	X(evicted, "Discarded by the broker, full or after its time, before they were reached.")             \
	X(missing, "None of these: lost at the broker.")                                                     \
	X(pending, "Still to come.")                                                                         \
	X(unknown, "The tap fell silent: perhaps never written.")

/** struct fleet_tap - a run of a tap, as reports have it */
struct fleet_tap {
	char tap[TAPS_NAME_MAX], run[TAPS_NAME_MAX];
	uint64_t next_sequence; /* numbers that it gave; the sum of those that follow */
#define X(field, what) uint64_t field;
	TAP_NUMBERS(X)
#undef X
	uint64_t offered, shed, dropped; /* at the tap, before a number was given */
	int64_t skew_us;                 /* its clock less the engine's, median; with has_skew */
	bool has_skew, is_final, is_silent;
};

/** struct fleet_facts - what is known of the fleet */
struct fleet_facts {
	struct fleet_tap *taps; /* own memory */
	size_t tap_count;
	uint64_t taps_forgotten;
	bool lacks_runs; /* there were more runs than claims count */
	bool is_whole;   /* all partitions were looked at, so that the sums of taps hold */
};

#endif
