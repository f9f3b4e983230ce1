/*
 * replay.h - chosen requests in, outcomes out: the client side, on one libuv loop
 *
 * Every function is called on the loop's thread, except replay_is_own().
 * Nothing here knows packets, rules or headers: what a replayed request says
 * is made by a callback that the upper floor hands in.
 *
 * Promises: no retry, ever; a deadline over the whole exchange (a call of gRPC that is
 * sent at its recorded pace has that time besides); responses are
 * drained into one shared buffer and thrown away, unless keep_responses; a full
 * queue sheds the newest request; each target has its own pool, queue, rate,
 * breaker and books, so one that is dead changes nothing for the others.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "message/message.h"
#include "message/outgoing.h"
#include "replay/http_version.h"
#include "replay/outcome.h"
#include "replay/replay_stats.h"
#include "replay/resolve.h"
#include "replay/tls.h"
#include "replay/url.h"

struct target_options {
	struct target_url url;
	struct tls_options tls;         /* for https; the files are read by replay_new(), and never again */
	uint32_t connections;           /* at most this many sockets */
	uint32_t streams;               /* at most this many exchanges on one of HTTP/2, if the server takes as many; 0: 128 */
	enum http_version http_version; /* "sink:" speaks HTTP/1 only, whatever is said here */
	uint32_t queue;                 /* at most this many requests waiting */
	int64_t max_time_ns;            /* whole exchange: DNS, connect, write, response; without what is waited for by @speed */
	double speed;                   /* calls of gRPC whose messages came apart go as they came, times this; 0: at once */
	int64_t connect_timeout_ns;     /* part of it; 0 = max_time_ns */
	uint32_t breaker;               /* consecutive failures to connect before it is left alone */
	uint64_t rate;                  /* requests/s, 0 = no limit; the bucket holds one tenth of a second, at least 1 */
	uint64_t sample_share;          /* of the chosen, parts per SHARE_ONE */
	bool shed_stale;                /* live: what waited longer than max_time is shed */
	bool is_here;                   /* live: what is captured is this machine's, or passes it */
	bool may_be_production;         /* it may be the service that is watched */
	bool tls_to_plain;              /* what was read from TLS may leave as plain text */
	const struct endpoint *watched; /* services that are known to be watched before the first request; borrowed */
	size_t watched_count;
	/* what is sent for @m into @out, zero or used before; borrowed ctx; 0, -EINVAL (nothing can be sent for @m) or -ENOMEM */
	int (*make_head)(void *ctx, const struct message *m, struct outgoing *out);
	void *make_head_ctx;
	bool keep_responses;   /* on_outcome takes them */
	uint64_t max_response; /* bytes of the body of a response that is kept */
	struct budget *budget; /* for those; borrowed */
	lookup_fn lookup;      /* how a name becomes addresses; NULL: getaddrinfo(), which is what all but tests want */
};

struct replay_options {
	const struct target_options *targets; /* copied */
	size_t target_count;
	/* called once per ended exchange; @target is the index; @m borrowed; outcome->response is taken */
	void (*on_outcome)(void *ctx, size_t target, const struct message *m, const struct outcome *outcome);
	/* called once for each request that @target does not send: shed, or not in its sample (SHED_COUNT); may be NULL */
	void (*on_unsent)(void *ctx, size_t target, const struct message *m, enum shed_reason why);
	/*
	 * called once for a target that turned out to be @server, a service that is watched: from now on it sheds all
	 * it is given, and the request that showed it was not sent to it either; may be NULL
	 */
	void (*on_production)(void *ctx, size_t target, const struct endpoint *server);
	/* called when a target that refused room has some again; may be NULL */
	void (*on_room)(void *ctx);
	void *ctx;
};

struct replay;

/**
 * replay_new() - set up targets on @loop; starts DNS lookups and the sink server, opens no connection
 * @error:  on failure one sentence (the sink could not listen, a file of TLS is not right); the loop was then run
 *          once, without waiting
 * Return: 0 or a negative errno.
 */
int replay_new(uv_loop_t *loop, const struct replay_options *options, struct replay **out, struct buffer *error);

/**
 * replay_submit() - @m (taken) goes to every target; each sends, queues or sheds it
 *
 * An exchange that cannot even begin (no route, no descriptors) ends before this
 * returns, so on_outcome may be called from here.
 */
void replay_submit(struct replay *r, struct message *m);

/** replay_change() - another share of the chosen and another rate (0: no limit) for one target, from now on */
void replay_change(struct replay *r, size_t target, uint64_t sample_share, uint64_t rate);

/** replay_has_room() - would every target take one more without shedding? (-x max waits for it) */
bool replay_has_room(const struct replay *r);

/** replay_is_idle() - nothing queued, nothing in flight */
bool replay_is_idle(const struct replay *r);

/**
 * replay_drain() - let what is queued and in flight end, at most @limit_ns from now, then @done(ctx)
 *
 * At the limit the queued are shed as stale and the rest is cancelled_at_exit.
 * @done is called once, never from inside replay_drain() or on_outcome.
 * replay_cancel() brings the limit forward to now; @done is called from it.
 */
void replay_drain(struct replay *r, int64_t limit_ns, void (*done)(void *ctx), void *ctx);
void replay_cancel(struct replay *r);

size_t replay_target_count(const struct replay *r);
const char *replay_target_name(const struct replay *r, size_t target);
const char *replay_target_shown(const struct replay *r, size_t target); /* URL, safe to log */
const struct target_stats *replay_target_stats(const struct replay *r, size_t target);
const char *replay_breaker_state(const struct replay *r, size_t target); /* "closed", "open", "probing" */

/** replay_sink_requests() - requests that the built-in server answered; 0 when there is none */
uint64_t replay_sink_requests(const struct replay *r);

/** replay_is_own() - any thread: are these the two ends of a connection of ours to a target? */
bool replay_is_own(const struct replay *r, const struct endpoint *client, const struct endpoint *server);

/** replay_close() - close all handles; the loop must run once more to its end, then replay_free() */
void replay_close(struct replay *r);
void replay_free(struct replay *r);

#endif
