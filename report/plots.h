/*
 * plots.h - pictures of distributions, drawn as SVG into a page
 *
 * Only in HTML; what they show stands in the tables beside them as well.
 */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

#include "report/markup.h"

#define PLOT_P99_LEAST 100 /* answers, of fewer p99 is another name for the longest */

/**
 * plot_latencies() - two distributions of times over one logarithmic axis, each of area one, with a line at p99
 * @production, @shadow:  objects with "buckets" ([[bucket of base/histogram.h, count], ...]), "p50" and "p99"
 */
void plot_latencies(struct markup *p, struct view production, struct view shadow);

/**
 * plot_differences() - how much slower or faster the shadow was, pair by pair
 * @below, @above:  arrays of buckets: faster and slower
 */
void plot_differences(struct markup *p, struct view below, struct view above);

/** plot_bins() - two distributions over bins that divide 0..1, as shares; arrays of [bin, count] */
void plot_bins(struct markup *p, struct view production, struct view shadow, unsigned bins);

#endif
