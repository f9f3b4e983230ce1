/*
 * plots.c - see plots.h
 *
 * Theory of operation. A report's histogram has buckets of about 1.6 % each; a
 * plot has at most 96 columns. The counts of a bucket are spread evenly over
 * the columns that it covers, so that narrow columns show no comb. Shapes are
 * drawn into a box of 1000 by 100 units that the page stretches; the texts of
 * the axis are HTML, placed by percentages, since text in a stretched picture
 * is stretched too.
 */
#include "report/plots.h"

#include <math.h>

#include "base/histogram.h"
#include "report/format.h"

#define COLUMNS_MAX 96
#define COLUMNS_LEAST 16
#define COLUMN_LEAST 0.01 /* decades: below the width of a bucket there is nothing to see */
#define EDGE_SHARE 0.0005 /* what lies further out is drawn into the outermost columns */
#define BOX_WIDTH 1000.0
#define BOX_HEIGHT 100.0

struct axis {
	double low, high; /* decades (log10 of microseconds) */
	unsigned columns;
};

struct curve {
	double share[COLUMNS_MAX]; /* of all counts, in each column */
	double total;
};

static double decade(double us)
{
	return log10(us < 1 ? 1 : us);
}

static bool read_bucket(struct view pair, size_t *at, double *count)
{
	struct view_walk w = view_walk(pair);

	if (!view_next(&w) || view_number(w.value) < 0) /* scores below 0 have bins of negative numbers */
		return false;
	*at = (size_t)view_count(w.value);
	if (!view_next(&w) || *at >= HISTOGRAM_BUCKETS)
		return false;
	*count = (double)view_count(w.value);
	return true;
}

static double count_all(struct view buckets)
{
	double total = 0, count;
	size_t at;

	for (struct view_walk w = view_walk(buckets); view_next(&w);)
		if (read_bucket(w.value, &at, &count))
			total += count;
	return total;
}

/** widen() - the axis must show all of @buckets but @EDGE_SHARE at either end; they come in ascending order */
static void widen(struct axis *axis, struct view buckets)
{
	double total = count_all(buckets), seen = 0, count;
	size_t at;

	for (struct view_walk w = view_walk(buckets); view_next(&w);) {
		double d;

		if (!read_bucket(w.value, &at, &count))
			continue;
		d = decade((double)histogram_bucket_value(at));
		if (seen + count > total * EDGE_SHARE && d < axis->low)
			axis->low = d;
		if (seen < total * (1 - EDGE_SHARE) && d > axis->high)
			axis->high = d;
		seen += count;
	}
}

/** finish_axis() - margins, and columns that are wide enough to hold some of @count values each */
static void finish_axis(struct axis *axis, double count)
{
	double span, columns;

	axis->low -= 0.05;
	axis->high += 0.05;
	span = axis->high - axis->low;
	if (span < 0.5) {
		axis->low -= (0.5 - span) / 2;
		axis->high += (0.5 - span) / 2;
		span = 0.5;
	}
	columns = fmin(fmin(span / COLUMN_LEAST, COLUMNS_MAX), 5 * cbrt(count));
	axis->columns = columns > COLUMNS_LEAST ? (unsigned)columns : COLUMNS_LEAST;
}

static unsigned column_of(const struct axis *axis, double d)
{
	double at = (d - axis->low) / (axis->high - axis->low) * axis->columns;

	return at < 0 ? 0 : at >= axis->columns ? axis->columns - 1 : (unsigned)at;
}

static void spread(struct curve *curve, const struct axis *axis, size_t bucket, double count)
{
	double middle = (double)histogram_bucket_value(bucket);
	double half = middle < 2.0 * HISTOGRAM_SUB ? 0.5 : middle / (2.0 * HISTOGRAM_SUB) / 1.5;
	double low = decade(middle - half), high = decade(middle + half);
	double width = (axis->high - axis->low) / axis->columns;
	unsigned from = column_of(axis, low), to = column_of(axis, high);

	if (from == to || high <= low) {
		curve->share[from] += count;
		return;
	}
	for (unsigned i = from; i <= to; i++) {
		double a = axis->low + i * width, b = a + width;

		a = i == from || a < low ? low : a;
		b = i == to || b > high ? high : b;
		curve->share[i] += count * (b - a) / (high - low);
	}
}

static void make_curve(struct curve *curve, const struct axis *axis, struct view buckets)
{
	double count;
	size_t at;

	*curve = (struct curve){ .total = count_all(buckets) };
	for (struct view_walk w = view_walk(buckets); view_next(&w);)
		if (read_bucket(w.value, &at, &count))
			spread(curve, axis, at, count);
}

static double highest(const double *share, unsigned columns)
{
	double top = 0;

	for (unsigned i = 0; i < columns; i++)
		top = share[i] > top ? share[i] : top;
	return top;
}

/** draw() - a filled line through the middles of the columns, from @left to @left + @width of the box */
static void draw(struct markup *p, const char *class, const double *share, unsigned columns, double scale,
		 double left, double width)
{
	double step = width / columns;

	markup_raw(p, "<path class=\"%s\" d=\"M%.1f %.0f", class, left, BOX_HEIGHT);
	for (unsigned i = 0; i < columns; i++)
		markup_raw(p, "L%.1f %.2f", left + (i + 0.5) * step, BOX_HEIGHT - share[i] * scale);
	markup_raw(p, "L%.1f %.0fZ\"/>", left + width, BOX_HEIGHT);
}

static void draw_line(struct markup *p, const char *class, double x)
{
	markup_raw(p, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%.0f\"/>", class, x, x,
		   BOX_HEIGHT);
}

static void open_box(struct markup *p, const char *more, const char *what)
{
	markup_raw(p,
		   "<div class=\"plot\" role=\"img\" aria-label=\"%s\"><div class=\"area%s\"><svg viewBox=\"0 0 "
		   "%.0f %.0f\" "
		   "preserveAspectRatio=\"none\">",
		   what, more, BOX_WIDTH, BOX_HEIGHT);
}

static void open_axis(struct markup *p)
{
	markup_raw(p, "</svg></div><div class=\"axis\">");
}

static void close_box(struct markup *p)
{
	markup_raw(p, "</div></div>\n");
}

/** tick() - one that @may_go is left out where the page is narrow */
static void tick(struct markup *p, double percent, double us, bool may_go)
{
	markup_raw(p, "<span%s style=\"left:%.2f%%\">", may_go ? " class=\"m\"" : "", percent);
	format_time(p->out, us);
	markup_raw(p, "</span>");
}

/** ticks() - 1, 2, 5 of each decade while they are few, else 1 alone */
static void ticks(struct markup *p, const struct axis *axis)
{
	static const double steps[] = { 1, 2, 5 };
	double span = axis->high - axis->low;
	int count = span < 2.4 ? 3 : 1;

	for (int power = 0; power < 13; power++) {
		for (int i = 0; i < count; i++) {
			double us = steps[i] * pow(10, power), at = (log10(us) - axis->low) / span;

			if (at > 0.07 && at < 0.93)
				tick(p, at * 100, us, i > 0);
		}
	}
}

static double mark(const struct axis *axis, struct view us)
{
	double at = (decade(view_number(us)) - axis->low) / (axis->high - axis->low);

	return BOX_WIDTH * (at < 0 ? 0 : at > 1 ? 1 : at);
}

void plot_latencies(struct markup *p, struct view production, struct view shadow)
{
	struct view a = view_get(production, "buckets"), b = view_get(shadow, "buckets");
	struct axis axis = { 99, 0, 0 };
	struct curve one, two;
	double top = 0;

	if (!markup_is_html(p) || count_all(a) + count_all(b) == 0)
		return;
	widen(&axis, a);
	widen(&axis, b);
	finish_axis(&axis, (count_all(a) + count_all(b)) / 2);
	make_curve(&one, &axis, a);
	make_curve(&two, &axis, b);
	for (unsigned i = 0; i < axis.columns; i++) {
		one.share[i] /= one.total > 0 ? one.total : 1;
		two.share[i] /= two.total > 0 ? two.total : 1;
	}
	top = fmax(highest(one.share, axis.columns), highest(two.share, axis.columns));
	open_box(p, "", "distribution of latencies");
	draw(p, "fp", one.share, axis.columns, 94 / top, 0, BOX_WIDTH);
	draw(p, "fs", two.share, axis.columns, 94 / top, 0, BOX_WIDTH);
	if (one.total >= PLOT_P99_LEAST)
		draw_line(p, "lp", mark(&axis, view_get(production, "p99")));
	if (two.total >= PLOT_P99_LEAST)
		draw_line(p, "ls", mark(&axis, view_get(shadow, "p99")));
	open_axis(p);
	ticks(p, &axis);
	close_box(p);
}

void plot_differences(struct markup *p, struct view below, struct view above)
{
	struct axis axis = { 99, 0, 0 };
	struct curve faster, slower;
	double mirrored[COLUMNS_MAX], top, low;

	if (!markup_is_html(p) || count_all(below) + count_all(above) == 0)
		return;
	widen(&axis, below);
	widen(&axis, above);
	finish_axis(&axis, count_all(below) + count_all(above));
	low = axis.low; /* differences below it belong to the columns beside zero */
	make_curve(&faster, &axis, below);
	make_curve(&slower, &axis, above);
	for (unsigned i = 0; i < axis.columns; i++)
		mirrored[i] = faster.share[axis.columns - 1 - i];
	top = fmax(highest(faster.share, axis.columns), highest(slower.share, axis.columns));
	open_box(p, " low", "distribution of the differences");
	draw(p, "fg", mirrored, axis.columns, 94 / top, 0, BOX_WIDTH / 2);
	draw(p, "fs", slower.share, axis.columns, 94 / top, BOX_WIDTH / 2, BOX_WIDTH / 2);
	draw_line(p, "lz", BOX_WIDTH / 2);
	open_axis(p);
	tick(p, 50, 0, false);
	for (int power = (int)ceil(low + 0.15); power < axis.high; power++) {
		double at = (power - low) / (axis.high - low) * 50;

		if (at > 6 && at < 44) {
			/* on a phone two of them have room on either side of zero */
			bool may_go = axis.high - low > 2.5 && (power - (int)ceil(low + 0.15)) % 2 == 0;

			tick(p, 50 + at, pow(10, power), may_go);
			tick(p, 50 - at, -pow(10, power), may_go);
		}
	}
	close_box(p);
}

static void read_bins(struct view pairs, double *share, unsigned bins)
{
	double total = 0, count;
	size_t at;

	for (struct view_walk w = view_walk(pairs); view_next(&w);) {
		if (!read_bucket(w.value, &at, &count) || at >= bins)
			continue;
		share[at] += count;
		total += count;
	}
	for (unsigned i = 0; i < bins && total > 0; i++)
		share[i] /= total;
}

void plot_bins(struct markup *p, struct view production, struct view shadow, unsigned bins)
{
	double one[COLUMNS_MAX] = { 0 }, two[COLUMNS_MAX] = { 0 }, top;

	if (!markup_is_html(p) || bins == 0 || bins > COLUMNS_MAX)
		return;
	read_bins(production, one, bins);
	read_bins(shadow, two, bins);
	top = fmax(highest(one, bins), highest(two, bins));
	if (top <= 0)
		return;
	open_box(p, " low", "distribution of the scores");
	draw(p, "fp", one, bins, 94 / top, 0, BOX_WIDTH);
	draw(p, "fs", two, bins, 94 / top, 0, BOX_WIDTH);
	open_axis(p);
	for (int i = 1; i < 10; i += 2)
		markup_raw(p, "<span style=\"left:%d%%\">%.1f</span>", i * 10, i / 10.0);
	close_box(p);
}
