/*
 * channel.h - bytes to a target and back: looked up, connected, secured
 *
 * One connection of ours without its protocol. A client of a protocol embeds a
 * channel, opens it, and reads and writes when it is told that it can; what the
 * bytes mean, and when the connection has served its time, is the client's.
 */
#ifndef REPLAY_CHANNEL_H
#define REPLAY_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/span.h"
#include "replay/list.h"
#include "replay/outcome.h"
#include "replay/replay_stats.h"
#include "replay/resolve.h"
#include "replay/self_connections.h"
#include "replay/tls.h"

/* As much as one TLS record carries: what is written at once when it is secured. */
#define CHANNEL_RECORD 16384

enum channel_state {
	CHANNEL_CLOSED,     /* no socket; the object waits to be used again */
	CHANNEL_RESOLVING,  /* no socket; the first lookup of the name is under way */
	CHANNEL_CONNECTING, /* connect() is under way to one of the addresses */
	CHANNEL_SECURING,   /* connected; the TLS handshake is under way */
	CHANNEL_OPEN,       /* both sides can speak */
};

struct channel;
struct channel_watch; /* libuv's view of one socket; outlives it until the close callback */

/** struct channel_env - what all channels to one target share; const but for what it points to */
struct channel_env {
	uv_loop_t *loop;
	struct resolver *resolver;
	struct tls_context *tls; /* NULL: plain */
	struct self_connections *self_connections;
	uint8_t *scratch; /* read into, and records are put together in it; at least CHANNEL_RECORD */
	size_t scratch_size;
	int64_t connect_timeout_ns; /* lookup, connect and handshake */
	struct target_stats *stats;
	struct list *opening; /* channels in CHANNEL_RESOLVING to CHANNEL_SECURING, by their opening link */

	/* @c is CHANNEL_OPEN */
	void (*on_open)(struct channel *c);
	/* @c could not be opened and is to be closed; @detail as in struct outcome */
	void (*on_failed)(struct channel *c, enum outcome_kind kind, const char *detail);
	/* @c is CHANNEL_OPEN and ready for @events (UV_READABLE, UV_WRITABLE), or with @status < 0 broken: the last look */
	void (*on_ready)(struct channel *c, int status, int events);
	/* the server wants to speak to us; once for each connection */
	void (*on_accepted)(struct channel *c);
};

struct channel {
	const struct channel_env *env;
	uint32_t id; /* for the log */
	enum channel_state state;
	struct list opening;         /* see channel_env */
	struct channel_watch *watch; /* NULL without a socket */
	int fd;                      /* -1 without a socket */
	struct tls_client *tls;             /* NULL: plain, or not connected yet */
	int watched;                 /* UV_READABLE | UV_WRITABLE */
	size_t tried;                /* addresses, since it was to be opened */
	size_t address;              /* index of the one in use */
	struct self_connections_ticket ticket;
	struct endpoint peer; /* with is_known: to whom it is connected */
	bool is_known;        /* lanes know it for one of ours */
	bool is_accepted;     /* see on_accepted; with TLS the server may say no after it let us connect */

	struct mono began;             /* to open */
	struct mono attempt_deadline;  /* while opening: of this lookup, address or handshake */
	struct mono exchange_deadline; /* of what it is opened for; where it is the earlier one, attempt_deadline does not count */
	struct mono attempt_at;        /* connect() to the address in use began */
	struct mono opened_at;         /* 0: not yet */
	int64_t open_ns;               /* what connecting took, TLS included: at least the way there and back */
};

/** channel_init() - closed; @env is borrowed */
void channel_init(struct channel *c, const struct channel_env *env, uint32_t id);

/** channel_open() - @c is closed; for an exchange until @deadline; on_open() or on_failed() may come before this returns */
void channel_open(struct channel *c, struct mono now, struct mono deadline);

/** channel_resolved() - a lookup ended; @c is CHANNEL_RESOLVING */
void channel_resolved(struct channel *c, struct mono now);

/** channel_attempt_expired() - attempt_deadline has passed while @c was opening: the next address, or on_failed() */
void channel_attempt_expired(struct channel *c, struct mono now);

/** channel_doing() - what opening it is at, as text: "connecting" */
const char *channel_doing(const struct channel *c);

/**
 * channel_read() - some bytes into env->scratch, seen through @out until the next call on any channel of it
 * Return: their number; 0 at the end; or a negative errno, -ENODATA and -EPROTO as in tls.h.
 */
ssize_t channel_read(struct channel *c, struct span *out);

/** channel_has_more() - is TLS likely to have another record, after a full one? */
bool channel_has_more(const struct channel *c);

/**
 * channel_write() - some of @head and @body, in one write; bytes, or a negative errno
 * After -EAGAIN the same bytes are to come first the next time.
 */
ssize_t channel_write(struct channel *c, struct span head, struct span body);

/** channel_wait_readable() - on_ready() when something came; 0 or a negative errno */
int channel_wait_readable(struct channel *c);

/** channel_wait_writable() - on_ready() when more can be written, or something came: TLS may need that first */
int channel_wait_writable(struct channel *c);

/** channel_is_silent() - did nothing come on @c, but for what TLS sends for itself, which is taken in? Nor did it end */
bool channel_is_silent(struct channel *c);

/** channel_took_in() - something came on @c that is idle: was it TLS's own business, and is taken in? */
bool channel_took_in(struct channel *c);

/** channel_close() - at once; nothing to do in CHANNEL_CLOSED */
void channel_close(struct channel *c);

#endif
