/*
 * document.h - the report: one JSON object that says all that a run has to say
 *
 * Text, pages and gates are made from it, months later and by newer versions
 * too, and several are added up to one (merge.h). So it is written in one place
 * from plain facts; docs/report.md says what each member means.
 */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/span.h"
#include "compare/tally/tally.h"
#include "report/all_failed.h"
#include "report/books.h"
#include "report/decision.h"
#include "report/gate.h"
#include "report/pace.h"
#include "report/provenance.h"

/** struct document_ramp - --ramp; shares of 1 */
struct document_ramp {
	double from, to, share;
	bool is_held;
	uint64_t held_times;
	double decide_within; /* seconds; 0: the pairs have no say */
	const char *evidence; /* what they say: "more", "enough", "promote", "reject" */
};

/** struct document_governor - --max-cpu */
struct document_governor {
	double limit; /* cores */
	uint64_t lowered_times;
	double factor; /* what is left of the sample, of 1 */
};

/** struct document_recording - -w */
struct document_recording {
	uint64_t flows, packets, bytes, forgotten, dropped;
};

/** struct document_comparison - --compare: its options, and what came of it */
struct document_comparison {
	double rtol, atol;
	const char *preset, *rules_path; /* NULL: none */
	struct span rules_text;          /* what that file says */
	struct document_texts ignore, unordered, slice_by;
	uint64_t max_answer; /* bytes */
	bool show_bodies;
	struct span unmatched; /* rules that never matched, a line each; while the run goes on empty */
	const struct tally *tally;
	const struct decision_settings *decision; /* NULL: none is made */
};

/** struct document_facts - what a report says; everything borrowed during the call */
struct document_facts {
	const char *version, *started; /* RFC 3339 */
	struct provenance provenance;
	double seconds;
	bool interrupted, dry_run;
	double speed; /* times the recorded pace; 1 live */
	bool speed_max;
	double sample;                            /* the share of requests that is mirrored, of 1 */
	const struct document_ramp *ramp;         /* NULL: none */
	const struct document_governor *governor; /* NULL: none */
	uint64_t config_read, config_refused;     /* times, by SIGHUP */
	const char *nothing_sent;                 /* the sentence, or NULL */
	const struct all_failed *all_failed;      /* one for each target, or NULL: the run goes on */
	uint64_t events_dropped, sink_requests;
	const struct document_recording *recording; /* NULL without -w */
	const struct pace *pace;                    /* NULL: no schedule */
	struct span warnings;                       /* a line each */
	const struct books *books;
	const struct document_comparison *comparison; /* NULL without --compare */
};

/** struct document_gate - --fail-on, and what it says to a report */
struct document_gate {
	const struct gate *gate; /* borrowed */
	struct gate_result result;
	int err; /* 0, or the negative errno for which the report could not be read; @result has not passed then */
};

/**
 * document_json() - append the report, one line
 * @out:   empty
 * @gate:  NULL: none; else it judges the report, whose last member says what came of it
 */
void document_json(const struct document_facts *f, struct document_gate *gate, struct buffer *out);

/**
 * document_decide() - the decision as things stand
 * @f:        with a comparison that has decision settings
 * @scratch:  for the figures it is made of; reused
 * Return: 0, or the negative errno for which there is none.
 */
int document_decide(const struct document_facts *f, struct buffer *scratch, struct decision_made *out);

/** document_decision() - the member "decision" of the comparison that is open, in a report that has all else it asks for */
void document_decision(struct json *j, const struct decision_settings *set);

/** document_end() - the end of every report, written or merged: @gate as above, the last bracket, a newline */
void document_end(struct json *j, struct document_gate *gate);

#endif
