/*
 * null_transport.h - a transport without connections: exchanges end when the test says so
 *
 * Many may be under way at once, and they end in any order, as on a connection
 * that carries many. Nothing here has a socket, a name or a protocol.
 */
#ifndef TESTS_RIG_NULL_TRANSPORT_H
#define TESTS_RIG_NULL_TRANSPORT_H

#include "replay/exchange.h"

#define NULL_SLOTS_MAX 1024

struct null_transport {
	struct transport transport;
	struct transport_hooks hooks;
	struct exchange *under_way[NULL_SLOTS_MAX]; /* in order of their beginning */
	size_t count;
	size_t slots;      /* may be under way at once; to be set by the test */
	bool ends_at_once; /* begin() tells the end, of kind */
	enum outcome_kind kind;
	bool is_unreachable; /* what ends was never connected */
	bool is_opening;     /* what begins isn't connected yet */
	uint16_t leads_to_port; /* the service that it leads to; 0: another */
	size_t begun, expired, cancelled, looked_again, idle_closed, closed; /* calls */
	size_t depth, depth_max; /* begin() inside begin() */
};

/** null_transport_new() - a transport_new_fn; @out is the transport of a struct null_transport, with 0 slots */
int null_transport_new(const struct transport_setup *setup, struct transport **out, struct buffer *error);

/** null_transport_last() - the one that was made last */
struct null_transport *null_transport_last(void);

/** null_end() - the @nth of those under way ends */
void null_end(struct null_transport *n, size_t nth, enum outcome_kind kind);

#endif
