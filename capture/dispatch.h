/*
 * dispatch.h - the connections of a recording, dispatched to lanes
 *
 * Theory of operation: every lane reads all of the file and takes what is its
 * own. A hash of the two ends that does not know which came first gives both
 * directions of a connection to one lane, and its copies in other domains, and
 * what comes out of tunnels and fragments, since it is asked once the segment is
 * known. So reading, which is most of the work, is done by each; one reader that
 * hands packets to the others would have to keep or copy every payload.
 *
 * What gives no segment belongs to lane 0, so that each packet is counted once.
 * The hash has no key: a sender who chooses addresses can only keep one lane
 * busier than the others.
 */
#ifndef CAPTURE_DISPATCH_H
#define CAPTURE_DISPATCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/endpoint.h"
#include "capture/capture_stats.h"
#include "capture/segment.h"

static inline uint64_t dispatch_end(const struct endpoint *e)
{
	uint64_t addr[2], h;

	memcpy(addr, e->addr, sizeof(addr));
	h = (addr[1] ^ e->port) * UINT64_C(0x9e3779b97f4a7c15);
	h = ((h ^ h >> 32) + addr[0]) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 29;
}

/** dispatch_lane() - whose the packet is, of @lanes; @s is looked at if @result is PACKET_DECODED */
static inline size_t dispatch_lane(enum packet_result result, const struct segment *s, size_t lanes)
{
	uint64_t sum;

	if (result != PACKET_DECODED)
		return 0;
	sum = (dispatch_end(&s->src) + dispatch_end(&s->dst)) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)((sum >> 32) * lanes >> 32);
}

#endif
