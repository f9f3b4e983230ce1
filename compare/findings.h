/*
 * findings.h - what comparing finds, gathered by path, within bounds
 *
 * A comparer walks two values at once and tells the collector where it is, step
 * by step; that costs next to nothing. Only when something differs is the path
 * looked at. One thread at a time.
 */
#ifndef COMPARE_FINDINGS_H
#define COMPARE_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "compare/comparison.h"
#include "compare/outputs/outputs.h"
#include "compare/tolerance.h"

#define COLLECTOR_DEPTH 520 /* steps of a path: JSON_DEPTH_MAX, and a few */

/** struct step - of the path to where we are: the name of a member, or an index */
struct step {
	struct span key; /* borrowed; as it stands in the JSON text */
	uint32_t index;
	bool is_index, escaped; /* @escaped: the key has backslashes */
	uint64_t hash;          /* of the pattern up to here; valid below @hashed of the collector */
};

struct collector;

struct collector *collector_new(void); /* NULL when out of memory */
void collector_free(struct collector *c);

/** collector_clear() - forget everything, for the next pair; at the root of the value */
void collector_clear(struct collector *c);

void collector_enter_key(struct collector *c, struct span key, bool escaped);
void collector_enter_index(struct collector *c, uint32_t index);
void collector_leave(struct collector *c);

/** collector_index() - another element of the same array: the last step is an index */
void collector_index(struct collector *c, uint32_t index);

/**
 * collector_add() - something differs here
 * Return: the finding if this place is now its worst (the first is): the two values have to be written into it
 * with finding_text(). NULL: nothing to do.
 */
struct finding *collector_add(struct collector *c, enum difference_kind kind);

/** collector_add_numbers() - the same for two numbers, @kind being VALUE or CLOSE */
struct finding *collector_add_numbers(struct collector *c, enum difference_kind kind, const struct tolerance *t,
				      double production, double shadow);

/** collector_add_ignored() - something differs here that @rule (kept as it is) says not to look at */
struct finding *collector_add_ignored(struct collector *c, const char *rule);

/**
 * collector_add_at() - something differs at @pattern, a JSON pointer in which * is the index @index
 *
 * The pointer's root is where the collector is now. @pattern is borrowed until the next change.
 */
struct finding *collector_add_at(struct collector *c, enum difference_kind kind, const char *pattern, uint32_t index);

/** collector_is_at() - are we at @pattern, a JSON pointer in which * is any index? Keys with escapes are none of it */
bool collector_is_at(const struct collector *c, const char *pattern);

/** finding_text() - @text into one of the two values of a finding; cut, never inside of a UTF-8 sequence */
void finding_text(char out[FINDING_TEXT], struct span text);

/**
 * collector_output() - the output here differs as a whole
 * @kind:     CLOSE: no more than its rule allows; else what that makes of it
 * @badness:  greater is worse, from 0 on
 *
 * Return: as of collector_add().
 */
struct finding *collector_output(struct collector *c, enum difference_kind kind, enum output_kind output, double badness);

/** collector_outputs() - what outputs as a whole gave; to be added to */
struct outputs_found *collector_outputs(struct collector *c);

/** collector_judged() - an output was compared as a whole: a decision that agrees or not, and has no label */
void collector_judged(struct collector *c, bool agrees);

/** collector_reason() - what alone made the difference of this kind: a kind of output, as a word; NULL: not that alone */
const char *collector_reason(const struct collector *c, enum difference_kind kind);

/** collector_compared() - so many pairs of numbers were looked at as numbers */
void collector_compared(struct collector *c, uint64_t numbers);

/** collector_decision() - what the models said about one input; labels are cut at LABEL_TEXT; scores NaN: none */
void collector_decision(struct collector *c, struct span production, double production_score,
			struct span shadow, double shadow_score, bool agrees);

/** collector_verdict() - the worst of what was added, kept or not: from SCHEMA to EQUAL */
enum comparison_verdict collector_verdict(const struct collector *c);

/** collector_has() - was any difference of this kind added, kept or not? */
bool collector_has(const struct collector *c, enum difference_kind kind);

/** collector_ok() - false: memory ran out, and something is missing */
bool collector_ok(const struct collector *c);

/** collector_findings() - borrowed until the next change; schema first, then as DIFFERENCES has them */
struct findings collector_findings(struct collector *c);

#endif
