/*
 * tls_reader.h - TLS as a reader of connections: what is handed to a tracker
 *
 * Theory of operation. To the tracker it is a protocol like others, which claims a
 * ClientHello. To the protocols it is what the tracker is: it makes one of their
 * readers when the first plaintext is here, by the same claims, and gives it bytes,
 * gaps and ends, in offsets of the plaintext. Neither side knows of the other.
 *
 * A connection is told by its two hellos, and then its secrets are asked for. Until
 * they are known all that comes waits, in the order of capture, and is read when
 * they are, as if it came then: only times are those of the packets. A connection
 * that ends meanwhile waits on without its flow. What waits is charged to the budget,
 * and has a bound in time and in bytes; beyond it the connection is left.
 * Of a recording whose secrets are all known before it is read, nothing waits. How late secrets came is the time for
 * which the first record that they open had waited; if none had, they were not late.
 *
 * A connection whose handshake was not captured is left, unless there is a joiner (tls_join.c): then it waits likewise, for
 * the answer which secret is its own.
 *
 * A connection of which no secret can be known is left at its first bytes, as if there were no such reader.
 */
#ifndef TLS_TLS_READER_H
#define TLS_TLS_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/histogram.h"
#include "reassembly/reader.h"
#include "tls/secrets.h"
#include "tls/tls_stats.h"

#define TLS_INNER_MAX 4

/** struct tls_lane - the connections of one tracker, for who tells the time; filled by its open() */
struct tls_lane {
	void *shared; /* NULL: there is no such reader */
	bool waits;   /* some connection waits for its secrets */
	struct unsupported unsupported;
};

struct joiner;

struct tls_reader_options {
	struct secrets *secrets; /* borrowed for the tracker's life, as all here are */
	bool may_come;           /* secrets may be added while packets are read */
	int64_t wait_ns;         /* capture time for which a connection waits for them */
	struct joiner *joiner;   /* for connections whose handshake was not captured; NULL: they are left */
	bool awaits_joiner;      /* of a recording: the tracker's thread waits for its answers, so that each run finds the same */
	struct reader_kind inner[TLS_INNER_MAX]; /* who reads the plaintext */
	size_t inner_count;
	struct budget *budget;
	struct tls_stats *stats;
	struct counted_histogram *late_us; /* by how much secrets came late, a value for each connection that waited and was read */
	struct tls_lane *lane;
};

/** tls_is_locked() - of a lane with a reader: could all secrets, those that connections keep too, be locked in memory so far? */
bool tls_is_locked(const struct tls_lane *lane);

/** tls_reader() - for tracker_new(); @options borrowed for that call */
struct reader_kind tls_reader(const struct tls_reader_options *options);

/** tls_look_now() - what tls_look() does while something waits */
void tls_look_now(struct tls_lane *lane, int64_t ns);

/** tls_look() - on the tracker's thread, now and then: are there secrets for who waits? @ns: time that went by without a packet */
static inline void tls_look(struct tls_lane *lane, int64_t ns)
{
	if (lane->waits)
		tls_look_now(lane, ns);
}

/** tls_finish() - behind tracker_finish(): who still waits has waited in vain */
void tls_finish(struct tls_lane *lane);

#endif
