/*
 * stream.h - the bytes of one direction of a connection, put in order
 */
#ifndef REASSEMBLY_STREAM_H
#define REASSEMBLY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"
#include "base/span.h"
#include "message/lost_reason.h"
#include "reassembly/chunk.h"
#include "reassembly/reassembly_stats.h"
#include "reassembly/sequence.h"

/**
 * struct stream_reader - who reads a stream
 * @on_bytes: the next bytes; false if no more is wanted: what is held is dropped and nothing follows
 * @on_gap:   @bytes that will never come, and why (LOST_GAP or LOST_TRUNCATED; LOST_URGENT: it is not known which
 *            were read, and how many bytes are left out is not either: UINT32_MAX); false likewise
 * @on_wait:  bytes wait behind a gap: stream_look() must be called until it returns false
 */
struct stream_reader {
	bool (*on_bytes)(void *ctx, const struct chunk *piece);
	bool (*on_gap)(void *ctx, uint32_t bytes, enum lost_reason why);
	void (*on_wait)(void *ctx);
};

/** struct stream_env - what all streams of a lane share */
struct stream_env {
	struct stream_reader reader;
	size_t hold_bytes; /* payload waiting for a gap to close, per stream */
	struct budget *budget;
	struct reassembly_stats *stats;
	const struct wall *clock; /* capture time, as the owner follows it */
};

#define STREAM_LOOK_NS (250 * NS_PER_MS) /* how often a gap is looked at while no packet comes */

struct held;

/** struct stream - owned by the flow; the zero value is a stream of which nothing was seen */
struct stream {
	struct stream_place at; /* at.next is the byte that the reader waits for */
	struct held *held;      /* treap by sequence number, no two overlap, all beyond at.next */
	uint64_t acked;         /* with ack_known: the peer has every byte before this offset; 0 if there never was an ack */
	uint32_t held_bytes;
	uint32_t fin_seq;   /* with fin_known: where the stream ends */
	uint32_t cut_until; /* with cut_known: bytes before it that are not here were cut by the snaplen */
	uint32_t gap_ack;   /* one-way captures: the sender's ack when the gap was last looked at */
	uint32_t urgent_at; /* with urgent_known: the last byte that was said to be urgent */
	uint32_t stray_next;
	uint32_t gap_at;     /* with waits: the gap that is waited for begins here */
	uint32_t lost_until; /* ... and that gap and those up to here are given up when it took too long */
	struct wall since;   /* with waits: when the waiting began */
	uint8_t gap_packets, ack_moves, strays;
	bool ack_known, fin_known, cut_known, early_over, waits, overdue;
	bool urgent_known, urgent_waits, urgent_unsure; /* with urgent_waits it is still to come */
	bool unusual; /* there is or was a FIN or an urgent byte */
};

#define STREAM_FIRST (UINT64_C(1) << 32) /* where offsets begin: what goes before the first byte has one as well */

/** stream_offset_from() - where the byte with number @seq lies, as near as can be to @from */
static inline uint64_t stream_offset_from(uint64_t from, uint32_t seq)
{
	return from + (uint64_t)(int64_t)seq_distance((uint32_t)from, seq);
}

/**
 * stream_offset() - where the byte with number @seq lies; the lower half of an offset is the sequence number
 *
 * As near as can be to what is known of the stream, so that offsets grow on when numbers wrap.
 */
static inline uint64_t stream_offset(const struct stream *st, uint32_t seq)
{
	return stream_offset_from(st->at.synced ? st->at.next : st->acked ? st->acked : STREAM_FIRST, seq);
}

/** stream_begin() - the next byte in order is @seq */
void stream_begin(struct stream *st, uint32_t seq);

/**
 * stream_keep_early() - hold a segment of a stream whose begin is not known yet: its SYN, or the head of its first
 * request, may be captured late
 *
 * Return: whether it is held. If not, the caller drops those that are, for more than a few are no matter of order.
 */
bool stream_keep_early(struct stream *st, const struct stream_env *env, const struct chunk *piece,
		       uint32_t missing);

/** stream_early_ack() - the highest ack on the held ones that begin before @seq; false if there is none */
bool stream_early_ack(const struct stream *st, uint32_t seq, uint32_t *ack);

/** stream_early_end() - where what was kept of the bytes before @seq ends; false if nothing was */
bool stream_early_end(const struct stream *st, uint32_t seq, uint32_t *end);

/**
 * stream_early_from() - the stream starts at @seq, as its SYN says or its first request
 *
 * Of what was kept, that stays which can follow.
 */
void stream_early_from(struct stream *st, const struct stream_env *env, uint32_t seq);

/**
 * stream_feed() - add one segment's payload
 * @st:       synced
 * @ctx:      for the reader
 * @piece:    borrowed; may be empty, may overlap what was seen: the byte seen first stays (RFC 9293, 3.10.7.4)
 * @missing:  bytes that the segment had after those (snaplen)
 *
 * Bytes that are now in order reach the reader before this returns.
 */
void stream_feed(struct stream *st, const struct stream_env *env, void *ctx, const struct chunk *piece,
		 uint32_t missing);

/* Twice the largest window that systems grant by themselves (32 MiB), since data may be lost up to there. */
#define STREAM_AHEAD_MAX (64 << 20)
#define STREAM_BEHIND_MAX (1 << 30)

/** stream_ack_early() - stream_ack() while it is not known where the stream begins */
uint64_t stream_ack_early(struct stream *st, uint32_t ack);

/**
 * stream_ack() - the peer says that it has all bytes before @ack, whether the begin is known or not; nonsense is ignored
 *
 * Return: the offset of @ack.
 */
static inline uint64_t stream_ack(struct stream *st, uint32_t ack)
{
	int32_t ahead = seq_distance((uint32_t)st->at.next, ack);
	uint64_t at = st->at.next + (uint64_t)(int64_t)ahead;

	if (!st->at.synced)
		return stream_ack_early(st, ack);
	if ((uint32_t)ahead + STREAM_BEHIND_MAX > STREAM_AHEAD_MAX + STREAM_BEHIND_MAX)
		return at;
	if (!st->ack_known || seq_before((uint32_t)st->acked, ack)) {
		st->acked = at;
		st->ack_known = true;
	}
	return at;
}

/**
 * stream_urgent() - the sender says that the byte at @at is urgent, before the segment that says so is fed
 *
 * The stream goes on without that byte.
 */
void stream_urgent(struct stream *st, const struct stream_env *env, void *ctx, uint32_t at);

/** stream_fin() - the sender says that the stream ends at @seq, whether its begin is known or not */
void stream_fin(struct stream *st, uint32_t seq);

/** stream_ended() - all bytes up to the sender's FIN were read or given up */
bool stream_ended(const struct stream *st);

/** stream_is_open() - does something wait behind bytes that are not here, if only the end? */
static inline bool stream_is_open(const struct stream *st)
{
	/* Without a begin, what came before the FIN may be late, and the begin with it. */
	return st->held || (st->fin_known && (!st->at.synced || seq_before(st->at.next, st->fin_seq)));
}

/**
 * stream_look() - is it time to give up the gap that others wait behind?
 * @packet: a packet of the connection has come, after the one that opened the gap; false: only time has passed
 *
 * Return: whether something waits still
 */
bool stream_look(struct stream *st, const struct stream_env *env, void *ctx, bool packet);

/** stream_near() - could a segment that begins at @seq belong to this stream now? */
bool stream_near(const struct stream *st, uint32_t seq);

/** stream_close_gaps() - nothing will come any more: give up all gaps, the one before the FIN too */
void stream_close_gaps(struct stream *st, const struct stream_env *env, void *ctx);

/** stream_drop() - free what is held; the reader hears nothing */
void stream_drop(struct stream *st, const struct stream_env *env);

#endif
