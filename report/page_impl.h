/*
 * page_impl.h - the page, for the files that share the work
 *
 *   page.c          the order
 *   page_headline.c the verdict on top
 *   page_figures.c  the key figures under it
 *   page_run.c      from the wire to the shadow: the funnel, the targets, the capture, what was asked for
 *   page_runs.c     the runs that were added up
 *   page_compare.c  what the comparison with one target says
 *   page_against.c  what has changed since another run
 *   page_gate.c     what gate and decision asked, and did not ask
 *   page_explained.c ... of what requests have in common whose responses differ
 *   page_examples.c ... of a few pairs, side by side (body_lines.c)
 *   page_rules.c    ... of what rules left out, and of rules to write
 *   page_models.c   ... of what models decided, scored and streamed
 *   page_classes.c  ... of one class and another
 *   page_over_time.c ... in the course of the run
 */
#ifndef REPORT_PAGE_IMPL_H
#define REPORT_PAGE_IMPL_H

#include "report/decision.h"
#include "report/format.h"
#include "report/markup.h"
#include "report/view.h"

/* page.c */
/** page_is_shadow() - a target that is no control */
bool page_is_shadow(struct view target);
size_t page_shadow_count(struct view targets);
/** page_looks() - how often the intervals of a target may be looked at: "at one look", "at any time" */
const char *page_looks(struct view target);
/** page_pace_words() - "replayed as fast as possible", "replayed at 10 times the recorded pace" */
void page_pace_words(struct buffer *out, struct view report);

/* page_headline.c; @target: of comparison.targets, the first shadow, or nothing */
void page_headline(struct markup *p, struct view report, struct view target);
/**
 * page_words_alone() - only words of a language model tell whether this target agrees, and no control tells what
 * that means; as the gate has it
 */
bool page_words_alone(struct view target);
/** page_same_words() - of the generated texts, the share that is the same */
double page_same_words(struct view target);

/* page_figures.c */
/** page_requests_words() - "830 different requests of 190 clients" */
void page_requests_words(struct buffer *out, struct view target);
/** page_too_few() - is it so few that a percentage of them misleads? */
bool page_too_few(struct view count);
void page_tiles(struct markup *p, struct view report, struct view target);
/** page_shadows() - a row for each, where there are several: the figures below are about the first */
void page_shadows(struct markup *p, struct view report);

/* page_run.c; @report: the whole document */
void page_funnel(struct markup *p, struct view report, struct view comparison);
void page_targets(struct markup *p, struct view report);
void page_capture(struct markup *p, struct view report);
void page_configuration(struct markup *p, struct view report);

/* page_compare.c; @target: of comparison.targets */
void page_verdicts(struct markup *p, struct view target);
bool page_has_latency(struct view target);
void page_latency(struct markup *p, struct view target);
void page_paths(struct markup *p, struct view target);
void page_slices(struct markup *p, struct view target);

/* page_explained.c */
void page_explained(struct markup *p, struct view target);

/* page_examples.c */
void page_examples(struct markup *p, struct view target);

/** page_body() - a text of several lines, as it is, below @what; nothing if it is empty */
void page_body(struct markup *p, const char *what, struct view text);

/* body_lines.c */
struct body_lines {
	struct span *line; /* of @text */
	bool *differs;
	size_t count;
	struct buffer text;
};

/**
 * body_lines_pair() - two bodies as lines, indented if they look like JSON, and which of them the other does not have
 * Bodies may be cut. False when out of memory; body_lines_deinit() in any case.
 */
bool body_lines_pair(struct body_lines *a, struct span body_a, struct body_lines *b, struct span body_b);
void body_lines_deinit(struct body_lines *lines);

/* page_rules.c */
void page_ignored(struct markup *p, struct view target);
void page_proposals(struct markup *p, struct view target);
bool page_warns_of_ignored(struct view target);
/** page_ignored_sentence() - for the line at the top; nothing if nothing that is left out differs */
void page_ignored_sentence(struct buffer *out, struct view target);

/* page_gate.c */
void page_gate(struct markup *p, struct view report);
/** page_not_asked() - what is notable about a target and not in the gate's expression, with commas between */
void page_not_asked(struct buffer *out, struct view report, struct view target);

/** page_gate_value() - a share or a time, where the term was written as one */
void page_gate_value(struct buffer *out, struct view term, double value);

/* page_runs.c; of a report that was added up, of others nothing */
/** page_merge_warnings() - what of the runs does not go together */
void page_merge_warnings(struct markup *p, struct view report);
void page_runs(struct markup *p, struct view report);

/* page_against.c */
void page_against(struct markup *p, struct view report);

/* page_classes.c */
/** page_classes() - which class became which, and how often each agrees; within another section */
void page_classes(struct markup *p, struct view target);

/* page_over_time.c */
/** page_over_time() - of @target; nothing if all of it lies in one bin */
void page_over_time(struct markup *p, struct view report, struct view target);

/* page_models.c */
void page_decisions(struct markup *p, struct view target);
void page_streams(struct markup *p, struct view target);

void page_goodput(struct markup *p, struct view target);

/* page_outputs.c */
void page_outputs(struct markup *p, struct view target);

/** page_quantile_least() - answers that it takes so that "p99" is no other name for the longest */
uint64_t page_quantile_least(const char *name);

/** page_cell_quantile() - a time of an object of quantiles; what lies among the timeouts is said to be above them */
void page_cell_quantile(struct markup *p, struct view quantiles, const char *name);

#endif
