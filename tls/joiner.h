/*
 * joiner.h - a thread that finds out which secret a record was protected with, and which number it has, by trying
 *
 * Theory of operation. Of a connection that was there before the capture neither the client's random is known, by which
 * its secrets would be found, nor how many records have gone by. In TLS 1.3 there is a way all the same: the secret is one of those
 * that no connection has asked for (secrets_unclaimed()), and the number is small. So each of these secrets is tried
 * with each number up to a bound that the operator sets, and the tag tells. What that costs is secrets x numbers x some ten
 * nanoseconds (last_byte.h), which is nothing for who waits, and far too much for the thread that reads
 * packets. That one only asks; the joiner's thread tries, and who has asked looks now and then whether there is an answer.
 *
 * Small numbers are tried with all secrets before greater ones are with any, in steps: the number is likelier small, and
 * a question is put back behind the others after each step. So one for which there is no answer, as is true of
 * TLS 1.2, delays no other for long. The suite is not known either: those that have a secret of that length
 * are tried. Nothing is tried twice: who asks again, since secrets were added, asks for those only.
 *
 * The same is done for the server's direction, once the client's is known: then there is one secret, one suite, and
 * only the number is missing.
 *
 * Of the secrets the last JOINER_SECRETS_MAX are tried by their numbers, claimed or not, so that with a recording it makes no
 * difference which other lane has asked for which of them by then.
 *
 * A connection whose client has changed its keys (KeyUpdate) before is not found: the secret in the log is the first one.
 *
 * Copies of secrets are in locked pages while a step is done, and are wiped behind it.
 */
#ifndef TLS_JOINER_H
#define TLS_JOINER_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/secrets.h"
#include "tls/suites.h"

#define JOINER_NUMBERS_MAX (1 << 24)
#define JOINER_QUESTIONS_MAX 256 /* at once */
#define JOINER_SECRETS_MAX 1024  /* for one question */

struct joiner;
struct joiner_task; /* a question, until its answer was taken */

/** struct joiner_question - borrowed for the call */
struct joiner_question {
	struct span record;        /* whole, of TLS 1.3 */
	const struct suite *suite; /* the server's direction of a connection of this suite ... */
	const uint8_t *random;     /* ... with this random; NULL: a client's, of which nothing is known */
	uint64_t after, upto;      /* a client's: of the secrets those with these numbers, see secrets_unclaimed() */
};

enum joiner_answer {
	JOINER_TRIES,
	JOINER_FOUND,
	JOINER_NONE, /* it is none of those, or no more is tried */
};

/** struct joiner_found - with JOINER_FOUND */
struct joiner_found {
	uint8_t random[TLS_RANDOM_BYTES];
	const struct suite *suite;
	uint64_t number; /* of the record */
};

/**
 * joiner_new() - NULL when out of memory
 * @secrets: borrowed for its life
 * @numbers: 0 up to this one are tried, JOINER_NUMBERS_MAX at most
 */
struct joiner *joiner_new(struct secrets *secrets, uint32_t numbers);

/** joiner_ask() - any thread; the first one starts the joiner's. NULL: too many questions, or no memory. For joiner_forget() */
struct joiner_task *joiner_ask(struct joiner *j, const struct joiner_question *question);

/** joiner_answer() - the thread that has asked; without a lock */
enum joiner_answer joiner_answer(const struct joiner_task *t, struct joiner_found *out);

/** joiner_wait() - likewise: until there is an answer */
enum joiner_answer joiner_wait(struct joiner_task *t, struct joiner_found *out);

/** joiner_forget() - it was taken, or is not needed any more; NULL allowed */
void joiner_forget(struct joiner_task *t);

/** joiner_is_locked() - could its copies of secrets be locked in memory? */
bool joiner_is_locked(const struct joiner *j);

/** joiner_answers() - any thread, without a lock: another number than before when there was an answer since */
uint64_t joiner_answers(const struct joiner *j);

/** joiner_stop() - any thread: nothing more is tried, and every answer is JOINER_NONE */
void joiner_stop(struct joiner *j);

/** joiner_free() - when all tasks are forgotten; NULL allowed */
void joiner_free(struct joiner *j);

#endif
