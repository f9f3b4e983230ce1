/* quiet_reader.h - what a reader does that only listens to some of what it is told: nothing, for the rest of its reader_ops */
#ifndef TESTS_RIG_QUIET_READER_H
#define TESTS_RIG_QUIET_READER_H

#include "reassembly/reader.h"

/** quiet_open() - what is shared is what was handed in, and the test's */
static inline void *quiet_open(const void *config)
{
	return (void *)config;
}

static inline void quiet_close(void *shared)
{
	(void)shared;
}

static inline enum reader_result quiet_chunk(struct reader *r, const struct chunk *chunk)
{
	(void)r;
	(void)chunk;
	return READER_LIVE;
}

static inline void quiet_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	(void)r;
	(void)side;
	(void)bytes;
	(void)why;
	(void)now;
}

static inline void quiet_passed_by(struct reader *r, const struct passed_by *passed)
{
	(void)r;
	(void)passed;
}

static inline bool quiet_half_end(struct reader *r, enum stream_side side)
{
	(void)r;
	(void)side;
	return true;
}

static inline void quiet_end(struct reader *r, enum lost_reason why, bool seen)
{
	(void)r;
	(void)why;
	(void)seen;
}

static inline void quiet_free(struct reader *r)
{
	(void)r;
}

#endif
