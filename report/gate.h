/*
 * gate.h - --fail-on: the condition under which a run ends with exit status 3
 *
 * An expression says when to fail: terms "VALUE OP NUMBER" joined by `and` and
 * `or` (`and` binds tighter) and parentheses:
 *
 *     mismatch_upper > 0.5% or p99_ratio > 1.2 or compared < 1000
 *
 * Values of a target are looked up for each shadow target, and the term holds
 * if it holds for any; NAME: before a value names one target, a control too.
 *
 * A value may be unknown: nothing was compared, a quantile lies among the
 * timeouts, or a recording was replayed at another pace than its own and the
 * value is a latency (replay_speed.h). Such a term is neither true nor false, and
 * unless the others decide the expression without it, the gate fails and says what
 * is missing: a gate over no data must not pass in silence.
 */
#ifndef REPORT_GATE_H
#define REPORT_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_doc.h"
#include "base/span.h"

#define GATE_TERMS_MAX 32
#define GATE_DEPTH_MAX 16 /* parentheses in parentheses */
#define GATE_NAME_TEXT 64

struct gate;

/** gate_parse() - 0, -EINVAL (@error: what is wrong, and where) or -ENOMEM; @text is copied */
int gate_parse(struct span text, struct gate **out, struct buffer *error);
void gate_free(struct gate *g);

/** struct gate_failing - a term that made the gate fail, for one target */
struct gate_failing {
	const char *term;            /* as written; borrowed from the gate */
	char target[GATE_NAME_TEXT]; /* "" for a value of the whole run */
	double value;                /* NaN: not known */
	char shown[32];              /* the value with its unit: "4.41%", "12.3ms"; "" if not known */
	const char *why;             /* static text: why it is not known; NULL if it is */
};

#define GATE_ROWS_MAX 64

/** struct gate_row - a term and what it is for one target, whether the gate hangs on it or not */
struct gate_row {
	struct gate_failing is;       /* its @why is NULL where @outcome is not "not known" */
	char allowed[GATE_NAME_TEXT]; /* what lets it pass: "at most 0.5%" */
	const char *outcome;          /* "passes", "fails", "not known" */
};

struct gate_result {
	bool passed;
	struct gate_row rows[GATE_ROWS_MAX];
	size_t row_count;
	struct gate_failing failing[GATE_TERMS_MAX];
	size_t count;
};

/** gate_evaluate() - on a whole report, as written to --report FILE.json; a report without a comparison too */
void gate_evaluate(const struct gate *g, const struct json_doc *report, struct gate_result *out);

/** gate_json() - the value of the report's member "gate" */
void gate_json(const struct gate *g, const struct gate_result *r, struct json *j);

/** gate_sentence() - append one line for people, without a newline: passed, or which terms failed and by what */
void gate_sentence(const struct gate *g, const struct gate_result *r, struct buffer *out);

/** gate_values_text() - append the names of all values, comma-separated, for messages and documents */
void gate_values_text(struct buffer *out);

#endif
