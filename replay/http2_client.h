/*
 * http2_client.h - one connection that speaks HTTP/2, and the exchanges on it, one stream each
 *
 * A pool (http2_pool.h) owns its clients and their streams, gives each client as
 * many exchanges as http2_client_has_slot() allows, and is told how each ended.
 * Lists and deadlines are the pool's and the target's; the bytes' way is the
 * channel's.
 */
#ifndef REPLAY_HTTP2_CLIENT_H
#define REPLAY_HTTP2_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "message/grpc.h"
#include "message/outgoing.h"
#include "message/response.h"
#include "replay/channel.h"
#include "replay/exchange.h"
#include "replay/http1_keep.h"
#include "replay/http2_head.h"
#include "replay/list.h"
#include "replay/outcome.h"
#include "replay/body_pace.h"
#include "replay/response_parser.h"

/** enum http2_state - there is a channel in all but the first, and a session from HTTP2_GREETING on */
enum http2_state {
	HTTP2_CLOSED,   /* the object waits to be used again */
	HTTP2_OPENING,  /* the channel is being opened, for one exchange */
	HTTP2_GREETING, /* our SETTINGS are on the way and the server's are waited for; the same one exchange is on it */
	HTTP2_OPEN,     /* exchanges may begin */
	HTTP2_DRAINING, /* none may begin any more: it is closed with the last one */
};

struct http2_client;

/** struct http2_stream - one exchange on a client; or free, on a list of the pool's */
struct http2_stream {
	struct list link;   /* client: those under way, or those that have ended and were not told yet */
	struct list unsent; /* client: those whose last byte waits to be written */
	struct list paced;  /* pool: those whose next bytes are not due yet */
	struct http2_client *client;
	struct exchange *exchange; /* NULL: free */
	int32_t id;                /* 0: not begun, the connection is not open yet */
	struct span body;          /* what is left of it */
	struct body_pace pace;          /* ... and when it may go */
	struct mono due;           /* while it is among the paced */
	bool is_first, was_idle;   /* it had the connection opened; it came to one that was idle */
	int64_t idle_us;           /* ... for so long, at least 1 */

	/* the response */
	struct response_head fields; /* of the block that comes in, if responses are kept */
	struct response *response;
	int status_code;
	size_t head_bytes;
	uint64_t body_bytes;
	enum grpc_status grpc_said; /* in a head or in trailers, of which the last counts */
	bool has_head, trailers_lost, is_reset;
	uint32_t reset_code;
	struct mono sent_at, first_byte_at; /* 0: not yet */

	/* how it ended */
	enum outcome_kind kind;
	enum grpc_status grpc_status;
	const char *detail;
};

/** struct http2_env - what all clients of one target share; const but for what it points to */
struct http2_env {
	struct channel_env channel; /* made complete by http2_env_init() */
	int (*make_head)(void *ctx, const struct message *m, struct outgoing *out);
	void *make_head_ctx;
	struct outgoing *outgoing;                     /* of the request that is being made */
	struct http2_head *head;                       /* likewise, and of no use after */
	const struct response_parser_keeping *keeping; /* NULL: responses are thrown away */
	uint32_t streams;                              /* at most so many at once on one connection, if the server allows as many */
	double speed;                                  /* of what is sent as it came (body_pace.h) */

	/* a connection was opened */
	void (*on_connected)(void *ctx);
	/* @s is free, and its exchange @x is given back */
	void (*on_ended)(void *ctx, struct http2_stream *s, struct exchange *x, const struct outcome *outcome);
	/* @c has another state or number of streams; before what ended is told */
	void (*on_changed)(void *ctx, struct http2_client *c);
	/* there is something to write: http2_client_flush() is to be called, soon and once */
	void (*on_unwritten)(void *ctx, struct http2_client *c);
	/* more of @s is to be sent at s->due: http2_stream_resume() then */
	void (*on_paced)(void *ctx, struct http2_stream *s);
	/* between these several exchanges may end, and none may begin */
	void (*hold)(void *ctx);
	void (*release)(void *ctx);
	void *ctx;
};

struct http2_client {
	const struct http2_env *env;
	struct channel channel;
	struct list link;      /* pool */
	struct list *place;    /* pool: on which of its lists */
	struct list unwritten; /* pool: those for which on_unwritten() was called */
	enum http2_state state;
	nghttp2_session *session;
	struct list streams, ended, unsent; /* of streams, by link, link and unsent */
	uint32_t count;                     /* of those under way */

	struct buffer out; /* frames to be written, from @written on; then @tail, a piece of the body of @tail_of */
	size_t written;
	struct span tail;
	const struct http2_stream *tail_of;
	bool is_blocked; /* the socket takes no more: on_ready() goes on */

	bool has_settings; /* the server's first ones came */
	bool is_heard;     /* something came since the connection was idle or opened */
	bool had_goaway;
	int32_t goaway_last; /* the server began nothing above this stream */
	uint32_t goaway_code;
	unsigned silent_deadlines; /* deadlines that passed since something came */
	const char *error;         /* nghttp2's word for what is wrong with the connection; NULL: nothing */
	struct mono heard_at;
	struct http1_keep keep;
};

/** http2_env_init() - what the clients do for their channels, into @env */
void http2_env_init(struct http2_env *env);

/** http2_client_new() - given to the caller; NULL when out of memory */
struct http2_client *http2_client_new(const struct http2_env *env, uint32_t id);

/** http2_client_has_slot() - may one exchange more begin on @c, whose connection is open? */
bool http2_client_has_slot(const struct http2_client *c);

static inline bool http2_client_is_idle(const struct http2_client *c)
{
	return c->state == HTTP2_OPEN && c->count == 0;
}

/**
 * http2_client_is_usable() - may @c, which is idle, carry another exchange?
 *
 * Not if it was idle for too long, or if the server says so: what came is taken in first. A connection that is not
 * usable is closed.
 */
bool http2_client_is_usable(struct http2_client *c, struct mono now);

/** http2_client_begin() - @x on @c by @s, free: @c is closed, or has a slot; on_ended may come before this returns */
void http2_client_begin(struct http2_client *c, struct http2_stream *s, struct exchange *x);

/** http2_client_flush() - write what there is to write; what can not be is written when the socket allows */
void http2_client_flush(struct http2_client *c);

/** http2_stream_resume() - more of the body of @s is due */
void http2_stream_resume(struct http2_stream *s);

/** http2_stream_expire() - the deadline of its exchange has passed */
void http2_stream_expire(struct http2_stream *s);

/** http2_stream_cancel() - the program ends: so does the exchange */
void http2_stream_cancel(struct http2_stream *s);

/** http2_client_retire() - no exchange begins on @c any more, whose connection is open; one that carries none is closed */
void http2_client_retire(struct http2_client *c);

/** http2_client_close() - nothing is under way on it: say goodbye and close; nothing to do in HTTP2_CLOSED */
void http2_client_close(struct http2_client *c);

/** http2_client_free() - @c is HTTP2_CLOSED */
void http2_client_free(struct http2_client *c);

/** http2_stream_init() / http2_stream_deinit() - a free one */
void http2_stream_init(struct http2_stream *s);
void http2_stream_deinit(struct http2_stream *s);

#endif
