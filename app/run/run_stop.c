/*
 * run_stop.c - stopping, in order
 *
 * Theory of operation: what happens to the run goes to stopping_on(), which says
 * what is to be done (stopping.h has the order); carry_out() does it. What it
 * starts ends in another event: the lanes' end wakes the loop, and drained
 * exchanges and comparing call back.
 */
#include "app/run/run_impl.h"
#include "base/clock.h"

#define HAND_OVER_NS (3 * NS_PER_S) /* at the end: more than the broker has for a word */

void run_close_handles(struct run *r)
{
	if (!r->handles_ready)
		return;
	r->handles_ready = false;
	for (size_t i = 0; i < r->signal_count; i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	uv_close((uv_handle_t *)&r->lanes_ended, NULL);
	uv_close((uv_handle_t *)&r->duration, NULL);
	uv_close((uv_handle_t *)&r->watch, NULL);
	uv_close((uv_handle_t *)&r->before_wait, NULL);
	sample_control_close(&r->sample);
	progress_close(&r->progress);
	key_logs_stop(&r->key_logs);
	admin_close(r->admin);
}

static void close_down(struct run *r)
{
	if (r->comparing)
		comparing_close(r->comparing);
	run_close_handles(r);
	intake_close(r->intake);
	if (r->handing_over)
		handing_over_close(r->handing_over);
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

static void on_event(struct run *r, enum stop_event event);

static void on_exchanges_ended(void *ctx)
{
	on_event(ctx, STOP_EXCHANGES_ENDED);
}

static void on_compared(void *ctx)
{
	on_event(ctx, STOP_COMPARED);
}

static void on_handed_over(void *ctx)
{
	on_event(ctx, STOP_HANDED_OVER);
}

static void carry_out(struct run *r, unsigned actions)
{
	if (actions & STOP_TELL_LANES)
		lanes_stop(r->lanes);
	if (actions & STOP_ABANDON_LANES)
		lanes_abandon(r->lanes);
	if (actions & STOP_JOIN_LANES && lanes_join(r->lanes) < 0)
		r->status = EXIT_COULD_NOT;
	if (actions & STOP_LEAVE_REST)
		intake_stop(r->intake, run_drop_item, r);
	if (actions & STOP_DRAIN_EXCHANGES)
		replay_drain(r->replay, stopping_limit_ns(&r->stop, r->o->max_time_ns), on_exchanges_ended, r);
	if (actions & STOP_CANCEL_EXCHANGES)
		replay_cancel(r->replay);
	if (actions & STOP_TAKE_RESPONSES)
		take_last_responses(r);
	if (actions & STOP_DRAIN_COMPARING)
		comparing_drain(r->comparing, stopping_limit_ns(&r->stop, r->o->max_time_ns), on_compared, r);
	if (actions & STOP_DRAIN_BROKER)
		handing_over_drain(r->handing_over, r->stop.at_once ? 0 : HAND_OVER_NS, on_handed_over, r);
	if (actions & STOP_CLOSE)
		close_down(r);
}

static void on_event(struct run *r, enum stop_event event)
{
	carry_out(r, stopping_on(&r->stop, event));
}

void run_on_intake_end(void *ctx)
{
	on_event(ctx, STOP_INTAKE_ENDED);
}

void run_on_lanes_end(void *ctx)
{
	struct run *r = ctx;

	uv_async_send(&r->lanes_ended);
}

void run_on_lanes_ended(uv_async_t *handle)
{
	on_event(handle->data, STOP_LANES_ENDED);
}

void run_stop_capture(struct run *r)
{
	on_event(r, STOP_REQUESTED);
}

void run_on_stop_signal(uv_signal_t *handle, int signum)
{
	(void)signum;
	on_event(handle->data, STOP_SIGNAL);
}

void run_on_duration(uv_timer_t *handle)
{
	on_event(handle->data, STOP_REQUESTED);
}
