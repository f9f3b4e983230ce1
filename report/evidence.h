/*
 * evidence.h - what a value of --fail-on rests on in a report, and where it may really be
 *
 * A report holds counts and buckets beside every value that can be judged, so the interval of a value is
 * computed again from them, at whatever level is asked for, and for as many pairs as one likes to imagine:
 * that is how it is foretold when a decision will be reached. What is not there (drift, shares of bytes) has no
 * interval, and is taken as it is.
 */
#ifndef REPORT_EVIDENCE_H
#define REPORT_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/json_doc.h"
#include "base/looks.h"
#include "report/gate_values.h"

/*
 * VALUE:    nothing to compute an interval from.
 * COUNT:    what only grows.
 * SHARE:    a count of a total.
 * PAIRED:   a difference of two shares of the same requests.
 * QUANTILE: of times.
 * RATIO:    of two quantiles.
 */
enum evidence_kind { EVIDENCE_VALUE, EVIDENCE_COUNT, EVIDENCE_SHARE, EVIDENCE_PAIRED, EVIDENCE_QUANTILE, EVIDENCE_RATIO };

/** struct spread - values, some below 0, some not known but above all others */
struct spread {
	struct histogram above, below;
	uint64_t timeouts;
};

struct evidence {
	enum evidence_kind kind;
	double value; /* as the report has it; of a bound ("mismatch_upper") that of what is bounded. NaN: not known */
	uint64_t of;  /* on how many it rests; 0: not known */
	uint64_t count;                                         /* SHARE, of @of */
	double deff;                                            /* ... its design effect, 1 if each is a witness */
	uint64_t both, only_production, only_shadow, neither;   /* PAIRED, of @of, with @deff; or only the control */
	double q;                                               /* QUANTILE, RATIO */
	struct spread *spread[2];                               /* own memory; RATIO: of the first over the second */
};

/** evidence_has_interval() - can reports hold what an interval of @v is computed from? */
bool evidence_has_interval(const struct gate_value *v);

/**
 * evidence_read() - what @v rests on in object @node of @report, 0 being the report itself
 *
 * What is missing or damaged makes it a VALUE. evidence_deinit() in every case.
 */
void evidence_read(const struct gate_value *v, const struct json_doc *report, uint32_t node, struct evidence *out);
void evidence_deinit(struct evidence *e);

/** evidence_witnesses() - as how many independent ones those count on which it rests; 0: not known */
uint64_t evidence_witnesses(const struct evidence *e);

/**
 * evidence_interval() - where the value is, if there were @scale times as many pairs, and the same shares of them
 *
 * A bound that is not known, or not asked for, is infinite; both of a VALUE or COUNT are.
 */
struct interval evidence_interval(const struct evidence *e, enum looks looks, struct tails tails, double scale);

#endif
