/* reader_fallback.c - built without libnats: there is no reader, and nats_link_new() has said so before it is asked for */
#include "relay/reader.h"

#include <errno.h>

int relay_reader_new(const struct relay_reader_options *options, struct nats_link *link, struct relay_reader **out)
{
	(void)options;
	(void)link;
	(void)out;
	return -ENOTSUP;
}

int relay_reader_poll(struct relay_reader *r)
{
	(void)r;
	return -ENOTSUP;
}

void relay_reader_finish(struct relay_reader *r)
{
	(void)r;
}

const struct fleet_stats *relay_reader_stats(const struct relay_reader *r)
{
	(void)r;
	return NULL;
}

void relay_reader_facts(struct relay_reader *r, struct fleet_facts *out)
{
	(void)r;
	*out = (struct fleet_facts){ 0 };
}

void fleet_facts_deinit(struct fleet_facts *f)
{
	(void)f;
}

void relay_reader_free(struct relay_reader *r)
{
	(void)r;
}
