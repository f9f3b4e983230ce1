/*
 * self_connections.h - which sockets are ours, readable from every thread
 *
 * A lane that sees the packets of our own replay (we tap the interface that we
 * send through) must not replay them. The loop writes down both ends of each
 * connection before the first byte is sent; lanes look them up without a lock.
 */
#ifndef REPLAY_SELF_CONNECTIONS_H
#define REPLAY_SELF_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/endpoint.h"

/** struct self_connections_ticket - one connection's place in the table, kept by the connection */
struct self_connections_ticket {
	uint32_t slot, generation;
};

struct self_connections;

/** self_connections_new() - given to the caller; NULL when out of memory */
struct self_connections *self_connections_new(void);

/**
 * self_connections_add() - loop: @local and @remote are ends of a socket of ours from now on
 * @ticket:  set, for self_connections_remove()
 */
void self_connections_add(struct self_connections *o, const struct endpoint *local, const struct endpoint *remote, struct mono now,
			  struct self_connections_ticket *ticket);

/** self_connections_remove() - loop: that socket was closed; it is still known for a while, for packets that wait in a ring */
void self_connections_remove(struct self_connections *o, struct self_connections_ticket ticket, struct mono now);

/** self_connections_has() - any thread: is this pair of ends, in either direction, a socket of ours? */
bool self_connections_has(const struct self_connections *o, const struct endpoint *a, const struct endpoint *b);

/** self_connections_free() - no thread may be looking */
void self_connections_free(struct self_connections *o);

#endif
