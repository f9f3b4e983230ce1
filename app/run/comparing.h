/*
 * comparing.h - production's responses and the targets', brought together and judged (--compare)
 *
 * Unless a function says otherwise it is called on the loop's thread.
 */
#ifndef APP_RUN_COMPARING_H
#define APP_RUN_COMPARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "app/cases/case_files.h"
#include "app/cases/case_keeper.h"
#include "app/options/compare_settings.h"
#include "app/options/target_settings.h"
#include "base/budget.h"
#include "base/buffer.h"
#include "compare/comparison.h"
#include "message/message.h"
#include "message/response.h"
#include "replay/outcome.h"
#include "report/document.h"
#include "report/gate.h"

struct comparing;

/** struct comparing_settings - what the options say, see stages_comparing(); everything borrowed */
struct comparing_settings {
	const struct compare_settings *compare;
	const struct target_settings *targets;
	size_t target_count;
	const char *preset; /* whose additions to responses are no difference; NULL: none */
	uint64_t memory;    /* of --max-memory, what comparing keeps for itself; the rest is for what is held */
	uint64_t case_memory; /* of that, what cases take; 0: none are kept */
	double speed;       /* of a recording */
	bool speed_max;     /* ... or as fast as the targets allow */
	bool has_report;    /* --report */
	bool is_watched;    /* live, or ended when decided: intervals hold at every look */
	const struct texts *allow_headers; /* --allow-header: those and the built-in ones may explain differences */
};

struct comparing_hooks {
	/* a line for -o; borrowed. NULL: no events are wanted */
	void (*on_event)(void *ctx, struct span line);
	/* the target answered with a status that is a failure (outcome_is_failure()), and production not, for all that is known */
	void (*on_unlike_failure)(void *ctx, size_t target, const struct message *m, const struct outcome *outcome);
	/* comparing_has_room() said no and would say yes now */
	void (*on_room)(void *ctx);
	void *ctx;
};

/**
 * comparing_new() - read the rules and the gate, which needs the rights that we started with
 * @set:    with --compare on
 * @error:  on failure one sentence
 * Return: 0, -EINVAL (a rule or an expression is wrong), -ENOMEM, or the errno of the rules file.
 */
int comparing_new(struct comparing_settings set, struct comparing **out, struct buffer *error);

/**
 * comparing_start() - from here on answers can come
 * @waits:  a recording: nothing is skipped for want of time, see comparing_has_room()
 * Return: 0 or a negative errno.
 */
int comparing_start(struct comparing *c, uv_loop_t *loop, struct budget *budget,
		    const struct comparing_hooks *hooks, bool waits);

/** comparing_expect() - before @m goes to the targets; borrowed. False: no memory for it, so it must not be sent */
bool comparing_expect(struct comparing *c, struct message *m);

/** comparing_unsent() - @target will not get @m */
void comparing_unsent(struct comparing *c, size_t target, const struct message *m);

/** comparing_outcome() - the exchange ended; its response is taken */
void comparing_outcome(struct comparing *c, size_t target, const struct message *m,
		       const struct outcome *outcome);

/** comparing_production() - what the capture knows of a response; @response is taken, NULL: there was no memory */
void comparing_production(struct comparing *c, uint64_t token, struct response *response);

/** comparing_has_room() - may one more request be sent without comparisons piling up? */
bool comparing_has_room(struct comparing *c);

/** comparing_is_busy() - any thread: are comparisons under way, whose memory will come back? */
bool comparing_is_busy(const struct comparing *c);

/**
 * comparing_drain() - nothing will come any more: judge what is left, then @done(ctx), never from in here
 * @limit_ns:  what is not compared then is not comparable ("cancelled_at_exit"); may be given again, earlier
 */
void comparing_drain(struct comparing *c, int64_t limit_ns, void (*done)(void *ctx), void *ctx);

/** comparing_close() - close the handles; the loop must run once more to its end. The counts are final */
void comparing_close(struct comparing *c);

/** comparing_counts() - any thread: what came of the pairs of @target so far */
struct comparison_counts comparing_counts(const struct comparing *c, size_t target);

/** comparing_open() - requests that are kept because a pair is not decided */
size_t comparing_open(const struct comparing *c);

/** comparing_facts() - what the report says of it, borrowed; to be read between comparing_lock() and comparing_unlock() */
struct document_comparison comparing_facts(const struct comparing *c);

/** comparing_lock() - while the run goes on: the tally stays as it is until comparing_unlock() */
void comparing_lock(struct comparing *c);
void comparing_unlock(struct comparing *c);

/** comparing_cases() - after comparing_close(): what --repro is to write; NULL without it */
const struct case_keeper *comparing_cases(const struct comparing *c);

/** comparing_rules() - by what responses are compared, as a case says it; borrowed */
struct case_rules comparing_rules(const struct comparing *c);

/** comparing_gate() - of --fail-on, borrowed; NULL: none */
const struct gate *comparing_gate(const struct comparing *c);

/** comparing_decided() - the run is ended by this decision, for the reason @why, which is taken */
void comparing_decided(struct comparing *c, enum decision_state state, struct buffer *why);

/** comparing_looks() - how often intervals may be looked at */
enum looks comparing_looks(const struct comparing *c);

/** comparing_text() - after comparing_close(): a few lines for people */
void comparing_text(const struct comparing *c, struct buffer *out);

/** comparing_free() - NULL allowed */
void comparing_free(struct comparing *c);

/** texts_for_report() - borrowed, as they are */
static inline struct document_texts texts_for_report(const struct texts *list)
{
	return (struct document_texts){ list->at, list->count };
}

#endif
