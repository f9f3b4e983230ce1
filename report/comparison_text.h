/* comparison_text.h - what --compare says on a terminal at the end of a run: a few lines for each target */
#ifndef REPORT_COMPARISON_TEXT_H
#define REPORT_COMPARISON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/span.h"
#include "compare/comparison.h"
#include "compare/tally/tally.h"

struct comparison_target {
	const char *name; /* borrowed */
	bool is_control;
	struct comparison_counts counts;
};

/** struct comparison_facts - everything borrowed during the call */
struct comparison_facts {
	const struct comparison_target *targets;
	size_t target_count;
	const struct tally *tally; /* of the same targets, in the same order */
	struct span unmatched;     /* rules that never matched, a line each */
	double speed;              /* times the recorded pace; 1 live */
	bool speed_max;            /* as fast as possible */
	bool has_report;           /* --report: no need to say that there is one */
	bool shows_grey;           /* the terminal draws what is not judged in grey */
};

/** comparison_text() - append the lines */
void comparison_text(const struct comparison_facts *f, struct buffer *out);

/**
 * comparison_so_far() - append "0.60% of 3,324 differ", for the line of progress; nothing before the first pair was compared
 * @excuses_words: without a control generated texts that differ are no mismatch
 */
void comparison_so_far(const struct comparison_counts *c, bool excuses_words, struct buffer *out);

#endif
