/*
 * taps.h - what taps say of themselves, and what has become of their records
 *
 * Theory of operation. A run of a tap numbers what it writes to the broker, from 0
 * without a gap, and says each second in a heartbeat how far it has come, and how
 * many of these numbers the broker refused or knew already from another tap
 * (duplicate). What replayers decided of a run is counted in the claims of all
 * partitions (claim.h), exactly, whoever died. So a number that is none of these is
 * a hole, and has one of these names:
 *
 *   evicted   the engine discarded records before they were reached
 *   missing   neither that: the broker lost it
 *   pending   it may still come
 *   unknown   the tap fell silent without a last word, so it may never have been written
 *
 *   next_sequence = before + received + duplicate + refused + evicted + missing + pending + unknown
 *
 * A run is settled when its last heartbeat has come, or none for TAPS_SILENT_NS by
 * the engine's clock, and nothing lies unread. Of one that goes on only a lower bound
 * of missing is known: numbers that its heartbeat before the last named and that
 * nobody has seen, although nothing lies unread; the rest is pending. @before is what
 * a run had numbered when the group began: it is not this group's.
 *
 * Bounded: TAPS_MAX runs, the oldest that are settled are forgotten first.
 */
#ifndef RELAY_TAPS_H
#define RELAY_TAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"
#include "relay/claim.h"
#include "relay/fleet_stats.h"

#define TAPS_MAX        1024
#define TAPS_SILENT_NS  (INT64_C(10) * NS_PER_S)
#define TAPS_SKEWS      15 /* heartbeats of whose skews the median is taken */

/** struct heartbeat - what one says; counts are of the run since it began */
struct heartbeat {
	uint64_t next_sequence;
	uint64_t offered, shed, published, acked, duplicate, refused, unknown;
	uint64_t dropped; /* packets that its kernel dropped */
	bool is_final;
};

/** heartbeat_read() - JSON, from anywhere. Return: 0, -EINVAL, -ENOMEM. */
int heartbeat_read(struct span text, struct heartbeat *out);

/** taps_source() - the names in "shadowtap://TAP/RUN"; each of at most TAPS_NAME_MAX - 1 letters, digits, ".", "-", "_" */
bool taps_source(struct span source, struct span *tap, struct span *run);

struct taps;

struct taps *taps_new(void);
void taps_free(struct taps *t);

/**
 * taps_heard() - a heartbeat
 * @said:    by the tap's clock; ns 0: not known
 * @stored:  by the engine's
 */
void taps_heard(struct taps *t, struct span source, const struct heartbeat *h, struct wall said, struct wall stored);

/** taps_seen() - a record of this source: the run is known by its names, too, if no heartbeat of it comes */
void taps_seen(struct taps *t, struct span source);

/** taps_base() - what is known of all runs goes to @c as what was before the group began */
void taps_base(const struct taps *t, struct partition_claim *c);

size_t taps_count(const struct taps *t);
uint64_t taps_forgotten(const struct taps *t);

/** struct taps_state - of the whole group */
struct taps_state {
	const struct partition_claim *const *claims; /* of all partitions; NULL where there is none */
	size_t claim_count;
	struct wall now;    /* by the engine's clock */
	bool nothing_unread; /* in no partition does a record lie that was not decided */
	bool begins_late;   /* the group began in the middle of the stream, so runs may be older than it */
};

/** taps_row() - run @i, of taps_count(), as things stand; the equality above holds */
void taps_row(const struct taps *t, size_t i, const struct taps_state *state, struct fleet_tap *out);

#endif
