/*
 * secrets.h - the secrets that the operator has handed in, by the client's random
 *
 * Theory of operation. Whoever reads key logs adds what they say; the lanes ask
 * once for each connection, with the 32 random bytes of its ClientHello. There is one
 * table for all of them behind one lock, since it is asked once for a connection
 * and not for a packet. Whether something was added since is known without the lock
 * (secrets_generation()), so that who waits for a secret asks when there is a reason.
 *
 * Secrets lie in pages of their own (secret_pages.h), and are wiped when one is
 * forgotten: the oldest, when the table is full, and what has become too old, where
 * an age is given. What is found is a copy, and its owner cleanses it.
 *
 * A connection whose ClientHello was not captured cannot ask. Its secret is among those that no connection has asked
 * for, in TLS 1.3 where one suffices; these can be listed, for who tries each of them (joiner.h). They are numbered in
 * the order in which they were added, and the newest come first: of the connections in a log most are over, and the
 * older one is, the likelier it is.
 */
#ifndef TLS_SECRETS_H
#define TLS_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "tls/key_log.h"

#define SECRETS_MAX 1000000 /* connections */

struct secrets;

/** struct secrets_counts - since the start */
struct secrets_counts {
	uint64_t kept;      /* secrets */
	uint64_t duplicate; /* ... that were known */
	uint64_t refused;   /* ... for which there was no memory */
	uint64_t used;      /* connections whose secrets were asked for and known, each once */
	uint64_t evicted, expired; /* connections that were forgotten */
	uint64_t held;      /* connections now */
};

/** struct secrets_found - those of one connection; a kind that is not known has no length */
struct secrets_found {
	uint8_t secret[TLS_SECRET_KINDS][TLS_SECRET_MAX];
	uint8_t len[TLS_SECRET_KINDS];
};

/** struct secrets_candidate - what a client of TLS 1.3 protects its data with, and the random by which the rest is found */
struct secrets_candidate {
	uint8_t random[TLS_RANDOM_BYTES];
	uint8_t secret[TLS_SECRET_MAX];
	uint8_t len;
};

/** secrets_new() - @max: connections; @expire_ns: how old one may become without being asked for, or 0; NULL when out of memory */
struct secrets *secrets_new(size_t max, int64_t expire_ns);

/**
 * secrets_add() - any thread
 * @entry: borrowed. A secret replaces one of its kind that was known, for the same random may be used twice.
 */
void secrets_add(struct secrets *s, const struct key_log_entry *entry, struct mono now);

/** secrets_find() - any thread; false if there is none of that random. @out is the caller's to cleanse. It is young again */
bool secrets_find(struct secrets *s, const uint8_t random[TLS_RANDOM_BYTES], struct secrets_found *out);

/** secrets_last() - any thread, without a lock: the number of the newest client's secret of TLS 1.3; 0: there is none */
uint64_t secrets_last(const struct secrets *s);

/**
 * secrets_unclaimed() - any thread: clients' secrets of TLS 1.3 for whose connection nobody has asked, the newest first
 * @after, @upto: those behind the one with the number @after, up to @upto
 * @out: for @max of them; the caller's to cleanse
 *
 * Return: how many there are.
 */
size_t secrets_unclaimed(struct secrets *s, uint64_t after, uint64_t upto, struct secrets_candidate *out, size_t max);

/** secrets_unclaim() - any thread: as if nobody had asked for any, since what was captured is read once more */
void secrets_unclaim(struct secrets *s);

/** secrets_generation() - any thread, without a lock: another number than before when something was added; 0: nothing ever was */
uint64_t secrets_generation(const struct secrets *s);

/** secrets_expire() - any thread: forget what is too old, at most a few at a time */
void secrets_expire(struct secrets *s, struct mono now);

/** secrets_counts() - any thread */
struct secrets_counts secrets_counts(struct secrets *s);

/** secrets_are_locked() - could all pages be locked in memory so far? */
bool secrets_are_locked(struct secrets *s);

/** secrets_free() - NULL allowed */
void secrets_free(struct secrets *s);

#endif
