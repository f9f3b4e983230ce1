/* nats_engine.h - NATS JetStream as a publisher's engine */
#ifndef RELAY_NATS_ENGINE_H
#define RELAY_NATS_ENGINE_H

#include "relay/engine.h"
#include "relay/nats_link.h"

/** nats_engine_new() - connects to nothing; errors as nats_link_new() */
int nats_engine_new(const struct broker_options *broker, const struct stream_limits *stream, struct engine **out,
		    struct buffer *error);

/** nats_engine_connect() - once, before a publisher has it; as nats_link_connect() */
int nats_engine_connect(struct engine *e, int64_t limit_ns, struct buffer *error);

/** nats_engine_is_own() - any thread; as nats_link_is_own() */
bool nats_engine_is_own(const struct engine *e, uint16_t client, uint16_t server);

#endif
