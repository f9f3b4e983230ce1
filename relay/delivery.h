/*
 * delivery.h - where a message that a broker of NATS delivers stands in its stream
 *
 * It is told in the subject to acknowledge it at:
 *   $JS.ACK.STREAM.CONSUMER.TIMES.PLACE.CONSUMER_PLACE.TIME.PENDING
 * and by newer servers with two words more in front of STREAM, and one at the end.
 */
#ifndef RELAY_DELIVERY_H
#define RELAY_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"

struct delivery {
	struct span consumer; /* borrowed */
	uint64_t place;       /* in the stream, from 1 */
	struct wall stored;   /* by the broker's clock */
	uint64_t pending;     /* messages behind it, for this consumer */
};

/** delivery_read() - false: @reply is no such subject */
bool delivery_read(struct span reply, struct delivery *out);

#endif
