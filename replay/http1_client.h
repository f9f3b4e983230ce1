/*
 * http1_client.h - one connection that speaks HTTP/1.1, and the one exchange on it
 *
 * A pool (http1_pool.h) owns its clients, gives each at most one exchange at a
 * time and is told how it ended. Lists and deadlines are the pool's and the
 * target's; the bytes' way is the channel's.
 */
#ifndef REPLAY_HTTP1_CLIENT_H
#define REPLAY_HTTP1_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "message/outgoing.h"
#include "replay/channel.h"
#include "replay/exchange.h"
#include "replay/http1_keep.h"
#include "replay/list.h"
#include "replay/outcome.h"
#include "replay/response_parser.h"

/** enum http1_state - an exchange is on it in all states but the first and the last */
enum http1_state {
	HTTP1_CLOSED,  /* the channel is closed; the object waits to be used again */
	HTTP1_OPENING, /* the channel is being opened */
	HTTP1_SENDING, /* some of the request is not written; the response may begin already */
	HTTP1_WAITING, /* all is written; the response is awaited or being read */
	HTTP1_IDLE,    /* kept alive, until keep.usable_until; anything that HTTP could read now means that it is over */
};

struct http1_client;

/** struct http1_env - what all clients of one target share; const but for what it points to */
struct http1_env {
	struct channel_env channel; /* made complete by http1_env_init() */
	int (*make_head)(void *ctx, const struct message *m, struct outgoing *out);
	void *make_head_ctx;
	struct outgoing *outgoing; /* of the request that is being made; of use until it is written into a client's head */
	const struct response_parser_keeping *keeping; /* NULL: responses are thrown away */

	/* a connection was opened */
	void (*on_connected)(void *ctx);
	/* the exchange is over, @c is HTTP1_IDLE or HTTP1_CLOSED; @x is given back */
	void (*on_ended)(void *ctx, struct http1_client *c, struct exchange *x, const struct outcome *outcome);
	/* an idle connection was closed by the server: @c is HTTP1_CLOSED */
	void (*on_lost)(void *ctx, struct http1_client *c);
	void *ctx;
};

struct http1_client {
	const struct http1_env *env;
	struct channel channel;
	struct list link; /* pool: the idle or the closed ones; on no list while an exchange is on it */
	enum http1_state state;

	struct exchange *exchange; /* NULL: none is on it */
	struct buffer head;
	size_t sent; /* of head and body */
	struct response_parser response;
	struct mono sent_at, first_byte_at; /* 0: not yet */
	struct mono heard_at;               /* the last bytes, or the end, had come */
	struct http1_keep keep;             /* of the connection that is open, or was used last */
	bool was_open;
	bool is_heard; /* bytes have come in this exchange */
};

/** http1_env_init() - what the clients do for their channels, into @env */
void http1_env_init(struct http1_env *env);

/** http1_client_new() - given to the caller; NULL when out of memory */
struct http1_client *http1_client_new(const struct http1_env *env, uint32_t id);

/**
 * http1_client_is_usable() - may @c, which is idle, carry another request?
 *
 * Not if it is idle for so long that the server may be closing it just now. Looks for EOF and for bytes that were
 * not requested; a connection that shows either is closed. What TLS sends for itself is taken in and does not
 * count. This is why there can be a pool and no retries.
 */
bool http1_client_is_usable(struct http1_client *c, struct mono now);

/** http1_client_begin() - @x on @c, closed or idle; on_ended may come before this returns */
void http1_client_begin(struct http1_client *c, struct exchange *x);

/** http1_client_expire() - the deadline of the exchange has passed */
void http1_client_expire(struct http1_client *c);

/** http1_client_cancel() - the program ends: so does the exchange */
void http1_client_cancel(struct http1_client *c);

/** http1_client_close() - close an idle connection; nothing to do in HTTP1_CLOSED */
void http1_client_close(struct http1_client *c);

/** http1_client_free() - @c is HTTP1_CLOSED */
void http1_client_free(struct http1_client *c);

#endif
