/*
 * http1_pool.h - HTTP/1.1 to one target: a pool of connections, each with one exchange at a time
 *
 * What a transport does (exchange.h), for those exchanges that go out as HTTP/1.1.
 */
#ifndef REPLAY_HTTP1_POOL_H
#define REPLAY_HTTP1_POOL_H

#include <stdbool.h>

#include "replay/exchange.h"
#include "replay/reach.h"

struct http1_pool;

/** http1_pool_new() - @tls (NULL: plain) is taken, on failure too; NULL when out of memory */
struct http1_pool *http1_pool_new(struct tls_context *tls);

/** http1_pool_start() - once, before all else; opens no connection; @reach outlives the pool */
void http1_pool_start(struct http1_pool *p, const struct transport_setup *setup, struct reach *reach);

/** http1_pool_has_slot() - as in struct transport_ops; @room: a connection more may be opened */
bool http1_pool_has_slot(struct http1_pool *p, bool room);
void http1_pool_begin(struct http1_pool *p, struct exchange *x);
void http1_pool_expire(struct exchange *x);
void http1_pool_cancel(struct exchange *x);

/** http1_pool_has_idle() - is there a connection that carries nothing? */
bool http1_pool_has_idle(const struct http1_pool *p);

/** http1_pool_close_oldest() - of those that carry nothing, the one used longest ago */
void http1_pool_close_oldest(struct http1_pool *p);

void http1_pool_close_idle(struct http1_pool *p);

/** http1_pool_close_left() - of those that carry nothing, the ones to addresses that the name has left */
void http1_pool_close_left(struct http1_pool *p);

/** http1_pool_close() - nothing is under way: close all handles; when the loop has run to its end, http1_pool_free() */
void http1_pool_close(struct http1_pool *p);
void http1_pool_free(struct http1_pool *p);

#endif
