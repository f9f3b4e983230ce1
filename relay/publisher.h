/*
 * publisher.h - hands records over to a broker, on a thread of its own
 *
 * Theory of operation. The loop offers records; a bounded ring takes them to the
 * publisher's thread, which owns the connection. The loop never waits for it: they share
 * no lock, and where there is no connection or no room, the record is shed and counted.
 * What waits is bounded by bytes (--relay-buffer, charged to --max-memory) and, with what
 * was published and has not been answered for, by count (INFLIGHT_MAX). What the network
 * has not taken yet is bounded too: nothing is written behind it.
 *
 * The thread numbers records as it writes them, without a gap, and the broker's word
 * about each comes back by its number (inflight.h). Nothing is sent again: not after an
 * error, not after a connection is lost. What has waited for RELAY_STALE_NS, since
 * there was no connection or since the broker took nothing, is shed instead of sent, so
 * that a broker that comes back gets no requests of before.
 *
 * Each second a heartbeat says how far the numbers are and what became of them, so
 * that replayers can tell a hole from a record that never was; the last one says so.
 *
 * The first record after a pause is written at once. A turn of the thread that had something
 * to do is then followed by a moment in which more gathers, records and words alike, without a
 * wake-up for each: a system call and a change of threads cost more than all else about a
 * record. A turn that found nothing to do sleeps until the loop or the broker wakes it.
 */
#ifndef RELAY_PUBLISHER_H
#define RELAY_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "base/histogram.h"
#include "relay/engine.h"
#include "relay/record.h"
#include "relay/relay_stats.h"

#define RELAY_STALE_NS (2 * NS_PER_S)

struct publisher;

/** struct publisher_options - texts are copied */
struct publisher_options {
	struct engine *engine; /* taken by publisher_new(), if that succeeds */
	const char *service, *tap, *run;
	uint32_t partitions; /* where the stream does not say it */
	uint64_t buffer_bytes;
	struct budget *budget; /* what waits is charged to it; NULL: to nothing */
	/* Publisher's thread: something is to be asked for, publisher_news(), publisher_has_ended() or room; coalesces. */
	void (*on_wake)(void *ctx);
	void *ctx;
};

int publisher_new(const struct publisher_options *options, struct publisher **out);

/**
 * publisher_begin() - before its thread: @up: the engine is connected. Sees to the stream, once
 * @error:  one sentence about the stream, if it is not there and cannot be made; no error, since it may come
 */
void publisher_begin(struct publisher *p, bool up, struct buffer *error);

/** publisher_start() - the thread; 0 or a negative errno */
int publisher_start(struct publisher *p);

/**
 * publisher_takes() - loop: one more of @kind is offered
 * Return: false: it is shed, so it need not be made. Else publisher_give() is to follow.
 */
bool publisher_takes(struct publisher *p, enum record_kind kind);

/** publisher_give() - loop: take @r (NULL: there was no memory for it), and hand it over; false: it was shed after all */
bool publisher_give(struct publisher *p, struct record *r);

/** publisher_has_room() - loop: for who may wait, is most of the room free? If not, on_wake() comes when it is */
bool publisher_has_room(struct publisher *p);

/** publisher_is_busy() - any thread: does it hold memory that will come back? */
bool publisher_is_busy(const struct publisher *p);

/** publisher_set_facts() - loop: members of JSON that the next heartbeats have beside their own, as {"packets":{...}}; copied */
void publisher_set_facts(struct publisher *p, struct span members);

/** publisher_news() - loop: append what is to be told since this was last asked, a line each; false if there is nothing */
bool publisher_news(struct publisher *p, struct buffer *lines);

/** publisher_stats() - any thread may read them */
const struct relay_stats *publisher_stats(const struct publisher *p);

/** publisher_word_times() - any thread: from writing to the broker's word, in us */
void publisher_word_times(const struct publisher *p, struct histogram *out);

/** publisher_limit() - any thread: bytes that the broker takes in one message; 0: not known yet */
uint64_t publisher_limit(const struct publisher *p);

/**
 * publisher_end() - loop: publish what waits and wait for the broker's words, for @limit_ns at most; then say so in a last
 * heartbeat and end. May be called again, with less time. Without a thread, or once it has ended, nothing.
 */
void publisher_end(struct publisher *p, int64_t limit_ns);

/** publisher_has_ended() - loop */
bool publisher_has_ended(const struct publisher *p);

/** publisher_stop() - end the thread at once if it still runs, and wait for it */
void publisher_stop(struct publisher *p);

/** publisher_free() - stopped or not; NULL allowed */
void publisher_free(struct publisher *p);

/* ---- the thread's work, for tests: one step is what it does each time it wakes ---- */
void publisher_step(struct publisher *p, struct mono now, struct wall wall);

#endif
