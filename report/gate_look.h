/*
 * gate_look.h - what the terms of an expression are in a report; private to gate.c and decision.c
 *
 * A gate asks for each term's value at the end, a decision for how surely it is on which side. Both ask it of the
 * same targets, and hold the same values for not known.
 */
#ifndef REPORT_GATE_LOOK_H
#define REPORT_GATE_LOOK_H

#include "report/gate_state.h"
#include "report/replay_speed.h"

#define GATE_TARGETS_MAX 32

/* Kleene's three values: what is unknown decides nothing that the rest decides alone. */
enum gate_truth { GATE_FALSE, GATE_UNKNOWN, GATE_TRUE };

/** struct gate_found - a term's value for one target */
struct gate_found {
	char target[GATE_NAME_TEXT]; /* "" for a value of the whole run */
	uint32_t node;               /* of the report, of which the value is a member; 0: the report itself, or there is none */
	double value;                /* NaN: not known */
	enum gate_truth truth;
	const char *why;  /* static text, unless it is known */
	bool is_withheld; /* there is nothing to look at, or it says nothing here */
};

/** struct gate_look - a report, looked at */
struct gate_look {
	const struct json_doc *report;
	enum replay_speed speed;
	uint32_t comparison, targets; /* comparison.targets and targets; 0: not in the report */
};

struct gate_look gate_look_of(const struct json_doc *report);

/** gate_look_up() - what @t says of the targets it is about, into @out of GATE_TARGETS_MAX; how many, at least one */
size_t gate_look_up(const struct gate_look *l, const struct gate_term *t, struct gate_found *out);

/** gate_show() - @value with the unit of @t: "4.41%", "12.3ms" */
void gate_show(const struct gate_term *t, double value, char *out, size_t size);

/** gate_allowed() - the other side of a term: "mismatch > 0.5%" allows "at most 0.5%" */
void gate_allowed(const struct gate_term *t, char *out, size_t size);

#endif
