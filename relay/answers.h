/*
 * answers.h - requests that wait for production's response, which comes as a message of its own
 *
 * Theory of operation: a tap publishes a response when production has given it, in
 * the partition of its request and behind it. So a replayer remembers which requests
 * are to get one, by their ids, until it comes, or until the partition has got
 * ANSWERS_WAIT_NS further than where the request was: the tap may have lost it. By
 * the broker's clock, so that a stream of yesterday is no different. Bounded: of
 * more than ANSWERS_MAX the oldest is given up.
 */
#ifndef RELAY_ANSWERS_H
#define RELAY_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define ANSWERS_WAIT_NS (INT64_C(60) * NS_PER_S)
#define ANSWERS_MAX	65536

struct answers;

struct answers *answers_new(void);
void answers_free(struct answers *a);

/**
 * answers_expect() - the request with this id, of @partition, stored at @stored, has @token, which is not 0
 * Return: 0, or the token of one that is given up for it (@token itself when out of memory, or when the id waits already).
 */
uint64_t answers_expect(struct answers *a, uint64_t high, uint64_t low, uint32_t partition, struct wall stored, uint64_t token);

/** answers_take() - the token of the request with this id, which waits no longer; 0: none does */
uint64_t answers_take(struct answers *a, uint64_t high, uint64_t low);

/** answers_overdue() - the token of one of @partition that has waited too long at @reached, and waits no longer; 0: none has */
uint64_t answers_overdue(struct answers *a, uint32_t partition, struct wall reached);

/** answers_take_any() - the token of the oldest, at the end; 0: none is left */
uint64_t answers_take_any(struct answers *a);

size_t answers_waiting(const struct answers *a);

#endif
