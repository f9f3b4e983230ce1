/*
 * tls_queue.h - what has come of a connection and cannot be read yet, in the order of capture
 */
#ifndef TLS_TLS_QUEUE_H
#define TLS_TLS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "reassembly/reader.h"

enum tls_event { TLS_BYTES, TLS_GAP, TLS_HALF_END, TLS_END };

/** struct tls_waiting - what the tracker has told */
struct tls_waiting {
	struct tls_waiting *next;
	enum tls_event event;
	enum stream_side side;
	struct chunk chunk; /* TLS_BYTES: its bytes are here */
	struct wall now;    /* TLS_BYTES, TLS_GAP: the latest capture time when it came */
	uint32_t gap;
	enum lost_reason why; /* TLS_GAP, TLS_END */
	bool seen;            /* TLS_END */
	uint8_t bytes[];
};

/** struct tls_queue - zero, and then tls_queue_init() */
struct tls_queue {
	struct tls_waiting *first, **end;
	size_t charged;
};

void tls_queue_init(struct tls_queue *q);

/** tls_queue_add() - a copy of @what; false if there is no memory for it, or there is more than a connection may have */
bool tls_queue_add(struct tls_queue *q, struct budget *budget, const struct tls_waiting *what);

/** tls_queue_is_full() - would @what be more than a connection may have? */
bool tls_queue_is_full(const struct tls_queue *q, const struct tls_waiting *what);

/** tls_queue_take() - the next one, given: for tls_waiting_free(); NULL if there is none */
struct tls_waiting *tls_queue_take(struct tls_queue *q);

void tls_waiting_free(struct tls_queue *q, struct budget *budget, struct tls_waiting *w);

/** tls_queue_clear() - drop all of it */
void tls_queue_clear(struct tls_queue *q, struct budget *budget);

#endif
