/*
 * breaker.h - leaving a target alone that cannot be connected to
 *
 * After @limit failures to connect in a row the breaker opens: requests are
 * shed at once, so a dead shadow costs a comparison per request and no socket.
 * When the back-off has passed, one request goes through as a probe. Its
 * success closes the breaker; its failure doubles the back-off, 0.5 s to 30 s.
 * Pure logic: time is an argument.
 */
#ifndef REPLAY_BREAKER_H
#define REPLAY_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define BREAKER_BACKOFF_FIRST_NS (NS_PER_S / 2)
#define BREAKER_BACKOFF_MAX_NS (30 * NS_PER_S)

enum breaker_state {
	BREAKER_CLOSED,  /* requests pass, failures in a row are counted */
	BREAKER_OPEN,    /* requests are shed until retry_at; then the next one may be the probe */
	BREAKER_PROBING, /* the probe is under way, the others are shed */
};

struct breaker {
	enum breaker_state state;
	uint32_t limit, failures; /* limit 0: never opens */
	int64_t backoff_ns;
	struct mono retry_at;
};

void breaker_init(struct breaker *b, uint32_t limit);

/** breaker_sheds() - must a request be shed now? If not, and the state is BREAKER_OPEN, it may be the probe */
bool breaker_sheds(const struct breaker *b, struct mono now);

/** breaker_probe() - the request that BREAKER_OPEN let through has begun */
void breaker_probe(struct breaker *b);

/** breaker_failed() - a connection could not be opened; true if the breaker opened from BREAKER_CLOSED */
bool breaker_failed(struct breaker *b, struct mono now);

/** breaker_succeeded() - a connection was opened, or a response came */
void breaker_succeeded(struct breaker *b);

const char *breaker_state_name(const struct breaker *b); /* "closed", "open", "probing" */

#endif
