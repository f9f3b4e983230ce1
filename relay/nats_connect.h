/*
 * nats_connect.h - from a name and a port to a server of NATS that takes us
 */
#ifndef RELAY_NATS_CONNECT_H
#define RELAY_NATS_CONNECT_H

#include <stdint.h>

#include "base/buffer.h"
#include "relay/nats_client.h"
#include "relay/nats_hello.h"
#include "relay/nats_parser.h"
#include "relay/nats_wire.h"

/** struct nats_session - what a connection consists of; stays where it is while it is open */
struct nats_session {
	struct nats_wire wire;
	struct nats_parser parser; /* what the server said last may be cut */
	struct nats_info info;
};

/** nats_connect() - as nats_client_connect(); after a failure @s needs no nats_disconnect() */
int nats_connect(const struct nats_client_options *options, int64_t limit_ns, struct nats_session *s, struct buffer *why);

/** nats_disconnect() - at once */
void nats_disconnect(struct nats_session *s);

#endif
