/*
 * listener.h - which of this machine's listening sockets takes a connection
 */
#ifndef REPLAY_LISTENER_H
#define REPLAY_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "base/span.h"

/** listener_is_one() - are @a and @b addresses of this machine, with the same port, behind which one service listens? */
bool listener_is_one(const struct endpoint *a, const struct endpoint *b);

/** struct listener - the socket that takes connections to one address */
struct listener {
	struct endpoint wanted; /* to connect to */
	struct endpoint bound;  /* the closest found so far; family 0: none */
	int closeness;
};

/**
 * listener_look() - is one of the sockets in @table closer to @l's address than what was found so far?
 * @table:  text of /proc/net/tcp or tcp6
 */
void listener_look(struct listener *l, struct span table);

#endif
