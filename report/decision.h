/*
 * decision.h - promote, reject or keep watching: what the pairs so far have shown
 *
 * A gate says when to fail, by what was measured. A decision says of the same expression whether that is
 * *shown*: whether the interval of each value lies on one side of its limit.
 *
 * Theory of operation: a term is shown to hold, shown not to hold, or open. As no value is negated in the
 * language of gates, the whole is decided exactly if it has the same truth whichever way the open ones
 * turn out, which is Kleene's logic. It is promoted where the expression is shown to be false, rejected where
 * it is shown to be true.
 *
 * Each of the two errors has a chance of at most 2.5 %. To show that "a or b" is false, both have to be shown
 * false: it goes wrong only if that of a term which is true does, so each has the whole 2.5 % (an
 * intersection-union test). To show that it is true, one is enough, and any may go wrong: they share the 2.5 %
 * (Bonferroni). With `and` it is the other way round. A term that holds if it holds for any target is an `or`
 * of its targets, and what has no interval takes no share.
 *
 * What was shown is shown: pairs that were under way when a run was ended by its decision may widen an interval
 * again, and change the decision only if they show the opposite.
 *
 * What has no interval: a count only grows, so a term on it is decided once no growth can change it, and
 * until then it holds back what waits for it ("compared < 1000") or lets pass what it would not
 * ("dropped > 100"). Any other value is taken as it is, in one look; while it is watched it may still change,
 * so that it can hold back but not reject.
 */
#ifndef REPORT_DECISION_H
#define REPORT_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_doc.h"
#include "base/looks.h"
#include "report/gate.h"

/** DECISION_DEFAULT - the condition, where --fail-on gives none */
#define DECISION_DEFAULT "mismatch > 0.5% or error_delta > 0.5% or compared < 1000"

#define DECISION_ERROR 0.025 /* the chance to promote, and to reject, what should not be */

/** enum decision_state - NONE: nothing was compared, and so nothing can be said; of all, never of a term */
enum decision_state { DECISION_NONE, DECISION_KEEP_WATCHING, DECISION_PROMOTE, DECISION_REJECT };

/** decision_state_name() - "none", "keep_watching", "promote", "reject"; decision_state_words(): "keep watching" */
const char *decision_state_name(enum decision_state state);
const char *decision_state_words(enum decision_state state);

/** struct decision_settings - what is asked; borrowed */
struct decision_settings {
	const struct gate *gate;
	bool is_default;        /* the gate is that of DECISION_DEFAULT */
	bool ends_run;          /* the run was to end with it: --stop-when decided */
	double watch_at_least_s; /* before it may be promoted; 0: no such time */
	enum decision_state decided; /* by which the run was ended; NONE: it was not */
	const char *decided_why;     /* decision_why() of then */
};

/** struct decision_term - one term for one target */
struct decision_term {
	const char *term;            /* as written; borrowed from the gate */
	char target[GATE_NAME_TEXT]; /* "" for a value of the whole run */
	char allowed[GATE_NAME_TEXT];
	char shown[32], shown_low[32], shown_high[32]; /* with their units; "" if not known */
	double limit, value;         /* NaN: not known */
	struct interval interval;    /* 95 %; infinite: not known */
	uint64_t of, witnesses;      /* on how many it rests, and as how many these count; 0: not known */
	bool is_by_value;            /* there is no interval */
	enum decision_state state;
	double pairs_to_go; /* until this term is decided, if it goes on like this; 0: it is; infinite: not known, or never */
	const char *why;    /* static text: why the value is not known; NULL */
};

struct decision_made {
	enum decision_state state;
	enum looks looks; /* anytime if any target's are */
	const char *expression; /* borrowed from the gate */
	bool is_default, ends_run;
	uint64_t pairs; /* of the shadow that has most */
	double seconds; /* of the run */
	double watch_at_least_s;
	double pairs_to_go, seconds_to_go; /* infinite: not known, or never */
	const char *decided_why;           /* borrowed from the settings; NULL: it is as its rows say */
	struct decision_term rows[GATE_ROWS_MAX];
	size_t count;
};

/** decision_make() - of a report with its comparison, whole or with TALLY_FIGURES only */
void decision_make(const struct decision_settings *set, const struct json_doc *report, struct decision_made *out);

/** decision_json() - the value of the report's member "comparison.decision" */
void decision_json(const struct decision_made *d, struct json *j);

/* decision_text.c */

/** decision_why() - append the reason, one sentence without its full stop: which terms, and their intervals */
void decision_why(const struct decision_made *d, struct buffer *out);

/** decision_to_go_text() - append "about 3,100 pairs (21 min) to go"; nothing where neither is known, or nothing is to go */
void decision_to_go_text(double pairs, double seconds, struct buffer *out);

/** decision_sentence() - append all of it in one line: "decision: reject; mismatch > 0.5% is shown to hold: ..." */
void decision_sentence(const struct decision_made *d, struct buffer *out);

/** decision_short() - append "keep watching, about 3,100 pairs (21 min) to go", for a line that is redrawn */
void decision_short(const struct decision_made *d, struct buffer *out);

#endif
