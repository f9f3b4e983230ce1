/* tls_queue.c - see tls_queue.h */
#include "tls/tls_queue.h"

#include <stdlib.h>

#define QUEUE_MAX (1 << 20) /* bytes of a connection that wait */

void tls_queue_init(struct tls_queue *q)
{
	q->end = &q->first;
}

static struct span bytes_of(const struct tls_waiting *what)
{
	return what->event == TLS_BYTES ? what->chunk.bytes : span_of(NULL, 0);
}

bool tls_queue_is_full(const struct tls_queue *q, const struct tls_waiting *what)
{
	return q->charged + sizeof(*what) + bytes_of(what).len > QUEUE_MAX;
}

bool tls_queue_add(struct tls_queue *q, struct budget *budget, const struct tls_waiting *what)
{
	struct span bytes = bytes_of(what);
	size_t size = sizeof(*what) + bytes.len;
	struct tls_waiting *w;

	if (tls_queue_is_full(q, what) || !budget_charge(budget, size))
		return false;
	w = malloc(size);
	if (!w) {
		budget_release(budget, size);
		return false;
	}
	*w = *what;
	w->next = NULL;
	if (bytes.len > 0)
		memcpy(w->bytes, bytes.at, bytes.len);
	w->chunk.bytes = span_of(w->bytes, bytes.len);
	*q->end = w;
	q->end = &w->next;
	q->charged += size;
	return true;
}

struct tls_waiting *tls_queue_take(struct tls_queue *q)
{
	struct tls_waiting *w = q->first;

	if (!w)
		return NULL;
	q->first = w->next;
	if (!q->first)
		q->end = &q->first;
	return w;
}

void tls_waiting_free(struct tls_queue *q, struct budget *budget, struct tls_waiting *w)
{
	size_t size = sizeof(*w) + w->chunk.bytes.len;

	q->charged -= size;
	budget_release(budget, size);
	free(w);
}

void tls_queue_clear(struct tls_queue *q, struct budget *budget)
{
	struct tls_waiting *w;

	while ((w = tls_queue_take(q)))
		tls_waiting_free(q, budget, w);
}
