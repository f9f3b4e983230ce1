/*
 * merge.h - several reports as one: of the taps of one service, or of its days
 *
 * What is counted adds up, by whatever name: a counter that a later version
 * invents is added too. Times are merged bucket by bucket, so the quantiles
 * are those of all requests and no average of quantiles; comparisons by
 * tally_merge(). "started" is the earliest; "seconds" is how long at least one
 * tap ran: taps side by side count once, days one after the other add up.
 * What cannot be added and differs (versions, samples, options, addresses of a
 * target) is said in "warnings". The gate of a run belongs to it and is left out.
 */
#ifndef REPORT_MERGE_H
#define REPORT_MERGE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/json_doc.h"
#include "report/document.h"

#define MERGE_REPORTS_MAX 64

/**
 * report_merge() - append the merged report to @out, which is empty, as JSON and a newline
 * @docs: @n parsed reports, at least one; one alone is written again, as a check of its shape
 * @gate: NULL: none; else it judges the merged report, whose last member says what came of it
 * Return: 0, -EINVAL (@error: which report is damaged, and how), -E2BIG (more than MERGE_REPORTS_MAX) or -ENOMEM.
 * After an error @out may hold a part.
 */
int report_merge(const struct json_doc *docs, size_t n, struct document_gate *gate, struct buffer *out, struct buffer *error);

#endif
