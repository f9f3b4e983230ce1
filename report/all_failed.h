/*
 * all_failed.h - the sentence for a target that not one request went well with
 *
 * A run over a dead, deaf or wrong shadow ends with totals like any other; a
 * reader of its last line alone, or of the top of its page, would not know.
 */
#ifndef REPORT_ALL_FAILED_H
#define REPORT_ALL_FAILED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "report/books.h"

/** struct all_failed - count is 0 unless all failed; free with all_failed_deinit() */
struct all_failed {
	uint64_t count;       /* of requests that were tried, or left out since the target could not be reached */
	struct buffer how;    /* "timed out after 300 ms" */
	struct buffer remedy; /* "raise -m, or look at the shadow" */
};

/**
 * all_failed_look() - did every exchange with @t end badly, and how?
 * @max_time_ns:     --max-time, for the words
 * @statuses_count:  a bad status is a failure; false where production is known to have answered alike
 */
void all_failed_look(const struct books_target *t, int64_t max_time_ns, bool statuses_count, struct all_failed *out);
void all_failed_deinit(struct all_failed *a);

/** all_failed_sentence() - append "all 80 timed out after 300 ms: raise -m, ..."; @names_target: and whose they are */
void all_failed_sentence(const struct all_failed *a, const struct books_target *t, bool names_target, struct buffer *out);

/** all_failed_json() - the member all_failed of an object that the caller has opened: those of @a with a count, by name */
void all_failed_json(const struct all_failed *a, const struct books *b, struct json *j);

#endif
