/*
 * direction_trial.h - a record, tried with the numbers and keys that it may have: for direction.c
 */
#ifndef TLS_DIRECTION_TRIAL_H
#define TLS_DIRECTION_TRIAL_H

#include "tls/direction.h"
#include "tls/hello.h"

/** struct trial - a record, and what it turned out to be */
struct trial {
	struct record record;
	struct opened opened;
	uint64_t wire; /* of its first byte */
	uint64_t number;
	bool across_keys;
};

static inline bool direction_is_tls13(const struct direction *d)
{
	return d->keys.suite->version == TLS_1_3;
}

/** direction_may_open() - is @r worth a trial? */
bool direction_may_open(const struct direction *d, const struct record *r);

/** direction_try() - @t->record; if it opens, its keys are @d's, and @t->opened is in the room of @env */
bool direction_try(struct direction *d, struct direction_env *env, struct trial *t);

#endif
