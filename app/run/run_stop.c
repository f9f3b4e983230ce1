/*
 * run_stop.c - stopping, in order
 *
 * Theory of operation: run_stop_capture() tells the lanes, which read what the
 * kernel still holds and end; the intake ends behind them (run_on_intake_end()),
 * or is stopped where nothing more is to be sent (leave_rest()). Then drain()
 * lets the exchanges end, on_drained() the comparing, close_down() closes the
 * handles, and the loop runs out. A second signal skips what takes time
 * (end_at_once()). Each step may come again, or too late: @state decides.
 */
#include "app/run/run_impl.h"
#include "base/clock.h"

#define NO_LIMIT_NS (INT64_MAX / 2) /* added to a clock, it does not overflow */

void run_close_handles(struct run *r)
{
	if (!r->handles_ready)
		return;
	r->handles_ready = false;
	for (size_t i = 0; i < r->signal_count; i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	uv_close((uv_handle_t *)&r->lanes_ended, NULL);
	uv_close((uv_handle_t *)&r->duration, NULL);
	uv_close((uv_handle_t *)&r->before_wait, NULL);
	sample_control_close(&r->sample);
	progress_close(&r->progress);
	admin_close(r->admin);
}

static void join_lanes(struct run *r)
{
	if (lanes_join(r->lanes) < 0)
		r->status = EXIT_COULD_NOT;
	r->lanes_joined = true;
}

static void close_down(void *ctx)
{
	struct run *r = ctx;

	r->state = RUN_CLOSING;
	if (r->comparing)
		comparing_close(r->comparing);
	run_close_handles(r);
	intake_close(r->intake);
	if (r->replay)
		replay_close(r->replay);
}

/* All responses of production that the lanes know are on their way to us: take them. */
static void take_last_responses(struct run *r)
{
	intake_stop(r->intake, run_drop_item, r);
	for (size_t i = 0; i < r->lane_count; i++)
		for (struct response_item *late = lanes_take_late(r->lanes, i), *next; late; late = next) {
			next = late->next;
			run_take_response(r, late);
		}
}

static int64_t drain_limit(const struct run *r)
{
	return r->at_once ? 0 : r->interrupted ? r->o->max_time_ns : NO_LIMIT_NS;
}

static void on_drained(void *ctx)
{
	struct run *r = ctx;

	if (r->state >= RUN_COMPARING)
		return;
	join_lanes(r); /* they may still be about to say that they ended, through a handle that we close next */
	if (!r->comparing) {
		close_down(r);
		return;
	}
	r->state = RUN_COMPARING;
	take_last_responses(r);
	comparing_drain(r->comparing, drain_limit(r), close_down, r);
}

/* A recording that ended by itself is sent to its last request; an interrupted run gets --max-time. */
static void drain(struct run *r)
{
	if (r->state >= RUN_DRAINING)
		return;
	r->state = RUN_DRAINING;
	if (r->replay)
		replay_drain(r->replay, drain_limit(r), on_drained, r);
	else
		on_drained(r);
}

void run_on_intake_end(void *ctx)
{
	drain(ctx);
}

/* Nothing more goes to the targets: what the loop did not take yet is counted and dropped. */
static void leave_rest(struct run *r)
{
	intake_stop(r->intake, run_drop_item, r);
	drain(r);
}

void run_on_lanes_end(void *ctx)
{
	struct run *r = ctx;

	uv_async_send(&r->lanes_ended);
}

void run_on_lanes_ended(uv_async_t *handle)
{
	struct run *r = handle->data;

	join_lanes(r);
	/* Live, what was captured before the stop is still sent. A recording has all the time there is: its rest is left. */
	if (r->state < RUN_DRAINING && r->interrupted && (!r->live || r->at_once))
		leave_rest(r);
}

void run_stop_capture(struct run *r)
{
	if (r->state == RUN_CAPTURING) {
		r->state = RUN_STOPPING;
		r->interrupted = true;
		lanes_stop(r->lanes);
		if (r->lanes_joined && !r->live)
			leave_rest(r); /* the recording was read before its last request was due */
	} else if (r->state == RUN_DRAINING && !r->interrupted && r->replay) {
		/* The recording was read, and somebody does not want to wait for the rest of its requests. */
		r->interrupted = true;
		replay_drain(r->replay, r->o->max_time_ns, on_drained, r);
	} else if (r->state == RUN_COMPARING && !r->interrupted) {
		r->interrupted = true;
		comparing_drain(r->comparing, r->o->max_time_ns, close_down, r);
	}
}

static void end_at_once(struct run *r)
{
	r->at_once = true;
	lanes_abandon(r->lanes);
	if (r->state == RUN_DRAINING && r->replay)
		replay_cancel(r->replay);
	else if (r->state == RUN_COMPARING)
		comparing_drain(r->comparing, 0, close_down, r);
	else if (r->state < RUN_DRAINING && r->lanes_joined)
		leave_rest(r);
}

void run_on_stop_signal(uv_signal_t *handle, int signum)
{
	struct run *r = handle->data;

	(void)signum;
	if (r->interrupted)
		end_at_once(r);
	else
		run_stop_capture(r);
}

void run_on_duration(uv_timer_t *handle)
{
	struct run *r = handle->data;

	run_stop_capture(r);
}
