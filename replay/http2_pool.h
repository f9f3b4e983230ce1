/*
 * http2_pool.h - HTTP/2 to one target: few connections, each with many exchanges at a time
 *
 * What a transport does (exchange.h), for those exchanges that go out as HTTP/2.
 */
#ifndef REPLAY_HTTP2_POOL_H
#define REPLAY_HTTP2_POOL_H

#include <stdbool.h>

#include "replay/exchange.h"
#include "replay/reach.h"

struct http2_pool;

/** http2_pool_new() - @tls (NULL: plain) is taken, on failure too; NULL when out of memory */
struct http2_pool *http2_pool_new(struct tls_context *tls);

/** http2_pool_start() - once, before all else; opens no connection; @reach outlives the pool */
void http2_pool_start(struct http2_pool *p, const struct transport_setup *setup, struct reach *reach);

/** http2_pool_has_slot() - as in struct transport_ops; @room: a connection more may be opened */
bool http2_pool_has_slot(struct http2_pool *p, bool room);
void http2_pool_begin(struct http2_pool *p, struct exchange *x);
void http2_pool_expire(struct exchange *x);
void http2_pool_cancel(struct exchange *x);

/** http2_pool_has_idle() - is there a connection that carries nothing? */
bool http2_pool_has_idle(const struct http2_pool *p);

/** http2_pool_close_oldest() - of those that carry nothing, the one used longest ago */
void http2_pool_close_oldest(struct http2_pool *p);

void http2_pool_close_idle(struct http2_pool *p);

/** http2_pool_retire_left() - nothing begins any more on connections to addresses that the name has left */
void http2_pool_retire_left(struct http2_pool *p);

/** http2_pool_close() - nothing is under way: close all handles; when the loop has run to its end, http2_pool_free() */
void http2_pool_close(struct http2_pool *p);
void http2_pool_free(struct http2_pool *p);

#endif
