/*
 * lane_impl.h - a lane, for the files that share its work
 *
 *   lane.c            the thread: packets in, rounds, waiting, stopping
 *   lane_relay.c      in place of packets: what a broker has
 *   lane_requests.c   requests out: decided, counted, handed over
 */
#ifndef APP_RUN_LANE_IMPL_H
#define APP_RUN_LANE_IMPL_H

#include <pthread.h>

#include "app/run/lane.h"
#include "http/http_stats.h"
#include "http/protocol.h"
#include "tls/tls_reader.h"

struct lane {
	struct lane_options o;
	struct source *source; /* replaced only under source_lock, since lane_stop() reaches for it */
	pthread_mutex_t source_lock;
	struct decoder *decoder;
	struct tracker *tracker;
	struct lane_rules *rules;                /* the lane's thread only, while it runs */
	_Atomic(struct lane_rules *) next_rules; /* NULL: nothing new */
	struct event_log *event_log;             /* NULL: the loop writes events, or there are none */
	struct policy_stats *decisions;
	struct capture_stats stats;
	struct http_stats http_stats;
	struct tls_stats tls_stats;
	struct counted_histogram tls_late_us;
	struct next_protocol http2; /* to which connections of HTTP/1 may change */
	struct next_protocol http2_in_tls; /* ... and those inside TLS */
	struct tls_lane tls;
	struct relay_reader *reader; /* of a broker; NULL: there are packets */
	uint64_t relay_tokens;       /* the last that was given */
	struct unread unread;
	struct buffer complaints;
	pthread_t thread;
	atomic_bool stop, abandon;
	bool started, stopping, first_seen;
	bool pushed;                            /* something, since the loop was woken */
	size_t sent;                            /* of that, requests that go to the targets */
	struct response_item *late, **late_end; /* without bodies: the ring had no room for them */
	uint64_t awaited;                       /* responses that are still to come */
	int64_t enough_at_ns;                   /* -c: when the last was chosen, by the clock of waited_enough() */
	bool live;
	int error;
	uint64_t memory_high; /* a file waits above this many bytes */
	int64_t shift_ns;     /* added to capture times: a recording that loops goes on where it ended */
	struct wall first, last, next_stats;
	struct mono read_at; /* live: when packets were read last, or the time passed without any was last reported */
	uint64_t packets;    /* read, those of other lanes too: the sequence of what comes of the last one */
	uint32_t round;      /* recordings read to their end */
	_Atomic uint64_t progress_done, progress_total;
};

/* Several lanes read the one recording, and each takes what dispatch_lane() says is its own. */
static inline bool shares_recording(const struct lane *l)
{
	return !l->live && l->o.count > 1;
}

/** lane_sink() - what the lane's protocol reports to */
struct protocol_sink lane_sink(struct lane *l);

/** lane_push() - @item into the ring of @lane; true if the loop now owns it. A recording's lane waits for space */
bool lane_push(void *lane, struct item *item);

/** lane_push_late() - the responses for which the ring had no room; false if it still has none for all */
bool lane_push_late(struct lane *l);

#endif
