/*
 * plan.h - how many pairs it takes to tell whether a mismatch is below a limit
 *
 * Decided is what an anytime-valid bound proves (base/anytime.h), at 2.5 % a side:
 * below the limit, the shadow may be promoted, above it, it is rejected. A true mismatch near the limit takes long, and
 * one that is equal to it for ever; so a plan has a row for each of several.
 */
#ifndef APP_RUN_PLAN_H
#define APP_RUN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

#define PLAN_ALPHA    0.025
#define PLAN_ROWS_MAX 7

/** struct plan_facts - shares of 1; what is not known is NaN */
struct plan_facts {
	double limit;
	double expect;
	double pairs_per_second; /* that can be compared */
	double design_effect;    /* pairs that tell as much as one that is independent; at least 1 */
	uint64_t count, of;      /* mismatches and pairs that are there already; 0 of 0: none */
};

enum plan_end { PLAN_PROMOTE, PLAN_REJECT, PLAN_NEVER };

/** struct plan_row - if the true mismatch is @rate */
struct plan_row {
	double rate;
	enum plan_end end;
	uint64_t pairs; /* until then, from none; 0 of PLAN_NEVER */
	double seconds; /* NaN: not known */
	int is_expected;
};

/** plan_rows() - by ascending rate; the number of rows */
size_t plan_rows(const struct plan_facts *f, struct plan_row rows[PLAN_ROWS_MAX]);

/** plan_rest() - what it still takes, if pairs go on as those that are there; of PLAN_PROMOTE or PLAN_REJECT: 0 is decided */
struct plan_row plan_rest(const struct plan_facts *f);

/** plan_text() - for people; plan_json() - one object, with its newline */
void plan_text(const struct plan_facts *f, struct buffer *out);
void plan_json(const struct plan_facts *f, struct buffer *out);

#endif
