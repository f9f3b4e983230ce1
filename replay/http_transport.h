/*
 * http_transport.h - the transport that speaks HTTP to one target
 */
#ifndef REPLAY_HTTP_TRANSPORT_H
#define REPLAY_HTTP_TRANSPORT_H

#include "replay/exchange.h"

/** http_transport_new() - a transport_new_fn (exchange.h) */
int http_transport_new(const struct transport_setup *setup, struct transport **out, struct buffer *error);

#endif
