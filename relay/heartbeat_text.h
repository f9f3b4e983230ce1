/* heartbeat_text.h - what a tap says of itself each second, in JSON; taps.h reads it */
#ifndef RELAY_HEARTBEAT_TEXT_H
#define RELAY_HEARTBEAT_TEXT_H

#include "base/buffer.h"
#include "base/clock.h"
#include "relay/inflight.h"
#include "relay/relay_stats.h"

/** struct heartbeat_facts - all borrowed */
struct heartbeat_facts {
	uint64_t next_sequence;
	bool is_final;
	const struct relay_stats *stats;
	const struct inflight_range *refused; /* numbers, so that a hole has a name */
	size_t refused_count;
	struct wall clock;   /* ours */
	struct span members; /* of JSON, beside these: packets, requests; empty: none */
};

/**
 * heartbeat_text() - append one object
 *
 *   {"next_sequence":7,"final":false,"clock":"2026-11-28T09:00:00.000000000Z","relay":{"offered":7,...,"shed":{...},...},
 *    "refused_sequences":[[3,4]],"packets":{...},"requests":{...}}
 */
void heartbeat_text(const struct heartbeat_facts *facts, struct buffer *out);

#endif
