/*
 * run_items.c - what comes of the lanes: items, in order and at their time, and the lines of -o about them
 *
 * An item goes from its ring through the intake to take_item(). A request is
 * noted (--explain, -o) and given to the targets; production's response to the
 * comparing; lines that a lane wrote behind those that were written here.
 */
#include <stdlib.h>

#include "app/run/event_log.h"
#include "app/run/run_impl.h"
#include "app/run/stages.h"
#include "base/log.h"
#include "base/units.h"
#include "relay/wire_id.h"

bool run_shows_header(void *ctx, struct span name, bool is_grpc)
{
	const struct run *r = ctx;

	return rewrite_allows(r->rules.rewrite[0], name, is_grpc);
}

/* NULL: there is no memory for it, or no -o */
struct buffer *run_begin_event(struct run *r)
{
	return r->outputs.events ? event_line_begin(r->outputs.events, &r->events) : NULL;
}

void run_end_event(struct run *r)
{
	if (event_line_end(r->events))
		event_writer_hand_on(r->outputs.events, &r->events);
}

/* loop: what was noted since it last waited goes to be written before it waits again */
void run_on_prepare(uv_prepare_t *handle)
{
	struct run *r = handle->data;

	event_writer_hand_on(r->outputs.events, &r->events);
}

/* the events can be written no more (head ended, a full disk): the run has lost its point */
static void check_writer(struct run *r)
{
	if (event_writer_error(r->outputs.events) < 0)
		run_stop_capture(r);
}

static void note_request(struct run *r, const struct message *m)
{
	enum decision decision = (enum decision)m->decision;
	struct span rule = explain_request(r->explain, m, decision, r->sample.share);
	struct buffer *line = run_begin_event(r);

	if (!line)
		return;
	event_request(&r->event_options, m, decision, rule, line);
	run_end_event(r);
	check_writer(r);
}

static void take_lost(struct run *r, struct lost_item *lost)
{
	struct buffer *line;

	explain_lost(r->explain, &lost->origin, lost->reason, &lost->head);
	line = run_begin_event(r);
	if (line) {
		event_lost(&r->event_options, &lost->origin, lost->reason, &lost->head, line);
		run_end_event(r);
		check_writer(r);
	}
	free(lost);
}

/* What a lane wrote itself comes behind what was noted before it. */
static void take_lines(struct run *r, struct event_lines *lines)
{
	if (event_lines_join(r->outputs.events, &r->events, &lines))
		event_writer_hand_on(r->outputs.events, &r->events);
	check_writer(r);
}

void run_take_response(struct run *r, struct response_item *item)
{
	if (r->handing_over)
		handing_over_response(r->handing_over, item->token, item->response);
	if (r->comparing)
		comparing_production(r->comparing, item->token, item->response);
	else
		response_free(item->response);
	free(item);
}

static void drop_as(struct run *r, struct message *m, enum decision decision, uint64_t *count)
{
	if (m->decision == DECISION_CHOSEN && run_sends(r)) {
		m->decision = decision;
		(*count)++;
	}
	note_request(r, m);
	message_unref(m);
}

/* The end of the run came before its time. */
static void drop_request(struct run *r, struct message *m)
{
	drop_as(r, m, DECISION_SHED_STOPPED, &r->stopped);
}

static void take_request(struct run *r, struct message *m)
{
	bool sent = m->decision == DECISION_CHOSEN && run_sends(r);
	uint64_t token = m->response_token; /* of its response, if the lane will have one */

	if (sent && r->comparing && !comparing_expect(r->comparing, m)) {
		drop_as(r, m, DECISION_SHED_MEMORY, &r->no_memory);
		return;
	}
	if (sent && r->handing_over)
		m->origin.wire = wire_id_of(&m->head, &m->origin); /* its event says it, too */
	note_request(r, m);
	if (sent && r->first_request.ns == 0)
		r->first_request = m->origin.ts_last;
	if (sent)
		r->last_request = m->origin.ts_last;
	if (sent && r->handing_over)
		handing_over_request(r->handing_over, m, token);
	if (sent && r->replay)
		replay_submit(r->replay, m);
	else
		message_unref(m);
}

/* loop: what an item is, is asked here and nowhere else; requests go to @on_request */
static void take_item(struct run *r, struct item *item, void (*on_request)(struct run *r, struct message *m))
{
	switch (item->kind) {
	case ITEM_REQUEST:
		on_request(r, message_of(item));
		return;
	case ITEM_RESPONSE:
		run_take_response(r, response_item_of(item));
		return;
	case ITEM_LINES:
		take_lines(r, event_log_take(item));
		return;
	case ITEM_LOST:
		take_lost(r, lost_item_of(item));
		return;
	}
}

/* loop: an item in order, at its time */
static void on_item(void *ctx, struct item *item)
{
	take_item(ctx, item, take_request);
}

/* loop: an item that the run ended before */
void run_drop_item(void *ctx, struct item *item)
{
	take_item(ctx, item, drop_request);
}

static bool has_room(void *ctx)
{
	const struct run *r = ctx;

	return (!r->replay || replay_has_room(r->replay)) && (!r->comparing || comparing_has_room(r->comparing)) &&
	       (!r->handing_over || handing_over_has_room(r->handing_over));
}

static void on_comparison(void *ctx, struct span text)
{
	struct run *r = ctx;
	struct buffer *line = run_begin_event(r);

	if (!line)
		return;
	buffer_add_span(line, text);
	run_end_event(r);
}

/* lane: does the loop hold requests whose memory will come back? */
bool run_loop_is_busy(void *ctx)
{
	struct run *r = ctx;

	if (lanes_waiting(r->lanes) > 0 || (r->comparing && comparing_is_busy(r->comparing)) ||
	    (r->handing_over && handing_over_is_busy(r->handing_over)))
		return true;
	for (size_t i = 0; r->replay && i < replay_target_count(r->replay); i++) {
		const struct target_stats *s = replay_target_stats(r->replay, i);

		if (counter_get(&s->queued) + counter_get(&s->in_flight) > 0)
			return true;
	}
	return false;
}

/* Recordings can claim any time: files that were put together, a clock that had not been set yet. */
static void on_pause(void *ctx, int64_t wait_ns)
{
	double days = (double)wait_ns / (double)(24 * 3600 * NS_PER_S);
	char text[UNITS_TEXT_MAX];

	(void)ctx;
	if (days < 2)
		log_info("the recording pauses here: the next request is due in %s; --max-sleep 1s shortens pauses",
			 duration_text(wait_ns / NS_PER_S * NS_PER_S, text));
	else
		log_warn("the recording pauses here for %.0f %s, so its times may be wrong; --max-sleep 1s shortens pauses, "
			 "-x max leaves them out", days < 730 ? days : days / 365.25, days < 730 ? "days" : "years");
}

enum intake_pace run_pace(const struct run *r)
{
	if (r->live || r->o->dry_run)
		return PACE_NONE;
	return r->o->speed_max || (stages_has_broker(r->o) && !stages_is_paced(r->o)) ? PACE_TARGET : PACE_SCHEDULE;
}

int run_make_intake(struct run *r, struct buffer *error)
{
	struct intake_options options = {
		.rings = lanes_rings(r->lanes),
		.ring_count = r->lane_count,
		.pace = run_pace(r),
		.speed = r->o->speed,
		.max_sleep_ns = r->o->max_sleep_ns,
		.ordered = !r->live && r->lane_count > 1,
		.has_room = has_room,
		.on_item = on_item,
		.on_pause = on_pause,
		.on_end = run_on_intake_end,
		.ctx = r,
	};
	int err = intake_new(&r->loop, &options, &r->intake);

	if (err < 0)
		buffer_printf(error, "cannot set up the schedule: %s", uv_strerror(err));
	return err;
}

static void on_unlike_failure(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	run_log_failure(ctx, target, m, outcome);
}

int run_start_comparing(struct run *r, struct buffer *error)
{
	struct comparing_hooks hooks = { r->outputs.events ? on_comparison : NULL, on_unlike_failure, run_on_room, r };
	int err = r->comparing ? comparing_start(r->comparing, &r->loop, &r->budget, &hooks, !r->live) : 0;

	if (err < 0)
		buffer_printf(error, "cannot start the comparing of answers: %s", uv_strerror(err));
	return err;
}
