/* nats_engine_fallback.c - this build has no libnats */
#include <errno.h>

#include "relay/nats_engine.h"

int nats_engine_new(const struct broker_options *broker, const struct stream_limits *stream, struct engine **out,
		    struct buffer *error)
{
	struct nats_link *none;

	return nats_link_new(broker, &none, error);
}

int nats_engine_connect(struct engine *e, int64_t limit_ns, struct buffer *error)
{
	return -ENOTSUP;
}

bool nats_engine_is_own(const struct engine *e, uint16_t client, uint16_t server)
{
	return false;
}
