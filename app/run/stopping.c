/* stopping.c - see stopping.h */
#include "app/run/stopping.h"

#define NO_LIMIT_NS (INT64_MAX / 2) /* added to a clock, it does not overflow */

static unsigned after_pairs(struct stopping *s)
{
	s->state = s->hands_over ? RUN_HANDING_OVER : RUN_CLOSING;
	return s->hands_over ? STOP_DRAIN_BROKER : STOP_CLOSE;
}

/* The lanes may still be about to say that they ended, through a handle that is closed next: so they are joined. */
static unsigned after_exchanges(struct stopping *s)
{
	if (s->state >= RUN_COMPARING)
		return 0;
	s->lanes_ended = true;
	if (s->compares)
		s->state = RUN_COMPARING;
	if (!s->compares && !s->hands_over)
		return STOP_JOIN_LANES | after_pairs(s);
	return STOP_JOIN_LANES | STOP_TAKE_RESPONSES | (s->compares ? STOP_DRAIN_COMPARING : after_pairs(s));
}

static unsigned drain(struct stopping *s)
{
	if (s->state >= RUN_DRAINING)
		return 0;
	s->state = RUN_DRAINING;
	return s->replays ? STOP_DRAIN_EXCHANGES : after_exchanges(s);
}

/* Nothing more goes to the targets. */
static unsigned leave_rest(struct stopping *s)
{
	return STOP_LEAVE_REST | drain(s);
}

/* Live, what was captured before the stop is still sent. A recording has all the time there is: its rest is left. */
static unsigned after_lanes(struct stopping *s)
{
	s->lanes_ended = true;
	if (s->state < RUN_DRAINING && s->interrupted && (!s->live || s->at_once))
		return STOP_JOIN_LANES | leave_rest(s);
	return STOP_JOIN_LANES;
}

static unsigned request(struct stopping *s)
{
	bool was_interrupted = s->interrupted;

	switch (s->state) {
	case RUN_CAPTURING:
		s->state = RUN_STOPPING;
		s->interrupted = true;
		/* a recording may have been read before its last request was due */
		return STOP_TELL_LANES | (s->lanes_ended && !s->live ? leave_rest(s) : 0);
	case RUN_DRAINING: /* the recording was read, and its last requests are not to be waited for */
		s->interrupted = true;
		return was_interrupted ? 0 : STOP_DRAIN_EXCHANGES;
	case RUN_COMPARING:
		s->interrupted = true;
		return was_interrupted ? 0 : STOP_DRAIN_COMPARING;
	case RUN_HANDING_OVER: /* its time is short in any case */
		s->interrupted = true;
		return 0;
	case RUN_STOPPING:
	case RUN_CLOSING:
		return 0;
	}
	return 0;
}

static unsigned end_at_once(struct stopping *s)
{
	s->at_once = true;
	switch (s->state) {
	case RUN_CAPTURING:
	case RUN_STOPPING: /* or as soon as the lanes have ended */
		return STOP_ABANDON_LANES | (s->lanes_ended ? leave_rest(s) : 0);
	case RUN_DRAINING:
		return STOP_ABANDON_LANES | STOP_CANCEL_EXCHANGES;
	case RUN_COMPARING:
		return STOP_ABANDON_LANES | STOP_DRAIN_COMPARING;
	case RUN_HANDING_OVER:
		return STOP_ABANDON_LANES | STOP_DRAIN_BROKER;
	case RUN_CLOSING:
		return STOP_ABANDON_LANES;
	}
	return 0;
}

unsigned stopping_on(struct stopping *s, enum stop_event event)
{
	switch (event) {
	case STOP_REQUESTED:
		return request(s);
	case STOP_SIGNAL:
		return s->interrupted ? end_at_once(s) : request(s);
	case STOP_LANES_ENDED:
		return after_lanes(s);
	case STOP_INTAKE_ENDED:
		return drain(s);
	case STOP_EXCHANGES_ENDED:
		return after_exchanges(s);
	case STOP_COMPARED:
		return s->state == RUN_COMPARING ? after_pairs(s) : 0;
	case STOP_HANDED_OVER:
		s->state = RUN_CLOSING;
		return STOP_CLOSE;
	}
	return 0;
}

int64_t stopping_limit_ns(const struct stopping *s, int64_t max_time_ns)
{
	return s->at_once ? 0 : s->interrupted ? max_time_ns
					       : NO_LIMIT_NS;
}
