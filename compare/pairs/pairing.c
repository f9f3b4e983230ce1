/*
 * pairing.c - see pairing.h
 *
 * Theory of operation. A request that goes to the targets has a row until all
 * of them are done with it: the message, production's response once the capture
 * has it, and for each target the outcome of its exchange. As soon as an
 * exchange has ended and production's response is known, whole or not, the two
 * are a pair that is ready for comparing.
 *
 *     expect -> outcome of a target --+
 *                                     +--> ready -> taken, compared -> end
 *     production's response ----------+
 *
 * Each exchange that was sent ends in exactly one verdict, so whatever cannot
 * be compared goes the same way with a reason: "memory" where production's
 * response did not fit into --max-memory, or had to be given up for newer ones,
 * and "overload" where live pairs pile up under comparison.
 *
 * A request that waits for production's response holds memory that nothing else
 * gives back, and some responses take hours. So when three quarters of the bound
 * are in use, the pairs that wait longest are given up. The lane of a recording
 * waits at its bound as long as the loop is busy, so there the rows are given up
 * only when nearly all is in use. A recording waits for the comparing, too
 * (pairing_has_room()), so its pairs never pile up.
 *
 * References to messages are counted on one thread, so a comparer on another
 * gives each exchange back for pairing_end().
 */
#include "compare/pairs/pairing.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "compare/tally/noise.h"

#define BUCKETS 8192                  /* power of two; tokens count on, so they spread by themselves */
#define OWN_TOKEN (UINT64_C(1) << 63) /* of requests whose response will not be brought */

/** struct pair_row - a request that was sent, or may be */
struct pair_row {
	struct pair_row *chain;
	struct pair_row *older, *newer; /* while exchanges wait for production's response */
	uint64_t token;
	struct message *message;
	struct response *production; /* NULL: not known yet; else its own, or one of the two that stand in for it */
	size_t open;                 /* exchanges that are not over */
	bool is_waiting;
	struct exchange exchanges[]; /* one per target */
};

struct pairing {
	struct pairing_options options;
	size_t row_size;
	struct pair_row *bucket[BUCKETS];
	struct pair_row *oldest, *newest; /* that wait for production's response */
	size_t rows;
	uint64_t own_tokens;
	struct exchange *ready, **ready_end;
	_Atomic size_t at_work; /* exchanges that are ready, or taken; changed by one thread */
};

/* What stands for a response that could not be kept, or that was never seen. Not written to. */
static struct response no_memory = { .result = RESPONSE_MEMORY, .first_byte_us = -1, .last_byte_us = -1 };
static struct response never_seen = { .result = RESPONSE_UNSEEN, .first_byte_us = -1, .last_byte_us = -1 };

static void free_production(struct response *r)
{
	if (r != &no_memory && r != &never_seen)
		response_free(r);
}

static void free_response(struct exchange *e)
{
	response_free(e->outcome.response);
	e->outcome.response = NULL;
}

/* ---- rows, by the token of their response ------------------------------------ */

static struct pair_row **find(struct pairing *p, uint64_t token)
{
	struct pair_row **at = &p->bucket[token & (BUCKETS - 1)];

	while (*at && (*at)->token != token)
		at = &(*at)->chain;
	return at;
}

static void stop_waiting(struct pairing *p, struct pair_row *row)
{
	if (!row->is_waiting)
		return;
	row->is_waiting = false;
	*(row->older ? &row->older->newer : &p->oldest) = row->newer;
	*(row->newer ? &row->newer->older : &p->newest) = row->older;
	row->older = row->newer = NULL;
}

static void start_waiting(struct pairing *p, struct pair_row *row)
{
	if (row->is_waiting)
		return;
	row->is_waiting = true;
	row->older = p->newest;
	*(p->newest ? &p->newest->newer : &p->oldest) = row;
	p->newest = row;
}

static void remove_row(struct pairing *p, struct pair_row *row)
{
	*find(p, row->token) = row->chain;
	stop_waiting(p, row);
	message_unref(row->message);
	free_production(row->production);
	for (size_t i = 0; i < p->options.target_count; i++)
		free(row->exchanges[i].judged);
	budget_release(p->options.budget, p->row_size);
	free(row);
	p->rows--;
}

static void end_exchange(struct pairing *p, struct exchange *e)
{
	struct pair_row *row = e->row;

	e->state = EXCHANGE_OVER;
	free_response(e);
	buffer_deinit(&e->event);
	if (--row->open == 0)
		remove_row(p, row);
}

/* ---- what is ready ------------------------------------------------------------- */

static size_t at_work(const struct pairing *p)
{
	return atomic_load_explicit(&((struct pairing *)p)->at_work, memory_order_relaxed);
}

/** make_ready() - both responses are known: the pair is compared, or counted with the reason why it is not */
static void make_ready(struct pairing *p, struct exchange *e)
{
	if (!p->options.is_recording && at_work(p) >= PAIRING_OVERLOAD && !e->skip) {
		e->skip = "overload";
		free_response(e);
	}
	e->state = EXCHANGE_READY;
	*p->ready_end = e;
	p->ready_end = &e->next;
	atomic_fetch_add_explicit(&p->at_work, 1, memory_order_relaxed);
}

/** know_production() - @response (taken) is what there will ever be of it */
static void know_production(struct pairing *p, struct pair_row *row, struct response *response)
{
	row->production = response;
	stop_waiting(p, row);
	for (size_t i = 0; i < p->options.target_count; i++)
		if (row->exchanges[i].state == EXCHANGE_WAITS)
			make_ready(p, &row->exchanges[i]);
}

/** give_up_old() - what waits for production's responses must leave memory to what is new */
static void give_up_old(struct pairing *p)
{
	size_t limit = p->options.budget->limit, high = p->options.is_recording ? limit / 16 * 15 : limit / 4 * 3;

	while (p->oldest && budget_used(p->options.budget) > high) {
		struct pair_row *row = p->oldest;

		for (size_t i = 0; i < p->options.target_count; i++)
			if (row->exchanges[i].state == EXCHANGE_WAITS) {
				row->exchanges[i].skip = "memory";
				free_response(&row->exchanges[i]);
			}
		know_production(p, row, &no_memory);
	}
}

struct exchange *pairing_take(struct pairing *p)
{
	struct exchange *e = p->ready;

	if (!e)
		return NULL;
	p->ready = e->next;
	if (!p->ready)
		p->ready_end = &p->ready;
	e->next = NULL;
	return e;
}

struct pair exchange_pair(const struct exchange *e)
{
	struct pair pair = { .request = e->row->message, .production = e->row->production, .outcome = &e->outcome };

	if (outcome_is_answered(e->outcome.kind))
		pair.shadow = e->outcome.response ? e->outcome.response : &no_memory;
	return pair;
}

const struct exchange *exchange_beside(const struct exchange *e, size_t target)
{
	return &e->row->exchanges[target];
}

void pairing_end(struct pairing *p, struct exchange *e)
{
	end_exchange(p, e);
	atomic_fetch_sub_explicit(&p->at_work, 1, memory_order_relaxed); /* last: then its memory is back */
}

/* ---- what happens to a request ---------------------------------------------------- */

bool pairing_expect(struct pairing *p, struct message *m)
{
	struct pair_row *row, **at;

	give_up_old(p);
	if (!budget_charge(p->options.budget, p->row_size))
		return false;
	row = calloc(1, p->row_size);
	if (!row) {
		budget_release(p->options.budget, p->row_size);
		return false;
	}
	if (m->response_token == 0) { /* there was no memory to await its response */
		m->response_token = OWN_TOKEN | ++p->own_tokens;
		row->production = &no_memory;
	}
	row->token = m->response_token;
	row->message = message_ref(m);
	row->open = p->options.target_count;
	for (size_t i = 0; i < p->options.target_count; i++)
		row->exchanges[i] = (struct exchange){ .row = row, .target = i };
	at = find(p, row->token);
	*at = row;
	p->rows++;
	return true;
}

void pairing_unsent(struct pairing *p, size_t target, const struct message *m)
{
	struct pair_row *row = *find(p, m->response_token);

	if (row && row->exchanges[target].state == EXCHANGE_OPEN)
		end_exchange(p, &row->exchanges[target]);
}

void pairing_outcome(struct pairing *p, size_t target, const struct message *m, const struct outcome *outcome)
{
	struct pair_row *row = *find(p, m->response_token);
	struct exchange *e;

	if (!row) {
		response_free(outcome->response);
		return;
	}
	e = &row->exchanges[target];
	e->outcome = *outcome;
	e->state = EXCHANGE_WAITS;
	if (row->production) {
		make_ready(p, e);
		return;
	}
	start_waiting(p, row);
	give_up_old(p);
}

void pairing_production(struct pairing *p, uint64_t token, struct response *response)
{
	struct pair_row *row = *find(p, token);

	if (!row || row->production) /* no target has the request, or this came too late */
		response_free(response);
	else
		know_production(p, row, response ? response : &no_memory);
}

static void end_row(struct pairing *p, struct pair_row *row)
{
	if (!row->production)
		know_production(p, row, &never_seen);
	row->open++; /* so that the row lasts until all were looked at */
	for (size_t i = 0; i < p->options.target_count; i++)
		if (row->exchanges[i].state == EXCHANGE_OPEN)
			end_exchange(p, &row->exchanges[i]);
	if (--row->open == 0)
		remove_row(p, row);
}

void pairing_end_all(struct pairing *p)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct pair_row *row = p->bucket[i], *next; row; row = next) {
			next = row->chain;
			end_row(p, row);
		}
}

/* ---- the table ------------------------------------------------------------------------ */

bool pairing_has_room(const struct pairing *p)
{
	return at_work(p) < PAIRING_ROOM;
}

bool pairing_is_busy(const struct pairing *p)
{
	return at_work(p) > 0;
}

size_t pairing_open(const struct pairing *p)
{
	return p->rows;
}

struct pairing *pairing_new(const struct pairing_options *options)
{
	struct pairing *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->options = *options;
	p->row_size = sizeof(struct pair_row) + options->target_count * sizeof(struct exchange);
	if (options->target_count > 1)
		p->row_size += options->target_count * JUDGED_BYTES_MAX;
	p->ready_end = &p->ready;
	return p;
}

void pairing_free(struct pairing *p)
{
	struct exchange *e;

	if (!p)
		return;
	pairing_end_all(p);
	while ((e = pairing_take(p)))
		pairing_end(p, e);
	free(p);
}
