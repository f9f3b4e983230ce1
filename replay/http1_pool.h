/*
 * http1_pool.h - the transport that speaks HTTP/1.1: a pool of connections to one target
 */
#ifndef REPLAY_HTTP1_POOL_H
#define REPLAY_HTTP1_POOL_H

#include "replay/exchange.h"

/** http1_pool_new() - a transport_new_fn (exchange.h) */
int http1_pool_new(const struct transport_setup *setup, struct transport **out, struct buffer *error);

#endif
