/*
 * worker.h - the thread that compares, so that a large comparison never delays the loop
 *
 * It owns the comparer and the tally. Pairs come and go through two lists under
 * one lock; each is given back, since references to messages are counted on the
 * loop only. Unless a function says otherwise it is called on the loop's thread.
 */
#ifndef COMPARE_PAIRS_WORKER_H
#define COMPARE_PAIRS_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "compare/comparer.h"
#include "compare/comparison.h"
#include "compare/pairs/pairing.h"
#include "compare/tally/tally.h"

struct worker;

/** struct worker_hooks - called on the worker's thread */
struct worker_hooks {
	/* the pair was compared: append its event to @line. NULL: no events are written */
	void (*describe)(void *ctx, size_t target, const struct pair *pair, const struct comparison *result,
			 struct buffer *line);
	/* there is something to collect, where there was nothing before */
	void (*on_done)(void *ctx);
	void *ctx;
};

/** worker_new() - @comparer and @tally are taken, on failure too; NULL when out of memory. No thread runs yet */
struct worker *worker_new(struct comparer *comparer, struct tally *tally, size_t target_count);

/** worker_start() - 0 or a negative errno */
int worker_start(struct worker *w, const struct worker_hooks *hooks);

/** worker_add() - compare the pair of @e, which is the worker's until worker_collect() gives it back */
void worker_add(struct worker *w, struct exchange *e);

/** worker_collect() - the exchanges whose verdicts are known, in a list by @next; NULL: none */
struct exchange *worker_collect(struct worker *w);

/** worker_abandon() - from now on nothing is compared: what is left is counted as "cancelled_at_exit" */
void worker_abandon(struct worker *w);

/** worker_stop() - let it finish what it was given, and join it; may be called again, and without a thread */
void worker_stop(struct worker *w);

/** worker_counts() - any thread: what came of the pairs of @target so far */
struct comparison_counts worker_counts(const struct worker *w, size_t target);

/** worker_tally() - borrowed; while the thread runs it may be read between worker_lock() and worker_unlock() */
const struct tally *worker_tally(const struct worker *w);
void worker_lock(struct worker *w);
void worker_unlock(struct worker *w);

/** worker_unmatched() - comparer_unmatched(); nothing while the thread runs, since the comparer is its own then */
void worker_unmatched(const struct worker *w, struct buffer *out);

/** worker_free() - NULL allowed; after worker_stop() */
void worker_free(struct worker *w);

#endif
