/*
 * alarm.h - one timer for many moments
 *
 * It is armed for the earliest moment known and not moved when that one goes
 * away: it fires, its owner finds nothing due and arms it for the next. At
 * 60,000 exchanges a second that saves as many timer operations.
 */
#ifndef REPLAY_ALARM_H
#define REPLAY_ALARM_H

#include <stdbool.h>
#include <uv.h>

#include "base/clock.h"

struct alarm {
	uv_timer_t timer;
	struct mono due; /* 0: not armed */
	bool is_closed;
	void (*fn)(void *ctx);
	void *ctx;
};

/** alarm_init() - @fn(@ctx) runs when the alarm fires; it is not armed any more then */
void alarm_init(struct alarm *a, uv_loop_t *loop, void (*fn)(void *ctx), void *ctx);

/** alarm_set() - have it fire at @due or before; nothing once it is closed */
void alarm_set(struct alarm *a, struct mono due);

/** alarm_close() - the memory is the owner's again when the loop has run to its end */
void alarm_close(struct alarm *a);

#endif
