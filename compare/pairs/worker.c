/* worker.c - see worker.h */
#include "compare/pairs/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/counter.h"

/** struct target_counts - the worker counts, any thread reads */
struct target_counts {
	struct counter pairs, unseen, generated_different, verdict[COMPARISON_COUNT];
	struct counter agree, disagree; /* decisions */
};

/** struct exchange_list - first in, first out */
struct exchange_list {
	struct exchange *first, **end;
};

struct worker {
	struct comparer *comparer; /* the thread's, while it runs */
	struct tally *tally;
	pthread_mutex_t tally_lock; /* the tally is read while the run goes on */
	struct target_counts *counts;
	size_t target_count;
	struct worker_hooks hooks;
	pthread_t thread;
	bool is_running;
	_Atomic bool is_abandoned;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;
	struct exchange_list waiting, done;
	bool is_over; /* the thread ends when there is nothing left to do */
};

static void list_clear(struct exchange_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_add(struct exchange_list *list, struct exchange *e)
{
	*list->end = e;
	list->end = &e->next;
}

static struct exchange *list_take(struct exchange_list *list)
{
	struct exchange *e = list->first;

	if (!e)
		return NULL;
	list->first = e->next;
	if (!list->first)
		list->end = &list->first;
	e->next = NULL;
	return e;
}

/* ---- the thread ------------------------------------------------------------------ */

static void count(struct target_counts *n, const struct pair *pair, const struct comparison *result)
{
	counter_add(&n->pairs, 1);
	counter_add(&n->verdict[result->verdict], 1);
	counter_add(&n->unseen, pair->production->result == RESPONSE_UNSEEN);
	if (result->verdict == COMPARISON_VALUE && result->generated)
		counter_add(&n->generated_different, 1);
	counter_add(&n->agree, result->findings.decisions_agree);
	counter_add(&n->disagree, result->findings.decisions_total - result->findings.decisions_agree);
}

/* The other pairs of the request that were judged before it: the shadow's and the control's are counted together. */
static void count_beside(struct worker *w, struct exchange *e, const struct comparison *result)
{
	e->judged = tally_judged(w->tally, e->target, result);
	for (size_t i = 0; e->judged && i < w->target_count; i++) {
		const struct judged *other = exchange_beside(e, i)->judged;

		if (i != e->target && other)
			tally_add_beside(w->tally, e->target, e->judged, i, other);
	}
}

static void compare(struct worker *w, struct exchange *e)
{
	struct comparison skipped = { .verdict = COMPARISON_NOT_COMPARABLE };
	const struct comparison *result = &skipped;
	struct pair pair = exchange_pair(e);

	if (!e->skip && atomic_load_explicit(&w->is_abandoned, memory_order_relaxed))
		e->skip = "cancelled_at_exit";
	if (e->skip)
		skipped.reason = e->skip;
	else
		result = comparer_run(w->comparer, &pair);
	pthread_mutex_lock(&w->tally_lock);
	tally_add(w->tally, e->target, &pair, result);
	count_beside(w, e, result);
	pthread_mutex_unlock(&w->tally_lock);
	count(&w->counts[e->target], &pair, result);
	if (w->hooks.describe)
		w->hooks.describe(w->hooks.ctx, e->target, &pair, result, &e->event);
	comparer_rest(w->comparer);
}

static struct exchange *take_work(struct worker *w)
{
	struct exchange *e;

	pthread_mutex_lock(&w->lock);
	while (!w->waiting.first && !w->is_over)
		pthread_cond_wait(&w->work, &w->lock);
	e = list_take(&w->waiting);
	pthread_mutex_unlock(&w->lock);
	return e;
}

static void give_back(struct worker *w, struct exchange *e)
{
	bool is_first;

	pthread_mutex_lock(&w->lock);
	is_first = !w->done.first;
	list_add(&w->done, e);
	pthread_mutex_unlock(&w->lock);
	if (is_first)
		w->hooks.on_done(w->hooks.ctx);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct exchange *e;

	while ((e = take_work(w))) {
		compare(w, e);
		give_back(w, e);
	}
	return NULL;
}

/* ---- the loop's side ---------------------------------------------------------------- */

void worker_add(struct worker *w, struct exchange *e)
{
	pthread_mutex_lock(&w->lock);
	list_add(&w->waiting, e);
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

struct exchange *worker_collect(struct worker *w)
{
	struct exchange *e;

	pthread_mutex_lock(&w->lock);
	e = w->done.first;
	list_clear(&w->done);
	pthread_mutex_unlock(&w->lock);
	return e;
}

void worker_abandon(struct worker *w)
{
	atomic_store(&w->is_abandoned, true);
}

struct comparison_counts worker_counts(const struct worker *w, size_t target)
{
	const struct target_counts *n = &w->counts[target];
	struct comparison_counts counts = {
		.pairs = counter_get(&n->pairs),
		.unseen = counter_get(&n->unseen),
		.generated_different = counter_get(&n->generated_different),
		.agree = counter_get(&n->agree),
		.disagree = counter_get(&n->disagree),
	};

	for (int v = 0; v < COMPARISON_COUNT; v++)
		counts.verdict[v] = counter_get(&n->verdict[v]);
	return counts;
}

const struct tally *worker_tally(const struct worker *w)
{
	return w->tally;
}

void worker_lock(struct worker *w)
{
	pthread_mutex_lock(&w->tally_lock);
}

void worker_unlock(struct worker *w)
{
	pthread_mutex_unlock(&w->tally_lock);
}

void worker_unmatched(const struct worker *w, struct buffer *out)
{
	if (!w->is_running)
		comparer_unmatched(w->comparer, out);
}

struct worker *worker_new(struct comparer *comparer, struct tally *tally, size_t target_count)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w) {
		comparer_free(comparer);
		tally_free(tally);
		return NULL;
	}
	w->comparer = comparer;
	w->tally = tally;
	list_clear(&w->waiting);
	list_clear(&w->done);
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->tally_lock, NULL);
	pthread_cond_init(&w->work, NULL);
	w->target_count = target_count;
	w->counts = calloc(target_count + 1, sizeof(*w->counts)); /* a file that is checked may name no target */
	if (w->counts)
		return w;
	worker_free(w);
	return NULL;
}

int worker_start(struct worker *w, const struct worker_hooks *hooks)
{
	int err;

	w->hooks = *hooks;
	err = pthread_create(&w->thread, NULL, worker_main, w);
	w->is_running = err == 0;
	return -err;
}

void worker_stop(struct worker *w)
{
	if (!w->is_running)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->is_running = false;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	comparer_free(w->comparer);
	tally_free(w->tally);
	free(w->counts);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->tally_lock);
	pthread_cond_destroy(&w->work);
	free(w);
}
