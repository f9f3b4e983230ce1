/*
 * test_stopping.c - how runs end, as stories: what happens, what is done about it, and what is left to wait for
 *
 * Actions are written as one letter each, in the order in which they are carried
 * out (see @letters). Beside the stories every order of events is walked through,
 * to see that none goes back, closes twice or drains what there is not.
 */
#include "tests/rig/unit.h"

#include <string.h>

#include "app/run/stopping.h"

#define MAX_TIME_NS 30000
#define STEPS_MAX 8
#define EVENTS_MAX 8 /* of a walk */

/*
 * tell, abandon, join, leave the rest, drain exchanges, cancel, take responses, drain comparing (=), drain what goes to
 * the broker (b), close
 */
static const char letters[] = "tajldcr=bx";

enum { LIVE = 1,
       REPLAYS = 2,
       COMPARES = 4,
       HANDS_OVER = 8 };

struct step {
	enum stop_event event;
	const char *actions;
	enum run_state state;
	int64_t limit_ns; /* of what is drained; -1: there is none */
};

struct story {
	const char *name;
	unsigned run;
	struct step steps[STEPS_MAX]; /* to the first without actions */
};

static const struct story stories[] = {
	{ "a recording is read, sent and compared to its last request", REPLAYS | COMPARES,
	  { { STOP_LANES_ENDED, "j", RUN_CAPTURING, -1 },
	    { STOP_INTAKE_ENDED, "d", RUN_DRAINING, -1 },
	    { STOP_EXCHANGES_ENDED, "jr=", RUN_COMPARING, -1 },
	    { STOP_COMPARED, "x", RUN_CLOSING, -1 } } },
	{ "the intake may end before the loop hears of the lanes", REPLAYS,
	  { { STOP_INTAKE_ENDED, "d", RUN_DRAINING, -1 },
	    { STOP_LANES_ENDED, "j", RUN_DRAINING, -1 },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, -1 } } },
	{ "what is handed over to a broker goes last, with the last responses", REPLAYS | COMPARES | HANDS_OVER,
	  { { STOP_LANES_ENDED, "j", RUN_CAPTURING, -1 },
	    { STOP_INTAKE_ENDED, "d", RUN_DRAINING, -1 },
	    { STOP_EXCHANGES_ENDED, "jr=", RUN_COMPARING, -1 },
	    { STOP_COMPARED, "b", RUN_HANDING_OVER, -1 },
	    { STOP_HANDED_OVER, "x", RUN_CLOSING, -1 } } },
	{ "a broker alone", LIVE | HANDS_OVER,
	  { { STOP_SIGNAL, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_LANES_ENDED, "j", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_INTAKE_ENDED, "jrb", RUN_HANDING_OVER, MAX_TIME_NS },
	    { STOP_SIGNAL, "ab", RUN_HANDING_OVER, 0 },
	    { STOP_HANDED_OVER, "x", RUN_CLOSING, 0 } } },
	{ "a dry run has nothing to drain", 0, { { STOP_INTAKE_ENDED, "jx", RUN_CLOSING, -1 } } },
	{ "live: what was captured before the signal is still sent", LIVE | REPLAYS,
	  { { STOP_SIGNAL, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_LANES_ENDED, "j", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_INTAKE_ENDED, "d", RUN_DRAINING, MAX_TIME_NS },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, MAX_TIME_NS } } },
	{ "a recording: what was read and not sent is left", REPLAYS,
	  { { STOP_SIGNAL, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_LANES_ENDED, "jld", RUN_DRAINING, MAX_TIME_NS },
	    { STOP_INTAKE_ENDED, "", RUN_DRAINING, MAX_TIME_NS },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, MAX_TIME_NS } } },
	{ "a recording that was read before its last request was due", REPLAYS,
	  { { STOP_LANES_ENDED, "j", RUN_CAPTURING, -1 },
	    { STOP_REQUESTED, "tld", RUN_DRAINING, MAX_TIME_NS },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, MAX_TIME_NS } } },
	{ "live, the lanes failed: a signal finds the intake at its end", LIVE | REPLAYS,
	  { { STOP_LANES_ENDED, "j", RUN_CAPTURING, -1 },
	    { STOP_SIGNAL, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_INTAKE_ENDED, "d", RUN_DRAINING, MAX_TIME_NS } } },
	{ "a dry run of a recording, stopped", 0,
	  { { STOP_REQUESTED, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_LANES_ENDED, "jlx", RUN_CLOSING, MAX_TIME_NS } } },
	{ "a dry run, stopped, that compares what the lanes know", COMPARES,
	  { { STOP_REQUESTED, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_LANES_ENDED, "jlr=", RUN_COMPARING, MAX_TIME_NS } } },
	{ "a stop while requests end by themselves gives them --max-time", REPLAYS | COMPARES,
	  { { STOP_INTAKE_ENDED, "d", RUN_DRAINING, -1 },
	    { STOP_SIGNAL, "d", RUN_DRAINING, MAX_TIME_NS },
	    { STOP_REQUESTED, "", RUN_DRAINING, MAX_TIME_NS },
	    { STOP_SIGNAL, "ac", RUN_DRAINING, 0 },
	    { STOP_EXCHANGES_ENDED, "jr=", RUN_COMPARING, 0 },
	    { STOP_COMPARED, "x", RUN_CLOSING, 0 } } },
	{ "a stop while responses are compared", REPLAYS | COMPARES,
	  { { STOP_INTAKE_ENDED, "d", RUN_DRAINING, -1 },
	    { STOP_EXCHANGES_ENDED, "jr=", RUN_COMPARING, -1 },
	    { STOP_SIGNAL, "=", RUN_COMPARING, MAX_TIME_NS },
	    { STOP_REQUESTED, "", RUN_COMPARING, MAX_TIME_NS },
	    { STOP_SIGNAL, "a=", RUN_COMPARING, 0 },
	    { STOP_COMPARED, "x", RUN_CLOSING, 0 } } },
	{ "a second signal before the lanes have ended: nothing more is sent, live too", LIVE | REPLAYS,
	  { { STOP_SIGNAL, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_SIGNAL, "a", RUN_STOPPING, 0 },
	    { STOP_LANES_ENDED, "jld", RUN_DRAINING, 0 },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, 0 } } },
	{ "a second signal after they have", LIVE | REPLAYS,
	  { { STOP_SIGNAL, "t", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_LANES_ENDED, "j", RUN_STOPPING, MAX_TIME_NS },
	    { STOP_SIGNAL, "ald", RUN_DRAINING, 0 },
	    { STOP_SIGNAL, "ac", RUN_DRAINING, 0 },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, 0 } } },
	{ "what comes too late changes nothing", LIVE | REPLAYS,
	  { { STOP_INTAKE_ENDED, "d", RUN_DRAINING, -1 },
	    { STOP_EXCHANGES_ENDED, "jx", RUN_CLOSING, -1 },
	    { STOP_INTAKE_ENDED, "", RUN_CLOSING, -1 },
	    { STOP_EXCHANGES_ENDED, "", RUN_CLOSING, -1 },
	    { STOP_REQUESTED, "", RUN_CLOSING, -1 } } },
};

static const char *actions_text(unsigned actions)
{
	static char text[sizeof(letters)];
	size_t n = 0;

	assert_int_equal(actions >> strlen(letters), 0);
	for (size_t i = 0; letters[i]; i++)
		if (actions & 1u << i)
			text[n++] = letters[i];
	text[n] = '\0';
	return text;
}

static struct stopping begin(unsigned run)
{
	return (struct stopping){ .live = run & LIVE, .replays = run & REPLAYS, .compares = run & COMPARES,
				  .hands_over = run & HANDS_OVER };
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct stopping s = begin(stories[i].run);

		for (const struct step *step = stories[i].steps; step < stories[i].steps + STEPS_MAX && step->actions; step++) {
			size_t n = (size_t)(step - stories[i].steps);
			const char *actions = actions_text(stopping_on(&s, step->event));
			int64_t limit_ns = stopping_limit_ns(&s, MAX_TIME_NS);

			if (strcmp(actions, step->actions) != 0 || s.state != step->state)
				fail_msg("%s, step %zu: \"%s\", state %d", stories[i].name, n, actions, (int)s.state);
			if (step->limit_ns >= 0 ? limit_ns != step->limit_ns : limit_ns < INT64_MAX / 4)
				fail_msg("%s, step %zu: limit %lld", stories[i].name, n, (long long)limit_ns);
		}
	}
}

/* Signals come at any time, the others once each, and only of what the run waits for. */
static bool may_happen(const struct stopping *s, enum stop_event event, const bool *happened)
{
	switch (event) {
	case STOP_REQUESTED:
	case STOP_SIGNAL:
		return true;
	case STOP_LANES_ENDED:
	case STOP_INTAKE_ENDED:
		return !happened[event];
	case STOP_EXCHANGES_ENDED:
		return s->state == RUN_DRAINING;
	case STOP_COMPARED:
		return s->state == RUN_COMPARING;
	case STOP_HANDED_OVER:
		return s->state == RUN_HANDING_OVER;
	}
	return false;
}

struct tally {
	unsigned closed, rest_left;
};

static void count(struct tally *t, const struct stopping *before, const struct stopping *after, unsigned actions)
{
	t->closed += (actions & STOP_CLOSE) != 0;
	t->rest_left += (actions & STOP_LEAVE_REST) != 0;
	assert_true(after->state >= before->state);
	assert_true(after->interrupted >= before->interrupted && after->at_once >= before->at_once);
	if (actions & (STOP_DRAIN_EXCHANGES | STOP_CANCEL_EXCHANGES))
		assert_true(after->replays && after->state == RUN_DRAINING);
	if (actions & STOP_DRAIN_COMPARING)
		assert_true(after->compares && after->state == RUN_COMPARING);
	if (actions & STOP_TAKE_RESPONSES)
		assert_true((after->compares && after->state == RUN_COMPARING) ||
			    (after->hands_over && after->state == RUN_HANDING_OVER));
	if (actions & STOP_DRAIN_BROKER)
		assert_true(after->hands_over && after->state == RUN_HANDING_OVER);
	if (actions & STOP_LEAVE_REST) /* a lane that still pushes would have its items handed up */
		assert_true(after->lanes_ended && after->interrupted);
	if (actions & STOP_CLOSE)
		assert_true(after->lanes_ended && after->state == RUN_CLOSING);
}

/* Every order of at most @depth more events */
static void walk(struct stopping s, const bool *happened, struct tally t, unsigned depth, unsigned long *ends)
{
	assert_int_equal(t.closed, s.state == RUN_CLOSING);
	assert_true(t.rest_left <= 1);
	if (s.state == RUN_CLOSING || depth == 0) {
		*ends += s.state == RUN_CLOSING;
		return;
	}
	for (enum stop_event e = STOP_REQUESTED; e <= STOP_HANDED_OVER; e++) {
		bool now[STOP_HANDED_OVER + 1];
		struct stopping next = s;
		struct tally then = t;
		unsigned actions;

		if (!may_happen(&s, e, happened))
			continue;
		memcpy(now, happened, sizeof(now));
		now[e] = true;
		actions = stopping_on(&next, e);
		count(&then, &s, &next, actions);
		walk(next, now, then, depth - 1, ends);
	}
}

static void test_every_order(void **state)
{
	const bool none[STOP_HANDED_OVER + 1] = { false };

	(void)state;
	for (unsigned run = 0; run < 16; run++) {
		unsigned long ends = 0;

		walk(begin(run), none, (struct tally){ 0 }, EVENTS_MAX, &ends);
		assert_true(ends > 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_every_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
