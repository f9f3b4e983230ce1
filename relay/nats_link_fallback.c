/* nats_link_fallback.c - this build has no libnats */
#include <errno.h>
#include <stddef.h>

#include "relay/broker_view.h"
#include "relay/nats_link.h"

bool nats_link_is_built(void)
{
	return false;
}

const char *nats_link_version(void)
{
	return NULL;
}

int nats_link_new(const struct broker_options *options, struct nats_link **out, struct buffer *error)
{
	buffer_add_str(error, "this shadowtap is built without libnats, so it knows no brokers");
	return -ENOTSUP;
}

/* The rest has no link to be called with. */

int nats_link_connect(struct nats_link *l, int64_t limit_ns, struct buffer *error)
{
	return -ENOTSUP;
}

int nats_link_tend(struct nats_link *l, struct mono now)
{
	return 0;
}

bool nats_link_is_up(const struct nats_link *l)
{
	return false;
}

struct __natsConnection *nats_link_connection(struct nats_link *l)
{
	return NULL;
}

uint64_t nats_link_max_payload(const struct nats_link *l)
{
	return 0;
}

bool nats_link_is_own(const struct nats_link *l, uint16_t client, uint16_t server)
{
	return false;
}

bool nats_link_trouble(struct nats_link *l, struct buffer *out)
{
	return false;
}

const char *nats_link_lost(const struct nats_link *l)
{
	return "";
}

int nats_link_make_stream(struct nats_link *l, const struct stream_limits *limits, uint32_t *partitions, struct buffer *error)
{
	return -ENOTSUP;
}

const char *nats_link_inbox(const struct nats_link *l)
{
	return "";
}

void nats_link_flush(struct nats_link *l, int64_t limit_ns)
{
}

void broker_look(struct nats_link *link, struct broker_view *view, int64_t wall_ns)
{
}

void nats_link_close(struct nats_link *l, int64_t limit_ns)
{
}

void nats_link_free(struct nats_link *l)
{
}
