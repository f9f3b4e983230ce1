/* hearing_reader.h - a reader that claims whatever a client begins with, and counts its bytes */
#ifndef TESTS_RIG_HEARING_READER_H
#define TESTS_RIG_HEARING_READER_H

#include "reassembly/reader.h"
#include "tests/rig/quiet_reader.h"

struct heard {
	struct reader reader; /* first, of all connections */
	size_t bytes, readers;
};

static inline enum claim hear_claims(struct span bytes, enum stream_side side, bool at_start)
{
	(void)bytes;
	(void)at_start;
	return side == SIDE_CLIENT ? CLAIM_LIKELY : CLAIM_NONE;
}

static const struct reader_ops hear_ops;

static inline struct reader *hear_make(void *shared, const struct reader_start *start)
{
	struct heard *h = shared;

	(void)start;
	h->reader.ops = &hear_ops;
	h->readers++;
	return &h->reader;
}

static inline enum reader_result hear_client(struct reader *r, const struct chunk *chunk)
{
	((struct heard *)r)->bytes += chunk->bytes.len;
	return READER_LIVE;
}

static const struct reader_ops hear_ops = {
	.name = "hearing",
	.open = quiet_open,
	.close = quiet_close,
	.claims = hear_claims,
	.make = hear_make,
	.on_chunk = { hear_client, quiet_chunk },
	.on_gap = quiet_gap,
	.on_half_end = quiet_half_end,
	.on_end = quiet_end,
	.free = quiet_free,
};

#endif
