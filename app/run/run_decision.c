/*
 * run_decision.c - what the pairs so far have shown, and ending the run once that is enough
 *
 * The decision is made of the report's figures (document_decide()), so that one that is watched and one that
 * is read in a file cannot differ. That takes about a millisecond, mostly while the thread that compares waits for
 * the tally; so whoever asks, the line on a terminal, --admin or --stop-when, gets one that is up to a
 * second old, and where nobody asks none is made.
 */
#include "app/run/run_impl.h"
#include "base/log.h"

static const struct decision_made *decide(struct run *r, const struct document_facts *facts)
{
	r->decided_at = mono_now();
	if (document_decide(facts, &r->figures, &r->decision) < 0)
		r->decision = (struct decision_made){ .state = DECISION_NONE };
	return &r->decision;
}

const struct decision_made *run_decide(struct run *r)
{
	struct facts_store store;
	struct document_facts facts;
	struct books b;

	if (r->decided_at.ns > 0 && mono_now().ns - r->decided_at.ns < RUN_WATCH_MS * NS_PER_MS)
		return &r->decision;
	run_take_books(r, &b);
	facts = run_facts_now(r, &b, &store);
	comparing_lock(r->comparing);
	decide(r, &facts);
	comparing_unlock(r->comparing);
	return &r->decision;
}

const struct decision_made *run_decide_at_end(struct run *r, const struct document_facts *facts)
{
	return decide(r, facts);
}

void run_on_watch(uv_timer_t *handle)
{
	struct run *r = handle->data;
	struct buffer why = { 0 };
	enum decision_state state = run_decide(r)->state;

	if (state != DECISION_PROMOTE && state != DECISION_REJECT)
		return;
	decision_why(&r->decision, &why);
	log_info("decided: %s; %s", decision_state_words(state), buffer_text(&why));
	comparing_decided(r->comparing, state, &why);
	uv_timer_stop(handle);
	run_stop_capture(r);
}
