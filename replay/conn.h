/*
 * conn.h - one connection of ours to a target, and the one exchange on it
 *
 * A target owns its connections, gives each at most one message at a time and
 * is told how the exchange ended. The lists and deadlines are the target's;
 * conn.c moves bytes.
 */
#ifndef REPLAY_CONN_H
#define REPLAY_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "message/message.h"
#include "message/outgoing.h"
#include "replay/response_parser.h"
#include "replay/list.h"
#include "replay/outcome.h"
#include "replay/self_connections.h"
#include "replay/replay_stats.h"
#include "replay/resolve.h"
#include "replay/tls.h"

/** enum conn_state - a message is held in all states but the first and the last */
enum conn_state {
	CONN_CLOSED,     /* no socket; the object waits to be used again */
	CONN_RESOLVING,  /* no socket; the first lookup of the name is under way */
	CONN_CONNECTING, /* connect() is under way to one of the addresses */
	CONN_SECURING,   /* connected; the TLS handshake is under way */
	CONN_SENDING,    /* some of the request is not written; the response may begin already */
	CONN_WAITING,    /* all is written; the response is awaited or being read */
	CONN_IDLE,       /* kept alive, until usable_until; anything that HTTP could read now means that it is over */
};

struct conn;
struct watch; /* libuv's view of one socket; outlives it until the close callback */

/** struct conn_env - what all connections of one target share; const but for what it points to */
struct conn_env {
	uv_loop_t *loop;
	struct resolver *resolver;
	struct tls_context *tls; /* NULL: plain */
	struct self_connections *self_connections;
	uint8_t *scratch; /* every response is read into it and thrown away; at least a TLS record */
	size_t scratch_size;
	int64_t max_time_ns, connect_timeout_ns;
	int (*make_head)(void *ctx, const struct message *m, struct outgoing *out);
	void *make_head_ctx;
	struct outgoing *outgoing; /* of the request that is being made; of use until it is written into a connection's head */
	const struct response_parser_keeping *keeping; /* NULL: answers are thrown away */
	struct target_stats *stats;
	struct list *opening; /* connections in CONN_RESOLVING to CONN_SECURING, by their opening link */

	void (*on_connected)(void *ctx);
	/* the exchange is over, @c is CONN_IDLE or CONN_CLOSED; @m is given back */
	void (*on_ended)(void *ctx, struct conn *c, struct message *m, const struct outcome *outcome);
	/* an idle connection was closed by the server: @c is CONN_CLOSED */
	void (*on_lost)(void *ctx, struct conn *c);
	void *ctx;
};

struct conn {
	const struct conn_env *env;
	uint32_t id;
	enum conn_state state;
	struct list busy;    /* target: in order of deadline; or the idle or closed ones */
	struct list opening; /* see conn_env */
	struct watch *watch; /* NULL without a socket */
	int fd;              /* -1 without a socket */
	struct tls *tls;     /* NULL: plain, or not connected yet */
	int watched;         /* UV_READABLE | UV_WRITABLE */
	size_t tried;        /* addresses, of this exchange */
	size_t address;      /* index of the one in use */
	struct self_connections_ticket self_connections_ticket;
	struct endpoint peer; /* with is_known: to whom it is connected */
	bool is_known;

	struct message *message;
	struct buffer head;
	size_t sent; /* of head and body */
	struct response_parser response;
	struct mono began, deadline;                      /* the exchange, as a whole */
	struct mono attempt_deadline;                     /* while opening: this lookup, address or handshake */
	struct mono connected_at, sent_at, first_byte_at; /* 0: not yet */
	struct mono heard_at;                             /* the last bytes, or the end, had come */
	struct mono attempt_at;                           /* connect() to the address in use began */
	int64_t open_ns;    /* what connecting took, TLS included: at least the way there and back */
	int64_t quickest_ns; /* of the responses on this connection: from the request's last byte to their first */
	struct mono idle_since, usable_until; /* of a kept connection, and after that of the one that was used again */
	bool was_open;
	bool is_heard; /* bytes have come in this exchange */
	bool is_accepted; /* the server wants to speak to us; with TLS it may say no after it let us connect */
};

/** conn_new() - given to the caller; NULL when out of memory */
struct conn *conn_new(const struct conn_env *env, uint32_t id);

/**
 * conn_usable() - may @c, which is idle, carry another request?
 *
 * Not if it is idle for so long that the server may be closing it just now. Looks for EOF and for bytes that nobody asked for; a connection that shows
 * either is closed. What TLS sends for itself is taken in and does not count. This is why there can be a pool
 * and no retries.
 */
bool conn_usable(struct conn *c, struct mono now);

/** conn_begin() - one exchange with @m (taken) on @c, closed or idle; on_ended may come before this returns */
void conn_begin(struct conn *c, struct message *m, struct mono now);

/** conn_resolved() - a lookup ended; @c is CONN_RESOLVING */
void conn_resolved(struct conn *c, struct mono now);

/** conn_attempt_expired() - attempt_deadline has passed while @c was opening */
void conn_attempt_expired(struct conn *c, struct mono now);

/** conn_expired() - the deadline of the exchange has passed */
void conn_expired(struct conn *c);

/** conn_take_back() - @c is not connected yet: no exchange after all; its message, given back, and nobody is told */
struct message *conn_take_back(struct conn *c);

/** conn_cancel() - the program ends: so does the exchange */
void conn_cancel(struct conn *c);

/** conn_close() - close an idle connection; nothing to do in CONN_CLOSED */
void conn_close(struct conn *c);

/** conn_free() - @c is CONN_CLOSED */
void conn_free(struct conn *c);

#endif
