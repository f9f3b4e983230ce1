/*
 * lane_requests.c - what a lane does with requests: decide, count, hand over
 *
 * Theory of operation: the protocol calls the sink below while the lane feeds
 * it. At the end of a head the policy decides, and with that how much of the
 * request is kept; once it is complete it is counted under what it came to
 * (policy_stats.h), and a chosen one goes into the ring. Live, a full ring
 * refuses, and the request is shed; of a recording the lane waits for space,
 * which it is refused only when the run is over.
 * Responses are never shed, since the loop holds their requests until they come:
 * those that find no room live lose their body and wait in a list (late).
 */
#include <stdlib.h>
#include <string.h>

#include "app/run/event_log.h"
#include "app/run/lane_impl.h"
#include "policy/policy_stats.h"

static void take_next_rules(struct lane *l)
{
	struct lane_rules *next;

	/* looked at first, since an exchange is dear and there are new rules once in weeks */
	if (!atomic_load_explicit(&l->next_rules, memory_order_relaxed))
		return;
	next = atomic_exchange_explicit(&l->next_rules, NULL, memory_order_acquire);
	if (!next)
		return;
	policy_take_over(next->policy, l->rules->policy);
	if (l->event_log)
		event_log_show(l->event_log, next->shown);
	lane_rules_free(l->rules);
	l->rules = next;
}

/* What is kept of a request: of sent ones all, of others their head where each is told. */
static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	struct lane *l = ctx;
	enum keep keep = KEEP_NOTHING;
	enum decision decision;

	take_next_rules(l);
	decision = policy_decide(l->rules->policy, head, origin);
	if (decision == DECISION_CHOSEN && l->o.set.sends)
		keep = KEEP_WHOLE;
	else if (l->o.tells_all)
		keep = KEEP_HEAD;
	else if (l->event_log || (decision == DECISION_CHOSEN && l->o.recorder))
		keep = KEEP_BORROWED; /* the recorder wants to know whose it was */
	return (struct head_decision){
		.keep = keep,
		.digest = l->o.set.has_events,
		.decision = (uint8_t)decision,
		.response = keep == KEEP_WHOLE && l->o.set.compares,
		.needs_whole = policy_needs_whole(l->rules->policy),
		.limited = decision == DECISION_CHOSEN, /* a dry run counts as too large what a run would not send */
	};
}

bool lane_push(void *ctx, struct item *item)
{
	struct lane *l = ctx;
	bool pushed;

	item->sequence = l->packets;
	pushed = ring_push(l->o.ring, item);

	while (!pushed && !l->live) {
		intake_wake(l->o.intake);
		if (!ring_wait_space(l->o.ring))
			return false;
		pushed = ring_push(l->o.ring, item);
	}
	l->pushed |= pushed;
	return pushed;
}

/* A request that is sent: what was told before it comes before it. */
static bool push_sent(struct lane *l, struct message *m)
{
	bool pushed;

	event_log_flush(l->event_log);
	pushed = lane_push(l, &m->item);
	l->sent += pushed;
	return pushed;
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct lane *l = ctx;
	bool send = decision == DECISION_CHOSEN && l->o.set.sends;
	bool reserved = decision == DECISION_CHOSEN && chosen_limit_reserve(l->o.chosen);

	if (decision == DECISION_CHOSEN && !reserved)
		decision = DECISION_UNSAMPLED; /* -c: the count was reached while this one was pending */
	if (decision == DECISION_CHOSEN && out_of_memory)
		decision = DECISION_SHED_MEMORY;
	if (m && m->response_token)
		l->awaited++;
	if (m) {
		struct request_origin origin = m->origin;

		m->item.due = m->origin.ts_last;
		m->decision = decision;
		if (send && decision == DECISION_CHOSEN) {
			if (push_sent(l, m))
				m = NULL;
			else
				decision = l->live ? DECISION_SHED_HANDOVER : DECISION_SHED_STOPPED;
		} else if (l->o.tells_all && lane_push(l, &m->item)) {
			m = NULL;
		}
		if (m && l->event_log)
			event_log_request(l->event_log, m, decision);
		message_unref(m);
		if (decision == DECISION_CHOSEN && l->o.recorder)
			recorder_chosen(l->o.recorder, &origin);
	}
	if (reserved)
		chosen_limit_complete(l->o.chosen, decision == DECISION_CHOSEN);
	counter_add(&l->decisions->decision[decision], 1);
}

struct lost_item *lost_item_new(const struct request_origin *origin, enum lost_reason reason, const struct request_head *head)
{
	static const struct request_head unknown;
	struct span method = (head ? head : &unknown)->method, target = (head ? head : &unknown)->target;
	struct lost_item *lost = malloc(sizeof(*lost) + method.len + target.len);

	if (!lost)
		return NULL;
	*lost = (struct lost_item){ .item = { .kind = ITEM_LOST }, .origin = *origin, .reason = reason };
	if (method.len > 0)
		memcpy(lost->text, method.at, method.len);
	if (target.len > 0)
		memcpy(lost->text + method.len, target.at, target.len);
	lost->head.method = span_of(lost->text, method.len);
	lost->head.target = span_of(lost->text + method.len, target.len);
	return lost;
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct lane *l = ctx;
	struct wall now = wall_after(l->last, l->shift_ns);
	struct lost_item *lost;

	if (l->event_log)
		event_log_lost(l->event_log, origin, reason, head, now);
	if (!l->o.tells_all)
		return;
	lost = lost_item_new(origin, reason, head);
	if (!lost)
		return;
	lost->item.due = now;
	if (!lane_push(l, &lost->item))
		free(lost);
}

bool lane_push_late(struct lane *l)
{
	while (l->late) {
		struct response_item *next = l->late->next;

		if (!ring_push(l->o.ring, &l->late->item))
			return false;
		l->pushed = true;
		l->late = next;
	}
	l->late_end = &l->late;
	return true;
}

/* Each response reaches the loop, or its pair would wait for it; live, one for which there is no room has no body. */
static void on_response(void *ctx, uint64_t token, struct response *response)
{
	struct lane *l = ctx;
	struct response_item *r = malloc(sizeof(*r));

	l->awaited--;
	if (!r) {
		response_free(response);
		return;
	}
	*r = (struct response_item){
		.item = { .kind = ITEM_RESPONSE, .due = l->last },
		.token = token,
		.response = response,
	};
	if (lane_push_late(l) && lane_push(l, &r->item))
		return;
	if (response)
		response_invalidate(response, RESPONSE_MEMORY);
	*l->late_end = r;
	l->late_end = &r->next;
}

struct protocol_sink lane_sink(struct lane *l)
{
	return (struct protocol_sink){
		.ctx = l,
		.on_head = on_head,
		.on_request = on_request,
		.on_lost = on_lost,
		.on_response = on_response,
	};
}
