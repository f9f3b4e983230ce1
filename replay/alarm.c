/* alarm.c - see alarm.h */
#include "replay/alarm.h"

static void on_timer(uv_timer_t *timer)
{
	struct alarm *a = timer->data;

	a->due.ns = 0;
	a->fn(a->ctx);
}

void alarm_init(struct alarm *a, uv_loop_t *loop, void (*fn)(void *ctx), void *ctx)
{
	*a = (struct alarm){ .fn = fn, .ctx = ctx };
	uv_timer_init(loop, &a->timer);
	a->timer.data = a;
}

void alarm_set(struct alarm *a, struct mono due)
{
	int64_t wait_ns;

	if (a->is_closed || (a->due.ns != 0 && a->due.ns <= due.ns))
		return;
	a->due = due;
	wait_ns = due.ns - mono_now().ns;
	uv_timer_start(&a->timer, on_timer, wait_ns > 0 ? (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS) : 0, 0);
}

void alarm_close(struct alarm *a)
{
	a->is_closed = true;
	uv_close((uv_handle_t *)&a->timer, NULL);
}
