/* stream_setup.h - a service's stream and bucket: made where they are not there and we may (for nats_link.c) */
#ifndef RELAY_STREAM_SETUP_H
#define RELAY_STREAM_SETUP_H

#include "relay/nats_link.h"

/** stream_setup() - see nats_link_make_stream() */
int stream_setup(struct nats_client *c, const char *service, const struct stream_limits *limits, uint32_t *partitions,
		 struct buffer *error);

/** stream_partitions() - how many the service of this bucket has; 0: not known */
uint32_t stream_partitions(struct nats_client *c, const char *bucket);

#endif
