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

#include "base/counter.h"
#include "relay/record.h"

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

#endif
