/*
 * pairing.h - requests that were sent, until both of their responses are known
 *
 * One thread, without a lock but for pairing_is_busy(). Nothing here waits,
 * compares or asks for the time: what is ready for comparing is taken with
 * pairing_take(), and comes back with pairing_end().
 */
#ifndef COMPARE_PAIRS_PAIRING_H
#define COMPARE_PAIRS_PAIRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "compare/comparer.h"
#include "message/message.h"
#include "message/response.h"
#include "replay/outcome.h"

#define PAIRING_ROOM     256  /* pairs under comparison before a recording has to wait */
#define PAIRING_OVERLOAD 4096 /* pairs under comparison before live ones are skipped */

/*
 * OPEN:      the exchange with the target goes on.
 * WAITS:     it has ended, and production's response is not known yet.
 * READY:     both are known; the pair waits to be taken, or is under comparison.
 * OVER:      its verdict is known, or it was never sent.
 */
enum exchange_state { EXCHANGE_OPEN, EXCHANGE_WAITS, EXCHANGE_READY, EXCHANGE_OVER };

struct pair_row;

/** struct exchange - of one target, with one request: the half of a pair that is the shadow's */
struct exchange {
	struct exchange *next;  /* in a list of its present owner: pairing, or from pairing_take() to pairing_end() the caller */
	struct pair_row *row;
	size_t target;
	struct outcome outcome; /* its response is ours */
	const char *skip;       /* the reason why it is not compared; NULL: it is */
	struct buffer event;    /* the caller's; freed with the exchange */
	struct judged *judged;  /* the caller's, from malloc(); freed with the last exchange of the request */
	enum exchange_state state;
};

struct pairing_options {
	size_t target_count;
	struct budget *budget; /* of what waits: messages, responses, rows; borrowed */
	bool is_recording;     /* it can wait, so nothing is skipped for want of time, and little for want of memory */
};

struct pairing;

/** pairing_new() - NULL when out of memory; @options copied */
struct pairing *pairing_new(const struct pairing_options *options);

/** pairing_expect() - before @m (borrowed) goes to the targets; false: no memory for it, so it must not be sent */
bool pairing_expect(struct pairing *p, struct message *m);

/** pairing_unsent() - @target will not get @m */
void pairing_unsent(struct pairing *p, size_t target, const struct message *m);

/** pairing_outcome() - the exchange ended; its response is taken */
void pairing_outcome(struct pairing *p, size_t target, const struct message *m, const struct outcome *outcome);

/** pairing_production() - what the capture knows of a response, which is taken; NULL: there was no memory for it */
void pairing_production(struct pairing *p, uint64_t token, struct response *response);

/** pairing_end_all() - nothing will come any more: what is open ends, what waits is paired with a response never seen */
void pairing_end_all(struct pairing *p);

/** pairing_take() - the next exchange whose pair is ready, as they became so; NULL: none. Given back by pairing_end() */
struct exchange *pairing_take(struct pairing *p);

/** exchange_pair() - both sides of an exchange that was taken; borrowed from it */
struct pair exchange_pair(const struct exchange *e);

/** exchange_beside() - the one of the same request with @target; what it has of the caller's is still there if it ended */
const struct exchange *exchange_beside(const struct exchange *e, size_t target);

/** pairing_end() - the verdict on @e is known: it is freed, its request and production's response with its last pair */
void pairing_end(struct pairing *p, struct exchange *e);

/** pairing_has_room() - may one more request be sent without pairs piling up under comparison? */
bool pairing_has_room(const struct pairing *p);

/** pairing_is_busy() - any thread: are pairs ready or under comparison, whose memory will come back? */
bool pairing_is_busy(const struct pairing *p);

/** pairing_open() - requests that are kept because a pair is not decided */
size_t pairing_open(const struct pairing *p);

/** pairing_free() - NULL allowed; what is still open is freed, but for what was taken and not given back */
void pairing_free(struct pairing *p);

#endif
