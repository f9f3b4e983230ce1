/*
 * stopping.h - how a run ends: what has happened so far, and what is to be done about it
 *
 * Theory of operation: a run that is told to stop ends in the order of
 * docs/contract.md, "Signals". The lanes read what the kernel still holds and
 * end; behind them the intake ends; then the exchanges, then the comparing. A
 * recording that was read to its end goes the same way, and is sent to its last
 * request. To stop it means to leave what was read and not sent yet; live, what
 * was captured before the stop is still sent. Once interrupted, exchanges and
 * comparing have --max-time; a second signal skips all that takes time.
 *
 * What happens comes in any order, more than once, or too late. So it is one
 * function of the state and the event, without lanes, loop or clock: run_stop.c
 * gives it the events and carries out the actions.
 */
#ifndef APP_RUN_STOPPING_H
#define APP_RUN_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * CAPTURING: the lanes capture, the loop sends.
 * STOPPING:  the lanes were told to stop; what they still yield is handled as before.
 * DRAINING:  nothing comes any more; queued and in-flight requests end.
 * COMPARING: all exchanges have ended; what waits for the comparer is compared (--compare).
 * The next: what waits for the broker goes, and its words are waited for (-t nats://).
 * CLOSING:   the books are final; handles close, the loop runs out.
 */
enum run_state { RUN_CAPTURING,
		 RUN_STOPPING,
		 RUN_DRAINING,
		 RUN_COMPARING,
		 RUN_HANDING_OVER,
		 RUN_CLOSING };

enum stop_event {
	STOP_REQUESTED,       /* --duration, or there is no point in going on */
	STOP_SIGNAL,          /* SIGINT or SIGTERM: the first requests a stop, one that comes after a stop ends at once */
	STOP_LANES_ENDED,     /* all of them */
	STOP_INTAKE_ENDED,    /* and every item was handed up */
	STOP_EXCHANGES_ENDED, /* with all targets */
	STOP_COMPARED,        /* nothing waits for the comparer any more */
	STOP_HANDED_OVER,     /* nor for the broker */
};

/** enum stop_action - bits of what is to be done, in this order; what takes a limit takes stopping_limit_ns() */
enum stop_action {
	STOP_TELL_LANES = 1 << 0,    /* to stop */
	STOP_ABANDON_LANES = 1 << 1, /* to leave what the kernel holds, too */
	STOP_JOIN_LANES = 1 << 2,
	STOP_LEAVE_REST = 1 << 3,      /* count and drop what the intake did not take yet */
	STOP_DRAIN_EXCHANGES = 1 << 4, /* let them end, within the limit; again: within another */
	STOP_CANCEL_EXCHANGES = 1 << 5,
	STOP_TAKE_RESPONSES = 1 << 6,  /* of production, that the lanes still have */
	STOP_DRAIN_COMPARING = 1 << 7, /* compare what is left, within the limit; again: within another */
	STOP_DRAIN_BROKER = 1 << 8,    /* the same of what is handed over */
	STOP_CLOSE = 1 << 9,
};

struct stopping {
	bool live;     /* no recording */
	bool replays;  /* there are exchanges: no dry run */
	bool compares; /* --compare */
	bool hands_over; /* -t nats:// */
	enum run_state state;
	bool interrupted; /* it did not end by itself */
	bool at_once;     /* it was interrupted twice */
	bool lanes_ended;
};

/** stopping_on() - @event has happened; the state is changed before anything is done. Return: a set of enum stop_action. */
unsigned stopping_on(struct stopping *s, enum stop_event event);

/** stopping_limit_ns() - how long exchanges and comparing may take now; @max_time_ns: of --max-time */
int64_t stopping_limit_ns(const struct stopping *s, int64_t max_time_ns);

#endif
