/*
 * http1_keep.h - for how long a connection is kept, and whether its end came because it was
 *
 * Pure logic: time is an argument.
 */
#ifndef REPLAY_HTTP1_KEEP_H
#define REPLAY_HTTP1_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct http1_keep {
	int64_t open_ns;     /* what connecting took, TLS included: at least the way there and back */
	int64_t quickest_ns; /* of the responses on this connection: from the request's last byte to their first */
	struct mono idle_since, usable_until; /* of a kept connection, and after that of the one that was used again */
};

/** http1_keep_opened() - a new connection, which took @open_ns to open */
void http1_keep_opened(struct http1_keep *k, int64_t open_ns);

/**
 * http1_keep_idle() - an exchange ended well @now: may the connection carry another? Then it may until usable_until
 * @told_s:       how long the server says that it keeps it; -1: it does not say
 * @response_ns:  from the request's last byte to the response's first
 */
bool http1_keep_idle(struct http1_keep *k, int64_t told_s, int64_t response_ns, struct mono now);

/**
 * http1_keep_was_closing() - does this used connection end @now as if the server had ended it before it had the request?
 * @began:  the exchange
 * @since:  when the last byte of the request was sent; the beginning, if it was not
 */
bool http1_keep_was_closing(const struct http1_keep *k, struct mono began, struct mono since, struct mono now);

#endif
