/*
 * aim.h - where a target leads, and whether that is a service which is watched
 *
 * Production must not get its own requests again. It cannot be asked for, but
 * it is known: each captured request says where it went, and each target's name
 * says where it leads.
 */
#ifndef REPLAY_AIM_H
#define REPLAY_AIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "replay/resolve.h"

#define AIM_CLEARED_MAX 16

/** struct aim - one target's; all zero: it leads nowhere yet */
struct aim {
	struct endpoint at[ADDRESSES_MAX]; /* as packets would show them */
	size_t count;
	uint64_t moved; /* times that the addresses became others */
	bool is_here;   /* captured on this machine, now: addresses that are both its own may be one service */
	struct endpoint cleared[AIM_CLEARED_MAX]; /* addresses of this machine that turned out to be another service */
	size_t cleared_next;
};

/** aim_set() - the name leads to @found from now on; true if that is news */
bool aim_set(struct aim *a, const struct addresses *found);

/** aim_has() - is @at one of the addresses? */
bool aim_has(const struct aim *a, const struct endpoint *at);

/** aim_is() - does one of the addresses lead to the service at @server? It may read what listens on this machine */
bool aim_is(struct aim *a, const struct endpoint *server);

#endif
