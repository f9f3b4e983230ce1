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

/** struct own_ticket - one connection's place in the table, kept by the connection */
struct own_ticket {
	uint32_t slot, generation;
};

struct own;

/** own_new() - given to the caller; NULL when out of memory */
struct own *own_new(void);

/** own_add() - loop: @local and @remote are ends of a socket of ours from now on; *@ticket is for own_remove()
 */
void own_add(struct own *o, const struct endpoint *local, const struct endpoint *remote, struct mono now,
	     struct own_ticket *ticket);

/** own_remove() - loop: that socket was closed; it is still known for a while, for packets that wait in a ring
 */
void own_remove(struct own *o, struct own_ticket ticket, struct mono now);

/** own_has() - any thread: is this pair of ends, in either direction, a socket of ours? */
bool own_has(const struct own *o, const struct endpoint *a, const struct endpoint *b);

/** own_free() - no thread may be looking */
void own_free(struct own *o);

#endif
