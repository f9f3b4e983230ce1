/*
 * arrival.h - when the bytes of a body came
 */
#ifndef MESSAGE_ARRIVAL_H
#define MESSAGE_ARRIVAL_H

#include <stdint.h>

/** struct arrival - those from @offset on, up to the next one's, came @us after a moment that the owner names */
struct arrival {
	uint64_t offset;
	int64_t us;
};

/* Of one body; bytes after the last belong to it. */
#define ARRIVALS_MAX 65536

#endif
